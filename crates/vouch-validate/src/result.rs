//! From answers about tables to what is said of them: [`judge`].

use crate::request::{Answer, Reading, Trouble};
use vouch_manifest::{Class, Method, TableFacts};
use vouch_report::{CheckStatus, Code, Failure, Finding, Location, TableCheck};

/// A table of a manifest with nothing known yet.
pub fn blank(facts: &TableFacts) -> TableCheck {
    let digest = facts.digest.as_ref().filter(|_| facts.class == Class::Verify);
    TableCheck {
        schema: facts.schema.clone(),
        name: facts.name.clone(),
        status: CheckStatus::NotRun,
        method: digest.map(|digest| digest.method.name().to_owned()).unwrap_or_default(),
        expected: digest.map(|digest| digest.value.clone()).unwrap_or_default(),
        actual: String::new(),
        rows_expected: facts.rows.filter(|_| facts.class == Class::Verify),
        rows: None,
        reason: String::new(),
        took_ms: 0,
        attempts: 0,
        at_ms: 0,
    }
}

/// What an answer says of a table. `definitions` tells whether definitions can be held against each other.
pub fn judge(facts: &TableFacts, answer: &Answer, definitions: bool) -> TableCheck {
    let check = TableCheck { took_ms: answer.took_ms, attempts: answer.attempts, ..blank(facts) };
    match &answer.result {
        Ok(reading) => held(facts, reading, definitions, check),
        Err((trouble, message)) => {
            let status = match trouble {
                Trouble::Missing => CheckStatus::Missing,
                Trouble::Timeout => CheckStatus::Timeout,
                Trouble::Error => CheckStatus::Error,
                Trouble::NotRun => CheckStatus::NotRun,
            };
            TableCheck { status, reason: message.clone(), ..check }
        }
    }
}

fn held(facts: &TableFacts, reading: &Reading, definitions: bool, check: TableCheck) -> TableCheck {
    let mut reasons = Vec::new();
    if let (Some(expected), Some(actual)) = (check.rows_expected, reading.rows)
        && expected != actual
    {
        reasons.push(format!("it has {actual} rows, and should have {expected}"));
    }
    // Where rows are counted and nothing else, that was said already.
    if check.expected != reading.value && (reasons.is_empty() || check.method != Method::RowCount.name()) {
        reasons.push("its rows differ".to_owned());
    }
    let definition = |digest: &Option<String>| digest.clone().filter(|_| definitions);
    let (wanted, found) = (definition(&facts.definition_digest), definition(&reading.definition_digest));
    if wanted.is_some() && wanted != found {
        reasons.push("its columns or indexes are defined otherwise".to_owned());
    }
    let status = if reasons.is_empty() { CheckStatus::Valid } else { CheckStatus::Mismatch };
    TableCheck { status, actual: reading.value.clone(), rows: reading.rows, reason: reasons.join("; "), ..check }
}

fn place(check: &TableCheck) -> Location {
    Location { table: Some(check.label()), ..Location::default() }
}

/// The finding in a table, if there is one.
pub fn finding(check: &TableCheck) -> Option<Finding> {
    let code = match check.status {
        CheckStatus::Mismatch => Code::TableMismatch,
        CheckStatus::Missing => Code::TableMissing,
        CheckStatus::Extra => Code::TableExtra,
        _ => return None,
    };
    Some(Finding { location: place(check), ..Finding::new(code, check.reason.clone()) })
}

/// The failure to look at a table, if there is one.
pub fn failure(check: &TableCheck) -> Option<Failure> {
    let code = match check.status {
        CheckStatus::Timeout => Code::TableTimeout,
        CheckStatus::Error => Code::TableFailed,
        _ => return None,
    };
    Some(Failure { location: place(check), ..Failure::new(code, check.reason.clone()) })
}
