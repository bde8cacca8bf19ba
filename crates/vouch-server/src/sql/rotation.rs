//! The bookkeeping of rotating slices, in tables beside the replicate table.
//!
//! One row holds modulo, offset and the number of the rotation; one row a chunk
//! holds its boundaries, which stand still for a whole rotation, and when it was
//! last verified. Like `replicate.rs`, this writes; everything replicates, so that
//! a rotation goes on after a failover.

use crate::ident::{TableName, quote};
use crate::session::{Result, Session};
use crate::sql::decode;
use crate::sql::replicate::ReplicateTable;
use mysql_common::{Row, Value};
use vouch_convert::{narrow, parse, utf8};

/// The names of the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationTables {
    rotation: TableName,
    chunks: TableName,
    slices: TableName,
}

impl RotationTables {
    /// Those beside a replicate table.
    pub fn beside(table: &ReplicateTable) -> Self {
        let name =
            |suffix: &str| TableName::new(table.name.database.as_str(), format!("{}_{suffix}", table.name.table));
        RotationTables { rotation: name("rotation"), chunks: name("chunks"), slices: name("slices") }
    }
}

/// Where the rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Slices.
    pub modulo: u64,
    /// The slice that is next.
    pub offset: u64,
    /// The rotation's number, from 1.
    pub number: u64,
    /// When it began, in seconds since the Unix epoch.
    pub started_s: u64,
}

/// A chunk of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedChunk {
    /// Its number, from 1.
    pub number: u64,
    /// Its lower boundary as text; `None` for an open end.
    pub lower: Option<String>,
    /// Its upper boundary as text; `None` for an open end.
    pub upper: Option<String>,
    /// The key that it was cut along, in words.
    pub key: String,
    /// The rotation that it was cut for.
    pub rotation: u64,
    /// When rows of it were last verified, in seconds since the Unix epoch; `None` for never.
    pub verified_s: Option<u64>,
}

/// What is known of one slice of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceTotals {
    /// The table.
    pub table: TableName,
    /// The slice.
    pub slice: u64,
    /// Its chunks.
    pub chunks: u64,
    /// Those of them that were verified in the present rotation.
    pub verified: u64,
    /// Those of them that were never verified.
    pub never: u64,
    /// The oldest verification of the others, in seconds since the Unix epoch.
    pub oldest_s: Option<u64>,
}

/// Chunks that are noted in one statement.
const AT_ONCE: usize = 500;

fn named(of: &TableName) -> Vec<Value> {
    vec![of.database.as_str().into(), of.table.as_str().into()]
}

fn optional(value: Option<&str>) -> Value {
    value.map_or(Value::NULL, Value::from)
}

fn slice_totals(row: &Row) -> SliceTotals {
    let number = |name: &str| decode::number(row, &[name]);
    let text = |name: &str| decode::text(row, &[name]).unwrap_or_default();
    SliceTotals {
        table: TableName::new(text("db"), text("tbl")),
        slice: number("slice").unwrap_or(0),
        chunks: number("chunks").unwrap_or(0),
        verified: number("verified").unwrap_or(0),
        never: number("never").unwrap_or(0),
        oldest_s: number("oldest"),
    }
}

impl Session {
    /// Makes the tables where they are missing.
    ///
    /// # Errors
    /// Those of the server.
    pub fn create_rotation(&mut self, tables: &RotationTables) -> Result<()> {
        let options = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin";
        for sql in [
            format!(
                "CREATE TABLE IF NOT EXISTS {} (id TINYINT NOT NULL PRIMARY KEY, modulo INT UNSIGNED NOT NULL, \
                 next_offset INT UNSIGNED NOT NULL, rotation BIGINT UNSIGNED NOT NULL, started_s BIGINT UNSIGNED NOT NULL, \
                 moved_s BIGINT UNSIGNED NULL) {options}",
                tables.rotation.sql()
            ),
            format!(
                "CREATE TABLE IF NOT EXISTS {} (db CHAR(64) NOT NULL, tbl CHAR(64) NOT NULL, chunk INT NOT NULL, \
                 lower_boundary TEXT NULL, upper_boundary TEXT NULL, chunk_key TEXT NOT NULL, rotation BIGINT UNSIGNED NOT NULL, \
                 verified_rotation BIGINT UNSIGNED NULL, verified_s BIGINT UNSIGNED NULL, \
                 PRIMARY KEY (db, tbl, chunk)) {options}",
                tables.chunks.sql()
            ),
            format!(
                "CREATE TABLE IF NOT EXISTS {} (slice INT UNSIGNED NOT NULL PRIMARY KEY, \
                 rotation BIGINT UNSIGNED NOT NULL, finished_s BIGINT UNSIGNED NOT NULL) {options}",
                tables.slices.sql()
            ),
        ] {
            self.write(&sql, Vec::new())?;
        }
        Ok(())
    }

    /// Where the rotation stands; `None` before the first.
    ///
    /// # Errors
    /// Those of the server; [`crate::Fault::Missing`] without the tables.
    pub fn rotation(&mut self, tables: &RotationTables) -> Result<Option<Rotation>> {
        let sql =
            format!("SELECT modulo, next_offset, rotation, started_s FROM {} WHERE id = 1", tables.rotation.sql());
        let rows = self.rows(&sql, Vec::new())?;
        let number = |name| rows.first().and_then(|row| decode::number(row, &[name]));
        Ok(number("modulo").map(|modulo| Rotation {
            modulo,
            offset: number("next_offset").unwrap_or(0),
            number: number("rotation").unwrap_or(1),
            started_s: number("started_s").unwrap_or(0),
        }))
    }

    /// Begins rotation `number`.
    ///
    /// # Errors
    /// Those of the server.
    pub fn begin_rotation(&mut self, tables: &RotationTables, modulo: u64, offset: u64, number: u64) -> Result<()> {
        let sql = format!(
            "REPLACE INTO {} (id, modulo, next_offset, rotation, started_s) VALUES (1, ?, ?, ?, UNIX_TIMESTAMP())",
            tables.rotation.sql()
        );
        self.write(&sql, vec![modulo.into(), offset.into(), number.into()]).map(|_| ())
    }

    /// Whether a slice was finished in rotation `number`.
    ///
    /// # Errors
    /// Those of the server.
    pub fn slice_is_finished(&mut self, tables: &RotationTables, slice: u64, number: u64) -> Result<bool> {
        let sql = format!("SELECT slice FROM {} WHERE slice = ? AND rotation = ?", tables.slices.sql());
        Ok(!self.rows(&sql, vec![slice.into(), number.into()])?.is_empty())
    }

    /// The value of an expression of the user's own, such as `WEEKDAY(NOW())` or
    /// `a FROM b.c`; `None` when it is NULL or no number.
    ///
    /// # Errors
    /// Those of the server.
    pub fn number_of(&mut self, expression: &str) -> Result<Option<u64>> {
        let rows = self.show(&format!("SELECT {expression}"))?;
        let value = rows.first().map(|row| decode::value(row, 0));
        Ok(value.and_then(|value| match value {
            Value::Int(number) => narrow::<u64, _>(number),
            Value::UInt(number) => Some(number),
            Value::Bytes(bytes) => parse(utf8(&bytes)?.trim()),
            _ => None,
        }))
    }

    /// The chunks of one table as they were cut last, in the order of their numbers.
    ///
    /// # Errors
    /// Those of the server.
    pub fn planned_chunks(&mut self, tables: &RotationTables, of: &TableName) -> Result<Vec<PlannedChunk>> {
        let sql = format!(
            "SELECT chunk, lower_boundary, upper_boundary, chunk_key, rotation, verified_s FROM {} WHERE db = ? AND tbl = ? \
             ORDER BY chunk",
            tables.chunks.sql()
        );
        let number = |row: &Row, name: &str| decode::number(row, &[name]);
        let chunk = |row: &Row| PlannedChunk {
            number: number(row, "chunk").unwrap_or(0),
            lower: decode::text(row, &["lower_boundary"]),
            upper: decode::text(row, &["upper_boundary"]),
            key: decode::text(row, &["chunk_key"]).unwrap_or_default(),
            rotation: number(row, "rotation").unwrap_or(0),
            verified_s: number(row, "verified_s"),
        };
        Ok(self.rows(&sql, named(of))?.iter().map(chunk).collect())
    }

    /// Replaces the chunks of one table by those of a new rotation, all or nothing.
    ///
    /// # Errors
    /// Those of the server.
    pub fn plan_chunks(&mut self, tables: &RotationTables, of: &TableName, chunks: &[PlannedChunk]) -> Result<()> {
        self.run("START TRANSACTION")?;
        let sql = format!("DELETE FROM {} WHERE db = ? AND tbl = ?", tables.chunks.sql());
        let written = self.write(&sql, named(of)).and_then(|_| self.add_chunks(tables, of, chunks));
        self.end(written)
    }

    /// Notes more chunks of one table.
    ///
    /// # Errors
    /// Those of the server.
    pub fn add_chunks(&mut self, tables: &RotationTables, of: &TableName, chunks: &[PlannedChunk]) -> Result<()> {
        for part in chunks.chunks(AT_ONCE) {
            let values = vec!["(?, ?, ?, ?, ?, ?, ?, ?)"; part.len()].join(", ");
            let sql = format!(
                "REPLACE INTO {} (db, tbl, chunk, lower_boundary, upper_boundary, chunk_key, rotation, verified_s) VALUES {values}",
                tables.chunks.sql()
            );
            let params = part.iter().flat_map(|chunk| {
                let mut params = named(of);
                params.extend([
                    chunk.number.into(),
                    optional(chunk.lower.as_deref()),
                    optional(chunk.upper.as_deref()),
                    chunk.key.as_str().into(),
                    chunk.rotation.into(),
                    chunk.verified_s.map_or(Value::NULL, Value::UInt),
                ]);
                params
            });
            self.write(&sql, params.collect())?;
        }
        Ok(())
    }

    /// Forgets the chunks of a table.
    ///
    /// # Errors
    /// Those of the server.
    pub fn forget_chunks(&mut self, tables: &RotationTables, of: &TableName) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE db = ? AND tbl = ?", tables.chunks.sql());
        self.write(&sql, named(of)).map(|_| ())
    }

    /// Notes the verified chunks of a slice, and with `next` that the slice is
    /// finished and which one follows, all in one transaction.
    ///
    /// # Errors
    /// Those of the server; then nothing is noted.
    pub fn finish_slice(
        &mut self,
        tables: &RotationTables,
        at: Rotation,
        verified: &[TableName],
        next: Option<u64>,
    ) -> Result<()> {
        self.run("START TRANSACTION")?;
        let written = self.slice_transaction(tables, at, verified, next);
        self.end(written)
    }

    fn slice_transaction(
        &mut self,
        tables: &RotationTables,
        at: Rotation,
        verified: &[TableName],
        next: Option<u64>,
    ) -> Result<()> {
        let sql = format!(
            "UPDATE {} SET verified_rotation = ?, verified_s = UNIX_TIMESTAMP() \
             WHERE db = ? AND tbl = ? AND chunk % ? = ?",
            tables.chunks.sql()
        );
        for of in verified {
            let mut params = vec![at.number.into()];
            params.extend(named(of));
            params.extend([at.modulo.into(), at.offset.into()]);
            self.write(&sql, params)?;
        }
        let Some(next) = next else { return Ok(()) };
        let sql = format!(
            "REPLACE INTO {} (slice, rotation, finished_s) VALUES (?, ?, UNIX_TIMESTAMP())",
            tables.slices.sql()
        );
        self.write(&sql, vec![at.offset.into(), at.number.into()])?;
        let sql =
            format!("UPDATE {} SET next_offset = ?, moved_s = UNIX_TIMESTAMP() WHERE id = 1", tables.rotation.sql());
        self.write(&sql, vec![next.into()]).map(|_| ())
    }

    fn end(&mut self, written: Result<()>) -> Result<()> {
        match written {
            Ok(()) => self.run("COMMIT"),
            Err(error) => {
                // What the server undid by itself needs no word.
                self.run("ROLLBACK").ok();
                Err(error)
            }
        }
    }

    /// What is known of every slice of every table, in the rotation `at`.
    ///
    /// # Errors
    /// Those of the server.
    pub fn slice_totals(&mut self, tables: &RotationTables, at: Rotation) -> Result<Vec<SliceTotals>> {
        let sql = format!(
            "SELECT db, tbl, chunk % ? AS {}, COUNT(*) AS chunks, COALESCE(SUM(verified_rotation = ?), 0) AS verified, \
             SUM(verified_s IS NULL) AS never, MIN(verified_s) AS oldest FROM {} GROUP BY db, tbl, 3",
            quote("slice"),
            tables.chunks.sql()
        );
        Ok(self.rows(&sql, vec![at.modulo.into(), at.number.into()])?.iter().map(slice_totals).collect())
    }
}
