//! The words in which every command of vouch says what it saw.
//!
//! A *finding* is damage seen. An *error* is a failure to look. A *skip* is a
//! choice not to look. They never turn into each other. An engine writes down
//! what it owes and settles each item through a [`Recorder`]; [`Verdict`] is
//! derived from that account in one place. Nothing here knows how a result is shown.
//!
//! Invariant: this crate depends on `std` alone.

mod account;
mod code;
mod command;
mod coverage;
mod datum;
mod event;
mod files;
mod finding;
mod gate;
pub mod health;
mod manifest;
mod recorder;
mod rotation;
mod run;
mod stop;
mod summary;
mod verdict;

pub use account::{Account, Debt, Entry, ExcludedBy, Item, ItemKind, Outcome, Scope, ScopeCounts};
pub use code::{Code, Explanation, Kind};
pub use command::Command;
pub use coverage::{
    AsOf, Coverage, DigestChoice, Pause, ReplicaCoverage, RowsCoverage, ServerCoverage, ServerRole, TableCoverage,
    TableState,
};
pub use datum::Datum;
pub use event::{Event, NullSink, Sink, Tee};
pub use files::{FileCoverage, FileState, FilesCoverage, MapCell, PageClass, PageTally};
pub use finding::{
    ChunkPlace, Failure, FilePlace, Finding, KeyPart, Location, Notice, Proof, Severity, Skip, ValueDiff,
};
pub use gate::{CheckStatus, GateCoverage, StepCoverage, TableCheck};
pub use manifest::{Aspect, Change, ChangeKind, ManifestDiff, ManifestLint, ManifestSide, Remark, RemarkLevel};
pub use recorder::Recorder;
pub use rotation::{PlannedTable, RotationCoverage, SlicePlan, TableRotation};
pub use run::{Refusal, RefusalKind, RunContext};
pub use stop::Stop;
pub use summary::{Reported, Summary};
pub use verdict::{Proven, Verdict};
