//! Where the doublewrite area of a system tablespace lies: [`LegacyDoublewrite`].
//!
//! Its slots hold copies of pages of any tablespace, so they are never pages of
//! the file that they lie in.

use crate::bytes::Field;
use crate::{NO_PAGE, PageNo, SpaceFormat};
use vouch_convert::to_size;

/// The page that names the area.
const TRX_SYS_PAGE: u32 = 5;
/// From the end of that page.
const FROM_END: usize = 200;
const MAGIC_AT: usize = 10;
const MAGIC: u32 = 536_853_855;
/// Single pages of a segment stand this far into its inode.
const INODE_FRAGMENTS: usize = 64;

/// The doublewrite area inside ibdata1: two extents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyDoublewrite {
    blocks: [u32; 2],
    extent: u32,
    /// The page and the place of the segment's inode, where they are known.
    inode: Option<(u32, u16)>,
}

impl LegacyDoublewrite {
    /// The page that tells where the area is.
    pub const TOLD_BY: PageNo = PageNo(TRX_SYS_PAGE);

    /// The area that page 5 names; `None` where there is none.
    pub fn read(page: &[u8], format: &SpaceFormat) -> Option<LegacyDoublewrite> {
        let at = page.len().checked_sub(FROM_END)?;
        if page.be32(at + MAGIC_AT)? != MAGIC {
            return None;
        }
        let blocks = [page.be32(at + MAGIC_AT + 4)?, page.be32(at + MAGIC_AT + 8)?];
        let inode = Some((page.be32(at + 4)?, page.be16(at + 8)?));
        Some(LegacyDoublewrite { blocks, extent: format.logical.extent_pages(), inode })
    }

    /// Where the area lies in every system tablespace that was made with the usual settings.
    pub fn usual(format: &SpaceFormat) -> LegacyDoublewrite {
        let extent = format.logical.extent_pages();
        LegacyDoublewrite { blocks: [extent, 2 * extent], extent, inode: None }
    }

    /// Whether the page of this number is a slot for copies.
    pub fn holds(&self, no: PageNo) -> bool {
        self.blocks.iter().any(|&block| block != 0 && (block..block.saturating_add(self.extent)).contains(&no.0))
    }

    /// The page that tells which single pages the area's segment holds.
    pub fn inode_page(&self) -> Option<PageNo> {
        self.inode.map(|(page, _)| PageNo(page))
    }

    /// Single pages of the area's segment, as the page above tells. The server allocates them to reach
    /// whole extents, and never writes them.
    pub fn fillers(&self, inode_page: &[u8]) -> Vec<PageNo> {
        let from = self.inode.map_or(usize::MAX, |(_, at)| usize::from(at)).saturating_add(INODE_FRAGMENTS);
        let slots = (0..to_size(self.extent / 2)).map_while(|slot| inode_page.be32(from.checked_add(4 * slot)?));
        slots.filter(|page| *page != NO_PAGE).map(PageNo).collect()
    }

    /// The slots, by their page numbers.
    pub fn slots(&self) -> impl Iterator<Item = PageNo> {
        let extent = self.extent;
        self.blocks
            .into_iter()
            .filter(|block| *block != 0)
            .flat_map(move |block| block..block.saturating_add(extent))
            .map(PageNo)
    }
}
