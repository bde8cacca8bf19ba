//! What a run owes, from the files that were discovered, and how each was settled: [`Books`].
//!
//! Invariants: every file is written down before anything is read of it, and
//! settled once. A file of which nothing was reported is unproven.

use crate::discover::{Found, at};
use crate::fuzzy;
use crate::kind::Kind;
use crate::ledger::SpaceReport;
use crate::logs::LogReport;
use crate::options::{Checked, Inputs};
use crate::packed::{Fate, Member};
use crate::zeros::{self, ZeroDoubt};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vouch_innodb::Lsn;
use vouch_report::{
    Code, Command, Coverage, Debt, Event, ExcludedBy, Failure, FileCoverage, FileState, FilesCoverage, Finding, Item,
    ItemKind, Location, Outcome, Recorder, RunContext, Skip, Summary,
};

/// What is owed so far.
#[derive(Default)]
struct Owed {
    /// By the name in the report, with the outcome once there is one.
    debts: BTreeMap<String, (Debt, Option<Outcome>)>,
    /// Where the files are that were discovered, by the name in the report.
    paths: BTreeMap<String, PathBuf>,
    /// What was read of each file.
    files: Vec<FileCoverage>,
    /// Zero pages of which nothing shows whether they are lost.
    doubts: Vec<ZeroDoubt>,
    /// Files that a server wrote while they were read, with their instances.
    changed: Vec<(PathBuf, String)>,
    /// What could not be verified: the file and the words.
    reported: BTreeSet<(Option<String>, String)>,
}

/// The account of a run, to which every thread reports what it sees when it sees it.
pub(crate) struct Books<'a> {
    recorder: Recorder,
    inputs: Inputs<'a>,
    owed: Mutex<Owed>,
}

impl<'a> Books<'a> {
    /// Opens the account of a run that starts now.
    pub(crate) fn open(inputs: Inputs<'a>, context: &RunContext) -> Self {
        Books { recorder: Recorder::begin(Command::Pages, context.clone()), inputs, owed: Mutex::default() }
    }

    fn owed(&self) -> MutexGuard<'_, Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the run was asked to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.recorder.context().stopped().is_some()
    }

    /// Passes on an event of progress.
    pub(crate) fn emit(&self, event: &Event) {
        self.recorder.emit(event);
    }

    /// Waits until that number of bytes may be read.
    pub(crate) fn wait(&self, bytes: u64) {
        self.inputs.pace.wait(bytes, &|| self.is_stopped());
    }

    /// What the path `-` stands for.
    pub(crate) fn standard_input(&self) -> Option<&File> {
        self.inputs.standard_input.as_ref()
    }

    /// Bytes that the check beside the verification reads.
    pub(crate) fn bytes_beside(&self) -> u64 {
        self.inputs.beside.as_ref().map_or(0, |beside| beside.bytes)
    }

    /// Owes every file that was found. Objects of a bucket are owed as the images that they make together.
    pub(crate) fn owe(&self, files: &[Found]) {
        for found in files.iter().filter(|found| found.kind != Kind::CloudObject) {
            let kind = if found.kind.is_log() { ItemKind::Log } else { ItemKind::File };
            self.debt(kind, &found.label);
            self.owed().paths.insert(found.label.clone(), found.path.clone());
        }
    }

    /// The debt of this name, which is written down when it is new.
    fn debt(&self, kind: ItemKind, name: &str) -> Debt {
        let mut owed = self.owed();
        if let Some((debt, _)) = owed.debts.get(name) {
            return *debt;
        }
        let debt = self.recorder.owe(Item::new(kind, name));
        owed.debts.insert(name.to_owned(), (debt, None));
        debt
    }

    /// Keeps the worst outcome of an item: files of two images may have one name.
    fn outcome(&self, kind: ItemKind, name: &str, outcome: Outcome) {
        self.debt(kind, name);
        if let Some((_, kept)) = self.owed().debts.get_mut(name)
            && kept.as_ref().is_none_or(|kept| rank(&outcome) > rank(kept))
        {
            *kept = Some(outcome);
        }
    }

    /// Runs the check beside the verification: a list of files that are checked by their digests.
    pub(crate) fn check_beside(&self) {
        let Some(beside) = &self.inputs.beside else { return };
        let may_read = |file: &str, bytes: u64| {
            self.wait(bytes);
            self.emit(&Event::FileRead { file: file.to_owned(), bytes });
            !self.is_stopped()
        };
        let Checked { findings, failures, notices } = (beside.check)(&may_read);
        let outcome = match failures.first() {
            None if !self.is_stopped() => Outcome::verified_by("digests"),
            failure => Outcome::Unproven(failure.map_or(Code::NotRun, |failure| failure.code)),
        };
        self.outcome(ItemKind::Listing, "files of the manifest", outcome);
        notices.into_iter().for_each(|notice| self.notice(notice.code, notice.message));
        findings.into_iter().for_each(|finding| self.finding(finding));
        failures.into_iter().for_each(|failure| self.error(failure));
    }

    /// Reports damage.
    pub(crate) fn finding(&self, finding: Finding) {
        self.recorder.finding(self.concerned(&finding.location), finding);
    }

    /// Reports what could not be verified. What several have asked for and nobody has got is reported once.
    pub(crate) fn error(&self, failure: Failure) {
        let file = failure.location.file.as_ref().map(|place| place.file.clone());
        if !self.owed().reported.insert((file, failure.message.clone())) {
            return;
        }
        self.recorder.error(self.concerned(&failure.location), failure);
    }

    /// Reports what is left out.
    pub(crate) fn skip(&self, skip: Skip) {
        if let Some((kind, by)) = left_out(skip.code) {
            self.outcome(kind, &skip.what, Outcome::Excluded { by, code: skip.code });
        }
        self.recorder.skip(skip);
    }

    /// Reports what is to be known.
    pub(crate) fn notice(&self, code: Code, message: impl Into<String>) {
        self.recorder.notice(code, None, message);
    }

    /// Takes what was read of a file.
    pub(crate) fn file(&self, file: FileCoverage) {
        self.emit(&Event::FileFinished { file: file.file.clone(), tally: file.tally });
        let kind = if file.is_log() { ItemKind::Log } else { ItemKind::File };
        self.outcome(kind, &file.file, of_file(&file));
        self.owed().files.push(file);
    }

    /// Takes all that was seen of a tablespace, and leaves what the others are compared with.
    pub(crate) fn space(&self, report: &mut SpaceReport) {
        std::mem::take(&mut report.findings).into_iter().for_each(|finding| self.finding(finding));
        std::mem::take(&mut report.errors).into_iter().for_each(|error| self.error(error));
        std::mem::take(&mut report.doubts).into_iter().for_each(|doubt| self.doubt(doubt));
        if let Some((root, label)) = report.changed.take() {
            self.outcome(ItemKind::File, &label, Outcome::Unproven(Code::FuzzyCopy));
            self.owed().changed.push((root, label));
        }
        std::mem::take(&mut report.files).into_iter().for_each(|file| self.file(file));
    }

    /// The files of an instance that a server wrote while they were read.
    pub(crate) fn changed_in(&self, root: &Path) -> Vec<String> {
        let owed = self.owed();
        let own = owed.changed.iter().filter(|(of, _)| of == root);
        own.map(|(_, label)| label.clone()).collect()
    }

    /// Takes zero pages that nothing explains. Those with one cause are one error at the end.
    pub(crate) fn doubt(&self, doubt: ZeroDoubt) {
        self.outcome(ItemKind::File, &doubt.label, Outcome::Unproven(Code::ZeroUnproven));
        self.owed().doubts.push(doubt);
    }

    /// The newest of some files and the LSN of its newest page, where that is after the end of the redo log among them.
    pub(crate) fn newer_than_log(&self, is_own: impl Fn(&str) -> bool) -> Option<(String, Lsn, Lsn)> {
        let owed = self.owed();
        let own: Vec<&FileCoverage> = owed.files.iter().filter(|file| is_own(&file.file)).collect();
        let (newest, end) = fuzzy::newer_than_log(&own)?;
        Some((newest.file.clone(), Lsn(newest.lsn_max), end))
    }

    /// Takes what was seen in logs.
    pub(crate) fn logs(&self, report: LogReport) {
        report.findings.into_iter().for_each(|finding| self.finding(finding));
        report.files.into_iter().for_each(|file| self.file(file));
        report.skips.into_iter().for_each(|skip| self.skip(skip));
        report.errors.into_iter().for_each(|error| self.error(error));
        report.notices.into_iter().for_each(|(code, message)| self.notice(code, message));
    }

    /// Owes everything that a stream contained. A file that was read to its end and of which nothing was reported
    /// stays open, and so unproven.
    pub(crate) fn members(&self, members: Vec<Member>) {
        for Member { label, fate } in members {
            match fate {
                Fate::Read => drop(self.debt(ItemKind::File, &label)),
                Fate::Noted => {}
                Fate::Damaged => self.outcome(ItemKind::File, &label, Outcome::Differs),
                Fate::Unproven(code) => self.outcome(ItemKind::File, &label, Outcome::Unproven(code)),
                Fate::Excluded(code) => {
                    if let Some((kind, by)) = left_out(code) {
                        self.outcome(kind, &label, Outcome::Excluded { by, code });
                    }
                }
            }
        }
    }

    /// Settles everything and derives the verdict.
    pub(crate) fn close(self, state: String, level: &str) -> Summary {
        let doubts = std::mem::take(&mut self.owed().doubts);
        zeros::failures(&doubts).into_iter().for_each(|failure| self.error(failure));
        self.settle();
        let Owed { mut files, .. } = self.owed.into_inner().unwrap_or_else(PoisonError::into_inner);
        files.sort_by(|a, b| a.file.cmp(&b.file));
        let coverage = Coverage::Files(FilesCoverage { state, level: level.to_owned(), files });
        let place = |place: &Location| place.file.as_ref().map(|file| (file.file.clone(), file.pages));
        self.recorder.finish_ordered(
            coverage,
            |a, b| place(&a.location).cmp(&place(&b.location)),
            |a, b| place(&a.location).cmp(&place(&b.location)),
        )
    }

    /// The debt that something was reported about.
    fn concerned(&self, location: &Location) -> Debt {
        match &location.file {
            Some(place) => self.debt(ItemKind::File, &place.file),
            None => self.recorder.run(),
        }
    }

    /// Settles each debt once. What nothing was reported of was passed over.
    fn settle(&self) {
        let debts = std::mem::take(&mut self.owed().debts);
        for (name, (debt, outcome)) in debts {
            match outcome {
                // The recorder knows which error it was.
                Some(Outcome::Unproven(_)) if self.recorder.has_failed(debt) => {
                    self.recorder.settle(debt, Outcome::verified());
                }
                Some(outcome) => self.recorder.settle(debt, outcome),
                None if self.recorder.has_reports(debt) || self.is_stopped() => {}
                None if self.has_vanished(&name) => {
                    let reason = "it was removed while files were read, as servers remove logs";
                    self.recorder.skip(Skip { code: Code::FileVanished, what: name, reason: reason.to_owned() });
                    let by = ExcludedBy::Default;
                    self.recorder.settle(debt, Outcome::Excluded { by, code: Code::FileVanished });
                }
                None => {
                    let message = format!("{name} was not checked to its end");
                    self.recorder.error(debt, at(&name, Failure::new(Code::NotRun, message)));
                }
            }
        }
    }

    /// Whether a file was there when files were listed, and is not any more.
    fn has_vanished(&self, name: &str) -> bool {
        let gone = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        self.owed().paths.get(name).is_some_and(|path| path.symlink_metadata().is_err_and(gone))
    }
}

/// Whose choice a skip is; `None` where the file is verified under another name.
fn left_out(code: Code) -> Option<(ItemKind, ExcludedBy)> {
    match code {
        Code::ReachedAgain => None,
        Code::SnapshotFolder => Some((ItemKind::Directory, ExcludedBy::Default)),
        Code::TemporaryFile => Some((ItemKind::File, ExcludedBy::Default)),
        _ => Some((ItemKind::File, ExcludedBy::Kind)),
    }
}

/// How a file was settled by what was seen of it.
fn of_file(file: &FileCoverage) -> Outcome {
    match file.state {
        // Copies of pages are never judged themselves.
        FileState::Sound if file.tally.copies > 0 && file.tally.copies == file.tally.seen() => {
            Outcome::Excluded { by: ExcludedBy::Kind, code: Code::NotCovered }
        }
        FileState::Sound => Outcome::verified_by(if file.is_log() { "block checksums" } else { "page checksums" }),
        FileState::Damaged => Outcome::Differs,
        FileState::Unverified => Outcome::Unproven(Code::FileUnreadable),
        FileState::NotRun => Outcome::Unproven(Code::NotRun),
    }
}

/// Worse outcomes are higher.
fn rank(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Excluded { .. } => 0,
        Outcome::Verified { .. } => 1,
        Outcome::Unproven(_) => 2,
        Outcome::Differs => 3,
    }
}
