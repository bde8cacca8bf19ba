//! Replicated checksums: the procedure of pt-table-checksum, through the binlog.
//!
//! A statement run on the source writes each chunk's checksum into a table; it
//! replicates as a statement, so every replica computes a value of its own beside
//! the source's. [`checksum`] is the whole job, [`check`] reads what others
//! filled. Everything but the statement is shared with the comparison: discovery,
//! filters, keys, chunk sizes, throttle, ledger.

mod boundary;
mod check;
mod checks;
mod engine;
mod explain;
mod expression;
mod follower;
mod gates;
mod job;
mod narrow;
mod options;
mod plan;
mod rotation;
mod status;
mod stride;
mod writer;

pub use check::check;
pub use engine::checksum;
pub use explain::explain;
pub(crate) use narrow::Checksums;
pub use options::{Checks, ChecksumOptions, ChunkSizing, Function, Slice};
pub use plan::plan;
pub use status::status;

/// The id of a run that begins now.
pub fn fresh_id(now_ms: u64) -> String {
    crate::run_id::fresh(now_ms).0
}
