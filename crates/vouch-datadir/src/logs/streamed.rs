//! Logs that come as streams, in images and packed files: [`StreamedLog`] is read
//! as it passes, and [`judge`] judges all of them once the notes of their
//! backup are known, which follow the log.
//!
//! A log that is short enough to be held is looked at like a file. A longer one
//! passes: of redo logs that is what backup tools have copied, which begins with
//! its checkpoint. Invariant: where a server's log goes on at the start of its
//! file and that has passed, it is not taken for verified.

use super::changes::Changed;
use super::files::{EMPTY, UNKNOWN_FORMAT, needed};
use super::mtrs::Records;
use super::report::{LogReport, Outcome};
use super::{binlog, mtrs, redo, ring};
use crate::discover::{Found, at};
use crate::kind::Kind;
use crate::packed::Tape;
use crate::read::Bytes;
use crate::state::State;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use vouch_innodb::{Lsn, MariadbLog, MysqlLog, RingLog};
use vouch_report::{Code, Failure};

/// A log that has passed.
#[derive(Debug)]
pub(crate) struct StreamedLog {
    found: Found,
    seen: Seen,
}

#[derive(Debug)]
enum Seen {
    Events(binlog::Streamed),
    /// A file of MySQL's redo log since 8.0.30.
    Redo(redo::Scan),
    /// MariaDB's since 10.8; whether a part of it was needed that had passed.
    Mtrs(Box<mtrs::Walk>, bool),
    /// Blocks in a circle, as of old.
    Ring(Box<ring::Scanned>),
    Nothing,
    /// Not verified, and why.
    Not(&'static str),
}

/// What the redo logs among these do, each with the instance that it is of.
pub(crate) fn changed(logs: &mut [StreamedLog], states: &[(PathBuf, State)]) -> Vec<(PathBuf, Changed)> {
    let later = |log: &&StreamedLog| matches!(log.found.kind, Kind::LogFile(1..)) && log.found.bytes > 0;
    let several: Vec<PathBuf> = logs.iter().filter(later).map(|log| log.found.root.clone()).collect();
    let first = |log: &&mut StreamedLog| matches!(log.found.kind, Kind::LogFile(0) | Kind::CopiedLog | Kind::Redo(_));
    let changed = |log: &mut StreamedLog| {
        let root = log.found.root.clone();
        let state = states.iter().find(|(known, _)| *known == root).map_or(&State::Unknown, |(_, state)| state);
        let whole = !several.contains(&root) && !matches!(log.seen, Seen::Redo(_));
        let changed = if whole { log.changed(needed(state)) } else { Err(SEVERAL.to_owned()) };
        (root, changed)
    };
    logs.iter_mut().filter(first).map(changed).collect()
}

/// Why a log is not read.
const TOO_LONG: &str = "redo log of a server that is too long for a stream";
/// The same of a log of several files.
const SEVERAL: &str = "redo log of several files, which is read in a directory alone";

impl StreamedLog {
    /// What the records of a log of one file do, which should reach up to `needed`.
    fn changed(&mut self, needed: Option<Lsn>) -> Changed {
        match &mut self.seen {
            Seen::Mtrs(walk, missed) => walk.changed(needed, *missed),
            Seen::Ring(scanned) => scanned.changed(needed),
            Seen::Not(why) => Err((*why).to_owned()),
            Seen::Nothing | Seen::Redo(_) | Seen::Events(_) => Err("it is empty".to_owned()),
        }
    }
}

/// Reads a log to its end, which is after so many bytes where that is known.
///
/// # Errors
/// The stream cannot be read.
pub(crate) fn read(found: Found, input: &mut dyn Read, bytes: Option<u64>) -> io::Result<StreamedLog> {
    let tape = Tape::new(input)?;
    let length = tape.length().or(bytes);
    let mut seen = match found.kind {
        Kind::Redo(_) => Seen::Redo(redo::scan(&tape)?),
        Kind::LogFile(_) | Kind::CopiedLog => redo_log(&tape, length)?,
        _ => Seen::Events(binlog::Streamed::read(&found, &tape, length)?),
    };
    let bytes = tape.finish()?;
    if let (Seen::Ring(scanned), false) = (&mut seen, tape.is_whole()) {
        scanned.ended(bytes);
    }
    Ok(StreamedLog { found: Found { bytes, ..found }, seen })
}

fn redo_log(tape: &Tape, length: Option<u64>) -> io::Result<Seen> {
    let mut head = vec![0; MysqlLog::HEAD];
    let read = tape.read_at(&mut head, 0)?;
    head.truncate(read);
    if head.is_empty() {
        return Ok(Seen::Nothing);
    }
    if MariadbLog::is_log(&head) {
        // A copy begins with its checkpoint and never turns, so its length does not matter.
        let length = Some(u64::MAX).filter(|_| MariadbLog::is_copy(&head)).or(length);
        let Some(length) = length else { return Ok(Seen::Not(TOO_LONG)) };
        let walk = mtrs::walk(tape, length, None, Records::Read)?;
        return Ok(Seen::Mtrs(Box::new(walk), tape.missed()));
    }
    if RingLog::is_unknown(&head) {
        return Ok(Seen::Not(UNKNOWN_FORMAT));
    }
    if let (true, Some(bytes)) = (tape.is_whole(), length) {
        return Ok(Seen::Ring(Box::new(ring::scan(&[ring::Part { source: tape, bytes }], Records::Read)?)));
    }
    let scanned = ring::scan_copy(tape)?.filter(|_| !tape.missed());
    Ok(scanned.map_or(Seen::Not("redo log of a server, which is looked at in a directory alone"), |scanned| {
        Seen::Ring(Box::new(scanned))
    }))
}

/// Judges logs that have passed; the states tell up to where backups need them.
pub(crate) fn judge(logs: Vec<StreamedLog>, states: &[(PathBuf, State)], most: usize) -> LogReport {
    // Archives one after the other may have the same file several times: each time it is of another copy.
    let mut folders: BTreeMap<(PathBuf, usize), Vec<StreamedLog>> = BTreeMap::new();
    let mut seen: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for log in logs {
        let path = log.found.root.join(&log.found.path);
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let copy = seen.entry(path).or_default();
        folders.entry((folder, *copy)).or_default().push(log);
        *copy += 1;
    }
    let mut report = LogReport::default();
    for mut logs in folders.into_values() {
        logs.sort_by_key(|log| match log.found.kind {
            Kind::Redo(number) => number,
            Kind::LogFile(number) => u64::from(number),
            _ => 0,
        });
        of_folder(logs, states, most, &mut report);
    }
    report
}

fn of_folder(logs: Vec<StreamedLog>, states: &[(PathBuf, State)], most: usize, report: &mut LogReport) {
    let several =
        logs.iter().filter(|log| matches!(log.found.kind, Kind::LogFile(_)) && log.found.bytes > 0).count() > 1;
    let mut redo = Vec::new();
    for StreamedLog { found, seen } in logs {
        let state = states.iter().find(|(root, _)| *root == found.root).map_or(&State::Unknown, |(_, state)| state);
        let needed = needed(state);
        if found.kind == Kind::CopiedLog && matches!(state, State::Whole(..)) {
            report.skip(&found, "redo log that the backup was prepared from");
            continue;
        }
        let outcome = match seen {
            Seen::Events(events) => {
                events.report(&found, most, report);
                continue;
            }
            Seen::Redo(scan) => {
                redo.push((found, scan));
                continue;
            }
            Seen::Not(why) => {
                report.skip(&found, why);
                continue;
            }
            Seen::Ring(_) if several => {
                report.skip(&found, "redo log of several files, which is looked at in a directory alone");
                continue;
            }
            // Only the first file counts where there should be one alone.
            Seen::Mtrs(..) | Seen::Ring(_) | Seen::Nothing if matches!(found.kind, Kind::LogFile(1..)) => continue,
            // The log of a server turns, and what it turned to had passed before it was known to be needed.
            Seen::Mtrs(walk, true) if walk.falls_short(needed) => {
                // Raw files are nothing without their log.
                let message = format!("{} was not verified: it goes on at its start, which had passed", found.label);
                report.errors.push(at(&found.label, Failure::new(Code::ImageUnsupported, message)));
                continue;
            }
            Seen::Mtrs(walk, missed) => walk.up_to(needed, missed).outcome(needed),
            Seen::Ring(scanned) => first(scanned.outcomes(needed)),
            // Preparing a backup leaves an empty log; what is yet to be prepared needs one.
            Seen::Nothing if needed.is_none() => Outcome { format: EMPTY.to_owned(), ..Outcome::default() },
            Seen::Nothing => first(ring::Scanned::nothing().outcomes(needed)),
        };
        report.look(vec![(found, outcome)], Code::RedoBlock, most);
    }
    if !redo.is_empty() {
        report.look(redo::outcomes(redo), Code::RedoBlock, most);
    }
}

fn first(outcomes: Vec<Outcome>) -> Outcome {
    outcomes.into_iter().next().unwrap_or_default()
}

#[cfg(test)]
#[path = "streamed_tests.rs"]
mod tests;
