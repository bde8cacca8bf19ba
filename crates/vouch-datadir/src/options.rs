//! What to verify and how: [`PagesOptions`]; what is given to it: [`Inputs`].

use crate::keyring::BackupKey;
use crate::pace::Pace;
use std::fs::File;
use std::path::PathBuf;
use vouch_innodb::{Keyring, Method, Strict};
use vouch_report::{Failure, Finding, Notice};

/// How deep pages are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Checksums and places.
    Quick,
    /// The inside of index pages as well.
    Page,
    /// Pages held against each other as well.
    Tree,
    /// What takes long as well.
    Full,
}

impl Level {
    /// `quick`, `page`, `tree`, `full`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Quick => "quick",
            Level::Page => "page",
            Level::Tree => "tree",
            Level::Full => "full",
        }
    }
}

/// As of when files are taken to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateChoice {
    /// As the files themselves tell.
    Auto,
    /// Of one moment.
    Clean,
    /// Of several moments.
    Raw,
}

/// What to verify, and how.
#[derive(Clone, Debug)]
pub struct PagesOptions {
    /// Files and directories; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// How deep; without it `tree`.
    pub level: Level,
    /// As of when.
    pub state: StateChoice,
    /// The keys of encrypted pages; empty when there are none.
    pub keyring: Keyring,
    /// The key of files that xtrabackup has encrypted.
    pub backup_key: Option<BackupKey>,
    /// The formula of checksums that is tried first; whichever fits is accepted.
    pub first_method: Method,
    /// The formula that alone is accepted.
    pub strict: Option<Strict>,
    /// Threads that read and judge.
    pub threads: usize,
    /// Bad pages of a file after which the rest of it is left out.
    pub max_bad_pages: Option<u64>,
    /// Findings that are listed for one file; the rest is counted in the last one.
    pub max_findings: usize,
}

/// What a verification is given beside its options and the context of its run.
#[derive(Default)]
pub struct Inputs<'a> {
    /// How fast is read.
    pub pace: Pace,
    /// What the path `-` stands for.
    pub standard_input: Option<File>,
    /// Another check of the same directory.
    pub beside: Option<CheckBeside<'a>>,
}

/// Waits until that number of bytes of a file may be read. False when nothing is to be read any more.
pub type MayRead<'a> = &'a (dyn Fn(&str, u64) -> bool + Sync);

/// Another check that runs with the verification and is part of its result.
pub struct CheckBeside<'a> {
    /// Bytes that it reads, as far as is known.
    pub bytes: u64,
    /// Checks.
    pub check: &'a (dyn Fn(MayRead) -> Checked + Sync),
}

/// The result of [`CheckBeside`].
#[derive(Debug, Default)]
pub struct Checked {
    /// Damage.
    pub findings: Vec<Finding>,
    /// What could not be checked.
    pub failures: Vec<Failure>,
    /// What is to be known.
    pub notices: Vec<Notice>,
}
