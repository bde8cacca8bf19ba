//! What the operator wants: [`Policy`], the thresholds by which facts become verdicts.

/// What is done about rows that a comparison found to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDrift {
    /// Say so.
    Warn,
    /// Take the node out.
    Drain,
}

/// What happens when nothing has been known for longer than the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknown {
    /// The node is answered as unknown, which serves nobody.
    Unknown,
    /// The last verdict stays.
    Keep,
}

/// How the nodes belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A source and its replicas, a group, or a cluster.
    Pool,
    /// Two servers that replicate from each other, of which one has the traffic.
    ActivePassive {
        /// The server that has the traffic when both can.
        own: String,
        /// The other.
        peer: String,
    },
}

/// The thresholds. All durations are in ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How the nodes belong together.
    pub shape: Shape,
    /// Bad looks until a node is taken out.
    pub fall: u32,
    /// Good looks until it is put back.
    pub rise: u32,
    /// How long it stays out at least.
    pub dwell_ms: u64,
    /// How long the last verdict is kept when nothing can be known.
    pub hold_ms: u64,
    /// What happens after that.
    pub on_unknown: OnUnknown,
    /// Facts that are older are not answered from.
    pub stale_facts_ms: u64,
    /// Lag up to which the weight is full.
    pub low_lag_ms: u64,
    /// Lag above which a replica is taken out.
    pub max_lag_ms: u64,
    /// Lag at which it is put back.
    pub return_lag_ms: u64,
    /// How long a drained replica serves without its source.
    pub max_stale_ms: u64,
    /// Whether a replica that is delayed on purpose serves.
    pub delayed_ok: bool,
    /// Whether the source serves reads too.
    pub source_reads: bool,
    /// Readers that are kept at least.
    pub min_ready: usize,
    /// How long the weight is raised after a start of the server.
    pub warm_up_ms: u64,
    /// Bytes of backlog above which the weight is lowered.
    pub max_backlog: Option<u64>,
    /// What is done about drift.
    pub on_drift: OnDrift,
    /// How far clocks may be apart.
    pub max_skew_ms: u64,
    /// In a pair: how long nobody gets new connections while traffic is handed back.
    pub handover_ms: u64,
    /// In a pair: lag up to which a server counts as caught up.
    pub caught_up_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            shape: Shape::Pool,
            fall: 2,
            rise: 2,
            dwell_ms: 2_000,
            hold_ms: 30_000,
            on_unknown: OnUnknown::Unknown,
            stale_facts_ms: 5_000,
            low_lag_ms: 5_000,
            max_lag_ms: 60_000,
            return_lag_ms: 30_000,
            max_stale_ms: 600_000,
            delayed_ok: false,
            source_reads: true,
            min_ready: 1,
            warm_up_ms: 0,
            max_backlog: None,
            on_drift: OnDrift::Warn,
            max_skew_ms: 2_000,
            handover_ms: 1_000,
            caught_up_ms: 1_000,
        }
    }
}
