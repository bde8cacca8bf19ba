//! A link to a server: a session that is made again when it is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};
use vouch_report::Stop;
use vouch_server::{Access, Fault, Limits, Registry, Result, ServerError, Session, Target};

/// All that is needed to connect to one server.
#[derive(Clone)]
pub struct Dial {
    /// The server.
    pub target: Target,
    /// Limits of its sessions.
    pub limits: Limits,
    /// What its sessions may do.
    pub access: Access,
    /// Where its connections are noted.
    pub registry: Arc<Registry>,
    /// How long a lost connection is tried again.
    pub retry_for: Duration,
}

impl Dial {
    /// The same, but a lost connection is not tried again: for looks that come
    /// round anyway, and for the start, where a wrong address should show at once.
    pub fn impatient(&self) -> Dial {
        Dial { retry_for: Duration::ZERO, ..self.clone() }
    }

    /// A session.
    ///
    /// # Errors
    /// Those of connecting.
    fn open(&self) -> Result<Session> {
        Session::open_for(&self.target, self.limits, &self.access, &self.registry)
    }
}

/// A session to one server that outlives its connections.
pub struct Link<'a> {
    dial: Dial,
    stop: &'a Stop,
    session: Option<Session>,
    /// Times that the connection was made again after a loss.
    pub reconnects: u64,
}

impl<'a> Link<'a> {
    /// A link that connects when it is first used.
    pub fn new(dial: Dial, stop: &'a Stop) -> Self {
        Link { dial, stop, session: None, reconnects: 0 }
    }

    /// The server's name.
    pub fn name(&self) -> &str {
        self.dial.target.name()
    }

    /// How it connects.
    pub fn dial(&self) -> &Dial {
        &self.dial
    }

    /// Asks the server. When the connection is lost, `ask` is run anew on a new
    /// one, with growing pauses, until `retry_for` is over.
    ///
    /// # Errors
    /// What `ask` returned last; [`Fault::Killed`] once a stop is asked for.
    pub fn ask<T>(&mut self, mut ask: impl FnMut(&mut Session) -> Result<T>) -> Result<T> {
        let mut lost_since: Option<Instant> = None;
        let mut pause = Duration::from_millis(50);
        loop {
            if self.stop.requested().is_some() {
                return Err(ServerError::new(self.name(), Fault::Killed, "the run was stopped"));
            }
            let error = match self.session().and_then(&mut ask) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !error.is_transient() {
                return Err(error);
            }
            self.session = None;
            self.reconnects = self.reconnects.saturating_add(1);
            let since = *lost_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.dial.retry_for {
                return Err(error);
            }
            self.stop.sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    fn session(&mut self) -> Result<&mut Session> {
        match &mut self.session {
            Some(session) => Ok(session),
            none => Ok(none.insert(self.dial.open()?)),
        }
    }
}
