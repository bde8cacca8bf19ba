//! The only way for an engine to report: [`Recorder`].
//!
//! An engine first calls [`Recorder::owe`] for every item of its scope, then
//! reports findings and errors under the debt they concern, and settles each
//! debt once. [`Recorder::finish`] closes the account and derives the verdict.
//!
//! ```
//! use vouch_report::{Command, Coverage, Item, ItemKind, NullSink, Outcome, Recorder, RunContext, Stop};
//! use std::sync::Arc;
//!
//! let context = RunContext {
//!     sink: Arc::new(NullSink),
//!     stop: Arc::new(Stop::new()),
//!     now_ms: || 0,
//!     run_id: "r-1".to_owned(),
//! };
//! let recorder = Recorder::begin(Command::Compare, context);
//! let orders = recorder.owe(Item::new(ItemKind::Table, "shop.orders").on("db2:3306"));
//! let users = recorder.owe(Item::new(ItemKind::Table, "shop.users").on("db2:3306"));
//! recorder.settle(orders, Outcome::verified_by("xxh3-128 streamed"));
//! // `users` was never settled: unproven, and the run is not clean.
//! # let _ = users;
//! let summary = recorder.finish(Coverage::default());
//! assert_eq!(summary.verdict.exit_code(), 3);
//! assert_eq!(summary.scope.counts().unproven, 1);
//! ```

use crate::{
    Account, Code, Command, Coverage, Debt, Entry, Event, Failure, Finding, Item, ItemKind, Notice, Outcome, Reported,
    RunContext, Severity, Skip, Summary,
};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The debt of the run itself.
const RUN: Debt = Debt(0);

/// What was reported about a debt that is not settled yet.
#[derive(Default)]
struct Reports {
    found: u64,
    failed: u64,
    first_failure: Option<Code>,
}

#[derive(Default)]
struct Books {
    issued: u64,
    open: HashMap<Debt, Reports>,
    account: Account,
    findings: Vec<(Debt, Finding)>,
    errors: Vec<(Debt, Failure)>,
    skips: Vec<Skip>,
    notices: Vec<Notice>,
    superseded: Vec<Debt>,
}

/// Keeps the account of a run and passes every event to the sink.
pub struct Recorder {
    command: Command,
    context: RunContext,
    started_ms: u64,
    books: Mutex<Books>,
}

impl Recorder {
    /// Begins the account of a run, and announces the run.
    pub fn begin(command: Command, context: RunContext) -> Self {
        let started_ms = (context.now_ms)();
        let recorder = Recorder { command, context, started_ms, books: Mutex::default() };
        let run_id = recorder.context.run_id.clone();
        recorder.emit(&Event::RunStarted { command, run_id, at_ms: started_ms });
        recorder.owe(Item::new(ItemKind::Run, command.name()));
        recorder
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the run was given from outside.
    pub fn context(&self) -> &RunContext {
        &self.context
    }

    /// When the run began, in milliseconds since the Unix epoch.
    pub fn started_ms(&self) -> u64 {
        self.started_ms
    }

    /// The debt of the run itself, for what concerns no single item.
    pub fn run(&self) -> Debt {
        RUN
    }

    /// Passes on an event of progress, which has no part in the verdict.
    pub fn emit(&self, event: &Event) {
        self.context.sink.emit(event);
    }

    /// Writes down an item that is owed.
    pub fn owe(&self, item: Item) -> Debt {
        let mut books = self.books();
        let debt = Debt(books.issued);
        books.issued += 1;
        books.open.insert(debt, Reports::default());
        self.enter(&mut books, Entry::Owed { debt, item });
        debt
    }

    fn enter(&self, books: &mut Books, entry: Entry) {
        self.context.sink.emit(&Event::Account(entry.clone()));
        books.account.enter(entry);
    }

    /// Reports a finding about an item.
    pub fn finding(&self, debt: Debt, finding: Finding) {
        self.context.sink.emit(&Event::Finding(finding.clone()));
        let grave = finding.severity > Severity::Notice;
        let mut books = self.books();
        if let Some(reports) = books.open.get_mut(&debt) {
            reports.found += u64::from(grave);
        }
        books.findings.push((debt, finding));
        self.enter(&mut books, Entry::Found { debt, grave });
    }

    /// Reports an error about an item, which cannot be verified any more.
    pub fn error(&self, debt: Debt, failure: Failure) {
        self.context.sink.emit(&Event::Error(failure.clone()));
        let code = failure.code;
        let mut books = self.books();
        if let Some(reports) = books.open.get_mut(&debt) {
            reports.failed += 1;
            reports.first_failure.get_or_insert(code);
        }
        books.errors.push((debt, failure));
        self.enter(&mut books, Entry::Failed { debt, code });
    }

    /// Reports a choice not to check something.
    pub fn skip(&self, skip: Skip) {
        self.context.sink.emit(&Event::Skip(skip.clone()));
        self.books().skips.push(skip);
    }

    /// Reports something to know about the run.
    pub fn notice(&self, code: Code, server: Option<&str>, message: impl Into<String>) {
        let notice = Notice { code, server: server.map(str::to_owned), message: message.into() };
        self.context.sink.emit(&Event::Notice(notice.clone()));
        self.books().notices.push(notice);
    }

    /// Settles a debt. An outcome that is better than what was reported about the item gives
    /// way to the reports: a verified item with a finding differs, one with an error is unproven.
    pub fn settle(&self, debt: Debt, outcome: Outcome) {
        let mut books = self.books();
        let reports = books.open.remove(&debt);
        debug_assert!(reports.is_some(), "debt {debt:?} is settled a second time, as {outcome:?}");
        let Reports { found, failed, first_failure } = reports.unwrap_or_default();
        let outcome = match (outcome, first_failure) {
            (Outcome::Differs, _) => Outcome::Differs,
            _ if found > 0 => Outcome::Differs,
            (Outcome::Verified { .. }, Some(code)) => Outcome::Unproven(code),
            (outcome, _) => outcome,
        };
        self.enter(&mut books, Entry::Settled { debt, outcome, found, failed });
    }

    /// Owes an item and settles it in one go, with what is found and what fails about it.
    pub fn settled(&self, item: Item, outcome: Outcome) {
        let debt = self.owe(item);
        self.settle(debt, outcome);
    }

    /// Whether an error was reported about the item; false once it is settled.
    pub fn has_failed(&self, debt: Debt) -> bool {
        self.books().open.get(&debt).is_some_and(|reports| reports.failed > 0)
    }

    /// Whether a finding or an error was reported about the item; false once it is settled.
    pub fn has_reports(&self, debt: Debt) -> bool {
        self.books().open.get(&debt).is_some_and(|reports| reports.found > 0 || reports.failed > 0)
    }

    /// Whether any error was reported.
    pub fn has_errors(&self) -> bool {
        !self.books().errors.is_empty()
    }

    /// Checks an item again from the start: what was reported about it under the old debt counts no longer.
    pub fn supersede(&self, debt: Debt, item: Item) -> Debt {
        let by = self.owe(item);
        let mut books = self.books();
        books.open.remove(&debt);
        books.superseded.push(debt);
        self.enter(&mut books, Entry::Superseded { debt, by });
        by
    }

    /// What is still open at the end was not verified.
    fn settle_the_rest(&self) {
        let mut open: Vec<(Debt, Option<Code>)> =
            self.books().open.iter().map(|(debt, reports)| (*debt, reports.first_failure)).collect();
        open.sort_by_key(|(debt, _)| *debt);
        for (debt, failed) in open {
            self.settle(debt, Outcome::Unproven(failed.unwrap_or(Code::NotRun)));
        }
    }

    /// Closes the account and derives the verdict. The summary is the last event.
    pub fn finish(self, coverage: Coverage) -> Summary {
        self.finish_ordered(coverage, |_, _| Ordering::Equal, |_, _| Ordering::Equal)
    }

    /// The same, with findings and errors in those orders; what is equal by them stays as it was reported.
    pub fn finish_ordered(
        self,
        coverage: Coverage,
        of_findings: impl Fn(&Finding, &Finding) -> Ordering,
        of_errors: impl Fn(&Failure, &Failure) -> Ordering,
    ) -> Summary {
        self.settle(RUN, Outcome::verified());
        self.settle_the_rest();
        let interrupted = self.context.stopped();
        let finished_ms = (self.context.now_ms)();
        let Recorder { command, context, started_ms, books } = self;
        let books = books.into_inner().unwrap_or_else(PoisonError::into_inner);
        let counts = |debt: &Debt| !books.superseded.contains(debt);
        let mut findings: Vec<Finding> =
            books.findings.into_iter().filter(|(debt, _)| counts(debt)).map(|(_, finding)| finding).collect();
        findings.sort_by(of_findings);
        let mut errors: Vec<Failure> =
            books.errors.into_iter().filter(|(debt, _)| counts(debt)).map(|(_, error)| error).collect();
        errors.sort_by(of_errors);
        let summary = Summary::of(
            command,
            books.account.close(books.issued),
            Reported { findings, errors, skips: books.skips, notices: books.notices },
            interrupted,
        );
        let summary = Summary { run_id: context.run_id.clone(), started_ms, finished_ms, coverage, ..summary };
        context.sink.emit(&Event::RunFinished(Box::new(summary.clone())));
        summary
    }
}
