//! What a replica has received and not applied, and when that will be done: [`of`].

use super::view::View;
use crate::facts::{Facts, NodeFacts};
use crate::history::{History, Pace, Sample};
use vouch_report::health::Backlog;

/// How far apart the two looks are at least that a pace is taken from.
const APART_MS: u64 = 5_000;

/// The backlog of a node, all its channels together; `None` when it has no channel or does not tell.
pub fn of(view: &View<'_>, at: usize) -> Option<Backlog> {
    let node = &view.facts.nodes[at];
    let bytes = node.channels.iter().filter_map(|channel| channel.backlog_bytes).reduce(u64::saturating_add)?;
    let transactions = node.channels.iter().filter_map(|channel| channel.backlog_trx).reduce(u64::saturating_add);
    let pace = view.history.paces.get(&node.name);
    let eta_ms = pace.and_then(|pace| eta(pace, view.facts.at_ms, size(node)?));
    Some(Backlog { bytes, transactions, eta_ms })
}

/// Transactions tell better than bytes, of which the last relay log's are not all known.
fn size(node: &NodeFacts) -> Option<u64> {
    let sum = |figures: Vec<Option<u64>>| figures.into_iter().flatten().reduce(u64::saturating_add);
    let transactions = sum(node.channels.iter().map(|channel| channel.backlog_trx).collect());
    transactions.or_else(|| sum(node.channels.iter().map(|channel| channel.backlog_bytes).collect()))
}

/// When it is done at the pace since the older look; `None` while it does not shrink.
fn eta(pace: &Pace, now: u64, size: u64) -> Option<u64> {
    let done = pace.older.size.checked_sub(size).filter(|done| *done > 0)?;
    now.saturating_sub(pace.older.at_ms).checked_mul(size)?.checked_div(done)
}

/// Keeps two looks at each backlog for the next verdicts.
pub fn remember(facts: &Facts, next: &mut History) {
    for node in facts.nodes.iter().filter(|node| node.answers()) {
        let Some(size) = size(node).filter(|size| *size > 0) else {
            next.paces.remove(&node.name);
            continue;
        };
        let seen = Sample { at_ms: facts.at_ms, size };
        let pace = next.paces.entry(node.name.clone()).or_insert(Pace { older: seen, newer: seen });
        if facts.at_ms.saturating_sub(pace.newer.at_ms) >= APART_MS {
            *pace = Pace { older: pace.newer, newer: seen };
        }
    }
}
