//! The state of a run on disk: what was cut, what is decided, what was found.
//!
//! One SQLite file per run directory. A chunk counts as decided for a replica
//! only in the transaction that writes the last of its findings, so a killed run can
//! be resumed without losing or doubling anything.
//!
//! Invariants: all findings are kept, whatever the report lists; after a write that
//! failed nothing more is written, so what is there has no holes.

mod earlier;
mod file;
mod finding_row;
mod meaning;

pub use earlier::{Asked, Earlier, Kept};
pub use meaning::Meaning;

use crate::chunk::chunker::ChunkId;
use crate::encode;
use rusqlite::{Connection, params};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vouch_report::Finding;
use vouch_server::{Bound, Interval};

/// What can go wrong with the state of a run.
#[derive(Debug)]
pub enum StateError {
    /// There is no run of that id, or none at all.
    NoSuchRun(String),
    /// The run was made with other options; tells which.
    OtherOptions(String),
    /// Another process works on the run.
    Locked(String),
    /// The directory or the file cannot be used.
    Unusable(PathBuf, String),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::NoSuchRun(id) => write!(f, "there is no run {id} to resume"),
            StateError::OtherOptions(what) => write!(f, "the run was made with other options: {what}"),
            StateError::Locked(id) => write!(f, "another process works on run {id}"),
            StateError::Unusable(path, why) => write!(f, "the state in {} cannot be used: {why}", path.display()),
        }
    }
}

/// A chunk's outcome on one replica.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows on the source.
    pub source_rows: u64,
    /// Bytes of rows on the source.
    pub source_bytes: u64,
    /// Rows on the replica.
    pub rows: u64,
    /// Rows on the source only.
    pub source_only: u64,
    /// Rows on the replica only.
    pub replica_only: u64,
    /// Changed rows.
    pub changed: u64,
    /// Keys that were changes in flight.
    pub in_flight: u64,
    /// The source's position of the chunk.
    pub position: String,
    /// When it was decided, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The source's digest.
    pub digest: Vec<u8>,
}

impl Outcome {
    /// Rows that differ.
    pub fn differing(&self) -> u64 {
        self.source_only.saturating_add(self.replica_only).saturating_add(self.changed)
    }
}

/// The state of one run.
pub struct State {
    id: String,
    salt: u64,
    db: Mutex<Connection>,
    /// A write failed.
    broken: AtomicBool,
}

/// Bumped with every change of the tables below; runs of other layouts are not resumed.
const LAYOUT: i64 = 2;

const TABLES: &str = "
    CREATE TABLE run (id TEXT, layout INTEGER, salt BLOB, options TEXT);
    CREATE TABLE segments (tbl TEXT PRIMARY KEY, bounds BLOB, meaning TEXT) WITHOUT ROWID;
    CREATE TABLE chunk (tbl TEXT, segment INTEGER, number INTEGER, lower BLOB, upper BLOB,
        PRIMARY KEY (tbl, segment, number)) WITHOUT ROWID;
    CREATE TABLE done (tbl TEXT, segment INTEGER, number INTEGER, replica TEXT, source_rows INTEGER,
        source_bytes INTEGER, rows INTEGER, source_only INTEGER, replica_only INTEGER, changed INTEGER,
        in_flight INTEGER, position TEXT, at_ms INTEGER, digest BLOB,
        PRIMARY KEY (tbl, segment, number, replica)) WITHOUT ROWID;
    CREATE TABLE finding (tbl TEXT, segment INTEGER, number INTEGER, replica TEXT, code TEXT, severity TEXT,
        message TEXT, key BLOB, columns BLOB, proof TEXT, as_of TEXT, count INTEGER);
    CREATE INDEX finding_tbl ON finding (tbl, replica);
";

impl State {
    /// Starts the state of a new run under `dir`.
    ///
    /// # Errors
    /// [`StateError::Unusable`].
    pub fn create(dir: &Path, id: &str, salt: u64, options: &str) -> Result<Self, StateError> {
        let unusable = |why: String| StateError::Unusable(dir.join("runs").join(id), why);
        let file = file::create(dir, id).map_err(|error| unusable(error.to_string()))?;
        let db = file::open(&file).map_err(|error| unusable(error.to_string()))?;
        let begun = db.execute_batch(TABLES).and_then(|()| {
            let values = params![id, LAYOUT, salt.to_le_bytes(), options];
            db.execute("INSERT INTO run (id, layout, salt, options) VALUES (?, ?, ?, ?)", values)
        });
        begun.map_err(|error| unusable(error.to_string()))?;
        Ok(State::new(id, salt, db))
    }

    /// Opens the state of an earlier run: by its id, or the latest one by `last`.
    ///
    /// # Errors
    /// Any [`StateError`].
    pub fn resume(dir: &Path, wanted: &str, options: &str) -> Result<Self, StateError> {
        let unreadable = |error: std::io::Error| StateError::Unusable(dir.join("runs"), error.to_string());
        let none = || StateError::NoSuchRun(wanted.to_owned());
        let id =
            if wanted == "last" { file::latest(dir).map_err(unreadable)?.ok_or_else(none)? } else { wanted.to_owned() };
        let file = file::find(dir, &id).map_err(unreadable)?.ok_or_else(none)?;
        let unusable = |why: rusqlite::Error| match why.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                StateError::Locked(id.clone())
            }
            _ => StateError::Unusable(file.clone(), why.to_string()),
        };
        let db = file::open(&file).map_err(unusable)?;
        let layout: i64 = db.query_row("SELECT layout FROM run", [], |row| row.get(0)).map_err(unusable)?;
        if layout != LAYOUT {
            return Err(StateError::OtherOptions("another version of vouch".to_owned()));
        }
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, [u8; 8]>(0)?, row.get::<_, String>(1)?));
        let (salt, started_with) = db.query_row("SELECT salt, options FROM run", [], read).map_err(unusable)?;
        if started_with != options {
            return Err(StateError::OtherOptions(first_difference(&started_with, options)));
        }
        Ok(State::new(&id, u64::from_le_bytes(salt), db))
    }

    fn new(id: &str, salt: u64, db: Connection) -> Self {
        State { id: id.to_owned(), salt, db: Mutex::new(db), broken: AtomicBool::new(false) }
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The run's salt.
    pub fn salt(&self) -> u64 {
        self.salt
    }

    /// Writes in one transaction. After a failure nothing more is written.
    fn write(&self, write: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        let mut db = self.db();
        if self.broken.load(Ordering::Acquire) {
            return Ok(());
        }
        let written = db.transaction().and_then(|transaction| {
            write(&transaction)?;
            transaction.commit()
        });
        self.broken.store(written.is_err(), Ordering::Release);
        written
    }

    /// What an earlier run left of a table.
    pub fn earlier(&self, asked: &Asked<'_>) -> Kept {
        earlier::read(&self.db(), asked)
    }

    /// Notes how a table is segmented, and forgets all else about it.
    pub fn start_table(&self, table: &str, bounds: &[Bound], meaning: &Meaning) -> rusqlite::Result<()> {
        self.write(|db| {
            for name in ["segments", "chunk", "done", "finding"] {
                db.execute(&format!("DELETE FROM {name} WHERE tbl = ?"), [table])?;
            }
            let bounds = encode::encode(bounds.iter().flatten());
            db.execute("INSERT INTO segments VALUES (?, ?, ?)", params![table, bounds, meaning.as_text()])?;
            Ok(())
        })
    }

    /// Notes that a chunk was cut.
    pub fn cut(&self, table: &str, id: ChunkId, interval: &Interval) -> rusqlite::Result<()> {
        let bound = |bound: &Option<Bound>| bound.as_ref().map(encode::encode);
        self.write(|db| {
            let mut statement = db.prepare_cached("INSERT INTO chunk VALUES (?, ?, ?, ?, ?)")?;
            statement.execute(params![table, id.segment, id.number, bound(&interval.lower), bound(&interval.upper)])?;
            Ok(())
        })
    }

    /// Keeps findings of a chunk that is not decided yet.
    pub fn keep(&self, table: &str, id: ChunkId, replica: &str, findings: &[Finding]) -> rusqlite::Result<()> {
        self.write(|db| findings.iter().try_for_each(|finding| finding_row::insert(db, table, id, replica, finding)))
    }

    /// Notes that a chunk is decided for a replica, with the last of its findings.
    pub fn decide(
        &self,
        table: &str,
        id: ChunkId,
        replica: &str,
        outcome: &Outcome,
        findings: &[Finding],
    ) -> rusqlite::Result<()> {
        self.write(|db| {
            db.prepare_cached("INSERT INTO done VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
                params![
                    table,
                    id.segment,
                    id.number,
                    replica,
                    count(outcome.source_rows),
                    count(outcome.source_bytes),
                    count(outcome.rows),
                    count(outcome.source_only),
                    count(outcome.replica_only),
                    count(outcome.changed),
                    count(outcome.in_flight),
                    outcome.position,
                    count(outcome.at_ms),
                    outcome.digest,
                ],
            )?;
            findings.iter().try_for_each(|finding| finding_row::insert(db, table, id, replica, finding))
        })
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The first line in which two option texts differ, as `then -> now`.
fn first_difference(then: &str, now: &str) -> String {
    let pair = then.lines().zip(now.lines()).find(|(a, b)| a != b);
    pair.map_or_else(|| "another version of vouch".to_owned(), |(a, b)| format!("{a} then, {b} now"))
}
