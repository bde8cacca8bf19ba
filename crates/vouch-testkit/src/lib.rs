//! Real servers for tests and the demo: booted on data directories of their
//! own, wired into topologies, drifted, loaded and cut off at will; and files,
//! damaged in ways that have names.
//!
//! Start at [`Topology`]. Invariant: whatever ends the process that booted a
//! server also ends the server.

pub mod aria;
pub mod cases;
pub mod churn;
mod client;
mod daemon;
pub mod damage;
mod dist;
pub mod drift;
mod error;
mod expect;
mod fence;
pub mod inspect;
mod load;
mod meddler;
mod numbers;
mod options;
pub mod oracle;
pub mod poll;
mod proxy;
mod seed;
mod server;
mod shim;
pub mod spaces;
mod sync;
mod topology;
pub mod tour;

pub use daemon::end_all;
pub use dist::{Dist, Flavor};
pub use error::{Error, Result};
pub use expect::{DiffKind, Expected, RowKey, mismatches};
pub use fence::Fence;
pub use load::{Load, Sysbench};
pub use meddler::{Fault, Meddler, Sent};
pub use numbers::numbers;
pub use proxy::Proxy;
pub use seed::{FULL, PASSWORD, SELECT_ONLY};
pub use server::{Server, ServerConfig};
pub use shim::{Calls, ReadFault, Shim};
pub use topology::{Topology, TopologyBuilder};
