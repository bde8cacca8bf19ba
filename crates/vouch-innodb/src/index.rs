//! The inside of a node of a B-tree: header, page directory, record chain.
//!
//! [`IndexFacts`] is what a node says about its tree. All of this holds at any
//! moment at which a page is written, so a fault is damage in every state of a
//! backup.

use crate::bytes::Field;
use crate::fil::{HEADER, TRAILER};
use std::fmt;

const SLOTS: usize = HEADER;
const HEAP_TOP: usize = HEADER + 2;
const HEAP_COUNT: usize = HEADER + 4;
const FREE: usize = HEADER + 6;
const RECORDS: usize = HEADER + 16;
const LEVEL: usize = HEADER + 26;
const INDEX_ID: usize = HEADER + 28;

const COMPACT: u16 = 0x8000;
const INFIMUM_COMPACT: usize = 99;
const SUPREMUM_COMPACT: usize = 112;
const INFIMUM_REDUNDANT: usize = 101;
const SUPREMUM_REDUNDANT: usize = 116;
const MOST_OWNED: u8 = 8;
/// Deeper trees do not exist.
const MOST_LEVELS: u16 = 64;

/// What a node says about its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexFacts {
    /// The index.
    pub index: u64,
    /// 0 for a leaf.
    pub level: u16,
    /// Records of the user; on a level above 0, children.
    pub records: u16,
}

/// What is wrong inside a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexFault {
    /// The header's numbers do not fit the page.
    Header,
    /// A slot of the directory does not point at the owner of its records.
    Slot,
    /// The chain of records leaves the page's heap.
    ChainLeaves,
    /// A record owns another number of records than it says.
    Owned,
    /// A record has a heap number that is out of range or taken, as every record of an endless chain has.
    HeapNumber,
    /// The header counts another number of records than the chain has.
    Count {
        /// As the header says.
        header: u16,
        /// As the chain has.
        chain: u16,
    },
    /// The free list leaves the heap or does not end.
    FreeList,
    /// Records, free ones and the two bounds are not all of the heap.
    Heap,
}

impl fmt::Display for IndexFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IndexFault::Header => write!(f, "the index header has numbers that do not fit the page"),
            IndexFault::Slot => write!(f, "a slot of the page directory does not point at the owner of its records"),
            IndexFault::ChainLeaves => write!(f, "the chain of records points out of the page's heap"),
            IndexFault::Owned => write!(f, "a record owns another number of records than it says"),
            IndexFault::HeapNumber => write!(f, "a record has a heap number that is out of range or taken"),
            IndexFault::Count { header, chain } => {
                write!(f, "the header counts {header} records, the chain has {chain}")
            }
            IndexFault::FreeList => write!(f, "the list of free records leaves the heap or does not end"),
            IndexFault::Heap => write!(f, "records and free records do not add up to the page's heap"),
        }
    }
}

/// Set in the numbers of the change buffer's tree.
const CHANGE_BUFFER: u64 = 0xffff_ffff << 32;

impl IndexFacts {
    /// Whether the node is one of the change buffer, which keeps pages that its tree has given up, as they were.
    pub fn is_change_buffer(&self) -> bool {
        self.index & CHANGE_BUFFER == CHANGE_BUFFER
    }

    /// The facts in a node's header; they are in clear text in ROW_FORMAT=COMPRESSED too.
    pub fn read(page: &[u8]) -> Option<IndexFacts> {
        Some(IndexFacts { index: page.be64(INDEX_ID)?, level: page.be16(LEVEL)?, records: page.be16(RECORDS)? })
    }

    /// Walks the node's directory, its records and its free list. Not for ROW_FORMAT=COMPRESSED.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn walk(page: &[u8]) -> Result<(), IndexFault> {
        Node::read(page).ok_or(IndexFault::Header)?.walk()
    }
}

/// A node that is being walked.
struct Node<'a> {
    page: &'a [u8],
    compact: bool,
    slots: usize,
    heap_top: usize,
    heap_count: u16,
    free: u16,
    records: u16,
    infimum: usize,
    supremum: usize,
}

impl<'a> Node<'a> {
    /// The header; `None` when its numbers cannot be right.
    fn read(page: &'a [u8]) -> Option<Node<'a>> {
        let heap = page.be16(HEAP_COUNT)?;
        let compact = heap & COMPACT != 0;
        let (infimum, supremum) =
            if compact { (INFIMUM_COMPACT, SUPREMUM_COMPACT) } else { (INFIMUM_REDUNDANT, SUPREMUM_REDUNDANT) };
        let node = Node {
            page,
            compact,
            slots: usize::from(page.be16(SLOTS)?),
            heap_top: usize::from(page.be16(HEAP_TOP)?),
            heap_count: heap & !COMPACT,
            free: page.be16(FREE)?,
            records: page.be16(RECORDS)?,
            infimum,
            supremum,
        };
        let directory = page.len().checked_sub(TRAILER)?.checked_sub(node.slots.checked_mul(2)?)?;
        // The heap of a page of 64 KiB may end where 16 bits do.
        let fits = (supremum + 8..=directory).contains(&node.heap_top);
        let counts = node.slots >= 2 && node.heap_count >= 2 && node.records <= node.heap_count - 2;
        (fits && counts && page.be16(LEVEL)? <= MOST_LEVELS).then_some(node)
    }

    fn walk(&self) -> Result<(), IndexFault> {
        let mut seen = Seen::default();
        let chain = self.walk_records(&mut seen)?;
        if chain != self.records {
            return Err(IndexFault::Count { header: self.records, chain });
        }
        let free = self.walk_free(&mut seen)?;
        let all = u32::from(chain) + u32::from(free) + 2;
        if all == u32::from(self.heap_count) { Ok(()) } else { Err(IndexFault::Heap) }
    }

    /// The number of records between infimum and supremum. This is where a verification spends its time
    /// beside reading and summing.
    fn walk_records(&self, seen: &mut Seen) -> Result<u16, IndexFault> {
        let (mut at, mut slot, mut group, mut count) = (self.infimum, 0, 0_u16, 0_u16);
        loop {
            let record = self.record(at).ok_or(IndexFault::ChainLeaves)?;
            group += 1;
            if record.owned > 0 {
                self.check_owner(at, slot, group, record.owned)?;
                (slot, group) = (slot + 1, 0);
            }
            if !seen.insert(record.heap_no, self.heap_count) {
                return Err(IndexFault::HeapNumber);
            }
            if at == self.supremum {
                break;
            }
            at = record.next;
            if !self.in_heap(at) && at != self.supremum {
                return Err(IndexFault::ChainLeaves);
            }
            // It ends, since every heap number is taken once.
            count = count.saturating_add(1);
        }
        // Supremum was counted as a step.
        if slot == self.slots { Ok(count.saturating_sub(1)) } else { Err(IndexFault::Slot) }
    }

    fn check_owner(&self, at: usize, slot: usize, group: u16, owned: u8) -> Result<(), IndexFault> {
        if self.slot(slot) != Some(at) {
            return Err(IndexFault::Slot);
        }
        let most = if slot == 0 { 1 } else { MOST_OWNED };
        if u16::from(owned) == group && owned <= most { Ok(()) } else { Err(IndexFault::Owned) }
    }

    fn walk_free(&self, seen: &mut Seen) -> Result<u16, IndexFault> {
        let (mut at, mut count) = (usize::from(self.free), 0_u16);
        while at != 0 {
            let record = self.record(at).filter(|_| self.in_heap(at)).ok_or(IndexFault::FreeList)?;
            if !seen.insert(record.heap_no, self.heap_count) {
                return Err(IndexFault::FreeList);
            }
            count = count.saturating_add(1);
            at = record.next;
        }
        Ok(count)
    }

    /// The directory grows downwards from the trailer.
    fn slot(&self, number: usize) -> Option<usize> {
        let at = self.page.len().checked_sub(TRAILER)?.checked_sub(number.checked_add(1)?.checked_mul(2)?)?;
        self.page.be16(at).map(usize::from)
    }

    /// The fixed bytes in front of a record, in one read: how many it owns, its heap number, the next one.
    fn record(&self, at: usize) -> Option<Record> {
        let word = self.page.be64(at.checked_sub(8)?)?;
        let next = usize::from(word as u16);
        // REDUNDANT has one byte more between the heap number and the next record.
        let (word, next) = match self.compact {
            false => (word >> 8, next),
            // 0 at the end of the free list.
            true if next == 0 => (word, 0),
            // Offsets are of 16 bits, and so is their difference.
            true => (word, (at.wrapping_add(next) & (self.page.len() - 1)) & 0xffff),
        };
        Some(Record { owned: (word >> 32) as u8 & 0xf, heap_no: (word >> 16) as u16 >> 3, next })
    }

    /// Whether a record of the user can be there.
    fn in_heap(&self, at: usize) -> bool {
        at > self.supremum + 8 && at <= self.heap_top
    }
}

/// What stands in front of a record.
struct Record {
    owned: u8,
    heap_no: u16,
    next: usize,
}

/// Heap numbers that were met; a page of 64 KiB has at most 8192.
struct Seen([u64; 128]);

impl Default for Seen {
    fn default() -> Self {
        Seen([0; 128])
    }
}

impl Seen {
    /// False when the number is out of range or was met before.
    #[inline]
    fn insert(&mut self, number: u16, count: u16) -> bool {
        let Some(word) = self.0.get_mut(usize::from(number / 64)).filter(|_| number < count) else { return false };
        let bit = 1_u64 << (number % 64);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_node_panics_or_runs_forever(mut page in prop::collection::vec(any::<u8>(), 4096), compact in any::<bool>()) {
            page[SLOTS..SLOTS + 2].copy_from_slice(&[0, 9]);
            page[HEAP_TOP..HEAP_TOP + 2].copy_from_slice(&[0xf, 0]);
            page[HEAP_COUNT..HEAP_COUNT + 2].copy_from_slice(&[if compact { 0x81 } else { 1 }, 0]);
            page[RECORDS..RECORDS + 2].copy_from_slice(&[0, 30]);
            page[LEVEL..LEVEL + 2].copy_from_slice(&[0, 0]);
            prop_assert!(IndexFacts::walk(&page).is_err());
        }
    }
}
