//! Files of blocks in a circle: MariaDB's log up to 10.7, MySQL's up to 8.0.29, and copies of both, [`verify`].
//!
//! Blocks are numbered from the one that has the checkpoint. Invariant, as of any
//! log of blocks: what lies in front of its last live block must be live.

use super::changes::{Changed, LogChanges, LogWriter, unread};
use super::mtrs::Records;
use super::redo::{Run, Scan, head_fault};
use super::report::{Fault, Outcome};
use crate::read::Bytes;
use std::io;
use vouch_convert::{to_size, widen};
use vouch_innodb::{BlockRecords, Lsn, MysqlLog, RecordFormat, RedoBlock, RingLog};

const BLOCK: u64 = widen(MysqlLog::BLOCK);
const HEAD: u64 = widen(MysqlLog::HEAD);
/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;
/// Blocks in front of the checkpoint's in a copy of a log: as many as a buffer of the copying tool has room for.
const MOST_BEFORE: u64 = (8 << 20) / BLOCK;

/// One file of a log.
pub(super) struct Part<'a> {
    pub source: &'a dyn Bytes,
    pub bytes: u64,
}

/// What was read of a log, before it is known up to where a backup needs it.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// Bytes of the files.
    sizes: Vec<u64>,
    /// Blocks of their heads whose checksums do not fit.
    heads: Vec<Vec<usize>>,
    ring: Option<RingLog>,
    begin: u64,
    scan: Scan,
    /// Reads the records of blocks that follow each other, where the format is known, and how many there were.
    records: Option<BlockRecords>,
    followed: u64,
}

/// Judges the files, of which there is one outcome each.
///
/// # Errors
/// One cannot be read.
pub(super) fn verify(parts: &[Part], needed: Option<Lsn>) -> io::Result<Vec<Outcome>> {
    Ok(scan(parts, Records::Passed)?.outcomes(needed))
}

/// Reads the files.
///
/// # Errors
/// One cannot be read.
pub(super) fn scan(parts: &[Part], records: Records) -> io::Result<Scanned> {
    let mut scanned = Scanned::of_heads(parts, records)?;
    if let (Some(ring), Some(first)) = (scanned.ring, parts.first()) {
        scanned.begin = begin(first, parts, &scanned.sizes, &ring)?;
        scanned.read(parts, &ring)?;
    }
    Ok(scanned)
}

/// Reads a log of one file that is too long to be held, from its start to its end: a copy, which begins with its
/// checkpoint. `None` when it does not. The caller tells with [`Scanned::ended`] how long it was.
///
/// # Errors
/// It cannot be read.
pub(super) fn scan_copy(source: &dyn Bytes) -> io::Result<Option<Scanned>> {
    let parts = [Part { source, bytes: u64::MAX }];
    let mut scanned = Scanned::of_heads(&parts, Records::Read)?;
    let Some(ring) = scanned.ring else { return Ok(Some(scanned)) };
    let mut block = [0; MysqlLog::BLOCK];
    source.read_at(&mut block, HEAD)?;
    let Some(before) = ring.blocks_behind(&block).filter(|blocks| *blocks <= MOST_BEFORE) else { return Ok(None) };
    scanned.begin = before;
    scanned.read(&parts, &ring)?;
    Ok(Some(scanned))
}

impl Scanned {
    fn of_heads(parts: &[Part], records: Records) -> io::Result<Scanned> {
        let mut scanned = Scanned { sizes: parts.iter().map(|part| part.bytes).collect(), ..Scanned::default() };
        for (number, part) in parts.iter().enumerate() {
            let mut head = vec![0; MysqlLog::HEAD];
            let read = part.source.read_at(&mut head, 0)?;
            let head = head.get(..read).unwrap_or_default();
            scanned.heads.push(MysqlLog::bad_heads(head));
            if number == 0 {
                scanned.ring = RingLog::read(head);
                let format = RingLog::records(head).filter(|_| records == Records::Read);
                let reader = |(format, ring): (RecordFormat, RingLog)| BlockRecords::new(format, ring.checkpoint);
                scanned.records = format.zip(scanned.ring).map(reader);
            }
        }
        Ok(scanned)
    }

    fn read(&mut self, parts: &[Part], ring: &RingLog) -> io::Result<()> {
        let (circle, log) = (Circle { sizes: &self.sizes, begin: self.begin }, ring.from_checkpoint());
        let (scan, records, followed) = (&mut self.scan, &mut self.records, &mut self.followed);
        circle.read(parts, |block| {
            let number = scan.blocks;
            let live = matches!(scan.add(&log, block), RedoBlock::Live(_) | RedoBlock::Unprotected(_));
            if live && *followed == number {
                *followed += 1;
                if let Some(records) = records {
                    records.block(log.lsn_of(number), block);
                }
            }
        })
    }

    /// What its records do, which have to reach up to `needed`.
    pub(super) fn changed(&mut self, needed: Option<Lsn>) -> Changed {
        let Some(ring) = self.ring else { return Err("its head is damaged, or it has no checkpoint".to_owned()) };
        let Some(records) = self.records.take() else { return Err("its records are of another format".to_owned()) };
        let log = ring.from_checkpoint();
        if self.followed < self.scan.live_end {
            return Err(format!("it is damaged at LSN {}", log.lsn_of(self.followed)));
        }
        if self.followed == 0 {
            return Err(format!("it does not hold its checkpoint, LSN {}", ring.checkpoint));
        }
        let changes = records.finish().map_err(unread)?;
        let changed = LogChanges::up_to(LogWriter::Older, changes, (ring.checkpoint, self.scan.end(&log)), needed);
        changed.map(|changes| changes.noted(needed.is_some()))
    }

    /// What was read of a file of no bytes.
    pub(super) fn nothing() -> Scanned {
        Scanned { sizes: vec![0], heads: vec![MysqlLog::bad_heads(&[])], ..Scanned::default() }
    }

    /// The one file turned out to have so many bytes.
    pub(super) fn ended(&mut self, bytes: u64) {
        self.sizes = vec![bytes];
    }

    /// What it comes to where a backup's note says that the log reaches up to `needed`; one outcome for each file.
    pub(super) fn outcomes(&self, needed: Option<Lsn>) -> Vec<Outcome> {
        let with_head = |(bytes, bad): (&u64, &Vec<usize>)| {
            let mut outcome = bare(*bytes);
            outcome.faults.extend(bad.iter().map(|number| head_fault(*number)));
            outcome
        };
        let mut outcomes: Vec<Outcome> = self.sizes.iter().zip(&self.heads).map(with_head).collect();
        match &self.ring {
            Some(ring) => self.judge(ring, needed, &mut outcomes),
            None => {
                if let Some(outcome) = outcomes.first_mut().filter(|outcome| outcome.faults.is_empty()) {
                    let message = "the log has no checkpoint: no server starts with it".to_owned();
                    outcome.faults.push(Fault { offset: BLOCK, count: 1, message });
                }
            }
        }
        outcomes
    }

    fn judge(&self, ring: &RingLog, needed: Option<Lsn>, outcomes: &mut [Outcome]) {
        let (scan, log) = (&self.scan, ring.from_checkpoint());
        let circle = Circle { sizes: &self.sizes, begin: self.begin };
        let demanded = needed.map_or(0, |lsn| lsn.0.saturating_sub(log.start.0).div_ceil(BLOCK));
        let runs: Vec<Run> = scan.runs.iter().flat_map(|run| circle.pieces(run)).collect();
        // A log that was made anew has no block yet, but then it has no damaged one either.
        let begun = runs.first().is_some_and(|run| run.first == 0 && matches!(run.kind, RedoBlock::Bad { .. }));
        let live = scan.live_end.max(demanded).max(u64::from(begun));
        for run in &runs {
            circle.judge(run, &log, live, outcomes);
        }
        if demanded > scan.blocks {
            let message =
                format!("the log ends before LSN {}, up to which the backup needs it", needed.unwrap_or_default());
            let (part, offset) = circle.place(scan.blocks.saturating_sub(1));
            if let Some(outcome) = outcomes.get_mut(part) {
                outcome.faults.push(Fault { offset: offset + BLOCK, count: 1, message });
            }
        }
        sum_up(scan, &runs, ring, &circle, outcomes);
    }
}

/// Blocks that a file of so many bytes has room for.
fn blocks_of(bytes: u64) -> u64 {
    bytes.saturating_sub(HEAD) / BLOCK
}

fn bare(bytes: u64) -> Outcome {
    let mut outcome = Outcome {
        page_bytes: BLOCK,
        pages: blocks_of(bytes),
        method: "crc32",
        format: "blocks of 512 bytes".to_owned(),
        ..Outcome::default()
    };
    let rest = bytes.saturating_sub(HEAD) % BLOCK;
    if rest > 0 {
        let message = format!("the file ends {rest} bytes into a block");
        outcome.faults.push(Fault { offset: bytes - rest, count: 1, message });
    }
    outcome
}

/// Counts, and where the log ends.
fn sum_up(scan: &Scan, runs: &[Run], ring: &RingLog, circle: &Circle, outcomes: &mut [Outcome]) {
    let end = scan.end(&ring.from_checkpoint());
    for (number, outcome) in outcomes.iter_mut().enumerate() {
        outcome.lsn_max = end.0;
        outcome.format = format!("blocks of 512 bytes, LSN {} to {end}", ring.checkpoint);
        let own = |run: &&Run| circle.place(run.first).0 == number;
        let lost = |kind: fn(&RedoBlock) -> bool| -> u64 {
            runs.iter().filter(own).filter(|run| kind(&run.kind)).map(|run| run.count).sum()
        };
        outcome.tally.empty = lost(|kind| matches!(kind, RedoBlock::Empty));
        let encrypted = lost(|kind| matches!(kind, RedoBlock::Encrypted));
        let bad = lost(|kind| matches!(kind, RedoBlock::Bad { .. }));
        let unprotected = if number == 0 { scan.unprotected } else { 0 };
        outcome.unprotected(unprotected);
        let others = outcome.tally.empty + encrypted + bad + unprotected;
        (outcome.tally.unverified, outcome.tally.sound) = (encrypted, outcome.pages.saturating_sub(others));
    }
}

fn block_at(parts: &[Part], part: usize, offset: u64, block: &mut [u8]) -> io::Result<()> {
    let Some(part) = parts.get(part) else { return Ok(()) };
    part.source.read_at(block, offset).map(drop)
}

/// The blocks of all files, from the one with the checkpoint on.
struct Circle<'a> {
    /// Bytes of the files.
    sizes: &'a [u64],
    /// Its number, were the files one behind the other.
    begin: u64,
}

/// The number of the block that has the checkpoint: where the checkpoint says so, or by the number of the first one.
fn begin(first: &Part, parts: &[Part], sizes: &[u64], ring: &RingLog) -> io::Result<u64> {
    let circle = Circle { sizes, begin: 0 };
    let mut block = [0; MysqlLog::BLOCK];
    let (file, at) = (ring.offset / first.bytes.max(1), ring.offset % first.bytes.max(1));
    let said =
        file.checked_mul(blocks_of(first.bytes)).zip(at.checked_sub(HEAD)).map(|(before, at)| before + at / BLOCK);
    if let Some(said) = said.filter(|said| *said < circle.blocks()) {
        let (part, offset) = circle.place(said);
        block_at(parts, part, offset, &mut block)?;
        if ring.blocks_behind(&block) == Some(0) {
            return Ok(said);
        }
    }
    block_at(parts, 0, HEAD, &mut block)?;
    let counted = ring.blocks_behind(&block).filter(|counted| *counted < circle.blocks());
    Ok(counted.or(said.filter(|said| *said < circle.blocks())).unwrap_or(0))
}

impl Circle<'_> {
    fn blocks(&self) -> u64 {
        self.sizes.iter().map(|bytes| blocks_of(*bytes)).sum()
    }

    /// The file and the offset of the block that stands so many behind the checkpoint's.
    fn place(&self, number: u64) -> (usize, u64) {
        let mut at = (self.begin + number) % self.blocks().max(1);
        for (part, blocks) in self.sizes.iter().map(|bytes| blocks_of(*bytes)).enumerate() {
            if at < blocks {
                return (part, HEAD + at * BLOCK);
            }
            at -= blocks;
        }
        (0, HEAD)
    }

    /// The same blocks, file by file.
    fn pieces(&self, run: &Run) -> Vec<Run> {
        let (mut pieces, mut at, end) = (Vec::new(), run.first, run.first + run.count);
        while at < end {
            let (part, offset) = self.place(at);
            let left =
                self.sizes.get(part).map_or(0, |bytes| blocks_of(*bytes).saturating_sub((offset - HEAD) / BLOCK));
            let count = left.clamp(1, end - at);
            pieces.push(Run { first: at, count, kind: run.kind });
            at += count;
        }
        pieces
    }

    /// Hands on all blocks in their order.
    fn read(&self, parts: &[Part], mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let (mut buffer, mut number, blocks) = (vec![0; CHUNK], 0, self.blocks());
        while number < blocks {
            let (part, offset) = self.place(number);
            let Some(part) = parts.get(part) else { return Ok(()) };
            let until_end = (HEAD + blocks_of(part.bytes) * BLOCK).saturating_sub(offset);
            let wanted = until_end.min((blocks - number) * BLOCK).min(widen(CHUNK));
            let room = buffer.get_mut(..to_size(wanted)).unwrap_or_default();
            let read = part.source.read_at(room, offset)?;
            let whole = room.get(..read).unwrap_or_default().chunks_exact(MysqlLog::BLOCK);
            if whole.len() == 0 {
                return Ok(());
            }
            number += widen(whole.len());
            whole.for_each(&mut each);
        }
        Ok(())
    }

    /// Tells of blocks that are not live and should be, up to the number `live`.
    fn judge(&self, run: &Run, log: &MysqlLog, live: u64, outcomes: &mut [Outcome]) {
        if run.kind == RedoBlock::Encrypted {
            return;
        }
        let inside = live.saturating_sub(run.first).min(run.count);
        let (part, offset) = self.place(run.first);
        let Some(outcome) = outcomes.get_mut(part) else { return };
        if inside > 0 {
            let message = run.message(log, inside, log.checkpoint);
            outcome.faults.push(Fault { offset, count: inside, message });
        }
        let (outside, bad) = (run.count - inside, matches!(run.kind, RedoBlock::Bad { .. }));
        if outside > 0 && bad {
            let lsn = log.lsn_of(run.first + inside);
            let what = format!("from LSN {lsn} on, behind the end of the log, {outside} blocks are not whole");
            outcome.notices.push(what);
        }
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
