//! The server sweep: the n-th statement of a run fails, for every n, and the run never looks better for it.
//!
//! A scenario in which *each* table has one drifted row is run once to count its
//! statements and to learn its findings. Then the n-th statement is denied, waits
//! too long for a lock, loses its connection, returns nothing, or returns one row
//! and a clean end. The last two imitate limits, hidden rows and privileges. A run
//! must never exit 0, and a finding may be missing only where an error or an
//! unproven item names its table.
//!
//! Put back, each of these faults made a sweep fail: an error of reading definitions that compares nothing instead,
//! and an error of listing views and routines that counts as "there are none", so that a signed manifest lacks them.
//!
//! By default a sample is run; with `VOUCH_SWEEP=full` every statement with every fault.

mod compare;
mod files;
mod gate;
mod health;

use crate::harness::Outcome;
use serde_json::Value;
use std::collections::BTreeSet;
use vouch_testkit::{FULL, Fault, Meddler, PASSWORD, Server};

/// The servers of a scenario, each behind a proxy that can spoil a statement.
pub struct Sweep<'a> {
    ways: Vec<Meddler>,
    account: &'static str,
    run: &'a dyn Fn(&[String]) -> Outcome,
}

/// One spoilt run, for messages.
struct Trial {
    way: usize,
    number: u64,
    fault: Fault,
}

impl<'a> Sweep<'a> {
    /// A sweep over the statements that `run` sends to the servers, given the addresses of the proxies.
    pub fn new(servers: &[&Server], run: &'a dyn Fn(&[String]) -> Outcome) -> Self {
        let ways = servers.iter().map(|server| Meddler::to_port(server.port()).unwrap()).collect();
        Sweep { ways, account: FULL, run }
    }

    /// The same by another account.
    pub fn by(self, account: &'static str) -> Self {
        Sweep { account, ..self }
    }

    fn go(&self) -> Outcome {
        let addresses: Vec<String> = self.ways.iter().map(|way| way.url(self.account, PASSWORD)).collect();
        (self.run)(&addresses)
    }

    /// A run that nothing disturbs, which must check everything.
    #[track_caller]
    pub fn calm(&self) -> Outcome {
        self.ways.iter().for_each(|way| way.plan(None));
        let calm = self.go();
        assert!(calm.errors().is_empty(), "{}", calm.stdout);
        calm
    }

    /// Runs undisturbed, then about `sample` times with a fault, each judged by `judge`, which
    /// returns what is wrong.
    #[track_caller]
    pub fn over(&self, sample: usize, judge: impl Fn(&Outcome, &Outcome) -> Option<String>) {
        let calm = self.calm();
        let counts: Vec<u64> = self.ways.iter().map(Meddler::statements).collect();
        let trials = trials(&counts, sample);
        assert!(trials.len() >= sample.min(counts.iter().sum::<u64>() as usize), "{counts:?}: {}", trials.len());
        let (mut wrong, mut spoilt_runs) = (Vec::new(), 0);
        for trial in &trials {
            self.ways.iter().for_each(|way| way.plan(None));
            self.ways[trial.way].plan(Some((trial.number, trial.fault)));
            let outcome = self.go();
            // A run that went another way may have sent fewer statements.
            let Some(spoilt) = self.ways[trial.way].spoilt() else { continue };
            spoilt_runs += 1;
            if let Some(why) = judge(&calm, &outcome) {
                let Trial { way, number, fault } = trial;
                wrong.push(format!("{fault:?} of statement {number} to server {way} ({spoilt}): {why}"));
            }
        }
        assert!(spoilt_runs * 10 >= trials.len() * 8, "only {spoilt_runs} of {} runs were spoilt", trials.len());
        assert!(wrong.is_empty(), "{} of {} spoilt runs:\n{}", wrong.len(), trials.len(), wrong.join("\n"));
    }
}

/// Whether everything is spoilt, and not a sample.
fn is_full() -> bool {
    std::env::var("VOUCH_SWEEP").is_ok_and(|value| value == "full")
}

/// Every statement with every fault, or a sample that is spread evenly over both.
fn trials(counts: &[u64], sample: usize) -> Vec<Trial> {
    let each = |way: usize, count: u64| {
        (1..=count).flat_map(move |number| Fault::ALL.map(|fault| Trial { way, number, fault }))
    };
    let all: Vec<Trial> = counts.iter().enumerate().flat_map(|(way, &count)| each(way, count)).collect();
    if is_full() {
        return all;
    }
    // Not a multiple of the number of faults, so that each fault has its turn.
    let step = (all.len() / sample.max(1)).max(1);
    let step = if step > 1 && step.is_multiple_of(Fault::ALL.len()) { step - 1 } else { step };
    all.into_iter().step_by(step).collect()
}

/// Findings as they must come again: code, table and key. Digests of rows are salted and differ between runs.
fn findings(outcome: &Outcome) -> BTreeSet<(String, String, String)> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let key = |finding: &Value| match finding["key"][0]["column"] == "row digest" {
        true => String::new(),
        false => finding["key"].to_string(),
    };
    let entry = |finding: &Value| (text(finding, "code"), text(finding, "table"), key(finding));
    outcome.findings().iter().map(entry).collect()
}

/// Whether an error or an item of the scope that was not verified names the table.
fn names(outcome: &Outcome, table: &str) -> bool {
    let errors = outcome.errors().iter().any(|error| error["table"] == table);
    let items = outcome.document["scope"]["not_verified"].as_array().map_or(&[][..], Vec::as_slice);
    errors || items.iter().any(|item| item["name"] == table && item["outcome"] == "unproven")
}

/// What is wrong with a spoilt run of a scenario in which every table differs.
pub fn no_better(calm: &Outcome, outcome: &Outcome) -> Option<String> {
    if outcome.code == 0 {
        return Some("exit 0".to_owned());
    }
    // Nothing was checked, and the run says why.
    let refused = outcome.findings().is_empty() && matches!(outcome.code, 2 | 3);
    if refused && (!outcome.errors().is_empty() || outcome.stderr.contains("vouch:")) {
        return None;
    }
    let missing: Vec<_> = findings(calm).difference(&findings(outcome)).cloned().collect();
    let silent = missing.into_iter().find(|(_, table, _)| !names(outcome, table));
    silent.map(|(code, table, key)| format!("exit {}, {code} of {table} {key} is gone without a word", outcome.code))
}
