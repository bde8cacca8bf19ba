//! Logs: MySQL's redo log, binary logs and relay logs, [`verify_all`].
//!
//! Invariants: what a server may still be writing is looked at again before it
//! is accused; a log that a server has removed meanwhile is no failure.

mod binlog;
mod redo;
mod report;

pub(crate) use binlog::{MAGIC_BYTES as BINLOG_MAGIC, is_binlog};
pub(crate) use report::LogReport;

use crate::discover::Found;
use crate::kind::Kind;
use crate::options::{PagesOptions, Runtime};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use vouch_report::Event;

/// How often damage is looked at, and the time in which a write is over.
const LOOKS: usize = 3;
const PATIENCE: Duration = Duration::from_millis(20);

/// What is looked at together.
enum Task {
    /// The files of one redo log.
    Redo(Vec<Found>),
    /// One binary log.
    Binlog(Found),
}

/// Looks at all logs with as many threads as asked for.
pub(crate) fn verify_all(files: Vec<Found>, options: &PagesOptions, runtime: &Runtime) -> LogReport {
    let tasks = tasks(files);
    let (next, all) = (AtomicUsize::new(0), Mutex::new(LogReport::default()));
    std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, tasks.len().max(1)) {
            scope.spawn(|| {
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if (runtime.stopped)().is_none() {
                        let report = look(task, options.max_findings, runtime);
                        all.lock().unwrap_or_else(PoisonError::into_inner).add(report);
                    }
                }
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn tasks(files: Vec<Found>) -> Vec<Task> {
    let mut redo: BTreeMap<PathBuf, Vec<Found>> = BTreeMap::new();
    let mut tasks = Vec::new();
    for found in files {
        match (found.kind, found.path.parent()) {
            (Kind::Redo(_), Some(folder)) => redo.entry(folder.to_owned()).or_default().push(found),
            _ => tasks.push(Task::Binlog(found)),
        }
    }
    tasks.extend(redo.into_values().map(Task::Redo));
    tasks
}

fn look(task: &Task, max_findings: usize, runtime: &Runtime) -> LogReport {
    let files = match task {
        Task::Redo(files) => files.as_slice(),
        Task::Binlog(found) => std::slice::from_ref(found),
    };
    for found in files {
        runtime.sink.emit(&Event::FileStarted { file: found.label.clone(), bytes: found.bytes });
    }
    let report = match task {
        Task::Redo(files) => redo::verify(files, max_findings),
        Task::Binlog(found) => binlog::verify(found, max_findings),
    };
    for found in files {
        runtime.sink.emit(&Event::FileRead { file: found.label.clone(), bytes: found.bytes });
    }
    for file in &report.files {
        runtime.sink.emit(&Event::FileFinished { file: file.file.clone(), tally: file.tally });
    }
    report
}
