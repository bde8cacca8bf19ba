//! A second opinion on what differs between two tables: [`differences`].
//!
//! It reads both tables in full, holds them in memory and compares byte by
//! byte: slow, and independent of the code under test. The tables must not
//! change meanwhile.

use crate::drift::quote;
use crate::{DiffKind, Error, Expected, Result, RowKey, Server};
use mysql::prelude::Queryable;
use mysql::{Conn, Value};
use std::collections::BTreeMap;

/// A table as the oracle sees it.
struct Contents {
    columns: Vec<String>,
    /// Where the key is among the columns; empty when rows cannot be told apart.
    key: Vec<usize>,
    rows: Vec<Vec<Value>>,
}

/// What a comparison of `database.table` on two servers must find, sorted.
///
/// Rows are told apart by the primary key, else by a unique key of whole columns
/// without NULLs; otherwise they are a multiset.
pub fn differences(source: &Server, replica: &Server, database: &str, table: &str) -> Result<Vec<Expected>> {
    let (ours, theirs) = (read(source, database, table)?, read(replica, database, table)?);
    if ours.columns != theirs.columns {
        return Err(Error::Unfit(format!("{database}.{table} has other columns on the replica")));
    }
    let mut found = if ours.key.is_empty() { by_count(&ours, &theirs) } else { by_key(&ours, &theirs) };
    found.sort();
    Ok(found)
}

/// The same for tables that must be equal: an error that lists the first differences, if there are any.
pub fn assert_equal(source: &Server, replica: &Server, database: &str, table: &str) -> Result<()> {
    let found = differences(source, replica, database, table)?;
    let first: Vec<String> = found.iter().take(5).map(Expected::to_string).collect();
    match found.len() {
        0 => Ok(()),
        n => Err(Error::Unfit(format!("{database}.{table} differs in {n} rows: {}", first.join("; ")))),
    }
}

fn by_key(ours: &Contents, theirs: &Contents) -> Vec<Expected> {
    let keyed = |contents: &Contents| -> BTreeMap<Vec<Vec<u8>>, Vec<Value>> {
        let key = |row: &[Value]| contents.key.iter().map(|&at| exact(&row[at])).collect();
        contents.rows.iter().map(|row| (key(row), row.clone())).collect()
    };
    let (source, replica) = (keyed(ours), keyed(theirs));
    let shown = |row: &[Value]| {
        RowKey::Columns(ours.key.iter().map(|&at| (ours.columns[at].clone(), shown(&row[at]))).collect())
    };
    let mut found = Vec::new();
    for (key, row) in &source {
        let (kind, columns) = match replica.get(key) {
            None => (DiffKind::SourceOnly, Vec::new()),
            Some(other) => (DiffKind::Changed, changed_columns(&ours.columns, row, other)),
        };
        if kind == DiffKind::SourceOnly || !columns.is_empty() {
            found.push(Expected { kind, key: shown(row), columns, count: 1 });
        }
    }
    for (_, row) in replica.iter().filter(|(key, _)| !source.contains_key(*key)) {
        found.push(Expected { kind: DiffKind::ReplicaOnly, key: shown(row), columns: Vec::new(), count: 1 });
    }
    found
}

fn changed_columns(names: &[String], ours: &[Value], theirs: &[Value]) -> Vec<String> {
    let differs = |at: &usize| exact(&ours[*at]) != exact(&theirs[*at]);
    let mut columns: Vec<String> = (0..names.len()).filter(differs).map(|at| names[at].clone()).collect();
    columns.sort();
    columns
}

fn by_count(ours: &Contents, theirs: &Contents) -> Vec<Expected> {
    let mut balance: BTreeMap<Vec<Vec<u8>>, i64> = BTreeMap::new();
    for (contents, step) in [(ours, 1), (theirs, -1)] {
        for row in &contents.rows {
            *balance.entry(row.iter().map(exact).collect()).or_default() += step;
        }
    }
    let total = |sign: i64| balance.values().map(|left| left * sign).filter(|left| *left > 0).sum::<i64>();
    [(DiffKind::SourceOnly, 1), (DiffKind::ReplicaOnly, -1)]
        .into_iter()
        .map(|(kind, sign)| Expected::multiset(kind, total(sign).unsigned_abs()))
        .filter(|expected| expected.count > 0)
        .collect()
}

fn read(server: &Server, database: &str, table: &str) -> Result<Contents> {
    let mut conn = server.conn()?;
    let fail = |statement: &'static str| Error::sql(server.name(), statement);
    conn.query_drop("SET SESSION time_zone='+00:00', sql_mode=''").map_err(fail("session"))?;
    let columns = columns(&mut conn, database, table).map_err(fail("columns"))?;
    if columns.is_empty() {
        return Err(Error::Unfit(format!("there is no {database}.{table} on {}", server.name())));
    }
    let key = key_columns(&mut conn, database, table).map_err(fail("keys"))?;
    let key = key.iter().filter_map(|name| columns.iter().position(|column| column == name)).collect();
    // Bytes as they are stored, whatever the charset of the column.
    conn.query_drop("SET SESSION character_set_results = NULL").map_err(fail("session"))?;
    let list: Vec<String> = columns.iter().map(|column| quote(column)).collect();
    let sql = format!("SELECT {} FROM {}.{}", list.join(", "), quote(database), quote(table));
    // A prepared statement sends floats as bits; text would round them.
    let rows: Vec<mysql::Row> = conn.exec(&sql, ()).map_err(Error::sql(server.name(), &sql))?;
    Ok(Contents { columns, key, rows: rows.into_iter().map(mysql::Row::unwrap).collect() })
}

/// All columns, also those that `SELECT *` leaves out.
fn columns(conn: &mut Conn, database: &str, table: &str) -> mysql::Result<Vec<String>> {
    let sql = "SELECT COLUMN_NAME FROM information_schema.COLUMNS \
               WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";
    conn.exec(sql, (database, table))
}

fn key_columns(conn: &mut Conn, database: &str, table: &str) -> mysql::Result<Vec<String>> {
    let sql = "SELECT INDEX_NAME, COLUMN_NAME, NULLABLE = 'YES' OR COLUMN_NAME IS NULL OR SUB_PART IS NOT NULL \
               FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 \
               ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX";
    let parts: Vec<(String, Option<String>, bool)> = conn.exec(sql, (database, table))?;
    let unfit = |index: &str| parts.iter().any(|(name, _, unfit)| name == index && *unfit);
    let Some((index, ..)) = parts.iter().find(|(index, ..)| !unfit(index)) else { return Ok(Vec::new()) };
    Ok(parts.iter().filter(|(name, ..)| name == index).filter_map(|(_, column, _)| column.clone()).collect())
}

/// Bytes that are equal for equal values alone; a float's sign and last bit count.
fn exact(value: &Value) -> Vec<u8> {
    match value {
        Value::NULL => vec![0],
        Value::Bytes(bytes) => [&[1], bytes.as_slice()].concat(),
        Value::Float(number) => [&[2], number.to_bits().to_be_bytes().as_slice()].concat(),
        Value::Double(number) => [&[3], number.to_bits().to_be_bytes().as_slice()].concat(),
        other => [&[4], other.as_sql(true).as_bytes()].concat(),
    }
}

/// A value as text; bytes that are no text as `0x…`.
fn shown(value: &Value) -> String {
    match value {
        Value::NULL => "NULL".to_owned(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02X}")),
        },
        other => other.as_sql(true).trim_matches('\'').to_owned(),
    }
}
