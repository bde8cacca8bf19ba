//! What the prober remembers from one verdict to the next: [`History`].
//!
//! Invariant: all times are of the prober's monotonic clock, so that a clock that
//! is set changes nothing; and each prober has a history of its own.

use crate::facts::facts;
use std::collections::BTreeMap;
use vouch_report::health::{Service, State};

facts! {
    /// What is remembered about one service of one node.
    Track {
        /// What was answered last.
        state: State,
        /// The weight that was answered last.
        weight: u8,
        /// Since when that state is answered.
        since_ms: u64,
        /// Good looks in a row.
        good: u32,
        /// Bad looks in a row.
        bad: u32,
        /// The look that was counted last.
        round: u64,
        /// When it last stopped serving.
        left_ms: Option<u64>,
        /// Since when nothing can be known.
        unknown_since_ms: Option<u64>,
        /// Whether it has been judged by facts at all.
        settled: bool,
        /// What was answered, the panic floor included.
        shown: State,
    } plus {}
}

impl Track {
    /// Whether it is in service.
    pub fn serves(&self) -> bool {
        self.state.serves()
    }

    /// Whether it is out of service because somebody decided so on facts.
    pub fn is_out(&self) -> bool {
        self.settled && matches!(self.state, State::Down | State::Drain)
    }
}

/// Who has the traffic of a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Active {
    /// Nobody yet.
    #[default]
    Nobody,
    /// The server that is preferred.
    Own,
    /// The other.
    Peer,
    /// It goes to the preferred one (`true`) or to the other; nobody gets new connections.
    Handover {
        /// Whether the preferred one gets it.
        to_own: bool,
        /// Since when.
        since_ms: u64,
    },
}

facts! {
    /// What is remembered about one server of a pair.
    Freshness {
        /// Whether it can take traffic, by looks that were counted.
        alive: bool,
        /// Whether it had everything when that could last be told; `None` when it never could.
        fresh: Option<bool>,
        /// Bad looks in a row.
        bad: u32,
        /// Good looks in a row.
        good: u32,
        /// The look that was counted last.
        round: u64,
    } plus {}
}

/// How much a replica had still to apply at some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at_ms: u64,
    /// Transactions, or bytes where those are not known.
    pub size: u64,
}

/// Two looks at a backlog, which tell how fast it shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The one to measure from.
    pub older: Sample,
    /// The one to measure from later.
    pub newer: Sample,
}

/// What is remembered about all nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Services of nodes.
    pub tracks: BTreeMap<(String, Service), Track>,
    /// The node that last took the writes.
    pub writer: Option<String>,
    /// When a replica lost its source.
    pub lost_source_ms: BTreeMap<String, u64>,
    /// How fast replicas apply what they have received.
    pub paces: BTreeMap<String, Pace>,
    /// Who has the traffic of a pair.
    pub active: Active,
    /// When that last changed.
    pub switched_ms: u64,
    /// The two servers of a pair: the preferred one, the other.
    pub pair: [Freshness; 2],
}

impl History {
    /// What is remembered about a service of a node.
    pub fn track(&self, node: &str, service: Service) -> Option<&Track> {
        self.tracks.get(&(node.to_owned(), service))
    }

    /// Whether a service of a node is in service.
    pub fn serves(&self, node: &str, service: Service) -> bool {
        self.track(node, service).is_some_and(Track::serves)
    }

    /// Forgets nodes that are not among `names`.
    pub fn keep_only(&mut self, names: &[String]) {
        self.tracks.retain(|(node, _), _| names.contains(node));
        self.lost_source_ms.retain(|node, _| names.contains(node));
        self.paces.retain(|node, _| names.contains(node));
    }
}
