//! The kit itself, on real servers of both flavors: `cargo test -p vouch-testkit --features real-servers`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod boot;
mod cases;
mod faults;
