//! `vouch checksum` and the commands under it.

use super::compare::{ServerArgs, ThrottleArgs};
use super::filters::FilterArgs;
use super::output::OutputArgs;
use super::value;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use vouch_server::TableName;

const EXAMPLES: &str = "\
Examples:
  vouch checksum --source mysql://dba@db1 --ask-password
  vouch checksum --source h=db1,u=dba --databases shop --format percona
  vouch checksum --source [prod] --function crc32-percona --chunk-size 1000 --exit-codes percona
  vouch checksum plan --source [prod]
  vouch checksum --source [prod] --modulo 120
  vouch checksum --source [prod] --modulo 7 --offset 'WEEKDAY(NOW())'
  vouch checksum status --source [prod] --max-age 14d
  vouch checksum check --source [prod] --replicate percona.checksums

It writes on the source, and needs binlog_format=STATEMENT for its session. Where that is no
option, or nothing has to go through replication, vouch compare proves more and writes nothing.

Exit codes:
  0 clean   1 findings   2 usage   3 incomplete   130, 143 interrupted   70 a bug in vouch
  --exit-codes percona: the sum of 1 error, 2 already running, 4 signal, 8 no replica, 16 differences,
  32 chunk skipped, 64 table skipped, 128 replica stopped";

const CHECK_EXAMPLES: &str = "\
Examples:
  vouch checksum check --source [prod]
  vouch checksum check --source [prod] --replicate maatkit.checksum --databases shop";

const PLAN_EXAMPLES: &str = "\
Examples:
  vouch checksum plan --source [prod]
  vouch checksum plan --source [prod] --slice-size 512M --format json";

const STATUS_EXAMPLES: &str = "\
Examples:
  vouch checksum status --source [prod]
  vouch checksum status --source [prod] --max-age 7d --format json

Exit codes:
  0 every part of every table was verified lately enough   3 some part was not";

/// How rows are digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FunctionName {
    /// SHA-2 over rows that are encoded without ambiguity, in 40 characters
    Sha2,
    /// What pt-table-checksum computes: misses changes that cancel under XOR, such as two swapped values
    Crc32Percona,
}

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExitCodes {
    /// 0, 1, 2, 3, as every command of vouch
    Vouch,
    /// The bit mask of pt-table-checksum
    Percona,
}

/// The options of `vouch checksum`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct ChecksumArgs {
    #[command(subcommand)]
    pub verb: Option<ChecksumVerb>,
    #[command(flatten)]
    pub servers: ServerArgs,
    #[command(flatten)]
    pub filters: FilterArgs,
    #[command(flatten)]
    pub table: TableArgs,
    #[command(flatten)]
    pub chunks: ChunkArgs,
    #[command(flatten)]
    pub throttle: ThrottleArgs,
    #[command(flatten)]
    pub safety: SafetyArgs,
    #[command(flatten)]
    pub slices: SliceArgs,
    #[command(flatten)]
    pub result: ResultArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The commands under `vouch checksum`.
#[derive(Clone, Debug, Subcommand)]
pub enum ChecksumVerb {
    /// Reads a table of checksums that somebody else filled, and writes nothing
    Check(Box<CheckArgs>),
    /// Says in how many slices a large server is best checksummed, and how often
    Plan(Box<PlanArgs>),
    /// Shows how much of each table the slices have verified, and how long ago
    Status(Box<StatusArgs>),
}

/// The replicate table.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Replicate table")]
pub struct ReplicateArgs {
    /// The table that holds the checksums
    #[arg(long, value_name = "DB.TABLE", default_value = "percona.checksums", value_parser = value::table_name)]
    pub replicate: TableName,
    /// The configuration file [default: ./vouch.toml, or $XDG_CONFIG_HOME/vouch/vouch.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The replicate table, and what is done with it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Replicate table")]
pub struct TableArgs {
    #[command(flatten)]
    pub name: ReplicateArgs,
    /// Make the replicate table where it is missing; the default
    #[arg(long, overrides_with = "no_create_replicate_table")]
    pub create_replicate_table: bool,
    /// Do not make the replicate table
    #[arg(long)]
    pub no_create_replicate_table: bool,
    /// Remove the earlier checksums of each table before it is checksummed; the default
    #[arg(long, overrides_with = "no_empty_replicate_table")]
    pub empty_replicate_table: bool,
    /// Keep earlier checksums
    #[arg(long)]
    pub no_empty_replicate_table: bool,
    /// Remove all earlier checksums first
    #[arg(long)]
    pub truncate_replicate_table: bool,
    /// Select this database for every statement, in place of the table's own
    #[arg(long, value_name = "DB")]
    pub replicate_database: Option<String>,
}

/// How tables are cut and digested.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Chunks")]
pub struct ChunkArgs {
    /// How rows are digested
    #[arg(long, value_enum, value_name = "FUNCTION", default_value = "sha2")]
    pub function: FunctionName,
    /// Only rows that meet this SQL condition
    #[arg(long = "where", value_name = "CONDITION")]
    pub where_clause: Option<String>,
    /// Time that a chunk should take on the source
    #[arg(long, value_name = "DURATION", default_value = "0.5s", value_parser = value::time_span)]
    pub chunk_time: Duration,
    /// Rows of every chunk, whatever time it takes [default: 1000 at first, then by --chunk-time]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub chunk_size: Option<u64>,
    /// Do not checksum chunks that are larger than this times their size; 0 for no limit
    #[arg(long, value_name = "FACTOR", default_value = "2.0", value_parser = value::size_limit)]
    pub chunk_size_limit: f64,
    /// Run along this index instead of the best
    #[arg(long, value_name = "INDEX")]
    pub chunk_index: Option<String>,
    /// Use only this many of its columns
    #[arg(long, value_name = "N")]
    pub chunk_index_columns: Option<usize>,
    /// Look at the plan of every chunk, and skip those that would not run along the index; the default
    #[arg(long, overrides_with = "no_check_plan")]
    pub check_plan: bool,
    /// Do not look at plans
    #[arg(long)]
    pub no_check_plan: bool,
}

/// What is looked at before anything is written.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Safety")]
pub struct SafetyArgs {
    /// Refuse replicas behind a server that logs as rows what it applies; the default
    #[arg(long, overrides_with = "no_check_binlog_format")]
    pub check_binlog_format: bool,
    /// Checksum all the same; such replicas are reported as not looked at
    #[arg(long)]
    pub no_check_binlog_format: bool,
    /// Refuse replicas with replication filters; the default
    #[arg(long, overrides_with = "no_check_replication_filters")]
    pub check_replication_filters: bool,
    /// Checksum all the same
    #[arg(long)]
    pub no_check_replication_filters: bool,
    /// Leave out tables that a replica does not have: the statement would break replication there; the default
    #[arg(long, overrides_with = "no_check_replica_tables")]
    pub check_replica_tables: bool,
    /// Checksum all the same
    #[arg(long)]
    pub no_check_replica_tables: bool,
    /// Only the lag of this server holds the run back [default: that of every replica]
    #[arg(long, value_name = "ADDRESS")]
    pub check_replica_lag: Option<String>,
    /// Times that a chunk is tried again whose rows are locked, or whose statement was killed
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub retries: u32,
    /// Session variables of the source, such as innodb_lock_wait_timeout=5; a list
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',', value_parser = value::session_variable)]
    pub set_vars: Vec<(String, String)>,
}

/// Rotating slices.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Rotating slices")]
pub struct SliceArgs {
    /// Cut every table so that a run does one of N slices
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub modulo: Option<u64>,
    /// The slice, from 0: a number or what may stand after SELECT [default: the one after the last that succeeded]
    #[arg(long, value_name = "EXPR", requires = "modulo")]
    pub offset: Option<String>,
}

/// What is made of the checksums.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Result")]
pub struct ResultArgs {
    /// Hold the replicas' checksums against the source's; the default
    #[arg(long, overrides_with = "no_replicate_check")]
    pub replicate_check: bool,
    /// Only write checksums
    #[arg(long)]
    pub no_replicate_check: bool,
    /// Only read: the same as vouch checksum check
    #[arg(long)]
    pub replicate_check_only: bool,
    /// Times that a difference in the table is looked at again
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub replicate_check_retries: u32,
    /// Continue the run that was cut off last
    #[arg(long, conflicts_with = "modulo")]
    pub resume: bool,
    /// Show the statements, and write nothing
    #[arg(long)]
    pub explain: bool,
    /// What the process ends with
    #[arg(long, value_enum, value_name = "KIND", default_value = "vouch")]
    pub exit_codes: ExitCodes,
}

/// The options of `vouch checksum check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckArgs {
    #[command(flatten)]
    pub servers: ServerArgs,
    #[command(flatten)]
    pub filters: FilterArgs,
    #[command(flatten)]
    pub table: ReplicateArgs,
    /// Times that a difference in the table is looked at again
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub replicate_check_retries: u32,
    /// What the process ends with
    #[arg(long, value_enum, value_name = "KIND", default_value = "vouch")]
    pub exit_codes: ExitCodes,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options of `vouch checksum plan`.
#[derive(Clone, Debug, Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub struct PlanArgs {
    #[command(flatten)]
    pub servers: ServerArgs,
    #[command(flatten)]
    pub filters: FilterArgs,
    #[command(flatten)]
    pub table: ReplicateArgs,
    /// About how many bytes a slice should have
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = value::size)]
    pub slice_size: u64,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options of `vouch checksum status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = STATUS_EXAMPLES)]
pub struct StatusArgs {
    #[command(flatten)]
    pub servers: ServerArgs,
    #[command(flatten)]
    pub filters: FilterArgs,
    #[command(flatten)]
    pub table: ReplicateArgs,
    /// What was verified longer ago is stale
    #[arg(long, value_name = "DURATION", default_value = "14d", value_parser = value::time_span)]
    pub max_age: Duration,
    #[command(flatten)]
    pub output: OutputArgs,
}
