//! Finding where to cut: the key some rows further on, the ends of a numeric
//! key, and whether the optimizer will use the key at all.

use crate::ident::quote;
use crate::session::{Result, Session};
use crate::sql::decode;
use crate::sql::order::{Bound, Interval, interval_sql};
use crate::sql::rows::Reading;
use mysql::Value;

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
