//! The space header on page 0, and which pages are in use: [`FspHeader`], [`ExtentMap`].

use crate::bytes::Field;
use crate::fil::HEADER;
use crate::flst::{BASE_BYTES, List, Node, Place};
use crate::{FormatError, PageNo, SpaceFormat, SpaceId};
use vouch_convert::{narrow, to_size};

const SPACE: usize = HEADER;
const SIZE: usize = HEADER + 8;
const FREE_LIMIT: usize = HEADER + 12;
const FLAGS: usize = HEADER + 16;
const FRAG_USED: usize = HEADER + 20;
const LISTS: usize = HEADER + 24;
const NEXT_SEGMENT: usize = HEADER + 72;
const INODE_LISTS: usize = HEADER + 80;
const EXTENTS: usize = HEADER + 112;

const NODE: usize = 8;
const STATE: usize = 20;
const BITMAP: usize = 24;

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

/// The lists of extents and of pages of inodes, as page 0 names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpaceLists {
    /// Pages in use of the extents of the list `free_frag`.
    pub frag_used: u32,
    pub free: List,
    pub free_frag: List,
    pub full_frag: List,
    /// The number that the next segment gets.
    pub next_segment: u64,
    pub inodes_full: List,
    pub inodes_free: List,
}

impl SpaceLists {
    /// The lists on page 0; `None` when there are too few bytes.
    pub(crate) fn read(page: &[u8]) -> Option<SpaceLists> {
        let list = |number: usize| List::read(page, LISTS + number * BASE_BYTES);
        Some(SpaceLists {
            frag_used: page.be32(FRAG_USED)?,
            free: list(0)?,
            free_frag: list(1)?,
            full_frag: list(2)?,
            next_segment: page.be64(NEXT_SEGMENT)?,
            inodes_full: List::read(page, INODE_LISTS)?,
            inodes_free: List::read(page, INODE_LISTS + BASE_BYTES)?,
        })
    }
}

/// What an extent is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExtentState {
    /// Never used.
    NotInitialised,
    Free,
    /// Its pages are handed out one by one, and some are left.
    FreeFragments,
    /// Its pages are handed out one by one, and none is left.
    FullFragments,
    Segment,
    /// Lent to a segment, but for its first pages.
    SegmentFragments,
}

impl ExtentState {
    fn of(number: u32) -> Option<ExtentState> {
        Some(match number {
            0 => ExtentState::NotInitialised,
            1 => ExtentState::Free,
            2 => ExtentState::FreeFragments,
            3 => ExtentState::FullFragments,
            4 => ExtentState::Segment,
            5 => ExtentState::SegmentFragments,
            _ => return None,
        })
    }

    /// Whether its pages are handed out one by one.
    pub(crate) fn is_fragmented(self) -> bool {
        matches!(self, ExtentState::FreeFragments | ExtentState::FullFragments)
    }
}

/// An extent as its descriptor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub segment: u64,
    pub node: Node,
    pub state: ExtentState,
    /// Pages of it that are in use.
    pub used: u32,
}

/// A page of descriptors.
#[derive(Clone, Debug, Default)]
struct Part {
    /// A bit a page: 1 is in use.
    used: Vec<u64>,
    extents: Vec<Extent>,
}

/// Which pages the descriptors of a tablespace say to be in use.
#[derive(Clone, Debug, Default)]
pub struct ExtentMap {
    /// Descriptor pages by their order.
    parts: Vec<Option<Part>>,
    pages_per_part: u32,
    extent_pages: u32,
}

impl ExtentMap {
    /// No descriptors are known yet.
    pub fn new(format: &SpaceFormat) -> ExtentMap {
        let extent_pages = format.logical.extent_pages();
        ExtentMap { parts: Vec::new(), pages_per_part: format.pages_per_extent_page(), extent_pages }
    }

    /// Whether all descriptors on a page have states that exist.
    pub fn is_sound(format: &SpaceFormat, page: &[u8]) -> bool {
        entries(format, page).all(|entry| ExtentState::of(entry.be32(STATE).unwrap_or(0)).is_some())
    }

    /// Takes over the descriptors of page `no`.
    pub fn add(&mut self, format: &SpaceFormat, no: PageNo, page: &[u8]) {
        let number = to_size(no.0 / self.pages_per_part.max(1));
        if self.parts.len() <= number {
            self.parts.resize(number + 1, None);
        }
        if let Some(slot) = self.parts.get_mut(number) {
            *slot = Some(descriptors(format, page));
        }
    }

    /// Takes over the descriptors that `other` has, of other pages of the same tablespace.
    pub fn merge(&mut self, other: ExtentMap) {
        self.parts.resize(self.parts.len().max(other.parts.len()), None);
        let known = self.parts.iter_mut().zip(other.parts).filter(|(_, part)| part.is_some());
        known.for_each(|(slot, part)| *slot = part);
    }

    /// Whether the page is in use; `None` when its descriptor is not known.
    pub fn in_use(&self, no: PageNo) -> Option<bool> {
        let part = self.part(no)?;
        let bit = no.0 % self.pages_per_part;
        let word = part.used.get(narrow::<usize, _>(bit / 64)?)?;
        Some(word >> (bit % 64) & 1 == 1)
    }

    /// Where the bits of a page are: the page of descriptors, the byte there, and the page's number of four in it.
    pub fn bitmap_of(&self, no: PageNo) -> Option<(PageNo, u16, u8)> {
        let at = no.0.checked_rem(self.pages_per_part)?;
        let (entry, bit) = (at.checked_div(self.extent_pages)?, at.checked_rem(self.extent_pages)?);
        let entry = narrow::<usize, _>(entry)?.checked_mul(entry_bytes(self.extent_pages))?;
        let byte = EXTENTS + entry + BITMAP + narrow::<usize, _>(bit / 4)?;
        Some((PageNo(no.0 - at), narrow::<u16, _>(byte)?, narrow::<u8, _>(bit % 4)?))
    }

    /// The extent that the page lies in, and its first page.
    pub(crate) fn extent_of(&self, no: PageNo) -> Option<(PageNo, &Extent)> {
        let number = narrow::<usize, _>((no.0 % self.pages_per_part).checked_div(self.extent_pages)?)?;
        let first = no.0 - no.0 % self.extent_pages;
        Some((PageNo(first), self.part(no)?.extents.get(number)?))
    }

    /// The extent whose descriptor's node stands at a place, and its first page.
    pub(crate) fn extent_at(&self, place: Place) -> Option<(PageNo, &Extent)> {
        let offset = usize::from(place.byte).checked_sub(EXTENTS + NODE)?;
        let bytes = entry_bytes(self.extent_pages);
        let known = place.page.checked_rem(self.pages_per_part)? == 0 && offset.is_multiple_of(bytes);
        let skipped = narrow::<u32, _>(offset / bytes)?.checked_mul(self.extent_pages)?;
        self.extent_of(PageNo(place.page.checked_add(skipped).filter(|_| known && skipped < self.pages_per_part)?))
    }

    /// All extents that are known, each with its first page.
    pub(crate) fn extents(&self) -> impl Iterator<Item = (PageNo, &Extent)> {
        let parts = (0_u32..).zip(&self.parts).filter_map(|(number, part)| Some((number, part.as_ref()?)));
        parts.flat_map(move |(number, part)| {
            let first = number.saturating_mul(self.pages_per_part);
            let firsts = (0_u32..).map(move |at| PageNo(first.saturating_add(at.saturating_mul(self.extent_pages))));
            firsts.zip(&part.extents)
        })
    }

    /// Pages of an extent.
    pub(crate) fn extent_pages(&self) -> u32 {
        self.extent_pages
    }

    /// Whether the page describes extents, or stands beside one that does.
    pub(crate) fn is_fixed(&self, no: PageNo) -> bool {
        no.0.checked_rem(self.pages_per_part).is_some_and(|at| at < 2)
    }

    fn part(&self, no: PageNo) -> Option<&Part> {
        self.parts.get(narrow::<usize, _>(no.0.checked_div(self.pages_per_part)?)?)?.as_ref()
    }
}

fn entry_bytes(extent_pages: u32) -> usize {
    BITMAP + to_size(extent_pages / 4)
}

/// The bytes of each descriptor of a page.
fn entries<'a>(format: &SpaceFormat, page: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let extent_pages = format.logical.extent_pages();
    let extents = to_size(format.pages_per_extent_page() / extent_pages);
    page.get(EXTENTS..).unwrap_or_default().chunks_exact(entry_bytes(extent_pages)).take(extents)
}

fn descriptors(format: &SpaceFormat, page: &[u8]) -> Part {
    let mut part = Part::default();
    for entry in entries(format, page) {
        let state = ExtentState::of(entry.be32(STATE).unwrap_or(0)).unwrap_or(ExtentState::NotInitialised);
        let known = state != ExtentState::NotInitialised;
        let from = part.used.len();
        let bitmap = entry.get(BITMAP..).unwrap_or(&[]);
        part.used.extend(bitmap.chunks(16).map(|chunk| if known { used_bits(chunk) } else { 0 }));
        let used = part.used.iter().skip(from).map(|word| word.count_ones()).sum();
        let (Some(segment), Some(node)) = (entry.be64(0), Node::read(entry, NODE)) else { break };
        part.extents.push(Extent { segment, node, state, used });
    }
    part
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
        assert!(ExtentMap::is_sound(&format, &page));
        map.add(&format, PageNo(0), &page);
        assert_eq!(map.in_use(PageNo(3)), Some(false), "an extent that is not initialised");
        assert_eq!((map.in_use(PageNo(64 + 5)), map.in_use(PageNo(64 + 6))), (Some(true), Some(false)));
        assert_eq!(map.in_use(PageNo(16_384)), None);
        let byte = u16::try_from(EXTENTS + 40 + BITMAP + 1).unwrap();
        assert_eq!(map.bitmap_of(PageNo(16_384 + 64 + 5)), Some((PageNo(16_384), byte, 1)));
        page[EXTENTS + 40 + STATE + 3] = 9;
        assert!(!ExtentMap::is_sound(&format, &page));
    }
}
