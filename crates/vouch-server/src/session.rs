//! A session: one connection with fixed settings, killable from outside.
//!
//! Every session of vouch is opened here, so that what is promised about
//! sessions holds for all: they cannot write unless they were opened for the
//! replicate table ([`Access::Replicate`]), their statements end by themselves,
//! and they speak raw bytes (`SET NAMES binary`), UTC and one SQL mode.

use crate::capability::{Capabilities, Capability};
use crate::error::{Fault, ServerError};
use crate::flavor::Flavor;
use crate::registry::Registry;
use crate::sql;
use crate::target::{Target, TlsMode};
use crate::wire::{Answer, Cell, Inlet, Slot};
use mysql::prelude::Queryable;
use mysql::{Conn, Params, Row, Value};
use std::sync::Arc;
use std::time::Duration;

/// Result of anything that asks a server.
pub type Result<T> = std::result::Result<T, ServerError>;

/// Limits under which a session runs.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To connect.
    pub connect: Duration,
    /// To wait for bytes of the server; longer than any statement may take.
    pub read: Duration,
    /// After which the server ends a statement by itself.
    pub statement: Duration,
    /// To wait for a metadata lock.
    pub lock_wait: Duration,
    /// Handshakes that are begun until one that the other side drops is believed; at least 1.
    pub handshakes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(60),
            statement: Duration::from_secs(50),
            lock_wait: Duration::from_secs(5),
            handshakes: 3,
        }
    }
}

/// What a session may do to the server's data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Nothing: its transactions are read only.
    #[default]
    ReadOnly,
    /// Write to the replicate table and its bookkeeping, in statements that replicate as such.
    Replicate {
        /// Session variables of the user's own, set last: name and value.
        variables: Vec<(String, String)>,
    },
}

/// What a server said about itself when a session was opened.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The flavor.
    pub flavor: Flavor,
    /// The version, in full.
    pub version: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// `@@server_id`.
    pub server_id: u64,
    /// `@@server_uuid`; empty on MariaDB.
    pub uuid: String,
    /// `max_allowed_packet` in bytes.
    pub max_allowed_packet: u64,
}

/// One connection to one server.
pub struct Session {
    conn: Conn,
    /// Whether rows can be read off the socket: nobody but the library can where it is encrypted.
    plain: bool,
    /// Where they are read, from the first time on: most sessions never read rows.
    inlet: Option<Inlet>,
    name: String,
    identity: Arc<Identity>,
    registry: Arc<Registry>,
    writes: bool,
}

impl Session {
    /// Connects, identifies the server and fixes the session's settings; it reads only.
    ///
    /// # Errors
    /// [`Fault::Refused`], [`Fault::UnknownHost`], [`Fault::Tls`], [`Fault::Lost`] or
    /// [`Fault::Busy`] when there is no connection; [`Fault::Killed`] after a stop.
    pub fn open(target: &Target, limits: Limits, registry: &Arc<Registry>) -> Result<Self> {
        Session::open_for(target, limits, &Access::ReadOnly, registry)
    }

    /// The same for that access.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub fn open_for(target: &Target, limits: Limits, access: &Access, registry: &Arc<Registry>) -> Result<Self> {
        let name = target.name().to_owned();
        let fail = |error: mysql::Error| ServerError::from_mysql(&name, &error);
        let (mut conn, encrypted) = connect(target, limits).map_err(fail)?;
        if !registry.add(target, conn.connection_id()) {
            return Err(ServerError::new(&name, Fault::Killed, "the run was stopped"));
        }
        let identity = Arc::new(sql::settings::identify(&mut conn).map_err(fail)?);
        let writes = *access != Access::ReadOnly;
        let mut session =
            Session { conn, plain: !encrypted, inlet: None, name, identity, registry: Arc::clone(registry), writes };
        sql::settings::apply(&mut session, limits, access)?;
        Ok(session)
    }

    /// The server's name in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the server said about itself.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The id of the connection on the server.
    pub fn connection_id(&self) -> u32 {
        self.conn.connection_id()
    }

    /// Whether the server has `capability`.
    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.identity.capabilities.has(capability)
    }

    /// Runs a statement and drops its result.
    pub(crate) fn run(&mut self, sql: &str) -> Result<()> {
        self.registry.count(&self.name);
        self.conn.query_drop(sql).map_err(|error| ServerError::from_mysql(&self.name, &error))
    }

    /// Runs a prepared statement that writes; returns the number of rows that it changed.
    /// A session that was not opened for that refuses before the server has to.
    pub(crate) fn write(&mut self, sql: &str, params: Vec<Value>) -> Result<u64> {
        if !self.writes {
            return Err(ServerError::new(&self.name, Fault::Denied, "the session is read only"));
        }
        self.registry.count(&self.name);
        let done = self.conn.exec_drop(sql, positional(params));
        done.map_err(|error| ServerError::from_mysql(&self.name, &error))?;
        Ok(self.conn.affected_rows())
    }

    /// All rows of a statement by the text protocol, for `SHOW` and the like.
    pub(crate) fn show(&mut self, sql: &str) -> Result<Vec<Row>> {
        self.registry.count(&self.name);
        self.conn.query(sql).map_err(|error| ServerError::from_mysql(&self.name, &error))
    }

    /// All rows of a prepared statement.
    pub(crate) fn rows(&mut self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>> {
        self.registry.count(&self.name);
        let passed_over = sql::settings::passed_over(sql, &params);
        let rows: Vec<Row> =
            self.conn.exec(sql, positional(params)).map_err(|error| ServerError::from_mysql(&self.name, &error))?;
        self.prove_all_arrived(sql, rows.len() as u64, passed_over)?;
        Ok(rows)
    }

    /// Compares the rows that arrived with those that the server says it sent. A result that was cut
    /// off on its way ends as cleanly as a whole one, and a row that never came cannot be missed otherwise.
    fn prove_all_arrived(&mut self, sql: &str, arrived: u64, passed_over: u64) -> Result<()> {
        if !sql::settings::counts_its_rows(sql) {
            return Ok(());
        }
        let said: Option<u64> = self
            .conn
            .query_first(sql::settings::ROWS_SENT)
            .map_err(|error| ServerError::from_mysql(&self.name, &error))?;
        match said.map(|found| found.saturating_sub(passed_over)) {
            Some(sent) if sent == arrived => Ok(()),
            Some(sent) => {
                let message = format!("only {arrived} of {sent} rows of a result arrived");
                Err(ServerError::new(&self.name, Fault::Lost, message))
            }
            None => Err(ServerError::new(&self.name, Fault::Lost, "an answer of one row arrived without it")),
        }
    }

    /// Hands each row of a prepared statement to `take` as it arrives.
    ///
    /// # Errors
    /// Those of the server, and [`Fault::Lost`] when fewer rows arrived than it sent; rows before
    /// the failure have been handed over.
    pub(crate) fn stream(&mut self, sql: &str, params: Vec<Value>, mut take: impl FnMut(Arrived<'_>)) -> Result<()> {
        let mut arrived = 0;
        self.stream_unchecked(sql, params, |row| {
            arrived += 1;
            take(row);
        })?;
        self.prove_all_arrived(sql, arrived, 0)
    }

    fn stream_unchecked(&mut self, sql: &str, params: Vec<Value>, mut take: impl FnMut(Arrived<'_>)) -> Result<()> {
        self.registry.count(&self.name);
        let Session { conn, plain, inlet, name, .. } = self;
        if *plain && inlet.is_none() {
            *inlet = Inlet::of(conn).ok();
        }
        let fail = |error: mysql::Error| ServerError::from_mysql(name, &error);
        if let Some(inlet) = inlet {
            let statement = conn.prep(sql).map_err(fail)?;
            match inlet.execute(&statement, &params, |payload, slots| take(Arrived::InPlace(payload, slots))) {
                Ok(Answer::Whole) => return Ok(()),
                // The library has its ways with them; what it knows of the columns may be older.
                Ok(Answer::TooLong) => conn.close(statement).map_err(fail)?,
                Err(error) => return Err(fail(error)),
            }
        }
        let result = conn.exec_iter(sql, positional(params)).map_err(fail)?;
        for row in result {
            take(Arrived::Owned(&row.map_err(fail)?));
        }
        Ok(())
    }
}

/// A row as it arrives.
#[derive(Clone, Copy)]
pub(crate) enum Arrived<'a> {
    /// Made by the wire library.
    Owned(&'a Row),
    /// Still in the packet in which it came, with the places of its values.
    InPlace(&'a [u8], &'a [Slot]),
}

impl<'a> Arrived<'a> {
    /// The value of a column by its number; NULL where there is no such column.
    pub fn cell(self, at: usize) -> Cell<'a> {
        match self {
            Arrived::Owned(row) => row.as_ref(at).map_or(Cell::Null, Cell::from),
            Arrived::InPlace(payload, slots) => slots.get(at).map_or(Cell::Null, |slot| slot.cell(payload)),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.registry.remove(&self.name, self.conn.connection_id());
    }
}

/// Named parameters are never used: all of ours are `?`.
fn positional(params: Vec<Value>) -> Params {
    if params.is_empty() { Params::Empty } else { Params::Positional(params) }
}

/// Connects with TLS as the target asks, and tells whether the connection is encrypted; `preferred`
/// falls back to plain where the server offers none.
pub(crate) fn connect(target: &Target, limits: Limits) -> mysql::Result<(Conn, bool)> {
    let open = |tls: bool| {
        let (opts, encrypted) = target.opts(limits.connect, limits.read, limits.read, tls);
        let opts = mysql::Opts::from(opts);
        shake_hands(limits.handshakes, || Conn::new(opts.clone())).map(|conn| (conn, encrypted))
    };
    match target.tls_mode() {
        TlsMode::Disabled => open(false),
        TlsMode::Preferred => open(true).or_else(|error| match error {
            mysql::Error::DriverError(mysql::DriverError::TlsNotSupported) | mysql::Error::TlsError(_) => open(false),
            other => Err(other),
        }),
        _ => open(true),
    }
}

/// Tries again when the connection was taken and then dropped: what a server or a
/// proxy before it does when it is short of something for a moment.
fn shake_hands(handshakes: u32, open: impl Fn() -> mysql::Result<Conn>) -> mysql::Result<Conn> {
    let mut tries = 1;
    loop {
        match open() {
            Err(error) if tries < handshakes && was_dropped(&error) => {
                std::thread::sleep(Duration::from_millis(100) * tries);
                tries += 1;
            }
            ended => return ended,
        }
    }
}

fn was_dropped(error: &mysql::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, mysql::Error::IoError(e)
        if matches!(e.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
}
