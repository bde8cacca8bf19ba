//! `CHECKSUM TABLE`, and why it says nothing where it does.

use crate::error::{Fault, ServerError};
use crate::ident::TableName;
use crate::session::{Result, Session};
use crate::sql::decode;
use vouch_convert::narrow;

/// What `CHECKSUM TABLE` came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// The checksum.
    Value(u32),
    /// There is no such table.
    Missing,
    /// There is such a name, and it is no table with rows of its own.
    NotATable,
}

impl Session {
    /// The number of rows of a table, counted.
    ///
    /// # Errors
    /// Those of the server.
    pub fn count_rows(&mut self, table: &TableName) -> Result<u64> {
        let rows = self.rows(&format!("SELECT COUNT(*) AS n FROM {}", table.sql()), Vec::new())?;
        Ok(rows.first().and_then(|row| decode::number(row, &["n"])).unwrap_or(0))
    }

    /// The checksum of a table, as the server makes it.
    ///
    /// # Errors
    /// Those of the server. It answers with NULL and a warning to whatever keeps it from looking;
    /// that is an error here like any other, a lock that was waited for in vain included.
    pub fn checksum_table(&mut self, table: &TableName) -> Result<Checksum> {
        let rows = self.show(&format!("CHECKSUM TABLE {}", table.sql()))?;
        let checksum = rows.first().and_then(|row| decode::number(row, &["Checksum"]));
        if let Some(value) = checksum.and_then(narrow::<u32, _>) {
            return Ok(Checksum::Value(value));
        }
        let warnings = self.show("SHOW WARNINGS")?;
        let warning = warnings.iter().find_map(|row| {
            let code = decode::number(row, &["Code"]).and_then(narrow::<u16, _>)?;
            Some((code, decode::text(row, &["Message"]).unwrap_or_default()))
        });
        match warning {
            Some((1146 | 1049 | 1051, _)) => Ok(Checksum::Missing),
            Some((1347, _)) => Ok(Checksum::NotATable),
            Some((code, message)) => Err(ServerError::from_code(self.name(), code, &message)),
            None => Err(ServerError::new(self.name(), Fault::Other, "CHECKSUM TABLE returned nothing, and no reason")),
        }
    }
}
