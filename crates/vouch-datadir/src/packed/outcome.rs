//! What streams came to: [`Streamed`].

use super::delta::Delta;
use crate::discover::Found;
use crate::logs::StreamedLog;
use crate::state::State;
use crate::unit::Job;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use vouch_innodb::Lsn;
use vouch_report::{Code, Failure, FileCoverage, FilePlace, Finding, Skip};

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

    /// Damage of the stream itself, where it begins.
    pub(super) fn damage(&self, code: Code, file: &str, offset: Option<u64>, message: String) {
        let mut finding = Finding::new(code, message);
        finding.location.file = Some(FilePlace { file: file.to_owned(), offset, ..FilePlace::default() });
        self.add().findings.push(finding);
    }
}
