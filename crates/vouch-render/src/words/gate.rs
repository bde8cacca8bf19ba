//! The sentences about a server that was held against a manifest.
//!
//! Invariant: "proceed" is only said with how many tables were looked at, by what, and as of when.

use super::{NextStep, explain_step};
use crate::position::abbreviate;
use crate::text::{clip, counted, grouped};
use crate::time::span;
use std::collections::BTreeMap;
use vouch_convert::widen;
use vouch_report::{CheckStatus, GateCoverage, Summary, Verdict};

/// Most characters of a name.
const NAME_CHARS: usize = 120;

/// The result in one sentence.
pub(crate) fn headline(summary: &Summary) -> String {
    let Some(gate) = summary.coverage.gate() else { return "Nothing was looked at.".to_owned() };
    match summary.verdict {
        Verdict::Clean(_) => "Every table is what the manifest says: proceed.".to_owned(),
        Verdict::Interrupted(signal) => format!("Interrupted by signal {signal} before the end: halt. {}", tally(gate)),
        _ => format!("Not proven to be what the manifest says: halt. {}", tally(gate)),
    }
}

/// `1 mismatch, 2 missing, 5 valid.`
fn tally(gate: &GateCoverage) -> String {
    let of = |status: CheckStatus| {
        let count = gate.count(status);
        let name = status.name().to_lowercase().replace('_', " ");
        (count > 0).then(|| format!("{} {name}", grouped(count)))
    };
    let others = CheckStatus::ALL.into_iter().skip(1).chain([CheckStatus::Valid]);
    let parts: Vec<String> = others.filter_map(of).collect();
    if parts.is_empty() { "No table was looked at.".to_owned() } else { format!("Tables: {}.", parts.join(", ")) }
}

/// What the headline rests on.
pub(crate) fn looked_at(summary: &Summary) -> Vec<String> {
    let Some(gate) = summary.coverage.gate() else { return Vec::new() };
    let mut sentences = vec![amount(summary, gate), manifest(gate)];
    let server = summary.coverage.servers().first().map(|server| clip(&server.name, NAME_CHARS));
    let position = if gate.position.is_empty() {
        "without a position".to_owned()
    } else {
        format!("at {}", abbreviate(&gate.position))
    };
    if let Some(server) = server {
        sentences.push(format!("The server is {server}, {position} (gate: {}).", clip(&gate.gate, NAME_CHARS)));
    }
    sentences
}

fn amount(summary: &Summary, gate: &GateCoverage) -> String {
    let looked = widen(gate.checks.iter().filter(|check| check.attempts > 0).count());
    let mut methods: BTreeMap<&str, u64> = BTreeMap::new();
    for check in gate.checks.iter().filter(|check| check.attempts > 0) {
        *methods.entry(if check.method.is_empty() { "definition alone" } else { &check.method }).or_default() += 1;
    }
    let by: Vec<String> = methods.iter().map(|(method, count)| format!("{method} {}", grouped(*count))).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    let took = span(summary.finished_ms.saturating_sub(summary.started_ms));
    format!("{} looked at{by}, in {took}.", counted(looked, "table", "tables"))
}

fn manifest(gate: &GateCoverage) -> String {
    let signed = match &gate.signed_by {
        Some(key) => format!("signed by `{}`", clip(key, NAME_CHARS)),
        None => "NOT SIGNED".to_owned(),
    };
    let about = if gate.cluster.is_empty() {
        String::new()
    } else {
        format!(" of cluster {}, serial {}", clip(&gate.cluster, NAME_CHARS), gate.serial)
    };
    format!("Manifest {}{about}, {signed}.", clip(&gate.manifest_id, NAME_CHARS))
}

/// The commands to run next.
pub(super) fn next_steps(summary: &Summary) -> Vec<NextStep> {
    let finding = summary.findings.first().map(|finding| explain_step(finding.code));
    let error = summary.errors.first().map(|error| explain_step(error.code));
    finding.into_iter().chain(error).collect()
}
