//! Compares a source with its replicas while both take writes, and writes to neither.

mod filter;
mod options;

pub use filter::{FilterError, FilterSpec, Filters};
pub use options::{
    ChunkPolicy, CompareOptions, DigestPolicy, Discovery, DiscoveryMethod, LoadLimit, ProofPolicy, ThrottlePolicy,
    Window,
};
