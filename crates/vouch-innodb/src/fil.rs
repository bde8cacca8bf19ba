//! The header that every page begins with: [`FilHeader`].

use crate::bytes::Field;
use crate::{Layout, Lsn, PageNo, PageType, SpaceFormat, SpaceId};

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

    /// Whether the page is a node of a tree.
    pub fn is_node(&self, format: &SpaceFormat) -> bool {
        self.page_type.is_node() || self.page_type == PageType::INSTANT && !self.is_sdi_blob(format)
    }

    /// Whether the page has a part of MySQL's dictionary information. Its type is also that of MariaDB's roots after
    /// an instant ALTER. The flags on page 0 do not decide alone: MySQL sets the one of dictionary information when
    /// the file is there already, and writes page 0 again when it likes. Until it is shut down, page 0 may be older on
    /// disk than these pages; in an increment it is not there at all, and it may be damaged. MySQL leaves the fields of
    /// neighbours of these pages zero, and a root says in them that it has none.
    pub fn is_sdi_blob(&self, format: &SpaceFormat) -> bool {
        let without_fields = format.layout == Layout::Classic && self.prev == 0 && self.next == 0;
        self.page_type == PageType::INSTANT && (format.sdi || without_fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PageSize;

    fn header(page_type: PageType, neighbour: u32) -> FilHeader {
        let (prev, next, page_no) = (neighbour, neighbour, PageNo(5));
        FilHeader { first: 1, page_no, prev, next, lsn: Lsn(7), page_type, space: SpaceId(9) }
    }

    /// A part of MySQL's dictionary information was taken for a root of MariaDB, and called damaged, where page 0 did
    /// not yet say that there is such information: a healthy server that was running was accused.
    #[test]
    fn parts_of_dictionary_information_are_told_from_roots_while_page_0_is_older() {
        let classic = SpaceFormat::plain(PageSize::DEFAULT, Layout::Classic);
        let flagged = SpaceFormat { sdi: true, ..classic };
        let full = SpaceFormat::plain(PageSize::DEFAULT, Layout::FullCrc32);
        let (blob, root) = (header(PageType::INSTANT, 0), header(PageType::INSTANT, NO_PAGE));
        for (header, format, is_blob) in [
            (blob, classic, true),
            (blob, flagged, true),
            (root, flagged, true),
            (root, classic, false),
            (root, full, false),
            (blob, full, false),
        ] {
            assert_eq!(
                (header.is_sdi_blob(&format), header.is_node(&format)),
                (is_blob, !is_blob),
                "{header:?} {format:?}"
            );
        }
        let leaf = header(PageType::INDEX, 0);
        assert!(leaf.is_node(&classic) && !leaf.is_sdi_blob(&classic));
    }
}
