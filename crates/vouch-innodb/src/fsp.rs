//! The space header on page 0, and which pages are in use: [`FspHeader`], [`ExtentMap`].

use crate::bytes::Field;
use crate::fil::HEADER;
use crate::{FormatError, PageNo, SpaceFormat, SpaceId};

const SPACE: usize = HEADER;
const SIZE: usize = HEADER + 8;
const FREE_LIMIT: usize = HEADER + 12;
const FLAGS: usize = HEADER + 16;
const EXTENTS: usize = HEADER + 112;

const STATE: usize = 20;
const BITMAP: usize = 24;
const NOT_INITIALISED: u32 = 0;
const LAST_STATE: u32 = 5;

/// What page 0 says about its tablespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FspHeader {
    /// The tablespace.
    pub space: SpaceId,
    /// Pages that the tablespace has.
    pub size: u32,
    /// Pages behind this one were never initialised.
    pub free_limit: u32,
    /// The flags, as they are.
    pub flags: u32,
}

impl FspHeader {
    /// The header on page 0; `None` when there are too few bytes.
    pub fn read(page: &[u8]) -> Option<FspHeader> {
        Some(FspHeader {
            space: SpaceId(page.be32(SPACE)?),
            size: page.be32(SIZE)?,
            free_limit: page.be32(FREE_LIMIT)?,
            flags: page.be32(FLAGS)?,
        })
    }

    /// The format that the flags describe.
    ///
    /// # Errors
    /// No server writes such flags.
    pub fn format(&self) -> Result<SpaceFormat, FormatError> {
        SpaceFormat::from_flags(self.flags)
    }
}

/// Which pages the descriptors of a tablespace say to be in use.
#[derive(Clone, Debug, Default)]
pub struct ExtentMap {
    /// Descriptor pages by their order, each a bit a page: 1 is in use.
    parts: Vec<Option<Vec<u64>>>,
    pages_per_part: u32,
}

impl ExtentMap {
    /// No descriptors are known yet.
    pub fn new(format: &SpaceFormat) -> ExtentMap {
        ExtentMap { parts: Vec::new(), pages_per_part: format.pages_per_extent_page() }
    }

    /// Takes over the descriptors of page `no`. False when one of them has a state that does not exist.
    pub fn add(&mut self, format: &SpaceFormat, no: PageNo, page: &[u8]) -> bool {
        let part = usize::try_from(no.0 / self.pages_per_part.max(1)).unwrap_or(0);
        let (bits, sound) = used_pages(format, page);
        if self.parts.len() <= part {
            self.parts.resize(part + 1, None);
        }
        if let Some(slot) = self.parts.get_mut(part) {
            *slot = Some(bits);
        }
        sound
    }

    /// Whether the page is in use; `None` when its descriptor is not known.
    pub fn in_use(&self, no: PageNo) -> Option<bool> {
        let part = self.parts.get(usize::try_from(no.0.checked_div(self.pages_per_part)?).ok()?)?.as_ref()?;
        let bit = no.0 % self.pages_per_part;
        let word = part.get(usize::try_from(bit / 64).ok()?)?;
        Some(word >> (bit % 64) & 1 == 1)
    }
}

/// A bit a page, and whether every extent has a state that exists.
fn used_pages(format: &SpaceFormat, page: &[u8]) -> (Vec<u64>, bool) {
    let extent_pages = format.logical.extent_pages();
    let entry_bytes = BITMAP + usize::try_from(extent_pages / 4).unwrap_or(0);
    let extents = format.pages_per_extent_page() / extent_pages;
    let mut sound = true;
    let mut bits = Vec::new();
    for extent in 0..usize::try_from(extents).unwrap_or(0) {
        let entry = page.get(EXTENTS + extent * entry_bytes..).and_then(|rest| rest.get(..entry_bytes)).unwrap_or(&[]);
        let state = entry.be32(STATE).unwrap_or(NOT_INITIALISED);
        sound &= state <= LAST_STATE;
        let known = state != NOT_INITIALISED && state <= LAST_STATE;
        bits.extend(
            entry.get(BITMAP..).unwrap_or(&[]).chunks(16).map(|chunk| if known { used_bits(chunk) } else { 0 }),
        );
    }
    (bits, sound)
}

/// Of two bits a page the lower one says that the page is free.
fn used_bits(bitmap: &[u8]) -> u64 {
    let pages = bitmap.iter().flat_map(|byte| (0..4).map(move |at| byte >> (2 * at) & 1 == 0));
    pages.enumerate().fold(0, |bits, (at, used)| bits | u64::from(used) << at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, PageSize};

    #[test]
    fn bits_of_an_extent_are_pages_in_order() {
        let format = SpaceFormat::plain(PageSize::DEFAULT, Layout::Classic);
        let mut page = vec![0; 16_384];
        page[EXTENTS + 40 + STATE + 3] = 4;
        page[EXTENTS + 40 + BITMAP..EXTENTS + 80].fill(0xff);
        page[EXTENTS + 40 + BITMAP + 1] = 0b1111_1011;
        let mut map = ExtentMap::new(&format);
        assert!(map.add(&format, PageNo(0), &page));
        assert_eq!(map.in_use(PageNo(3)), Some(false), "an extent that is not initialised");
        assert_eq!((map.in_use(PageNo(64 + 5)), map.in_use(PageNo(64 + 6))), (Some(true), Some(false)));
        assert_eq!(map.in_use(PageNo(16_384)), None);
        page[EXTENTS + 40 + STATE + 3] = 9;
        assert!(!map.add(&format, PageNo(0), &page));
    }
}
