//! Heartbeats: the only thing that a probe ever writes, and only when it is told to.

use std::sync::Arc;
use std::time::Duration;
use vouch_server::{Limits, Registry, Result, Session, TableName, Target};

/// What came of an attempt to write a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// It is written.
    Written,
    /// The server takes no writes, or replicates: a heartbeat there would hide its lag.
    NotSource,
}

/// Writes heartbeats to one server over a connection that stays open.
pub struct Beater {
    target: Target,
    table: TableName,
    deadline: Duration,
    session: Option<Session>,
}

impl Beater {
    /// One that has not connected yet.
    pub fn new(target: Target, table: TableName, deadline: Duration) -> Beater {
        Beater { target, table, deadline, session: None }
    }

    /// Writes once, where the server is a writable source. With `create` the table is made first.
    ///
    /// # Errors
    /// Those of the server; the next call connects anew.
    pub fn beat(&mut self, create: bool) -> Result<Beat> {
        let outcome = self.attempt(create);
        if outcome.is_err() {
            self.session = None;
        }
        outcome
    }

    fn attempt(&mut self, create: bool) -> Result<Beat> {
        let session = match &mut self.session {
            Some(session) => session,
            empty => {
                let limits = Limits {
                    connect: self.deadline,
                    read: self.deadline,
                    statement: self.deadline,
                    lock_wait: Duration::from_secs(1),
                    handshakes: 1,
                };
                empty.insert(Session::open(&self.target, limits, &Arc::<Registry>::default())?)
            }
        };
        let settings = session.health_settings()?;
        let barred = [settings.read_only, settings.super_read_only].contains(&Some(true));
        if barred || !session.replica_status()?.is_empty() {
            return Ok(Beat::NotSource);
        }
        if create {
            session.create_heartbeat(&self.table)?;
        }
        session.beat(&self.table)?;
        Ok(Beat::Written)
    }
}
