//! Compares a source with its replicas while both take writes, and writes to neither.
//!
//! [`compare`] is the whole job: it reads chunks on the source, holds the
//! replicas against them, and lets nothing be called drift before the fenced
//! sandwich has shown that it is not lag.

mod case;
mod catalog;
pub mod checksum;
mod chunk;
mod digest;
mod digest_choice;
mod discover;
mod drift;
mod encode;
mod engine;
mod facts;
mod fence;
mod filter;
mod finding;
mod histories;
mod history;
mod image;
mod key;
mod ledger;
mod link;
mod listing;
mod options;
mod pass;
mod plan;
mod preflight;
mod proof;
mod queue;
mod read;
mod refusal;
mod replica_reader;
mod resolver;
mod rowset;
mod run;
mod run_id;
mod sandwich;
mod servers;
mod source_reader;
mod state;
mod supervise;
mod throttle;
mod window;

pub use drift::SchemaScope;
pub use engine::compare;
pub use filter::{FilterError, FilterSpec, Filters};
pub use options::{
    ChunkPolicy, CompareOptions, DigestPolicy, Discovery, DiscoveryMethod, HostPattern, LoadLimit, ProofPolicy,
    TextPolicy, ThrottlePolicy, Window,
};
pub use preflight::HiddenTables;
