//! Takes manifests of servers, and holds servers against manifests.
//!
//! [`create`] reads the tables of one snapshot and says what they were;
//! [`validate`] reads the tables of a server and says whether they are what an
//! [`vouch_manifest::Accepted`] manifest says. Both read by the same workers.
//!
//! Invariants: nothing is asked of a server before there is an accepted manifest,
//! for there is no other way to call [`validate`]. A table that was not looked at
//! is never valid.

mod assembly;
mod connect;
mod create;
pub mod definition;
mod events;
mod fold;
mod kept;
mod layout;
mod ledger;
mod options;
mod pool;
mod position;
mod queue;
mod ranges;
mod read;
mod refusal;
mod request;
mod result;
mod snapshot;
mod split;
mod texts;
mod unchanged;
mod validate;
mod warden;

pub use create::{Created, create};
pub use options::{CreateOptions, Effort, ExtraPolicy, Gate, HiddenTables, ValidateOptions};
pub use validate::{untouched, validate};
