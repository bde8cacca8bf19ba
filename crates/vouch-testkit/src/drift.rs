//! Making a replica differ, and saying exactly how: [`apply`] a [`Drift`],
//! [`scatter`] many, or [`sql`] for anything else.
//!
//! Invariants: nothing of it reaches a binary log; a drift that changed other
//! rows than it says is an error and is rolled back.

use crate::{Error, Expected, Result, Server};
use mysql::prelude::Queryable;
use mysql::{Conn, TxOpts};
use std::ops::Range;

/// A table with an integer key of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// The key column.
    pub key: String,
}

/// A named way in which rows come to differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// The row is gone.
    Delete {
        /// Its key.
        id: u64,
    },
    /// A row that the source never had: a copy of another under a new key.
    Insert {
        /// The row that is copied.
        like: u64,
        /// The key of the copy.
        id: u64,
    },
    /// One column of a row has another value.
    Change {
        /// Its key.
        id: u64,
        /// The column.
        column: String,
        /// The new value, an SQL expression over the row.
        to: String,
    },
    /// Two rows have each other's value: a sum or XOR over the column is the same as before.
    Swap {
        /// Key of the one.
        a: u64,
        /// Key of the other.
        b: u64,
        /// The column.
        column: String,
    },
    /// The same new value in several rows: an even number of equal changes cancels under XOR.
    ChangeAlike {
        /// The keys.
        ids: Vec<u64>,
        /// The column.
        column: String,
        /// The new value, an SQL expression over the row.
        to: String,
    },
}

/// What was done to a table: what a comparison must find in it, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drifted {
    /// `db.table`.
    pub table: String,
    /// One sentence for a person.
    pub what: String,
    /// The findings.
    pub rows: Vec<Expected>,
}

impl Table {
    /// The table `database.name` with the integer key `key`.
    pub fn new(database: &str, name: &str, key: &str) -> Table {
        Table { database: database.to_owned(), name: name.to_owned(), key: key.to_owned() }
    }

    fn quoted(&self) -> String {
        format!("{}.{}", quote(&self.database), quote(&self.name))
    }
}

impl Drift {
    /// The drift's name: `delete`, `insert`, `change`, `swap`, `change-alike`.
    pub fn name(&self) -> &'static str {
        match self {
            Drift::Delete { .. } => "delete",
            Drift::Insert { .. } => "insert",
            Drift::Change { .. } => "change",
            Drift::Swap { .. } => "swap",
            Drift::ChangeAlike { .. } => "change-alike",
        }
    }

    fn what(&self) -> String {
        match self {
            Drift::Delete { id } => format!("row {id} deleted"),
            Drift::Insert { id, .. } => format!("row {id} added"),
            Drift::Change { id, column, .. } => format!("{column} of row {id} changed"),
            Drift::Swap { a, b, column } => format!("{column} of rows {a} and {b} swapped"),
            Drift::ChangeAlike { ids, column, .. } => format!("the same change of {column} in {} rows", ids.len()),
        }
    }

    fn expected(&self, key: &str) -> Vec<Expected> {
        match self {
            Drift::Delete { id } => vec![Expected::source_only(key, id)],
            Drift::Insert { id, .. } => vec![Expected::replica_only(key, id)],
            Drift::Change { id, column, .. } => vec![Expected::changed(key, id, &[column])],
            Drift::Swap { a, b, column } => [a, b].map(|id| Expected::changed(key, id, &[column])).to_vec(),
            Drift::ChangeAlike { ids, column, .. } => {
                ids.iter().map(|id| Expected::changed(key, id, &[column])).collect()
            }
        }
    }

    fn statements(&self, conn: &mut Conn, table: &Table) -> mysql::Result<Vec<String>> {
        let (name, key) = (table.quoted(), quote(&table.key));
        Ok(match self {
            Drift::Delete { id } => vec![format!("DELETE FROM {name} WHERE {key} = {id}")],
            Drift::Insert { like, id } => {
                let others = other_columns(conn, table)?;
                vec![format!("INSERT INTO {name} ({key}{others}) SELECT {id}{others} FROM {name} WHERE {key} = {like}")]
            }
            Drift::Change { id, column, to } => {
                vec![format!("UPDATE {name} SET {} = {to} WHERE {key} = {id}", quote(column))]
            }
            Drift::Swap { a, b, column } => {
                let column = quote(column);
                conn.query_drop(format!("SELECT {column} INTO @a FROM {name} WHERE {key} = {a}"))?;
                conn.query_drop(format!("SELECT {column} INTO @b FROM {name} WHERE {key} = {b}"))?;
                vec![
                    format!("UPDATE {name} SET {column} = @b WHERE {key} = {a}"),
                    format!("UPDATE {name} SET {column} = @a WHERE {key} = {b}"),
                ]
            }
            Drift::ChangeAlike { ids, column, to } => {
                ids.iter().map(|id| format!("UPDATE {name} SET {} = {to} WHERE {key} = {id}", quote(column))).collect()
            }
        })
    }
}

/// Runs any statements on `server` without logging them, rows compared in UTC and with no SQL mode.
pub fn sql(server: &Server, sql: &str) -> Result<()> {
    let mut conn = unlogged(server)?;
    crate::client::run_all(&mut conn, server.name(), sql)
}

/// Makes `table` on `server` differ, in one transaction.
///
/// Errors: [`Error::Unfit`] when a row that it names is not there, is there already, or has the new value already.
pub fn apply(server: &Server, table: &Table, drift: &Drift) -> Result<Drifted> {
    let mut conn = unlogged(server)?;
    let statements = drift.statements(&mut conn, table).map_err(Error::sql(server.name(), drift.name()))?;
    let mut transaction = conn.start_transaction(TxOpts::default()).map_err(Error::sql(server.name(), "BEGIN"))?;
    for statement in &statements {
        transaction.query_drop(statement).map_err(Error::sql(server.name(), statement))?;
        let rows = transaction.affected_rows();
        if rows != 1 {
            return Err(Error::Unfit(format!("a drift changed {rows} rows in place of one: {statement}")));
        }
    }
    transaction.commit().map_err(Error::sql(server.name(), "COMMIT"))?;
    let name = format!("{}.{}", table.database, table.name);
    Ok(Drifted { table: name, what: drift.what(), rows: drift.expected(&table.key) })
}

/// Puts `n` drifts of all kinds on rows spread over `ids`, which must all exist and must be at least `2 n`.
///
/// Rows added get keys from `ids.end` on. `column` must be one to whose value 1 can be added.
pub fn scatter(server: &Server, table: &Table, column: &str, ids: Range<u64>, n: u64) -> Result<Vec<Drifted>> {
    let step = (ids.end.saturating_sub(ids.start)) / n.max(1);
    if step < 2 {
        return Err(Error::Unfit(format!("{n} drifts do not fit on the rows {ids:?}")));
    }
    let drift = |i: u64| {
        let (id, column) = (ids.start + i * step, column.to_owned());
        match i % 4 {
            0 => Drift::Delete { id },
            1 => Drift::Insert { like: id, id: ids.end + i },
            2 => Drift::Change { to: format!("{} + 1", quote(&column)), id, column },
            _ => Drift::ChangeAlike { to: format!("{} + 1", quote(&column)), ids: vec![id, id + 1], column },
        }
    };
    (0..n).map(|i| apply(server, table, &drift(i))).collect()
}

fn unlogged(server: &Server) -> Result<Conn> {
    let mut conn = server.conn()?;
    let setup = "SET SESSION sql_log_bin=0, time_zone='+00:00', sql_mode=''";
    conn.query_drop(setup).map_err(Error::sql(server.name(), setup))?;
    Ok(conn)
}

/// `, b, c`: the columns that can be written besides the key.
fn other_columns(conn: &mut Conn, table: &Table) -> mysql::Result<String> {
    let columns: Vec<String> = conn.exec(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? \
         AND COLUMN_NAME <> ? AND COALESCE(GENERATION_EXPRESSION, '') = '' ORDER BY ORDINAL_POSITION",
        (&table.database, &table.name, &table.key),
    )?;
    Ok(columns.iter().map(|column| format!(", {}", quote(column))).collect())
}

/// A name as an SQL identifier.
pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
