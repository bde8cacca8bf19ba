//! A binary log or a relay log, event by event: [`verify`].
//!
//! Invariant: damage is told from the end of a log that is being written by
//! whole events behind it, or by the mark of a log that was closed.

mod event;
mod walk;
mod window;

pub(crate) use event::{MAGIC_BYTES, is_binlog};

use super::report::{LogReport, Outcome, persistent};
use super::{LOOKS, PATIENCE};
use crate::discover::{Found, unreadable};
use crate::read::{Bytes, Source};
use std::io;
use vouch_report::{Code, PageTally};
use walk::{UNKNOWN, Walk, walk};

/// Verifies one log.
pub(super) fn verify(found: &Found, most: usize) -> LogReport {
    let mut report = LogReport::default();
    let mut before: Option<Walk> = None;
    for look in 1..=LOOKS {
        let mut now = match read(found) {
            Ok(walk) => walk,
            // A server purges logs that it has no more use for.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return report,
            Err(error) => {
                report.errors.push(unreadable(&found.label, &error));
                return report;
            }
        };
        if let Some(before) = &before {
            persistent(&before.faults, &mut now.faults);
        }
        let sound = now.faults.is_empty();
        before = Some(now);
        if sound || look == LOOKS {
            break;
        }
        std::thread::sleep(PATIENCE);
    }
    if let Some(walk) = before {
        report.file(found, Code::BinlogEvent, outcome(walk), most);
    }
    report
}

/// What was seen of a log that came as a stream.
#[derive(Debug)]
pub(super) struct Streamed(Walk);

impl Streamed {
    /// Reads a log of so many bytes, where that is known.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub(super) fn read(found: &Found, source: &dyn Bytes, bytes: Option<u64>) -> io::Result<Streamed> {
        walk(source, bytes.unwrap_or(UNKNOWN), is_relay(found)).map(Streamed)
    }

    /// Tells what it came to.
    pub(super) fn report(self, found: &Found, most: usize, report: &mut LogReport) {
        report.file(found, Code::BinlogEvent, outcome(self.0), most);
    }
}

fn is_relay(found: &Found) -> bool {
    found.label.contains("relay")
}

fn read(found: &Found) -> io::Result<Walk> {
    let source = Source::open(&found.path)?;
    let bytes = std::fs::metadata(&found.path)?.len();
    walk(&source, bytes, is_relay(found))
}

fn outcome(walk: Walk) -> Outcome {
    let bad = walk.faults.iter().map(|fault| fault.count).sum();
    let tally = PageTally { sound: walk.sound, unprotected: walk.unprotected, bad, ..PageTally::default() };
    let mut errors = Vec::new();
    if walk.unprotected > 0 {
        errors.push((Code::LogUnprotected, format!("{} events without a checksum", walk.unprotected)));
    }
    if let Some(offset) = walk.encrypted {
        errors.push((Code::LogEncrypted, format!("from byte {offset} on the log is encrypted, and there is no key")));
    }
    let tail = walk.tail.map(|offset| format!("its last event, at byte {offset}, is not whole"));
    Outcome {
        faults: walk.faults,
        errors,
        notices: tail.into_iter().collect(),
        format: walk.version.map_or_else(|| "events".to_owned(), |version| format!("events of server {version}")),
        page_bytes: 0,
        pages: tally.seen(),
        tally,
        method: "crc32",
        lsn_max: 0,
        table: None,
    }
}
