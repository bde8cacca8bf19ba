//! A proxy that understands the protocol: [`Meddler`] spoils the answer to the n-th statement.
//!
//! It notes the statements of all connections through it, without their values, and
//! gives the n-th one of a text a [`Fault`]: an error of the server, a lost connection,
//! or a result set that ends early with a clean end, as limits, hidden rows and
//! privileges make it. A number among *all* statements would meet another one in each
//! run, since threads take turns as they like.
//! Connections must not be encrypted (`ssl-mode=disabled`).
//!
//! A packet (sql/net_serv.cc, "Protocol basics" of the servers' manuals):
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 3 | length of the payload, little endian |
//! | 3 | 1 | sequence number; 0 begins a command |
//! | 4 | n | payload; of a command its first byte is the command |

use crate::{Error, Result};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The command that ends a connection; nothing answers it.
const COM_QUIT: u8 = 0x01;
const COM_QUERY: u8 = 0x03;
const COM_STMT_PREPARE: u8 = 0x16;
const COM_STMT_EXECUTE: u8 = 0x17;
/// Nothing answers it either.
const COM_STMT_CLOSE: u8 = 0x19;
const COM_BINLOG_DUMP: u8 = 0x12;
const COM_BINLOG_DUMP_GTID: u8 = 0x1e;

/// A result set has no packet between definitions and rows, and ends with an OK packet.
const CLIENT_DEPRECATE_EOF: u32 = 1 << 24;

/// What happens to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Error 1142: the account may not.
    Denied,
    /// Error 1205: waited too long for a lock.
    LockTimeout,
    /// The connection is closed instead of an answer.
    Lost,
    /// The result set has its columns and no row.
    Empty,
    /// The result set ends cleanly after so many rows.
    CutAfter(u64),
}

impl Fault {
    /// Whether the answer looks like one that nothing disturbed.
    pub fn is_silent(self) -> bool {
        matches!(self, Fault::Empty | Fault::CutAfter(_))
    }

    /// The five ways in which a statement can be spoilt.
    pub const ALL: [Fault; 5] = [Fault::Denied, Fault::LockTimeout, Fault::Lost, Fault::Empty, Fault::CutAfter(1)];
}

/// A proxy on 127.0.0.1 that spoils one statement.
#[derive(Debug)]
pub struct Meddler {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    plan: Mutex<Option<Plan>>,
    sent: Mutex<BTreeMap<String, Sent>>,
    spoilt: AtomicBool,
    stop: AtomicBool,
    links: AtomicU64,
    /// Both ends of each connection that is open.
    open: Mutex<BTreeMap<u64, [TcpStream; 2]>>,
}

/// The statement that is spoilt.
#[derive(Clone, Debug)]
struct Plan {
    text: String,
    turn: u64,
    fault: Fault,
}

/// Statements of one text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many there were.
    pub times: u64,
    /// Whether rows may answer them: an empty or a cut result is of no effect on the others.
    pub with_rows: bool,
}

impl Meddler {
    /// A proxy in front of a port of 127.0.0.1 that passes everything.
    pub fn to_port(target: u16) -> Result<Meddler> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::io("the proxy's port"))?;
        let port = listener.local_addr().map_err(Error::io("the proxy's port"))?.port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&accepting, &listener, target));
        Ok(Meddler { port, shared, acceptor: Some(acceptor) })
    }

    /// `mysql://user:password@127.0.0.1:port`, not encrypted; both must be plain words.
    pub fn url(&self, user: &str, password: &str) -> String {
        format!("mysql://{user}:{password}@127.0.0.1:{}/?ssl-mode=disabled&get-server-public-key=1", self.port)
    }

    /// Forgets what was sent, and passes everything.
    pub fn watch(&self) {
        *lock(&self.shared.plan) = None;
        self.begin();
    }

    /// Forgets what was sent, and spoils the `turn`-th statement of that text, from 1.
    pub fn spoil(&self, text: &str, turn: u64, fault: Fault) {
        *lock(&self.shared.plan) = Some(Plan { text: text.to_owned(), turn, fault });
        self.begin();
    }

    fn begin(&self) {
        self.shared.spoilt.store(false, Ordering::SeqCst);
        lock(&self.shared.sent).clear();
    }

    /// The statements since then, by their command and text, with `N` for each number and `S` for each string.
    pub fn sent(&self) -> BTreeMap<String, Sent> {
        lock(&self.shared.sent).clone()
    }

    /// Whether a statement was spoilt since then.
    pub fn has_spoilt(&self) -> bool {
        self.shared.spoilt.load(Ordering::SeqCst)
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        while let Some((_, ends)) = lock(&self.shared.open).pop_first() {
            close(&ends);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// A connection that has ended needs no closing.
fn close(ends: &[TcpStream; 2]) {
    for end in ends {
        let _ = end.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener, target: u16) {
    for client in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { return };
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
        // What cannot be set up is closed, which the client sees.
        let _ = link(shared, client, server);
    }
}

/// One connection: how its answers end, what its next answer suffers, and what it prepared.
#[derive(Debug, Default)]
struct Link {
    deprecate_eof: AtomicBool,
    next: Mutex<Option<(Fault, u8)>>,
    /// The statement that is being prepared.
    preparing: Mutex<Option<String>>,
    /// Those that are, by their number.
    prepared: Mutex<BTreeMap<u32, String>>,
}

fn link(shared: &Arc<Shared>, client: TcpStream, server: TcpStream) -> io::Result<()> {
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let number = shared.links.fetch_add(1, Ordering::SeqCst);
    let state = Arc::new(Link::default());
    let (client_in, server_out) = (client.try_clone()?, server.try_clone()?);
    let back = client.try_clone()?;
    lock(&shared.open).insert(number, [client.try_clone()?, server.try_clone()?]);
    let (one, two, forward) = (Arc::clone(shared), Arc::clone(shared), Arc::clone(&state));
    thread::spawn(move || {
        let ended = commands(&one, &forward, client_in, &server_out, back);
        drop(ended);
        one.hang_up(number);
    });
    thread::spawn(move || {
        let ended = answers(&state, server, &client);
        drop(ended);
        two.hang_up(number);
    });
    Ok(())
}

impl Shared {
    /// Closes both ends of a connection, and keeps none of them.
    fn hang_up(&self, number: u64) {
        if let Some(ends) = lock(&self.open).remove(&number) {
            close(&ends);
        }
    }
}

/// A packet with its head.
fn packet(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut packet = vec![0_u8; 4];
    from.read_exact(&mut packet)?;
    let length = usize::from(packet[0]) | usize::from(packet[1]) << 8 | usize::from(packet[2]) << 16;
    packet.resize(4 + length, 0);
    from.read_exact(&mut packet[4..])?;
    Ok(packet)
}

/// From the client to the server.
fn commands(
    shared: &Shared,
    link: &Link,
    mut client: TcpStream,
    mut server: &TcpStream,
    mut back: TcpStream,
) -> io::Result<()> {
    let greeting = packet(&mut client)?;
    if let Some(flags) = greeting.get(4..8) {
        let flags = u32::from_le_bytes(flags.try_into().unwrap_or([0; 4]));
        link.deprecate_eof.store(flags & CLIENT_DEPRECATE_EOF != 0, Ordering::SeqCst);
    }
    server.write_all(&greeting)?;
    loop {
        let packet = packet(&mut client)?;
        match fault_of(shared, link, &packet) {
            Some(Fault::Lost) => return Ok(()),
            Some(Fault::Denied) => back.write_all(&error(1142, "42000", "command denied to user"))?,
            Some(Fault::LockTimeout) => {
                back.write_all(&error(1205, "HY000", "Lock wait timeout exceeded; try restarting transaction"))?;
            }
            Some(fault) => {
                *lock(&link.next) = Some((fault, packet[4]));
                server.write_all(&packet)?;
            }
            None => server.write_all(&packet)?,
        }
    }
}

/// What happens to a packet of the client, which counts when it begins a command.
fn fault_of(shared: &Shared, link: &Link, packet: &[u8]) -> Option<Fault> {
    let (&sequence, &command) = (packet.get(3)?, packet.get(4)?);
    if sequence != 0 || matches!(command, COM_QUIT | COM_STMT_CLOSE) {
        return None;
    }
    let text = text_of(link, command, packet.get(5..).unwrap_or_default());
    let fault = {
        let mut sent = lock(&shared.sent);
        let entry = sent.entry(text.clone()).or_default();
        entry.times += 1;
        entry.with_rows = may_have_rows(command, &text);
        let plan = lock(&shared.plan);
        plan.as_ref().filter(|plan| plan.text == text && plan.turn == entry.times).map(|plan| plan.fault)
    };
    if fault.is_some() {
        shared.spoilt.store(true, Ordering::SeqCst);
    } else if command == COM_STMT_PREPARE {
        *lock(&link.preparing) = Some(text);
    }
    fault
}

/// The command, and its text without values.
fn text_of(link: &Link, command: u8, payload: &[u8]) -> String {
    match command {
        COM_QUERY => without_values(payload),
        COM_STMT_PREPARE => format!("PREPARE {}", without_values(payload)),
        COM_STMT_EXECUTE => {
            let number = payload.get(..4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
            let prepared = lock(&link.prepared);
            let text = number.and_then(|number| prepared.get(&number)).map_or("PREPARE ?", String::as_str);
            text.replacen("PREPARE", "EXECUTE", 1)
        }
        _ => format!("command {command:#04x}"),
    }
}

/// `N` for each word that begins with a digit, `S` for each text in single quotes.
fn without_values(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    let (mut kept, mut rest) = (String::new(), text.chars().peekable());
    let mut in_word = false;
    while let Some(letter) = rest.next() {
        if letter == '\'' {
            rest.by_ref().find(|other| *other == '\'');
            kept.push('S');
        } else if letter.is_ascii_digit() && !in_word {
            while rest.next_if(|other| other.is_ascii_alphanumeric() || *other == '.').is_some() {}
            kept.push('N');
        } else if !letter.is_control() {
            kept.push(letter);
        }
        in_word = letter.is_alphanumeric() || letter == '_';
    }
    kept
}

/// Whether rows may answer a command. Of texts those that prove how many rows there were are left out: without that
/// number every result is refused, which the other faults show.
fn may_have_rows(command: u8, text: &str) -> bool {
    let begins = |words: &[&str], text: &str| words.iter().any(|word| text.starts_with(word));
    match command {
        COM_QUERY => begins(&["SELECT", "SHOW", "(", "EXPLAIN", "SET STATEMENT"], text) && !text.contains("FOUND_ROWS"),
        COM_STMT_EXECUTE => !begins(&["REPLACE", "INSERT", "UPDATE", "DELETE"], text.trim_start_matches("EXECUTE ")),
        _ => matches!(command, COM_BINLOG_DUMP | COM_BINLOG_DUMP_GTID),
    }
}

fn error(code: u16, state: &str, message: &str) -> Vec<u8> {
    let mut payload = vec![0xff];
    payload.extend(code.to_le_bytes());
    payload.push(b'#');
    payload.extend(state.bytes());
    payload.extend(message.bytes());
    framed(1, &payload)
}

fn framed(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_le_bytes();
    [&[length[0], length[1], length[2], sequence], payload].concat()
}

/// From the server to the client. Between commands the server is silent, so the answer to
/// a spoilt one begins with a packet.
fn answers(link: &Link, mut server: TcpStream, mut client: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let length = server.peek(&mut buffer[..1])?;
        if length == 0 {
            return Ok(());
        }
        let spoilt = lock(&link.next).take();
        match spoilt {
            Some((fault, command)) => spoil(link, fault, command, &mut server, client)?,
            None => {
                let length = server.read(&mut buffer)?;
                note_prepared(link, &buffer[..length]);
                client.write_all(&buffer[..length])?;
            }
        }
    }
}

/// Notes the number of a statement that was prepared: after the head an OK byte and four bytes.
fn note_prepared(link: &Link, answer: &[u8]) {
    let text = lock(&link.preparing).take();
    if let (Some(text), Some([0x00, a, b, c, d])) = (text, answer.get(4..9)) {
        lock(&link.prepared).insert(u32::from_le_bytes([*a, *b, *c, *d]), text);
    }
}

/// Passes an answer on without some of its rows.
fn spoil(link: &Link, fault: Fault, command: u8, server: &mut TcpStream, mut client: &TcpStream) -> io::Result<()> {
    let kept = if let Fault::CutAfter(rows) = fault { rows } else { 0 };
    if matches!(command, COM_BINLOG_DUMP | COM_BINLOG_DUMP_GTID) {
        return end_of_stream(kept, server, client);
    }
    let first = packet(server)?;
    client.write_all(&first)?;
    let columns = match first.get(4) {
        // No result set: an OK, an error, or a request for a file. A prepared statement has none either.
        None | Some(0x00 | 0xfb | 0xff) => return Ok(()),
        Some(_) if !matches!(command, COM_QUERY | COM_STMT_EXECUTE) => return Ok(()),
        // A length-encoded number: 0xfc is followed by two bytes.
        Some(0xfc) => first.get(5..7).map_or(0, |two| u64::from(two[0]) | u64::from(two[1]) << 8),
        Some(&count) => u64::from(count),
    };
    let deprecated = link.deprecate_eof.load(Ordering::SeqCst);
    for _ in 0..columns + u64::from(!deprecated) {
        client.write_all(&packet(server)?)?;
    }
    let mut sent = 0;
    let mut next = first[3].wrapping_add(u8::try_from(columns).unwrap_or(0)).wrapping_add(u8::from(!deprecated));
    loop {
        let mut row = packet(server)?;
        let ends = matches!(row.get(4), Some(0xfe) if row.len() < 4 + 0xff_ffff && (deprecated || row.len() < 4 + 9));
        let fails = row.get(4) == Some(&0xff);
        if ends || fails || sent < kept {
            next = next.wrapping_add(1);
            row[3] = next;
            client.write_all(&row)?;
            sent += 1;
        }
        if ends || fails {
            return Ok(());
        }
    }
}

/// Ends a stream of events as a server does that has no more, after so many packets.
fn end_of_stream(kept: u64, server: &mut TcpStream, mut client: &TcpStream) -> io::Result<()> {
    let mut sequence = 0;
    for _ in 0..kept {
        let event = packet(server)?;
        sequence = event[3];
        client.write_all(&event)?;
    }
    client.write_all(&framed(sequence.wrapping_add(1), &[0xfe, 0, 0, 2, 0]))?;
    thread::sleep(Duration::from_millis(50));
    Err(io::ErrorKind::ConnectionAborted.into())
}
