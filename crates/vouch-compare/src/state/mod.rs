//! The state of a run on disk: what was cut, what is decided, what was found.
//!
//! One SQLite file per run directory. A chunk counts as decided for a replica
//! only in the same transaction that holds its findings, so a killed run can be
//! resumed without losing or doubling anything.

mod finding_row;

use crate::chunk::chunker::{ChunkId, KnownChunk};
use crate::encode;
use rusqlite::{Connection, OptionalExtension, params};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
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

/// The state of one run.
pub struct State {
    id: String,
    salt: u64,
    db: Mutex<Connection>,
}

/// Bumped with every change of the tables below; runs of other layouts are not resumed.
const LAYOUT: i64 = 1;

const TABLES: &str = "
    CREATE TABLE run (id TEXT, layout INTEGER, salt BLOB, options TEXT);
    CREATE TABLE segments (tbl TEXT PRIMARY KEY, bounds BLOB, definition BLOB) WITHOUT ROWID;
    CREATE TABLE chunk (tbl TEXT, segment INTEGER, number INTEGER, lower BLOB, upper BLOB,
        PRIMARY KEY (tbl, segment, number)) WITHOUT ROWID;
    CREATE TABLE done (tbl TEXT, segment INTEGER, number INTEGER, replica TEXT, source_rows INTEGER,
        source_bytes INTEGER, rows INTEGER, source_only INTEGER, replica_only INTEGER, changed INTEGER,
        in_flight INTEGER, position TEXT, at_ms INTEGER, digest BLOB,
        PRIMARY KEY (tbl, segment, number, replica)) WITHOUT ROWID;
    CREATE TABLE finding (tbl TEXT, replica TEXT, code TEXT, severity TEXT, message TEXT, key BLOB, columns BLOB,
        proof TEXT, as_of TEXT, count INTEGER);
    CREATE INDEX finding_tbl ON finding (tbl);
";

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl State {
    /// Starts the state of a new run under `dir`.
    ///
    /// # Errors
    /// [`StateError::Unusable`].
    pub fn create(dir: &Path, id: &str, salt: u64, options: &str) -> Result<Self, StateError> {
        let folder = dir.join("runs").join(id);
        let unusable = |why: String| StateError::Unusable(folder.clone(), why);
        std::fs::create_dir_all(&folder).map_err(|error| unusable(error.to_string()))?;
        let db = open(&folder.join("state.sqlite")).map_err(|error| unusable(error.to_string()))?;
        let begun = db.execute_batch(TABLES).and_then(|()| {
            let values = params![id, LAYOUT, salt.to_le_bytes(), options];
            db.execute("INSERT INTO run (id, layout, salt, options) VALUES (?, ?, ?, ?)", values)
        });
        begun.map_err(|error| unusable(error.to_string()))?;
        Ok(State { id: id.to_owned(), salt, db: Mutex::new(db) })
    }

    /// Opens the state of an earlier run: by its id, or the latest one by `last`.
    ///
    /// # Errors
    /// Any [`StateError`].
    pub fn resume(dir: &Path, wanted: &str, options: &str) -> Result<Self, StateError> {
        let runs = dir.join("runs");
        let id = if wanted == "last" { latest(&runs).unwrap_or_default() } else { wanted.to_owned() };
        let file = runs.join(&id).join("state.sqlite");
        let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !plain || !file.is_file() {
            return Err(StateError::NoSuchRun(wanted.to_owned()));
        }
        let unusable = |why: rusqlite::Error| match why.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                StateError::Locked(id.clone())
            }
            _ => StateError::Unusable(file.clone(), why.to_string()),
        };
        let db = open(&file).map_err(unusable)?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?));
        let (layout, salt, made_with): (i64, Vec<u8>, String) =
            db.query_row("SELECT layout, salt, options FROM run", [], read).map_err(unusable)?;
        if layout != LAYOUT || made_with != options {
            return Err(StateError::OtherOptions(first_difference(&made_with, options)));
        }
        let salt = salt.try_into().map(u64::from_le_bytes).unwrap_or(0);
        Ok(State { id: id.clone(), salt, db: Mutex::new(db) })
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

    /// The segment bounds of a table, and the definition they were made for, if it was started.
    pub fn segments(&self, table: &str) -> rusqlite::Result<Option<(Vec<Bound>, String)>> {
        let db = self.db();
        let mut statement = db.prepare_cached("SELECT bounds, definition FROM segments WHERE tbl = ?")?;
        let row =
            statement.query_row([table], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))).optional()?;
        // Each segment bound has one value.
        Ok(row.map(|(bounds, definition)| {
            (encode::decode(&bounds).unwrap_or_default().into_iter().map(|value| vec![value]).collect(), definition)
        }))
    }

    /// Notes how a table is segmented, and forgets all else about it.
    pub fn start_table(&self, table: &str, bounds: &[Bound], definition: &str) -> rusqlite::Result<()> {
        let mut db = self.db();
        let transaction = db.transaction()?;
        for name in ["segments", "chunk", "done", "finding"] {
            transaction.execute(&format!("DELETE FROM {name} WHERE tbl = ?"), [table])?;
        }
        let bounds = encode::encode(bounds.iter().flatten());
        transaction.execute("INSERT INTO segments VALUES (?, ?, ?)", params![table, bounds, definition])?;
        transaction.commit()
    }

    /// Notes that a chunk was cut.
    pub fn cut(&self, table: &str, id: ChunkId, interval: &Interval) -> rusqlite::Result<()> {
        let db = self.db();
        let bound = |bound: &Option<Bound>| bound.as_ref().map(encode::encode);
        let mut statement = db.prepare_cached("INSERT OR IGNORE INTO chunk VALUES (?, ?, ?, ?, ?)")?;
        statement.execute(params![table, id.segment, id.number, bound(&interval.lower), bound(&interval.upper)])?;
        Ok(())
    }

    /// Notes that a chunk is decided for a replica, with what was found in it.
    pub fn decide(
        &self,
        table: &str,
        id: ChunkId,
        replica: &str,
        outcome: &Outcome,
        findings: &[Finding],
    ) -> rusqlite::Result<()> {
        let mut db = self.db();
        let transaction = db.transaction()?;
        transaction
            .prepare_cached("INSERT OR REPLACE INTO done VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
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
            ])?;
        for finding in findings {
            finding_row::insert(&transaction, table, finding)?;
        }
        transaction.commit()
    }

    /// The chunks of a table that were cut, in order, each with the replicas for
    /// which it is not decided.
    pub fn chunks(&self, table: &str, replicas: &[String]) -> rusqlite::Result<Vec<KnownChunk>> {
        let db = self.db();
        let mut decided = db.prepare_cached(
            "SELECT replica, source_rows, source_bytes FROM done WHERE tbl = ? AND segment = ? AND number = ?",
        )?;
        let mut cut = db
            .prepare_cached("SELECT segment, number, lower, upper FROM chunk WHERE tbl = ? ORDER BY segment, number")?;
        let bound = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| encode::decode(&bytes));
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let mut known = Vec::new();
        let mut rows = cut.query([table])?;
        while let Some(row) = rows.next()? {
            let id = ChunkId { segment: row.get(0)?, number: row.get(1)? };
            let done: Vec<(String, i64, i64)> =
                decided.query_map(params![table, id.segment, id.number], read)?.collect::<Result<_, _>>()?;
            let open = |name: &String| done.iter().all(|(replica, ..)| replica != name);
            let left = replicas.iter().enumerate().filter(|(_, name)| open(name)).map(|(at, _)| at);
            known.push(KnownChunk {
                id,
                interval: Interval { lower: bound(row.get(2)?), upper: bound(row.get(3)?) },
                replicas: left.collect(),
                rows: done.first().map_or(0, |row| row.1.unsigned_abs()),
                bytes: done.first().map_or(0, |row| row.2.unsigned_abs()),
            });
        }
        Ok(known)
    }

    /// Every outcome of a table on a replica, in the order of the chunks.
    pub fn outcomes(&self, table: &str, replica: &str) -> rusqlite::Result<Vec<Outcome>> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT source_rows, source_bytes, rows, source_only, replica_only, changed, in_flight, position, at_ms,
             digest FROM done WHERE tbl = ? AND replica = ? ORDER BY segment, number",
        )?;
        let number = |row: &rusqlite::Row<'_>, at| row.get::<_, i64>(at).map(i64::unsigned_abs);
        let outcome = |row: &rusqlite::Row<'_>| {
            Ok(Outcome {
                source_rows: number(row, 0)?,
                source_bytes: number(row, 1)?,
                rows: number(row, 2)?,
                source_only: number(row, 3)?,
                replica_only: number(row, 4)?,
                changed: number(row, 5)?,
                in_flight: number(row, 6)?,
                position: row.get(7)?,
                at_ms: number(row, 8)?,
                digest: row.get(9)?,
            })
        };
        statement.query_map([table, replica], outcome)?.collect()
    }

    /// The findings of a table.
    pub fn findings(&self, table: &str) -> rusqlite::Result<Vec<Finding>> {
        finding_row::all(&self.db(), table)
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(file)?;
    db.busy_timeout(std::time::Duration::ZERO)?;
    // One process a run. WAL with relaxed syncing outlives a kill of the process;
    // a power cut may cost the last chunks, which are then read again.
    db.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         BEGIN EXCLUSIVE; COMMIT;",
    )?;
    Ok(db)
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The latest run: ids begin with the time they were made at.
fn latest(runs: &Path) -> Option<String> {
    let names = std::fs::read_dir(runs).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.max()
}

/// The first line in which two option texts differ, as `then -> now`.
fn first_difference(then: &str, now: &str) -> String {
    let pair = then.lines().zip(now.lines()).find(|(a, b)| a != b);
    pair.map_or_else(|| "another version of vouch".to_owned(), |(a, b)| format!("{a} then, {b} now"))
}
