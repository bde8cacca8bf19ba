//! Manifests of backups: what the data was, who says so, and whether to believe it.
//!
//! The way of a file: [`Untrusted`] bytes become [`Verified`] by a signature of a
//! key in a [`Keyring`], [`Verified`] ones are read into a [`Manifest`], and a
//! [`Policy`] makes of it what an engine takes: [`Accepted`].
//!
//! Invariant: no byte of a manifest is interpreted before its signature is
//! verified (or the user has said that it needs none), and there is no other way
//! to an [`Accepted`] manifest.

mod base;
mod der;
mod diff;
mod digest;
mod files;
mod flat;
mod gate_config;
mod held;
mod id;
mod import;
mod json;
mod key;
mod keyring;
mod lint;
mod model;
mod pattern;
mod read;
mod refused;
mod rollback;
mod rows;
mod schema;
mod shape;
mod sig;
mod time;
mod trust;
mod write;

pub use diff::diff;
pub use digest::{Sha256, sha256_hex, unhex};
pub use files::files_of;
pub use gate_config::GateConfig;
pub use held::{Compared, GoesOn, Held};
pub use id::fresh as fresh_id;
pub use import::{About, Dump, Source};
pub use key::{PublicKey, SigningKey};
pub use keyring::{Keyring, TrustedKey};
pub use lint::lint;
pub use model::{
    Backup, BackupFile, Class, Exclude, Kind, Manifest, Method, ObjectFacts, PositionFacts, ServerFacts, TableDigest,
    TableFacts,
};
pub use pattern::matches;
pub use refused::{Reason, Refused};
pub use rollback::{Serials, Standing};
pub use rows::{
    ColumnFacts, Fields, Form, KeyFacts, MultisetHash, RangeFacts, RangeHasher, RowEncoder, RowFacts, WrongField,
    merkle_root,
};
pub use schema::{Version, schema};
pub use sig::{Format, NAMESPACE, sign};
pub use time::{parse as parse_time, rfc3339};
pub use trust::{Accepted, Policy, Require, Signer, Untrusted, Verified};
pub use write::bytes;
