//! What logs came to: [`LogReport`].

use super::look::Look;
use crate::discover::{Found, at};
use vouch_report::{Code, Failure, FileCoverage, FilePlace, FileState, Finding, PageTally, Skip};

/// What was seen in logs.
#[derive(Debug, Default)]
pub(crate) struct LogReport {
    pub files: Vec<FileCoverage>,
    pub findings: Vec<Finding>,
    pub errors: Vec<Failure>,
    pub skips: Vec<Skip>,
    /// Things to know.
    pub notices: Vec<(Code, String)>,
}

/// Damage at a place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where it begins, in bytes of the file.
    pub offset: u64,
    /// Blocks or events.
    pub count: u64,
    pub message: String,
}

/// What one file of a log came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub faults: Vec<Fault>,
    pub errors: Vec<(Code, String)>,
    pub notices: Vec<String>,
    /// How it is written, in words.
    pub format: String,
    pub page_bytes: u64,
    /// Blocks or events.
    pub pages: u64,
    pub tally: PageTally,
    pub method: &'static str,
    /// `db.table`, where it is of a table.
    pub table: Option<String>,
    pub lsn_max: u64,
}

impl Outcome {
    /// Counts blocks that were written without a checksum.
    pub(super) fn unprotected(&mut self, blocks: u64) {
        self.tally.unprotected = blocks;
        if blocks > 0 {
            self.errors.push((Code::LogUnprotected, format!("{blocks} blocks without a checksum")));
        }
    }
}

impl LogReport {
    /// Adds what others have seen.
    pub(super) fn add(&mut self, other: LogReport) {
        self.files.extend(other.files);
        self.findings.extend(other.findings);
        self.errors.extend(other.errors);
        self.skips.extend(other.skips);
        self.notices.extend(other.notices);
    }

    /// Adds a file that is not verified.
    pub(super) fn skip(&mut self, found: &Found, reason: &str) {
        self.skips.push(Skip { code: Code::NotCovered, what: found.label.clone(), reason: reason.to_owned() });
    }

    /// Adds what the files of a redo log or of a table came to.
    pub(super) fn look(&mut self, mut look: Look, code: Code, most: usize) {
        encrypted(&mut look);
        for (found, mut outcome) in look {
            outcome.tally.bad = outcome.faults.iter().map(|fault| fault.count).sum();
            self.file(&found, code, outcome, most);
        }
    }

    /// Adds what a file came to; of more than `most` faults the rest is counted in the last one.
    pub(super) fn file(&mut self, found: &Found, code: Code, outcome: Outcome, most: usize) {
        let state = if !outcome.faults.is_empty() {
            FileState::Damaged
        } else if !outcome.errors.is_empty() || outcome.tally.unverified > 0 {
            FileState::Unverified
        } else {
            FileState::Sound
        };
        self.findings.extend(findings(found, code, &outcome, most));
        self.errors.extend(
            outcome.errors.iter().map(|(code, message)| at(&found.label, Failure::new(*code, message.clone()))),
        );
        let notices = outcome.notices.iter().map(|notice| (Code::LogTail, format!("{}: {notice}", found.label)));
        self.notices.extend(notices);
        let method = Some((outcome.method.to_owned(), outcome.tally.sound)).filter(|(_, count)| *count > 0);
        self.files.push(FileCoverage {
            file: found.label.clone(),
            kind: found.kind.name(),
            table: outcome.table,
            format: outcome.format,
            space: None,
            bytes: found.bytes,
            page_bytes: outcome.page_bytes,
            pages: outcome.pages,
            tally: outcome.tally,
            methods: method.into_iter().collect(),
            types: Vec::new(),
            lsn_max: outcome.lsn_max,
            state,
            map: Vec::new(),
        });
    }
}

/// Says once of all files of a redo log that they have encrypted blocks.
fn encrypted(look: &mut Look) {
    let blocks: u64 = look.iter().map(|(_, outcome)| outcome.tally.unverified).sum();
    if let Some((_, first)) = look.iter_mut().find(|(_, outcome)| outcome.tally.unverified > 0) {
        let message = format!(
            "the redo log is encrypted, and vouch decrypts no redo logs: {blocks} blocks are not verified, nor what recovery would make of them"
        );
        first.errors.push((Code::LogEncrypted, message));
    }
}

fn findings(found: &Found, code: Code, outcome: &Outcome, most: usize) -> Vec<Finding> {
    let faults = outcome.faults.as_slice();
    let listed = faults.get(..most.min(faults.len())).unwrap_or(faults);
    let mut findings: Vec<Finding> = listed.iter().map(|fault| finding(found, code, outcome, fault)).collect();
    let rest: u64 = faults.iter().skip(listed.len()).map(|fault| fault.count).sum();
    if let (Some(last), true) = (findings.last_mut(), rest > 0) {
        last.message.push_str(&format!("; {rest} more of this file are counted and not listed"));
        last.count = last.count.saturating_add(rest);
    }
    findings
}

fn finding(found: &Found, code: Code, outcome: &Outcome, fault: &Fault) -> Finding {
    let mut finding = Finding::new(code, fault.message.clone());
    finding.count = fault.count;
    finding.location.table.clone_from(&outcome.table);
    finding.location.file =
        Some(FilePlace { file: found.label.clone(), offset: Some(fault.offset), ..FilePlace::default() });
    finding
}

/// Keeps the faults that were seen before at the same place: the others were writes in flight.
pub(super) fn persistent(before: &[Fault], now: &mut Vec<Fault>) {
    now.retain(|fault| before.iter().any(|known| known.offset == fault.offset));
}
