//! What lowers the weight of a node that serves, or is worth saying about it.

use super::opinion::{Call, Opinion};
use super::view::View;
use crate::facts::Reach;
use vouch_report::Code;
use vouch_report::health::{Reason, seconds};

/// Lowers weights and adds remarks.
pub fn remarks(view: &View<'_>, at: usize, opinion: &mut Opinion) {
    let node = &view.facts.nodes[at];
    if !matches!(opinion.call, Call::Serve(_)) {
        return;
    }
    warm_up(view, at, opinion);
    backlog(view, at, opinion);
    if let Some(rows @ 1..) = node.drift {
        opinion.remark(drift_reason(rows));
    }
    if view.has_errant(at) {
        opinion.remark(Reason::new(Code::ErrantTransactions, "has transactions that the source lacks"));
    }
    leftover_remark(view, at, opinion);
    if node.channels.is_empty() && view.candidates.contains(&at) {
        split_remark(view, opinion);
    }
    if node.admin_port && node.reach == Reach::Answers {
        opinion.remark(Reason::new(Code::TooManyConnections, "only the admin port takes connections"));
    }
}

fn warm_up(view: &View<'_>, at: usize, opinion: &mut Opinion) {
    let span = view.policy.warm_up_ms;
    let Some(up_ms) = view.facts.nodes[at].uptime_s.map(|s| s.saturating_mul(1000)).filter(|up_ms| *up_ms < span)
    else {
        return;
    };
    let steps = up_ms.saturating_mul(10).checked_div(span).unwrap_or(10).clamp(1, 10);
    let weight = u8::try_from(steps.saturating_mul(10)).unwrap_or(100);
    opinion.limit(weight, Reason::new(Code::WarmingUp, format!("up for {}", seconds(up_ms))));
}

fn backlog(view: &View<'_>, at: usize, opinion: &mut Opinion) {
    let Some(most) = view.policy.max_backlog else { return };
    if let Some(backlog) = super::backlog::of(view, at).filter(|backlog| backlog.bytes > most) {
        opinion.limit(50, Reason::new(Code::RelayBacklog, format!("received and not applied: {backlog}")));
    }
}

/// Rows that a comparison found to differ.
pub fn drift_reason(rows: u64) -> Reason {
    Reason::new(Code::Drift, format!("{rows} rows differ from the source"))
}

/// Says of a promoted node that it still has the settings of a replica.
pub fn leftover_remark(view: &View<'_>, at: usize, opinion: &mut Opinion) {
    if view.candidates.contains(&at) && view.has_leftover_channels(at) {
        let text = "promoted, with the settings of a replica left: RESET REPLICA ALL removes them";
        opinion.remark(Reason::new(Code::LeftoverReplication, text));
    }
}

/// What several nodes that take writes are called.
pub fn split_words(view: &View<'_>) -> (Code, &'static str) {
    if view.ring {
        (Code::Ring, "ring with several writable nodes")
    } else {
        (Code::SplitBrain, "several writable nodes")
    }
}

/// Says of the one that keeps the writes that others take them too.
pub fn split_remark(view: &View<'_>, opinion: &mut Opinion) {
    let cluster = view.candidates.iter().any(|at| view.in_cluster(*at));
    if view.candidates.len() > 1 && !cluster {
        let (code, what) = split_words(view);
        opinion.remark(Reason::new(code, what));
    }
}
