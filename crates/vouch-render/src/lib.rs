//! Shows results: progress on a terminal, a table for people, JSON for
//! programs, a page for a ticket.
//!
//! Everything here takes the vocabulary of `vouch-report` and returns text, or
//! is a [`vouch_report::Sink`] that writes to what it was given. The public
//! JSON exists in [`json`] alone.
//!
//! Invariant: names, keys and messages come from servers and are hostile. No
//! byte of them reaches a terminal or a page but through `text::clean`.

mod explain;
mod figures;
mod groups;
pub mod html;
pub mod human;
pub mod json;
pub mod junit;
pub mod mysqlbackup;
pub mod percona;
mod position;
mod progress;
pub mod rotation;
mod style;
mod text;
pub mod time;
mod words;

pub use explain::explain;
pub use json::Jsonl;
pub use progress::Progress;
