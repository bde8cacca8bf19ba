//! MariaDB's log since 10.8, from its checkpoint to its end: [`walk`].
//!
//! A log ends where no whole mini-transaction of its lap begins. Invariant: that
//! is its end, and no damage, unless the log goes on behind, or something says
//! that it must reach further: the mark of its checkpoint, or a backup's note.
//! What a server writes behind the end to fill a block is what its buffer held
//! before, mini-transactions of the same lap among it: nothing is told from that.

use super::changes::{Changed, LogChanges, LogWriter};
use super::report::{Fault, Outcome};
use crate::read::Bytes;
use std::io;
use vouch_convert::{narrow, to_size, widen};
use vouch_innodb::{LogHead, Lsn, MariadbLog, Mtr, RedoChanges, Search, Sought};
use vouch_report::PageTally;

/// Bytes that are held at a time: a mini-transaction fits in several times.
const HELD: usize = 2 * MariadbLog::MOST_MTR;
/// Gaps that are told apart.
const MOST_GAPS: usize = 10_000;

/// A part of the log that is not whole.
#[derive(Debug)]
struct Gap {
    from: Lsn,
    /// Where the log goes on.
    to: Lsn,
    what: Mtr,
}

/// No log of a server has that many bytes.
const MOST_LOG: u64 = 1 << 60;

/// What was seen of a log.
#[derive(Debug, Default)]
pub(super) struct Walk {
    log: Option<MariadbLog>,
    /// Of the head and of the file.
    faults: Vec<Fault>,
    gaps: Vec<Gap>,
    /// Whole mini-transactions.
    mtrs: u64,
    end: Lsn,
    /// What stands at the end.
    behind: Option<Mtr>,
    given_up: bool,
    /// What its records do, where that is asked for, up to the first gap.
    changes: Option<RedoChanges>,
    /// Where a record is that is not known.
    unknown: Option<Lsn>,
}

/// Whether the records of a log are read, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Records {
    Passed,
    Read,
}

/// Walks a log of so many bytes. Behind `enough` nothing is looked for.
///
/// # Errors
/// It cannot be read.
pub(super) fn walk(source: &dyn Bytes, bytes: u64, enough: Option<Lsn>, records: Records) -> io::Result<Walk> {
    let mut head = vec![0; MariadbLog::HEAD];
    let read = source.read_at(&mut head, 0)?;
    let head = head.get(..read).unwrap_or_default();
    let mut walk = Walk { faults: heads(head), log: MariadbLog::read(head, bytes), ..Walk::default() };
    let Some(log) = walk.log else { return Ok(walk) };
    if log.rest() > 0 {
        let message = format!("the file ends {} bytes into a block, so nothing else of it is verified", log.rest());
        walk.faults.push(Fault { offset: bytes - log.rest(), count: 1, message });
        return Ok(walk);
    }
    let mut ring = Ring::new(source, log);
    walk.end = log.checkpoint;
    walk.changes = (records == Records::Read && !log.is_encrypted()).then(RedoChanges::default);
    loop {
        let behind = walk.step(&mut ring)?;
        // What ends with the mark of its checkpoint was closed so.
        let closed = log.end == log.checkpoint && walk.mtrs == 1 && behind == Mtr::End;
        if closed || enough.is_some_and(|enough| walk.end >= enough) || walk.gaps.len() >= MOST_GAPS {
            walk.behind = Some(behind);
            return Ok(walk);
        }
        match walk.seek(&mut ring, enough.is_some())? {
            Some(to) => {
                walk.gaps.push(Gap { from: walk.end, to, what: behind });
                walk.end = to;
            }
            None => {
                walk.behind = Some(behind);
                return Ok(walk);
            }
        }
    }
}

fn heads(head: &[u8]) -> Vec<Fault> {
    let fault = |(offset, part): (u64, LogHead)| {
        let message = match part {
            LogHead::First => {
                "the checksum does not fit the head of the log: no server starts with it, and nothing else of it is verified"
            }
            LogHead::Checkpoint => {
                "the checksum of a checkpoint does not fit its contents: if it is the newer one, a server begins with the older one, or cannot start"
            }
            LogHead::NoCheckpoint => {
                "the log has no checkpoint: no server starts with it, and nothing else of it is verified"
            }
        };
        Fault { offset, count: 1, message: message.to_owned() }
    };
    MariadbLog::bad_heads(head).into_iter().map(fault).collect()
}

impl Walk {
    /// Goes on over whole mini-transactions, and returns what follows them.
    fn step(&mut self, ring: &mut Ring) -> io::Result<Mtr> {
        let log = ring.log;
        loop {
            let (bytes, last) = ring.at(self.end)?;
            let mut at = 0;
            let behind = loop {
                let lsn = Lsn(self.end.0.saturating_add(widen(at)));
                let rest = bytes.get(at..).unwrap_or_default();
                match log.mtr(lsn, rest) {
                    Mtr::Short if last && at == bytes.len() => break Mtr::End,
                    Mtr::Whole(length) => {
                        self.records(&log, lsn, rest);
                        (at, self.mtrs) = (at + length, self.mtrs + 1);
                    }
                    behind => break behind,
                }
            };
            self.end = Lsn(self.end.0.saturating_add(widen(at)));
            if behind != Mtr::Short || last {
                return Ok(behind);
            }
            if at == 0 {
                return Ok(Mtr::None);
            }
        }
    }

    /// Reads the records of the mini-transaction that `bytes` begin with.
    fn records(&mut self, log: &MariadbLog, lsn: Lsn, bytes: &[u8]) {
        let Some(changes) = self.changes.as_mut().filter(|_| self.gaps.is_empty()) else { return };
        if !log.changes(bytes, changes) {
            self.unknown.get_or_insert(lsn);
        }
    }

    /// What its records do, which have to reach up to `needed`. `missed`: a part of it was not seen.
    pub(super) fn changed(&mut self, needed: Option<Lsn>, missed: bool) -> Changed {
        let Some(log) = self.log.filter(|log| log.rest() == 0) else { return Err("its head is damaged".to_owned()) };
        if log.is_encrypted() {
            return Err("it is encrypted".to_owned());
        }
        let changes = self.changes.take().unwrap_or_default();
        let gap = self.gaps.iter().find(|gap| needed.is_none_or(|lsn| gap.from < lsn));
        let end = gap.map_or(self.end, |gap| gap.from);
        if let Some(gap) = gap {
            return Err(format!("it is damaged at LSN {}", gap.from));
        }
        if let Some(lsn) = self.unknown {
            return Err(format!("it has a record of an unknown type at LSN {lsn}"));
        }
        if missed {
            return Err("a part of it is missing".to_owned());
        }
        let changed =
            LogChanges::up_to(LogWriter::Mariadb, changes, (log.checkpoint, end), needed.max(Some(log.behind_mark())));
        changed.map(|changes| changes.noted(needed.is_some()))
    }

    /// Where the log goes on behind its end, which then was none: in a later block, unless it is known to go on.
    fn seek(&mut self, ring: &mut Ring, goes_on: bool) -> io::Result<Option<Lsn>> {
        let log = ring.log;
        let skip = if goes_on { 1 } else { log.until_next_block(self.end) };
        let (mut search, mut lsn) = (Search::default(), Lsn(self.end.0.saturating_add(skip)));
        loop {
            let (bytes, last) = ring.at(lsn)?;
            match search.seek(&log, lsn, bytes, last) {
                Sought::At(skip) => return Ok(Some(Lsn(lsn.0.saturating_add(widen(skip))))),
                Sought::NotIn(skip) if !last && skip > 0 => lsn = Lsn(lsn.0.saturating_add(widen(skip))),
                Sought::NotIn(_) => return Ok(None),
                Sought::GivenUp => {
                    self.given_up = true;
                    return Ok(None);
                }
            }
        }
    }

    /// Whether it is a server's, which turns, and ends in front of what has to be there. A copy of a backup tool never
    /// turns.
    pub(super) fn falls_short(&self, needed: Option<Lsn>) -> bool {
        let end = self.gaps.first().map_or(self.end, |gap| gap.from);
        self.log
            .is_some_and(|log| log.offset_of(end).1 < MOST_LOG && end < needed.unwrap_or(Lsn(0)).max(log.behind_mark()))
    }

    /// The same, had nothing been looked for behind `enough`. What can no longer be had is said to be not known.
    pub(super) fn up_to(mut self, enough: Option<Lsn>, missed: bool) -> Walk {
        self.given_up |= missed;
        let beyond = enough.and_then(|enough| self.gaps.iter().position(|gap| gap.from >= enough));
        if let Some(gap) = beyond.map(|at| self.gaps.drain(at..)).and_then(|mut gaps| gaps.next()) {
            (self.end, self.behind) = (gap.from, Some(gap.what));
        }
        self
    }

    /// What it comes to where a backup's note says that the log reaches up to `needed`.
    pub(super) fn outcome(self, needed: Option<Lsn>) -> Outcome {
        let mut outcome = Outcome { method: "crc32", format: "mini-transactions".to_owned(), ..Outcome::default() };
        outcome.faults.clone_from(&self.faults);
        if let Some(log) = self.log.filter(|log| log.rest() == 0) {
            self.judge(&log, needed, &mut outcome);
        }
        let bad = outcome.faults.iter().map(|fault| fault.count).sum();
        outcome.tally = PageTally { sound: self.mtrs, bad, ..PageTally::default() };
        outcome.pages = outcome.tally.seen();
        outcome
    }

    fn judge(&self, log: &MariadbLog, needed: Option<Lsn>, outcome: &mut Outcome) {
        (outcome.format, outcome.lsn_max) =
            (format!("mini-transactions, LSN {} to {}", log.checkpoint, self.end), self.end.0);
        let stop = match needed {
            Some(lsn) => format!("the backup needs it up to LSN {lsn}, and preparing it gets no further"),
            None => "recovery gets no further".to_owned(),
        };
        for gap in &self.gaps {
            let what = format!("LSN {} to {} {}", gap.from, gap.to, what(gap.what));
            if needed.is_some_and(|lsn| gap.from >= lsn) {
                outcome.notices.push(format!("behind the end of the backup, {what}"));
            } else {
                let message = format!("{what}; {stop}");
                outcome.faults.push(Fault { offset: log.offset_of(gap.from).0, count: 1, message });
            }
        }
        let demands = [(needed, "as the backup notes"), (Some(log.behind_mark()), "where its checkpoint has its mark")];
        let unmet = demands.into_iter().filter_map(|(lsn, why)| Some((lsn?, why))).find(|(lsn, _)| self.end < *lsn);
        match (unmet, self.behind) {
            (Some((lsn, why)), behind) => {
                let what = behind.map_or("", what);
                let end = self.end;
                let message =
                    format!("the log should reach LSN {lsn}, {why}, and LSN {end} {what}: recovery gets no further");
                outcome.faults.push(Fault { offset: log.offset_of(end).0, count: 1, message });
            }
            (None, Some(Mtr::Bad { .. } | Mtr::Short)) => {
                outcome.notices.push(format!("its last mini-transaction, at LSN {}, is not whole", self.end));
            }
            _ => {}
        }
        if self.given_up {
            let message = format!("whether it goes on behind LSN {} was not found out", self.end);
            outcome.notices.push(message);
        }
    }
}

fn what(mtr: Mtr) -> &'static str {
    match mtr {
        Mtr::Bad { .. } => "has another checksum than its contents",
        _ => "is no mini-transaction",
    }
}

/// The records of a log in the order of their LSNs, for one lap from its checkpoint on.
struct Ring<'a> {
    source: &'a dyn Bytes,
    log: MariadbLog,
    held: Vec<u8>,
    from: Lsn,
    filled: usize,
    ended: bool,
}

impl<'a> Ring<'a> {
    fn new(source: &'a dyn Bytes, log: MariadbLog) -> Ring<'a> {
        let room = usize::try_from(log.capacity()).unwrap_or(HELD).min(HELD);
        Ring { source, log, held: vec![0; room], from: log.checkpoint, filled: 0, ended: false }
    }

    /// The bytes from an LSN on, and whether no more follow.
    fn at(&mut self, lsn: Lsn) -> io::Result<(&[u8], bool)> {
        let skip = lsn.0.checked_sub(self.from.0).and_then(narrow::<usize, _>);
        match skip.filter(|skip| *skip <= self.filled) {
            Some(skip) => {
                self.held.copy_within(skip..self.filled, 0);
                self.filled -= skip;
            }
            None => (self.filled, self.ended) = (0, false),
        }
        self.from = lsn;
        let limit = self.log.checkpoint.0.saturating_add(self.log.capacity());
        while let Some(room) = self.held.get_mut(self.filled..).filter(|room| !room.is_empty() && !self.ended) {
            let next = lsn.0.saturating_add(widen(self.filled));
            let (offset, until_turn) = self.log.offset_of(Lsn(next));
            let wanted = until_turn.min(limit.saturating_sub(next)).min(widen(room.len()));
            let room = room.get_mut(..to_size(wanted)).unwrap_or_default();
            let read = self.source.read_at(room, offset)?;
            self.filled += read;
            self.ended = read == 0 || read < room.len();
        }
        Ok((self.held.get(..self.filled).unwrap_or_default(), self.ended || self.filled < self.held.len()))
    }
}

#[cfg(test)]
#[path = "mtrs_tests.rs"]
mod tests;
