//! From a difference that is certain to a finding in words.

use crate::encode;
use crate::facts::{RowFacts, datum};
use crate::plan::TablePlan;
use crate::sandwich::Layers;
use std::collections::HashSet;
use vouch_report::{Code, Datum, Finding, KeyPart, Location, Proof, ValueDiff};

/// A row that differs while the source stood still.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its identity.
    pub identity: Vec<u8>,
    /// What the source has.
    pub source: Option<RowFacts>,
    /// What the replica has.
    pub replica: Option<RowFacts>,
    /// How it is proven, if it is.
    pub proof: Option<Proof>,
    /// As of which position of the source.
    pub position: String,
}

impl Seen {
    /// What a sandwich saw of the row; `locked` are the rows that a lock proved.
    pub fn new(identity: Vec<u8>, layers: &Layers, locked: &HashSet<Vec<u8>>) -> Self {
        Seen {
            source: layers.after.get(&identity).cloned(),
            replica: layers.replica.get(&identity).cloned(),
            proof: locked.contains(&identity).then(|| Proof::Proven { how: "shared lock".to_owned() }),
            position: layers.position.to_string(),
            identity,
        }
    }
}

/// The key of a row for a report: by its values where they were read, else by its
/// identity.
pub fn key_of(plan: &TablePlan, identity: &[u8], facts: Option<&RowFacts>) -> Vec<KeyPart> {
    let Some(values) = encode::decode(identity).filter(|_| plan.key.unique) else {
        let digest: String = identity.iter().map(|byte| format!("{byte:02x}")).collect();
        return vec![KeyPart { column: "row digest".to_owned(), value: digest.into() }];
    };
    let part = |(column, value): (&vouch_server::KeyColumn, &vouch_server::Value)| {
        let place = plan.reading.columns.iter().position(|name| *name == column.name);
        let shown = place.and_then(|at| facts?.values.get(at)?.clone());
        KeyPart { column: column.name.clone(), value: shown.unwrap_or_else(|| datum(value)) }
    };
    plan.key.columns.iter().zip(&values).map(part).collect()
}

/// The finding that a row amounts to. Of rows without a key it counts the copies
/// that one side has more.
pub fn of(plan: &TablePlan, replica: &str, seen: &Seen, proof: &Proof) -> Finding {
    let count = |facts: &Option<RowFacts>| facts.as_ref().map_or(0, |facts| facts.count);
    let (ours, theirs) = (count(&seen.source), count(&seen.replica));
    let code = match ours.cmp(&theirs) {
        std::cmp::Ordering::Greater => Code::RowSourceOnly,
        std::cmp::Ordering::Less => Code::RowReplicaOnly,
        std::cmp::Ordering::Equal => Code::RowChanged,
    };
    let columns = if code == Code::RowChanged { changed(plan, seen) } else { one_sided(plan, seen) };
    let mut finding = Finding::new(code, message(code, ours.abs_diff(theirs), &columns));
    finding.location = Location {
        table: Some(plan.label.clone()),
        replica: Some(replica.to_owned()),
        key: key_of(plan, &seen.identity, seen.source.as_ref().or(seen.replica.as_ref())),
        columns: if code == Code::RowChanged { columns } else { shown_only(columns) },
        file: None,
        chunk: None,
    };
    finding.proof = Some(proof.clone());
    finding.as_of = Some(seen.position.clone()).filter(|position| !position.is_empty());
    finding.count = ours.abs_diff(theirs).max(1);
    finding
}

fn message(code: Code, copies: u64, columns: &[ValueDiff]) -> String {
    let rows = if copies > 1 { format!("{copies} equal rows are") } else { "the row is".to_owned() };
    match code {
        Code::RowSourceOnly => format!("{rows} on the source and missing on the replica"),
        Code::RowReplicaOnly => format!("{rows} on the replica and missing on the source"),
        _ => {
            let names: Vec<&str> = columns.iter().map(|diff| diff.column.as_str()).collect();
            format!("the row differs in {}", names.join(", "))
        }
    }
}

fn shown(facts: &Option<RowFacts>, at: usize) -> Option<Datum> {
    facts.as_ref().and_then(|facts| facts.values.get(at)?.clone())
}

/// The columns whose digests differ, with both values where they are shown.
fn changed(plan: &TablePlan, seen: &Seen) -> Vec<ValueDiff> {
    let (Some(ours), Some(theirs)) = (&seen.source, &seen.replica) else { return Vec::new() };
    let differs = |at: &usize| ours.columns.get(*at) != theirs.columns.get(*at);
    let diff = |at: usize| ValueDiff {
        column: plan.reading.columns.get(at).cloned().unwrap_or_default(),
        source: shown(&seen.source, at),
        replica: shown(&seen.replica, at),
    };
    (0..ours.columns.len()).filter(differs).map(diff).collect()
}

/// All columns of a row that one side has alone.
fn one_sided(plan: &TablePlan, seen: &Seen) -> Vec<ValueDiff> {
    let diff = |(at, column): (usize, &String)| ValueDiff {
        column: column.clone(),
        source: shown(&seen.source, at),
        replica: shown(&seen.replica, at),
    };
    plan.reading.columns.iter().enumerate().map(diff).collect()
}

/// Of a row that one side has alone, only values that are shown are worth a line.
fn shown_only(columns: Vec<ValueDiff>) -> Vec<ValueDiff> {
    let all_shown = columns.iter().all(|diff| diff.source.is_some() || diff.replica.is_some());
    if all_shown { columns } else { Vec::new() }
}
