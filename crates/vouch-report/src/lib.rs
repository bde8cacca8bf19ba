//! The words in which every command of vouch says what it saw.
//!
//! A *finding* is damage seen. An *error* is a failure to look. A *skip* is a
//! choice not to look. They never turn into each other; [`Verdict::of`] is the
//! one place that weighs them. Engines emit [`Event`]s to a [`Sink`] and return
//! a [`Summary`]; nothing here knows how either is shown.
//!
//! Invariant: this crate depends on `std` alone.

mod code;
mod coverage;
mod event;
mod files;
mod finding;
mod gate;
pub mod health;
mod manifest;
mod rotation;
mod summary;
mod verdict;

pub use code::{Code, Explanation, Kind};
pub use coverage::{
    AsOf, Coverage, DigestChoice, Pause, ReplicaCoverage, ServerCoverage, ServerRole, TableCoverage, TableState,
};
pub use event::{Event, NullSink, Sink, Tee};
pub use files::{FileCoverage, FileState, FilesCoverage, MapCell, PageClass, PageTally};
pub use finding::{
    ChunkPlace, Failure, FilePlace, Finding, KeyPart, Location, Notice, Proof, Severity, Skip, ValueDiff,
};
pub use gate::{CheckStatus, GateCoverage, StepCoverage, TableCheck};
pub use manifest::{Aspect, Change, ChangeKind, ManifestDiff, ManifestLint, ManifestSide, Remark, RemarkLevel};
pub use rotation::{PlannedTable, RotationCoverage, SlicePlan, TableRotation};
pub use summary::Summary;
pub use verdict::Verdict;
