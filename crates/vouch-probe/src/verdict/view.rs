//! How the nodes stand to each other at one moment: [`View`], made once for a verdict.

use super::lag;
use crate::facts::{ChannelFacts, Facts, NodeFacts, Thread};
use crate::history::History;
use crate::policy::Policy;
use vouch_report::health::Lag;
use vouch_server::gtid;

/// Facts, and what follows from them about the pool as a whole.
pub struct View<'a> {
    pub facts: &'a Facts,
    pub policy: &'a Policy,
    pub history: &'a History,
    /// How far each node is behind.
    pub lags: Vec<Lag>,
    /// The nodes that take writes and are nobody's replica.
    pub candidates: Vec<usize>,
    /// Whether the candidates are a ring.
    pub ring: bool,
}

impl<'a> View<'a> {
    pub fn new(facts: &'a Facts, policy: &'a Policy, history: &'a History) -> View<'a> {
        let lags = facts.nodes.iter().map(|node| lag::of(node, facts, policy)).collect();
        let mut view = View { facts, policy, history, lags, candidates: Vec::new(), ring: false };
        // What may not be looked at may be anybody's replica.
        let alone = |node: &NodeFacts| node.channels.is_empty() && !node.replication_denied;
        let free = |at: &usize| view.takes_writes(*at) && alone(&facts.nodes[*at]);
        let free: Vec<usize> = (0..facts.nodes.len()).filter(free).collect();
        if free.is_empty() {
            let writable: Vec<usize> = (0..facts.nodes.len()).filter(|at| view.takes_writes(*at)).collect();
            let ring: Vec<usize> = writable.iter().copied().filter(|at| view.feeds_itself(*at)).collect();
            let left = writable.into_iter().filter(|at| view.has_leftover_channels(*at)).collect();
            view.ring = !ring.is_empty();
            view.candidates = if view.ring { ring } else { left };
        } else {
            view.candidates = free;
        }
        view
    }

    /// Whether a node that was promoted still has the settings of the replica that it was: all its channels
    /// are stopped without an error, nothing that was received is left to apply, and none leads to a node
    /// that answers. An operator who runs STOP REPLICA and RESET REPLICA without ALL leaves it so.
    pub fn has_leftover_channels(&self, at: usize) -> bool {
        let is_left = |channel: &ChannelFacts| {
            let stopped = channel.io == Thread::No && channel.sql == Thread::No;
            let at_ease = channel.io_errno == 0 && channel.sql_errno == 0 && channel.drained != Some(false);
            let source_answers = self.node_of(channel).is_some_and(|source| self.facts.nodes[source].answers());
            stopped && at_ease && !source_answers
        };
        let channels = &self.facts.nodes[at].channels;
        !channels.is_empty() && channels.iter().all(is_left)
    }

    /// What is remembered, with the times at which replicas lost their sources brought up to date.
    pub fn memory(&self) -> History {
        let mut next = self.history.clone();
        for node in self.facts.nodes.iter().filter(|node| node.answers()) {
            if node.channels.iter().any(|channel| channel.io == Thread::Connecting) {
                next.lost_source_ms.entry(node.name.clone()).or_insert(self.facts.at_ms);
            } else {
                next.lost_source_ms.remove(&node.name);
            }
        }
        super::backlog::remember(self.facts, &mut next);
        next
    }

    fn takes_writes(&self, at: usize) -> bool {
        let node = &self.facts.nodes[at];
        let member = node.group_state.as_deref().is_none_or(|state| state == "ONLINE")
            && node.group_role.as_deref().is_none_or(|role| role == "PRIMARY");
        node.answers() && node.writable() == Some(true) && member
    }

    /// Whether following the sources of a node leads back to it.
    fn feeds_itself(&self, start: usize) -> bool {
        let mut at = start;
        for _ in 0..self.facts.nodes.len() {
            let Some(next) = self.facts.nodes[at].channels.iter().find_map(|channel| self.node_of(channel)) else {
                return false;
            };
            if next == start {
                return true;
            }
            at = next;
        }
        false
    }

    /// The node of the pool that a channel replicates from.
    pub fn node_of(&self, channel: &ChannelFacts) -> Option<usize> {
        self.facts.nodes.iter().position(|node| node.is(channel))
    }

    /// Whether every node has been identified, so that a source outside the pool can be told.
    pub fn all_identified(&self) -> bool {
        self.facts.nodes.iter().all(|node| !node.uuid.is_empty() || node.server_id != 0)
    }

    /// Names of what a node replicates from.
    pub fn source_names(&self, at: usize) -> Vec<String> {
        let name = |channel: &ChannelFacts| match self.node_of(channel) {
            Some(source) => self.facts.nodes[source].name.clone(),
            None => format!("{}:{}", channel.source_host, channel.source_port),
        };
        self.facts.nodes[at].channels.iter().map(name).collect()
    }

    /// The replicas in the pool that replicate from a node and answered since it was last asked.
    pub fn fresh_replicas_of(&self, at: usize) -> impl Iterator<Item = &ChannelFacts> {
        let node = &self.facts.nodes[at];
        let others = self.facts.nodes.iter().filter(|other| other.answers() && other.asked_ms >= node.asked_ms);
        others.flat_map(|other| &other.channels).filter(|channel| node.is(channel))
    }

    /// Whether a node is a member of a cluster that replicates by itself.
    pub fn in_cluster(&self, at: usize) -> bool {
        let node = &self.facts.nodes[at];
        node.group_state.is_some() || node.galera_state.is_some()
    }

    /// Whether a node has transactions of its own that the source lacks.
    pub fn has_errant(&self, at: usize) -> bool {
        let replica = &self.facts.nodes[at];
        let sources = self.candidates.iter().filter(|source| **source != at).map(|source| &self.facts.nodes[*source]);
        let lacks = |source: &NodeFacts| gtid::errant(&replica.executed, &replica.uuid, &source.executed) == Some(true);
        !self.ring && sources.into_iter().any(lacks)
    }

    /// Another node with the same `server_id`.
    pub fn double_of(&self, at: usize) -> Option<&NodeFacts> {
        let id = self.facts.nodes[at].server_id;
        let others = self.facts.nodes.iter().enumerate();
        others.filter(|(other, node)| *other != at && id != 0 && node.server_id == id).map(|(_, node)| node).next()
    }
}
