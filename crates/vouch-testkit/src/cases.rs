//! Tables that comparisons get wrong: [`Case`]s, each with what differs and
//! exactly what must be found.
//!
//! Invariant: every case is deterministic, and its `expected` is what the
//! [oracle](crate::oracle) sees; a test of the kit holds that on both flavors.

mod keys;
mod missed;
mod names;
mod types;

use crate::drift;
use crate::{Expected, Flavor, Result, Server};

/// A table in a database of its own, a drift of it, and what must be found.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name in tests and messages.
    pub name: &'static str,
    /// The database; nothing else is in it.
    pub database: String,
    /// The table.
    pub table: String,
    /// Makes and fills the table, on the source.
    pub source_sql: String,
    /// Run on the replica before the tables must compare equal; usually empty.
    pub replica_setup: String,
    /// Makes the replica differ, without logging.
    pub drift_sql: String,
    /// What must be found then, and nothing else.
    pub expected: Vec<Expected>,
}

impl Case {
    /// A case in database `case_…` and table `t`.
    fn new(name: &'static str, create: impl AsRef<str>, drift: &str, expected: Vec<Expected>) -> Case {
        Case::named(name, &format!("case_{}", name.replace('-', "_")), "t", create.as_ref(), drift, expected)
    }

    /// A case with any names. `create` and `drift` are run with the database selected.
    fn named(
        name: &'static str,
        database: &str,
        table: &str,
        create: &str,
        drift: &str,
        mut expected: Vec<Expected>,
    ) -> Case {
        expected.sort();
        let quoted = drift::quote(database);
        Case {
            name,
            database: database.to_owned(),
            table: table.to_owned(),
            source_sql: format!(
                "SET NAMES utf8mb4; SET SESSION sql_mode='', time_zone='+00:00'; \
                 CREATE DATABASE {quoted} CHARACTER SET utf8mb4; USE {quoted}; {create}"
            ),
            replica_setup: String::new(),
            drift_sql: format!("SET NAMES utf8mb4; USE {quoted}; {drift}"),
            expected,
        }
    }

    /// Makes and fills the table on `source`; it replicates.
    pub fn create(&self, source: &Server) -> Result<()> {
        source.sql(&self.source_sql)
    }

    /// What the case needs on `replica` before the tables must compare equal.
    pub fn set_up(&self, replica: &Server) -> Result<()> {
        if self.replica_setup.is_empty() { Ok(()) } else { drift::sql(replica, &self.replica_setup) }
    }

    /// Makes the table on `replica` differ.
    pub fn drift(&self, replica: &Server) -> Result<()> {
        drift::sql(replica, &self.drift_sql)
    }
}

/// Every case of a flavor: first what today's tools miss, then keys, types and names.
pub fn all(flavor: Flavor) -> Vec<Case> {
    [missed::cases(), keys::cases(flavor), types::cases(flavor), names::cases()].concat()
}
