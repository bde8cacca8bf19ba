//! What all threads of a pass share.

use crate::chunk::chunker::{ChunkId, Chunker};
use crate::facts::Scope;
use crate::fence::Fence;
use crate::ledger::Ledger;
use crate::link::{Dial, Link};
use crate::options::CompareOptions;
use crate::plan::TablePlan;
use crate::queue::Queue;
use crate::read::{ChunkFacts, Method};
use crate::state::{Outcome, State};
use crate::throttle::Gate;
use crate::throttle::pace::Pace;
use crate::window::Marks;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use vouch_report::{Code, Failure, Stop};
use vouch_server::{Extent, Fault, Interval, LogFilter, Position, PositionKind, ServerError};

/// A server as a pass sees it.
pub struct Node {
    /// Its name in reports.
    pub name: String,
    /// How to connect.
    pub dial: Dial,
    /// Its gate.
    pub gate: Gate,
}

impl Node {
    /// A server with an open gate.
    pub fn new(dial: &Dial) -> Self {
        Node { name: dial.target.name().to_owned(), dial: dial.clone(), gate: Gate::new(dial.target.name()) }
    }
}

/// A replica as a pass sees it.
pub struct ReplicaNode {
    /// The server.
    pub node: Node,
    /// Its name and what tells it from another server at the same address.
    pub identity: String,
    /// How positions work with it.
    pub fence: Fence,
    /// Chunks that wait for it.
    pub chunks: Queue<Arc<WorkItem>>,
    /// Differences that wait to be resolved.
    pub suspects: Queue<Suspects>,
    /// Its readers wait for positions or at the gate, so the source may run ahead.
    pub waiting: AtomicUsize,
    /// It was given up.
    pub lost: AtomicBool,
}

/// A table in a pass.
pub struct TableRun {
    /// Its number in the ledger.
    pub number: usize,
    /// Its plan.
    pub plan: TablePlan,
    /// Its chunks.
    pub chunker: Mutex<Chunker>,
    /// How it is digested, once decided.
    pub method: Mutex<Option<Method>>,
    /// Whether its key was seen to work as a range; unknown at first.
    pub ranged: Mutex<Option<bool>>,
    /// It failed, or its definition changed: nothing more is read of it.
    pub over: AtomicBool,
    /// Its definition changed: it has to be planned anew.
    pub changed: AtomicBool,
}

impl TableRun {
    /// The chunker, locked.
    pub fn chunker(&self) -> MutexGuard<'_, Chunker> {
        self.chunker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more is to be read of it.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Its definition changed under the comparison.
    pub fn mark_changed(&self) {
        self.changed.store(true, Ordering::Release);
        self.over.store(true, Ordering::Release);
    }
}

/// A chunk as read on the source, for the replicas.
pub struct WorkItem {
    /// The table.
    pub table: Arc<TableRun>,
    /// The chunk.
    pub id: ChunkId,
    /// Its rows.
    pub interval: Interval,
    /// How replicas are to read it.
    pub extent: Extent,
    /// How it was digested.
    pub method: Method,
    /// What it amounts to on the source.
    pub facts: ChunkFacts,
    /// The source's position after it was read.
    pub position: Position,
    /// The memory that it holds counts against this.
    pub budget: Arc<AtomicUsize>,
}

impl Drop for WorkItem {
    fn drop(&mut self) {
        let held = self.facts.rowset.as_ref().map_or(0, crate::rowset::RowSet::bytes);
        self.budget.fetch_sub(held, Ordering::AcqRel);
    }
}

/// Rows of a chunk that differ at first sight on a replica.
pub struct Suspects {
    /// The table.
    pub table: Arc<TableRun>,
    /// The chunk.
    pub id: ChunkId,
    /// Its rows.
    pub interval: Interval,
    /// Which rows.
    pub scope: Scope,
    /// The chunk's outcome so far.
    pub outcome: Outcome,
}

/// Everything that the threads of a pass share.
pub struct Run<'a> {
    /// What is asked.
    pub options: &'a CompareOptions,
    /// The books.
    pub ledger: Ledger<'a>,
    /// The state on disk.
    pub state: State,
    /// The request to stop.
    pub stop: &'a Stop,
    /// The source.
    pub source: Node,
    /// Its name and what tells it from another server at the same address.
    pub source_identity: String,
    /// Kind of positions of the source.
    pub kind: PositionKind,
    /// Whether differences can be proven by the binlog.
    pub binlog_proof: bool,
    /// What the source keeps out of its binlog.
    pub log_filter: LogFilter,
    /// The replicas.
    pub replicas: Vec<ReplicaNode>,
    /// How fast rows are read on the source.
    pub pace: Pace,
    /// Where the source's binlog ended a little ago.
    pub marks: Marks,
    /// After this nothing new is started.
    pub deadline: Option<Instant>,
    /// Readers and resolvers are finished.
    pub readers_finished: AtomicBool,
    /// The source was given up.
    pub source_lost: AtomicBool,
    /// Bytes of remembered rows in flight.
    pub remembered: Arc<AtomicUsize>,
}

impl Run<'_> {
    /// Nothing new is to be started.
    pub fn is_over(&self) -> bool {
        self.stop.requested().is_some() || self.source_lost.load(Ordering::Acquire) || self.past_deadline()
    }

    /// `--run-time` is over.
    pub fn past_deadline(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Notes that the state could not be written; once.
    pub fn note_state(&self, result: rusqlite::Result<()>) {
        if let Err(error) = result {
            self.ledger.notice(
                Code::StateFault,
                None,
                format!("the state of the run cannot be written, so it cannot be resumed: {error}"),
            );
        }
    }

    /// Says that a connection was made again after a loss, if it was.
    pub fn note_reconnects(&self, link: &Link<'_>) {
        // After a stop it was ourselves who cut them.
        if link.reconnects > 0 && self.stop.requested().is_none() {
            let text = "a connection was lost and made again; what was being read was read anew";
            self.ledger.notice(Code::Retried, Some(link.name()), text);
        }
    }

    /// Takes in that the source failed while `table` was read.
    pub fn source_failed(&self, table: &TableRun, error: &ServerError) {
        match error.fault {
            Fault::Killed if self.stop.requested().is_some() => {}
            Fault::Lost | Fault::Busy | Fault::Refused | Fault::UnknownHost | Fault::Tls => {
                if !self.source_lost.swap(true, Ordering::AcqRel) {
                    self.ledger.failure(
                        Failure::new(Code::ConnectionLost, error.to_string())
                            .with_hint("continue with --resume once the source is back"),
                    );
                }
            }
            // It is reported at the end, whoever notices it first.
            Fault::Moved => self.source_lost.store(true, Ordering::Release),
            _ => self.table_failed(table, None, error),
        }
    }

    /// Takes in that a replica failed while `table` was read.
    pub fn replica_failed(&self, table: &TableRun, at: usize, error: &ServerError) {
        let Some(replica) = self.replicas.get(at) else { return };
        match error.fault {
            Fault::Killed if self.stop.requested().is_some() => {}
            Fault::Lost | Fault::Busy | Fault::Refused | Fault::UnknownHost | Fault::Tls => {
                self.give_up(replica, error.to_string(), Code::ConnectionLost);
            }
            Fault::Moved => replica.lost.store(true, Ordering::Release),
            _ => self.table_failed(table, Some(&replica.node.name), error),
        }
    }

    /// Gives a replica up; said once.
    pub fn give_up(&self, replica: &ReplicaNode, message: String, code: Code) {
        if !replica.lost.swap(true, Ordering::AcqRel) {
            let failure = Failure::new(code, message).at(None, Some(&replica.node.name));
            self.ledger.failure(failure.with_hint("continue with --resume once the replica is back"));
        }
    }

    fn table_failed(&self, table: &TableRun, replica: Option<&str>, error: &ServerError) {
        if matches!(error.fault, Fault::Missing | Fault::Changed) {
            table.mark_changed();
            return;
        }
        if table.over.swap(true, Ordering::AcqRel) {
            return;
        }
        let (code, hint) = match error.fault {
            Fault::Denied => (Code::AccessDenied, "grant SELECT on it to the account"),
            Fault::Timeout => (Code::TableFailed, "a lock or a time limit was in the way: continue with --resume"),
            _ => (Code::TableFailed, "continue with --resume, or exclude the table with --ignore-tables"),
        };
        let message = format!("{} cannot be compared to its end: {error}", table.plan.label);
        self.ledger
            .broken(table.number, Failure::new(code, message).with_hint(hint).at(Some(&table.plan.label), replica));
    }
}
