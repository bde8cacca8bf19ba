//! Rows read off the socket in place: [`Inlet`].
//!
//! The wire library shakes hands, prepares statements and does all that is said
//! between; it makes an owned value of each cell, which costs more than all the
//! rest of reading a row. Where the connection is not encrypted, the many rows of
//! a chunk are read here instead. Invariant: an inlet is used only while the library's side
//! of the connection is idle, and it leaves nothing of an answer behind unless it fails.

mod cell;
mod packets;
mod row;

pub use cell::Cell;
pub use row::Slot;

use filedescriptor::FileDescriptor;
use mysql::{Column, Statement, Value};
use mysql_common::io::ParseBuf;
use mysql_common::packets::ComStmtExecuteRequestBuilder;
use mysql_common::proto::MySerialize;
use packets::Packets;
use row::Form;
use std::collections::HashMap;
use std::io;

/// The first byte of packets that are no rows.
const OK: u8 = 0x00;
const ERR: u8 = 0xFF;
const END: u8 = 0xFE;

/// An end without a status of its own is so long; where none is asked for, the end is longer.
const OLD_END: usize = 5;

/// Reads the rows of prepared statements from a connection's socket.
pub struct Inlet {
    packets: Packets<FileDescriptor>,
    /// Columns that the server told in place of those it told when preparing; it tells them once.
    told: HashMap<u32, Vec<Form>>,
    slots: Vec<Slot>,
}

/// How an answer ended.
pub enum Answer {
    /// All rows came.
    Whole,
    /// The statement is too long for one packet; nothing was sent.
    TooLong,
}

impl Inlet {
    /// An inlet to a connection that is not encrypted, for packets of up to `packet_max` bytes.
    ///
    /// # Errors
    /// When the process may not have more descriptors.
    pub fn of(conn: &mysql::Conn, packet_max: usize) -> io::Result<Self> {
        let socket = FileDescriptor::dup(conn).map_err(io::Error::other)?;
        Ok(Inlet { packets: Packets::new(socket, packet_max), told: HashMap::new(), slots: Vec::new() })
    }

    /// Executes a statement and hands each row to `take`: its payload and where the values stand.
    ///
    /// # Errors
    /// Those of the server and of the connection, in the library's words.
    pub fn execute(
        &mut self,
        statement: &Statement,
        params: &[Value],
        mut take: impl FnMut(&[u8], &[Slot]),
    ) -> mysql::Result<Answer> {
        let (request, too_long) = ComStmtExecuteRequestBuilder::new(statement.id()).build(params);
        if too_long {
            return Ok(Answer::TooLong);
        }
        let mut command = Vec::new();
        request.serialize(&mut command);
        self.packets.send(&command)?;
        let forms = self.columns(statement)?;
        let mut begun = false;
        loop {
            let payload = self.packets.next()?;
            match payload.first() {
                Some(&OK) => {
                    row::locate(payload, &forms, &mut self.slots).ok_or_else(nonsense)?;
                    take(payload, &self.slots);
                }
                // The end of the columns, where the server was not asked to leave it out.
                Some(&END) if !begun && payload.len() == OLD_END => {}
                Some(&END) => return Ok(Answer::Whole),
                Some(&ERR) => return Err(refusal(payload)),
                _ => return Err(nonsense().into()),
            }
            begun = true;
        }
    }

    /// The forms of the columns of an answer that begins.
    fn columns(&mut self, statement: &Statement) -> mysql::Result<Vec<Form>> {
        let head = self.packets.next()?;
        let (count, told) = match head {
            [ERR, ..] => return Err(refusal(head)),
            [OK, ..] => return Err(nonsense().into()),
            // More columns than a table has need three bytes; a byte more says whether they are told.
            [0xFC, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest.first() != Some(&0)),
            [count @ 1..=250, rest @ ..] => (usize::from(*count), rest.first() != Some(&0)),
            _ => return Err(nonsense().into()),
        };
        if told {
            let forms = (0..count).map(|_| self.column()).collect::<mysql::Result<_>>()?;
            self.told.insert(statement.id(), forms);
        }
        let forms = match self.told.get(&statement.id()) {
            Some(forms) => forms.clone(),
            None => statement.columns().iter().map(form).collect::<io::Result<_>>()?,
        };
        if forms.len() == count { Ok(forms) } else { Err(nonsense().into()) }
    }

    fn column(&mut self) -> mysql::Result<Form> {
        let payload = self.packets.next()?;
        match payload.first() {
            Some(&ERR) => Err(refusal(payload)),
            _ => Ok(form(&ParseBuf(payload).parse::<Column>(())?)?),
        }
    }
}

fn form(column: &Column) -> io::Result<Form> {
    Form::of(column.column_type(), column.flags()).ok_or_else(nonsense)
}

fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what the server sent is no row of the statement")
}

/// The error that a server tells: number, state and words.
fn refusal(payload: &[u8]) -> mysql::Error {
    let [_, low, high, rest @ ..] = payload else { return nonsense().into() };
    let (state, message) = match rest {
        [b'#', state @ ..] => state.split_at_checked(5).unwrap_or((state, &[])),
        words => (&[][..], words),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    mysql::Error::MySqlError(mysql::MySqlError {
        state: text(state),
        code: u16::from_le_bytes([*low, *high]),
        message: text(message),
    })
}
