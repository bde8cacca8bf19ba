//! What to verify and how: [`PagesOptions`]; what a run is given: [`Runtime`].

use crate::keyring::BackupKey;
use crate::pace::Pace;
use std::path::PathBuf;
use vouch_innodb::{Keyring, Method, Strict};
use vouch_report::{Event, Failure, Finding, Notice, Sink};

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

/// What a run is given from outside.
pub struct Runtime<'a> {
    /// Takes events.
    pub sink: &'a dyn Sink,
    /// The number of the signal that asked to stop.
    pub stopped: &'a (dyn Fn() -> Option<u8> + Sync),
    /// Milliseconds since the Unix epoch.
    pub now_ms: &'a (dyn Fn() -> u64 + Sync),
    /// The run's id.
    pub run_id: String,
    /// How fast is read.
    pub pace: Pace,
    /// What the path `-` stands for.
    pub input: Option<std::fs::File>,
    /// What else is looked at.
    pub besides: Option<Besides<'a>>,
}

/// Something else that is looked at in the same run, and is a part of its result.
pub struct Besides<'a> {
    /// Bytes that it reads, as far as is known.
    pub bytes: u64,
    /// Looks.
    pub look: &'a (dyn Fn(&Runtime) -> Aside + Sync),
}

/// What [`Besides`] has come to.
#[derive(Debug, Default)]
pub struct Aside {
    /// Damage.
    pub findings: Vec<Finding>,
    /// What could not be looked at.
    pub failures: Vec<Failure>,
    /// What is to be known.
    pub notices: Vec<Notice>,
}

impl Runtime<'_> {
    /// Waits until so many bytes of a file may be read. False when nothing is to be read any more.
    pub fn read(&self, file: &str, bytes: u64) -> bool {
        let stopped = || (self.stopped)().is_some();
        self.pace.wait(bytes, &stopped);
        self.sink.emit(&Event::FileRead { file: file.to_owned(), bytes });
        !stopped()
    }
}
