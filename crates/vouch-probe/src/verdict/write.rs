//! May a node take writes?

use super::opinion::{Hold, Opinion};
use super::view::View;
use super::{cluster, reach, tuning};
use vouch_report::Code;
use vouch_report::health::{Reason, Service, State};

/// What the facts say about writing to a node.
pub fn opinion(view: &View<'_>, at: usize) -> Opinion {
    let barred = reach::opinion(view, at).or_else(|| cluster::opinion(view, at)).or_else(|| not_writable(view, at));
    if let Some(opinion) = barred.or_else(|| not_alone(view, at)).or_else(|| disk_full(view, at)) {
        return opinion;
    }
    let mut opinion = Opinion::serve();
    semi_sync(view, at, &mut opinion);
    cluster::remark(view, at, Service::Write, &mut opinion);
    tuning::leftover_remark(view, at, &mut opinion);
    tuning::split_remark(view, &mut opinion);
    opinion
}

fn not_writable(view: &View<'_>, at: usize) -> Option<Opinion> {
    let node = &view.facts.nodes[at];
    let replica = !node.channels.is_empty();
    match node.writable() {
        None => {
            let reason = Reason::new(Code::NoPrivilege, "read_only could not be read");
            Some(Opinion::cannot_tell(Hold::ForAWhile, reason))
        }
        Some(false) => {
            let what = if node.super_read_only == Some(true) { "super_read_only is on" } else { "read_only is on" };
            let code = if replica { Code::IsReplica } else { Code::ReadOnly };
            let text = if replica { format!("replica, {what}") } else { what.to_owned() };
            Some(Opinion::out_now(State::Down, Reason::new(code, text)))
        }
        Some(true) if node.replication_denied => {
            let text = "whether it is a replica may not be looked at";
            Some(Opinion::cannot_tell(Hold::ForAWhile, Reason::numbered(Code::NoPrivilege, Some(node.errno), text)))
        }
        Some(true) if view.candidates.contains(&at) => None,
        Some(true) if replica => {
            Some(Opinion::out_now(State::Down, Reason::new(Code::IsReplica, "replica (read_only is off)")))
        }
        Some(true) => {
            let reason = Reason::new(Code::IsReplica, "not the primary member");
            Some(Opinion::out_now(State::Down, reason))
        }
    }
}

/// Of several that take writes the one keeps them that had them; nothing flips.
fn not_alone(view: &View<'_>, at: usize) -> Option<Opinion> {
    if view.in_cluster(at) {
        return None;
    }
    let name = &view.facts.nodes[at].name;
    let find = |holder: &str| view.facts.nodes.iter().position(|node| node.name == holder);
    let holder = view.history.writer.as_deref().and_then(|holder| Some((holder, find(holder)?)));
    let (code, what) = tuning::split_words(view);
    let (holder, other) = match holder {
        Some((holder, _)) if holder == name => return None,
        Some(holder) => holder,
        None if view.candidates.len() > 1 => {
            let text = format!("{what}, and nobody knows which had the writes");
            return Some(Opinion::out_now(State::Down, Reason::new(code, text)));
        }
        None => return None,
    };
    if view.candidates.contains(&other) {
        return Some(Opinion::out_now(State::Down, Reason::new(code, format!("{what}: {holder} keeps the writes"))));
    }
    let still_answered = view.history.serves(holder, Service::Write);
    (still_answered && !super::settle::will_be_out(view, other)).then(|| {
        let text = format!("{holder} has the writes and is not known to be gone");
        Opinion::out_now(State::Down, Reason::new(Code::SplitBrain, text))
    })
}

fn disk_full(view: &View<'_>, at: usize) -> Option<Opinion> {
    let full = view.facts.nodes[at].disk_full;
    full.then(|| Opinion::out(State::Drain, Reason::new(Code::DiskFull, "no space left on the server")))
}

fn semi_sync(view: &View<'_>, at: usize, opinion: &mut Opinion) {
    if let Some(waiting @ 1..) = view.facts.nodes[at].semi_sync_waiting {
        let text = format!("{waiting} commits wait for a replica");
        opinion.limit(50, Reason::new(Code::SemiSyncBlocked, text));
    }
}
