//! The typed options of both engines.

use std::path::PathBuf;
use std::time::Duration;
use vouch_manifest::Method;
use vouch_server::Target;

/// What is made of tables that may be hidden from an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HiddenTables {
    /// Nothing is written.
    #[default]
    Refused,
    /// It is said, and the manifest has what may be seen.
    Accepted,
}

/// How much is asked of a server at once, and for how long.
#[derive(Clone, Debug)]
pub struct Effort {
    /// Most connections that read tables; there is one more that looks after them.
    pub workers: usize,
    /// After which a table is given up.
    pub table_timeout: Duration,
    /// After which nothing new is begun; `None` for never.
    pub run_time: Option<Duration>,
    /// How long a statement waits for a lock.
    pub lock_wait: Duration,
    /// Attempts at a table, the first one included.
    pub attempts: u32,
    /// How long a lost connection is tried again.
    pub retry_for: Duration,
    /// Replica lag above which the run is ended; `None` for never.
    pub max_lag: Option<Duration>,
    /// Whether reading gives way to an applier that waits for a table.
    pub guard: bool,
}

impl Default for Effort {
    fn default() -> Self {
        Effort {
            workers: 2,
            table_timeout: Duration::from_secs(3600),
            run_time: None,
            lock_wait: Duration::from_secs(5),
            attempts: 3,
            retry_for: Duration::from_secs(30),
            max_lag: None,
            guard: true,
        }
    }
}

/// What the position of the server has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// That of the manifest, exactly.
    AtPosition,
    /// Whatever it is, while the server takes no writes.
    Restored,
    /// That of the manifest or beyond; tables that changed since are left out.
    Static,
}

/// What is said of tables that the manifest does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtraPolicy {
    /// They are a finding, but for flat manifests, which never name all tables.
    Auto,
    /// They are a finding.
    Fail,
    /// They are nothing.
    Ignore,
}

/// What is to be validated, and how.
#[derive(Clone, Debug)]
pub struct ValidateOptions {
    /// The server.
    pub target: Target,
    /// How much is asked of it.
    pub effort: Effort,
    /// What its position has to be.
    pub gate: Gate,
    /// How long it may take to get to the manifest's position.
    pub wait_timeout: Duration,
    /// The replication channel to wait on.
    pub channel: Option<String>,
    /// The `server_uuid` that it must have.
    pub expect_server_uuid: Option<String>,
    /// The `server_id` that it must have.
    pub expect_server_id: Option<u64>,
    /// Whether it must be read only.
    pub expect_read_only: bool,
    /// What is said of tables that the manifest does not name.
    pub extra: ExtraPolicy,
    /// Objects and schema-only tables of another flavor's manifest need not be compared.
    pub allow_other_flavor: bool,
    /// The manifest was not held against the last serial, on purpose.
    pub allow_older: bool,
    /// The keys that are trusted lie where the manifest lies.
    pub key_beside: bool,
    /// The folder in which results are kept for a run that goes on; `None` to keep none.
    pub keep_in: Option<PathBuf>,
    /// Take over what a run that was cut off has kept.
    pub resume: bool,
}

/// Of what a manifest is to be taken, and how.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// The server.
    pub target: Target,
    /// How much is asked of it.
    pub effort: Effort,
    /// How rows are digested; tables without a key by [`Method::RowLthash`] where this is
    /// [`Method::RowSha256Tree`].
    pub method: Method,
    /// Rows of a range, where they are digested by ranges.
    pub range_rows: u64,
    /// Also count the rows where the digest does not.
    pub count_rows: bool,
    /// Patterns of `database.table` that are to be in it; empty for all.
    pub tables: Vec<String>,
    /// Patterns that are not to be in it.
    pub ignore_tables: Vec<String>,
    /// Whether it is written although tables may be hidden from the account by its privileges.
    pub hidden_tables: HiddenTables,
    /// Patterns of tables whose rows change on purpose, with the reason.
    pub volatile: Vec<(String, String)>,
    /// Patterns of tables whose definition alone counts, with the reason.
    pub schema_only: Vec<(String, String)>,
    /// How long is tried to find a moment for the snapshot.
    pub snapshot_timeout: Duration,
    /// The cluster that it is about.
    pub cluster: String,
    /// Its serial.
    pub serial: u64,
    /// How long it holds; `None` for ever.
    pub valid_for: Option<Duration>,
    /// What makes it, with the version.
    pub tool: String,
}
