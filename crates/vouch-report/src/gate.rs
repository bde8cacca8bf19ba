//! Coverage of a gate: a server that is held against a signed manifest, table by table.

/// What a table came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckStatus {
    /// It is what the manifest says.
    Valid,
    /// Its rows, their number or its definition are not.
    Mismatch,
    /// The manifest has it, and the server does not.
    Missing,
    /// The server has it, and the manifest does not.
    Extra,
    /// It could not be looked at.
    Error,
    /// It could not be looked at in time.
    Timeout,
    /// Left out on purpose.
    Skipped,
    /// The run ended before it.
    NotRun,
}

impl CheckStatus {
    /// Every status.
    pub const ALL: [CheckStatus; 8] = [
        CheckStatus::Valid,
        CheckStatus::Mismatch,
        CheckStatus::Missing,
        CheckStatus::Extra,
        CheckStatus::Error,
        CheckStatus::Timeout,
        CheckStatus::Skipped,
        CheckStatus::NotRun,
    ];

    /// The name in results: `VALID`, `MISMATCH` and so on.
    pub fn name(self) -> &'static str {
        match self {
            CheckStatus::Valid => "VALID",
            CheckStatus::Mismatch => "MISMATCH",
            CheckStatus::Missing => "MISSING",
            CheckStatus::Extra => "EXTRA",
            CheckStatus::Error => "ERROR",
            CheckStatus::Timeout => "TIMEOUT",
            CheckStatus::Skipped => "SKIPPED",
            CheckStatus::NotRun => "NOT_RUN",
        }
    }

    /// Whether it is no reason to halt.
    pub fn passes(self) -> bool {
        matches!(self, CheckStatus::Valid | CheckStatus::Skipped)
    }
}

/// A table that was held against a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCheck {
    /// The database.
    pub schema: String,
    /// The table.
    pub name: String,
    /// What it came to.
    pub status: CheckStatus,
    /// How its rows are digested: `checksum-table`, `row-sha256`; empty when they are not.
    pub method: String,
    /// The digest in the manifest; empty without.
    pub expected: String,
    /// The digest on the server; empty when there is none.
    pub actual: String,
    /// Rows by the manifest, where it says.
    pub rows_expected: Option<u64>,
    /// Rows on the server, where they were counted.
    pub rows: Option<u64>,
    /// Why, unless it is valid.
    pub reason: String,
    /// Time that the last attempt took, in milliseconds.
    pub took_ms: u64,
    /// Attempts that were made; 0 for none.
    pub attempts: u32,
    /// When it was decided, milliseconds since the Unix epoch.
    pub at_ms: u64,
}

impl TableCheck {
    /// `schema.name`.
    pub fn label(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// What a gate looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateCoverage {
    /// The manifest's id.
    pub manifest_id: String,
    /// SHA-256 of the manifest's bytes.
    pub manifest_digest: String,
    /// Its serial; 0 for a flat one.
    pub serial: u64,
    /// The cluster that it is about; empty for a flat one.
    pub cluster: String,
    /// The key that signed it; `None` when nobody had to.
    pub signed_by: Option<String>,
    /// The server's `server_uuid`; empty where it has none.
    pub server_uuid: String,
    /// The server's `server_id`; 0 when it was not asked.
    pub server_id: u64,
    /// What the position of the server had to be, in words.
    pub gate: String,
    /// The manifest's position; empty without.
    pub expected_position: String,
    /// The server's position when its tables were looked at; empty without.
    pub position: String,
    /// Tables, in the order of their names.
    pub checks: Vec<TableCheck>,
    /// The steps of a drill, in the order in which they were done; empty otherwise.
    pub steps: Vec<StepCoverage>,
}

/// A step of a drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepCoverage {
    /// What was done, in a word or two.
    pub name: String,
    /// Time that it took, in milliseconds.
    pub took_ms: u64,
    /// `ok`, or what it came to.
    pub outcome: String,
}

impl GateCoverage {
    /// How many tables have that status.
    pub fn count(&self, status: CheckStatus) -> u64 {
        self.checks.iter().filter(|check| check.status == status).map(|_| 1).sum()
    }
}
