//! The server sweep: one statement of a run fails, each of them in turn, and the run never looks better for it.
//!
//! A scenario in which *each* table has one drifted row is run once to learn its
//! statements and its findings. Then one statement is denied, waits too long for a
//! lock, loses its connection, returns nothing, or returns one row and a clean end. The last two imitate limits, hidden rows and privileges. A run
//! must never exit 0, and a finding may be missing only where an error or an
//! unproven item names its table.
//!
//! Put back, each of these faults made a sweep fail: results that are taken as whole without a proof of how many rows
//! were sent, so that manifests without some rows and views were signed; an error of listing views and routines that
//! counts as "there are none"; and an error of reading definitions that compares nothing instead.
//!
//! By default each text is spoilt once per kind of fault; with `VOUCH_SWEEP=full` every statement by every fault.

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

/// One spoilt run: the `turn`-th statement of a text to a server.
struct Trial {
    way: usize,
    text: String,
    turn: u64,
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
        self.ways.iter().for_each(Meddler::watch);
        let calm = self.go();
        assert!(calm.errors().is_empty(), "{}", calm.stdout);
        calm
    }

    /// Runs undisturbed, then once for each trial, each judged by `judge`, which returns what is wrong.
    #[track_caller]
    pub fn over(&self, judge: impl Fn(&Outcome, &Outcome) -> Option<String>) {
        let calm = self.calm();
        let trials = trials(&self.ways);
        let (mut wrong, mut spoilt_runs) = (Vec::new(), 0);
        for trial in &trials {
            self.ways.iter().for_each(Meddler::watch);
            self.ways[trial.way].spoil(&trial.text, trial.turn, trial.fault);
            let outcome = self.go();
            // A run that went another way may have sent fewer statements.
            if !self.ways[trial.way].has_spoilt() {
                continue;
            }
            spoilt_runs += 1;
            if let Some(why) = judge(&calm, &outcome) {
                let Trial { way, text, turn, fault } = trial;
                wrong.push(format!("{fault:?} of statement {turn} of \"{text}\" to server {way}: {why}"));
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

/// Every statement with every fault that has an effect on it, or a sample that leaves no text out: its first answer
/// empty and cut, which nothing but a proof of what is complete can notice, and one of its statements failing.
fn trials(ways: &[Meddler]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (way, meddler) in ways.iter().enumerate() {
        for (at, (text, sent)) in (0..).zip(meddler.sent()) {
            let loud = Fault::ALL.into_iter().filter(|fault| !fault.is_silent());
            let faults: Vec<Fault> =
                Fault::ALL.into_iter().filter(|fault| sent.with_rows || !fault.is_silent()).collect();
            let chosen: Vec<(u64, Fault)> = match is_full() {
                true => (1..=sent.times).flat_map(|turn| faults.iter().map(move |fault| (turn, *fault))).collect(),
                // What is prepared is executed too.
                false if text.starts_with("PREPARE") => continue,
                false => {
                    let silent = faults.iter().filter(|fault| fault.is_silent()).map(|fault| (1, *fault));
                    let failing =
                        loud.cycle().nth(at % 3).map(|fault| (1 + vouch_convert::widen(at) % sent.times, fault));
                    silent.chain(failing).collect()
                }
            };
            trials.extend(chosen.into_iter().map(|(turn, fault)| Trial { way, text: text.clone(), turn, fault }));
        }
    }
    trials
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
