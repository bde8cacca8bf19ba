//! What the session's account may do, found out by asking.

use crate::error::Fault;
use crate::session::{Result, Session};

/// The answer to "may I?": three of them, since "could not ask" is never "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// It was allowed.
    Yes,
    /// It was refused.
    No,
}

fn answer<T>(asked: Result<T>) -> Result<May> {
    match asked {
        Ok(_) => Ok(May::Yes),
        Err(error) if matches!(error.fault, Fault::Denied | Fault::Refused) => Ok(May::No),
        Err(error) => Err(error),
    }
}

impl Session {
    /// Whether the account may see the end of the binlog.
    ///
    /// # Errors
    /// When it could not be asked.
    pub fn may_see_log_place(&mut self) -> Result<May> {
        answer(self.log_place())
    }

    /// Whether the account may see the state of replication.
    ///
    /// # Errors
    /// When it could not be asked.
    pub fn may_see_replication(&mut self) -> Result<May> {
        answer(self.replica_status())
    }

    /// Whether the account may read the contents of the binlog.
    ///
    /// # Errors
    /// When it could not be asked.
    pub fn may_read_binlog(&mut self) -> Result<May> {
        answer(self.show("SHOW BINLOG EVENTS LIMIT 1"))
    }
}
