//! The inside of a node of a B-tree: header, page directory, record chain.
//!
//! [`IndexFacts`] is what a node says about its tree. All of this holds at any
//! moment at which a page is written, so a fault is damage in every state of a
//! backup.

use crate::bytes::Field;
use crate::fil::{HEADER, TRAILER};
use std::fmt;
use vouch_convert::{array, narrow, widen};

const SLOTS: usize = HEADER;
const HEAP_TOP: usize = HEADER + 2;
const HEAP_COUNT: usize = HEADER + 4;
const FREE: usize = HEADER + 6;
const GARBAGE: usize = HEADER + 8;
const RECORDS: usize = HEADER + 16;
const LEVEL: usize = HEADER + 26;
const INDEX_ID: usize = HEADER + 28;

const COMPACT: u16 = 0x8000;
const INFIMUM_COMPACT: usize = 99;
const SUPREMUM_COMPACT: usize = 112;
const INFIMUM_REDUNDANT: usize = 101;
const SUPREMUM_REDUNDANT: usize = 116;
/// What stands in front of a record of ROW_FORMAT=REDUNDANT, behind the ends of its fields.
pub(crate) const REDUNDANT_EXTRA: usize = 6;
pub(crate) const MOST_OWNED: u8 = 8;
/// Deeper trees do not exist.
pub(crate) const MOST_LEVELS: u16 = 64;

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

    /// Bytes of records that were deleted.
    pub fn garbage(page: &[u8]) -> Option<u16> {
        page.be16(GARBAGE)
    }

    /// Bytes of records that are there, those marked as deleted among them.
    pub fn data_bytes(page: &[u8]) -> Option<u16> {
        let bounds = if page.be16(HEAP_COUNT)? & COMPACT != 0 { SUPREMUM_COMPACT + 8 } else { SUPREMUM_REDUNDANT + 9 };
        let heap = page.be16(HEAP_TOP)?.checked_sub(narrow::<u16, _>(bounds)?)?;
        heap.checked_sub(page.be16(GARBAGE)?)
    }

    /// Walks the node's directory, its records and its free list. Not for ROW_FORMAT=COMPRESSED.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn walk(page: &[u8]) -> Result<(), IndexFault> {
        Node::read(page).ok_or(IndexFault::Header)?.walk()
    }
}

/// The places of the records of a node in their order, where its heap ends, and whether they are compact; `None`
/// when the chain of records is damaged.
pub(crate) fn origins(page: &[u8]) -> Option<(Vec<usize>, usize, bool)> {
    let node = Node::read(page)?;
    let mask = page.len().checked_sub(1)? & 0xffff;
    let next = |at: usize| match node.compact {
        true => Record::read::<true>(page, at, mask).map(|record| record.next),
        false => Record::read::<false>(page, at, mask).map(|record| record.next),
    };
    let (mut at, mut all) = (next(node.infimum)?, Vec::new());
    while at != node.supremum {
        if !node.in_heap(at) || all.len() >= usize::from(node.records) {
            return None;
        }
        all.push(at);
        at = next(at)?;
    }
    Some((all, node.heap_top, node.compact))
}

/// Bytes in front of a record of ROW_FORMAT=REDUNDANT, which tells where its fields end, and of the record.
pub(crate) fn redundant_lengths(page: &[u8], at: usize) -> Option<(usize, usize)> {
    let head = page.be16(at.checked_sub(4)?)?;
    let (fields, short) = (usize::from(head >> 1 & 0x3ff), head & 1 == 1);
    let front = REDUNDANT_EXTRA + if short { fields } else { 2 * fields };
    let last = at.checked_sub(front)?;
    let data = if short { usize::from(page.byte(last)? & 0x7f) } else { usize::from(page.be16(last)? & 0x3fff) };
    Some((front, data))
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
        let mut met = if self.compact { self.walk_chain::<true>()? } else { self.walk_chain::<false>()? };
        // Infimum and supremum are no records.
        let chain = met.count.saturating_sub(2);
        if chain != self.records {
            return Err(IndexFault::Count { header: self.records, chain });
        }
        self.walk_free(&mut met)?;
        if met.count != self.heap_count {
            return Err(IndexFault::Heap);
        }
        if met.is_each_once() { Ok(()) } else { Err(IndexFault::HeapNumber) }
    }

    /// What was met from infimum to supremum, both counted.
    fn walk_chain<const COMPACT: bool>(&self) -> Result<Met, IndexFault> {
        self.walk_groups::<COMPACT>().map_or_else(|| self.walk_records::<COMPACT>(), Ok)
    }

    /// Walks the records of each slot's group from the owner before it, and returns what was met when nothing
    /// is wrong. This is where a verification spends its time beside reading and summing: a group begins
    /// where the directory says and not where the last one ended, so that a processor walks several at once.
    fn walk_groups<const COMPACT: bool>(&self) -> Option<Met> {
        let last = self.page.len().checked_sub(TRAILER)?;
        let directory = self.page.get(last.checked_sub(self.slots.checked_mul(2)?)?..last)?.as_chunks::<2>().0;
        let mut owners = directory.iter().rev().map(|slot| usize::from(u16::from_be_bytes(*slot)));
        let infimum = Record::read::<COMPACT>(self.page, self.infimum, self.mask())?;
        let bounds = (owners.next()?, owners.next_back()?) == (self.infimum, self.supremum);
        let mut met = Met::default();
        if !bounds || infimum.owned != 1 || infimum.heap_no >= self.heap_count {
            return None;
        }
        met.add(infimum.heap_no);
        let mut from = self.infimum;
        for owner in owners {
            if !self.in_heap(owner) {
                return None;
            }
            self.walk_group::<COMPACT>(from, owner, &mut met)?;
            from = owner;
        }
        self.walk_group::<COMPACT>(from, self.supremum, &mut met)?;
        Some(met)
    }

    /// The records from the one behind `from` to `owner`, which owns them all. `None` when anything is wrong.
    #[inline(always)]
    fn walk_group<const COMPACT: bool>(&self, from: usize, owner: usize, met: &mut Met) -> Option<()> {
        let read = |at: usize| Record::read::<COMPACT>(self.page, at, self.mask());
        let (owning, mut at) = (read(owner)?, read(from)?.next);
        for _ in 1..owning.owned {
            let record = read(at)?;
            if record.owned != 0 || record.heap_no >= self.heap_count || !self.in_heap(at) {
                return None;
            }
            met.add(record.heap_no);
            at = record.next;
        }
        let counts = (1..=MOST_OWNED).contains(&owning.owned) && met.count < self.heap_count;
        let fits = at == owner && counts && owning.heap_no < self.heap_count;
        met.add(owning.heap_no);
        fits.then_some(())
    }

    /// Keeps differences within the page and within 16 bits.
    fn mask(&self) -> usize {
        (self.page.len() - 1) & 0xffff
    }

    /// Walks record by record: this tells what is wrong.
    fn walk_records<const COMPACT: bool>(&self) -> Result<Met, IndexFault> {
        let (page, mask, supremum) = (self.page, self.mask(), self.supremum);
        let (mut at, mut slot, mut group, mut met) = (self.infimum, 0, 0_u8, Met::default());
        loop {
            let record = Record::read::<COMPACT>(page, at, mask).ok_or(IndexFault::ChainLeaves)?;
            group = group.saturating_add(1);
            if record.owned > 0 {
                self.check_owner(at, slot, group, record.owned)?;
                (slot, group) = (slot + 1, 0);
            }
            if record.heap_no >= self.heap_count || met.count >= self.heap_count {
                return Err(IndexFault::HeapNumber);
            }
            met.add(record.heap_no);
            if at == supremum {
                break;
            }
            at = record.next;
            if !self.in_heap(at) && at != supremum {
                return Err(IndexFault::ChainLeaves);
            }
        }
        if slot == self.slots { Ok(met) } else { Err(IndexFault::Slot) }
    }

    fn check_owner(&self, at: usize, slot: usize, group: u8, owned: u8) -> Result<(), IndexFault> {
        if self.slot(slot) != Some(at) {
            return Err(IndexFault::Slot);
        }
        let most = if slot == 0 { 1 } else { MOST_OWNED };
        if owned == group && owned <= most { Ok(()) } else { Err(IndexFault::Owned) }
    }

    fn walk_free(&self, met: &mut Met) -> Result<(), IndexFault> {
        let (mut at, mask) = (usize::from(self.free), self.mask());
        while at != 0 {
            let record = match self.compact {
                true => Record::read::<true>(self.page, at, mask),
                false => Record::read::<false>(self.page, at, mask),
            };
            let fits = |record: &Record| record.heap_no < self.heap_count && met.count < self.heap_count;
            let record = record.filter(|record| self.in_heap(at) && fits(record)).ok_or(IndexFault::FreeList)?;
            met.add(record.heap_no);
            // The last one points at itself where next-pointers are differences.
            at = if record.next == at { 0 } else { record.next };
        }
        Ok(())
    }

    /// The directory grows downwards from the trailer.
    fn slot(&self, number: usize) -> Option<usize> {
        let at = self.page.len().checked_sub(TRAILER)?.checked_sub(number.checked_add(1)?.checked_mul(2)?)?;
        self.page.be16(at).map(usize::from)
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

impl Record {
    /// REDUNDANT has one byte more between the heap number and the next record, and the place of the next
    /// record instead of the difference to it. `mask` keeps differences within the page and within 16 bits.
    #[inline(always)]
    fn read<const COMPACT: bool>(page: &[u8], at: usize, mask: usize) -> Option<Record> {
        let head: [u8; 6] = array(page.get(at.checked_sub(6)?..at)?)?;
        let [before, owned, high, low, next @ ..] = head;
        let next = usize::from(u16::from_be_bytes(next));
        Some(match COMPACT {
            true => Record {
                owned: owned & 0xf,
                heap_no: u16::from_be_bytes([high, low]) >> 3,
                next: at.wrapping_add(next) & mask,
            },
            false => Record { owned: before & 0xf, heap_no: u16::from_be_bytes([owned, high]) >> 3, next },
        })
    }
}

/// Heap numbers of 13 bits.
const NUMBERS: usize = 1 << 13;

/// Heap numbers that were met. That each one below a count was met once shows by a sum that has no other
/// ways but by a chance of one in 2^64, and costs less than a bit for each.
#[derive(Debug, Default, PartialEq, Eq)]
struct Met {
    count: u16,
    sum: u64,
}

impl Met {
    #[inline(always)]
    fn add(&mut self, number: u16) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(mixed(u64::from(number)));
    }

    /// Whether the numbers are those from 0 to their count.
    fn is_each_once(&self) -> bool {
        SUMS.get(usize::from(self.count)) == Some(&self.sum)
    }
}

/// Spreads a number over 64 bits.
const fn mixed(number: u64) -> u64 {
    let spread = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread ^ spread >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// The sums over all numbers below each count.
static SUMS: [u64; NUMBERS + 1] = sums();

// The index is below the length by the loop's condition, and is evaluated when this is compiled.
#[allow(clippy::indexing_slicing)]
const fn sums() -> [u64; NUMBERS + 1] {
    let mut sums = [0_u64; NUMBERS + 1];
    let mut count = 0;
    while count < NUMBERS {
        sums[count + 1] = sums[count].wrapping_add(mixed(widen(count)));
        count += 1;
    }
    sums
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

    /// A compact leaf with records of 20 bytes, the groups of which have `group` records.
    fn leaf(records: u16, group: u16) -> Vec<u8> {
        let mut page = vec![0_u8; 4096];
        let place = |number: u16| match number {
            0 => 99,
            last if last == records + 1 => 112,
            number => 125 + number * 20,
        };
        let (mut slots, mut owned) = (0, 0);
        for number in 0..=records + 1 {
            owned += 1;
            let (at, ends) = (usize::from(place(number)), number == 0 || owned == group || number == records + 1);
            let heap_no: u16 = if number == records + 1 { 1 } else { number + u16::from(number > 0) };
            let next = if number == records + 1 { 0 } else { place(number + 1).wrapping_sub(place(number)) };
            page[at - 4..at - 2].copy_from_slice(&(heap_no << 3).to_be_bytes());
            page[at - 2..at].copy_from_slice(&next.to_be_bytes());
            if ends {
                page[at - 5] = owned as u8;
                (slots, owned) = (slots + 1, 0);
                let slot = 4096 - 8 - usize::from(slots) * 2;
                page[slot..slot + 2].copy_from_slice(&place(number).to_be_bytes());
            }
        }
        for (at, value) in
            [(SLOTS, slots), (HEAP_TOP, 145 + records * 20), (HEAP_COUNT, 0x8000 | (records + 2)), (RECORDS, records)]
        {
            page[at..at + 2].copy_from_slice(&value.to_be_bytes());
        }
        page
    }

    proptest! {
        /// Group by group nothing is taken for whole that is not, record by record.
        #[test]
        fn both_walks_agree(
            records in 0_u16..150,
            group in 4_u16..=8,
            changes in prop::collection::vec((0_usize..4096, any::<u8>()), 0..3),
        ) {
            let mut page = leaf(records, group);
            prop_assert_eq!(IndexFacts::walk(&page), Ok(()));
            prop_assert!(Node::read(&page).unwrap().walk_groups::<true>().is_some());
            changes.into_iter().for_each(|(at, byte)| page[at] = byte);
            let Some(node) = Node::read(&page) else { return Ok(()) };
            prop_assert_eq!(node.walk_groups::<true>(), node.walk_records::<true>().ok());
        }
    }

    #[test]
    fn a_number_that_is_missing_or_taken_shows() {
        let met = |numbers: &[u16]| {
            let mut met = Met::default();
            numbers.iter().for_each(|number| met.add(*number));
            met.is_each_once()
        };
        assert!(met(&[0, 2, 1, 3]) && met(&[]));
        assert!(!met(&[0, 2, 2, 3]) && !met(&[0, 1, 3]) && !met(&[1, 1, 1, 3]));
    }
}
