//! What a worker is asked of a table, and what it answers.

use vouch_manifest::Method;
use vouch_server::TableName;

/// How digests of rows are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// By XOR: where no two rows are alike.
    Xor,
    /// By addition modulo 2^256: where they may be.
    Sum,
}

/// What is to be read of a table.
#[derive(Clone, Debug)]
pub struct Request {
    /// The table.
    pub name: TableName,
    /// Its size in bytes, as the server estimates it: large ones go first.
    pub bytes: u64,
    /// How its rows are digested; `None` for its definition alone.
    pub method: Option<Method>,
    /// How digests are combined; by the definition when there is none.
    pub fold: Option<Fold>,
    /// Whether the definition is wanted.
    pub definition: bool,
    /// Whether rows are counted where the digest does not do so.
    pub count: bool,
}

/// What was read of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Rows, where they were counted.
    pub rows: Option<u64>,
    /// The digest; empty when none was wanted.
    pub value: String,
    /// SHA-256 of the definition, where it was wanted.
    pub definition_digest: Option<String>,
}

/// Why nothing was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such table.
    Missing,
    /// It was locked, or took too long.
    Timeout,
    /// Anything else.
    Error,
    /// The run ended before it.
    NotRun,
}

/// The answer about one table.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The place of the request in the list.
    pub index: usize,
    /// What was read, or why nothing was.
    pub result: Result<Reading, (Trouble, String)>,
    /// Time that the last attempt took, in milliseconds.
    pub took_ms: u64,
    /// Attempts that were made.
    pub attempts: u32,
}
