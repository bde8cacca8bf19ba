//! Reading a window of a source's binlog: which rows changed between two places.
//!
//! The server streams its log as it does to a replica, without any lock. What is
//! not understood is reported as [`Change::Unclear`] with its place, never passed over.

mod decode;
mod packed;
mod statement;
mod words;

pub use statement::Reach;

use crate::error::{Fault, ServerError};
use crate::flavor::Flavor;
use crate::gtid::GtidSet;
use crate::ident::TableName;
use crate::position::LogPlace;
use crate::registry::Registry;
use crate::session::{Access, Limits, Opened, Result};
use crate::sql;
use crate::target::Target;
use crate::wire::{Conn, Events, WireError};
use decode::{Decoder, Raw};
use mysql_common::Value;
use mysql_common::binlog::consts::EventType;
use mysql_common::binlog::events::{Event, EventData};
use mysql_common::packets::BinlogDumpFlags;
use mysql_common::packets::binlog_request::BinlogRequest;
use std::sync::Arc;
use vouch_convert::parse;

/// A row as an event shows it, columns by ordinal; `None` where the image does not hold the column or its value is of
/// no plain kind. Integers may have lost their sign.
pub type Image = Vec<Option<Value>>;

/// A row that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct RowChange {
    /// The table.
    pub table: Arc<TableName>,
    /// The row before; `None` for one that was inserted.
    pub before: Option<Image>,
    /// The row after; `None` for one that was deleted.
    pub after: Option<Image>,
}

/// Something that changed in the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A row of a table.
    Row(RowChange),
    /// A statement that may have changed any row of these tables.
    Tables {
        /// The tables.
        tables: Vec<TableName>,
        /// Whether it may have changed others, too.
        reach: Reach,
        /// Its first words.
        statement: String,
        /// Where it begins.
        at: LogPlace,
    },
    /// A statement that may have changed every table of a database.
    Database {
        /// The database.
        name: String,
        /// Its first words.
        statement: String,
        /// Where it begins.
        at: LogPlace,
    },
    /// Definitions of views, routines, triggers or events, and no row.
    Objects {
        /// The statement's first words.
        statement: String,
        /// Where it begins.
        at: LogPlace,
    },
    /// Something that could have changed any row of any table.
    Unclear {
        /// What it is.
        what: String,
        /// Where it begins.
        at: LogPlace,
    },
}

/// Positions in events have 32 bits, and wrap in files that are larger.
const LAST_OFFSET: u64 = 0xffff_ffff;

/// Hands every change between `from` (inclusive) and `to` (exclusive) to `take`.
///
/// # Errors
/// [`Fault::Denied`] without REPLICATION SLAVE; [`Fault::Other`] when the log ends
/// before `to` or was purged; those of the connection.
pub fn scan(
    target: &Target,
    limits: Limits,
    registry: &Arc<Registry>,
    from: &LogPlace,
    to: &LogPlace,
    mut take: impl FnMut(Change),
) -> Result<()> {
    if from.reaches(to) {
        return Ok(());
    }
    if from.offset > LAST_OFFSET || to.offset > LAST_OFFSET {
        let text = "its binlog file is larger than 4 GiB, in which events have no position";
        return Err(ServerError::new(target.name(), Fault::Unsupported, text));
    }
    let mut reader = Reader::new(&from.file);
    let stream = open(target, limits, registry, from)?;
    for event in stream {
        let event = event.map_err(|error| ServerError::from_wire(target.name(), &error))?;
        let end = reader.place(&event);
        if end.as_ref().is_some_and(|end| from.reaches(end)) {
            continue;
        }
        reader.take(&event, &mut take);
        if end.is_some_and(|end| end.reaches(to)) {
            return Ok(());
        }
    }
    Err(ServerError::new(target.name(), Fault::Other, format!("its binlog ended before {}:{}", to.file, to.offset)))
}

/// Hands every change after the transactions that `gtid` names to `take`, up to where the log ends now.
///
/// # Errors
/// [`Fault::Denied`] without REPLICATION SLAVE; [`Fault::Other`] when the log does not reach back that far, or
/// `gtid` names no place; those of the connection.
pub fn scan_since(
    target: &Target,
    limits: Limits,
    registry: &Arc<Registry>,
    flavor: Flavor,
    gtid: &str,
    mut take: impl FnMut(Change),
) -> Result<()> {
    let mut reader = Reader::new("");
    let stream = open_since(target, limits, registry, flavor, gtid)?;
    for event in stream {
        let event = event.map_err(|error| ServerError::from_wire(target.name(), &error))?;
        reader.place(&event);
        reader.take(&event, &mut take);
    }
    Ok(())
}

/// Follows a stream: where each event stands, and what it changed.
struct Reader {
    file: String,
    described: bool,
    decoder: Decoder,
}

impl Reader {
    fn new(file: &str) -> Reader {
        Reader { file: file.to_owned(), described: false, decoder: Decoder::default() }
    }

    /// The end of an event; `None` for one that stands in no file, but was made for the stream.
    fn place(&mut self, event: &Event) -> Option<LogPlace> {
        let header = event.header();
        let kind = header.event_type();
        match kind {
            Ok(EventType::ROTATE_EVENT) if self.described || self.file.is_empty() => {
                if let Ok(Some(EventData::RotateEvent(rotate))) = event.read_data() {
                    self.file = file_name(&rotate.name(), self.described);
                }
                self.decoder.rotated();
            }
            Ok(EventType::FORMAT_DESCRIPTION_EVENT) => self.described = true,
            _ => {}
        }
        let end = u64::from(header.log_pos());
        let start = end.saturating_sub(u64::from(header.event_size()));
        self.decoder.at = LogPlace { file: self.file.clone(), offset: start };
        (end > 0).then(|| LogPlace { file: self.file.clone(), offset: end })
    }

    fn take(&mut self, event: &Event, take: &mut impl FnMut(Change)) {
        let header = event.header();
        let (kind, flags) = (header.event_type_raw(), header.flags_raw());
        self.decoder.event(&Raw { kind, flags, data: event.data(), fde: event.fde() }, take);
    }
}

/// The file that an event names. What comes before the log's description has, on MariaDB, a checksum behind the name
/// that only the description tells apart from it: the name ends with its number.
fn file_name(name: &str, described: bool) -> String {
    let number = |at: usize| name.get(at..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
    let mut ends = name.match_indices('.').map(|(dot, _)| dot.saturating_add(1)).filter(|at| number(*at) >= 6);
    match ends.next_back().filter(|_| !described) {
        Some(at) => name.get(..at.saturating_add(number(at))).unwrap_or(name).to_owned(),
        None => name.to_owned(),
    }
}

fn open(target: &Target, limits: Limits, registry: &Arc<Registry>, from: &LogPlace) -> Result<Events> {
    request(target, limits, registry, |_, request| {
        Ok(request.with_filename(from.file.clone().into_bytes()).with_pos(from.offset.max(4)))
    })
}

fn open_since(target: &Target, limits: Limits, registry: &Arc<Registry>, flavor: Flavor, gtid: &str) -> Result<Events> {
    let unnamed = || ServerError::new(target.name(), Fault::Other, format!("{gtid} names no place in a binlog"));
    request(target, limits, registry, |conn, request| match flavor {
        Flavor::Mysql => {
            let sids = parse::<GtidSet>(gtid).and_then(|set| set.to_sids()).ok_or_else(unnamed)?;
            Ok(request.with_use_gtid(true).with_pos(4_u64).with_sids(sids))
        }
        Flavor::Mariadb => {
            let known = sql::settings::begin_after(conn, gtid);
            known.map_err(|error| ServerError::from_wire(target.name(), &error))?;
            Ok(request.with_pos(4_u64))
        }
    })
}

/// The half of the range of server ids in which streams of ours are: the id of the connection is the rest. Nobody
/// configures such ids, and a replica with the same one would be thrown off.
pub(crate) const OWN_SERVER_IDS: u32 = 0x8000_0000;

/// Asks for a stream that ends where the log ends now; `begin` says where it begins.
fn request(
    target: &Target,
    limits: Limits,
    registry: &Arc<Registry>,
    begin: impl FnOnce(&mut Conn, BinlogRequest<'static>) -> Result<BinlogRequest<'static>>,
) -> Result<Events> {
    let fail = |error: WireError| ServerError::from_wire(target.name(), &error);
    // A log of another server proves nothing.
    let Opened { mut conn, .. } = Opened::new(target, limits, &Access::ReadOnly, registry)?;
    let id = conn.id();
    sql::settings::know_events(&mut conn).map_err(fail)?;
    let server_id = OWN_SERVER_IDS | id;
    let request = BinlogRequest::new(server_id).with_flags(BinlogDumpFlags::BINLOG_DUMP_NON_BLOCK);
    let stream = begin(&mut conn, request).and_then(|request| Events::of(conn, &request).map_err(fail));
    registry.remove(target.name(), id);
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_first_file_ends_with_its_number() {
        assert_eq!(file_name("db.1-bin.000012\u{fffd}.x\u{1}", false), "db.1-bin.000012");
        assert_eq!(file_name("db.1-bin.000012", true), "db.1-bin.000012");
        assert_eq!(file_name("odd", false), "odd");
    }
}
