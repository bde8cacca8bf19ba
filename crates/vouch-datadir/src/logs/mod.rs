//! Files other than tablespaces: redo logs of both vendors, binary logs and relay logs, Aria, [`verify_all`].
//!
//! Invariants: what a server may still be writing is looked at again before it
//! is accused; a log that a server has removed meanwhile is no failure.

mod aria;
mod binlog;
mod changes;
mod files;
mod look;
mod mtrs;
mod redo;
mod report;
mod ring;
mod streamed;

pub(crate) use binlog::{MAGIC_BYTES as BINLOG_MAGIC, is_binlog};
pub(crate) use changes::{Changed, LogChanges, Logs};
pub(crate) use report::LogReport;
pub(crate) use streamed::{StreamedLog, changed as changed_by_streamed, judge as judge_streamed, read as read_stream};

use crate::books::Books;
use crate::discover::Found;
use crate::kind::Kind;
use crate::options::PagesOptions;
use crate::state::State;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use vouch_report::Event;

/// How often damage is looked at, and the time in which a write is over.
const LOOKS: usize = 3;
const PATIENCE: Duration = Duration::from_millis(20);

/// What is looked at together.
enum Task {
    /// The files of one redo log of MySQL since 8.0.30.
    Redo(Vec<Found>),
    /// The files of one redo log of MariaDB, or of MySQL before.
    Files(Vec<Found>),
    /// One binary log.
    Binlog(Found),
    /// The files of one table of Aria.
    Aria(Vec<Found>),
    /// The control file of Aria.
    AriaControl(Found),
}

/// Whether files of this kind are looked at here.
pub(crate) fn takes(kind: Kind) -> bool {
    kind.is_log() || matches!(kind, Kind::Aria | Kind::AriaControl)
}

/// Looks at all of them with as many threads as asked for. Where `held`, a server has some open.
pub(crate) fn verify_all(
    files: Vec<Found>,
    states: &[(PathBuf, State)],
    held: bool,
    options: &PagesOptions,
    books: &Books,
) -> LogReport {
    let tasks = tasks(files);
    let (next, all) = (AtomicUsize::new(0), Mutex::new(LogReport::default()));
    std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, tasks.len().max(1)) {
            scope.spawn(|| {
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !books.is_stopped() {
                        let report = look(task, task.state(states), held, options.max_findings, books);
                        all.lock().unwrap_or_else(PoisonError::into_inner).add(report);
                    }
                }
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn tasks(files: Vec<Found>) -> Vec<Task> {
    let [mut redo, mut older, mut aria]: [BTreeMap<PathBuf, Vec<Found>>; 3] = Default::default();
    let mut tasks = Vec::new();
    for found in files {
        let folder = found.path.parent().map(Path::to_owned).unwrap_or_default();
        match found.kind {
            Kind::Redo(_) => redo.entry(folder).or_default().push(found),
            Kind::LogFile(_) => older.entry(folder).or_default().push(found),
            Kind::CopiedLog => tasks.push(Task::Files(vec![found])),
            Kind::Aria => aria.entry(found.path.with_extension("")).or_default().push(found),
            Kind::AriaControl => tasks.push(Task::AriaControl(found)),
            _ => tasks.push(Task::Binlog(found)),
        }
    }
    tasks.extend(redo.into_values().map(Task::Redo));
    tasks.extend(older.into_values().map(Task::Files));
    tasks.extend(aria.into_values().map(Task::Aria));
    tasks
}

impl Task {
    fn files(&self) -> &[Found] {
        match self {
            Task::Redo(files) | Task::Files(files) | Task::Aria(files) => files,
            Task::Binlog(found) | Task::AriaControl(found) => std::slice::from_ref(found),
        }
    }

    /// As of when the files are.
    fn state<'a>(&self, states: &'a [(PathBuf, State)]) -> &'a State {
        let root = self.files().first().map(|found| &found.root);
        states.iter().find(|(known, _)| Some(known) == root).map_or(&State::Unknown, |(_, state)| state)
    }
}

fn look(task: &Task, state: &State, held: bool, max_findings: usize, books: &Books) -> LogReport {
    let files = task.files();
    for found in files {
        books.emit(&Event::FileStarted { file: found.label.clone(), bytes: found.bytes });
    }
    let report = match task {
        Task::Redo(files) => redo::verify(files, max_findings),
        Task::Files(files) => files::verify(files, state, max_findings),
        Task::Binlog(found) => binlog::verify(found, max_findings),
        Task::Aria(files) => aria::verify(files, state.is_shutdown() && !held, max_findings),
        Task::AriaControl(found) => aria::verify_control(found, max_findings),
    };
    for found in files {
        books.emit(&Event::FileRead { file: found.label.clone(), bytes: found.bytes });
    }
    report
}
