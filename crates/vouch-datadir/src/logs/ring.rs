//! Files of blocks in a circle: MariaDB's log up to 10.7, MySQL's up to 8.0.29, and copies of both, [`verify`].
//!
//! Blocks are numbered from the one that has the checkpoint. Invariant, as of any
//! log of blocks: what lies in front of its last live block must be live.

use super::redo::{Run, Scan, head_fault};
use super::report::{Fault, Outcome};
use crate::read::Bytes;
use std::io;
use vouch_innodb::{Lsn, MysqlLog, RedoBlock, RingLog};

const BLOCK: u64 = MysqlLog::BLOCK as u64;
const HEAD: u64 = MysqlLog::HEAD as u64;
/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;

/// One file of a log.
pub(super) struct Part<'a> {
    pub source: &'a dyn Bytes,
    pub bytes: u64,
}

impl Part<'_> {
    fn blocks(&self) -> u64 {
        self.bytes.saturating_sub(HEAD) / BLOCK
    }
}

/// Judges the files, of which there is one outcome each.
///
/// # Errors
/// One cannot be read.
pub(super) fn verify(parts: &[Part], needed: Option<Lsn>) -> io::Result<Vec<Outcome>> {
    let mut outcomes: Vec<Outcome> = parts.iter().map(bare).collect();
    let Some(first) = parts.first() else { return Ok(outcomes) };
    let mut ring = None;
    for (number, (part, outcome)) in parts.iter().zip(&mut outcomes).enumerate() {
        let mut head = vec![0; MysqlLog::HEAD];
        let read = part.source.read_at(&mut head, 0)?;
        let head = head.get(..read).unwrap_or_default();
        outcome.faults.extend(MysqlLog::bad_heads(head).into_iter().map(head_fault));
        if number == 0 {
            ring = RingLog::read(head);
        }
    }
    let Some(ring) = ring else {
        if let Some(outcome) = outcomes.first_mut().filter(|outcome| outcome.faults.is_empty()) {
            let message = "the log has no checkpoint: no server starts with it".to_owned();
            outcome.faults.push(Fault { offset: BLOCK, count: 1, message });
        }
        return Ok(outcomes);
    };
    let circle = Circle { parts, begin: begin(first, parts, &ring)? };
    let mut scan = Scan::default();
    let log = ring.from_checkpoint();
    circle.read(|block| scan.add(&log, block))?;
    let demanded = needed.map_or(0, |lsn| lsn.0.saturating_sub(log.start.0).div_ceil(BLOCK));
    let runs: Vec<Run> = scan.runs.iter().flat_map(|run| circle.pieces(run)).collect();
    // A log that was made anew has no block yet, but then it has no damaged one either.
    let begun = runs.first().is_some_and(|run| run.first == 0 && matches!(run.kind, RedoBlock::Bad { .. }));
    let live = scan.live_end.max(demanded).max(u64::from(begun));
    for run in &runs {
        circle.judge(run, &log, live, &mut outcomes);
    }
    if demanded > scan.blocks {
        let message =
            format!("the log ends before LSN {}, up to which the backup needs it", needed.unwrap_or_default());
        let (part, offset) = circle.place(scan.blocks.saturating_sub(1));
        if let Some(outcome) = outcomes.get_mut(part) {
            outcome.faults.push(Fault { offset: offset + BLOCK, count: 1, message });
        }
    }
    sum_up(&scan, &runs, &ring, &circle, &mut outcomes);
    Ok(outcomes)
}

fn bare(part: &Part) -> Outcome {
    let mut outcome = Outcome {
        page_bytes: BLOCK,
        pages: part.blocks(),
        method: "crc32",
        format: "blocks of 512 bytes".to_owned(),
        ..Outcome::default()
    };
    let rest = part.bytes.saturating_sub(HEAD) % BLOCK;
    if rest > 0 {
        let message = format!("the file ends {rest} bytes into a block");
        outcome.faults.push(Fault { offset: part.bytes - rest, count: 1, message });
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

/// The blocks of all files, from the one with the checkpoint on.
struct Circle<'a> {
    parts: &'a [Part<'a>],
    /// Its number, were the files one behind the other.
    begin: u64,
}

/// The number of the block that has the checkpoint: where the checkpoint says so, or by the number of the first one.
fn begin(first: &Part, parts: &[Part], ring: &RingLog) -> io::Result<u64> {
    let circle = Circle { parts, begin: 0 };
    let mut block = [0; MysqlLog::BLOCK];
    let (file, at) = (ring.offset / first.bytes.max(1), ring.offset % first.bytes.max(1));
    let said = file.checked_mul(first.blocks()).zip(at.checked_sub(HEAD)).map(|(before, at)| before + at / BLOCK);
    if let Some(said) = said.filter(|said| *said < circle.blocks()) {
        let (part, offset) = circle.place(said);
        circle.block(part, offset, &mut block)?;
        if ring.blocks_behind(&block) == Some(0) {
            return Ok(said);
        }
    }
    circle.block(0, HEAD, &mut block)?;
    let counted = ring.blocks_behind(&block).filter(|counted| *counted < circle.blocks());
    Ok(counted.or(said.filter(|said| *said < circle.blocks())).unwrap_or(0))
}

impl Circle<'_> {
    fn blocks(&self) -> u64 {
        self.parts.iter().map(Part::blocks).sum()
    }

    /// The file and the offset of the block that stands so many behind the checkpoint's.
    fn place(&self, number: u64) -> (usize, u64) {
        let mut at = (self.begin + number) % self.blocks().max(1);
        for (part, blocks) in self.parts.iter().map(Part::blocks).enumerate() {
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
            let left = self.parts.get(part).map_or(0, |part| part.blocks().saturating_sub((offset - HEAD) / BLOCK));
            let count = left.clamp(1, end - at);
            pieces.push(Run { first: at, count, kind: run.kind });
            at += count;
        }
        pieces
    }

    fn block(&self, part: usize, offset: u64, block: &mut [u8]) -> io::Result<()> {
        let Some(part) = self.parts.get(part) else { return Ok(()) };
        part.source.read_at(block, offset).map(drop)
    }

    /// Hands on all blocks in their order.
    fn read(&self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let (mut buffer, mut number, blocks) = (vec![0; CHUNK], 0, self.blocks());
        while number < blocks {
            let (part, offset) = self.place(number);
            let Some(part) = self.parts.get(part) else { return Ok(()) };
            let until_end = (HEAD + part.blocks() * BLOCK).saturating_sub(offset);
            let wanted = until_end.min((blocks - number) * BLOCK).min(CHUNK as u64);
            let room = buffer.get_mut(..usize::try_from(wanted).unwrap_or(0)).unwrap_or_default();
            let read = part.source.read_at(room, offset)?;
            let whole = room.get(..read).unwrap_or_default().chunks_exact(MysqlLog::BLOCK);
            if whole.len() == 0 {
                return Ok(());
            }
            number += whole.len() as u64;
            whole.for_each(&mut each);
        }
        Ok(())
    }

    /// Tells of blocks that are not live and should be, up to the number `live`.
    fn judge(&self, run: &Run, log: &MysqlLog, live: u64, outcomes: &mut [Outcome]) {
        if run.kind == RedoBlock::Encrypted {
            let (part, _) = self.place(run.first);
            let message = format!("{} encrypted blocks, and no key", run.count);
            if let Some(outcome) = outcomes.get_mut(part) {
                outcome.errors.push((vouch_report::Code::LogEncrypted, message));
            }
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
