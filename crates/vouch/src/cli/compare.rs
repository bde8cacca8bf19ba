//! `vouch compare`.

use super::filters::FilterArgs;
use super::output::OutputArgs;
use super::value::{self, Limit};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use vouch_compare::{DiscoveryMethod, HostPattern, LoadLimit, Window};
use vouch_server::TableName;

const EXAMPLES: &str = "\
Examples:
  vouch compare --source mysql://dba@db1 --ask-password
  vouch compare --source h=db1,u=dba --replica h=db2 --replica h=db3 --databases shop,crm
  vouch compare --source [prod] --tables 'shop.order*' --where 'created > now() - interval 7 day'
  vouch compare --source [prod] --expect-replicas 2 --max-lag 5s --windows 22:00-06:00
  vouch compare --source db1 --replica db2 --no-replication --map shop=shop_copy
  vouch compare --source [prod] --format jsonl --report result.html --quiet
  vouch compare --source [prod] --resume

Addresses:
  mysql://user@host:3306/?ssl-mode=verify-ca&ssl-ca=ca.pem   h=host,P=3306,u=user   user@host:3306
  /path/to/socket   [group] of ~/.my.cnf     ${ENV}, ${ENV:-default} and ${file:/path} are replaced

Every option may also be set in vouch.toml (chunk-time = \"1s\") or as VOUCH_CHUNK_TIME=1s.
Durations: 500ms 1s 5m 2h.   Sizes: 64M 1G.

Exit codes:
  0 clean   1 findings   2 usage   3 incomplete   130, 143 interrupted   70 a bug in vouch";

/// How rows are digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Digest {
    /// sha2 or stream, whichever is measured to be faster
    Auto,
    /// SHA-2 in the server: only digests travel
    Sha2,
    /// Rows are streamed and digested here with XXH3, 128 bit
    Stream,
    /// CRC32 in the server: light, misses one difference in 2^32
    Crc,
}

/// How much of the definitions of tables is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Schema {
    /// Nothing; columns that one side lacks are listed as skipped
    Off,
    /// What decides over rows: columns, types, collations, indexes, engine
    Rows,
    /// Everything: also defaults, constraints, generated columns, partitions, options
    Full,
}

/// How differences are proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProofBy {
    /// By the binary log where privileges allow, else confirmed by looking twice
    Auto,
    /// By a shared lock on the differing rows of the source, for under a second, never waiting for it
    Lock,
    /// Confirmed by looking twice
    None,
}

/// The options of `vouch compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompareArgs {
    #[command(flatten)]
    pub servers: ServerArgs,
    #[command(flatten)]
    pub pair: PairArgs,
    #[command(flatten)]
    pub filters: FilterArgs,
    #[command(flatten)]
    pub method: MethodArgs,
    #[command(flatten)]
    pub throttle: ThrottleArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Which servers, and how to get in.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Servers")]
pub struct ServerArgs {
    /// The server that is believed
    #[arg(long, value_name = "ADDRESS")]
    pub source: Option<String>,
    /// A replica; may be given again [default: all that are found]
    #[arg(long, value_name = "ADDRESS")]
    pub replica: Vec<String>,
    /// How replicas are found: hosts, processlist, dsn=DB.TABLE, none; tried in order
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "hosts,processlist",
          value_parser = value::recursion)]
    pub recursion_method: Vec<Limit<DiscoveryMethod>>,
    /// Send the account to replicas that are found on hosts like these, and not to the source's host alone
    #[arg(long, value_name = "HOST[:PORT]", value_delimiter = ',', value_parser = value::host_pattern)]
    pub allow_discovered: Vec<HostPattern>,
    /// Levels of replicas behind replicas that are followed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub recurse: u32,
    /// Fewer replicas than this is an error
    #[arg(long, value_name = "N")]
    pub expect_replicas: Option<usize>,
    /// Take the result although tables may be hidden from the account by its privileges
    #[arg(long)]
    pub accept_hidden_tables: bool,
    /// The replication channel to wait on, where a replica has several
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Ask for a password on the terminal, for all accounts that have none
    #[arg(long)]
    pub ask_password: bool,
    /// Read this option file instead of ~/.my.cnf
    #[arg(long, value_name = "FILE")]
    pub defaults_file: Option<PathBuf>,
    /// Also read [clientSUFFIX] of the option file
    #[arg(long, value_name = "SUFFIX")]
    pub defaults_group_suffix: Option<String>,
}

/// What two sides that are compared may be to each other.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Servers")]
pub struct PairArgs {
    /// The servers do not replicate: differences are looked at again after a while
    #[arg(long)]
    pub no_replication: bool,
    /// Hold database A of the source against database B of the replicas; may be given again
    #[arg(long, value_name = "A=B", value_parser = value::database_pair)]
    pub map: Vec<(String, String)>,
}

/// How rows are read, compared and proven.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Method")]
pub struct MethodArgs {
    /// Only rows of chunks whose checksums in this table differ: what vouch checksum or
    /// pt-table-checksum found
    #[arg(long, value_name = "DB.TABLE", num_args = 0..=1, default_missing_value = "percona.checksums",
          value_parser = value::table_name, conflicts_with = "resume")]
    pub from_checksums: Option<TableName>,
    /// Only rows that meet this SQL condition
    #[arg(long = "where", value_name = "CONDITION")]
    pub where_clause: Option<String>,
    /// How much of the definitions of tables is compared
    #[arg(long, value_enum, value_name = "SCOPE", default_value = "full")]
    pub schema: Schema,
    /// Compare the bytes that are stored where the character sets of a column differ, not the text
    #[arg(long)]
    pub bytes: bool,
    /// How rows are digested
    #[arg(long, value_enum, value_name = "DIGEST", default_value = "auto")]
    pub digest: Digest,
    /// Time that a chunk should take on the slower side
    #[arg(long, value_name = "DURATION", default_value = "0.5s", value_parser = value::time_span)]
    pub chunk_time: Duration,
    /// Least rows of a chunk
    #[arg(long, value_name = "ROWS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub chunk_rows_min: u64,
    /// Most rows of a chunk
    #[arg(long, value_name = "ROWS", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub chunk_rows_max: u64,
    /// Most bytes of a chunk
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = value::size)]
    pub chunk_bytes: u64,
    /// Run along this index instead of the best
    #[arg(long, value_name = "INDEX")]
    pub chunk_index: Option<String>,
    /// How differences are proven
    #[arg(long, value_enum, value_name = "PROOF", default_value = "auto")]
    pub proof: ProofBy,
    /// Time between the two looks that confirm a difference
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = value::time_span)]
    pub confirm_after: Duration,
    /// How long a key that keeps changing is looked at before it is called unproven
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::time_span)]
    pub hot_deadline: Duration,
    /// Show the values of columns that differ
    #[arg(long)]
    pub show_values: bool,
    /// Row findings listed for a table on a replica; the rest is counted
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub max_findings: usize,
}

/// What holds a run back.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Throttle")]
pub struct ThrottleArgs {
    /// Leave a replica alone while it lags more; off never does
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = value::duration_or_off)]
    pub max_lag: Limit<Duration>,
    /// Pause while a status variable of the source is above a limit; may be a list; off never does
    #[arg(long, value_name = "VARIABLE=N", value_delimiter = ',', default_value = "Threads_running=25",
          value_parser = value::load_limit)]
    pub max_load: Vec<Limit<LoadLimit>>,
    /// Pause while this file exists
    #[arg(long, value_name = "FILE")]
    pub pause_file: Option<PathBuf>,
    /// How often lag and load are looked at, at least 100ms
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = value::interval)]
    pub check_interval: Duration,
    /// Start nothing new after this long [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = value::time_span)]
    pub run_time: Option<Duration>,
    /// Only read at these times of the day, in UTC; a list [default: always]
    #[arg(long, value_name = "HH:MM-HH:MM", value_delimiter = ',', value_parser = value::window)]
    pub windows: Vec<Window>,
    /// How long a replica may take to apply a position of the source
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = value::time_span)]
    pub wait_timeout: Duration,
    /// How long a lost connection is tried again
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::duration)]
    pub retry_for: Duration,
}

/// How much is read at a time.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Throttle")]
pub struct ReadingArgs {
    /// Share of the time in which rows are read while others use the source
    #[arg(long, value_name = "PERCENT", default_value = "6%", value_parser = value::share)]
    pub busy_share: f64,
    /// Bytes a second that may be streamed from a server [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub max_bandwidth: Option<u64>,
    /// Connections that read rows, on each server
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub readers: u16,
}

/// The state of the run, and configuration.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct RunArgs {
    /// Continue a run that was cut off: its id, or the last one
    #[arg(long, value_name = "RUN_ID", num_args = 0..=1, default_missing_value = "last")]
    pub resume: Option<String>,
    /// Where the states of runs are kept [default: $XDG_STATE_HOME/vouch or ~/.local/state/vouch]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The configuration file [default: ./vouch.toml, or $XDG_CONFIG_HOME/vouch/vouch.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
