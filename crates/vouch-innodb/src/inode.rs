//! Segments as their inodes describe them: [`Inode`].

use crate::bytes::Field;
use crate::fil::HEADER;
use crate::flst::{List, Node};
use crate::{NO_PAGE, PageNo, SpaceFormat};
use vouch_convert::narrow;

/// The node by which the page hangs in a list of the space header.
pub(crate) const LINK: usize = HEADER;
const ENTRIES: usize = HEADER + 12;
/// Bytes at a page's end that no inode uses.
const SPARE: usize = 10;
const USED: usize = 8;
const FREE: usize = 12;
const NOT_FULL: usize = 28;
const FULL: usize = 44;
const MAGIC_AT: usize = 60;
const MAGIC: u32 = 97_937_874;
const FRAGMENTS: usize = 64;

/// A segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inode {
    pub segment: u64,
    /// The byte of the page at which it begins.
    pub at: usize,
    pub magic: bool,
    /// Pages in use of the extents of the list `not_full`.
    pub used: u32,
    pub free: List,
    pub not_full: List,
    pub full: List,
    /// Single pages.
    pub fragments: Vec<PageNo>,
}

/// A page of inodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InodePage {
    pub link: Node,
    /// Inodes that are in use.
    pub inodes: Vec<Inode>,
    /// Inodes that fit a page.
    pub room: usize,
}

impl InodePage {
    /// `None` when the page is too short.
    pub(crate) fn read(format: &SpaceFormat, page: &[u8]) -> Option<InodePage> {
        let slots = narrow::<usize, _>(format.logical.extent_pages() / 2)?;
        let bytes = FRAGMENTS + 4 * slots;
        let room = page.len().checked_sub(ENTRIES + SPARE)? / bytes;
        let mut inodes = Vec::new();
        for number in 0..room {
            let at = ENTRIES + number * bytes;
            inodes.extend(inode(page.get(at..at + bytes)?, at)?);
        }
        Some(InodePage { link: Node::read(page, LINK)?, inodes, room })
    }
}

/// An inode that is in use.
fn inode(entry: &[u8], at: usize) -> Option<Option<Inode>> {
    let segment = entry.be64(0)?;
    if segment == 0 {
        return Some(None);
    }
    let slots = entry.get(FRAGMENTS..)?.chunks_exact(4).filter_map(|slot| slot.be32(0));
    Some(Some(Inode {
        segment,
        at,
        magic: entry.be32(MAGIC_AT)? == MAGIC,
        used: entry.be32(USED)?,
        free: List::read(entry, FREE)?,
        not_full: List::read(entry, NOT_FULL)?,
        full: List::read(entry, FULL)?,
        fragments: slots.filter(|page| *page != NO_PAGE).map(PageNo).collect(),
    }))
}
