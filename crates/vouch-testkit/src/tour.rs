//! The shop of `vouch demo`: tables with about as many rows as wanted, a write
//! load, and a drift of every kind that checksums of today miss: [`seed`],
//! [`load`], [`plant`].
//!
//! Invariant: the load stays away from the rows that drift, or replication would
//! bring them into line again.

mod drifts;
mod shop;
mod writes;

pub use drifts::{Planted, plant};
pub use shop::{DATABASE, ShopTable, seed, tables};
pub use writes::load;
