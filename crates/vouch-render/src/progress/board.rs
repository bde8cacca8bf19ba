//! What is known about a running comparison, kept so that it can be drawn at any time.
//!
//! Main type: [`Board`]. Invariant: taking an event allocates only for events
//! that are rare; `ChunkDone` adds to numbers.

use crate::text::{clip, counted, grouped};
use crate::words;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use vouch_report::{Event, Failure, Finding, Location, Pause};

/// Findings and errors that scroll by for one table; the rest is counted.
const SCROLLED: u64 = 20;
/// Tables that are named as being read.
const NAMED: usize = 4;
/// A name is cut to this many characters.
const NAME_CHARS: usize = 60;

/// The board, and a bell that wakes its painter before its time.
#[derive(Default)]
pub(super) struct Shared {
    board: Mutex<Board>,
    pub(super) bell: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table that is being read.
#[derive(Default)]
struct Running {
    /// Estimated rows, over all replicas.
    estimated: u64,
    /// Rows decided, over all replicas.
    done: u64,
}

/// The state of a run, from its events.
#[derive(Default)]
pub(super) struct Board {
    /// The server whose tables are being listed, those described so far, and all of them.
    listing: Option<(String, u64, u64)>,
    tables: u64,
    tables_finished: u64,
    replicas: u64,
    /// Rows × replicas that are expected, corrected as tables turn out larger or smaller.
    expected: u64,
    done: u64,
    running: BTreeMap<String, Running>,
    pauses: BTreeMap<String, String>,
    /// Keys that are undecided, by table and replica.
    resolving: BTreeMap<(String, String), u64>,
    findings: u64,
    errors: u64,
    scrolled: HashMap<String, u64>,
    lines: Vec<Scroll>,
    /// Bytes are counted, not rows.
    by_bytes: bool,
    /// The run is over: the painter draws what is left and leaves.
    pub(super) finished: bool,
    /// The painter has left the terminal.
    pub(super) left: bool,
}

/// A line that scrolls by above the bar.
pub(super) struct Scroll {
    pub(super) code: &'static str,
    pub(super) damage: bool,
    pub(super) text: String,
}

impl Board {
    /// Takes one event.
    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Listing { server, done, tables } => self.listing = Some((server.clone(), *done, *tables)),
            Event::Planned { tables, rows, replicas } => self.planned(*tables, *rows, *replicas),
            Event::TableStarted { table, rows } => self.table_started(table, *rows),
            Event::ChunkDone { table, rows, .. } => self.chunk_done(table, *rows),
            Event::Resolving { table, replica, keys } => self.resolving(table, replica, *keys),
            Event::FilesPlanned { files, bytes } => {
                (self.tables, self.expected, self.by_bytes) = (*files, *bytes, true)
            }
            Event::FileStarted { file, bytes } => self.file_started(file, *bytes),
            Event::FileRead { file, bytes } => self.chunk_done(file, *bytes),
            Event::FileFinished { file, .. } => self.file_finished(file),
            Event::Finding(finding) => self.finding(finding),
            Event::Error(failure) => self.error(failure),
            Event::Paused(pause) => self.paused(pause),
            Event::Resumed(pause) => drop(self.pauses.remove(&pause.server)),
            Event::TableFinished { table } => self.table_finished(table),
            Event::TableChecked(check) => self.table_finished(&check.label()),
            Event::RunFinished(_) => self.finished = true,
            Event::RunStarted { .. }
            | Event::Account(_)
            | Event::ServerJoined(_)
            | Event::DigestChosen { .. }
            | Event::Skip(_)
            | Event::Notice(_) => {}
        }
    }

    fn planned(&mut self, tables: u64, rows: u64, replicas: u64) {
        self.listing = None;
        self.tables = tables;
        self.replicas = replicas;
        self.expected = rows.saturating_mul(replicas);
    }

    fn table_started(&mut self, table: &str, rows: u64) {
        let estimated = rows.saturating_mul(self.replicas.max(1));
        self.running.insert(table.to_owned(), Running { estimated, done: 0 });
    }

    fn chunk_done(&mut self, table: &str, rows: u64) {
        self.done = self.done.saturating_add(rows);
        if let Some(running) = self.running.get_mut(table) {
            running.done = running.done.saturating_add(rows);
        }
    }

    fn resolving(&mut self, table: &str, replica: &str, keys: u64) {
        let place = (table.to_owned(), replica.to_owned());
        if keys == 0 {
            self.resolving.remove(&place)
        } else {
            self.resolving.insert(place, keys)
        };
    }

    fn paused(&mut self, pause: &Pause) {
        self.pauses.insert(pause.server.clone(), pause.reason.clone());
    }

    fn table_finished(&mut self, table: &str) {
        self.tables_finished += 1;
        self.resolving.retain(|(resolving, _), _| resolving != table);
        if let Some(Running { estimated, done }) = self.running.remove(table) {
            self.expected = self.expected.saturating_sub(estimated).saturating_add(done);
        }
    }

    fn file_started(&mut self, file: &str, bytes: u64) {
        self.running.insert(file.to_owned(), Running { estimated: bytes, done: 0 });
    }

    fn file_finished(&mut self, file: &str) {
        self.tables_finished += 1;
        self.running.remove(file);
    }

    /// Whether bytes are counted, not rows.
    pub(super) fn counts_bytes(&self) -> bool {
        self.by_bytes
    }

    fn finding(&mut self, finding: &Finding) {
        self.findings += 1;
        let location = &finding.location;
        let damage = finding.severity > vouch_report::Severity::Notice;
        let place = words::place_of(location);
        self.scroll(scope(location), finding.code.name(), damage, || {
            format!("{place}  {}", words::finding_detail(finding))
        });
    }

    fn error(&mut self, failure: &Failure) {
        self.errors += 1;
        let location = &failure.location;
        let place = words::place_of(location);
        self.scroll(scope(location), failure.code.name(), false, || {
            format!("{place}  {}", words::message(&failure.message))
        });
    }

    /// Queues a line, unless its table has had its share; says so once.
    fn scroll(&mut self, table: Option<&str>, code: &'static str, damage: bool, text: impl FnOnce() -> String) {
        let table = table.unwrap_or_default();
        let count = match self.scrolled.get_mut(table) {
            Some(count) => count,
            None => self.scrolled.entry(table.to_owned()).or_default(),
        };
        *count += 1;
        if *count <= SCROLLED {
            self.lines.push(Scroll { code, damage, text: text() });
        } else if *count == SCROLLED + 1 {
            let text = format!("{}  more are counted below, not shown one by one", clip(table, NAME_CHARS));
            self.lines.push(Scroll { code: "…", damage, text });
        }
    }

    /// The lines that have not been drawn yet.
    pub(super) fn take_lines(&mut self) -> Vec<Scroll> {
        std::mem::take(&mut self.lines)
    }

    /// Rows decided and rows expected, over all replicas; expected is never below decided.
    pub(super) fn position(&self) -> (u64, u64) {
        let beyond: u64 = self.running.values().map(|table| table.done.saturating_sub(table.estimated)).sum();
        (self.done, self.expected.saturating_add(beyond).max(self.done))
    }

    /// `3/12 tables · 2 findings · 1 error`.
    fn counts(&self) -> String {
        let things = if self.by_bytes { "files" } else { "tables" };
        let mut parts = vec![format!("{}/{} {things}", grouped(self.tables_finished), grouped(self.tables))];
        if self.findings > 0 {
            parts.push(counted(self.findings, "finding", "findings"));
        }
        if self.errors > 0 {
            parts.push(counted(self.errors, "error", "errors"));
        }
        parts.join(" · ")
    }

    /// Lines below the bar: what is finished, being read, looked at again, held back.
    pub(super) fn status(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((server, done, tables)) = &self.listing {
            let of = counted(*tables, "table", "tables");
            lines.push(format!("listing    {} of {of} on {}", grouped(*done), clip(server, NAME_CHARS)));
        }
        if self.tables > 0 {
            lines.push(format!("finished   {}", self.counts()));
        }
        if !self.running.is_empty() {
            let names: Vec<String> = self.running.iter().take(NAMED).map(|(name, table)| table.named(name)).collect();
            lines.push(format!("reading    {}", crate::text::listed(&names, self.running.len())));
        }
        if !self.resolving.is_empty() {
            let keys = self.resolving.values().sum();
            let places: Vec<String> = self
                .resolving
                .keys()
                .take(2)
                .map(|(table, replica)| words::place(Some(table), Some(replica)))
                .collect();
            let places = crate::text::listed(&places, self.resolving.len());
            lines.push(format!("resolving  {} that may be in flight: {places}", counted(keys, "key", "keys")));
        }
        for (server, reason) in self.pauses.iter().take(NAMED) {
            lines.push(format!("paused     {}: {}", clip(server, NAME_CHARS), words::message(reason)));
        }
        lines
    }
}

/// What lines are limited by.
fn scope(location: &Location) -> Option<&str> {
    let file = location.file.as_ref().map(|place| place.file.as_str());
    file.or(location.table.as_deref())
}

impl Running {
    /// `db.t 42 %`; no share when the table's size is not known.
    fn named(&self, name: &str) -> String {
        let name = clip(name, NAME_CHARS);
        match self.done.saturating_mul(100).checked_div(self.estimated) {
            Some(share) => format!("{name} {} %", share.min(99)),
            None => name,
        }
    }
}
