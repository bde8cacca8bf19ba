//! May a node answer reads?

use super::opinion::{Hold, Opinion};
use super::view::View;
use super::{cluster, reach, replication, tuning};
use vouch_report::Code;
use vouch_report::health::{Reason, Service, State};

/// What the facts say about reading from a node.
pub fn opinion(view: &View<'_>, at: usize) -> Opinion {
    let barred = reach::opinion(view, at).or_else(|| cluster::opinion(view, at));
    if let Some(opinion) = barred.or_else(|| drift(view, at)) {
        return opinion;
    }
    let mut opinion = if view.candidates.contains(&at) {
        source(view, at)
    } else if view.in_cluster(at) && view.facts.nodes[at].channels.is_empty() {
        Opinion::serve()
    } else {
        replica(view, at)
    };
    cluster::remark(view, at, Service::Read, &mut opinion);
    tuning::remarks(view, at, &mut opinion);
    opinion
}

fn drift(view: &View<'_>, at: usize) -> Option<Opinion> {
    let rows = view.facts.nodes[at].drift.filter(|rows| *rows > 0)?;
    let drain = view.policy.on_drift == crate::policy::OnDrift::Drain;
    drain.then(|| Opinion::out_now(State::Drain, tuning::drift_reason(rows)))
}

fn source(view: &View<'_>, at: usize) -> Opinion {
    if !view.policy.source_reads {
        return Opinion::out_now(State::Drain, Reason::new(Code::SourceSpared, "the source takes no reads"));
    }
    let name = &view.facts.nodes[at].name;
    let holder = view.history.writer.as_ref().filter(|holder| *holder != name);
    let split = holder.filter(|holder| view.candidates.iter().any(|other| view.facts.nodes[*other].name == **holder));
    match split {
        Some(holder) if !view.in_cluster(at) => {
            let (code, what) = tuning::split_words(view);
            Opinion::out_now(State::Drain, Reason::new(code, format!("{what}: {holder} keeps the writes")))
        }
        _ => Opinion::serve(),
    }
}

fn replica(view: &View<'_>, at: usize) -> Opinion {
    let node = &view.facts.nodes[at];
    if node.replication_denied && view.lags[at].known_ms().is_none() {
        let reason = Reason::numbered(Code::NoPrivilege, Some(node.errno), "replication may not be looked at");
        return Opinion::cannot_tell(Hold::ForAWhile, reason);
    }
    if node.channels.is_empty() && !node.replication_denied {
        let text = "read only, and replicates from nobody";
        return Opinion::out_now(State::Down, Reason::new(Code::Orphan, text));
    }
    if let Some(double) = view.double_of(at) {
        let text = format!("same server_id {} as {}", node.server_id, double.name);
        return Opinion::out_now(State::Drain, Reason::new(Code::DuplicateServerId, text));
    }
    replication::opinion(view, at)
}
