//! Findings, errors, skips and notices: the four things a run has to say.

use crate::{Code, Datum};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; does not change the verdict.
    Notice,
    /// The data or the schema differs.
    Error,
}

impl Severity {
    /// The name in reports: `notice` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Notice => "notice",
            Severity::Error => "error",
        }
    }
}

/// One column of a row's key and its value, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPart {
    /// Column name.
    pub column: String,
    /// The value.
    pub value: Datum,
}

/// A column that differs, with both values when the user asked to see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueDiff {
    /// Column name.
    pub column: String,
    /// Value on the source; `None` unless values are shown.
    pub source: Option<Datum>,
    /// Value on the replica; `None` unless values are shown.
    pub replica: Option<Datum>,
}

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePlace {
    /// The file, as it was asked for or below what was asked for.
    pub file: String,
    /// The tablespace's number.
    pub space: Option<u32>,
    /// The first and the last page.
    pub pages: Option<(u32, u32)>,
    /// Where the first page begins, in bytes of the file.
    pub offset: Option<u64>,
    /// The index that the first page belongs to, in words: `PRIMARY`, `index 153`.
    pub index: Option<String>,
}

/// A chunk of the replicate table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChunkPlace {
    /// Its number, from 1.
    pub number: u64,
    /// The index that it runs along; empty for a table taken as a whole.
    pub index: String,
    /// Its lower boundary, as the replicate table writes it; `None` for an open end.
    pub lower: Option<String>,
    /// Its upper boundary; `None` for an open end.
    pub upper: Option<String>,
    /// Rows on the source.
    pub source_rows: u64,
    /// Rows on the replica.
    pub replica_rows: u64,
}

/// Where something is. Empty parts do not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// `db.table`, as on the source.
    pub table: Option<String>,
    /// The replica's name, as in the coverage.
    pub replica: Option<String>,
    /// The row's key. For a table without a key: a single part named `row digest`.
    pub key: Vec<KeyPart>,
    /// The columns that differ.
    pub columns: Vec<ValueDiff>,
    /// The place in a file.
    pub file: Option<FilePlace>,
    /// The chunk, where chunks are what is compared.
    pub chunk: Option<ChunkPlace>,
}

/// How a finding was shown to be neither lag nor a torn read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// No change to the key happened while both sides were read; says how that is known.
    Proven {
        /// `binlog window`, `shared lock`, `metadata`.
        how: String,
    },
    /// Seen alike in two sandwiches (or re-reads) at least a second apart.
    Confirmed,
}

impl Proof {
    /// `proven` or `confirmed`.
    pub fn name(&self) -> &'static str {
        match self {
            Proof::Proven { .. } => "proven",
            Proof::Confirmed => "confirmed",
        }
    }
}

/// Damage that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code, explained by `vouch explain`.
    pub code: Code,
    /// Severity; by default the code's own.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// Where it is.
    pub location: Location,
    /// How it is known, for rows.
    pub proof: Option<Proof>,
    /// As of which position of the source.
    pub as_of: Option<String>,
    /// How many equal rows, keys or pages this stands for.
    pub count: u64,
}

impl Finding {
    /// A finding of `code` with its usual severity and no location yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Finding {
            code,
            severity: code.severity(),
            message: message.into(),
            location: Location::default(),
            proof: None,
            as_of: None,
            count: 1,
        }
    }
}

/// A failure to look. Never a finding, never silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: Code,
    /// One sentence that names the cause.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
    /// What could not be looked at.
    pub location: Location,
}

impl Failure {
    /// A failure of `code` with the code's own hint and no location yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Failure { code, message: message.into(), hint: None, location: Location::default() }
    }

    /// The same with a hint.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same about `table` on `replica` (either may be absent).
    pub fn at(mut self, table: Option<&str>, replica: Option<&str>) -> Self {
        self.location.table = table.map(str::to_owned);
        self.location.replica = replica.map(str::to_owned);
        self
    }
}

/// A choice not to look, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The stable code.
    pub code: Code,
    /// What was not looked at, such as `db.table` or `db.table.column`.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// Something the user should know about how the run looked: a preflight result,
/// a weaker proof, a signal that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The stable code.
    pub code: Code,
    /// The server it is about, if one.
    pub server: Option<String>,
    /// One sentence.
    pub message: String,
}
