//! From raw arguments to typed options.
//!
//! An option is taken from the flags, else from `VOUCH_…`, else from
//! `vouch.toml`, else from its default. [`read`] lays these layers together
//! and remembers where each value came from ([`Origins`]); [`job`] makes the
//! real options of a comparison, once.

mod addresses;
pub mod alert;
pub mod checksum;
mod environment;
mod file;
pub mod gate;
pub mod job;
mod layers;
mod secret;
pub mod watch;

pub use layers::{Configured, Origin, Origins, options_of, read};
