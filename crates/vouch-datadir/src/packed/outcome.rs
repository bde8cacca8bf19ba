//! What streams came to: [`Streamed`].

use super::delta::Delta;
use crate::discover::Found;
use crate::discover::at;
use crate::logs::StreamedLog;
use crate::state::State;
use crate::unit::Job;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use vouch_innodb::Lsn;
use vouch_report::{Code, Failure, FileCoverage, FilePlace, Finding, Skip};

/// What became of one file of an image, or of a packed file by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was read to its end. What it contains is among the jobs, logs, deltas and formless files of its label.
    Read,
    /// It is damaged where it holds no pages; a finding says how.
    Damaged,
    /// It, or the rest of it, could not be read; an error says why.
    Unproven(Code),
    /// It was read for what it notes of the other files.
    Noted,
    /// Left out by its kind, or for being a second name of another file.
    Excluded(Code),
}

/// A file of an image, or a packed file by itself.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// What it is called in the report.
    pub label: String,
    pub fate: Fate,
}

/// Everything that was seen in packed files and images.
#[derive(Debug, Default)]
pub(crate) struct Streamed {
    /// Tablespaces, judged to the end of what there was.
    pub jobs: Vec<Job>,
    /// Files without any page; whether they are all zero.
    pub formless: Vec<(Found, bool)>,
    /// Logs, read to their ends.
    pub logs: Vec<StreamedLog>,
    /// What incremental backups have.
    pub deltas: Vec<Delta>,
    /// Since when, by the image.
    pub since: Vec<(PathBuf, Lsn)>,
    /// The images themselves.
    pub files: Vec<FileCoverage>,
    /// All files that were met, each with what became of it. None is left out.
    pub members: Vec<Member>,
    pub findings: Vec<Finding>,
    pub errors: Vec<Failure>,
    pub skips: Vec<Skip>,
    /// As of when the files of an image are.
    pub states: Vec<(PathBuf, State)>,
}

/// The same, written to by several threads.
#[derive(Debug, Default)]
pub(super) struct Collected(Mutex<Streamed>);

impl Collected {
    pub(super) fn add(&self) -> MutexGuard<'_, Streamed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_inner(self) -> Streamed {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// What could not be verified of a file.
    pub(super) fn unproven(&self, label: &str, code: Code, message: String) -> Fate {
        self.add().errors.push(at(label, Failure::new(code, message)));
        Fate::Unproven(code)
    }

    /// Keeps what became of a file.
    pub(super) fn member(&self, label: &str, fate: Fate) {
        self.add().members.push(Member { label: label.to_owned(), fate });
    }

    /// Damage of the stream itself, where it begins.
    pub(super) fn damage(&self, code: Code, file: &str, offset: Option<u64>, message: String) {
        let mut finding = Finding::new(code, message);
        finding.location.file = Some(FilePlace { file: file.to_owned(), offset, ..FilePlace::default() });
        self.add().findings.push(finding);
    }
}
