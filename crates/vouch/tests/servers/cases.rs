//! Every table that comparisons get wrong, from `vouch_testkit::cases`: equal
//! before its drift, and after it exactly the rows that it expects.

use crate::harness::{Outcome, Vouch, full, on_both};
use std::time::Duration;
use vouch_testkit::cases::{self, Case};
use vouch_testkit::{Expected, FULL, PASSWORD, RowKey, Topology, mismatches};

#[test]
fn every_case_is_equal_and_then_found() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let cases = cases::all(flavor);
        for case in &cases {
            case.create(topology.source()).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        }
        topology.wait_in_sync(Duration::from_secs(60)).unwrap();
        cases.iter().for_each(|case| case.set_up(topology.replica(0)).unwrap());
        let mut wrong = Vec::new();
        for digest in ["stream", "sha2", "crc"] {
            wrong.extend(alarms(&cases, &look(&topology, digest), digest));
        }
        cases.iter().for_each(|case| case.drift(topology.replica(0)).unwrap());
        for digest in ["stream", "sha2", "crc"] {
            wrong.extend(misses(&cases, &look(&topology, digest), digest));
        }
        assert!(wrong.is_empty(), "{} on {}:\n{}", wrong.len(), flavor.name(), wrong.join("\n"));
    });
}

/// The replica is reached over its socket, and the source by TCP, inside TLS where it offers that, as MySQL does.
fn look(topology: &Topology, digest: &str) -> Outcome {
    let replica = topology.replica(0).socket_dsn(FULL, PASSWORD);
    let vouch = Vouch::compare().source(&full(topology.source())).replica(&replica);
    vouch.args(&["--digest", digest, "--confirm-after", "200ms"]).run()
}

fn label(case: &Case) -> String {
    format!("{}.{}", case.database, case.table)
}

/// What is said about tables that are equal, and tables of which nothing is said.
fn alarms(cases: &[Case], outcome: &Outcome, digest: &str) -> Vec<String> {
    let mut wrong: Vec<String> = outcome.findings().iter().map(|finding| format!("alarm: {finding}")).collect();
    wrong.extend(outcome.errors().iter().map(|error| format!("error: {error}")));
    wrong.extend(uncovered(cases, outcome));
    if outcome.code != 0 {
        wrong.push(format!("exit code {} in place of 0: {}", outcome.code, outcome.stderr));
    }
    wrong.into_iter().map(|line| format!("{digest}, equal: {line}")).collect()
}

/// Cases that were not compared to the end.
fn uncovered(cases: &[Case], outcome: &Outcome) -> Vec<String> {
    let names = outcome.table_names();
    let missing = cases.iter().map(label).filter(|label| !names.contains(&label.as_str()));
    let mut wrong: Vec<String> = missing.map(|label| format!("not compared: {label}")).collect();
    let states = outcome.states();
    wrong.extend(states.iter().filter(|state| *state == "unproven" || *state == "not-run").cloned());
    wrong.extend(outcome.skips().iter().map(|skip| format!("skip: {skip}")));
    wrong
}

/// What is missing and what is too many once every table differs.
fn misses(cases: &[Case], outcome: &Outcome, digest: &str) -> Vec<String> {
    let mut wrong = uncovered(cases, outcome);
    wrong.extend(outcome.errors().iter().map(|error| format!("error: {error}")));
    for case in cases {
        let found = comparable(&case.expected, outcome.rows(&label(case)));
        wrong.extend(mismatches(&case.expected, &found).into_iter().map(|line| format!("{}: {line}", case.name)));
    }
    let others = outcome.findings().iter().filter(|f| !f["code"].as_str().is_some_and(|code| code.starts_with("row-")));
    wrong.extend(others.map(|finding| format!("not of a row: {finding}")));
    if outcome.code != 1 {
        wrong.push(format!("exit code {} in place of 1: {}", outcome.code, outcome.stderr));
    }
    wrong.into_iter().map(|line| format!("{digest}, drifted: {line}")).collect()
}

/// A row without a key has no columns that could differ.
fn comparable(expected: &[Expected], mut found: Vec<Expected>) -> Vec<Expected> {
    if expected.iter().any(|row| row.key == RowKey::Multiset) {
        found.iter_mut().for_each(|row| row.columns.clear());
    }
    found
}
