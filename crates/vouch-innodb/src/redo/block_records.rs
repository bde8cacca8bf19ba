//! Records of logs that are made of blocks: [`BlockRecords`] takes the blocks one after the other.
//!
//! ```text
//! +0    4   number of the block, +4 2 bytes in use, +6 2 offset of the first mini-transaction that begins here, +8 4
//! +12       records, up to the bytes in use
//! +508  4   checksum
//! ```
//!
//! Invariant: only mini-transactions that begin at the checkpoint or behind it, and are complete, count: recovery
//! knows no others.

use super::changes::{Change, RedoChanges};
use super::mariadb_records::{MariadbRecords, Stop};
use super::mysql_records::{Part, record};
use crate::Lsn;
use crate::bytes::Field;
use vouch_convert::widen;

const BLOCK: u64 = 512;
const HEADER: u64 = 12;
/// Bytes of records that a block has room for.
const ROOM: u64 = BLOCK - HEADER - 4;
const USED: usize = 4;
const FIRST: usize = 6;
const SUM: usize = 508;
/// Set in the bytes in use.
const ENCRYPTED: u16 = 0x8000;
/// Bytes of one record that a server writes at most, several times over.
const MOST: usize = 4 << 20;

/// Whose records they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// MySQL since 8.0.
    Mysql,
    /// MariaDB 10.5 to 10.7.
    Mariadb,
}

/// Reads records out of blocks.
#[derive(Debug)]
pub struct BlockRecords {
    format: RecordFormat,
    mariadb: MariadbRecords,
    /// In bytes of records since LSN 0, as are all places here.
    checkpoint: u64,
    /// What is held, and where it begins; nothing before the first mini-transaction that begins in a block.
    held: Vec<u8>,
    at: Option<u64>,
    /// Where the mini-transaction began that is being read, and what was read of it.
    began: Option<u64>,
    pending: Vec<Change>,
    changes: RedoChanges,
    unread: Option<Unread>,
}

/// Why records could not be read to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// One is of this type, which is not known.
    Unknown(u8, Lsn),
    /// A block is encrypted.
    Encrypted(Lsn),
}

/// Bytes of records in front of an LSN.
fn place_of(lsn: Lsn) -> u64 {
    lsn.0 / BLOCK * ROOM + (lsn.0 % BLOCK).saturating_sub(HEADER).min(ROOM)
}

fn lsn_at(place: u64) -> Lsn {
    Lsn(place / ROOM * BLOCK + HEADER + place % ROOM)
}

impl BlockRecords {
    /// Nothing was read yet of a log that recovery reads from `checkpoint` on.
    pub fn new(format: RecordFormat, checkpoint: Lsn) -> BlockRecords {
        BlockRecords {
            format,
            mariadb: MariadbRecords::default(),
            checkpoint: place_of(checkpoint),
            held: Vec::new(),
            at: None,
            began: None,
            pending: Vec::new(),
            changes: RedoChanges::default(),
            unread: None,
        }
    }

    /// Takes the block that begins at an LSN. They follow each other from the one with the checkpoint on.
    pub fn block(&mut self, lsn: Lsn, block: &[u8]) {
        if self.unread.is_some() {
            return;
        }
        let used = block.be16(USED).unwrap_or(0);
        if used & ENCRYPTED > 0 {
            self.unread = Some(Unread::Encrypted(lsn));
            return;
        }
        let used = usize::from(used).min(SUM);
        let first = usize::from(block.be16(FIRST).unwrap_or(0));
        let from = match self.at {
            Some(_) => 12,
            None if first >= 12 && first < used => first,
            None => return,
        };
        if self.at.is_none() {
            self.at = Some(place_of(Lsn(lsn.0.saturating_add(widen(first)))));
        }
        self.held.extend(block.get(from..used).unwrap_or_default());
        self.read();
    }

    fn read(&mut self) {
        let mut done = 0;
        let place = self.at.unwrap_or_default();
        loop {
            let rest = self.held.get(done..).unwrap_or_default();
            let began = *self.began.get_or_insert(place + widen(done));
            let next = match self.format {
                RecordFormat::Mysql => mysql(rest, began == place + widen(done), &mut self.pending),
                RecordFormat::Mariadb => mariadb(rest, &mut self.mariadb, &mut self.pending),
            };
            match next {
                Ok((length, complete)) => {
                    done += length;
                    if complete {
                        self.complete(began);
                    }
                }
                Err(Stop::Short) if rest.len() <= MOST && self.pending.len() < RedoChanges::MOST => break,
                Err(Stop::Short) => return self.stop(0, place + widen(done)),
                Err(Stop::Unknown(kind)) => return self.stop(kind, place + widen(done)),
            }
        }
        self.held.drain(..done);
        self.at = self.at.map(|at| at + widen(done));
    }

    fn complete(&mut self, began: u64) {
        let counts = began >= self.checkpoint;
        self.began = None;
        self.mariadb.end();
        self.pending.drain(..).filter(|_| counts).for_each(|change| self.changes.add(change));
    }

    fn stop(&mut self, kind: u8, place: u64) {
        self.unread = Some(Unread::Unknown(kind, lsn_at(place)));
        self.held.clear();
    }

    /// What was read, once the last block was taken.
    ///
    /// # Errors
    /// Records could not be read to the end.
    pub fn finish(self) -> Result<RedoChanges, Unread> {
        self.unread.map_or(Ok(self.changes), Err)
    }
}

/// The length of a record, and whether it completes its mini-transaction.
fn mysql(bytes: &[u8], first: bool, pending: &mut Vec<Change>) -> Result<(usize, bool), Stop> {
    let record = record(bytes, first)?;
    pending.extend(record.change);
    Ok((record.length, record.part != Part::Some))
}

/// The same of MariaDB, where a zero completes it.
fn mariadb(bytes: &[u8], records: &mut MariadbRecords, pending: &mut Vec<Change>) -> Result<(usize, bool), Stop> {
    if bytes.byte(0).ok_or(Stop::Short)? == 0 {
        return Ok((1, true));
    }
    let record = records.next(bytes)?;
    pending.extend(record.changes.into_iter().flatten());
    Ok((record.length, false))
}

#[cfg(test)]
#[path = "block_records_tests.rs"]
mod tests;
