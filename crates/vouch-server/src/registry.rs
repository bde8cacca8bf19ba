//! The connections that are open, so that a stop can kill what runs on them.
//!
//! A client that just closes its socket leaves a long statement running on the
//! server. [`Registry::kill_all`] ends ours; an account may always kill its own.

use crate::session::{Limits, connect};
use crate::sql;
use crate::target::Target;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// All open connections of a run.
#[derive(Default)]
pub struct Registry {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    stopped: bool,
    servers: HashMap<String, Connections>,
}

/// What we have with one server.
struct Connections {
    target: Target,
    open: Vec<u32>,
    asked: u64,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a connection; false once the run is stopped, when it must not be used.
    pub(crate) fn add(&self, target: &Target, connection: u32) -> bool {
        let mut inner = self.lock();
        if inner.stopped {
            return false;
        }
        let new = || Connections { target: target.clone(), open: Vec::new(), asked: 0 };
        inner.servers.entry(target.name().to_owned()).or_insert_with(new).open.push(connection);
        true
    }

    pub(crate) fn remove(&self, server: &str, connection: u32) {
        if let Some(connections) = self.lock().servers.get_mut(server) {
            connections.open.retain(|&id| id != connection);
        }
    }

    /// Notes that a statement was sent.
    pub(crate) fn count(&self, server: &str) {
        if let Some(connections) = self.lock().servers.get_mut(server) {
            connections.asked = connections.asked.wrapping_add(1);
        }
    }

    /// Statements that we have sent to `server` so far.
    pub fn asked(&self, server: &str) -> u64 {
        self.lock().servers.get(server).map_or(0, |connections| connections.asked)
    }

    /// Kills every open connection on its server, all servers at once, and
    /// refuses new ones from now on. Returns when done, at the latest after `deadline`
    /// per server; a server that does not answer is left to its statement limit.
    pub fn kill_all(&self, deadline: Duration) {
        let servers: Vec<Connections> = {
            let mut inner = self.lock();
            inner.stopped = true;
            inner.servers.drain().map(|(_, connections)| connections).collect()
        };
        std::thread::scope(|scope| {
            for connections in servers {
                scope.spawn(move || kill(&connections.target, &connections.open, deadline));
            }
        });
    }
}

fn kill(target: &Target, connections: &[u32], deadline: Duration) {
    let limits = Limits { connect: deadline, read: deadline, ..Limits::default() };
    if let Ok((mut conn, _)) = connect(target, limits) {
        for &id in connections {
            // It may have ended by itself in the meantime, which is as good.
            sql::settings::kill(&mut conn, id).ok();
        }
    }
}
