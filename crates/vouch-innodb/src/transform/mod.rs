//! Pages as the server sees them, from pages as they lie on disk.
//!
//! Invariant: a page is written into a buffer of one logical page, and no
//! length that a page names reaches beyond it.

mod codec;
mod lzo;
mod mariadb;
mod mysql;

pub(crate) use mariadb::{
    encrypted_end as mariadb_classic_encrypted_end, inflate_classic as mariadb_classic,
    inflate_classic_encrypted as mariadb_classic_encrypted, inflate_full as mariadb_full,
};
pub(crate) use mysql::inflate as mysql;

/// Why there is no page: what stands there is no compressed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TransformError(pub(crate) &'static str);

const CUT: TransformError = TransformError("its length does not fit the page");
