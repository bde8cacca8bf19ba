//! Progress where no terminal is: one line for each finished table.
//!
//! Main type: [`Plain`].

use crate::text::{clip, counted};
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use vouch_report::{Event, PageTally};

/// Counts chunks and findings by table, and writes when a table is finished.
pub(super) struct Plain {
    state: Mutex<State>,
}

struct State {
    writer: Box<dyn Write + Send>,
    tables: HashMap<String, Counts>,
}

#[derive(Default)]
struct Counts {
    rows: u64,
    findings: u64,
    errors: u64,
}

impl Plain {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Plain { state: Mutex::new(State { writer, tables: HashMap::new() }) }
    }

    pub(super) fn take(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::ChunkDone { table, rows, .. } => state.count(table, |counts| counts.rows += rows),
            Event::Finding(finding) => {
                if let Some(table) = &finding.location.table {
                    state.count(table, |counts| counts.findings += 1);
                }
            }
            Event::Error(failure) => {
                if let Some(table) = &failure.location.table {
                    state.count(table, |counts| counts.errors += 1);
                }
            }
            Event::TableFinished { table } => state.finish(table),
            Event::FileFinished { file, tally } => state.finish_file(file, tally),
            _ => {}
        }
    }
}

impl State {
    /// Adds to the counts of `table`; a chunk of a known table costs no allocation.
    fn count(&mut self, table: &str, add: impl FnOnce(&mut Counts)) {
        match self.tables.get_mut(table) {
            Some(counts) => add(counts),
            None => add(self.tables.entry(table.to_owned()).or_default()),
        }
    }

    /// Files that are sound are not told one by one: there may be many.
    fn finish_file(&mut self, file: &str, tally: &PageTally) {
        let pages = counted(tally.seen(), "page", "pages");
        if tally.bad > 0 {
            let line = format!("{}: {pages} looked at, {} bad", clip(file, 120), tally.bad);
            drop(writeln!(self.writer, "{line}").and_then(|()| self.writer.flush()));
        }
    }

    fn finish(&mut self, table: &str) {
        let counts = self.tables.remove(table).unwrap_or_default();
        let rows = counted(counts.rows, "row", "rows");
        let mut line =
            format!("{}: {rows} compared, {}", clip(table, 120), counted(counts.findings, "finding", "findings"));
        if counts.errors > 0 {
            line.push_str(&format!(", {}", counted(counts.errors, "error", "errors")));
        }
        // Progress that cannot be written is no reason to stop a run.
        drop(writeln!(self.writer, "{line}").and_then(|()| self.writer.flush()));
    }
}
