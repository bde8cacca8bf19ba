//! Files of pages, damaged in ways that have names: [`Pages`].
//!
//! Checksums are put right again by this file's own code, never by the code
//! under test, so that a damage is exactly the one that it is called.

use crate::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

const NODE: u16 = 17_855;
const LSN: usize = 16;
const TYPE: usize = 24;
const SPACE: usize = 34;
const SLOTS: usize = 38;
const HEAP_COUNT: usize = 42;
const LEVEL: usize = 64;
const INDEX: usize = 66;
/// Nothing on that side.
const NONE: u32 = u32::MAX;

/// The way in which a file's pages are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// CRC-32C in the first and the last field.
    Crc32,
    /// CRC-32C in the first field: ROW_FORMAT=COMPRESSED.
    Zip,
    /// CRC-32C behind everything: MariaDB.
    FullCrc32,
    /// The two formulas from before CRC-32, one at each end.
    Innodb,
    /// Nothing but the mark of a server that writes no checksums.
    Nothing,
}

/// A file of pages in memory.
#[derive(Clone, Debug)]
pub struct Pages {
    path: PathBuf,
    size: usize,
    seal: Seal,
    bytes: Vec<u8>,
}

impl Pages {
    /// Reads a file.
    ///
    /// Errors: it cannot be read.
    pub fn read(path: &Path, size: usize, seal: Seal) -> Result<Pages> {
        let bytes = fs::read(path).map_err(Error::io(format!("reading {}", path.display())))?;
        Ok(Pages { path: path.to_owned(), size, seal, bytes })
    }

    /// Writes what has become of it to `path`.
    ///
    /// Errors: it cannot be written.
    pub fn write_to(&self, path: &Path) -> Result<()> {
        fs::write(path, &self.bytes).map_err(Error::io(format!("writing {}", path.display())))
    }

    /// The file that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What has become of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Pages that it has.
    pub fn count(&self) -> usize {
        self.bytes.len() / self.size
    }

    /// The bytes of a page.
    pub fn page(&mut self, no: usize) -> &mut [u8] {
        &mut self.bytes[no * self.size..(no + 1) * self.size]
    }

    /// The length of a page.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Makes the file this long.
    pub fn cut(&mut self, bytes: usize) {
        self.bytes.truncate(bytes);
    }

    /// Turns one bit of a page.
    pub fn flip(&mut self, no: usize, at: usize) {
        self.page(no)[at] ^= 0x10;
    }

    /// Writes zeros over a page.
    pub fn zero(&mut self, no: usize) {
        self.page(no).fill(0);
    }

    /// Leaves the first half of a page, as a write that was cut off does; the other half is of before.
    pub fn tear(&mut self, no: usize) {
        let half = self.size / 2;
        self.page(no)[half..].fill(0x5a);
    }

    /// Puts two pages in each other's place.
    pub fn swap(&mut self, a: usize, b: usize) {
        let first = self.page(a).to_vec();
        let second = self.page(b).to_vec();
        self.page(a).copy_from_slice(&second);
        self.page(b).copy_from_slice(&first);
    }

    /// Puts a page of another file in the place of a page.
    pub fn replace(&mut self, no: usize, other: &mut Pages, from: usize) {
        self.page(no).copy_from_slice(other.page(from));
    }

    /// Changes a page and puts its checksum right.
    pub fn forge(&mut self, no: usize, change: impl FnOnce(&mut [u8])) {
        let seal = self.seal;
        let page = self.page(no);
        change(page);
        reseal(page, seal);
    }

    /// The type that a page says it has.
    pub fn type_of(&mut self, no: usize) -> u16 {
        be16(self.page(no), TYPE)
    }

    /// Says that a page was changed last at this LSN.
    pub fn stamp(&mut self, no: usize, lsn: u64) {
        let (seal, end) = (self.seal, self.size);
        let low = match seal {
            Seal::Crc32 | Seal::Innodb | Seal::Nothing => Some(end - 4),
            Seal::FullCrc32 => Some(end - 8),
            Seal::Zip => None,
        };
        self.forge(no, |page| {
            page[LSN..LSN + 8].copy_from_slice(&lsn.to_be_bytes());
            low.into_iter().for_each(|at| put32(page, at, lsn as u32));
        });
    }

    /// Makes it another tablespace.
    pub fn renumber(&mut self, space: u32) {
        for no in 0..self.count() {
            if self.page(no).iter().any(|byte| *byte != 0) {
                self.forge(no, |page| {
                    put32(page, SPACE, space);
                    if no == 0 {
                        put32(page, SPACE + 4, space);
                    }
                });
            }
        }
    }

    /// The pages of B-trees on this level, of the index that has most of them, from left to right.
    pub fn nodes(&mut self, level: u16) -> Vec<usize> {
        let mut found: Vec<(u64, u32, usize)> = Vec::new();
        for no in 0..self.count() {
            let page = self.page(no);
            if be16(page, TYPE) == NODE && be16(page, LEVEL) == level && be32(page, 4) as usize == no {
                let (index, prev) = (be64(page, INDEX), be32(page, 8));
                found.push((index, prev, no));
            }
        }
        let count = |index: u64| found.iter().filter(|node| node.0 == index).count();
        let Some(&(most, ..)) = found.iter().max_by_key(|node| (count(node.0), std::cmp::Reverse(node.0))) else {
            return Vec::new();
        };
        let own: Vec<(u32, usize)> = found.iter().filter(|node| node.0 == most).map(|node| (node.1, node.2)).collect();
        // Pages that were given back keep their old contents, and may look like the first of a level.
        let firsts = own.iter().filter(|(prev, _)| *prev == NONE);
        firsts.map(|(_, first)| chain(&own, *first)).max_by_key(Vec::len).unwrap_or_default()
    }

    /// Makes two neighbours point at each other on both sides.
    pub fn sibling_cycle(&mut self, left: usize, right: usize) {
        self.forge(right, |page| put32(page, 12, left as u32));
    }

    /// Says that a node is on another level.
    pub fn wrong_level(&mut self, no: usize) {
        self.forge(no, |page| page[LEVEL + 1] ^= 1);
    }

    /// Exchanges the keys of the first two records of a compact leaf, of four bytes each.
    pub fn keys(&mut self, no: usize) {
        self.forge(no, |page| {
            let first = 99 + usize::from(be16(page, 97));
            let second = first.wrapping_add(usize::from(be16(page, first - 2))) & (page.len() - 1);
            (0..4).for_each(|byte| page.swap(first + byte, second + byte));
        });
    }

    /// Says that the records of a node are shorter than they are.
    pub fn garbage(&mut self, no: usize) {
        self.forge(no, |page| put16(page, 46, be16(page, 46) + 1));
    }

    /// Says that the first record of a compressed node owns those before it.
    pub fn dense_entry(&mut self, no: usize) {
        self.forge(no, |page| {
            let at = page.len() - 2;
            page[at] ^= 0x40;
        });
    }

    /// Changes the beginning of the stream of a compressed node.
    pub fn stream(&mut self, no: usize) {
        self.forge(no, |page| page[95] ^= 1);
    }

    /// The first pages of compressed values with an index that names at least three parts.
    pub fn compressed_values(&mut self) -> Vec<usize> {
        let fits = |page: &[u8]| be32(page, 40) == 1 && ![0, NONE].contains(&be32(page, 136 + 2 * 66 + 48));
        (0..self.count()).filter(|no| be16(self.page(*no), TYPE) == 25 && fits(self.page(*no))).collect()
    }

    /// Says that the third part of a compressed value is a node.
    pub fn foreign_compressed_part(&mut self, no: usize) {
        self.forge(no, |page| put32(page, 136 + 2 * 66 + 48, 4));
    }

    /// Points the second slot of a node's directory elsewhere.
    pub fn directory_slot(&mut self, no: usize) {
        self.forge(no, |page| {
            let at = page.len() - 8 - 4;
            put16(page, at, be16(page, at) ^ 0x10);
        });
    }

    /// Makes the first record of a compact node its own successor.
    pub fn record_loop(&mut self, no: usize) {
        self.forge(no, |page| {
            let first = 99 + usize::from(be16(page, 97));
            let second = first.wrapping_add(usize::from(be16(page, first - 2))) & (page.len() - 1);
            put16(page, second - 2, (first as u16).wrapping_sub(second as u16));
        });
    }

    /// Counts one record more in a node's heap.
    pub fn heap_count(&mut self, no: usize) {
        self.forge(no, |page| put16(page, HEAP_COUNT, be16(page, HEAP_COUNT) + 1));
    }

    /// Counts one slot less in a node's directory.
    pub fn slot_count(&mut self, no: usize) {
        self.forge(no, |page| put16(page, SLOTS, be16(page, SLOTS) - 1));
    }

    /// Pages of an extent.
    fn extent(&self) -> usize {
        match self.size {
            ..=4096 => 256,
            8192 if self.seal != Seal::Zip => 128,
            _ => 64,
        }
    }

    /// Where the inode of this number is on page 2.
    fn inode(&self, no: usize) -> usize {
        50 + no * (64 + 2 * self.extent())
    }

    /// Says on page 0 that a page is free.
    pub fn free_in_map(&mut self, no: usize) {
        let extent = self.extent();
        let entry = 150 + no / extent * (24 + extent / 4);
        self.forge(0, |page| page[entry + 24 + no % extent / 4] |= 1 << (2 * (no % 4)));
    }

    /// Counts one single page more in use on page 0.
    pub fn single_pages(&mut self) {
        self.forge(0, |page| put32(page, 58, be32(page, 58) + 1));
    }

    /// Says that the list of free single pages is one extent longer.
    pub fn extent_list_length(&mut self) {
        self.forge(0, |page| put32(page, 78, be32(page, 78) + 1));
    }

    /// Says that the extent which holds a page is one of another segment.
    pub fn extent_segment(&mut self, no: usize) {
        let at = 150 + no / 64 * 40;
        self.forge(0, |page| put32(page, at + 4, be32(page, at + 4) ^ 0x40));
    }

    /// Makes the first extent of a list point back at itself.
    pub fn extent_link(&mut self) {
        self.forge(0, |page| {
            put32(page, 158, 0);
            put16(page, 162, 158);
        });
    }

    /// Wipes the mark of the second inode.
    pub fn inode_mark(&mut self) {
        let inode = self.inode(1);
        self.forge(2, |page| page[inode + 60] ^= 1);
    }

    /// Gives the first single page of the third segment to the fourth one as well.
    pub fn shared_single(&mut self) {
        let (third, fourth) = (self.inode(2), self.inode(3));
        self.forge(2, |page| {
            let shared = be32(page, third + 64);
            put32(page, fourth + 64, shared);
        });
    }

    /// The node on the level above that names a leaf.
    pub fn parent_of(&mut self, leaf: usize) -> Option<usize> {
        let (index, name) = (be64(self.page(leaf), INDEX), (leaf as u32).to_be_bytes());
        self.find(NODE, |page| {
            let above = be16(page, LEVEL) == 1 && be64(page, INDEX) == index;
            above && page[120..].windows(4).any(|bytes| bytes == name)
        })
    }

    /// Exchanges two children of a node.
    ///
    /// Panics when the node does not name each exactly once.
    pub fn swap_children(&mut self, parent: usize, a: usize, b: usize) {
        let place = |page: &[u8], child: usize| {
            let bytes = (child as u32).to_be_bytes();
            let found: Vec<usize> = (120..page.len() - 8).filter(|at| page[*at..].starts_with(&bytes)).collect();
            assert_eq!(found.len(), 1, "page {child} is named at {found:?}");
            found[0]
        };
        self.forge(parent, |page| {
            let (at_a, at_b) = (place(page, a), place(page, b));
            put32(page, at_a, b as u32);
            put32(page, at_b, a as u32);
        });
    }

    /// The first page of this type that `fits`.
    pub fn find(&mut self, page_type: u16, fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
        (0..self.count()).find(|no| be16(self.page(*no), 24) == page_type && fits(self.page(*no)))
    }

    /// The first part of a chained value in ROW_FORMAT=COMPRESSED that goes on.
    pub fn chained_zip_part(&mut self) -> Option<usize> {
        self.find(11, |page| be32(page, 12) != NONE)
    }

    /// The first part of a chained value that goes on.
    pub fn chained_part(&mut self) -> Option<usize> {
        self.find(10, |page| be32(page, 42) != NONE)
    }

    /// Makes a part of a chained value its own successor.
    pub fn part_circle(&mut self, no: usize) {
        let next = if self.seal == Seal::Zip { 12 } else { 42 };
        self.forge(no, |page| put32(page, next, no as u32));
    }

    /// Says that a part is shorter than it was made, or longer than a page.
    pub fn part_length(&mut self, no: usize) {
        self.forge(no, |page| put32(page, 38, be32(page, 38) | 0x10_0000));
    }

    /// The first page of a value with an index that has at least four parts.
    pub fn indexed_value(&mut self) -> Option<usize> {
        self.find(24, |page| be32(page, 40) == 1 && ![0, NONE].contains(&be32(page, 96 + 3 * 60 + 48)))
    }

    /// Has the third part of a value be its second one.
    pub fn repeated_part(&mut self, no: usize) {
        self.forge(no, |page| put32(page, 96 + 2 * 60 + 48, be32(page, 96 + 60 + 48)));
    }

    /// Says that the third part of a value is a node.
    pub fn foreign_part(&mut self, no: usize) {
        self.forge(no, |page| put32(page, 96 + 2 * 60 + 48, 4));
    }
}

/// The pages from `first` on, each the one that names the one before it on its left.
fn chain(nodes: &[(u32, usize)], first: usize) -> Vec<usize> {
    let mut ordered = vec![first];
    while let Some((_, next)) = nodes.iter().find(|(prev, _)| ordered.last() == Some(&(*prev as usize))) {
        if ordered.contains(next) {
            break;
        }
        ordered.push(*next);
    }
    ordered
}

fn reseal(page: &mut [u8], seal: Seal) {
    let end = page.len();
    match seal {
        Seal::Crc32 => {
            let sum = crc32c(&page[4..26]) ^ crc32c(&page[38..end - 8]);
            put32(page, 0, sum);
            put32(page, end - 8, sum);
        }
        Seal::Zip => {
            let sum = crc32c(&page[4..16]) ^ crc32c(&page[24..26]) ^ crc32c(&page[34..]);
            put32(page, 0, sum);
        }
        Seal::FullCrc32 => {
            let sum = crc32c(&page[..end - 4]);
            put32(page, end - 4, sum);
        }
        Seal::Innodb => {
            let sum = fold(&page[4..26]).wrapping_add(fold(&page[38..end - 8]));
            put32(page, 0, sum);
            let old = fold(&page[..26]);
            put32(page, end - 8, old);
        }
        Seal::Nothing => [0, end - 8].into_iter().for_each(|at| put32(page, at, 0xdead_beef)),
    }
}

/// What InnoDB made of bytes before it had CRC-32.
fn fold(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum: u32, byte| {
        let byte = u32::from(*byte);
        let mixed = ((sum ^ byte ^ 1_653_893_711) << 8).wrapping_add(sum);
        (mixed ^ 1_463_735_687).wrapping_add(byte)
    })
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 })
    })
}

fn be16(page: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([page[at], page[at + 1]])
}

fn be32(page: &[u8], at: usize) -> u32 {
    u32::from(be16(page, at)) << 16 | u32::from(be16(page, at + 2))
}

fn be64(page: &[u8], at: usize) -> u64 {
    u64::from(be32(page, at)) << 32 | u64::from(be32(page, at + 4))
}

fn put16(page: &mut [u8], at: usize, value: u16) {
    page[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

fn put32(page: &mut [u8], at: usize, value: u32) {
    page[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
