//! The files of MySQL's redo log, from the first to the last: [`verify`].
//!
//! A log is live up to the last block that bears the number of its place.
//! Invariant: whatever lies in front of that block must be live too; what lies
//! behind it is never read by a recovery, and never accused.

use super::look::{Look, settled};
use super::report::{Fault, LogReport, Outcome};
use crate::discover::{Found, unreadable};
use crate::kind::Kind;
use crate::read::{Bytes, Source};
use std::convert::Infallible;
use std::io;
use vouch_convert::widen;
use vouch_innodb::{Lsn, MysqlLog, RedoBlock};
use vouch_report::Code;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;
const BLOCK: u64 = widen(MysqlLog::BLOCK);
const HEAD: u64 = widen(MysqlLog::HEAD);
/// Runs that are told apart in one file.
const MOST_RUNS: usize = 10_000;

/// Blocks that follow each other and are not live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub first: u64,
    pub count: u64,
    pub kind: RedoBlock,
}

/// What is in one file, or in several that are one.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub log: Option<MysqlLog>,
    bad_heads: Vec<usize>,
    pub blocks: u64,
    /// Blocks up to the last one that is live.
    pub live_end: u64,
    pub live: u64,
    pub old: u64,
    /// Live ones without a checksum.
    pub unprotected: u64,
    /// Bytes in use in the last live block.
    last_bytes: u16,
    pub runs: Vec<Run>,
    rest: u64,
}

/// Verifies the files of one log.
pub(super) fn verify(files: &[Found], most: usize) -> LogReport {
    let mut files = files.to_vec();
    files.sort_by_key(|found| if let Kind::Redo(number) = found.kind { number } else { 0 });
    let mut report = LogReport::default();
    let Ok(look) = settled(|| Ok::<_, Infallible>(judge(&files, &mut report)));
    report.look(look, Code::RedoBlock, most);
    report
}

/// Looks at all files once.
fn judge(files: &[Found], report: &mut LogReport) -> Look {
    report.errors.clear();
    let mut scans = Vec::new();
    for found in files {
        match Source::open(&found.path).and_then(|source| scan(&source)) {
            Ok(scan) => scans.push((found.clone(), scan)),
            // A server removes files that it has no more use for.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => report.errors.push(unreadable(&found.label, &error)),
        }
    }
    outcomes(scans)
}

/// What the files of one log come to, in their order.
pub(super) fn outcomes(scans: Vec<(Found, Scan)>) -> Look {
    let checkpoint = scans.iter().filter_map(|(_, scan)| scan.log?.checkpoint).max();
    let last_live = scans.iter().rposition(|(_, scan)| scan.live > 0);
    let outcomes = scans.into_iter().enumerate().map(|(number, (found, scan))| {
        let goes_on = last_live.is_some_and(|last| number < last);
        (found, scan.outcome(checkpoint, goes_on))
    });
    outcomes.collect()
}

/// Reads one file, forwards.
///
/// # Errors
/// It cannot be read.
pub(super) fn scan(source: &dyn Bytes) -> io::Result<Scan> {
    let mut head = vec![0; MysqlLog::HEAD];
    let read = source.read_at(&mut head, 0)?;
    let head = head.get(..read).unwrap_or_default();
    let mut scan = Scan { log: MysqlLog::read(head), bad_heads: MysqlLog::bad_heads(head), ..Scan::default() };
    let Some(log) = scan.log else { return Ok(scan) };
    let (mut buffer, mut at) = (vec![0; CHUNK], HEAD);
    loop {
        let read = source.read_at(&mut buffer, at)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        let blocks = bytes.chunks_exact(MysqlLog::BLOCK);
        scan.rest = widen(blocks.remainder().len());
        for block in blocks {
            scan.add(&log, block);
        }
        at += widen(read);
        if read < CHUNK {
            return Ok(scan);
        }
    }
}

impl Scan {
    pub(super) fn add(&mut self, log: &MysqlLog, block: &[u8]) -> RedoBlock {
        let (number, kind) = (self.blocks, log.block(self.blocks, block));
        self.blocks += 1;
        match kind {
            RedoBlock::Live(bytes) | RedoBlock::Unprotected(bytes) => {
                self.unprotected += u64::from(matches!(kind, RedoBlock::Unprotected(_)));
                (self.live_end, self.live, self.last_bytes) = (self.blocks, self.live + 1, bytes);
                return kind;
            }
            RedoBlock::Old => self.old += 1,
            _ => {}
        }
        let full = self.runs.len() >= MOST_RUNS;
        match self.runs.last_mut() {
            Some(run) if full || run.kind == kind && run.first + run.count == number => {
                run.count = number - run.first + 1;
            }
            _ => self.runs.push(Run { first: number, count: 1, kind }),
        }
        kind
    }

    /// Blocks that must be live, from the file's first one on.
    fn needed(&self, checkpoint: Option<Lsn>, goes_on: bool) -> u64 {
        if goes_on {
            return self.blocks;
        }
        let begun = self.log.zip(checkpoint).and_then(|(log, lsn)| log.block_of(lsn));
        let checked = begun.map(|offset| (offset - HEAD) / BLOCK).filter(|number| *number < self.blocks);
        // A log that was made anew begins with its checkpoint, and with no block yet.
        let written = |number: &u64| *number == self.live_end && self.live > 0 || self.is_bad(*number);
        checked.filter(written).map_or(self.live_end, |number| self.live_end.max(number + 1))
    }

    fn is_bad(&self, number: u64) -> bool {
        let at = |run: &&Run| (run.first..run.first + run.count).contains(&number);
        self.runs.iter().find(at).is_some_and(|run| matches!(run.kind, RedoBlock::Bad { .. }))
    }

    fn outcome(&self, checkpoint: Option<Lsn>, goes_on: bool) -> Outcome {
        let mut outcome = Outcome {
            page_bytes: BLOCK,
            pages: self.blocks,
            method: "crc32",
            format: "blocks of 512 bytes".to_owned(),
            ..Outcome::default()
        };
        self.head(&mut outcome);
        let Some(log) = self.log else { return outcome };
        let end = self.end(&log);
        outcome.lsn_max = end.0;
        outcome.tally.sound = self.live + self.old - self.unprotected;
        outcome.unprotected(self.unprotected);
        outcome.format = format!("blocks of 512 bytes, LSN {} to {end}", log.start);
        let needed = self.needed(checkpoint, goes_on);
        for run in &self.runs {
            run.judge(&log, needed, checkpoint, &mut outcome);
        }
        if self.rest > 0 {
            let (offset, message) =
                (HEAD + self.blocks * BLOCK, format!("the file ends {} bytes into a block", self.rest));
            outcome.faults.push(Fault { offset, count: 1, message });
        }
        outcome
    }

    /// The LSN at which the log ends in this file.
    pub(super) fn end(&self, log: &MysqlLog) -> Lsn {
        match self.live_end.checked_sub(1) {
            Some(last) => Lsn(log.lsn_of(last).0 + u64::from(self.last_bytes)),
            None => log.start,
        }
    }

    fn head(&self, outcome: &mut Outcome) {
        outcome.faults.extend(self.bad_heads.iter().map(|number| head_fault(*number)));
    }
}

/// A block of the head whose checksum does not fit.
pub(super) fn head_fault(number: usize) -> Fault {
    let what = match number {
        0 => "which tells where the log begins; nothing else of the file is verified",
        2 => "which has the key of the log",
        _ => "which has a checkpoint",
    };
    let message = format!("the checksum does not fit the contents of block {number} of the head, {what}");
    Fault { offset: widen(number) * BLOCK, count: 1, message }
}

impl Run {
    fn judge(&self, log: &MysqlLog, needed: u64, checkpoint: Option<Lsn>, outcome: &mut Outcome) {
        let inside = needed.saturating_sub(self.first).min(self.count);
        let outside = self.count - inside;
        match self.kind {
            RedoBlock::Empty => outcome.tally.empty += outside,
            RedoBlock::Encrypted => {
                outcome.tally.unverified += self.count;
                return;
            }
            RedoBlock::Bad { .. } if outside > 0 => {
                let lsn = log.lsn_of(self.first + inside);
                let what = format!("from LSN {lsn} on, behind the end of the log, {outside} blocks are not whole");
                outcome.notices.push(what);
            }
            _ => {}
        }
        if inside > 0 {
            let offset = HEAD + self.first * BLOCK;
            outcome.faults.push(Fault { offset, count: inside, message: self.message(log, inside, checkpoint) });
        }
    }

    /// What is wrong with the first so many blocks.
    pub(super) fn message(&self, log: &MysqlLog, count: u64, checkpoint: Option<Lsn>) -> String {
        let what = match self.kind {
            RedoBlock::Bad { stored, computed } => {
                format!("the checksum is 0x{stored:08x}, the contents have 0x{computed:08x}")
            }
            RedoBlock::Empty => "the block is all zero, and the log goes on behind it".to_owned(),
            _ => "the block is an old one, and the log goes on behind it".to_owned(),
        };
        let (from, to) = (log.lsn_of(self.first), log.lsn_of(self.first + count));
        let use_of = match checkpoint {
            Some(lsn) if to <= lsn => format!("recovery, which begins at LSN {lsn}, does not need it"),
            _ => "recovery gets no further".to_owned(),
        };
        format!("{what}: LSN {from} to {to}; {use_of}")
    }
}

#[cfg(test)]
#[path = "redo_tests.rs"]
mod tests;
