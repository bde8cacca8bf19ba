//! What a run owes, from the files that were discovered, and how each was settled: [`Books`].
//!
//! Invariants: every file is written down before anything is read of it, and
//! settled once. A file of which nothing was reported is unproven.

use crate::discover::{Found, at};
use crate::kind::Kind;
use crate::options::Runtime;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use vouch_report::{
    Code, Command, Coverage, Debt, Event, ExcludedBy, Failure, FileCoverage, FileState, FilesCoverage, Finding, Item,
    ItemKind, Location, Notice, NullSink, Outcome, Recorder, RunContext, Skip, Stop, Summary,
};

/// All that a run has to report so far.
#[derive(Default)]
pub(crate) struct Reports {
    pub files: Vec<FileCoverage>,
    pub findings: Vec<Finding>,
    pub errors: Vec<Failure>,
    pub skips: Vec<Skip>,
    pub notices: Vec<Notice>,
    /// Files that are all zero in a copy that is yet to be recovered, until the redo log was read.
    pub unwritten: Vec<Found>,
}

/// The account of a run.
pub(crate) struct Books {
    recorder: Recorder,
    stop: Arc<Stop>,
    /// By the name in the report, with the outcome once there is one.
    debts: BTreeMap<String, (Debt, Option<Outcome>)>,
    /// Where the files are that were discovered, by the name in the report.
    paths: BTreeMap<String, PathBuf>,
    started_ms: u64,
}

impl Books {
    /// Opens the account of a run that starts now.
    pub(crate) fn open(runtime: &Runtime) -> Books {
        let (stop, run_id) = (Arc::new(Stop::new()), runtime.run_id.clone());
        // What happens is passed on while it happens, by whoever sees it.
        let context = RunContext { sink: Arc::new(NullSink), stop: Arc::clone(&stop), now_ms: || 0, run_id };
        let started_ms = (runtime.now_ms)();
        let recorder = Recorder::begin(Command::Pages, context);
        let run_id = runtime.run_id.clone();
        runtime.sink.emit(&Event::RunStarted { command: Command::Pages, run_id, at_ms: started_ms });
        Books { recorder, stop, debts: BTreeMap::new(), paths: BTreeMap::new(), started_ms }
    }

    /// Owes every file that was found. Objects of a bucket are owed as the images that they make together.
    pub(crate) fn owe(&mut self, files: &[Found]) {
        for found in files.iter().filter(|found| found.kind != Kind::CloudObject) {
            let kind = if found.kind.is_log() { ItemKind::Log } else { ItemKind::File };
            self.debt(kind, &found.label);
            self.paths.insert(found.label.clone(), found.path.clone());
        }
    }

    /// The debt of this name, which is written down when it is new.
    fn debt(&mut self, kind: ItemKind, name: &str) -> Debt {
        if let Some((debt, _)) = self.debts.get(name) {
            return *debt;
        }
        let debt = self.recorder.owe(Item::new(kind, name));
        self.debts.insert(name.to_owned(), (debt, None));
        debt
    }

    /// Keeps the worst outcome of an item: files of two images may have one name.
    fn outcome(&mut self, kind: ItemKind, name: &str, outcome: Outcome) {
        self.debt(kind, name);
        if let Some((_, kept)) = self.debts.get_mut(name)
            && kept.as_ref().is_none_or(|kept| rank(&outcome) > rank(kept))
        {
            *kept = Some(outcome);
        }
    }

    /// A list of files that were checked by their digests, where a manifest was named.
    pub(crate) fn manifest(&mut self, checked: Outcome) {
        self.outcome(ItemKind::Listing, "files of the manifest", checked);
    }

    /// Settles everything and derives the verdict.
    pub(crate) fn close(mut self, state: String, level: &str, reports: Reports, runtime: &Runtime) -> Summary {
        if let Some(signal) = (runtime.stopped)() {
            self.stop.request(signal);
        }
        // Zero files that were not judged have settled nothing, so they are unproven.
        let Reports { mut files, findings, errors, skips, notices, unwritten: _ } = reports;
        files.sort_by(|a, b| a.file.cmp(&b.file));
        for finding in findings {
            let debt = self.concerned(&finding.location);
            self.recorder.finding(debt, finding);
        }
        for error in errors {
            let debt = self.concerned(&error.location);
            self.recorder.error(debt, error);
        }
        for skip in skips {
            if let Some((kind, by)) = left_out(skip.code) {
                self.outcome(kind, &skip.what, Outcome::Excluded { by, code: skip.code });
            }
            self.recorder.skip(skip);
        }
        notices.into_iter().for_each(|notice| self.recorder.notice(notice.code, None, notice.message));
        for file in &files {
            let kind = if file.is_log() { ItemKind::Log } else { ItemKind::File };
            self.outcome(kind, &file.file, of_file(file));
        }
        self.settle(runtime);
        let place = |finding: &Finding| finding.location.file.as_ref().map(|file| (file.file.clone(), file.pages));
        let coverage = Coverage::Files(FilesCoverage { state, level: level.to_owned(), files });
        let summary = self.recorder.finish_ordered(coverage, |a, b| place(a).cmp(&place(b)));
        let summary = Summary { started_ms: self.started_ms, finished_ms: (runtime.now_ms)(), ..summary };
        runtime.sink.emit(&Event::RunFinished(Box::new(summary.clone())));
        summary
    }

    /// The debt that something was reported about.
    fn concerned(&mut self, location: &Location) -> Debt {
        match &location.file {
            Some(place) => self.debt(ItemKind::File, &place.file.clone()),
            None => self.recorder.run(),
        }
    }

    /// Settles each debt once. What nothing was reported of was passed over.
    fn settle(&mut self, runtime: &Runtime) {
        for (name, (debt, outcome)) in std::mem::take(&mut self.debts) {
            match outcome {
                // The recorder knows which error it was.
                Some(Outcome::Unproven(_)) if self.recorder.has_failed(debt) => {
                    self.recorder.settle(debt, Outcome::verified());
                }
                Some(outcome) => self.recorder.settle(debt, outcome),
                None if self.recorder.has_reports(debt) || self.stop.requested().is_some() => {}
                None if self.has_vanished(&name) => {
                    let reason = "it was removed while files were read, as servers remove logs";
                    let skip = Skip { code: Code::FileVanished, what: name, reason: reason.to_owned() };
                    runtime.sink.emit(&Event::Skip(skip.clone()));
                    self.recorder.skip(skip);
                    let by = ExcludedBy::Default;
                    self.recorder.settle(debt, Outcome::Excluded { by, code: Code::FileVanished });
                }
                None => {
                    let message = format!("{name} was not checked to its end");
                    let failure = at(&name, Failure::new(Code::NotRun, message));
                    runtime.sink.emit(&Event::Error(failure.clone()));
                    self.recorder.error(debt, failure);
                }
            }
        }
    }
}

impl Books {
    /// Whether a file was there when files were listed, and is not any more.
    fn has_vanished(&self, name: &str) -> bool {
        let gone = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        self.paths.get(name).is_some_and(|path| path.symlink_metadata().is_err_and(gone))
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
