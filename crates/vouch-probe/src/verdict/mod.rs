//! The verdict: [`verdict`] turns facts, a policy and what is remembered into answers.
//!
//! Invariant: it is pure. The same arguments give the same answers, on any machine
//! and at any time, which is what makes a recorded verdict worth replaying.

mod backlog;
mod cluster;
mod floor;
mod lag;
mod opinion;
mod pair;
mod reach;
mod read;
mod replication;
mod settle;
mod tuning;
mod view;
mod write;

use crate::facts::Facts;
use crate::history::History;
use crate::policy::{Policy, Shape};
use view::View;
use vouch_report::Code;
use vouch_report::health::{Answer, Lag, LagUnknown, NodeHealth, NodeRole, Reason, Service, State, Transition};

/// What the facts come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// A judgement of each node, in the order of the facts.
    pub nodes: Vec<NodeHealth>,
    /// What changed against what was answered last.
    pub transitions: Vec<Transition>,
}

/// Judges the nodes. Returns the answers and what is to be remembered for the next time.
pub fn verdict(facts: &Facts, policy: &Policy, history: &History) -> (Verdict, History) {
    let view = View::new(facts, policy, history);
    let mut next = view.memory();
    let mut answers: Vec<[Answer; 2]> = match &policy.shape {
        Shape::Pool => pool(&view, &mut next),
        Shape::ActivePassive { own, peer } => pair::answers(&view, own, peer, &mut next),
    };
    if policy.shape == Shape::Pool {
        floor::keep(&view, &mut answers);
    }
    let transitions = note(&view, &answers, &mut next);
    let nodes = answers.into_iter().enumerate().map(|(at, answers)| health(&view, at, answers)).collect();
    (Verdict { nodes, transitions }, next)
}

fn pool(view: &View<'_>, next: &mut History) -> Vec<[Answer; 2]> {
    let answers = (0..view.facts.nodes.len()).map(|at| {
        Service::ALL.map(|service| {
            let opinion = match service {
                Service::Write => write::opinion(view, at),
                Service::Read => read::opinion(view, at),
            };
            settle::settle(view, at, service, opinion, next)
        })
    });
    let answers: Vec<[Answer; 2]> = answers.collect();
    let writer = answers.iter().position(|[write, _]| write.state.serves());
    if let Some(at) = writer {
        next.writer = Some(view.facts.nodes[at].name.clone());
    }
    answers
}

/// Remembers what is answered and tells what changed.
fn note(view: &View<'_>, answers: &[[Answer; 2]], next: &mut History) -> Vec<Transition> {
    let mut transitions = Vec::new();
    for (node, answers) in view.facts.nodes.iter().zip(answers) {
        for (service, answer) in Service::ALL.into_iter().zip(answers) {
            let Some(track) = next.tracks.get_mut(&(node.name.clone(), service)) else { continue };
            if track.shown != answer.state {
                let reason = answer.reasons.first().cloned().unwrap_or_else(|| Reason::new(Code::Healthy, "healthy"));
                let (from, to) = (track.shown, answer.state);
                let (at_ms, node) = (view.facts.at_ms, node.name.clone());
                transitions.push(Transition { at_ms, node, service, from, to, reason });
                track.shown = answer.state;
            }
        }
    }
    transitions
}

fn health(view: &View<'_>, at: usize, [write, read]: [Answer; 2]) -> NodeHealth {
    let node = &view.facts.nodes[at];
    NodeHealth {
        name: node.name.clone(),
        role: role(view, at),
        lag: view.lags.get(at).copied().unwrap_or(Lag::Unknown(LagUnknown::Starting)),
        sources: view.source_names(at),
        promotable: promotable(view, at, &read),
        write,
        read,
        backlog: backlog::of(view, at),
        reachable: node.answers(),
        drift: node.drift,
        version: node.version.clone(),
        probe_ms: node.took_ms,
        age_ms: node.age_ms,
        round: node.round,
    }
}

fn role(view: &View<'_>, at: usize) -> NodeRole {
    let node = &view.facts.nodes[at];
    let was_writer = !node.answers() && view.history.writer.as_deref() == Some(node.name.as_str());
    if view.candidates.contains(&at) || was_writer {
        NodeRole::Source
    } else if !node.channels.is_empty() || view.in_cluster(at) {
        NodeRole::Replica
    } else {
        NodeRole::Unknown
    }
}

/// A replica that has applied all it received, holds nothing of its own and is not kept out by an operator.
fn promotable(view: &View<'_>, at: usize, read: &Answer) -> bool {
    let node = &view.facts.nodes[at];
    let able = node.answers() && !node.channels.is_empty() && !view.candidates.contains(&at);
    let applied = node.channels.iter().all(|channel| {
        channel.sql == crate::facts::Thread::Yes && channel.drained != Some(false) && channel.delay_s == 0
    });
    let barred = matches!(read.state, State::Maint) || node.offline_mode == Some(true) || view.has_errant(at);
    able && applied && !barred && node.drift.unwrap_or(0) == 0
}
