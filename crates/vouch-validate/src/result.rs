//! From answers about tables to what is said of them: [`judge`].

use crate::ledger::Differing;
use crate::request::{Answer, Reading, Trouble};
use vouch_manifest::{Class, Method, RowFacts, TableFacts};
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

/// What an answer says of a table, and which parts of it differ. `definitions` tells whether definitions can be
/// compared.
pub fn judge(facts: &TableFacts, answer: &Answer, definitions: bool) -> (TableCheck, Differing) {
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
            let differing = Differing { rows: true, definition: true };
            (TableCheck { status, reason: message.clone(), ..check }, differing)
        }
    }
}

fn held(facts: &TableFacts, reading: &Reading, definitions: bool, check: TableCheck) -> (TableCheck, Differing) {
    let mut reasons = Vec::new();
    if let (Some(expected), Some(actual)) = (check.rows_expected, reading.rows)
        && expected != actual
    {
        reasons.push(format!("it has {actual} rows, and should have {expected}"));
    }
    // Where rows are counted and nothing else, that was said already.
    let counts_alone = check.method == Method::RowCount.name();
    if let Some(unlike) = &reading.unlike {
        reasons.push(format!("{unlike}, so its rows cannot be those of the manifest"));
    } else if check.expected != reading.value && (reasons.is_empty() || !counts_alone) {
        reasons.push(differing(facts, reading));
    }
    let rows = !reasons.is_empty();
    let definition = |digest: &Option<String>| digest.clone().filter(|_| definitions);
    let (wanted, found) = (definition(&facts.definition_digest), definition(&reading.definition_digest));
    let differs = wanted.is_some() && wanted != found;
    if differs {
        reasons.push("its columns or indexes are defined otherwise".to_owned());
    }
    let status = if reasons.is_empty() { CheckStatus::Valid } else { CheckStatus::Mismatch };
    let reason = reasons.join("; ");
    let check = TableCheck { status, actual: reading.value.clone(), rows: reading.rows, reason, ..check };
    (check, Differing { rows, definition: differs })
}

/// Most ranges that are named.
const RANGES_NAMED: usize = 3;

/// That rows differ, and where, as far as the digest tells.
fn differing(facts: &TableFacts, reading: &Reading) -> String {
    let (Some(wanted), Some(found)) = (&facts.row_facts, &reading.row_facts) else {
        return "its rows differ".to_owned();
    };
    let pairs = wanted.ranges.iter().zip(&found.ranges).enumerate();
    let places: Vec<usize> = pairs.filter(|(_, (wanted, found))| wanted != found).map(|(at, _)| at).collect();
    if places.is_empty() {
        return "its rows differ".to_owned();
    }
    let mut named: Vec<String> = places.iter().take(RANGES_NAMED).map(|&at| range(wanted, found, at)).collect();
    if let Some(more @ 1..) = places.len().checked_sub(RANGES_NAMED) {
        named.push(format!("{more} more"));
    }
    format!("its rows differ in {} of {} ranges: {}", places.len(), wanted.ranges.len(), named.join("; "))
}

fn range(wanted: &RowFacts, found: &RowFacts, at: usize) -> String {
    let rows = |facts: &RowFacts| facts.ranges.get(at).map_or(0, |range| range.rows);
    let (label, expected, actual) = (wanted.range_label(at), rows(wanted), rows(found));
    match expected == actual {
        true => format!("{label} ({expected} rows)"),
        false => format!("{label} ({actual} rows, and should have {expected})"),
    }
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
