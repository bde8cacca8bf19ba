//! What is left of a run that a server keeps from ending: [`LastWords`] gathers
//! its events, and after a signal it waits for the run no longer than a user does.
//!
//! Nothing can end a read from a server that says nothing, and a summary comes
//! only at the end. Invariant: what is gathered never says more than was told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use vouch_convert::unix_ms;
use vouch_report::{
    Account, AsOf, Code, Command, Coverage, DigestChoice, Event, Failure, Finding, Pause, ReplicaCoverage, Reported,
    RowsCoverage, ServerRole, Sink, Stop, Summary, TableCoverage, TableState,
};

/// How long a run may take to end by itself after a signal: with all the rest it stays under a second.
const PATIENCE: Duration = Duration::from_millis(800);

/// What a run has reported so far.
#[derive(Clone, Default)]
struct Gathered {
    command: Option<Command>,
    run_id: String,
    started_ms: u64,
    account: Account,
    rows: RowsCoverage,
    reported: Reported,
}

/// Gathers the events of a run.
pub struct LastWords {
    gathered: Mutex<Gathered>,
    taken: AtomicBool,
}

impl LastWords {
    /// Nothing is gathered yet.
    pub fn new() -> Self {
        let gathered = Gathered { started_ms: unix_ms(), ..Gathered::default() };
        LastWords { gathered: Mutex::new(gathered), taken: AtomicBool::new(false) }
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was told so far, as the result of a run that `signal` ended.
    pub fn summary(&self, signal: u8) -> Summary {
        let gathered = self.gathered().clone();
        let command = gathered.command.unwrap_or(Command::Compare);
        let mut rows = gathered.rows;
        rows.tables.sort_by(|a, b| a.table.cmp(&b.table));
        let summary = Summary::of(command, gathered.account.cut_off(), gathered.reported, Some(signal));
        let coverage = match summary.coverage {
            Coverage::Rows(_) => Coverage::Rows(rows),
            other => other,
        };
        Summary {
            run_id: gathered.run_id,
            started_ms: gathered.started_ms,
            finished_ms: unix_ms(),
            coverage,
            ..summary
        }
    }

    /// Claims the right to show a result; only the first who asks has it. Who waits is woken by
    /// [`Stop::wake`].
    pub fn claim(&self) -> bool {
        !self.taken.swap(true, Ordering::AcqRel)
    }

    /// Waits until the run's result is claimed, or until a stop was asked for and [`PATIENCE`] is over.
    /// Then the claim is the caller's, and the gathered summary is returned.
    pub fn after(&self, stop: &Stop) -> Option<Summary> {
        let taken = || self.taken.load(Ordering::Acquire);
        stop.sleep_unless(Duration::MAX, taken);
        let signal = stop.requested().filter(|_| !taken())?;
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if taken() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let silent = "a server does not answer, so the run was left where it was";
        self.gathered()
            .reported
            .errors
            .push(Failure::new(Code::ConnectionLost, silent).with_hint("continue with --resume"));
        self.claim().then(|| self.summary(signal))
    }
}

impl Sink for LastWords {
    fn emit(&self, event: &Event) {
        let mut gathered = self.gathered();
        match event {
            Event::RunStarted { command, run_id, at_ms } => {
                gathered.command = Some(*command);
                gathered.run_id.clone_from(run_id);
                gathered.started_ms = *at_ms;
            }
            Event::ServerJoined(server) => gathered.rows.servers.push(server.clone()),
            Event::TableStarted { table, .. } => start(&mut gathered.rows, table),
            Event::DigestChosen { table, choice } => change(&mut gathered.rows, table, |t| t.digest = choice.clone()),
            Event::ChunkDone { table, replica, rows, .. } => chunk(&mut gathered.rows, table, replica, *rows),
            Event::Finding(finding) => find(&mut gathered, finding),
            Event::Account(entry) => gathered.account.enter(entry.clone()),
            Event::Error(failure) => gathered.reported.errors.push(failure.clone()),
            Event::Skip(skip) => gathered.reported.skips.push(skip.clone()),
            Event::Notice(notice) => gathered.reported.notices.push(notice.clone()),
            Event::Paused(pause) | Event::Resumed(pause) => paused(&mut gathered.rows.pauses, pause),
            Event::TableFinished { table } => change(&mut gathered.rows, table, |table| table.finished_ms = unix_ms()),
            Event::Listing { .. }
            | Event::Planned { .. }
            | Event::Resolving { .. }
            | Event::FilesPlanned { .. }
            | Event::FileStarted { .. }
            | Event::FileRead { .. }
            | Event::FileFinished { .. }
            | Event::TableChecked(_)
            | Event::RunFinished(_) => {}
        }
    }
}

/// A table of which nothing is known, on every replica.
fn start(coverage: &mut RowsCoverage, table: &str) {
    let replicas = coverage.servers.iter().filter(|server| server.role == ServerRole::Replica);
    let not_run = |name: &String| ReplicaCoverage {
        replica: name.clone(),
        state: TableState::NotRun,
        chunks_done: 0,
        rows: 0,
        chunks_differing: 0,
        source_only: 0,
        replica_only: 0,
        changed: 0,
        in_flight: 0,
        unproven: 0,
        as_of: AsOf::default(),
    };
    let replicas = replicas.map(|server| not_run(&server.name)).collect();
    let started = TableCoverage {
        table: table.to_owned(),
        rows: 0,
        bytes: 0,
        chunks: 0,
        chunks_skipped: 0,
        key: String::new(),
        digest: DigestChoice::default(),
        started_ms: unix_ms(),
        finished_ms: 0,
        replicas,
    };
    match coverage.tables.iter_mut().find(|known| known.table == table) {
        Some(known) => *known = started,
        None => coverage.tables.push(started),
    }
}

fn change(rows: &mut RowsCoverage, table: &str, change: impl FnOnce(&mut TableCoverage)) {
    if let Some(table) = rows.tables.iter_mut().find(|known| known.table == table) {
        change(table);
    }
}

fn chunk(coverage: &mut RowsCoverage, table: &str, replica: &str, rows: u64) {
    change(coverage, table, |table| {
        if let Some(pair) = table.replicas.iter_mut().find(|pair| pair.replica == replica) {
            pair.chunks_done = pair.chunks_done.saturating_add(1);
            pair.rows = pair.rows.saturating_add(rows);
        }
    });
}

fn find(gathered: &mut Gathered, finding: &Finding) {
    gathered.reported.findings.push(finding.clone());
    let (Some(table), Some(replica)) = (&finding.location.table, &finding.location.replica) else { return };
    change(&mut gathered.rows, table, |table| {
        let Some(pair) = table.replicas.iter_mut().find(|pair| pair.replica == *replica) else { return };
        let counter = match finding.code {
            Code::RowSourceOnly => &mut pair.source_only,
            Code::RowReplicaOnly => &mut pair.replica_only,
            Code::RowChanged => &mut pair.changed,
            _ => return,
        };
        *counter = counter.saturating_add(finding.count);
    });
}

/// The end of a pause bears the same beginning.
fn paused(pauses: &mut Vec<Pause>, pause: &Pause) {
    let known = |known: &&mut Pause| known.server == pause.server && known.started_ms == pause.started_ms;
    match pauses.iter_mut().find(known) {
        Some(known) => *known = pause.clone(),
        None => pauses.push(pause.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_ended_by_itself_needs_no_last_words() {
        let (words, stop) = (LastWords::new(), Stop::new());
        assert!(words.claim());
        stop.request(2);
        assert!(words.after(&stop).is_none());
    }

    #[test]
    fn a_run_that_does_not_end_leaves_what_was_told() {
        let (words, stop) = (LastWords::new(), Stop::new());
        words.emit(&Event::RunStarted { command: Command::Compare, run_id: "r".to_owned(), at_ms: 7 });
        words.emit(&Event::TableStarted { table: "d.t".to_owned(), rows: 9 });
        stop.request(15);
        let summary = words.after(&stop).unwrap();
        assert_eq!((summary.verdict.exit_code(), summary.run_id.as_str()), (143, "r"));
        assert_eq!((summary.coverage.tables().len(), summary.errors.len()), (1, 1));
        assert!(!words.claim());
    }
}
