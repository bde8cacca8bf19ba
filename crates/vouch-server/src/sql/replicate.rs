//! Writing to the replicate table: the statement that every replica computes anew.
//!
//! One transaction a chunk: the statement replaces the chunk's row by what this
//! server computes, and then notes the source's own values beside it. It
//! replicates as a statement, so each replica's row holds the source's values and
//! its own. This file, `rotation.rs` and the heartbeat are all that ever writes to a
//! database; sessions that were not opened for it refuse.

use crate::error::{Fault, ServerError};
use crate::ident::{TableName, quote};
use crate::session::{Result, Session};
use crate::sql::decode;
use crate::sql::digest::{DigestColumn, row_text};
use crate::sql::order::{Bound, Interval, below_sql, interval_sql};
use crate::sql::rows::Reading;
use crate::{Capability, sql::replicated};
use mysql_common::Value;
use std::time::Instant;

/// The replicate table, as it is on one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicateTable {
    /// Its name.
    pub name: TableName,
    /// The columns of the source's values are called `master_…`, as before Percona Toolkit 3.7.
    pub old_words: bool,
}

impl ReplicateTable {
    pub(crate) fn source_crc(&self) -> &'static str {
        if self.old_words { "master_crc" } else { "source_crc" }
    }

    pub(crate) fn source_cnt(&self) -> &'static str {
        if self.old_words { "master_cnt" } else { "source_cnt" }
    }
}

/// A column in the words of pt-table-checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerconaColumn {
    /// Name.
    pub name: String,
    /// Form.
    pub form: PerconaForm,
    /// May be NULL.
    pub nullable: bool,
}

/// How pt-table-checksum takes a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PerconaForm {
    /// As it is.
    Plain,
    /// Converted to utf8mb4 first.
    Utf8,
    /// As seconds since the epoch.
    Seconds,
    /// By its own CRC32.
    Digested,
}

/// How the rows of a chunk become its checksum.
#[derive(Clone, Debug)]
pub enum Expression {
    /// SHA-2 of unambiguously encoded rows, combined so that nothing cancels.
    Strong {
        /// The columns.
        columns: Vec<DigestColumn>,
        /// Every row is different, since a unique key is part of it.
        distinct: bool,
    },
    /// What pt-table-checksum computes, byte for byte.
    Percona {
        /// The columns.
        columns: Vec<PerconaColumn>,
    },
}

/// The rows of a chunk.
#[derive(Clone, Debug, PartialEq)]
pub enum ChunkRange {
    /// Those of an interval.
    Interval(Interval),
    /// Those before a bound.
    Below(Bound),
}

/// All that the statement of one chunk says.
#[derive(Clone, Debug)]
pub struct ChunkStatement<'a> {
    /// The replicate table.
    pub into: &'a ReplicateTable,
    /// What is read.
    pub reading: &'a Reading,
    /// How it is digested.
    pub expression: &'a Expression,
    /// Its number, from 1.
    pub number: u64,
    /// Its rows.
    pub range: &'a ChunkRange,
    /// Its lower boundary as text; `None` for an open end.
    pub lower: Option<String>,
    /// Its upper boundary as text; `None` for an open end.
    pub upper: Option<String>,
    /// The database that is selected meanwhile: replication filters go by it.
    pub database: &'a str,
}

/// Hexadecimal digits of a row's digest that [`exact`] takes: 108 bits.
const DIGITS: u8 = 27;

/// A row's digest as a number that nothing wider than a DECIMAL can hold, from one
/// computation of it: digits in hexadecimal are letters and digits, and these in
/// hexadecimal again are decimal digits, two for each (`0` is 30, `f` is 66). A
/// DECIMAL has 65 digits; so the sum of 2^31 rows, more than the table can count, fits.
fn exact(digest: &str) -> String {
    format!("CAST(HEX(LEFT({digest},{DIGITS})) AS DECIMAL({},0))", 2 * DIGITS)
}

/// In lower case, which bytes without a charset have none of.
fn lower(text: &str) -> String {
    format!("LOWER(CONVERT({text} USING latin1))")
}

/// The checksum of the rows as an expression of at most 40 characters.
///
/// No salt: values of different runs, and of a source and its replicas, must compare.
fn checksum(expression: &Expression, wide: bool) -> String {
    match expression {
        Expression::Strong { columns, distinct } => {
            let digest = format!("SHA2({},256)", row_text(columns, ""));
            strong(&digest, *distinct, wide)
        }
        Expression::Percona { columns } => {
            let xor = format!("CONV(BIT_XOR(CAST({} AS UNSIGNED)), 10, 16)", percona_row(columns));
            format!("COALESCE({}, 0)", lower(&xor))
        }
    }
}

fn strong(digest: &str, distinct: bool, wide: bool) -> String {
    match distinct && wide {
        true => lower(&format!("LEFT(HEX(BIT_XOR(UNHEX({digest}))),40)")),
        // A sum keeps equal rows, which would cancel under XOR, and is not limited to 64 bits
        // where XOR is. Its own digest fits the column.
        false => format!("LEFT(SHA2(COALESCE(SUM({}),0),256),40)", exact(digest)),
    }
}

fn percona_row(columns: &[PerconaColumn]) -> String {
    let one = |column: &PerconaColumn| {
        let name = quote(&column.name);
        match column.form {
            PerconaForm::Plain => name,
            PerconaForm::Utf8 => format!("CONVERT({name} USING utf8mb4)"),
            PerconaForm::Seconds => format!("UNIX_TIMESTAMP({name})"),
            PerconaForm::Digested => format!("CRC32({name})"),
        }
    };
    let mut parts: Vec<String> = columns.iter().map(one).collect();
    let nulls: Vec<String> =
        columns.iter().filter(|c| c.nullable).map(|c| format!("ISNULL({})", quote(&c.name))).collect();
    if !nulls.is_empty() {
        parts.push(format!("CONCAT({})", nulls.join(", ")));
    }
    match parts.as_slice() {
        [only] => format!("CRC32({only})"),
        _ => format!("CRC32(CONCAT_WS('#', {}))", parts.join(", ")),
    }
}

fn condition(statement: &ChunkStatement<'_>) -> (String, Vec<Value>) {
    match statement.range {
        ChunkRange::Interval(interval) => interval_sql(&statement.reading.key, interval),
        ChunkRange::Below(bound) => below_sql(&statement.reading.key, bound),
    }
}

fn text(value: Option<&str>) -> Value {
    value.map_or(Value::NULL, Value::from)
}

/// The statement with its parameters.
fn replace(statement: &ChunkStatement<'_>, wide: bool) -> (String, Vec<Value>) {
    let (condition, bounds) = condition(statement);
    let sql = format!(
        "REPLACE INTO {} (db, tbl, chunk, chunk_index, lower_boundary, upper_boundary, this_cnt, this_crc) \
         SELECT ?, ?, ?, ?, ?, ?, COUNT(*), {} {}",
        statement.into.name.sql(),
        checksum(statement.expression, wide),
        statement.reading.source_of_rows(&condition),
    );
    let of = &statement.reading.table;
    let mut params = vec![
        of.database.as_str().into(),
        of.table.as_str().into(),
        Value::UInt(statement.number),
        text(statement.reading.index.as_deref()),
        text(statement.lower.as_deref()),
        text(statement.upper.as_deref()),
    ];
    params.extend(bounds);
    (sql, params)
}

impl Session {
    /// Makes the replicate table and its database where they are missing.
    ///
    /// # Errors
    /// Those of the server.
    pub fn create_replicate_table(&mut self, name: &TableName) -> Result<()> {
        self.write(&format!("CREATE DATABASE IF NOT EXISTS {}", quote(&name.database)), Vec::new())?;
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {} (db CHAR(64) NOT NULL, tbl CHAR(64) NOT NULL, chunk INT NOT NULL, \
             chunk_time FLOAT NULL, chunk_index VARCHAR(200) NULL, lower_boundary TEXT NULL, \
             upper_boundary TEXT NULL, this_crc CHAR(40) NOT NULL, this_cnt INT NOT NULL, source_crc CHAR(40) NULL, \
             source_cnt INT NULL, ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, \
             PRIMARY KEY (db, tbl, chunk), INDEX ts_db_tbl (ts, db, tbl)) ENGINE=InnoDB \
             DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
            name.sql()
        );
        self.write(&sql, Vec::new()).map(|_| ())
    }

    /// Empties the replicate table.
    ///
    /// # Errors
    /// Those of the server.
    pub fn truncate_replicate_table(&mut self, table: &ReplicateTable) -> Result<()> {
        self.write(&format!("TRUNCATE TABLE {}", table.name.sql()), Vec::new()).map(|_| ())
    }

    /// Removes the checksums of one table whose number is above `above`.
    ///
    /// # Errors
    /// Those of the server.
    pub fn forget_checksums(&mut self, table: &ReplicateTable, of: &TableName, above: u64) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE db = ? AND tbl = ? AND chunk > ?", table.name.sql());
        self.write(&sql, vec![of.database.as_str().into(), of.table.as_str().into(), above.into()]).map(|_| ())
    }

    /// Writes a row that tells who computed it: every server that runs the statement
    /// notes its own id, and one that gets a copy has another's. It looks equal to
    /// whoever reads the table, and no chunk has its number.
    ///
    /// The global one, since an applier of MariaDB runs under the id of the source.
    ///
    /// # Errors
    /// Those of the server.
    pub fn write_witness(&mut self, table: &ReplicateTable) -> Result<()> {
        let sql = format!(
            "REPLACE INTO {} (db, tbl, chunk, this_crc, this_cnt, {}, {}) \
             SELECT ?, ?, {}, @@GLOBAL.server_id, 0, @@GLOBAL.server_id, 0",
            table.name.sql(),
            table.source_crc(),
            table.source_cnt(),
            replicated::WITNESS
        );
        let of = &table.name;
        self.write(&sql, vec![of.database.as_str().into(), of.table.as_str().into()]).map(|_| ())
    }

    /// Checksums a chunk: here, and through the binlog on every replica. Returns the
    /// row that this server wrote.
    ///
    /// # Errors
    /// Those of the server; nothing is left of a chunk that failed.
    pub fn checksum_chunk(&mut self, statement: &ChunkStatement<'_>) -> Result<replicated::ChunkRow> {
        self.run(&format!("USE {}", quote(statement.database)))?;
        self.run("START TRANSACTION")?;
        let written = self.chunk_transaction(statement);
        let ended = if written.is_ok() { self.run("COMMIT") } else { self.run("ROLLBACK") };
        match (written, ended) {
            (Ok(row), Ok(())) => Ok(row),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    fn chunk_transaction(&mut self, statement: &ChunkStatement<'_>) -> Result<replicated::ChunkRow> {
        let started = Instant::now();
        let (sql, params) = replace(statement, self.has(Capability::WideBitXor));
        self.write(&sql, params)?;
        let (of, into) = (&statement.reading.table, statement.into);
        let took = started.elapsed().as_secs_f64();
        let lost = || ServerError::new(&into.name.to_string(), Fault::Other, "the row of the chunk is not there");
        let row = self.checksum(into, of, statement.number)?.ok_or_else(lost)?;
        let sql = format!(
            "UPDATE {} SET chunk_time = ?, {} = ?, {} = ? WHERE db = ? AND tbl = ? AND chunk = ?",
            into.name.sql(),
            into.source_crc(),
            into.source_cnt()
        );
        let params = vec![
            format!("{took:.6}").into(),
            row.this_crc.as_str().into(),
            row.this_cnt.into(),
            of.database.as_str().into(),
            of.table.as_str().into(),
            statement.number.into(),
        ];
        self.write(&sql, params)?;
        Ok(replicated::ChunkRow {
            source_crc: Some(row.this_crc.clone()),
            source_cnt: Some(row.this_cnt),
            time_s: Some(took),
            ..row
        })
    }

    /// The statement of a chunk as it would be prepared, for a person to read.
    pub fn explain_chunk(&self, statement: &ChunkStatement<'_>) -> String {
        replace(statement, self.has(Capability::WideBitXor)).0
    }

    /// Takes the lock of that name for this session, unless somebody has it.
    ///
    /// # Errors
    /// Those of the server.
    pub fn hold(&mut self, name: &str) -> Result<bool> {
        let rows = self.rows("SELECT IS_USED_LOCK(?) AS u, CONNECTION_ID() AS c", vec![name.into()])?;
        let number = |column| rows.first().and_then(|row| decode::number(row, &[column]));
        if number("u").is_some() {
            return Ok(number("u") == number("c"));
        }
        let rows = self.rows("SELECT GET_LOCK(?, 0) AS l", vec![name.into()])?;
        Ok(rows.first().and_then(|row| decode::number(row, &["l"])) == Some(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::digest::ColumnForm;

    fn percona(name: &str, text: bool, nullable: bool) -> PerconaColumn {
        let form = if text { PerconaForm::Utf8 } else { PerconaForm::Plain };
        PerconaColumn { name: name.into(), form, nullable }
    }

    #[test]
    fn a_row_in_the_words_of_percona_ends_in_its_nulls() {
        let columns = [percona("id", false, false), percona("name", true, true), percona("comment", true, true)];
        assert_eq!(
            percona_row(&columns),
            "CRC32(CONCAT_WS('#', `id`, CONVERT(`name` USING utf8mb4), CONVERT(`comment` USING utf8mb4), \
             CONCAT(ISNULL(`name`), ISNULL(`comment`))))"
        );
        assert_eq!(percona_row(&[percona("id", false, false)]), "CRC32(`id`)");
    }

    #[test]
    fn rows_that_may_be_equal_are_summed() {
        let columns = vec![DigestColumn { name: "a".into(), form: ColumnForm::Short, nullable: false }];
        let keyed = checksum(&Expression::Strong { columns: columns.clone(), distinct: true }, true);
        let keyless = checksum(&Expression::Strong { columns, distinct: false }, true);
        assert!(keyed.contains("BIT_XOR(UNHEX(SHA2(") && keyed.contains(",40)"), "{keyed}");
        assert!(keyless.contains("SUM(") && !keyless.contains("BIT_XOR"), "{keyless}");
    }

    #[test]
    fn a_row_is_digested_once_and_keeps_its_digits_in_a_sum() {
        let columns = vec![DigestColumn { name: "a".into(), form: ColumnForm::Short, nullable: false }];
        let narrow = checksum(&Expression::Strong { columns, distinct: true }, false);
        assert_eq!(
            narrow,
            "LEFT(SHA2(COALESCE(SUM(CAST(HEX(LEFT(SHA2(CONCAT(CAST('' AS BINARY),LENGTH(CAST(`a` AS BINARY)),':',\
             CAST(`a` AS BINARY)),256),27)) AS DECIMAL(54,0))),0),256),40)"
        );
    }
}
