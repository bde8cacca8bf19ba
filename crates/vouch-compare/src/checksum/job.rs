//! What the writer, the followers and the watchers of a run share.

use super::options::ChecksumOptions;
use crate::fence::Fence;
use crate::ledger::Ledger;
use crate::queue::Queue;
use crate::run::Node;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use vouch_report::{Code, Failure, Stop};
use vouch_server::{ChunkRow, Position, PositionKind, ReplicateTable, TableName};

/// A chunk that the source has written, for the replicas.
pub struct Item {
    /// Number of the table in the ledger.
    pub table: usize,
    /// `db.table`.
    pub label: String,
    /// The table.
    pub of: TableName,
    /// The row that the source wrote.
    pub row: ChunkRow,
    /// The source's position after it.
    pub position: Position,
    /// When that was.
    pub written: Instant,
    /// The same, milliseconds since the Unix epoch.
    pub written_ms: u64,
}

/// A replica.
pub struct Replica {
    /// The server; its gate is closed by what the server says of its lag.
    pub node: Node,
    /// Closed by how long our own chunks take to arrive.
    pub arrival: crate::throttle::Gate,
    /// How positions work with it.
    pub fence: Fence,
    /// The replicate table there.
    pub table: ReplicateTable,
    /// It gets copies of another server's checksums, and computes none.
    pub by_rows: AtomicBool,
    /// Whether its lag holds the writer back.
    pub counts: bool,
    /// Chunks that it has to be asked about.
    pub items: Queue<Arc<Item>>,
    /// The oldest chunk that it has not applied yet.
    pub awaited: Mutex<Option<Awaited>>,
    /// It was given up.
    pub lost: AtomicBool,
}

/// A chunk that a replica has not applied yet.
#[derive(Clone, Copy, Debug)]
pub struct Awaited {
    /// When the source had written it.
    pub since: Instant,
    /// When the replica has had as much time for it as the source took.
    pub due: Instant,
}

impl Replica {
    fn awaited(&self) -> Option<Awaited> {
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the oldest chunk that it has not applied has been on its way.
    pub fn behind(&self) -> Duration {
        self.awaited().map_or(Duration::ZERO, |awaited| awaited.since.elapsed())
    }

    /// Whether it takes longer for a chunk than the source did.
    pub fn is_overdue(&self) -> bool {
        self.awaited().is_some_and(|awaited| Instant::now() > awaited.due)
    }

    /// Notes which chunk is waited for.
    pub fn set_awaited(&self, awaited: Option<Awaited>) {
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) = awaited;
    }

    /// Whether it gets copies of another server's checksums.
    pub fn gets_copies(&self) -> bool {
        self.by_rows.load(Ordering::Acquire)
    }

    /// Whether it was given up.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

/// Everything that the threads of a run share.
pub struct Job<'a> {
    /// What is asked.
    pub options: &'a ChecksumOptions,
    /// The books.
    pub ledger: Ledger<'a>,
    /// The request to stop.
    pub stop: &'a Stop,
    /// The source.
    pub source: Node,
    /// The server whose lag counts, where that is no replica of the run.
    pub outsider: Option<Node>,
    /// The replicate table on the source.
    pub table: ReplicateTable,
    /// Kind of positions of the source.
    pub kind: PositionKind,
    /// The source's position after the row that tells who computes checksums.
    pub witnessed: Position,
    /// Whether the source combines digests in full width.
    pub wide: bool,
    /// The replicas.
    pub replicas: Vec<Replica>,
    /// After this nothing new is started.
    pub deadline: Option<Instant>,
    /// The writer is finished.
    pub finished: AtomicBool,
    /// A checksum did not arrive, or could not be read.
    pub unread: AtomicBool,
}

impl Job<'_> {
    /// `--run-time` is over.
    pub fn past_deadline(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Nothing new is to be started.
    pub fn is_over(&self) -> bool {
        self.stop.requested().is_some() || self.past_deadline() || self.replicas.iter().all(Replica::is_lost)
    }

    /// Gives a replica up; said once.
    pub fn give_up(&self, replica: &Replica, code: Code, message: String) {
        if !replica.lost.swap(true, Ordering::AcqRel) && self.stop.requested().is_none() {
            let failure = Failure::new(code, message).at(None, Some(&replica.node.name));
            self.ledger.failure(failure.with_hint("run again with --resume once the replica is back"));
        }
    }
}
