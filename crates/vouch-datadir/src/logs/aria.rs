//! Tables of Aria, page by page, and the file by which it finds its log: [`verify`], [`verify_control`].
//!
//! Invariant: what has no checksum is left out with a reason; what a server may
//! be writing is looked at again before it is accused.

use super::look::{Look, settled};
use super::report::{Fault, LogReport, Outcome};
use crate::discover::{Found, unreadable};
use crate::names::table_of;
use crate::read::{self, Source};
use std::io;
use std::path::Path;
use vouch_convert::widen;
use vouch_innodb::{AriaControl, AriaPage, AriaTable};
use vouch_report::{Code, Skip};

/// Bytes that are read at a time: whole pages of any size.
const CHUNK: usize = 1 << 20;
const INDEX: &str = "MAI";

/// Verifies the files of one table, or one of them. Where `still`, nobody is at work on them.
pub(super) fn verify(files: &[Found], still: bool, most: usize) -> LogReport {
    let mut report = LogReport::default();
    let Some(first) = files.first() else { return report };
    let head = first.path.with_extension(INDEX);
    let looked = settled(|| {
        let table = read::head(&head, AriaTable::HEAD).map(|head| AriaTable::read(&head))?;
        files.iter().filter(|found| left_out(found, table).is_none()).map(|found| judge(found, table, still)).collect()
    });
    match looked {
        Ok(look) => report.look(look, Code::AriaPage, most),
        // A table was dropped, or only its rows are there, which presence tells.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let lost = files.iter().filter(|found| found.path.exists());
            lost.for_each(|found| report.skip(found, "Aria table without the file that tells how it is written"));
            return report;
        }
        Err(error) => {
            report.errors.extend(files.iter().map(|found| unreadable(&found.label, &error)));
            return report;
        }
    }
    let table = read::head(&head, AriaTable::HEAD).ok().and_then(|head| AriaTable::read(&head));
    report.skips.extend(files.iter().filter_map(|found| {
        let (code, reason) = left_out(found, table)?;
        Some(Skip { code, what: found.label.clone(), reason: reason.to_owned() })
    }));
    report
}

/// Why a file is not verified, if it is not.
fn left_out(found: &Found, table: Option<AriaTable>) -> Option<(Code, &'static str)> {
    let Some(table) = table else {
        return (!is_index(&found.path))
            .then_some((Code::NotCovered, "Aria table whose index file has a damaged head"));
    };
    if table.encrypted {
        return Some((Code::NotCovered, "encrypted Aria table"));
    }
    if !table.rows_in_pages && !is_index(&found.path) {
        return Some((Code::NoChecksums, "rows of an Aria table of ROW_FORMAT=FIXED or DYNAMIC"));
    }
    (!table.checksums).then_some((Code::NoChecksums, "Aria table with PAGE_CHECKSUM=0"))
}

fn is_index(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == INDEX)
}

/// Looks at a file once. Without a table its head is damaged.
fn judge(found: &Found, table: Option<AriaTable>, still: bool) -> io::Result<(Found, Outcome)> {
    let mut outcome = Outcome { table: table_of(&found.path), method: "crc32", ..Outcome::default() };
    let Some(table) = table else {
        let message = "the file does not begin as an index file of Aria does".to_owned();
        outcome.faults.push(Fault { offset: 0, count: 1, message });
        return Ok((found.clone(), outcome));
    };
    // A table that was open when its server ended is recovered first.
    let still = still && table.closed;
    outcome.page_bytes = widen(table.page_bytes);
    outcome.format = format!("pages of {} KiB", table.page_bytes >> 10);
    let length = pages(found, &table, still, &mut outcome)?;
    outcome.length(length, found, &table, still);
    let unprotected = outcome.tally.unprotected;
    if unprotected > 0 {
        outcome.errors.push((Code::PageUnprotected, format!("{unprotected} pages say that they have no checksum")));
    }
    Ok((found.clone(), outcome))
}

/// Judges all pages, and returns how long the file is.
fn pages(found: &Found, table: &AriaTable, still: bool, outcome: &mut Outcome) -> io::Result<u64> {
    let (source, index) = (Source::open(&found.path)?, is_index(&found.path));
    let mut map = Vec::new();
    let (mut buffer, mut at) = (vec![0; CHUNK], if index { table.head_bytes } else { 0 });
    loop {
        let read = source.read_at(&mut buffer, at)?;
        for page in buffer.get(..read).unwrap_or_default().chunks_exact(table.page_bytes) {
            let no = u32::try_from(at / outcome.page_bytes).unwrap_or(u32::MAX);
            let judged = if index { table.index_page(no, page) } else { table.data_page(no, page) };
            if !index && table.is_map(no) {
                map.clear();
                map.extend_from_slice(page);
            }
            match judged {
                AriaPage::Empty if still && !index && !table.is_map(no) && table.in_use(&map, no) => outcome.lost(at),
                judged => outcome.page(at, judged),
            }
            at += outcome.page_bytes;
        }
        if read < CHUNK {
            return Ok(at + widen(read % table.page_bytes));
        }
    }
}

impl Outcome {
    fn page(&mut self, offset: u64, page: AriaPage) {
        self.pages += 1;
        match page {
            AriaPage::Sound => self.tally.sound += 1,
            AriaPage::Empty => self.tally.empty += 1,
            AriaPage::Unprotected => self.tally.unprotected += 1,
            AriaPage::Bad { stored, computed } => {
                let message = match computed {
                    Some(computed) => {
                        format!("the checksum is 0x{stored:08x}, the contents have 0x{computed:08x}")
                    }
                    None => "more of the page should be in use than it has".to_owned(),
                };
                self.faults.push(Fault { offset, count: 1, message });
            }
        }
    }

    /// A page that is in use and was never written, or wiped.
    fn lost(&mut self, offset: u64) {
        self.pages += 1;
        self.faults.push(Fault { offset, count: 1, message: "the page is in use, and all zero".to_owned() });
    }

    /// Whether the file ends where it should. A server that is at work notes that late.
    fn length(&mut self, bytes: u64, found: &Found, table: &AriaTable, still: bool) {
        let wanted = if is_index(&found.path) { table.index_bytes } else { table.data_bytes };
        let rest = bytes % self.page_bytes;
        let message = if still && bytes < wanted {
            format!("the file ends here, and should have {wanted} bytes")
        } else if rest > 0 {
            format!("the file ends {rest} bytes into a page")
        } else {
            return;
        };
        self.faults.push(Fault { offset: bytes - rest, count: 1, message });
    }
}

/// Verifies the control file.
pub(super) fn verify_control(found: &Found, most: usize) -> LogReport {
    let mut report = LogReport::default();
    match settled(|| Ok::<Look, io::Error>(vec![(found.clone(), control(found)?)])) {
        Ok(look) => report.look(look, Code::AriaPage, most),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => report.errors.push(unreadable(&found.label, &error)),
    }
    report
}

fn control(found: &Found) -> io::Result<Outcome> {
    let bad = AriaControl::bad_parts(&read::head(&found.path, AriaControl::BYTES)?);
    let fault = |offset: usize| Fault {
        offset: widen(offset),
        count: 1,
        message: "the checksum does not fit the contents, so Aria does not find its log and does not start".to_owned(),
    };
    let mut outcome = Outcome { pages: 2, method: "crc32", ..Outcome::default() };
    outcome.tally.sound = 2_u64.saturating_sub(widen(bad.len()));
    outcome.faults = bad.into_iter().map(fault).collect();
    Ok(outcome)
}

#[cfg(test)]
#[path = "aria_tests.rs"]
mod tests;
