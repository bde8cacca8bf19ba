//! What holds for every service: maintenance, stale facts, and looks that failed.

use super::opinion::{Call, Hold, Opinion, failure};
use super::view::View;
use crate::facts::{NodeFacts, Reach, Thread};
use vouch_report::Code;
use vouch_report::health::{Reason, State, seconds};

/// What to say without looking at roles; `None` when the node answers and may be used.
pub fn opinion(view: &View<'_>, at: usize) -> Option<Opinion> {
    let node = &view.facts.nodes[at];
    maintenance(node).or_else(|| stale(view, node)).or_else(|| failed(view, at)).or_else(|| offline(node))
}

fn maintenance(node: &NodeFacts) -> Option<Opinion> {
    let why = node.maintenance.as_ref()?;
    let reason = Reason::new(Code::Maintenance, why.as_str());
    Some(Opinion { call: Call::Maint, reasons: vec![reason], at_once: true })
}

fn stale(view: &View<'_>, node: &NodeFacts) -> Option<Opinion> {
    let old = node.reach != Reach::NotYet && node.age_ms > view.policy.stale_facts_ms;
    old.then(|| {
        let text = format!("facts are {} old", seconds(node.age_ms));
        Opinion::cannot_tell(Hold::No, Reason::new(Code::FactsStale, text))
    })
}

fn failed(view: &View<'_>, at: usize) -> Option<Opinion> {
    let node = &view.facts.nodes[at];
    let reason = failure(node)?;
    Some(match node.reach {
        // After a reload that changed its address, a node keeps its verdict until it has been looked at.
        Reach::NotYet
        | Reach::AuthFailed
        | Reach::HostBlocked
        | Reach::HostUnknown
        | Reach::Tls
        | Reach::ServerError => Opinion::cannot_tell(Hold::ForAWhile, reason),
        // A server that is full is at work: to fail it over would make things worse.
        Reach::TooMany => Opinion::cannot_tell(Hold::Always, reason),
        Reach::Refused | Reach::NoAnswer if others_reach(view, at) => {
            let text = format!("{}, and replicas still receive from it", reason.text);
            Opinion::cannot_tell(Hold::ForAWhile, Reason::new(Code::UnreachableFromProbe, text))
        }
        _ => Opinion::out(State::Down, reason),
    })
}

/// Whether the node has replicas in the pool, and all of them still receive from it.
fn others_reach(view: &View<'_>, at: usize) -> bool {
    let mut replicas = view.fresh_replicas_of(at).peekable();
    replicas.peek().is_some() && replicas.all(|channel| channel.io == Thread::Yes)
}

fn offline(node: &NodeFacts) -> Option<Opinion> {
    let off = node.offline_mode == Some(true);
    off.then(|| Opinion::out_now(State::Down, Reason::new(Code::OfflineMode, "offline_mode is on")))
}
