//! How loaded a server is, by what every account may ask.

use crate::session::{Result, Session};
use crate::sql::decode;

impl Session {
    /// A global status variable as a number; `None` when there is none of that name.
    ///
    /// # Errors
    /// Those of the server.
    pub fn status(&mut self, variable: &str) -> Result<Option<u64>> {
        let rows = self.rows("SHOW GLOBAL STATUS WHERE Variable_name = ?", vec![variable.into()])?;
        Ok(rows.first().and_then(|row| decode::number(row, &["Value"])))
    }

    /// A global system variable as text; `None` when there is none of that name.
    ///
    /// # Errors
    /// Those of the server.
    pub fn variable(&mut self, name: &str) -> Result<Option<String>> {
        let rows = self.rows("SHOW GLOBAL VARIABLES WHERE Variable_name = ?", vec![name.into()])?;
        Ok(rows.first().and_then(|row| decode::text(row, &["Value"])))
    }
}
