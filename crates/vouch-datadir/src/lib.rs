//! Files of InnoDB turned into pages and judged: data directories, backup
//! directories and single files, in parallel.
//!
//! Start at [`verify`]. Invariants: files are opened for reading alone and never
//! locked; every page of every file that was asked for is judged, or is said
//! not to be.

// Tests may fail by panicking.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::indexing_slicing))]

mod books;
mod catalog;
mod cold;
mod copies;
mod counts;
mod demands;
mod discover;
mod disguise;
mod facts;
mod far;
#[cfg(test)]
mod fixture;
mod fuzzy;
mod hint;
mod holders;
mod holes;
mod innochecksum;
mod instance;
mod judge;
mod keyring;
mod kind;
mod ledger;
mod listing;
mod logs;
mod names;
mod options;
mod pace;
mod packed;
mod presence;
mod read;
mod scan;
mod sdi;
mod space;
mod state;
mod structure;
#[cfg(test)]
#[path = "tools_tests.rs"]
mod tools;
mod unit;
mod verify;
mod zeros;

pub use hint::noted_method;
pub use innochecksum::{Algorithm, Dialect, InnochecksumOptions, Said, innochecksum};
pub use keyring::{BackupKey, read_backup_key, read_keyring};
pub use options::{CheckBeside, Checked, Inputs, Level, MayRead, PagesOptions, StateChoice};
pub use pace::Pace;
pub use space::is_encrypted;
pub use verify::verify;
pub use vouch_innodb::{Keyring, Method, Strict};
