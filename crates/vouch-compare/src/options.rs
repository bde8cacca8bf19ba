//! What a comparison is asked to do: typed, complete, already valid.
//!
//! The command line and the configuration file end here; the engine reads
//! nothing else.

use crate::drift::SchemaScope;
use crate::filter::Filters;
use crate::preflight::HiddenTables;
use std::path::PathBuf;
use std::time::Duration;
use vouch_server::{TableName, Target};

/// All that a comparison is asked to do.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    /// The side that is believed.
    pub source: Target,
    /// The replicas; empty means that they are discovered.
    pub replicas: Vec<Target>,
    /// How replicas are discovered.
    pub discovery: Discovery,
    /// Fewer replicas than this is an error.
    pub expect_replicas: Option<usize>,
    /// False for two servers that do not replicate: differences are re-checked in time.
    pub replication: bool,
    /// The replication channel to wait on, where a replica has several.
    pub channel: Option<String>,
    /// Databases that have another name on the replica: source name, replica name.
    pub database_map: Vec<(String, String)>,
    /// Which databases, tables, engines and columns take part.
    pub filters: Filters,
    /// What is made of tables that the account may not be shown.
    pub hidden_tables: HiddenTables,
    /// A condition on the rows, as SQL of the user's own.
    pub where_clause: Option<String>,
    /// How much of the definitions of tables is compared.
    pub schema: SchemaScope,
    /// What of a text is compared where its character set differs.
    pub text: TextPolicy,
    /// How rows are digested.
    pub digest: DigestPolicy,
    /// Bytes per second that may be streamed from one server.
    pub max_bandwidth: Option<u64>,
    /// How the key space is cut.
    pub chunk: ChunkPolicy,
    /// What holds the readers back.
    pub throttle: ThrottlePolicy,
    /// Connections that read rows, per server.
    pub readers: usize,
    /// How long a replica may take to apply a position of the source.
    pub wait_timeout: Duration,
    /// How long a lost connection is tried again.
    pub retry_for: Duration,
    /// How long a key that keeps changing is looked at before it is unproven.
    pub hot_deadline: Duration,
    /// The time between two sandwiches that confirm a difference.
    pub confirm_after: Duration,
    /// How differences are proven.
    pub proof: ProofPolicy,
    /// Whether the values of differing columns are shown.
    pub show_values: bool,
    /// Row findings that are listed per table and replica; the rest is counted.
    pub max_findings: usize,
    /// The table of checksums whose differing chunks are all that is compared.
    pub from_checksums: Option<TableName>,
    /// Where the states of runs are kept.
    pub state_dir: PathBuf,
    /// The run to continue: its id, or `last`.
    pub resume: Option<String>,
}

impl CompareOptions {
    /// What must be the same for a run to be resumed, a line each.
    pub fn fingerprint(&self) -> String {
        let replicas: Vec<&str> = self.replicas.iter().map(Target::name).collect();
        format!(
            "--source {}\n--replica {}\n--map {:?}\nfilters {:?}\n--where {:?}\n--digest {:?}\nreplication {}\n--from-checksums {:?}",
            self.source.name(),
            replicas.join(","),
            self.database_map,
            self.filters,
            self.where_clause,
            self.digest,
            self.replication,
            self.from_checksums,
        )
    }
}

/// `host` or `host:port` with `*` and `?`, in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(String);

impl HostPattern {
    /// A pattern; `None` when it is empty.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        (!text.is_empty()).then_some(HostPattern(text))
    }

    /// Whether it covers a place.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.to_ascii_lowercase();
        let with_port = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        [host, with_port].iter().any(|place| is_like(self.0.as_bytes(), place.as_bytes()))
    }
}

/// Whether `text` is like a pattern of characters, `?` for any one and `*` for any number.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) if is_like(rest, text) => true,
        (Some((b'*', _)), Some((_, tail))) => is_like(pattern, tail),
        (Some((b'?', rest)), Some((_, tail))) => is_like(rest, tail),
        (Some((wanted, rest)), Some((found, tail))) => wanted == found && is_like(rest, tail),
        _ => false,
    }
}

/// How replicas are found when none is named.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// Ways to find them, tried in order until one finds any.
    pub methods: Vec<DiscoveryMethod>,
    /// How many levels of replicas behind replicas are followed; 1 means the direct ones.
    pub recurse: u32,
    /// Hosts, beside the source's own, that the account may be sent to when a server names them.
    pub allow: Vec<HostPattern>,
}

/// A way to find replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoveryMethod {
    /// Binlog dump threads in the process list (performance_schema where it is to be had).
    Processlist,
    /// `SHOW REPLICAS`: what the replicas report about themselves.
    Hosts,
    /// A table with a column `dsn`: `db.table` on the source.
    Dsn {
        /// Database of the table.
        database: String,
        /// Name of the table.
        table: String,
    },
}

/// How rows are digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestPolicy {
    /// The faster of [`DigestPolicy::Sha2`] and [`DigestPolicy::Stream`], by measurement.
    Auto,
    /// SHA-2 in the server; only digests travel.
    Sha2,
    /// Rows are streamed and digested here with XXH3-128.
    Stream,
    /// CRC32 in the server: light, 2^-32.
    Crc,
}

/// What of a text is compared where its character set differs between the sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextPolicy {
    /// The text: both sides are read in UTF-8.
    #[default]
    Text,
    /// The bytes that are stored.
    Bytes,
}

/// How the key space is cut into chunks.
#[derive(Clone, Debug)]
pub struct ChunkPolicy {
    /// Time that one chunk should take on the slower side.
    pub time: Duration,
    /// Least rows of a chunk.
    pub rows_min: u64,
    /// Most rows of a chunk.
    pub rows_max: u64,
    /// Most bytes of a chunk.
    pub bytes_max: u64,
    /// The index to run along, instead of the best.
    pub index: Option<String>,
}

/// What holds the readers back.
#[derive(Clone, Debug)]
pub struct ThrottlePolicy {
    /// A replica that lags more is left alone until it has caught up; `None` never pauses for lag.
    pub max_lag: Option<Duration>,
    /// Status variables of the source that must stay at or below a limit.
    pub max_load: Vec<LoadLimit>,
    /// The share of the time, above 0 and up to 1, in which rows are read while
    /// others use the source.
    pub busy_share: f64,
    /// While this file exists, nothing is read.
    pub pause_file: Option<PathBuf>,
    /// How often the signals are read.
    pub check_interval: Duration,
    /// After this long nothing new is started.
    pub run_time: Option<Duration>,
    /// Times of the day, in UTC, in which reading is allowed; empty means always.
    pub windows: Vec<Window>,
}

impl Default for ThrottlePolicy {
    /// Nothing holds anybody back.
    fn default() -> Self {
        ThrottlePolicy {
            max_lag: None,
            max_load: Vec::new(),
            busy_share: 1.0,
            pause_file: None,
            check_interval: Duration::from_secs(1),
            run_time: None,
            windows: Vec::new(),
        }
    }
}

/// `Threads_running=25`: a status variable and its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadLimit {
    /// The name of a global status variable.
    pub variable: String,
    /// The greatest value at which reading goes on.
    pub limit: u64,
}

/// A time of the day, in minutes after midnight UTC; `from > to` runs over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First minute.
    pub from: u16,
    /// First minute after it.
    pub to: u16,
}

/// How differences are proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofPolicy {
    /// By the binlog window where privileges allow, else confirmed.
    Auto,
    /// By a shared lock on the differing keys, for less than a second, without waiting for it.
    Lock,
    /// Never more than confirmed.
    None,
}
