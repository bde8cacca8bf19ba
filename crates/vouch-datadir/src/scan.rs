//! Threads that take parts of files until none is left: [`scan`].

use crate::books::Books;
use crate::copies::Copies;
use crate::discover::at;
use crate::judge::Judge;
use crate::ledger::{self, SpaceReport};
use crate::logs::{Changed, Logs};
use crate::options::PagesOptions;
use crate::read::Unread;
use crate::state::State;
use crate::unit::{Board, Job, Unit};
use crate::zeros::zeros_in_use;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use vouch_report::{Code, Event, Failure};

/// What pages are held against.
pub(crate) struct Surroundings {
    /// Copies of pages, by the folder of their instance.
    pub copies: HashMap<PathBuf, Copies>,
    /// As of when files are, by the folder of their instance.
    pub states: Vec<(PathBuf, State)>,
    /// What their redo logs do to zero pages.
    pub logs: Logs,
}

impl Surroundings {
    fn state(&self, root: &Path) -> &State {
        self.states.iter().find(|(folder, _)| folder == root).map_or(&State::Unknown, |(_, state)| state)
    }

    /// What the redo log does that belongs to the files below `root`.
    pub(crate) fn log(&self, root: &Path) -> Arc<Changed> {
        self.logs.of(root, self.state(root))
    }
}

/// Looks at all tablespaces with as many threads as asked for. The reports are in the order of `board`.
pub(crate) fn scan(board: &Board, options: &PagesOptions, around: &Surroundings, books: &Books) -> Vec<SpaceReport> {
    let reports: Mutex<Vec<Option<SpaceReport>>> = Mutex::new(board.jobs().iter().map(|_| None).collect());
    let keep = |number: usize, report: SpaceReport| {
        let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = reports.get_mut(number) {
            *slot = Some(report);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            scope.spawn(|| {
                let mut judge = Judge::new(options);
                while !books.is_stopped() {
                    let Some((number, unit)) = board.take() else { break };
                    if look(&mut judge, number, unit, books)
                        && let Some(job) = board.jobs().get(number)
                        && !waits_for_log(job, around)
                    {
                        keep(number, finish(job, options, around, books));
                    }
                }
            });
        }
    });
    let reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    let unfinished =
        |(job, report): (&Job, Option<SpaceReport>)| report.unwrap_or_else(|| finish(job, options, around, books));
    board.jobs().iter().zip(reports).map(unfinished).collect()
}

/// Whether the tablespace has zero pages that the redo log has to explain. The log is read after all pages: a running
/// server writes a page after its records.
fn waits_for_log(job: &Job, around: &Surroundings) -> bool {
    matches!(around.state(&job.space.root), State::Raw(..)) && !zeros_in_use(job, &job.seen()).is_empty()
}

/// Judges a part. True when it was the last one of its tablespace.
fn look(judge: &mut Judge, number: usize, unit: Unit, books: &Books) -> bool {
    let file = &unit.part.found.label;
    if unit.first == unit.part.first {
        books.emit(&Event::FileStarted { file: file.clone(), bytes: unit.part.found.bytes });
    }
    let bytes = u64::from(unit.count) * unit.job.space.page_size().bytes_u64();
    books.wait(bytes);
    let seen = judge.judge(number, unit);
    books.emit(&Event::FileRead { file: file.clone(), bytes });
    unit.job.absorb(unit.first, seen)
}

/// Makes the report of a tablespace and hands it in. What the others are compared with is returned.
pub(crate) fn finish(job: &Job, options: &PagesOptions, around: &Surroundings, books: &Books) -> SpaceReport {
    let root = &job.space.root;
    let state = around.state(root).confirmed(root, options.state, options.backup_key.as_ref());
    let state = state.unwrap_or_else(|Unread { path, error }| {
        for part in &job.space.parts {
            let label = &part.found.label;
            let why = format!("as of when {label} is, is not known: {} could not be read: {error}", path.display());
            books.error(at(label, Failure::new(Code::FileUnreadable, why)));
        }
        State::Unknown
    });
    let empty = Copies::default();
    let copies = around.copies.get(root).unwrap_or(&empty);
    let mut report = ledger::report(job, options, &state, copies, || around.logs.of(root, &state));
    books.space(&mut report);
    report
}
