//! The panic floor: when too few readers would be left, the best of the bad stay.

use super::view::View;
use crate::facts::Thread;
use vouch_report::Code;
use vouch_report::health::{Answer, Reason, State};

/// The weight of a node that is kept for want of a better one.
const LAST_RESORT: u8 = 10;

/// Puts readers back until the policy's least number serves, the least late first.
pub fn keep(view: &View<'_>, answers: &mut [[Answer; 2]]) {
    let serving = answers.iter().filter(|[_, read]| read.state.serves()).count();
    let missing = view.policy.min_ready.saturating_sub(serving);
    let mut soft: Vec<usize> = (0..answers.len()).filter(|at| is_soft(view, *at, &answers[*at][1])).collect();
    soft.sort_by_key(|at| badness(view, *at));
    for at in soft.into_iter().take(missing) {
        let read = &mut answers[at][1];
        let text = format!("kept, since no better reader is left: {}", read.text());
        read.reasons.insert(0, Reason::new(Code::PanicFloor, text));
        (read.state, read.weight) = (State::Degraded, LAST_RESORT);
    }
}

/// Whether a reader is out for a reason that is better than an outage.
fn is_soft(view: &View<'_>, at: usize, read: &Answer) -> bool {
    let soft = |reason: &Reason| {
        matches!(
            reason.code,
            Code::LagHigh | Code::SqlStopped | Code::IoStopped | Code::Stale | Code::Rising | Code::Drift
        )
    };
    view.facts.nodes[at].answers() && read.state == State::Drain && read.reasons.first().is_some_and(soft)
}

/// Known lag before unknown, running before stopped, less before more.
fn badness(view: &View<'_>, at: usize) -> (bool, bool, u64, usize) {
    let node = &view.facts.nodes[at];
    let stands = node.channels.iter().any(|channel| channel.sql != Thread::Yes);
    let lag = view.lags[at].known_ms();
    (stands, lag.is_none() && !node.channels.is_empty(), lag.unwrap_or(0), at)
}
