//! The stored rows of a table in the order of a key, for digests that are made here.
//!
//! Rows come by the binary protocol and are encoded by the caller: on MySQL that costs less than
//! letting the server concatenate and digest them.

use crate::ident::TableName;
use crate::session::{Result, Session};
use crate::sql::decode;
use crate::sql::order::{Interval, interval_sql};
use crate::sql::rows::{Reading, RowView};

impl Session {
    /// The columns of a table that are computed when they are read.
    ///
    /// # Errors
    /// Those of the server.
    pub fn virtual_columns(&mut self, table: &TableName) -> Result<Vec<String>> {
        let sql = "SELECT COLUMN_NAME AS n FROM information_schema.COLUMNS \
            WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND EXTRA LIKE '%VIRTUAL%' ORDER BY ORDINAL_POSITION";
        let rows = self.rows(sql, vec![table.database.as_str().into(), table.table.as_str().into()])?;
        Ok(rows.iter().map(|row| decode::text(row, &["n"]).unwrap_or_default()).collect())
    }

    /// Hands the rows of `interval` to `take`: in the order of the key where the reading has one, else in any order.
    ///
    /// # Errors
    /// Those of the server; rows before the failure have been handed over.
    pub fn read_in_order(
        &mut self,
        reading: &Reading,
        interval: &Interval,
        take: impl FnMut(RowView<'_>),
    ) -> Result<()> {
        let (condition, params) = interval_sql(&reading.key, interval);
        let order = if reading.key.is_empty() { String::new() } else { format!(" {}", reading.order_clause()) };
        self.read_where(reading, &condition, &order, params, false, take)
    }
}
