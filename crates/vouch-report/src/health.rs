//! The words of a health verdict: [`Board`] holds what is answered about every node.
//!
//! A load balancer asks for one of two services, [`Service::Write`] or
//! [`Service::Read`], and gets an [`Answer`]. Invariant: lag is known with its
//! method or unknown with its reason, never a bare number.

use crate::Code;
use std::fmt;

/// What a load balancer should do with a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Serve.
    Up,
    /// Serve, with a lower weight.
    Degraded,
    /// No new connections; those that are open may go on.
    Drain,
    /// Out of service.
    Down,
    /// It cannot be known.
    #[default]
    Unknown,
    /// An operator took it out.
    Maint,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] = [State::Up, State::Degraded, State::Drain, State::Down, State::Unknown, State::Maint];

    /// `up`, `degraded`, `drain`, `down`, `unknown`, `maint`.
    pub fn name(self) -> &'static str {
        match self {
            State::Up => "up",
            State::Degraded => "degraded",
            State::Drain => "drain",
            State::Down => "down",
            State::Unknown => "unknown",
            State::Maint => "maint",
        }
    }

    /// Whether new connections are wanted.
    pub fn serves(self) -> bool {
        matches!(self, State::Up | State::Degraded)
    }
}

/// What a node is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Take writes.
    Write,
    /// Answer reads.
    Read,
}

impl Service {
    /// Both.
    pub const ALL: [Service; 2] = [Service::Write, Service::Read];

    /// `rw` or `ro`.
    pub fn name(self) -> &'static str {
        match self {
            Service::Write => "rw",
            Service::Read => "ro",
        }
    }
}

/// Where a figure of lag comes from, the most trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LagMethod {
    /// The age of the last heartbeat that was applied.
    Heartbeat,
    /// When the transaction that is being applied was committed on the source.
    Applier,
    /// The server's own figure of seconds behind.
    SecondsBehind,
}

impl LagMethod {
    /// `heartbeat`, `applier`, `seconds_behind`.
    pub fn name(self) -> &'static str {
        match self {
            LagMethod::Heartbeat => "heartbeat",
            LagMethod::Applier => "applier",
            LagMethod::SecondsBehind => "seconds_behind",
        }
    }
}

/// Why lag is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LagUnknown {
    /// The replica has lost its source.
    SourceUnreachable,
    /// The applier does not run.
    SqlStopped,
    /// The receiver does not run.
    IoStopped,
    /// It does not replicate.
    NotReplica,
    /// The account may not look.
    NoPrivilege,
    /// Clocks are too far apart.
    ClockSkew,
    /// The node does not answer.
    Unreachable,
    /// There is no figure yet.
    Starting,
}

impl LagUnknown {
    /// `source_unreachable`, `sql_stopped` and so on.
    pub fn name(self) -> &'static str {
        match self {
            LagUnknown::SourceUnreachable => "source_unreachable",
            LagUnknown::SqlStopped => "sql_stopped",
            LagUnknown::IoStopped => "io_stopped",
            LagUnknown::NotReplica => "not_replica",
            LagUnknown::NoPrivilege => "no_privilege",
            LagUnknown::ClockSkew => "clock_skew",
            LagUnknown::Unreachable => "unreachable",
            LagUnknown::Starting => "starting",
        }
    }
}

/// How far a replica is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// This far.
    Known {
        /// Milliseconds.
        ms: u64,
        /// Where the figure comes from.
        method: LagMethod,
    },
    /// It cannot be known.
    Unknown(LagUnknown),
}

impl Lag {
    /// Milliseconds, where known.
    pub fn known_ms(self) -> Option<u64> {
        match self {
            Lag::Known { ms, .. } => Some(ms),
            Lag::Unknown(_) => None,
        }
    }
}

impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lag::Known { ms, .. } => f.write_str(&seconds(*ms)),
            Lag::Unknown(reason) => write!(f, "unknown ({})", reason.name()),
        }
    }
}

/// Milliseconds as `95s` or `0.4s`.
pub fn seconds(ms: u64) -> String {
    if ms >= 10_000 || ms.is_multiple_of(1000) {
        format!("{}s", ms / 1000)
    } else {
        format!("{}.{}s", ms / 1000, ms % 1000 / 100)
    }
}

/// What a replica has received and not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Bytes of the source's binary log.
    pub bytes: u64,
    /// Transactions; `None` without GTIDs.
    pub transactions: Option<u64>,
    /// When all of it will be applied at the pace of the last seconds, in ms; `None` while it does not shrink.
    pub eta_ms: Option<u64>,
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes)?;
        if let Some(transactions) = self.transactions {
            write!(f, ", {transactions} transactions")?;
        }
        self.eta_ms.map_or(Ok(()), |ms| write!(f, ", done in about {}", seconds(ms)))
    }
}

/// Why an answer is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The stable code.
    pub code: Code,
    /// The server's error number, where there is one.
    pub number: Option<u64>,
    /// The circumstances in words, such as `lag 95s > 60s`.
    pub text: String,
}

impl Reason {
    /// A reason without an error number.
    pub fn new(code: Code, text: impl Into<String>) -> Reason {
        Reason { code, number: None, text: text.into() }
    }

    /// A reason with the server's error number; 0 counts as none.
    pub fn numbered(code: Code, number: Option<u64>, text: impl Into<String>) -> Reason {
        Reason { code, number: number.filter(|&number| number != 0), text: text.into() }
    }

    /// The code as protocols carry it: `sql_stopped` or `sql_stopped:1062`.
    pub fn tag(&self) -> String {
        let name = self.code.name().replace('-', "_");
        self.number.map_or(name.clone(), |number| format!("{name}:{number}"))
    }
}

/// What is answered about one service of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What to do.
    pub state: State,
    /// Share of its normal traffic, 0 to 100.
    pub weight: u8,
    /// Why, the decisive one first; never empty.
    pub reasons: Vec<Reason>,
    /// Since when it serves or does not, on the board's monotonic clock.
    pub since_ms: u64,
    /// Whether this is an earlier verdict that is kept, since nothing better is known.
    pub held: bool,
}

impl Answer {
    /// The decisive reason as protocols carry it.
    pub fn tag(&self) -> String {
        self.reasons.first().map_or_else(|| "healthy".to_owned(), Reason::tag)
    }

    /// The decisive reason in words.
    pub fn text(&self) -> &str {
        self.reasons.first().map_or("healthy", |reason| &reason.text)
    }
}

/// What a node is in its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeRole {
    /// It takes the writes.
    Source,
    /// It replicates.
    Replica,
    /// Neither can be said.
    Unknown,
}

impl NodeRole {
    /// `source`, `replica`, `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            NodeRole::Source => "source",
            NodeRole::Replica => "replica",
            NodeRole::Unknown => "unknown",
        }
    }
}

/// What is known and answered about one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeHealth {
    /// Its name in the pool.
    pub name: String,
    /// What it is.
    pub role: NodeRole,
    /// The answer to those who want to write.
    pub write: Answer,
    /// The answer to those who want to read.
    pub read: Answer,
    /// How far it is behind.
    pub lag: Lag,
    /// The names, or addresses outside the pool, that it replicates from.
    pub sources: Vec<String>,
    /// Whether it could take over the writes.
    pub promotable: bool,
    /// What it has still to apply; `None` when it does not replicate, or does not tell.
    pub backlog: Option<Backlog>,
    /// Whether it answers at all.
    pub reachable: bool,
    /// Rows that a comparison found to differ; `None` when none was made.
    pub drift: Option<u64>,
    /// Its version; empty when never reached.
    pub version: String,
    /// How long the last look took, in ms.
    pub probe_ms: u64,
    /// How old the facts are, in ms.
    pub age_ms: u64,
    /// How many times it has been looked at.
    pub round: u64,
}

impl NodeHealth {
    /// The answer about a service.
    pub fn answer(&self, service: Service) -> &Answer {
        match service {
            Service::Write => &self.write,
            Service::Read => &self.read,
        }
    }

    /// The answer that matters most for what the node is.
    pub fn main(&self) -> &Answer {
        if self.role == NodeRole::Source { &self.write } else { &self.read }
    }
}

/// A change of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When, on the board's monotonic clock.
    pub at_ms: u64,
    /// Which node.
    pub node: String,
    /// Which service.
    pub service: Service,
    /// From what.
    pub from: State,
    /// To what.
    pub to: State,
    /// Why.
    pub reason: Reason,
}

/// What is answered about all nodes at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// The moment, on a monotonic clock.
    pub at_ms: u64,
    /// The same moment as milliseconds since 1970, for showing alone.
    pub wall_ms: u64,
    /// The node that is spoken of when none is named.
    pub own: Option<String>,
    /// The nodes, in the order in which they were given.
    pub nodes: Vec<NodeHealth>,
    /// The last changes, the newest last.
    pub transitions: Vec<Transition>,
    /// How often the answers of each node have changed, in the order of the nodes.
    pub changes: Vec<u64>,
}

impl Board {
    /// The node of that name.
    pub fn node(&self, name: &str) -> Option<&NodeHealth> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The node that is meant by `name`; without one, the board's own, or the only one.
    pub fn meant(&self, name: Option<&str>) -> Option<&NodeHealth> {
        match (name.or(self.own.as_deref()), self.nodes.as_slice()) {
            (Some(name), _) => self.node(name),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_shows_its_code_and_number() {
        assert_eq!(Reason::numbered(Code::SqlStopped, Some(1062), "").tag(), "sql_stopped:1062");
        assert_eq!(Reason::numbered(Code::SqlStopped, Some(0), "").tag(), "sql_stopped");
    }

    #[test]
    fn seconds_are_short() {
        for (ms, text) in [(0, "0s"), (400, "0.4s"), (9_999, "9.9s"), (95_400, "95s")] {
            assert_eq!(seconds(ms), text);
        }
    }
}
