//! Pages that values too long for their records stand on: [`LobFacts`], [`Claim`].
//!
//! MariaDB and older versions of MySQL chain them, MySQL 8 keeps an index of them on the first one.

use crate::bytes::Field;
use crate::fil::{HEADER, TRAILER};
use crate::{FilHeader, NO_PAGE, PageNo, PageType, SpaceFormat};
use vouch_convert::narrow;

/// The index of a value begins here on its first page, and there are so many entries.
const FIRST_ENTRIES: usize = HEADER + 58;
const FIRST_COUNT: usize = 10;
const FIRST_VERSION: usize = HEADER + 2;
const FIRST_LENGTH: usize = HEADER + 16;
/// The same on later pages of the index, which are full of entries.
const ENTRIES: usize = HEADER + 1;
const DATA_LENGTH: usize = HEADER + 1;
const ENTRY: usize = 60;
/// Fields of an entry.
const PAGE: usize = 48;
const LENGTH: usize = 52;
const VERSION: usize = 56;
/// The same of ROW_FORMAT=COMPRESSED.
const ZIP_ENTRIES: usize = HEADER + 98;
const ZIP_ENTRY: usize = 66;
const ZIP_VERSION: usize = 62;
/// What stands in front of a chained part.
const CHAIN_HEADER: usize = 8;

/// What a page with a part of a value says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LobFacts {
    /// Bytes of the value that stand here, where the page says so.
    pub length: Option<u32>,
    /// The page with the next part, or [`NO_PAGE`].
    pub next: u32,
}

/// An entry of a value's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The page with the index.
    pub owner: PageNo,
    /// The page with the part.
    pub page: PageNo,
    /// Bytes of the part, where the entry says them of the page.
    pub length: Option<u16>,
}

impl LobFacts {
    /// The facts of a page; `None` for a page of another kind.
    pub fn read(format: &SpaceFormat, page: &[u8]) -> Option<LobFacts> {
        let header = FilHeader::read(page)?;
        let next = header.next;
        Some(match header.page_type {
            PageType::BLOB => LobFacts { length: Some(page.be32(HEADER)?), next: page.be32(HEADER + 4)? },
            _ if header.is_sdi_blob(format) => {
                LobFacts { length: Some(page.be32(HEADER)?), next: page.be32(HEADER + 4)? }
            }
            PageType::ZBLOB | PageType::ZBLOB_NEXT | PageType::SDI_ZBLOB => LobFacts { length: None, next },
            PageType::LOB_DATA => LobFacts { length: Some(page.be32(DATA_LENGTH)?), next: NO_PAGE },
            PageType::LOB_FIRST => LobFacts { length: Some(page.be32(FIRST_LENGTH)?), next: NO_PAGE },
            _ => return None,
        })
    }

    /// Whether parts of this type follow each other in a chain.
    pub fn is_chained(page_type: PageType) -> bool {
        let of_sdi = [PageType::INSTANT, PageType::SDI_ZBLOB];
        of_sdi.contains(&page_type) || [PageType::BLOB, PageType::ZBLOB, PageType::ZBLOB_NEXT].contains(&page_type)
    }

    /// Bytes of a chained part that fit a page.
    pub fn room(format: &SpaceFormat) -> u32 {
        u32::try_from(format.physical.bytes() - HEADER - TRAILER - CHAIN_HEADER).unwrap_or(u32::MAX)
    }

    /// The part of a chained value that stands on a page of ROW_FORMAT=COMPRESSED, where the last one is filled up.
    pub fn zip_part(page: &[u8]) -> Option<&[u8]> {
        page.get(HEADER..)
    }

    /// The part of a chained value that stands on a page.
    pub fn part(page: &[u8]) -> Option<&[u8]> {
        let length = narrow::<usize, _>(page.be32(HEADER)?)?;
        page.get(HEADER + CHAIN_HEADER..)?.get(..length)
    }
}

impl Claim {
    /// The entries on a page of a value's index, in their order. None of one that was changed in part: its
    /// entries stand in another order than its parts.
    pub fn of_page(owner: PageNo, page_type: PageType, page: &[u8]) -> Vec<Claim> {
        let (from, count, size, version) = match page_type {
            PageType::LOB_FIRST if page.be32(FIRST_VERSION) == Some(1) => (FIRST_ENTRIES, FIRST_COUNT, ENTRY, VERSION),
            PageType::LOB_INDEX => (ENTRIES, page.len().saturating_sub(ENTRIES + TRAILER) / ENTRY, ENTRY, VERSION),
            PageType::ZLOB_FIRST if page.be32(FIRST_VERSION) == Some(1) => {
                (ZIP_ENTRIES, zip_entries(page.len()), ZIP_ENTRY, ZIP_VERSION)
            }
            _ => return Vec::new(),
        };
        let mut claims = Vec::new();
        for entry in page.get(from..).unwrap_or_default().chunks_exact(size).take(count) {
            let claimed = entry.be32(PAGE).filter(|page| *page != 0 && *page != NO_PAGE);
            let Some((page, length)) = claimed.zip(entry.be16(LENGTH)) else { continue };
            if entry.be32(version) != Some(1) {
                return Vec::new();
            }
            let length = (page_type != PageType::ZLOB_FIRST).then_some(length);
            claims.push(Claim { owner, page: PageNo(page), length });
        }
        claims
    }
}

/// Entries on the first page of a value of ROW_FORMAT=COMPRESSED.
fn zip_entries(page_bytes: usize) -> usize {
    match page_bytes {
        16_384 => 100,
        8192 => 80,
        4096 => 40,
        2048 => 20,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fil::TYPE;
    use crate::{Layout, PageSize};
    use proptest::prelude::*;

    const FORMAT: PageSize = PageSize::DEFAULT;

    fn indexed(entries: &[(u32, u16, u32)]) -> Vec<u8> {
        let mut page = vec![0; 16_384];
        page[FIRST_VERSION + 3] = 1;
        for (number, (no, length, version)) in entries.iter().enumerate() {
            let at = FIRST_ENTRIES + number * ENTRY;
            page[at + PAGE..at + PAGE + 4].copy_from_slice(&no.to_be_bytes());
            page[at + LENGTH..at + LENGTH + 2].copy_from_slice(&length.to_be_bytes());
            page[at + VERSION..at + VERSION + 4].copy_from_slice(&version.to_be_bytes());
        }
        page
    }

    #[test]
    fn entries_in_use_are_read_in_their_order() {
        let page = indexed(&[(7, 100, 1), (NO_PAGE, 0, 0), (9, 200, 1)]);
        let claims = Claim::of_page(PageNo(7), PageType::LOB_FIRST, &page);
        let claim = |page, length| Claim { owner: PageNo(7), page: PageNo(page), length: Some(length) };
        assert_eq!(claims, [claim(7, 100), claim(9, 200)]);
        let changed = indexed(&[(7, 100, 1), (9, 200, 2)]);
        assert_eq!(Claim::of_page(PageNo(7), PageType::LOB_FIRST, &changed), [], "one that was changed in part");
    }

    #[test]
    fn entries_of_compressed_values_are_read() {
        let mut page = vec![0; 1024];
        page[FIRST_VERSION + 3] = 1;
        page[ZIP_ENTRIES..ZIP_ENTRIES + 5 * ZIP_ENTRY].fill(0xff);
        let second = ZIP_ENTRIES + ZIP_ENTRY;
        page[second + PAGE..second + PAGE + 4].copy_from_slice(&[0, 0, 0, 9]);
        page[second + ZIP_VERSION..second + ZIP_VERSION + 4].copy_from_slice(&[0, 0, 0, 1]);
        let claim = Claim { owner: PageNo(7), page: PageNo(9), length: None };
        assert_eq!(Claim::of_page(PageNo(7), PageType::ZLOB_FIRST, &page), [claim]);
        page[FIRST_VERSION + 3] = 2;
        assert_eq!(Claim::of_page(PageNo(7), PageType::ZLOB_FIRST, &page), [], "one that was changed in part");
    }

    #[test]
    fn parts_of_a_chain_tell_their_length_and_the_next_one() {
        let format = SpaceFormat::plain(FORMAT, Layout::Classic);
        let facts = |page_type: PageType, page: &mut [u8]| {
            page[TYPE..TYPE + 2].copy_from_slice(&page_type.0.to_be_bytes());
            LobFacts::read(&format, page)
        };
        let mut page = vec![0; 16_384];
        page[HEADER..HEADER + 8].copy_from_slice(&[0, 0, 0, 3, 0, 0, 0, 9]);
        page[HEADER + 8..HEADER + 11].copy_from_slice(b"abc");
        let part = Some(LobFacts { length: Some(3), next: 9 });
        assert_eq!(facts(PageType::BLOB, &mut page), part);
        assert_eq!(facts(PageType::INSTANT, &mut page), part, "of dictionary information");
        assert_eq!(LobFacts::part(&page), Some(&b"abc"[..]));
        assert_eq!(facts(PageType::INDEX, &mut page), None);
        page[8..16].fill(0xff);
        assert_eq!(facts(PageType::INSTANT, &mut page), None, "a root of MariaDB");
        assert_eq!(LobFacts::room(&format), 16_384 - 54);
    }

    proptest! {
        #[test]
        fn no_page_panics(page in prop::collection::vec(any::<u8>(), 0..2048), page_type in 9_u16..30) {
            let format = SpaceFormat { sdi: true, ..SpaceFormat::plain(FORMAT, Layout::Classic) };
            let mut page = page;
            if let Some(field) = page.get_mut(TYPE..TYPE + 2) {
                field.copy_from_slice(&page_type.to_be_bytes());
            }
            LobFacts::read(&format, &page);
            LobFacts::part(&page);
            Claim::of_page(PageNo(1), PageType(page_type), &page);
        }
    }
}
