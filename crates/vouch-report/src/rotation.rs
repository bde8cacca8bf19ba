//! Rotating slices: how a large server would be sliced, and how far a rotation has come.

/// Where a rotation of slices stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationCoverage {
    /// Slices.
    pub modulo: u64,
    /// The slice that is next.
    pub next_slice: u64,
    /// The rotation's number, from 1.
    pub number: u64,
    /// When it began, milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Tables, in the order of their names.
    pub tables: Vec<TableRotation>,
}

/// How much of one table a rotation has verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRotation {
    /// `db.table`.
    pub table: String,
    /// Its chunks; 0 when it was never cut.
    pub chunks: u64,
    /// Those of them that were verified in this rotation.
    pub verified: u64,
    /// Those of them that were never verified.
    pub never: u64,
    /// The slice whose verification is the oldest; `None` when no slice was ever verified.
    pub oldest_slice: Option<u64>,
    /// When that was, milliseconds since the Unix epoch; 0 for never.
    pub oldest_ms: u64,
    /// Whether that is longer ago than is allowed, or never.
    pub stale: bool,
}

/// How a server would be checked in slices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlicePlan {
    /// The source's name.
    pub source: String,
    /// Estimated bytes of all tables.
    pub bytes: u64,
    /// Bytes that a slice should have.
    pub slice_bytes: u64,
    /// Slices.
    pub modulo: u64,
    /// Runs a day, and the days in which they cover everything.
    pub schedules: Vec<(u64, f64)>,
    /// Tables, the largest first.
    pub tables: Vec<PlannedTable>,
}

/// One table of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedTable {
    /// `db.table`.
    pub table: String,
    /// Estimated rows.
    pub rows: u64,
    /// Estimated bytes.
    pub bytes: u64,
    /// The key that chunks run along, in words.
    pub key: String,
    /// What will be done with it, where that is not the usual; else empty.
    pub remark: String,
}
