//! A session: one connection with fixed settings, killable from outside.
//!
//! Every session of vouch is opened here, so that what is promised about
//! sessions holds for all: they cannot write unless they were opened for the
//! replicate table ([`Access::Replicate`]), their statements end by themselves,
//! everything that changes what a SELECT returns is pinned (`sql/settings.rs`), and
//! an address leads to one server for as long as a run lasts.

use crate::capability::{Capabilities, Capability};
use crate::deadline::Deadline;
use crate::error::{Fault, ServerError, Wire};
use crate::flavor::Flavor;
use crate::registry::Registry;
use crate::sql::decode;
use crate::sql::rows::unhurried;
use crate::sql::settings::{self, Conditions};
use crate::target::Target;
use crate::wire::{self, Cell, Conn, Door, Slot, Timeouts, WireError};
use mysql_common::{Row, Value};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use vouch_convert::{parse, to_size, widen};

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

impl Limits {
    /// The time that a whole answer may take, on our side: a server that says nothing at all runs
    /// into the limit on waiting for bytes first, and a statement that takes long into its own.
    pub(crate) fn answer(self) -> Duration {
        self.read.saturating_add(self.connect)
    }
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
    /// `@@hostname`.
    pub host: String,
    /// `@@port`; 0 where it does not listen.
    pub port: u16,
    /// `max_allowed_packet` in bytes.
    pub max_allowed_packet: u64,
}

impl Identity {
    /// Whether two sessions lead to one server. Its version may change in between, all else not:
    /// a copy of a server has its uuid, and every server of a cluster may have one id.
    pub fn is_same_server(&self, other: &Identity) -> bool {
        (self.server_id, &self.uuid, &self.host, self.port) == (other.server_id, &other.uuid, &other.host, other.port)
    }

    /// Host, port and ids, for a person.
    pub(crate) fn place(&self) -> String {
        let uuid = if self.uuid.is_empty() { String::new() } else { format!(", uuid {}", self.uuid) };
        format!("{}:{} (server id {}{uuid})", self.host, self.port, self.server_id)
    }
}

/// One connection to one server.
pub struct Session {
    conn: Conn,
    name: String,
    identity: Arc<Identity>,
    registry: Arc<Registry>,
    writes: bool,
    target: Target,
    limits: Limits,
    deadline: Deadline,
    /// An answer was not read to its end: what comes next on the connection answers nothing.
    out_of_step: bool,
}

impl Session {
    /// Connects, identifies the server and fixes the session's settings; it reads only.
    ///
    /// # Errors
    /// [`Fault::Refused`], [`Fault::UnknownHost`], [`Fault::Tls`], [`Fault::Lost`] or
    /// [`Fault::Busy`] when there is no connection; [`Fault::Session`] when its settings cannot be
    /// fixed; [`Fault::Moved`] when the address led to another server before; [`Fault::Killed`]
    /// after a stop.
    pub fn open(target: &Target, limits: Limits, registry: &Arc<Registry>) -> Result<Self> {
        Session::open_for(target, limits, &Access::ReadOnly, registry)
    }

    /// The same for that access.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub fn open_for(target: &Target, limits: Limits, access: &Access, registry: &Arc<Registry>) -> Result<Self> {
        let Opened { conn, identity, deadline } = Opened::new(target, limits, access, registry)?;
        let mut session = Session {
            conn,
            name: target.name().to_owned(),
            identity,
            registry: Arc::clone(registry),
            writes: *access != Access::ReadOnly,
            target: target.clone(),
            limits,
            deadline,
            out_of_step: false,
        };
        if let Access::Replicate { variables } = access {
            settings::begin_replicating(&mut session, limits, variables)?;
        }
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
        self.conn.id()
    }

    /// Whether the server has `capability`.
    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.identity.capabilities.has(capability)
    }

    /// Asks on the connection, within the time that an answer may take.
    fn ask<T>(&mut self, ask: impl FnOnce(&mut Self) -> wire::Result<T>) -> Result<T> {
        if self.out_of_step {
            return Err(ServerError::new(&self.name, Fault::Lost, "the connection was given up"));
        }
        self.registry.count(&self.name);
        self.deadline.begin();
        let answer = ask(self);
        let cut = self.deadline.end();
        answer.map_err(|error| self.failed(&error, cut))
    }

    /// What failed, and whether the connection can still be used.
    fn failed(&mut self, error: &WireError, cut: bool) -> ServerError {
        self.out_of_step = !matches!(error, WireError::Refused(_));
        if !cut {
            return ServerError::from_wire(&self.name, error);
        }
        let text = format!("the answer did not end within {} s", self.deadline.limit().as_secs_f32());
        ServerError { wire: Some(Wire::Silent), ..ServerError::new(&self.name, Fault::Lost, text) }
    }

    /// Runs a statement and drops its result.
    pub(crate) fn run(&mut self, sql: &str) -> Result<()> {
        self.ask(|session| session.conn.run(sql)).map(drop)
    }

    /// Runs a prepared statement that writes; returns the number of rows that it changed.
    /// A session that was not opened for that refuses before the server has to.
    pub(crate) fn write(&mut self, sql: &str, params: Vec<Value>) -> Result<u64> {
        if !self.writes {
            return Err(ServerError::new(&self.name, Fault::Denied, "the session is read only"));
        }
        self.ask(|session| session.conn.execute(sql, &params, |_, _, _| {}))
    }

    /// All rows of a statement by the text protocol, for `SHOW` and the like.
    pub(crate) fn show(&mut self, sql: &str) -> Result<Vec<Row>> {
        self.ask(|session| session.conn.query(sql))
    }

    /// All rows of a prepared statement.
    pub(crate) fn rows(&mut self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>> {
        let passed_over = settings::passed_over(sql, &params);
        let rows = self.ask(|session| session.conn.rows(sql, &params))?;
        self.prove_all_arrived(sql, widen(rows.len()), passed_over)?;
        Ok(rows)
    }

    /// All rows of a statement that lists what a server has, which may take minutes with many tables: the server has
    /// no limit on it, and we wait for its first row for as long as the server still answers others.
    pub(crate) fn listing(&mut self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>> {
        let sql = unhurried(self, sql.to_owned());
        let (target, limits, registry) = (self.target.clone(), self.limits, Arc::clone(&self.registry));
        let is_alive = move || match Opened::settled(&target, limits, &Access::ReadOnly, &registry) {
            Ok(_) => true,
            Err(error) => error.fault == Fault::Busy,
        };
        let passed_over = settings::passed_over(&sql, &params);
        let rows = self.ask(|Session { conn, deadline, .. }| {
            let mut patience = Some(deadline.wait_while(limits.read, is_alive)?);
            let (mut rows, mut hurried) = (Vec::new(), Ok(()));
            let ended = conn.each_row(&sql, &params, |row| {
                if patience.take().is_some() {
                    hurried = deadline.hurry(limits.read);
                }
                rows.push(row);
            });
            drop(patience);
            hurried.and_then(|()| deadline.hurry(limits.read))?;
            ended.map(|()| rows)
        })?;
        self.prove_all_arrived(&sql, vouch_convert::widen(rows.len()), passed_over)?;
        Ok(rows)
    }

    /// Compares the rows that arrived with those that the server says it sent. A result that was cut
    /// off on its way ends as cleanly as a whole one, and a row that never came cannot be missed otherwise.
    fn prove_all_arrived(&mut self, sql: &str, arrived: u64, passed_over: u64) -> Result<()> {
        if !settings::counts_its_rows(sql) {
            return Ok(());
        }
        let row = self.ask(|session| session.conn.first(settings::ROWS_SENT))?;
        let said = row.and_then(|row| parse::<u64>(decode::text_at(&row, 0)));
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
    pub(crate) fn stream(
        &mut self,
        sql: &str,
        params: Vec<Value>,
        haste: Haste,
        mut take: impl FnMut(Arrived<'_>),
    ) -> Result<()> {
        let mut arrived = 0;
        self.ask(|Session { conn, deadline, .. }| {
            conn.execute(sql, &params, |payload, slots, _| {
                if haste == Haste::EachRow {
                    deadline.begin_again();
                }
                arrived += 1;
                take(Arrived { payload, slots });
            })
        })?;
        self.prove_all_arrived(sql, arrived, 0)
    }
}

/// What has to come within the time that an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Haste {
    /// All of the answer: the server has a limit on it too.
    Whole,
    /// Each of its rows: a table is read in one statement, however long that takes.
    EachRow,
}

/// A row as it arrives: the packet in which it came, with the places of its values.
#[derive(Clone, Copy)]
pub(crate) struct Arrived<'a> {
    payload: &'a [u8],
    slots: &'a [Slot],
}

impl<'a> Arrived<'a> {
    /// The value of a column by its number; NULL where there is no such column.
    pub fn cell(self, at: usize) -> Cell<'a> {
        self.slots.get(at).map_or(Cell::Null, |slot| slot.cell(self.payload))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.registry.remove(&self.name, self.conn.id());
    }
}

/// A connection of which is known where it leads.
pub(crate) struct Opened {
    pub(crate) conn: Conn,
    pub(crate) identity: Arc<Identity>,
    pub(crate) deadline: Deadline,
}

impl Opened {
    /// Connects, fixes the settings, finds out where the connection leads, and notes it.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub(crate) fn new(target: &Target, limits: Limits, access: &Access, registry: &Registry) -> Result<Self> {
        Opened::settled(target, limits, access, registry)?.noted(target, registry)
    }

    fn settled(target: &Target, limits: Limits, access: &Access, registry: &Registry) -> Result<Self> {
        let mut conn = connect(target, limits)?;
        let handle = conn.handle().map_err(|error| ServerError::from_wire(target.name(), &error.into()))?;
        let deadline = Deadline::of(handle, limits.answer());
        deadline.begin();
        let conditions = Conditions { limits, access };
        let settled = settings::settle(&mut conn, &conditions, registry.known(target).as_deref());
        deadline.end();
        let identity = Arc::new(settled.map_err(|unsettled| unsettled.on(target.name()))?);
        conn.allow(packet_max(identity.max_allowed_packet));
        Ok(Opened { conn, identity, deadline })
    }

    fn noted(self, target: &Target, registry: &Registry) -> Result<Self> {
        registry.add(target, self.conn.id(), &self.identity)?;
        Ok(self)
    }
}

/// The longest packet that is taken, in bytes: a row of a few values of the greatest length that
/// the server allows, and what the protocol allows at most.
fn packet_max(max_allowed_packet: u64) -> usize {
    let bytes = max_allowed_packet.saturating_mul(2).min(PROTOCOL_MAX);
    to_size(bytes).max(PACKET_MAX_AT_FIRST)
}

/// The greatest value of `max_allowed_packet`.
const PROTOCOL_MAX: u64 = 1 << 30;

/// The longest packet of a server that has not said what it allows: twice what MySQL allows by default.
const PACKET_MAX_AT_FIRST: usize = 128 << 20;

/// Connects with TLS as the target asks, and logs in.
pub(crate) fn connect(target: &Target, limits: Limits) -> Result<Conn> {
    let timeouts = Timeouts { connect: limits.connect, bytes: limits.read };
    let door = target.door(timeouts, PACKET_MAX_AT_FIRST);
    let opened = shake_hands(limits.handshakes, || within(limits.answer(), door.clone()));
    opened.map_err(|error| ServerError::from_wire(target.name(), &error))
}

/// A connection that stands within `limit`. One that does not is left to a thread of its own, which
/// closes it as soon as it stands: nobody else can end a name that does not resolve, or a handshake that trickles.
fn within(limit: Duration, door: Door) -> wire::Result<Conn> {
    let (send, receive) = mpsc::sync_channel(1);
    // Nobody receives a connection that came too late: it is dropped, which closes it.
    let connecting = move || drop(send.send(Conn::open(&door)));
    std::thread::Builder::new().name("connect".to_owned()).spawn(connecting)?;
    receive.recv_timeout(limit).unwrap_or(Err(WireError::HandshakeTimeout))
}

/// Tries again when the connection was taken and then dropped: what a server or a
/// proxy before it does when it is short of something for a moment.
fn shake_hands(handshakes: u32, open: impl Fn() -> wire::Result<Conn>) -> wire::Result<Conn> {
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

fn was_dropped(error: &WireError) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, WireError::Io(e)
        if matches!(e.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
}
