//! What a worker is asked of a table, and what it answers.

use std::sync::Arc;
use vouch_manifest::{Kind, Method, RowFacts};
use vouch_server::{Interval, TableName};

/// Which rows of a table are read, where they are digested by ranges of its key.
#[derive(Clone, Debug)]
pub enum Slice {
    /// An interval of the key, cut into ranges as rows come.
    Cut {
        /// The interval.
        interval: Interval,
        /// The end of its last range; `None` where the interval has none.
        upto: Option<Vec<String>>,
        /// Rows of a range.
        rows: u64,
    },
    /// Ranges of a manifest, by their places.
    Known {
        /// What the manifest says.
        facts: Arc<RowFacts>,
        /// The first of them.
        from: usize,
        /// The one after the last of them.
        to: usize,
    },
}

impl Slice {
    /// A whole table, cut into ranges of so many rows.
    pub fn whole(rows: u64) -> Slice {
        Slice::Cut { interval: Interval::default(), upto: None, rows }
    }
}

/// How digests of rows are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// By XOR: where no two rows are alike.
    Xor,
    /// By addition modulo 2^256: where they may be.
    Sum,
}

/// How a definition is digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefinitionForm {
    /// Not at all.
    Unasked,
    /// Columns and indexes, as manifests of version 1 do.
    V1,
    /// The whole definition, as manifests of version 2 do.
    V2,
}

impl DefinitionForm {
    /// The form of a kind of manifest.
    pub fn of(kind: Kind) -> DefinitionForm {
        match kind {
            Kind::V2 => DefinitionForm::V2,
            Kind::V1 | Kind::Flat => DefinitionForm::V1,
        }
    }

    /// The same where it is wanted, else none.
    pub fn only_if(self, wanted: bool) -> DefinitionForm {
        if wanted { self } else { DefinitionForm::Unasked }
    }
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
    /// Which rows are read, where the method digests ranges.
    pub slice: Slice,
    /// How the definition is digested.
    pub definition: DefinitionForm,
    /// Whether rows are counted where the digest does not do so.
    pub count: bool,
}

impl Request {
    /// Whether its slice is the first one of the table.
    pub fn is_first(&self) -> bool {
        match &self.slice {
            Slice::Cut { interval, .. } => interval.lower.is_none(),
            Slice::Known { from, .. } => *from == 0,
        }
    }
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
    /// How rows were digested, where that depends on the table.
    pub method: Option<Method>,
    /// The ranges, where rows are digested by ranges.
    pub row_facts: Option<RowFacts>,
    /// What keeps the rows from being compared with those of the manifest; then they were not read.
    pub unlike: Option<String>,
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
