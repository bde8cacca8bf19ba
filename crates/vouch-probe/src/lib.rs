//! One health verdict of servers, for any load balancer.
//!
//! Facts are collected on open connections with a strict budget ([`watch`]), judged
//! by one pure function ([`verdict()`]) and rendered by [`protocol`]. Nothing that a
//! client asks reaches a database: all answers come from the last [`vouch_report::health::Board`].

pub mod account;
pub mod agent;
pub mod collect;
pub mod facts;
pub mod heartbeat;
pub mod history;
pub mod http;
pub mod maintenance;
pub mod memory;
pub mod metrics;
pub mod policy;
pub mod protocol;
pub mod socket;
mod verdict;
pub mod watch;

pub use facts::{ChannelFacts, Facts, NodeFacts, Reach};
pub use history::History;
pub use memory::Moment;
pub use policy::Policy;
pub use verdict::{Verdict, verdict};
