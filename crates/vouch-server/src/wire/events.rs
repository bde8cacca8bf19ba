//! The events of a server's binlog, as it streams them to a replica.

use crate::wire::answer::{self, NONSENSE, is_end, refusal};
use crate::wire::conn::Conn;
use crate::wire::error::Result;
use crate::wire::packets::Packets;
use crate::wire::stream::Stream;
use mysql_common::binlog::EventStreamReader;
use mysql_common::binlog::consts::BinlogVersion;
use mysql_common::binlog::events::Event;
use mysql_common::misc::raw::Either;
use mysql_common::packets::ComRegisterSlave;
use mysql_common::packets::binlog_request::BinlogRequest;

/// The events of a stream, one after another; over after an error.
pub struct Events {
    packets: Option<Packets<Stream>>,
    reader: EventStreamReader,
}

impl Events {
    /// Asks for a stream; the session must have said that it knows checksums.
    ///
    /// # Errors
    /// The server's refusal; those of the connection.
    pub fn of(mut conn: Conn, request: &BinlogRequest<'_>) -> Result<Events> {
        conn.command(&ComRegisterSlave::new(request.server_id()))?;
        let packets = match request.as_cmd() {
            Either::Left(command) => conn.into_answer(&command)?,
            Either::Right(command) => conn.into_answer(&command)?,
        };
        Ok(Events { packets: Some(packets), reader: EventStreamReader::new(BinlogVersion::Version4) })
    }

    /// The next event; `None` at the end of the stream.
    fn read(&mut self) -> Result<Option<Event>> {
        let Some(packets) = &mut self.packets else { return Ok(None) };
        let payload = packets.next()?;
        match payload {
            [answer::OK, event @ ..] => self.reader.read(event)?.ok_or(NONSENSE).map(Some),
            [answer::ERR, ..] => Err(refusal(payload)),
            payload if is_end(payload)? => Ok(None),
            _ => Err(NONSENSE),
        }
    }
}

impl Iterator for Events {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Result<Event>> {
        let event = self.read().transpose();
        if !matches!(event, Some(Ok(_))) {
            self.packets = None;
        }
        event
    }
}
