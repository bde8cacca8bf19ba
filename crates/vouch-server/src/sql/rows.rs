//! Reading rows: an interval of a table, or the rows with given keys.
//!
//! Rows come by the binary protocol: integers as integers, floats exactly,
//! strings as the bytes that are stored.

use crate::ident::{TableName, quote};
use crate::session::{Arrived, Haste, Result, Session};
use crate::sql::order::{Bound, Interval, KeyColumn, interval_sql, keys_sql, order_by};
use crate::wire::Cell;
use mysql_common::Value;

/// What is read of a table, and along which key.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The table.
    pub table: TableName,
    /// Columns, in the order in which they are digested.
    pub columns: Vec<String>,
    /// Those of them that are read as text instead of as the bytes that are stored.
    pub converted: Vec<ConvertedColumn>,
    /// The key columns; empty means that the table has no usable key.
    pub key: Vec<KeyColumn>,
    /// The index of the key.
    pub index: Option<String>,
    /// A condition of the user's own.
    pub condition: Option<String>,
    /// All versions of rows are read, those that are history too (MariaDB).
    pub history: bool,
}

/// A text column whose character set is another one on another server: it is read in UTF-8 on all of them, so that
/// equal text has equal bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertedColumn {
    /// Its name.
    pub name: String,
    /// Its character set on this server.
    pub charset: String,
}

impl ConvertedColumn {
    /// The conversion; `None` for a character set whose name is not a plain word.
    pub fn new(name: &str, charset: &str) -> Option<Self> {
        let plain = !charset.is_empty() && charset.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        plain.then(|| ConvertedColumn { name: name.to_owned(), charset: charset.to_owned() })
    }

    /// The value in UTF-8.
    ///
    /// A conversion replaces what it cannot convert by question marks, which would make different values equal. So
    /// a value that does not survive the way to UTF-32 and back is read as its bytes after 0xFF, which no text in
    /// UTF-8 begins with; and where the conversion outgrows max_allowed_packet and is NULL, as its bytes.
    fn sql(&self) -> String {
        let (name, charset) = (quote(&self.name), &self.charset);
        let back = format!("CAST(CONVERT(CONVERT({name} USING utf32) USING {charset}) AS BINARY)");
        let bytes = format!("CAST({name} AS BINARY)");
        let text = format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)");
        format!("COALESCE(IF({back}={bytes},{text},CONCAT(x'FF',{bytes})),{bytes})")
    }
}

/// One row as it arrives.
pub struct RowView<'a> {
    row: Arrived<'a>,
    columns: usize,
    key_at: &'a [usize],
}

impl RowView<'_> {
    /// The values of [`Reading::columns`], in order.
    pub fn values(&self) -> impl Iterator<Item = Cell<'_>> {
        (0..self.columns).map(|at| self.row.cell(at))
    }

    /// The value at a place of [`Reading::columns`].
    pub fn cell(&self, at: usize) -> Cell<'_> {
        self.row.cell(at)
    }

    /// The values of the key columns, in order.
    pub fn key(&self) -> impl Iterator<Item = Cell<'_>> {
        self.key_at.iter().map(|&at| self.row.cell(at))
    }
}

/// How a read is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All rows of the interval.
    All,
    /// All rows of the interval, however long the statement takes.
    AllUnhurried,
    /// The first rows of the interval, in the order of the key.
    First(u64),
}

impl Reading {
    /// Where each key column's value is found in a row: the columns come first,
    /// expressions that are no plain column after them.
    fn key_places(&self) -> (Vec<usize>, Vec<String>) {
        let mut extra = Vec::new();
        let places = self.key.iter().map(|key| {
            let plain = key.selected() == quote(&key.name);
            self.columns.iter().position(|column| plain && *column == key.name).unwrap_or_else(|| {
                extra.push(key.selected());
                self.columns.len().saturating_add(extra.len()).saturating_sub(1)
            })
        });
        (places.collect(), extra)
    }

    /// The value of a column, as it is compared.
    pub(crate) fn value_of(&self, column: &str) -> String {
        let converted = self.converted.iter().find(|converted| converted.name == column);
        converted.map_or_else(|| quote(column), ConvertedColumn::sql)
    }

    fn select_list(&self, extra: &[String]) -> String {
        let mut list: Vec<String> = self.columns.iter().map(|column| self.value_of(column)).collect();
        list.extend_from_slice(extra);
        list.join(", ")
    }

    /// `FROM … WHERE …`, shared by everything that reads this table.
    pub(crate) fn source_of_rows(&self, condition: &str) -> String {
        let force = match &self.index {
            Some(index) if !self.key.is_empty() => format!(" FORCE INDEX ({})", quote(index)),
            _ => String::new(),
        };
        let own = self.condition.as_ref().map(|own| format!(" AND ({own})")).unwrap_or_default();
        let versions = if self.history { " FOR SYSTEM_TIME ALL" } else { "" };
        format!("FROM {}{versions}{force} WHERE {condition}{own}", self.table.sql())
    }

    pub(crate) fn order_clause(&self) -> String {
        format!("ORDER BY {}", order_by(&self.key))
    }
}

/// Lifts the time limit for one statement.
pub(crate) fn unhurried(session: &Session, sql: String) -> String {
    use crate::capability::Capability::{MaxExecutionTime, MaxStatementTime};
    if session.has(MaxExecutionTime) {
        sql.replacen("SELECT", "SELECT /*+ MAX_EXECUTION_TIME(0) */", 1)
    } else if session.has(MaxStatementTime) {
        format!("SET STATEMENT max_statement_time = 0 FOR {sql}")
    } else {
        sql
    }
}

impl Session {
    /// Asks for no row, to hear what the server thinks of the user's own condition.
    ///
    /// # Errors
    /// Those of the server.
    pub fn check_condition(&mut self, reading: &Reading) -> Result<()> {
        match reading.condition {
            Some(_) => self.run(&format!("SELECT 1 {} LIMIT 0", reading.source_of_rows("1=1"))),
            None => Ok(()),
        }
    }

    /// Hands every row of `interval` to `take`.
    ///
    /// # Errors
    /// Those of the server; rows before the failure have been handed over.
    pub fn read_interval(
        &mut self,
        reading: &Reading,
        interval: &Interval,
        extent: Extent,
        take: impl FnMut(RowView<'_>),
    ) -> Result<()> {
        let (condition, mut params) = interval_sql(&reading.key, interval);
        let limit = match extent {
            Extent::First(rows) => {
                params.push(Value::UInt(rows));
                format!(" {} LIMIT ?", reading.order_clause())
            }
            Extent::All | Extent::AllUnhurried => String::new(),
        };
        self.read_where(reading, &condition, &limit, params, extent == Extent::AllUnhurried, take)
    }

    /// Hands the rows that have one of `keys` to `take`.
    ///
    /// # Errors
    /// Those of the server.
    pub fn read_keys(&mut self, reading: &Reading, keys: &[Bound], take: impl FnMut(RowView<'_>)) -> Result<()> {
        let (condition, params) = keys_sql(&reading.key, keys);
        self.read_where(reading, &condition, "", params, false, take)
    }

    /// The same while holding a shared lock on the rows and gaps, without waiting
    /// for it. The lock lasts until [`Session::release`].
    ///
    /// # Errors
    /// [`crate::Fault::Timeout`] when somebody else holds one of them.
    pub fn read_keys_locked(&mut self, reading: &Reading, keys: &[Bound], take: impl FnMut(RowView<'_>)) -> Result<()> {
        let clause = if self.has(crate::capability::Capability::ForShare) {
            " FOR SHARE NOWAIT"
        } else {
            " LOCK IN SHARE MODE NOWAIT"
        };
        self.run("START TRANSACTION READ ONLY")?;
        let (condition, params) = keys_sql(&reading.key, keys);
        self.read_where(reading, &condition, clause, params, false, take)
    }

    /// Ends the transaction of [`Session::read_keys_locked`] or of a snapshot.
    ///
    /// # Errors
    /// Those of the server.
    pub fn release(&mut self) -> Result<()> {
        self.run("ROLLBACK")
    }

    pub(crate) fn read_where(
        &mut self,
        reading: &Reading,
        condition: &str,
        tail: &str,
        params: Vec<Value>,
        long: bool,
        mut take: impl FnMut(RowView<'_>),
    ) -> Result<()> {
        let (key_at, extra) = reading.key_places();
        let list = reading.select_list(&extra);
        let mut sql = format!("SELECT {list} {}{tail}", reading.source_of_rows(condition));
        if long {
            sql = unhurried(self, sql);
        }
        let columns = reading.columns.len();
        let haste = if long { Haste::EachRow } else { Haste::Whole };
        self.stream(&sql, params, haste, |row| take(RowView { row, columns, key_at: &key_at }))
    }
}
