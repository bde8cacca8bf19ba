//! The header that every page begins with: [`FilHeader`].

use crate::bytes::Field;
use crate::{Lsn, PageNo, PageType, SpaceId};

/// What PREV and NEXT say where there is no neighbour.
pub const NO_PAGE: u32 = u32::MAX;

/// Bytes of the header; the body begins here.
pub(crate) const HEADER: usize = 38;
/// Bytes at a page's end that do not belong to its body.
pub(crate) const TRAILER: usize = 8;

pub(crate) const CHECKSUM: usize = 0;
pub(crate) const PAGE_NO: usize = 4;
const PREV: usize = 8;
const NEXT: usize = 12;
pub(crate) const LSN: usize = 16;
pub(crate) const TYPE: usize = 24;
/// Flush LSN, split number, or how a page was transformed: by page and vendor.
pub(crate) const EXTRA: usize = 26;
pub(crate) const SPACE: usize = 34;

/// The fields of a page's header, as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilHeader {
    /// The first field: a checksum, or the key's version in `full_crc32` files.
    pub first: u32,
    /// The number that the page bears.
    pub page_no: PageNo,
    /// The page before it on its level, or [`NO_PAGE`].
    pub prev: u32,
    /// The page behind it on its level, or [`NO_PAGE`].
    pub next: u32,
    /// The last change.
    pub lsn: Lsn,
    /// The type, as it is.
    pub page_type: PageType,
    /// The tablespace that the page bears.
    pub space: SpaceId,
}

impl FilHeader {
    /// The header of a page; `None` when there are too few bytes.
    pub fn read(page: &[u8]) -> Option<FilHeader> {
        Some(FilHeader {
            first: page.be32(CHECKSUM)?,
            page_no: PageNo(page.be32(PAGE_NO)?),
            prev: page.be32(PREV)?,
            next: page.be32(NEXT)?,
            lsn: Lsn(page.be64(LSN)?),
            page_type: PageType(page.be16(TYPE)?),
            space: SpaceId(page.be32(SPACE)?),
        })
    }
}
