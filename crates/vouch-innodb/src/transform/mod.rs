//! Pages as the server sees them, from pages as they lie on disk.
//!
//! Invariant: a page is written into a buffer of one logical page, and no
//! length that a page names reaches beyond it.

mod codec;
mod mariadb;
mod mysql;

pub(crate) use mariadb::{
    inflate_classic as mariadb_classic, inflate_classic_encrypted as mariadb_classic_encrypted,
    inflate_full as mariadb_full,
};
pub(crate) use mysql::inflate as mysql;

use crate::{Codec, Lack};

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransformError {
    /// What stands there is no compressed page.
    Damaged(&'static str),
    /// Something is missing here.
    Lacking(Lack),
}

impl From<Codec> for TransformError {
    fn from(codec: Codec) -> Self {
        TransformError::Lacking(Lack::Decoder(codec))
    }
}

const CUT: TransformError = TransformError::Damaged("its length does not fit the page");
