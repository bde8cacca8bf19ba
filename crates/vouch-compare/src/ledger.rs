//! The ledger of a run: what was looked at and what came of it, counted once.

use crate::plan::TablePlan;
use crate::state::{Outcome, now_ms};
use std::cmp::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use vouch_report::{
    AsOf, Code, DigestChoice, Event, Failure, Finding, KeyPart, Notice, Pause, ReplicaCoverage, ServerCoverage, Sink,
    Skip, TableCoverage, TableState,
};

/// Counts of one table on one replica.
#[derive(Clone, Debug, Default)]
struct ReplicaTally {
    chunks: u64,
    sum: Outcome,
    differing: u64,
    unproven: u64,
    as_of: AsOf,
    taking_part: bool,
    listed: usize,
}

/// Counts of one table.
#[derive(Clone, Debug, Default)]
struct TableTally {
    label: String,
    key: String,
    rows: u64,
    bytes: u64,
    chunks: u64,
    skipped: u64,
    digest: DigestChoice,
    started_ms: u64,
    finished_ms: u64,
    cut_to_the_end: bool,
    told: bool,
    broken: bool,
    replicas: Vec<ReplicaTally>,
    findings: Vec<Finding>,
}

#[derive(Default)]
struct Books {
    servers: Vec<ServerCoverage>,
    tables: Vec<TableTally>,
    general: Vec<Finding>,
    skips: Vec<Skip>,
    errors: Vec<Failure>,
    notices: Vec<Notice>,
    pauses: Vec<Pause>,
    resumed: u64,
}

/// What the ledger hands over at the end.
pub struct Closed {
    /// Servers, the source first.
    pub servers: Vec<ServerCoverage>,
    /// Tables, in the order of their names.
    pub tables: Vec<TableCoverage>,
    /// Findings, of tables in order.
    pub findings: Vec<Finding>,
    /// Skips.
    pub skips: Vec<Skip>,
    /// Errors.
    pub errors: Vec<Failure>,
    /// Notices.
    pub notices: Vec<Notice>,
    /// Pauses.
    pub pauses: Vec<Pause>,
    /// Chunks taken over from an earlier run.
    pub resumed: u64,
}

/// Keeps the books and tells the sink.
pub struct Ledger<'a> {
    sink: &'a dyn Sink,
    replicas: Vec<String>,
    max_findings: usize,
    books: Mutex<Books>,
}

impl<'a> Ledger<'a> {
    /// Empty books for those replicas.
    pub fn new(sink: &'a dyn Sink, replicas: Vec<String>, max_findings: usize) -> Self {
        Ledger { sink, replicas, max_findings, books: Mutex::default() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_table(&self, table: usize, change: impl FnOnce(&mut TableTally)) {
        if let Some(tally) = self.books().tables.get_mut(table) {
            change(tally);
        }
    }

    fn with_replica(&self, table: usize, replica: usize, change: impl FnOnce(&mut ReplicaTally)) {
        self.with_table(table, |tally| {
            if let Some(tally) = tally.replicas.get_mut(replica) {
                change(tally);
            }
        });
    }

    /// The same books, once the replicas are known.
    pub fn with_replicas(self, replicas: Vec<String>, max_findings: usize) -> Self {
        Ledger { replicas, max_findings, ..self }
    }

    /// Whether something could not be looked at so far.
    pub fn has_failures(&self) -> bool {
        !self.books().errors.is_empty()
    }

    /// A server was reached and recognised.
    pub fn joined(&self, server: ServerCoverage) {
        self.sink.emit(&Event::ServerJoined(server.clone()));
        self.books().servers.push(server);
    }

    /// The name of a replica.
    pub fn replica(&self, at: usize) -> &str {
        self.replicas.get(at).map_or("", String::as_str)
    }

    /// Tells the sink of something that needs no book.
    pub fn tell(&self, event: &Event) {
        self.sink.emit(event);
    }

    /// Enters a table, or begins it anew; returns its number.
    pub fn enter(&self, plan: &TablePlan, again: Option<usize>) -> usize {
        let tally = TableTally {
            label: plan.label.clone(),
            key: plan.key.describe(),
            replicas: plan
                .replicas
                .iter()
                .map(|reading| ReplicaTally { taking_part: reading.is_some(), ..ReplicaTally::default() })
                .collect(),
            ..TableTally::default()
        };
        let mut books = self.books();
        match again.and_then(|at| books.tables.get_mut(at).map(|old| (at, old))) {
            Some((at, old)) => {
                *old = tally;
                at
            }
            None => {
                books.tables.push(tally);
                books.tables.len().saturating_sub(1)
            }
        }
    }

    /// Enters a table of which nothing is read, on all replicas; returns its number.
    pub fn enter_named(&self, label: &str, key: &str, replicas: usize) -> usize {
        let tally = TableTally {
            label: label.to_owned(),
            key: key.to_owned(),
            replicas: vec![ReplicaTally { taking_part: true, ..ReplicaTally::default() }; replicas],
            ..TableTally::default()
        };
        let mut books = self.books();
        books.tables.push(tally);
        books.tables.len().saturating_sub(1)
    }

    /// Chunks of a table were looked at on the source, with so many rows in all.
    pub fn looked_at(&self, table: usize, chunks: u64, rows: u64) {
        self.with_table(table, |tally| {
            tally.chunks = tally.chunks.saturating_add(chunks);
            tally.rows = tally.rows.saturating_add(rows);
        });
    }

    /// Chunks of a table were looked at on a replica.
    pub fn looked_at_on(&self, table: usize, replica: usize, chunks: u64, sum: &Outcome) {
        self.with_replica(table, replica, |tally| {
            tally.add(sum);
            tally.chunks = tally.chunks.saturating_sub(1).saturating_add(chunks);
        });
    }

    /// A table's first chunk is about to be read.
    pub fn start(&self, table: usize, plan: &TablePlan) {
        let mut first = false;
        self.with_table(table, |tally| {
            first = tally.started_ms == 0;
            if first {
                tally.started_ms = now_ms();
            }
        });
        if first {
            self.sink.emit(&Event::TableStarted { table: plan.label.clone(), rows: plan.rows });
        }
    }

    /// How a table is digested.
    pub fn digest(&self, table: usize, label: &str, choice: DigestChoice) {
        self.with_table(table, |tally| tally.digest = choice.clone());
        self.sink.emit(&Event::DigestChosen { table: label.to_owned(), choice });
    }

    /// A chunk was cut and is about to be read: from now on the table is not decided without it.
    pub fn cut(&self, table: usize) {
        self.with_table(table, |tally| tally.chunks = tally.chunks.saturating_add(1));
    }

    /// A chunk that was cut could not be read: whoever failed says why.
    pub fn uncut(&self, table: usize) {
        self.with_table(table, |tally| tally.chunks = tally.chunks.saturating_sub(1));
    }

    /// Whether a table is decided on every replica that takes part, and nothing of it failed.
    pub fn is_settled(&self, table: usize) -> bool {
        self.books().tables.get(table).is_some_and(|tally| {
            let decided = tally.replicas.iter().filter(|r| r.taking_part).all(|r| r.chunks >= tally.chunks);
            tally.cut_to_the_end && decided && !tally.broken
        })
    }

    /// A chunk was read on the source.
    pub fn read(&self, table: usize, rows: u64, bytes: u64) {
        self.with_table(table, |tally| {
            tally.rows = tally.rows.saturating_add(rows);
            tally.bytes = tally.bytes.saturating_add(bytes);
        });
    }

    /// A chunk that was cut is not looked at, for the reason that the failure gives.
    pub fn skip_chunk(&self, table: usize, failure: Failure) {
        self.with_table(table, |tally| {
            tally.chunks = tally.chunks.saturating_sub(1);
            tally.skipped = tally.skipped.saturating_add(1);
        });
        self.broken(table, failure);
    }

    /// A chunk differs on a replica; its rows are not told apart.
    pub fn chunk_differs(&self, table: usize, replica: usize, finding: &Finding) {
        self.with_replica(table, replica, |tally| tally.differing = tally.differing.saturating_add(1));
        self.row_finding(table, replica, finding);
    }

    /// The whole table has been cut.
    pub fn cut_to_the_end(&self, table: usize) {
        self.with_table(table, |tally| tally.cut_to_the_end = true);
        self.tell_finished(table);
    }

    /// Tells of a table that is decided on every replica; once.
    fn tell_finished(&self, table: usize) {
        let mut finished = None;
        self.with_table(table, |tally| {
            let decided = tally.replicas.iter().filter(|r| r.taking_part).all(|r| r.chunks >= tally.chunks);
            if tally.cut_to_the_end && decided && !tally.told {
                tally.told = true;
                finished = Some(tally.label.clone());
            }
        });
        if let Some(table) = finished {
            self.sink.emit(&Event::TableFinished { table });
        }
    }

    /// Takes over a chunk that an earlier run decided for a replica.
    pub fn resumed(&self, table: usize, replica: usize, outcome: &Outcome) {
        self.books().resumed += 1;
        self.with_replica(table, replica, |tally| tally.add(outcome));
    }

    /// A chunk is decided on a replica, with what was found in it.
    pub fn decided(&self, table: usize, replica: usize, label: &str, outcome: &Outcome, equal: bool) {
        // Told before it is counted, so that nobody tells of the table's end first.
        self.sink.emit(&Event::ChunkDone {
            table: label.to_owned(),
            replica: self.replica(replica).to_owned(),
            rows: outcome.source_rows,
            equal,
        });
        self.with_replica(table, replica, |tally| tally.add(outcome));
        self.with_table(table, |tally| tally.finished_ms = now_ms());
        self.tell_finished(table);
    }

    /// Keys that could not be proven either way.
    pub fn unproven(&self, table: usize, replica: usize, keys: u64) {
        self.with_replica(table, replica, |tally| tally.unproven = tally.unproven.saturating_add(keys));
    }

    /// A finding about rows of a table. Beyond the limit it is counted, not listed.
    pub fn row_finding(&self, table: usize, replica: usize, finding: &Finding) {
        let mut listed = false;
        let limit = self.max_findings;
        self.with_replica(table, replica, |tally| {
            listed = tally.listed < limit;
            tally.listed = tally.listed.saturating_add(1);
        });
        if listed {
            self.with_table(table, |tally| tally.findings.push(finding.clone()));
            self.sink.emit(&Event::Finding(finding.clone()));
        }
    }

    /// Takes over the findings of an earlier run, and the number of those that are not listed, for each replica.
    pub fn resumed_findings(&self, table: usize, findings: Vec<Finding>, beyond: &[usize]) {
        for finding in findings {
            let replica = self.replicas.iter().position(|name| Some(name) == finding.location.replica.as_ref());
            self.row_finding(table, replica.unwrap_or(0), &finding);
        }
        for (at, more) in beyond.iter().enumerate() {
            self.with_replica(table, at, |tally| tally.listed = tally.listed.saturating_add(*more));
        }
    }

    /// A finding about something else than rows.
    pub fn finding(&self, finding: Finding) {
        self.sink.emit(&Event::Finding(finding.clone()));
        self.books().general.push(finding);
    }

    /// The same, unless it is known already.
    pub fn new_finding(&self, finding: Finding) {
        let known = self.books().general.contains(&finding);
        if !known {
            self.finding(finding);
        }
    }

    /// Whatever was counted of a table says nothing any more: somebody else says why.
    pub fn void(&self, table: usize) {
        self.with_table(table, |tally| tally.broken = true);
    }

    /// A failure to look.
    pub fn failure(&self, failure: Failure) {
        self.sink.emit(&Event::Error(failure.clone()));
        self.books().errors.push(failure);
    }

    /// A failure that stops a table.
    pub fn broken(&self, table: usize, failure: Failure) {
        self.with_table(table, |tally| tally.broken = true);
        self.failure(failure);
    }

    /// A choice not to look.
    pub fn skip(&self, code: Code, what: impl Into<String>, reason: impl Into<String>) {
        let skip = Skip { code, what: what.into(), reason: reason.into() };
        self.sink.emit(&Event::Skip(skip.clone()));
        self.books().skips.push(skip);
    }

    /// Something to know; the same is said once.
    pub fn notice(&self, code: Code, server: Option<&str>, message: impl Into<String>) {
        let notice = Notice { code, server: server.map(str::to_owned), message: message.into() };
        {
            let mut books = self.books();
            if books.notices.contains(&notice) {
                return;
            }
            books.notices.push(notice.clone());
        }
        self.sink.emit(&Event::Notice(notice));
    }

    /// Readers are being held back.
    pub fn paused(&self, pause: Pause) {
        self.sink.emit(&Event::Paused(pause));
    }

    /// They are let go.
    pub fn let_go(&self, pause: Pause) {
        self.sink.emit(&Event::Resumed(pause.clone()));
        self.books().pauses.push(pause);
    }

    /// Closes the books.
    pub fn close(self) -> Closed {
        let mut books = self.books.into_inner().unwrap_or_else(PoisonError::into_inner);
        books.tables.sort_by(|a, b| a.label.cmp(&b.label));
        let mut findings = books.general;
        for tally in &mut books.tables {
            tally.findings.sort_by(in_order);
            findings.append(&mut tally.findings);
            findings.extend(tally.beyond_limit(&self.replicas, self.max_findings));
        }
        let tables = books.tables.iter().map(|tally| tally.coverage(&self.replicas)).collect();
        let Books { servers, skips, errors, notices, pauses, resumed, .. } = books;
        Closed { servers, tables, findings, skips, errors, notices, pauses, resumed }
    }
}

/// By replica, then by key: numbers as numbers.
fn in_order(a: &Finding, b: &Finding) -> Ordering {
    let part = |(a, b): (&KeyPart, &KeyPart)| match (a.value.parse::<i128>(), b.value.parse::<i128>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.value.cmp(&b.value),
    };
    let (a, b) = (&a.location, &b.location);
    let keys = a.key.iter().zip(&b.key).map(part).find(|ordering| ordering.is_ne());
    a.replica.cmp(&b.replica).then(keys.unwrap_or(Ordering::Equal))
}

impl ReplicaTally {
    fn add(&mut self, outcome: &Outcome) {
        if self.chunks == 0 {
            self.as_of = AsOf { position: outcome.position.clone(), at_ms: outcome.at_ms };
        }
        self.chunks = self.chunks.saturating_add(1);
        let sum = &mut self.sum;
        sum.source_rows = sum.source_rows.saturating_add(outcome.source_rows);
        sum.rows = sum.rows.saturating_add(outcome.rows);
        sum.source_only = sum.source_only.saturating_add(outcome.source_only);
        sum.replica_only = sum.replica_only.saturating_add(outcome.replica_only);
        sum.changed = sum.changed.saturating_add(outcome.changed);
        sum.in_flight = sum.in_flight.saturating_add(outcome.in_flight);
    }
}

impl TableTally {
    fn coverage(&self, names: &[String]) -> TableCoverage {
        let replicas = self.replicas.iter().zip(names).filter(|(tally, _)| tally.taking_part);
        TableCoverage {
            table: self.label.clone(),
            rows: self.rows,
            bytes: self.bytes,
            chunks: self.chunks,
            chunks_skipped: self.skipped,
            key: self.key.clone(),
            digest: self.digest.clone(),
            started_ms: self.started_ms,
            finished_ms: self.finished_ms,
            replicas: replicas.map(|(tally, name)| self.replica(tally, name)).collect(),
        }
    }

    fn replica(&self, tally: &ReplicaTally, name: &str) -> ReplicaCoverage {
        ReplicaCoverage {
            replica: name.to_owned(),
            state: self.state(tally),
            chunks_done: tally.chunks,
            rows: tally.sum.rows,
            chunks_differing: tally.differing,
            source_only: tally.sum.source_only,
            replica_only: tally.sum.replica_only,
            changed: tally.sum.changed,
            in_flight: tally.sum.in_flight,
            unproven: tally.unproven,
            as_of: tally.as_of.clone(),
        }
    }

    fn state(&self, tally: &ReplicaTally) -> TableState {
        let found = tally.sum.source_only + tally.sum.replica_only + tally.sum.changed;
        if found > 0 || tally.listed > 0 {
            TableState::Differs
        } else if tally.unproven > 0 {
            TableState::Unproven
        } else if self.broken || !self.cut_to_the_end || tally.chunks < self.chunks {
            TableState::NotRun
        } else {
            TableState::Equal
        }
    }

    fn beyond_limit(&self, names: &[String], limit: usize) -> Vec<Finding> {
        let over = self.replicas.iter().zip(names).filter(|(tally, _)| tally.listed > limit);
        let finding = |(tally, name): (&ReplicaTally, &String)| {
            let more = tally.listed.saturating_sub(limit);
            let mut finding =
                Finding::new(Code::RowsBeyondLimit, format!("{more} more rows differ and are not listed"));
            finding.location.table = Some(self.label.clone());
            finding.location.replica = Some(name.clone());
            finding.count = more as u64;
            finding
        };
        over.map(finding).collect()
    }
}
