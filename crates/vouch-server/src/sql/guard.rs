//! Keeping out of the way of replication: who waits for us, and ending a statement of ours.

use crate::error::Fault;
use crate::flavor::Flavor;
use crate::session::{Result, Session};
use crate::sql::decode;
use vouch_convert::narrow;

/// Whom an applier waits for, to change a table's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// Nobody, as far as the account may see.
    Nobody,
    /// These connections.
    These(Vec<u32>),
    /// Somebody; the server does not tell whom.
    Somebody,
}

const HOLDERS: &str = "SELECT DISTINCT h.PROCESSLIST_ID AS c FROM performance_schema.metadata_locks w \
    JOIN performance_schema.threads a ON a.THREAD_ID = w.OWNER_THREAD_ID \
    JOIN performance_schema.metadata_locks g ON g.OBJECT_TYPE = w.OBJECT_TYPE \
        AND g.OBJECT_SCHEMA = w.OBJECT_SCHEMA AND g.OBJECT_NAME = w.OBJECT_NAME AND g.LOCK_STATUS = 'GRANTED' \
    JOIN performance_schema.threads h ON h.THREAD_ID = g.OWNER_THREAD_ID \
    WHERE w.LOCK_STATUS = 'PENDING' AND h.PROCESSLIST_ID IS NOT NULL \
        AND (a.NAME LIKE 'thread/sql/replica%' OR a.NAME LIKE 'thread/sql/slave%')";

const WAITERS: &str = "SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST \
    WHERE USER = 'system user' AND STATE = 'Waiting for table metadata lock'";

impl Session {
    /// Whom an applier of this replica waits for.
    ///
    /// # Errors
    /// Those of the server; not to be allowed to look counts as [`Blocking::Nobody`].
    pub fn blocking_an_applier(&mut self) -> Result<Blocking> {
        let mysql = self.identity().flavor == Flavor::Mysql;
        match self.rows(if mysql { HOLDERS } else { WAITERS }, Vec::new()) {
            Ok(rows) if mysql => {
                let id = |row| decode::number(row, &["c"]).and_then(narrow::<u32, _>);
                let ids: Vec<u32> = rows.iter().filter_map(id).collect();
                Ok(if ids.is_empty() { Blocking::Nobody } else { Blocking::These(ids) })
            }
            Ok(rows) => {
                let waiting = rows.first().and_then(|row| decode::number(row, &["n"])).unwrap_or(0);
                Ok(if waiting > 0 { Blocking::Somebody } else { Blocking::Nobody })
            }
            Err(error) if matches!(error.fault, Fault::Denied | Fault::Missing) => Ok(Blocking::Nobody),
            Err(error) => Err(error),
        }
    }

    /// Ends what another connection of this account is doing. The connection stays.
    ///
    /// # Errors
    /// Those of the server.
    pub fn kill_query(&mut self, connection: u32) -> Result<()> {
        self.run(&format!("KILL QUERY {connection}"))
    }
}
