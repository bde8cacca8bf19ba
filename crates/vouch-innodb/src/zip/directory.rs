//! The directory of a compressed node: [`Directory`].

use super::ENTRY;
use crate::bytes::Field;
use crate::index::{IndexFault, MOST_OWNED};

/// Records begin here at the least, with what stands in front of them.
pub(super) const FIRST: usize = 120;
/// What stands in front of every record.
pub(super) const EXTRA: usize = 5;
/// The bits of an entry that are the place of its record: pages have at most 16,384 bytes.
const MOST_PLACES: usize = 1 << 14;
const PLACE: u16 = 0x3fff;
const OWNER: u16 = 0x4000;
const DELETED: u16 = 0x8000;
/// Places on the largest page, one bit each.
const WORDS: usize = MOST_PLACES / 64;

/// Entries for all records, those on the free list behind the others.
#[derive(Debug)]
pub(super) struct Directory<'a>(&'a [u8]);

impl<'a> Directory<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Directory<'a> {
        Directory(bytes)
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }

    pub(super) fn count(&self) -> usize {
        self.0.len() / ENTRY
    }

    /// It grows downwards.
    fn entry(&self, number: usize) -> Option<u16> {
        self.0.be16(self.0.len().checked_sub((number + 1) * ENTRY)?)
    }

    /// Where the record stands in memory.
    pub(super) fn place(&self, number: usize) -> Option<usize> {
        self.entry(number).map(|entry| usize::from(entry & PLACE))
    }

    /// Whether the record owns those before it.
    pub(super) fn owns(&self, number: usize) -> bool {
        self.entry(number).is_some_and(|entry| entry & OWNER != 0)
    }

    /// Whether the record is marked as deleted.
    pub(super) fn is_deleted(&self, number: usize) -> bool {
        self.entry(number).is_some_and(|entry| entry & DELETED != 0)
    }

    /// The places of all records in their order on the page, which is that of their heap numbers.
    pub(super) fn by_place(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.count()).filter_map(|number| self.place(number)).collect();
        places.sort_unstable();
        places
    }

    pub(super) fn check(&self, records: usize, slots: usize, top: usize, free: usize) -> Result<(), IndexFault> {
        let (mut met, mut owners, mut group) = ([0_u64; WORDS], 2_usize, 1_usize);
        for (entry, number) in self.0.as_chunks::<ENTRY>().0.iter().rev().zip(0..) {
            let entry = u16::from_be_bytes(*entry);
            let place = usize::from(entry & PLACE);
            if !(FIRST + EXTRA..top).contains(&place) {
                return Err(IndexFault::ChainLeaves);
            }
            let slot = met.get_mut(place / 64).ok_or(IndexFault::ChainLeaves)?;
            if *slot & 1 << (place % 64) != 0 {
                return Err(IndexFault::HeapNumber);
            }
            *slot |= 1 << (place % 64);
            if number >= records {
                if entry & !PLACE != 0 {
                    return Err(IndexFault::FreeList);
                }
                continue;
            }
            if group > usize::from(MOST_OWNED) {
                return Err(IndexFault::Owned);
            }
            (owners, group) = if entry & OWNER != 0 { (owners + 1, 1) } else { (owners, group + 1) };
        }
        let first_free = if records < self.count() { self.place(records) } else { Some(0) };
        match (owners == slots, group <= usize::from(MOST_OWNED), first_free == Some(free)) {
            (false, ..) => Err(IndexFault::Slot),
            (_, false, _) => Err(IndexFault::Owned),
            (.., false) => Err(IndexFault::FreeList),
            _ => Ok(()),
        }
    }
}
