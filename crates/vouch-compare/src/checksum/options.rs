//! What a run of replicated checksums is asked to do: typed, complete, already valid.

use crate::filter::Filters;
use crate::options::{Discovery, ThrottlePolicy};
use crate::preflight::HiddenTables;
use std::time::Duration;
use vouch_convert::whole;
use vouch_server::{TableName, Target};

/// All that a run of replicated checksums is asked to do.
#[derive(Clone, Debug)]
pub struct ChecksumOptions {
    /// The side that is believed, and that is written to.
    pub source: Target,
    /// The replicas; empty means that they are discovered.
    pub replicas: Vec<Target>,
    /// How replicas are discovered.
    pub discovery: Discovery,
    /// Fewer replicas than this is an error.
    pub expect_replicas: Option<usize>,
    /// The replication channel to wait on, where a replica has several.
    pub channel: Option<String>,
    /// Which databases, tables, engines and columns take part.
    pub filters: Filters,
    /// What is made of tables that the account may not be shown.
    pub hidden_tables: HiddenTables,
    /// A condition on the rows, as SQL of the user's own.
    pub where_clause: Option<String>,
    /// The replicate table.
    pub replicate: TableName,
    /// Whether it is made where it is missing.
    pub create: bool,
    /// Whether the earlier checksums of a table are removed before it is checksummed.
    pub empty: bool,
    /// Whether all earlier checksums are removed first.
    pub truncate: bool,
    /// How rows are digested.
    pub function: Function,
    /// How the key space is cut.
    pub chunk: ChunkSizing,
    /// What holds the writer back.
    pub throttle: ThrottlePolicy,
    /// The one server whose lag counts, in place of that of every replica.
    pub lag_of: Option<Target>,
    /// What is looked at before anything is written.
    pub checks: Checks,
    /// Times that a chunk is tried again.
    pub retries: u32,
    /// The database that is selected for every statement, in place of the table's own.
    pub database: Option<String>,
    /// Whether the replicas' values are held against the source's.
    pub check: bool,
    /// Times that a difference in the replicate table is looked at again.
    pub check_retries: u32,
    /// Whether a run that was cut off is continued.
    pub resume: bool,
    /// The slice that is to be done; all chunks without.
    pub slice: Option<Slice>,
    /// Session variables of the user's own.
    pub variables: Vec<(String, String)>,
    /// How long a replica may take to apply a position of the source, and may hold the run back.
    pub wait_timeout: Duration,
    /// How long a lost connection is tried again.
    pub retry_for: Duration,
}

/// How rows are digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// SHA-2 over unambiguously encoded rows, in 40 characters.
    Sha2,
    /// What pt-table-checksum computes with its default.
    Crc32Percona,
}

/// How the key space is cut.
#[derive(Clone, Debug)]
pub struct ChunkSizing {
    /// Time that a chunk should take.
    pub time: Duration,
    /// Rows of the first chunk of a table, or of every chunk.
    pub rows: u64,
    /// Whether every chunk has that many rows.
    pub fixed: bool,
    /// A chunk with more rows than this times its size is not checksummed; 0 for no limit.
    pub limit: f64,
    /// The index to run along, instead of the best.
    pub index: Option<String>,
    /// Only that many of its columns.
    pub index_columns: Option<usize>,
    /// Whether the plan of every chunk is looked at first.
    pub check_plan: bool,
}

impl ChunkSizing {
    /// The most rows that a chunk of `rows` rows may turn out to have; `None` for no limit.
    pub fn most(&self, rows: u64) -> Option<u64> {
        (self.limit > 0.0).then_some(whole(rows as f64 * self.limit))
    }
}

/// What is looked at before anything is written.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// Servers that log what they apply as rows, before others.
    pub binlog_format: bool,
    /// Replication filters.
    pub replication_filters: bool,
    /// Tables and columns on every replica.
    pub replica_tables: bool,
}

/// A slice of a rotation.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Slices.
    pub modulo: u64,
    /// The slice as an expression of the user's own; without it, the one that is next.
    pub offset: Option<String>,
}
