//! The account under mutation: a line that is lost, doubled or moved between an
//! engine and its account never improves the verdict.
//!
//! Each of these faults, put back into the account, makes a test here fail:
//!
//! 1. An item that nobody settled counts as verified: a table that was planned and
//!    never read was part of a clean result.
//! 2. A run that verified nothing is clean: a typo in a filter proved nothing, with
//!    exit code 0, for as long as nobody read the report.
//! 3. The last of two settlements of one item counts: a difference was found, and a
//!    later pass over the same table overwrote it with "verified".

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use vouch_report::{
    Account, Code, Command, Coverage, Entry, Event, ExcludedBy, Failure, Finding, Item, ItemKind, Outcome, Recorder,
    Reported, RunContext, Scope, Severity, Sink, Stop, Summary, Verdict,
};

/// Keeps the account's lines as an engine sent them.
#[derive(Default)]
struct Lines(Mutex<Vec<Entry>>);

impl Sink for Lines {
    fn emit(&self, event: &Event) {
        if let Event::Account(entry) = event {
            self.0.lock().unwrap().push(entry.clone());
        }
    }
}

/// What an engine reports about an item, and how it settles it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Course {
    Verified,
    Found,
    FoundAndNotListed,
    Remarked,
    Failed,
    FailedUnsettled,
    Unsettled,
    Excluded,
    LeftOut,
    CheckedAgain,
    CheckedAgainAndFound,
}

const COURSES: [Course; 11] = [
    Course::Verified,
    Course::Found,
    Course::FoundAndNotListed,
    Course::Remarked,
    Course::Failed,
    Course::FailedUnsettled,
    Course::Unsettled,
    Course::Excluded,
    Course::LeftOut,
    Course::CheckedAgain,
    Course::CheckedAgainAndFound,
];

fn run(courses: &[Course]) -> (Summary, Vec<Entry>) {
    let lines = Arc::new(Lines::default());
    let (sink, stop) = (Arc::clone(&lines) as Arc<dyn Sink>, Arc::new(Stop::new()));
    let recorder = Recorder::begin(Command::Compare, RunContext { sink, stop, now_ms: || 7, run_id: "r".to_owned() });
    let item = |at: usize| Item::new(ItemKind::Table, format!("shop.t{at}")).on("db2");
    let debts: Vec<_> = (0..courses.len()).map(|at| recorder.owe(item(at))).collect();
    for (at, (&debt, course)) in debts.iter().zip(courses).enumerate() {
        take(&recorder, debt, *course, item(at));
    }
    let summary = recorder.finish(Coverage::default());
    let entries = lines.0.lock().unwrap().clone();
    (summary, entries)
}

fn take(recorder: &Recorder, debt: vouch_report::Debt, course: Course, item: Item) {
    let finding = || Finding::new(Code::RowChanged, "the row differs");
    match course {
        Course::Verified => recorder.settle(debt, Outcome::verified()),
        Course::Found => {
            recorder.finding(debt, finding());
            recorder.settle(debt, Outcome::verified());
        }
        Course::FoundAndNotListed => recorder.settle(debt, Outcome::Differs),
        Course::Remarked => {
            recorder.finding(debt, Finding { severity: Severity::Notice, ..finding() });
            recorder.settle(debt, Outcome::verified());
        }
        Course::Failed => {
            recorder.error(debt, Failure::new(Code::LagTimeout, "too late"));
            recorder.settle(debt, Outcome::verified());
        }
        Course::FailedUnsettled => recorder.error(debt, Failure::new(Code::LagTimeout, "too late")),
        Course::Unsettled => {}
        Course::Excluded => recorder.settle(debt, Outcome::excluded_by_option(Code::FilteredOut)),
        Course::LeftOut => {
            recorder.settle(debt, Outcome::Excluded { by: ExcludedBy::Default, code: Code::NotCovered });
        }
        Course::CheckedAgain => {
            recorder.finding(debt, finding());
            let again = recorder.supersede(debt, item);
            recorder.settle(again, Outcome::verified());
        }
        Course::CheckedAgainAndFound => {
            let again = recorder.supersede(debt, item);
            recorder.finding(again, finding());
            recorder.settle(again, Outcome::Differs);
        }
    }
}

/// The verdict of the account alone: what the lines say, whatever lists came with them.
fn weighed(entries: &[Entry], issued: u64) -> (Verdict, Scope) {
    let mut account = Account::default();
    entries.iter().for_each(|entry| account.enter(entry.clone()));
    let scope = account.close(issued);
    (Summary::of(Command::Compare, scope.clone(), Reported::default(), None).verdict, scope)
}

fn issued(entries: &[Entry]) -> u64 {
    entries.iter().filter(|entry| matches!(entry, Entry::Owed { .. })).count() as u64
}

/// Lower is better: clean, then nothing wrong seen, then findings, then a bug.
fn improves(mutated: Verdict, original: Verdict) -> bool {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Clean(_) => 0,
        Verdict::Incomplete | Verdict::Interrupted(_) => 1,
        Verdict::Findings => 2,
        Verdict::Bug => 3,
    };
    rank(mutated) < rank(original)
}

/// Lines that settle the same item as verified after all.
fn contradictions(entry: &Entry) -> Vec<Entry> {
    let mut others = Vec::new();
    if let Entry::Settled { debt, outcome, found, failed } = entry
        && !matches!(outcome, Outcome::Verified { .. } | Outcome::Excluded { .. })
    {
        let outcome = Outcome::verified();
        others.push(Entry::Settled { debt: *debt, outcome, found: *found, failed: *failed });
        others.push(Entry::Settled { debt: *debt, outcome: Outcome::verified(), found: 0, failed: 0 });
    }
    others
}

#[test]
fn no_lost_doubled_or_moved_line_improves_a_verdict() {
    let mut tried = 0;
    for first in COURSES {
        for second in COURSES {
            let (_, entries) = run(&[first, second, Course::Verified]);
            let issued = issued(&entries);
            let (original, _) = weighed(&entries, issued);
            let mut check = |mutated: Vec<Entry>, what: &str, at: usize| {
                let (verdict, _) = weighed(&mutated, issued);
                assert!(!improves(verdict, original), "{first:?}, {second:?}: {what} {at} {:?}", entries[at]);
                tried += 1;
            };
            for at in 0..entries.len() {
                let mut lost = entries.clone();
                lost.remove(at);
                check(lost, "lost", at);
                let mut doubled = entries.clone();
                doubled.insert(at, entries[at].clone());
                check(doubled, "doubled", at);
                for another in contradictions(&entries[at]) {
                    let mut added = entries.clone();
                    added.push(another.clone());
                    check(added, "contradicted", at);
                }
                for to in 0..entries.len() {
                    let mut moved = entries.clone();
                    moved.swap(at, to);
                    check(moved, "moved", at);
                }
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
}

#[test]
fn a_lost_line_of_a_clean_run_is_not_clean() {
    let (summary, entries) = run(&[Course::Verified, Course::Remarked, Course::Excluded]);
    assert!(summary.verdict.is_clean());
    for at in 0..entries.len() {
        // A notice has no part in the verdict.
        if matches!(entries[at], Entry::Found { grave: false, .. }) {
            continue;
        }
        let mut lost = entries.clone();
        lost.remove(at);
        assert!(!weighed(&lost, issued(&entries)).0.is_clean(), "without {:?}", entries[at]);
    }
}

#[test]
fn each_course_has_its_verdict() {
    for course in COURSES {
        let (summary, _) = run(&[course, Course::Verified]);
        let expected = match course {
            Course::Verified | Course::Remarked | Course::Excluded | Course::LeftOut | Course::CheckedAgain => 0,
            Course::Found | Course::FoundAndNotListed | Course::CheckedAgainAndFound => 1,
            Course::Failed | Course::FailedUnsettled | Course::Unsettled => 3,
        };
        assert_eq!(summary.verdict.exit_code(), expected, "{course:?}");
        let counts = summary.scope.counts();
        assert_eq!(counts.owed, 2, "{course:?}");
        let left_out = (counts.excluded_by_option, counts.excluded_by_default);
        let expected = (u64::from(course == Course::Excluded), u64::from(course == Course::LeftOut));
        assert_eq!(left_out, expected, "{course:?}");
    }
}

#[test]
fn nothing_verified_is_never_clean() {
    for courses in [&[][..], &[Course::Excluded], &[Course::Excluded, Course::Excluded]] {
        let (summary, _) = run(courses);
        assert_eq!(summary.verdict.exit_code(), 3, "{courses:?}");
        assert_eq!(summary.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::NothingVerified]);
        // The verdict does not rest on the error alone.
        assert!(!Verdict::derive(Command::Compare, &summary.scope, &[], &[], None).is_clean(), "{courses:?}");
    }
}

/// A run that is cut off has settled what it settled; the rest is unproven, and never verified.
#[test]
fn what_a_cut_off_run_left_open_is_unproven() {
    let (_, entries) = run(&[Course::Verified, Course::Found, Course::Failed, Course::Excluded]);
    for end in 0..=entries.len() {
        let mut account = Account::default();
        entries[..end].iter().for_each(|entry| account.enter(entry.clone()));
        let settled = entries[..end].iter().filter(|entry| matches!(entry, Entry::Settled { .. })).count();
        let scope = account.cut_off();
        let proven = |outcome: &Outcome| matches!(outcome, Outcome::Verified { .. } | Outcome::Excluded { .. });
        let all = scope.items().filter(|(_, outcome)| proven(outcome)).count();
        assert!(all <= settled, "{all} items count as proven after {settled} were settled");
    }
}

/// A comparison whose filters left no table was to be clean once its listings counted: a schedule with a typo in
/// `--tables` would have proven nothing, every night, with exit code 0.
#[test]
fn listings_and_positions_alone_prove_nothing() {
    let (sink, stop) = (Arc::new(Lines::default()), Arc::new(Stop::new()));
    let recorder = Recorder::begin(Command::Compare, RunContext { sink, stop, now_ms: || 7, run_id: "r".to_owned() });
    for kind in [ItemKind::Listing, ItemKind::Position, ItemKind::Directory] {
        recorder.settled(Item::new(kind, "it"), Outcome::verified());
    }
    let summary = recorder.finish(Coverage::default());
    assert_eq!(summary.verdict.exit_code(), 3);
    assert_eq!(summary.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::NothingVerified]);
}

#[test]
fn a_gate_is_shut_by_whatever_is_not_proven() {
    let context = RunContext {
        sink: Arc::new(Lines::default()),
        stop: Arc::new(Stop::new()),
        now_ms: || 7,
        run_id: "r".to_owned(),
    };
    let recorder = Recorder::begin(Command::Validate, context);
    recorder.settled(Item::new(ItemKind::Table, "shop.orders"), Outcome::verified());
    let _unsettled = recorder.owe(Item::new(ItemKind::Table, "shop.users"));
    assert_eq!(recorder.finish(Coverage::default()).verdict.exit_code(), 1);
}

#[test]
fn an_error_of_the_run_itself_is_never_clean() {
    let context = RunContext {
        sink: Arc::new(Lines::default()),
        stop: Arc::new(Stop::new()),
        now_ms: || 7,
        run_id: "r".to_owned(),
    };
    let recorder = Recorder::begin(Command::Compare, context);
    recorder.settled(Item::new(ItemKind::Table, "shop.orders"), Outcome::verified());
    recorder.error(recorder.run(), Failure::new(Code::ReplicaUnreachable, "gone"));
    let summary = recorder.finish(Coverage::default());
    assert_eq!((summary.verdict.exit_code(), summary.scope.counts().unproven), (3, 0));
    assert_eq!(summary.scope.run(), Some(&Outcome::Unproven(Code::ReplicaUnreachable)));
}
