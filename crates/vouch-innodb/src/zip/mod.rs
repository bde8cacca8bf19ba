//! Nodes of ROW_FORMAT=COMPRESSED: [`ZipNode`].
//!
//! Behind the header stands a stream of zlib with the records, behind it a log of what was changed since the
//! stream was made, and from the end of the page backwards a directory with an entry for each record, in the
//! order of the index, then what is never compressed: page numbers of children, or the fields of transactions
//! and references to long values.

mod directory;
mod image;
mod log;
mod shape;

pub use image::ZipFault;

use crate::bytes::Field;
use crate::index::{IndexFault, MOST_LEVELS};
use crate::{PageNo, SpaceFormat};
use directory::Directory;

/// Where the stream begins.
const DATA: usize = 94;
/// Bytes of an entry of the directory.
const ENTRY: usize = 2;
/// Bytes of a child's page number.
const CHILD: usize = 4;
const SLOTS: usize = 38;
const HEAP_TOP: usize = 40;
const HEAP_COUNT: usize = 42;
const FREE: usize = 44;
const RECORDS: usize = 54;
const LEVEL: usize = 64;
const COMPACT: u16 = 0x8000;

/// A node, as it lies on disk.
#[derive(Debug)]
pub struct ZipNode<'a> {
    page: &'a [u8],
    /// Bytes of the node as a server has it in memory.
    logical: usize,
    slots: usize,
    heap_top: usize,
    free: usize,
    level: u16,
    /// Records, without those on the free list.
    records: usize,
    directory: Directory<'a>,
}

impl<'a> ZipNode<'a> {
    /// The node; `None` when its header cannot be right.
    pub fn read(format: &SpaceFormat, page: &'a [u8]) -> Option<ZipNode<'a>> {
        let heap = page.be16(HEAP_COUNT)?;
        let count = usize::from(heap & !COMPACT).checked_sub(2)?;
        let directory = page.get(page.len().checked_sub(count.checked_mul(ENTRY)?)?..)?;
        let node = ZipNode {
            page,
            logical: format.logical.bytes(),
            slots: usize::from(page.be16(SLOTS)?),
            heap_top: usize::from(page.be16(HEAP_TOP)?),
            free: usize::from(page.be16(FREE)?),
            level: page.be16(LEVEL)?,
            records: usize::from(page.be16(RECORDS)?),
            directory: Directory::new(directory),
        };
        let room = page.len().checked_sub(DATA)?;
        let fits = directory.len() < room && node.records <= count && node.slots >= 2 && node.level <= MOST_LEVELS;
        let top = (directory::FIRST..node.logical).contains(&node.heap_top);
        (heap & COMPACT != 0 && fits && top).then_some(node)
    }

    /// Whether the directory names each record once, and its groups are those of the header.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn check(&self) -> Result<(), IndexFault> {
        self.directory.check(self.records, self.slots, self.heap_top, self.free)
    }

    /// The children of a node above the leaves, in the order of the index; none of a leaf.
    pub fn children(&self) -> Vec<PageNo> {
        if self.level == 0 {
            return Vec::new();
        }
        let stored = self.page.len() - self.directory.bytes();
        let heap = self.directory.by_place();
        let child = |entry: usize| {
            let rank = heap.binary_search(&self.directory.place(entry)?).ok()?;
            self.page.be32(stored.checked_sub((rank + 1) * CHILD)?).map(PageNo)
        };
        (0..self.records).filter_map(child).collect()
    }
}

#[cfg(test)]
mod tests;
