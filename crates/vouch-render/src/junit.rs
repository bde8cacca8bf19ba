//! A result as JUnit's XML, for what shows test results: tables are its cases.
//!
//! Main function: [`suites`]. A database is a suite; what is about no table is in a
//! suite of its own, named after the command. Invariant: a result that is not clean
//! has a case that is not passed.

use crate::text::clean;
use crate::time::rfc3339;
use std::collections::BTreeMap;
use vouch_report::{CheckStatus, Summary, TableCheck, TableState, Verdict};

/// What a case came to.
enum Outcome {
    Passed,
    Failed { kind: String, message: String, text: String },
    Broken { kind: String, message: String },
    Skipped { message: String },
}

struct Case {
    name: String,
    took_ms: u64,
    outcome: Outcome,
}

/// Cases by the name of their suite.
type Suites = BTreeMap<String, Vec<Case>>;

/// The result as a document of test suites, ending with a newline.
pub fn suites(summary: &Summary) -> String {
    let mut suites = Suites::new();
    match summary.coverage.gate() {
        Some(gate) => gate.checks.iter().for_each(|check| add(&mut suites, &check.schema, of_check(check))),
        None => of_tables(&mut suites, summary),
    }
    let own = suites.entry(format!("vouch {}", summary.command)).or_default();
    of_rest(own, summary);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&Case> = suites.values().flatten().collect();
    let took_ms = summary.finished_ms.saturating_sub(summary.started_ms);
    let name = format!("vouch {}", summary.command);
    open(&mut out, 0, "testsuites", &name, &all, &[("time", seconds(took_ms))]);
    for (name, cases) in &suites {
        let cases: Vec<&Case> = cases.iter().collect();
        let spent = seconds(cases.iter().map(|case| case.took_ms).sum());
        let at = rfc3339(summary.started_ms);
        open(&mut out, 1, "testsuite", name, &cases, &[("time", spent), ("timestamp", at)]);
        cases.iter().for_each(|case| write_case(&mut out, name, case));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn add(suites: &mut Suites, suite: &str, case: Case) {
    suites.entry(suite.to_owned()).or_default().push(case);
}

fn of_check(check: &TableCheck) -> Case {
    let (kind, message) = (check.status.name().to_owned(), check.reason.clone());
    let outcome = match check.status {
        CheckStatus::Valid => Outcome::Passed,
        CheckStatus::Skipped => Outcome::Skipped { message },
        CheckStatus::Mismatch | CheckStatus::Missing | CheckStatus::Extra => {
            let text = format!(
                "method {}\nexpected {} ({} rows)\nactual {} ({} rows)",
                check.method,
                check.expected,
                rows(check.rows_expected),
                check.actual,
                rows(check.rows)
            );
            Outcome::Failed { kind, message, text }
        }
        CheckStatus::Error | CheckStatus::Timeout | CheckStatus::NotRun => Outcome::Broken { kind, message },
    };
    Case { name: check.name.clone(), took_ms: check.took_ms, outcome }
}

fn rows(count: Option<u64>) -> String {
    count.map_or_else(|| "unknown".to_owned(), |count| count.to_string())
}

/// Tables that were compared between servers: a case for each replica.
fn of_tables(suites: &mut Suites, summary: &Summary) {
    for table in summary.coverage.tables() {
        let (suite, name) = table.table.split_once('.').unwrap_or(("", &table.table));
        for replica in &table.replicas {
            let kind = replica.state.name().to_owned();
            let message = format!(
                "{} changed, {} on the source only, {} on the replica only",
                replica.changed, replica.source_only, replica.replica_only
            );
            let outcome = match replica.state {
                TableState::Equal => Outcome::Passed,
                TableState::Differs => Outcome::Failed { kind, message, text: String::new() },
                TableState::Unproven | TableState::NotRun => Outcome::Broken { kind, message },
            };
            let took_ms = table.finished_ms.saturating_sub(table.started_ms);
            add(suites, suite, Case { name: format!("{name} on {}", replica.replica), took_ms, outcome });
        }
    }
}

/// What is about no table, and a case for the verdict, so that what was not clean never looks so.
fn of_rest(cases: &mut Vec<Case>, summary: &Summary) {
    let tables = summary.coverage.gate().is_some() || !summary.coverage.tables().is_empty();
    for finding in summary.findings.iter().filter(|finding| finding.location.table.is_none() || !tables) {
        let (kind, message) = (finding.code.name().to_owned(), finding.message.clone());
        let text = finding.location.file.as_ref().map(|place| place.file.clone()).unwrap_or_default();
        let outcome = Outcome::Failed { kind: kind.clone(), message, text };
        cases.push(Case { name: kind, took_ms: 0, outcome });
    }
    for failure in summary.errors.iter().filter(|failure| failure.location.table.is_none() || !tables) {
        let (kind, message) = (failure.code.name().to_owned(), failure.message.clone());
        cases.push(Case { name: kind.clone(), took_ms: 0, outcome: Outcome::Broken { kind, message } });
    }
    let kind = summary.verdict.name().to_owned();
    let message = format!("the verdict is {kind}");
    let outcome = match summary.verdict {
        Verdict::Clean(_) => Outcome::Passed,
        Verdict::Findings => Outcome::Failed { kind, message, text: String::new() },
        Verdict::Incomplete | Verdict::Interrupted(_) | Verdict::Bug => Outcome::Broken { kind, message },
    };
    cases.push(Case { name: "verdict".to_owned(), took_ms: 0, outcome });
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Text between tags or in an attribute: nothing in it is markup, nor a character that XML does not have.
fn escaped(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(clean).collect();
    let known = |c: char| if matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c };
    lines.join("\n").chars().map(known).fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            _ => out.push(c),
        }
        out
    })
}

fn open(out: &mut String, depth: usize, tag: &str, name: &str, cases: &[&Case], more: &[(&str, String)]) {
    let count = |which: fn(&Outcome) -> bool| cases.iter().filter(|case| which(&case.outcome)).count();
    out.push_str(&format!(
        "{:indent$}<{tag} name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        "",
        escaped(name),
        cases.len(),
        count(|outcome| matches!(outcome, Outcome::Failed { .. })),
        count(|outcome| matches!(outcome, Outcome::Broken { .. })),
        count(|outcome| matches!(outcome, Outcome::Skipped { .. })),
        indent = depth * 2
    ));
    for (key, value) in more {
        out.push_str(&format!(" {key}=\"{}\"", escaped(value)));
    }
    out.push_str(">\n");
}

fn write_case(out: &mut String, suite: &str, case: &Case) {
    out.push_str(&format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        escaped(suite),
        escaped(&case.name),
        seconds(case.took_ms)
    ));
    let result = match &case.outcome {
        Outcome::Passed => return out.push_str("/>\n"),
        Outcome::Failed { kind, message, text } => {
            format!("><failure type=\"{}\" message=\"{}\">{}</failure>", escaped(kind), escaped(message), escaped(text))
        }
        Outcome::Broken { kind, message } => {
            format!("><error type=\"{}\" message=\"{}\"/>", escaped(kind), escaped(message))
        }
        Outcome::Skipped { message } => format!("><skipped message=\"{}\"/>", escaped(message)),
    };
    out.push_str(&result);
    out.push_str("</testcase>\n");
}
