//! What the session's account may do, found out by asking.

use crate::error::Fault;
use crate::ident::TableName;
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

/// Whether a table can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readable {
    /// In all of its columns.
    Yes,
    /// The account may not, or not in all of its columns; in the server's words.
    Denied(String),
    /// There is no such table.
    Missing,
}

impl Session {
    /// Whether the account may read all of `table`. The catalogue shows only what
    /// the account may see, so a table that is not listed may be there all the same.
    ///
    /// # Errors
    /// When it could not be asked.
    pub fn may_read(&mut self, table: &TableName) -> Result<Readable> {
        match self.rows(&format!("SELECT * FROM {} LIMIT 0", table.sql()), Vec::new()) {
            Ok(_) => Ok(Readable::Yes),
            Err(error) => match error.fault {
                Fault::Denied | Fault::Refused => Ok(Readable::Denied(error.to_string())),
                Fault::Missing => Ok(Readable::Missing),
                _ => Err(error),
            },
        }
    }

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
