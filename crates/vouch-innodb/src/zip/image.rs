//! A compressed node as a server has it in memory: [`ZipNode::inflate`].

use super::directory::{EXTRA, FIRST};
use super::shape::{REFERENCE, Shape, TRANSACTION};
use super::{CHILD, DATA, ENTRY, LEVEL, ZipNode, log};
use crate::bytes::Field;
use crate::{IndexFacts, NO_PAGE};
use flate2::{Decompress, FlushDecompress, Status};
use std::fmt;
use vouch_convert::narrow;

const PREV: usize = 8;
const INFIMUM: usize = 99;
const SUPREMUM: usize = 112;
/// Infimum and supremum with what stands in front of them, but for the next-pointer and the number of records owned.
const BOUNDS: &[u8; 26] = b"\x01\x00\x02\x00\x00infimum\0\x00\x00\x0b\x00\x00supremum";
const DELETED: u8 = 0x20;
/// Set in the first record of the leftmost node of a level above the leaves.
const LEAST: u8 = 0x10;
const TRAILER: usize = 8;
/// What ends the description of the fields, which is a part of the stream by itself.
const FLUSHED: [u8; 4] = [0, 0, 0xff, 0xff];
/// The bytes of the mark may stand in the description by chance.
const TRIES: usize = 8;
/// A description is no longer than this.
const MOST_SHAPE: usize = 4096;

const STREAM: ZipFault = ZipFault("the stream of a compressed page does not decompress");
const SHAPE: ZipFault = ZipFault("a compressed page does not describe the fields of its records");
const RECORDS: ZipFault = ZipFault("the stream of a compressed page has other records than its directory");
const OVERLAP: ZipFault = ZipFault("records of a compressed page overlap each other");
const GARBAGE: ZipFault = ZipFault("the records of a compressed page have another length than its header says");
const APART: ZipFault = ZipFault("references to long values overlap the changes of a compressed page");

/// Why a node does not decompress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZipFault(
    /// In words.
    pub &'static str,
);

impl fmt::Display for ZipFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl ZipNode<'_> {
    /// The node as a server has it in memory.
    ///
    /// # Errors
    /// What the page says of itself does not fit together.
    pub fn inflate(&self) -> Result<Vec<u8>, ZipFault> {
        let leaf = self.level == 0;
        let places = self.directory.by_place();
        let most = self.page.len().checked_sub(DATA + 1).ok_or(STREAM)?;
        let stream = self.page.get(DATA..DATA + most).ok_or(STREAM)?;
        let (plain, used) = inflate(stream, 2 * self.logical).ok_or(STREAM)?;
        let mut why = SHAPE;
        for described in descriptions(stream).take(TRIES) {
            let Some(shape) = plain.get(..described).and_then(|bytes| Shape::read(bytes, leaf)) else { continue };
            let plain = plain.get(described..).unwrap_or_default();
            match self.image(&shape, &places, plain, DATA + used) {
                Ok(image) => return Ok(image),
                Err(fault) => why = fault,
            }
        }
        Err(why)
    }

    fn image(&self, shape: &Shape, places: &[usize], plain: &[u8], used: usize) -> Result<Vec<u8>, ZipFault> {
        let mut page = vec![0; self.logical];
        page.get_mut(..DATA).ok_or(STREAM)?.copy_from_slice(self.page.get(..DATA).ok_or(STREAM)?);
        page.get_mut(DATA..FIRST).ok_or(STREAM)?.copy_from_slice(BOUNDS);
        self.fill(shape, places, plain, &mut page)?;
        let each = match (self.level, shape.has_transaction()) {
            (0, false) => 0,
            (0, true) => TRANSACTION,
            _ => CHILD,
        };
        let stored = self.page.len() - self.directory.bytes();
        let end = stored.checked_sub(places.len() * each).filter(|end| *end > used).ok_or(RECORDS)?;
        let changes = self.page.get(used..end).ok_or(RECORDS)?;
        let logged = used + log::apply(changes, places, shape, &mut page)?;
        self.put_back(shape, places, (stored, end, logged), each, &mut page)?;
        self.link(&mut page).ok_or(RECORDS)?;
        let sum = self.data_bytes(shape, places, &page)?;
        if IndexFacts::data_bytes(&page).map(usize::from) == Some(sum) { Ok(page) } else { Err(GARBAGE) }
    }

    /// Records from the stream, as many as there were when it was made.
    fn fill(&self, shape: &Shape, places: &[usize], plain: &[u8], page: &mut [u8]) -> Result<(), ZipFault> {
        let (mut rest, mut at) = (plain, FIRST);
        let mut take = |page: &mut [u8], from: usize, to: usize| -> Result<bool, ZipFault> {
            let wanted = to.checked_sub(from).ok_or(OVERLAP)?;
            let given = rest.split_off(..wanted.min(rest.len())).unwrap_or_default();
            page.get_mut(from..from + given.len()).ok_or(RECORDS)?.copy_from_slice(given);
            Ok(given.len() == wanted)
        };
        for place in places {
            if !take(page, at, place.checked_sub(EXTRA).ok_or(OVERLAP)?)? {
                return Ok(());
            }
            at = *place;
            if self.level == 0 && !shape.has_transaction() {
                continue;
            }
            let spread = shape.spread(|byte| page.byte(place.checked_sub(EXTRA + 1 + byte)?)).ok_or(RECORDS)?;
            for (from, to) in spread.runs() {
                if !take(page, place + from, place + to)? {
                    return Ok(());
                }
            }
            at = place + spread.data;
        }
        take(page, at, self.heap_top.max(at))?;
        if rest.is_empty() { Ok(()) } else { Err(RECORDS) }
    }

    /// What stands on the page as it is: children, or transactions and references. `ends` are where the
    /// directory begins, where what each record has begins, and where the changes end.
    fn put_back(
        &self,
        shape: &Shape,
        places: &[usize],
        (stored, end, logged): (usize, usize, usize),
        each: usize,
        page: &mut [u8],
    ) -> Result<(), ZipFault> {
        if each == 0 {
            return Ok(());
        }
        let free: Vec<usize> =
            (self.records..self.directory.count()).filter_map(|number| self.directory.place(number)).collect();
        let mut references = end;
        for (rank, place) in places.iter().enumerate() {
            let own = stored.checked_sub((rank + 1) * each).ok_or(RECORDS)?;
            let spread = shape.spread(|byte| page.byte(place.checked_sub(EXTRA + 1 + byte)?)).ok_or(RECORDS)?;
            let at = spread.apart.iter().find(|(_, length)| *length == each).ok_or(RECORDS)?.0;
            copy(self.page, own, page, place + at, each).ok_or(RECORDS)?;
            if free.contains(place) {
                continue;
            }
            for reference in spread.references() {
                references = references.checked_sub(REFERENCE).filter(|from| *from >= logged).ok_or(APART)?;
                copy(self.page, references, page, place + reference, REFERENCE).ok_or(RECORDS)?;
            }
        }
        Ok(())
    }

    /// The chain of records, the free list and the directory of a page in memory.
    fn link(&self, page: &mut [u8]) -> Option<()> {
        let heap = self.directory.by_place();
        let status = u16::from(self.level > 0);
        let (mut before, mut owned) = (INFIMUM, 1_u8);
        let mut slot = self.logical.checked_sub(TRAILER + ENTRY)?;
        put(page, slot, narrow::<u16, _>(INFIMUM)?)?;
        let least = self.page.be32(PREV)? == NO_PAGE && self.page.be16(LEVEL)? > 0;
        for number in 0..self.directory.count() {
            let place = self.directory.place(number)?;
            let live = number < self.records;
            if number != self.records {
                put_next(page, before, place)?;
            } else {
                put_next(page, before, SUPREMUM)?;
            }
            before = place;
            let mut info = if live && self.directory.is_deleted(number) { DELETED } else { 0 };
            info |= if number == 0 && least { LEAST } else { 0 };
            if live && self.directory.owns(number) {
                slot = slot.checked_sub(ENTRY)?;
                put(page, slot, narrow::<u16, _>(place)?)?;
                info |= owned & 0xf;
                owned = 1;
            } else if live {
                owned = owned.checked_add(1)?;
            }
            *page.get_mut(place.checked_sub(EXTRA)?)? = info;
            let rank = narrow::<u16, _>(heap.binary_search(&place).ok()?)?;
            put(page, place.checked_sub(EXTRA - 1)?, (rank + 2) << 3 | status)?;
        }
        if self.records == self.directory.count() {
            put_next(page, before, SUPREMUM)?;
        } else {
            put(page, before.checked_sub(2)?, 0)?;
        }
        *page.get_mut(SUPREMUM - EXTRA)? = owned & 0xf;
        put(page, slot.checked_sub(ENTRY)?, narrow::<u16, _>(SUPREMUM)?)
    }

    /// Bytes of the records, none of which may reach into the next one.
    fn data_bytes(&self, shape: &Shape, places: &[usize], page: &[u8]) -> Result<usize, ZipFault> {
        let mut sum = 0;
        for number in 0..self.records {
            let place = self.directory.place(number).ok_or(RECORDS)?;
            let spread = shape.spread(|byte| page.byte(place.checked_sub(EXTRA + 1 + byte)?)).ok_or(RECORDS)?;
            let next = places.get(places.partition_point(|other| *other <= place));
            let end = next.map_or(Some(self.heap_top), |next| next.checked_sub(EXTRA)).ok_or(OVERLAP)?;
            let begin = place.checked_sub(EXTRA + spread.extra).filter(|begin| *begin >= FIRST);
            if begin.is_none() || place + spread.data > end {
                return Err(OVERLAP);
            }
            sum += EXTRA + spread.extra + spread.data;
        }
        Ok(sum)
    }
}

fn copy(from: &[u8], at: usize, page: &mut [u8], to: usize, length: usize) -> Option<()> {
    page.get_mut(to..to + length)?.copy_from_slice(from.get(at..at + length)?);
    Some(())
}

fn put(page: &mut [u8], at: usize, number: u16) -> Option<()> {
    page.get_mut(at..at.checked_add(2)?)?.copy_from_slice(&number.to_be_bytes());
    Some(())
}

/// Next-pointers are differences.
fn put_next(page: &mut [u8], from: usize, to: usize) -> Option<()> {
    put(page, from.checked_sub(2)?, narrow::<u16, _>(to.wrapping_sub(from) & 0xffff)?)
}

/// The whole stream, and how many bytes it has; `None` when it does not come to its end.
fn inflate(stream: &[u8], most: usize) -> Option<(Vec<u8>, usize)> {
    let (mut inflater, mut plain) = (Decompress::new(true), vec![0; most]);
    let status = inflater.decompress(stream, &mut plain, FlushDecompress::Finish).ok()?;
    plain.truncate(narrow::<usize, _>(inflater.total_out())?);
    (status == Status::StreamEnd).then_some((plain, narrow::<usize, _>(inflater.total_in())?))
}

/// How long the description of the fields may be: what the stream has come to at each of its marks.
fn descriptions(stream: &[u8]) -> impl Iterator<Item = usize> {
    let ends = stream.windows(FLUSHED.len()).enumerate().filter(|(_, bytes)| *bytes == FLUSHED);
    ends.filter_map(|(at, _)| {
        let (mut inflater, mut plain) = (Decompress::new(true), vec![0; MOST_SHAPE]);
        inflater.decompress(stream.get(..at + FLUSHED.len())?, &mut plain, FlushDecompress::None).ok()?;
        narrow::<usize, _>(inflater.total_out())
    })
}
