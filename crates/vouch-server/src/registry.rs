//! The connections that are open, so that a stop can kill what runs on them, and the servers
//! that they lead to, so that an address that leads to another one is noticed.
//!
//! A client that just closes its socket leaves a long statement running on the
//! server. [`Registry::kill_all`] ends ours; an account may always kill its own.

use crate::error::{Fault, ServerError};
use crate::session::{Access, Identity, Limits, connect};
use crate::sql::settings::{self, Conditions};
use crate::target::Target;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What an address may do while it is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// Lead to one server. What was read of two servers is an answer about neither.
    #[default]
    Stay,
    /// Lead to another server from one connection to the next: each answer stands alone.
    MayMove,
}

/// All open connections of a run.
#[derive(Default)]
pub struct Registry {
    inner: Mutex<Inner>,
    addresses: Addresses,
}

#[derive(Default)]
struct Inner {
    stopped: bool,
    servers: HashMap<String, Connections>,
    moved: Option<ServerError>,
}

/// What we have with one server.
struct Connections {
    target: Target,
    identity: Arc<Identity>,
    open: Vec<u32>,
    asked: u64,
}

impl Registry {
    /// A registry of connections to addresses that do this.
    pub fn of(addresses: Addresses) -> Self {
        Registry { addresses, ..Registry::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server that the target's address led to last.
    pub(crate) fn known(&self, target: &Target) -> Option<Arc<Identity>> {
        self.lock().servers.get(target.name()).map(|connections| Arc::clone(&connections.identity))
    }

    /// Notes a connection and where it leads.
    ///
    /// # Errors
    /// [`Fault::Killed`] once the run is stopped, and [`Fault::Moved`] when the address has led to
    /// another server before; the connection must not be used then.
    pub(crate) fn add(&self, target: &Target, connection: u32, identity: &Arc<Identity>) -> Result<(), ServerError> {
        let mut inner = self.lock();
        if inner.stopped {
            return Err(ServerError::new(target.name(), Fault::Killed, "the run was stopped"));
        }
        let new = || Connections { target: target.clone(), identity: Arc::clone(identity), open: Vec::new(), asked: 0 };
        let connections = inner.servers.entry(target.name().to_owned()).or_insert_with(new);
        if !connections.identity.is_same_server(identity) {
            if self.addresses == Addresses::Stay {
                let error = moved(target, &connections.identity, identity);
                inner.moved.get_or_insert(error.clone());
                return Err(error);
            }
            connections.identity = Arc::clone(identity);
        }
        connections.open.push(connection);
        Ok(())
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

    /// The first time that an address led to another server than before, whoever noticed it and
    /// whatever became of it there: nothing that was read through that address is an answer.
    pub fn moved(&self) -> Option<ServerError> {
        self.lock().moved.clone()
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
                scope.spawn(move || kill(&connections, deadline));
            }
        });
    }
}

fn moved(target: &Target, before: &Identity, now: &Identity) -> ServerError {
    let text = format!("the address led to {} before and leads to {} now", before.place(), now.place());
    ServerError::new(target.name(), Fault::Moved, text)
}

/// Numbers of connections mean something on their own server alone.
fn kill(connections: &Connections, deadline: Duration) {
    let limits = Limits { connect: deadline, read: deadline, ..Limits::default() };
    let Ok(mut conn) = connect(&connections.target, limits) else { return };
    let conditions = Conditions { limits, access: &Access::ReadOnly };
    let known = &connections.identity;
    match settings::settle(&mut conn, &conditions, Some(known)) {
        Ok(identity) if identity.is_same_server(known) => {}
        _ => return,
    }
    for &id in &connections.open {
        // It may have ended by itself in the meantime, which is as good.
        settings::kill(&mut conn, id).ok();
    }
}
