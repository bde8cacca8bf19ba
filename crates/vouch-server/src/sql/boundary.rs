//! Finding where to cut: the key some rows further on, the ends of a numeric
//! key, and whether the optimizer will use the key at all.

use crate::ident::quote;
use crate::session::{Result, Session};
use crate::sql::decode;
use crate::sql::order::{Bound, Interval, below_sql, interval_sql, order_backwards};
use crate::sql::rows::Reading;
use mysql_common::Value;

impl Session {
    /// The key of the row that stands `rows` rows into `interval`, read from the
    /// index alone; `None` when the interval has fewer.
    ///
    /// # Errors
    /// Those of the server.
    pub fn key_after(&mut self, reading: &Reading, interval: &Interval, rows: u64) -> Result<Option<Bound>> {
        let (condition, mut params) = interval_sql(&reading.key, interval);
        let list: Vec<String> = reading.key.iter().map(|column| column.selected()).collect();
        let sql = format!(
            "SELECT {} {} {} LIMIT 1 OFFSET ?",
            list.join(", "),
            reading.source_of_rows(&condition),
            reading.order_clause()
        );
        params.push(Value::UInt(rows.saturating_sub(1)));
        let found = self.rows(&sql, params)?;
        Ok(found.first().map(|row| (0..reading.key.len()).map(|at| decode::value(row, at)).collect()))
    }

    /// Where to end a chunk of `rows` rows at the beginning of `interval`; `None` when
    /// no row comes after them.
    ///
    /// # Errors
    /// Those of the server.
    pub fn cut_after(&mut self, reading: &Reading, interval: &Interval, rows: u64) -> Result<Option<Bound>> {
        let (condition, mut params) = interval_sql(&reading.key, interval);
        let list: Vec<String> = reading.key.iter().map(|column| column.selected()).collect();
        let from = reading.source_of_rows(&condition);
        let sql = format!("SELECT {} {from} {} LIMIT 2 OFFSET ?", list.join(", "), reading.order_clause());
        params.push(Value::UInt(rows.saturating_sub(1)));
        let found = self.rows(&sql, params)?;
        let key = |row| (0..reading.key.len()).map(|at| decode::value(row, at)).collect();
        Ok(found.first().filter(|_| found.len() > 1).map(key))
    }

    /// The key of the first row; `None` for an empty table.
    ///
    /// # Errors
    /// Those of the server.
    pub fn first_key(&mut self, reading: &Reading) -> Result<Option<Bound>> {
        self.key_after(reading, &Interval::default(), 1)
    }

    /// The key of the last row; `None` for an empty table.
    ///
    /// # Errors
    /// Those of the server.
    pub fn last_key(&mut self, reading: &Reading) -> Result<Option<Bound>> {
        self.last_of(reading, "1=1", Vec::new())
    }

    /// The key of the row before `bound` and after `after`, so that an interval from it
    /// has the rows at `bound` too; `None` when there is none.
    ///
    /// # Errors
    /// Those of the server.
    pub fn key_before(&mut self, reading: &Reading, bound: &Bound, after: Option<&Bound>) -> Result<Option<Bound>> {
        let (below, mut params) = below_sql(&reading.key, bound);
        let (above, more) = interval_sql(&reading.key, &Interval { lower: after.cloned(), upper: None });
        params.extend(more);
        self.last_of(reading, &format!("{below} AND {above}"), params)
    }

    fn last_of(&mut self, reading: &Reading, condition: &str, params: Vec<Value>) -> Result<Option<Bound>> {
        let list: Vec<String> = reading.key.iter().map(|column| column.selected()).collect();
        let from = reading.source_of_rows(condition);
        let sql = format!("SELECT {} {from} ORDER BY {} LIMIT 1", list.join(", "), order_backwards(&reading.key));
        let found = self.rows(&sql, params)?;
        Ok(found.first().map(|row| (0..reading.key.len()).map(|at| decode::value(row, at)).collect()))
    }

    /// Whether more than `rows` rows are in `interval`. Counts no further than that.
    ///
    /// # Errors
    /// Those of the server.
    pub fn has_more_than(&mut self, reading: &Reading, interval: &Interval, rows: u64) -> Result<bool> {
        let (condition, mut params) = interval_sql(&reading.key, interval);
        let sql = format!("SELECT 1 {} LIMIT 1 OFFSET ?", reading.source_of_rows(&condition));
        params.push(Value::UInt(rows));
        Ok(!self.rows(&sql, params)?.is_empty())
    }

    /// The least and the greatest value of the first key column; `None` for an empty table.
    ///
    /// # Errors
    /// Those of the server.
    pub fn key_ends(&mut self, reading: &Reading) -> Result<Option<(Value, Value)>> {
        let Some(first) = reading.key.first() else { return Ok(None) };
        let name = quote(&first.name);
        let sql = format!("SELECT MIN({name}), MAX({name}) FROM {}", reading.table.sql());
        let found = self.rows(&sql, Vec::new())?;
        Ok(found.first().map(|row| (decode::value(row, 0), decode::value(row, 1))))
    }

    /// Whether the optimizer reads `interval` as a range of the key and nothing more.
    ///
    /// # Errors
    /// Those of the server.
    pub fn reads_as_range(&mut self, reading: &Reading, interval: &Interval) -> Result<bool> {
        let (condition, params) = interval_sql(&reading.key, interval);
        let format = if self.has(crate::capability::Capability::NamedExplain) {
            "EXPLAIN FORMAT=TRADITIONAL"
        } else {
            "EXPLAIN"
        };
        let sql = format!("{format} SELECT 1 {} {}", reading.source_of_rows(&condition), reading.order_clause());
        let plan = self.rows(&sql, params)?;
        let Some(row) = plan.first() else { return Ok(false) };
        let access = decode::text(row, &["type"]).unwrap_or_default();
        let extra = decode::text(row, &["extra"]).unwrap_or_default();
        let empty = access.is_empty() && extra.to_ascii_lowercase().contains("impossible");
        let ranged = matches!(access.as_str(), "range" | "ref" | "eq_ref" | "const" | "system" | "ref_or_null");
        Ok(empty || (ranged && !extra.contains("filesort")))
    }
}
