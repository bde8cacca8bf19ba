//! Members of Group Replication and Galera, which know themselves whether they may serve.

use super::opinion::Opinion;
use super::view::View;
use crate::facts::NodeFacts;
use vouch_report::Code;
use vouch_report::health::{Reason, Service, State};

const SYNCED: u64 = 4;
const DONOR: u64 = 2;

/// Why a member may not serve; `None` when it may, or is none.
pub fn opinion(view: &View<'_>, at: usize) -> Option<Opinion> {
    let node = &view.facts.nodes[at];
    group(node).or_else(|| galera(view, at))
}

fn group(node: &NodeFacts) -> Option<Opinion> {
    let state = node.group_state.as_deref()?;
    if node.group_quorum == Some(false) {
        return Some(Opinion::out(State::Down, Reason::new(Code::GroupNoQuorum, "the group has no majority")));
    }
    let reason = || Reason::new(Code::GroupMember, format!("group member is {state}"));
    match state {
        "ONLINE" => None,
        "RECOVERING" => Some(Opinion::out_now(State::Drain, reason())),
        _ => Some(Opinion::out_now(State::Down, reason())),
    }
}

fn galera(view: &View<'_>, at: usize) -> Option<Opinion> {
    let node = &view.facts.nodes[at];
    let state = node.galera_state?;
    if node.galera_primary == Some(false) {
        let reason = Reason::new(Code::GaleraNotPrimary, "not in the primary component");
        return Some(Opinion::out_now(State::Down, reason));
    }
    let others = view.facts.nodes.iter().enumerate();
    let only =
        !others.into_iter().any(|(other, facts)| other != at && facts.answers() && facts.galera_state == Some(SYNCED));
    match state {
        SYNCED => None,
        // A donor that is the last one left is better than nothing.
        DONOR if only => None,
        _ => {
            let reason = Reason::new(Code::GaleraState, format!("Galera state is {}", galera_name(state)));
            Some(Opinion::out_now(State::Drain, reason))
        }
    }
}

/// What a last donor is served with.
pub fn remark(view: &View<'_>, at: usize, _service: Service, opinion: &mut Opinion) {
    if view.facts.nodes[at].galera_state == Some(DONOR) {
        opinion.limit(50, Reason::new(Code::GaleraState, "the donor is the last node"));
    }
}

fn galera_name(state: u64) -> &'static str {
    match state {
        1 => "joining",
        2 => "donor",
        3 => "joined",
        _ => "unknown",
    }
}
