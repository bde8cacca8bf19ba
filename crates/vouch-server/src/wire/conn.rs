//! A connection: [`Conn`] shakes hands, asks, and reads rows where they arrive.
//!
//! Each question is answered to its end before the next one; after a failure other than the server's own refusal
//! nothing that comes is an answer to anything, and the connection must not be used again.

use crate::address::Address;
use crate::tls::{Tls, TlsMode};
use crate::wire::answer::{self, Head, NONSENSE, Prepared, is_end, refusal};
use crate::wire::error::{Result, WireError};
use crate::wire::greeting::{Greeting, can, up_to_zero};
use crate::wire::packets::Packets;
use crate::wire::proof::{self, Prover, ServerKey};
use crate::wire::row::{self, Form, Slot};
use crate::wire::statements::{Statement, Statements};
use crate::wire::stream::{Stream, Timeouts};
use crate::wire::{Cell, trust};
use mysql_common::io::ParseBuf;
use mysql_common::packets::{Column, ComStmtExecuteRequestBuilder, ComStmtSendLongData};
use mysql_common::proto::{MySerialize, Text};
use mysql_common::row::{RowDeserializer, new_row};
use mysql_common::{Row, Value};
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use vouch_convert::narrow;

/// Where a connection leads, and as whom.
#[derive(Clone)]
pub struct Door {
    /// The place.
    pub address: Address,
    /// The account; empty for the server's anonymous one.
    pub user: String,
    /// Its password; empty for none.
    pub password: String,
    /// How it is encrypted.
    pub tls: Tls,
    /// The key for the password where it is not.
    pub key: ServerKey,
    /// Limits on the other side.
    pub timeouts: Timeouts,
    /// The longest packet that is taken, in bytes.
    pub longest: usize,
}

/// The first bytes of commands (MySQL Internals, "Text Protocol", "Prepared Statements").
const COM_QUERY: u8 = 0x03;
const COM_STMT_PREPARE: u8 = 0x16;
const COM_STMT_CLOSE: u8 = 0x19;

/// Answers of a server to the proof of a password.
const MORE: u8 = 0x01;

/// How often a server may change its mind on how a password is to be proven: once for each plugin of an account.
const ROUNDS: usize = 16;

/// A connection to a server.
pub struct Conn {
    packets: Packets<Stream>,
    id: u32,
    statements: Statements,
    slots: Vec<Slot>,
}

impl Conn {
    /// Connects, with TLS as the door says, and logs in.
    ///
    /// # Errors
    /// Those of [`Stream::connect`] and of [`Stream::encrypted`]; [`WireError::NoTls`]; the server's refusal of the
    /// account; [`WireError::Plugin`], [`WireError::NoServerKey`], [`WireError::KeyFile`].
    pub fn open(door: &Door) -> Result<Conn> {
        Conn::opened(door).map_err(WireError::of_handshake)
    }

    fn opened(door: &Door) -> Result<Conn> {
        let mut packets = Packets::new(Stream::connect(&door.address, door.timeouts)?, door.longest);
        let greeting = match packets.next()? {
            payload @ [answer::ERR, ..] => return Err(refusal(payload)),
            payload => Greeting::read(payload)?,
        };
        let tls = door.wants_tls(&greeting)?;
        if let Some(host) = tls {
            packets.reply(&greeting.tls_request(door.longest))?;
            let config = trust::config(&door.tls)?;
            packets = packets.through(|stream| stream.encrypted(host, &config))?;
        }
        door.log_in(&mut packets, &greeting, tls.is_some())?;
        Ok(Conn { packets, id: greeting.connection, statements: Statements::default(), slots: Vec::new() })
    }

    /// The number of the connection on the server.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// A second handle of its socket.
    ///
    /// # Errors
    /// When the process may not have more descriptors.
    pub fn handle(&self) -> io::Result<TcpStream> {
        self.packets.stream().handle()
    }

    /// Takes packets of up to `longest` bytes from now on.
    pub fn allow(&mut self, longest: usize) {
        self.packets.allow(longest);
    }

    /// Runs a statement by the text protocol and drops its rows; returns how many rows it changed.
    ///
    /// # Errors
    /// The server's refusal; those of the connection.
    pub fn run(&mut self, sql: &str) -> Result<u64> {
        match self.asked(COM_QUERY, sql.as_bytes())? {
            Head::Done(changed) => Ok(changed),
            Head::Rows { columns, .. } => {
                self.columns(columns)?;
                while !self.is_over()? {}
                Ok(0)
            }
        }
    }

    /// All rows of a statement by the text protocol, for `SHOW` and the like.
    ///
    /// # Errors
    /// The server's refusal; those of the connection.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Row>> {
        let Head::Rows { columns, .. } = self.asked(COM_QUERY, sql.as_bytes())? else { return Ok(Vec::new()) };
        let columns: Arc<[Column]> = self.columns(columns)?.into();
        let mut rows = Vec::new();
        loop {
            let payload = self.packets.next()?;
            if payload.first() == Some(&answer::ERR) {
                return Err(refusal(payload));
            }
            if is_end(payload)? {
                return Ok(rows);
            }
            let mut rest = ParseBuf(payload);
            let row: RowDeserializer<(), Text> = rest.parse(Arc::clone(&columns))?;
            if !rest.is_empty() {
                return Err(NONSENSE);
            }
            rows.push(row.into_inner());
        }
    }

    /// The first row of a statement by the text protocol.
    ///
    /// # Errors
    /// The server's refusal; those of the connection.
    pub fn first(&mut self, sql: &str) -> Result<Option<Row>> {
        Ok(self.query(sql)?.into_iter().next())
    }

    /// All rows of a prepared statement.
    ///
    /// # Errors
    /// Those of [`Conn::execute`].
    pub fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.each_row(sql, params, |row| rows.push(row))?;
        Ok(rows)
    }

    /// Hands each row of a prepared statement to `take` as it arrives.
    ///
    /// # Errors
    /// Those of [`Conn::execute`].
    pub fn each_row(&mut self, sql: &str, params: &[Value], mut take: impl FnMut(Row)) -> Result<()> {
        self.execute(sql, params, |payload, slots, columns| take(owned(payload, slots, columns))).map(drop)
    }

    /// Runs a prepared statement, and hands each of its rows to `take`: the packet in which it came, where its
    /// values stand there, and its columns. Returns how many rows it changed.
    ///
    /// # Errors
    /// The server's refusal; those of the connection. Rows before the failure have been handed over.
    pub fn execute(
        &mut self,
        sql: &str,
        params: &[Value],
        mut take: impl FnMut(&[u8], &[Slot], &Arc<[Column]>),
    ) -> Result<u64> {
        let mut statement = self.prepared(sql)?;
        if params.len() != statement.params {
            return Err(WireError::Nonsense("the server counts other parameters in a statement than it has"));
        }
        self.send_params(statement.id, params)?;
        let (count, described) = match Head::read(self.packets.next()?)? {
            Head::Done(changed) => return Ok(changed),
            Head::Rows { columns, described } => (columns, described),
        };
        if described {
            let columns = self.columns(count)?;
            statement = self.statements.redescribed(sql, &statement, columns);
        } else if !self.is_over()? {
            return Err(NONSENSE);
        }
        let forms = forms(&statement.columns)?;
        if forms.len() != count {
            return Err(NONSENSE);
        }
        loop {
            let payload = self.packets.next()?;
            match payload.first() {
                Some(&answer::OK) => {
                    let Some(()) = row::locate(payload, &forms, &mut self.slots) else { return Err(NO_ROW) };
                    take(payload, &self.slots, &statement.columns);
                }
                Some(&answer::ERR) => return Err(refusal(payload)),
                _ if is_end(payload)? => return Ok(0),
                _ => return Err(NONSENSE),
            }
        }
    }

    /// Sends a command that is answered by a word of agreement.
    ///
    /// # Errors
    /// The server's refusal; those of the connection.
    pub fn command(&mut self, command: &impl MySerialize) -> Result<()> {
        self.send(command)?;
        match Head::read(self.packets.next()?)? {
            Head::Done(_) => Ok(()),
            Head::Rows { .. } => Err(NONSENSE),
        }
    }

    /// Sends a command, and gives the connection away to whoever reads what it is answered with.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn into_answer(mut self, command: &impl MySerialize) -> Result<Packets<Stream>> {
        self.send(command)?;
        Ok(self.packets)
    }

    fn send(&mut self, command: &impl MySerialize) -> Result<()> {
        let mut bytes = Vec::new();
        command.serialize(&mut bytes);
        Ok(self.packets.send(&bytes)?)
    }

    fn asked(&mut self, command: u8, text: &[u8]) -> Result<Head> {
        self.packets.send(&command_of(command, text))?;
        Head::read(self.packets.next()?)
    }

    /// The columns of an answer, and what ends them.
    fn columns(&mut self, count: usize) -> Result<Vec<Column>> {
        let columns = (0..count).map(|_| self.column()).collect::<Result<_>>()?;
        if count > 0 && !self.is_over()? { Err(NONSENSE) } else { Ok(columns) }
    }

    fn column(&mut self) -> Result<Column> {
        let payload = self.packets.next()?;
        match payload.first() {
            Some(&answer::ERR) => Err(refusal(payload)),
            _ => Ok(ParseBuf(payload).parse::<Column>(())?),
        }
    }

    /// Whether the next packet is an end.
    fn is_over(&mut self) -> Result<bool> {
        let payload = self.packets.next()?;
        match payload.first() {
            Some(&answer::ERR) => Err(refusal(payload)),
            _ => is_end(payload),
        }
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.find(sql) {
            return Ok(statement);
        }
        self.packets.send(&command_of(COM_STMT_PREPARE, sql.as_bytes()))?;
        let Prepared { id, columns, params } = Prepared::read(self.packets.next()?)?;
        self.columns(params)?;
        let statement = Statement { id, columns: self.columns(columns)?.into(), params };
        if let Some(oldest) = self.statements.add(sql, statement.clone()) {
            // Nothing is answered to that.
            self.packets.send(&command_of(COM_STMT_CLOSE, &oldest.to_le_bytes()))?;
        }
        Ok(statement)
    }

    /// Sends the parameters of a statement: those that are long one by one, where they do not fit into a packet.
    fn send_params(&mut self, id: u32, params: &[Value]) -> Result<()> {
        let (request, one_by_one) = ComStmtExecuteRequestBuilder::new(id).build(params);
        let long = params.iter().enumerate().filter(|_| one_by_one);
        for (at, value) in long {
            if let (Value::Bytes(bytes), Some(at)) = (value, narrow(at)) {
                self.send(&ComStmtSendLongData::new(id, at, bytes.as_slice()))?;
            }
        }
        self.send(&request)
    }
}

impl Door {
    /// The host to whom TLS is begun; `None` for a connection without it.
    fn wants_tls(&self, greeting: &Greeting) -> Result<Option<&str>> {
        let Address::Tcp(host, _) = &self.address else { return Ok(None) };
        let offered = greeting.shared & can::TLS != 0;
        match self.tls.mode {
            TlsMode::Disabled => Ok(None),
            TlsMode::Preferred => Ok(offered.then_some(host.as_str())),
            _ if offered => Ok(Some(host)),
            _ => Err(WireError::NoTls),
        }
    }

    fn log_in(&self, packets: &mut Packets<Stream>, greeting: &Greeting, tls: bool) -> Result<()> {
        // Most accounts have the server's own plugin; for others it asks.
        let plugin = if greeting.plugin == proof::CACHING_SHA2 { proof::CACHING_SHA2 } else { proof::NATIVE };
        let mut prover = Prover {
            password: &self.password,
            key: &self.key,
            private: packets.stream().is_private(),
            plugin: plugin.to_vec(),
            nonce: greeting.nonce.clone(),
            awaits_key: false,
        };
        let proof = prover.first()?;
        packets.reply(&greeting.answer(&self.user, plugin, &proof, tls, self.longest))?;
        for _ in 0..ROUNDS {
            let reply = match packets.next()? {
                [answer::OK, ..] => return Ok(()),
                payload @ [answer::ERR, ..] => return Err(refusal(payload)),
                [answer::END, rest @ ..] => {
                    let (plugin, nonce) = up_to_zero(rest).unwrap_or((OLDEST, &[]));
                    (prover.plugin, prover.nonce) = (plugin.to_vec(), nonce.to_vec());
                    Some(prover.first()?)
                }
                [MORE, rest @ ..] => prover.next(rest)?,
                _ => return Err(NONSENSE),
            };
            if let Some(reply) = reply {
                packets.reply(&reply)?;
            }
        }
        Err(WireError::Nonsense("the server does not come to an end with the proof of the password"))
    }
}

/// The plugin of servers that ask for it without a name.
const OLDEST: &[u8] = b"mysql_old_password";

const NO_ROW: WireError = WireError::Nonsense("what the server sent is no row of the statement");

fn command_of(command: u8, rest: &[u8]) -> Vec<u8> {
    [&[command], rest].concat()
}

fn forms(columns: &[Column]) -> Result<Vec<Form>> {
    columns.iter().map(|column| Form::of(column.column_type(), column.flags()).ok_or(NO_ROW)).collect()
}

fn owned(payload: &[u8], slots: &[Slot], columns: &Arc<[Column]>) -> Row {
    let values = slots.iter().map(|slot| Cell::to_value(slot.cell(payload))).collect();
    new_row(values, Arc::clone(columns))
}
