//! `vouch manifest` and `vouch validate` on real servers: the signed gate before a failover.

mod definitions;
pub mod drill;
mod faults;
mod golden;
mod imported;
pub mod kit;
mod portable;
mod position;
mod ranges;
mod resume;
mod stage;
mod tamper;
mod tell;
mod trust;
mod unchanged;
