//! Events: what happens during a run, as it happens.

use crate::{
    Command, DigestChoice, Entry, Failure, Finding, Notice, PageTally, Pause, ServerCoverage, Skip, Summary, TableCheck,
};

/// Something that happened. Engines emit these; renderers show them.
#[derive(Clone, Debug)]
pub enum Event {
    /// The run has begun.
    RunStarted {
        /// The command.
        command: Command,
        /// The run's id, by which it is resumed.
        run_id: String,
        /// Milliseconds since the Unix epoch.
        at_ms: u64,
    },
    /// A server was reached and recognised.
    ServerJoined(ServerCoverage),
    /// The tables of a server are being listed and described.
    Listing {
        /// The server's name.
        server: String,
        /// Tables that have been described.
        done: u64,
        /// Tables that there are to describe.
        tables: u64,
    },
    /// What is ahead, for a progress bar. May come again with better figures.
    Planned {
        /// Number of tables.
        tables: u64,
        /// Estimated rows on the source, over all tables.
        rows: u64,
        /// Number of replicas.
        replicas: u64,
    },
    /// A table's first chunk is being read.
    TableStarted {
        /// `db.table`.
        table: String,
        /// Estimated rows on the source.
        rows: u64,
    },
    /// How a table's rows are digested was decided.
    DigestChosen {
        /// `db.table`.
        table: String,
        /// The choice.
        choice: DigestChoice,
    },
    /// A chunk was decided on one replica.
    ChunkDone {
        /// `db.table`.
        table: String,
        /// The replica's name.
        replica: String,
        /// Rows of the chunk, on the source.
        rows: u64,
        /// True when it was equal at the first look.
        equal: bool,
    },
    /// Differing keys are being looked at again.
    Resolving {
        /// `db.table`.
        table: String,
        /// The replica's name.
        replica: String,
        /// Keys still undecided.
        keys: u64,
    },
    /// Files are ahead, for a progress bar over bytes.
    FilesPlanned {
        /// Number of files.
        files: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// The first bytes of a file are being read.
    FileStarted {
        /// The file.
        file: String,
        /// Its bytes.
        bytes: u64,
    },
    /// A part of a file was looked at.
    FileRead {
        /// The file.
        file: String,
        /// The bytes of the part.
        bytes: u64,
    },
    /// A file was looked at to its end.
    FileFinished {
        /// The file.
        file: String,
        /// Its pages by their class.
        tally: PageTally,
    },
    /// A table was held against a manifest.
    TableChecked(TableCheck),
    /// A line of the account: an item is owed, reported on or settled.
    Account(Entry),
    /// A finding, as soon as it is certain.
    Finding(Finding),
    /// A failure to look.
    Error(Failure),
    /// A choice not to look.
    Skip(Skip),
    /// Something to know about how the run looks.
    Notice(Notice),
    /// Readers of a server are being held back. Emitted when the pause begins (`paused_ms` is 0).
    Paused(Pause),
    /// The pause is over; `paused_ms` is its length.
    Resumed(Pause),
    /// A table is decided on every replica.
    TableFinished {
        /// `db.table`.
        table: String,
    },
    /// The run is over; always the last event.
    RunFinished(Box<Summary>),
}

/// Takes events. Called from many threads; must not block for long.
pub trait Sink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: &Event);
}

/// Drops every event.
pub struct NullSink;

impl Sink for NullSink {
    fn emit(&self, _event: &Event) {}
}

/// Hands every event to several sinks, in order.
pub struct Tee(pub Vec<Box<dyn Sink>>);

impl Sink for Tee {
    fn emit(&self, event: &Event) {
        for sink in &self.0 {
            sink.emit(event);
        }
    }
}
