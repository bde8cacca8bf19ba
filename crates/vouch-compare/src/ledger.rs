//! The ledger of a run: what is owed of each table on each replica, what was looked at, and
//! how each debt is settled at the end. It counts chunks and rows; everything is reported
//! through the recorder, which alone weighs the account.

use crate::plan::TablePlan;
use crate::state::Outcome;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vouch_convert::widen;
use vouch_report::Outcome as Settled;
use vouch_report::{
    AsOf, Code, Command, Coverage, Datum, Debt, DigestChoice, Event, ExcludedBy, Failure, Finding, Item, ItemKind,
    KeyPart, Pause, Recorder, ReplicaCoverage, RotationCoverage, RowsCoverage, RunContext, ServerCoverage, Skip,
    Summary, TableCoverage, TableState,
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
    /// Why it is not compared to its end.
    broken: Option<Code>,
    replicas: Vec<ReplicaTally>,
}

#[derive(Default)]
struct Books {
    servers: Vec<ServerCoverage>,
    tables: Vec<TableTally>,
    /// Items that are owed and not settled, by name and server.
    open: HashMap<(ItemKind, String, Option<String>), Debt>,
    /// Servers whose list of tables is owed, settled or not.
    listed: HashSet<String>,
    told: HashSet<(Code, Option<String>, String)>,
    drift: Vec<Finding>,
    pauses: Vec<Pause>,
    resumed: u64,
    /// Why rows are not compared at all, by an option.
    unchecked: Option<Code>,
}

/// The name of what a server owes about its tables: that those that it lists are all that there are.
pub const LISTING: &str = "tables";

/// The name of what a replica owes about transactions of its own.
pub const HISTORY: &str = "errant transactions";

/// Keeps the books of a run.
pub struct Ledger<'a> {
    context: &'a RunContext,
    recorder: Recorder,
    replicas: Vec<String>,
    max_findings: usize,
    books: Mutex<Books>,
}

impl<'a> Ledger<'a> {
    /// Begins the account of a run; its replicas are not known yet.
    pub fn begin(command: Command, context: &'a RunContext) -> Self {
        let recorder = Recorder::begin(command, context.clone());
        Ledger { context, recorder, replicas: Vec::new(), max_findings: 0, books: Mutex::default() }
    }

    fn now_ms(&self) -> u64 {
        (self.context.now_ms)()
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
        self.recorder.has_errors()
    }

    /// A server was reached and recognised.
    pub fn joined(&self, server: ServerCoverage) {
        self.recorder.emit(&Event::ServerJoined(server.clone()));
        self.books().servers.push(server);
    }

    /// The name of a replica.
    pub fn replica(&self, at: usize) -> &str {
        self.replicas.get(at).map_or("", String::as_str)
    }

    /// Tells the sink of something that needs no book.
    pub fn tell(&self, event: &Event) {
        self.recorder.emit(event);
    }

    /// Writes down that an item is owed; one that is owed already stays as it is.
    pub fn owe(&self, kind: ItemKind, name: &str, on: Option<&str>) {
        let key = (kind, name.to_owned(), on.map(str::to_owned));
        if !self.books().open.contains_key(&key) {
            let debt = self.recorder.owe(item(&key));
            self.books().open.insert(key, debt);
        }
    }

    /// Writes down that a server owes the list of its tables.
    pub fn owe_listing(&self, server: &str) {
        if !self.books().listed.insert(server.to_owned()) {
            return;
        }
        self.owe(ItemKind::Listing, LISTING, Some(server));
    }

    /// Settles it by the number of tables. A list without any is proven by nothing.
    pub fn settle_listing(&self, server: &str, tables: usize) {
        let outcome = match tables {
            0 => Settled::Unproven(Code::NothingFound),
            _ => Settled::verified_by("information_schema"),
        };
        self.settle(ItemKind::Listing, LISTING, Some(server), outcome);
    }

    /// Settles it where tables may be hidden from the account: accepted by an option, or an error.
    pub fn hidden(&self, server: &str, accepted: bool, message: String) {
        self.owe_listing(server);
        if accepted {
            self.notice(Code::HiddenAccepted, Some(server), message);
            self.settle(ItemKind::Listing, LISTING, Some(server), Settled::excluded_by_option(Code::HiddenAccepted));
            return;
        }
        let hint = "grant SELECT there, or name what is to be compared, or pass --accept-hidden-tables";
        let failure = Failure::new(Code::TablesHidden, message).with_hint(hint).at(None, Some(server));
        let key = (ItemKind::Listing, LISTING.to_owned(), Some(server.to_owned()));
        let debt = self.books().open.get(&key).copied().unwrap_or_else(|| self.recorder.run());
        self.recorder.error(debt, failure);
    }

    /// Writes down what is owed of a table on every replica.
    pub fn owe_table(&self, label: &str, with_definition: bool) {
        for replica in &self.replicas {
            self.owe(ItemKind::Table, label, Some(replica));
            if with_definition {
                self.owe(ItemKind::Definition, label, Some(replica));
            }
        }
    }

    /// Settles an item that is owed; one that is settled already stays as it is.
    pub fn settle(&self, kind: ItemKind, name: &str, on: Option<&str>, outcome: Settled) {
        let debt = self.books().open.remove(&(kind, name.to_owned(), on.map(str::to_owned)));
        if let Some(debt) = debt {
            self.recorder.settle(debt, outcome);
        }
    }

    /// Settles a table on every replica, with its definition.
    pub fn settle_table(&self, label: &str, outcome: &Settled) {
        for replica in &self.replicas {
            for kind in [ItemKind::Table, ItemKind::Definition] {
                self.settle(kind, label, Some(replica), outcome.clone());
            }
        }
    }

    /// The debt that something about a place concerns; the run itself where none is open.
    fn debt_of(&self, kind: ItemKind, table: Option<&String>, replica: Option<&String>) -> Debt {
        let name = if kind == ItemKind::History { Some(HISTORY) } else { table.map(String::as_str) };
        let key = name.map(|name| (kind, name.to_owned(), replica.cloned()));
        key.and_then(|key| self.books().open.get(&key).copied()).unwrap_or_else(|| self.recorder.run())
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
        if again.is_some() {
            self.supersede(&plan.label);
        }
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

    /// By an option, nothing is compared on any replica.
    pub fn leave_unchecked(&self, code: Code) {
        self.books().unchecked = Some(code);
    }

    /// What was found in rows of a table counts no more: it is read again.
    fn supersede(&self, label: &str) {
        for replica in &self.replicas {
            let key = (ItemKind::Table, label.to_owned(), Some(replica.clone()));
            let old = self.books().open.get(&key).copied();
            if let Some(old) = old {
                let new = self.recorder.supersede(old, item(&key));
                self.books().open.insert(key, new);
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
                tally.started_ms = self.now_ms();
            }
        });
        if first {
            self.recorder.emit(&Event::TableStarted { table: plan.label.clone(), rows: plan.rows });
        }
    }

    /// How a table is digested.
    pub fn digest(&self, table: usize, label: &str, choice: DigestChoice) {
        self.with_table(table, |tally| tally.digest = choice.clone());
        self.recorder.emit(&Event::DigestChosen { table: label.to_owned(), choice });
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
            tally.cut_to_the_end && decided && tally.broken.is_none()
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
            self.recorder.emit(&Event::TableFinished { table });
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
        self.recorder.emit(&Event::ChunkDone {
            table: label.to_owned(),
            replica: self.replica(replica).to_owned(),
            rows: outcome.source_rows,
            equal,
        });
        self.with_replica(table, replica, |tally| tally.add(outcome));
        self.with_table(table, |tally| tally.finished_ms = self.now_ms());
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
            let (table, on) = (finding.location.table.as_ref(), finding.location.replica.as_ref());
            self.recorder.finding(self.debt_of(ItemKind::Table, table, on), finding.clone());
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

    /// A finding about something else than rows: the item of that kind differs.
    pub fn finding(&self, kind: ItemKind, finding: Finding) {
        let (table, on) = (finding.location.table.as_ref(), finding.location.replica.as_ref());
        // Once its item is settled it concerns the run: a table that is read again drops what was found in it.
        self.recorder.finding(self.debt_of(kind, table, on), finding.clone());
        self.books().drift.push(finding);
    }

    /// The same, unless it is known already.
    pub fn new_finding(&self, kind: ItemKind, finding: Finding) {
        let known = self.books().drift.contains(&finding);
        if !known {
            self.finding(kind, finding);
        }
    }

    /// Whatever was counted of a table says nothing any more: somebody else says why.
    pub fn void(&self, table: usize) {
        self.with_table(table, |tally| tally.broken = tally.broken.or(Some(Code::NotRun)));
    }

    /// A failure to look: about the table on the replica that it names, if both are owed, else about the run.
    pub fn failure(&self, failure: Failure) {
        let (table, on) = (failure.location.table.as_ref(), failure.location.replica.as_ref());
        self.recorder.error(self.debt_of(ItemKind::Table, table, on), failure);
    }

    /// A failure that stops a table.
    pub fn broken(&self, table: usize, failure: Failure) {
        self.with_table(table, |tally| tally.broken = tally.broken.or(Some(failure.code)));
        self.failure(failure);
    }

    /// A choice not to look.
    pub fn skip(&self, code: Code, what: impl Into<String>, reason: impl Into<String>) {
        self.recorder.skip(Skip { code, what: what.into(), reason: reason.into() });
    }

    /// A table that is left out: by an option, or since it holds nothing that can be compared.
    pub fn exclude(&self, by: ExcludedBy, code: Code, label: &str, reason: impl Into<String>) {
        self.skip(code, label, reason);
        self.recorder.settled(Item::new(ItemKind::Table, label), Settled::Excluded { by, code });
    }

    /// Something to know; the same is said once.
    pub fn notice(&self, code: Code, server: Option<&str>, message: impl Into<String>) {
        let message = message.into();
        if self.books().told.insert((code, server.map(str::to_owned), message.clone())) {
            self.recorder.notice(code, server, message);
        }
    }

    /// Readers are being held back.
    pub fn paused(&self, pause: Pause) {
        self.recorder.emit(&Event::Paused(pause));
    }

    /// They are let go.
    pub fn let_go(&self, pause: Pause) {
        self.recorder.emit(&Event::Resumed(pause.clone()));
        self.books().pauses.push(pause);
    }

    /// Settles what is owed of tables by what was counted, and closes the account.
    pub fn finish(self, rotation: Option<RotationCoverage>) -> Summary {
        let mut tables = std::mem::take(&mut self.books().tables);
        let unchecked = self.books().unchecked;
        tables.sort_by(|a, b| a.label.cmp(&b.label));
        for tally in &tables {
            for finding in tally.beyond_limit(&self.replicas, self.max_findings) {
                let on = finding.location.replica.as_ref();
                self.recorder.finding(self.debt_of(ItemKind::Table, Some(&tally.label), on), finding.clone());
            }
            for (replica, name) in tally.replicas.iter().zip(&self.replicas).filter(|(replica, _)| replica.taking_part)
            {
                let outcome = match (tally.outcome(replica), unchecked) {
                    (Settled::Unproven(Code::NotRun), Some(code)) => Settled::excluded_by_option(code),
                    (outcome, _) => outcome,
                };
                self.settle(ItemKind::Table, &tally.label, Some(name), outcome);
            }
        }
        let coverage = tables.iter().map(|tally| tally.coverage(&self.replicas)).collect();
        let books = self.books.into_inner().unwrap_or_else(PoisonError::into_inner);
        let rows = RowsCoverage {
            servers: books.servers,
            tables: coverage,
            pauses: books.pauses,
            resumed_chunks: books.resumed,
        };
        let coverage = match rotation {
            Some(rotation) => Coverage::Rotation(rows, rotation),
            None => Coverage::Rows(rows),
        };
        self.recorder.finish_ordered(coverage, reported_order, |_, _| std::cmp::Ordering::Equal)
    }
}

fn item((kind, name, on): &(ItemKind, String, Option<String>)) -> Item {
    Item { kind: *kind, name: name.clone(), on: on.clone() }
}

/// What is about no rows first, as it was reported; then rows by table, with those that are not listed last.
fn reported_order(a: &Finding, b: &Finding) -> Ordering {
    let class = |finding: &Finding| match finding.code {
        Code::RowsBeyondLimit => 2,
        Code::RowSourceOnly | Code::RowReplicaOnly | Code::RowChanged | Code::ChunkDiffers => 1,
        _ => 0,
    };
    match (class(a), class(b)) {
        (0, 0) => Ordering::Equal,
        (0, _) => Ordering::Less,
        (_, 0) => Ordering::Greater,
        (x, y) => a.location.table.cmp(&b.location.table).then(x.cmp(&y)).then_with(|| in_order(a, b)),
    }
}

/// By replica, then by key: numbers as numbers.
fn in_order(a: &Finding, b: &Finding) -> Ordering {
    let number = |part: &KeyPart| match &part.value {
        Datum::Text(text) => vouch_convert::parse::<i128>(text),
        _ => None,
    };
    let part = |(a, b): (&KeyPart, &KeyPart)| match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
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

    /// How the table's debt on a replica is settled.
    fn outcome(&self, tally: &ReplicaTally) -> Settled {
        match self.state(tally) {
            TableState::Equal => {
                Settled::Verified { how: self.digest.method.clone().into(), as_of: tally.as_of.position.clone() }
            }
            TableState::Differs => Settled::Differs,
            TableState::Unproven => Settled::Unproven(Code::KeyHot),
            TableState::NotRun => Settled::Unproven(self.broken.unwrap_or(Code::NotRun)),
        }
    }

    fn state(&self, tally: &ReplicaTally) -> TableState {
        let found = tally.sum.source_only + tally.sum.replica_only + tally.sum.changed;
        if found > 0 || tally.listed > 0 {
            TableState::Differs
        } else if tally.unproven > 0 {
            TableState::Unproven
        } else if self.broken.is_some() || !self.cut_to_the_end || tally.chunks < self.chunks {
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
            finding.count = widen(more);
            finding
        };
        over.map(finding).collect()
    }
}
