//! What an event changed: [`Decoder`], for events as they are and compressed ones of both flavors.

use super::statement::{self, Effect, Reach};
use super::{Change, Image, RowChange, packed};
use crate::ident::TableName;
use crate::position::LogPlace;
use mysql_common::Value;
use mysql_common::binlog::BinlogCtx;
use mysql_common::binlog::consts::EventType;
use mysql_common::binlog::events::{FormatDescriptionEvent, RowsEventData, TableMapEvent};
use mysql_common::binlog::row::BinlogRow;
use mysql_common::binlog::value::BinlogValue;
use mysql_common::constants::ColumnType;
use mysql_common::io::ParseBuf;
use mysql_common::proto::MyDeserialize;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use vouch_convert::{narrow, to_size, utf8};

/// Tables that were described since the log was last rotated; a server that describes more than this is hostile.
const MOST_TABLES: usize = 1 << 20;

/// MariaDB's compressed events (`sql/log_event.h`).
const QUERY_COMPRESSED: u8 = 165;

/// The event that begins a transaction of MariaDB.
const GTID: u8 = 162;

/// Ignorable: whoever does not know the event loses nothing by leaving it out.
const IGNORABLE: u16 = 0x80;

/// Turns events into changes. One is used for all events of a stream, in order.
#[derive(Default)]
pub(super) struct Decoder {
    maps: HashMap<u64, Described>,
    /// XA transactions that began within the stream: their rows were seen.
    begun: HashSet<String>,
    /// Where the event stands that is being read.
    pub at: LogPlace,
}

/// A table as an event describes it.
struct Described {
    name: Arc<TableName>,
    map: TableMapEvent<'static>,
    /// The columns that are read as FLOAT and hold [`tenths`].
    tenths: Vec<bool>,
}

/// An event without its header and checksum.
pub(super) struct Raw<'a> {
    pub kind: u8,
    pub flags: u16,
    pub data: &'a [u8],
    pub fde: &'a FormatDescriptionEvent<'a>,
}

impl Raw<'_> {
    fn parse<'a, T: MyDeserialize<'a, Ctx = BinlogCtx<'a>>>(
        kind: EventType,
        data: &'a [u8],
        fde: &'a FormatDescriptionEvent<'a>,
    ) -> Option<T> {
        let size = data.len().saturating_add(packed::HEADER);
        // An event that does not decode makes the window unclear, as its callers say.
        ParseBuf(data).parse(BinlogCtx::new(size, fde, kind as u8)).ok()
    }
}

impl Decoder {
    /// Hands what an event changed to `take`.
    pub fn event(&mut self, raw: &Raw<'_>, take: &mut impl FnMut(Change)) {
        let understood = match (raw.kind, EventType::try_from(raw.kind)) {
            (_, Ok(EventType::TABLE_MAP_EVENT)) => self.describe(raw).map(drop),
            (_, Ok(EventType::QUERY_EVENT)) => self.query(raw.data, None, take),
            (QUERY_COMPRESSED, _) => self.query(raw.data, Some(()), take),
            (_, Ok(EventType::TRANSACTION_PAYLOAD_EVENT)) => self.payload(raw, take),
            (_, Ok(kind)) if is_rows(kind) => self.rows(kind, raw.data, raw.fde, take),
            (166..=171, _) => self.compressed_rows(raw, take),
            (GTID, _) => {
                self.begun.extend(prepared_xa(raw.data));
                Some(())
            }
            (_, Ok(EventType::EXECUTE_LOAD_QUERY_EVENT)) => None,
            (_, Ok(kind)) if carries_no_rows(kind) => Some(()),
            (kind, _) if marks_transactions(kind) || raw.flags & IGNORABLE != 0 => Some(()),
            _ => None,
        };
        if understood.is_none() {
            self.unclear(&format!("an event of type {}", raw.kind), take);
        }
    }

    fn unclear(&self, what: &str, take: &mut impl FnMut(Change)) {
        take(Change::Unclear { what: what.to_owned(), at: self.at.clone() });
    }

    /// Forgets the tables that were described: their numbers begin anew.
    pub fn rotated(&mut self) {
        self.maps.clear();
    }

    fn describe(&mut self, raw: &Raw<'_>) -> Option<()> {
        let parse = |data| {
            Raw::parse::<TableMapEvent<'_>>(EventType::TABLE_MAP_EVENT, data, raw.fde).map(TableMapEvent::into_owned)
        };
        let map = parse(raw.data)?;
        let tenths = columns_of_tenths(&map);
        let map = match tenths.contains(&true) {
            true => parse(&read_as_floats(raw.data, &tenths)?)?,
            false => map,
        };
        if self.maps.len() >= MOST_TABLES {
            return None;
        }
        let name = Arc::new(TableName::new(map.database_name(), map.table_name()));
        self.maps.insert(map.table_id(), Described { name, map, tenths });
        Some(())
    }

    fn query(&mut self, data: &[u8], compressed: Option<()>, take: &mut impl FnMut(Change)) -> Option<()> {
        let (database, text) = query_parts(data)?;
        let unpacked = match compressed {
            Some(()) => Some(packed::record(text)?),
            None => None,
        };
        let text = utf8(unpacked.as_deref().unwrap_or(text))?;
        self.statement(utf8(database)?, text, take);
        Some(())
    }

    fn statement(&mut self, database: &str, text: &str, take: &mut impl FnMut(Change)) {
        let (statement, at) = (statement::kind(text), self.at.clone());
        match statement::effect(database, text) {
            Effect::Nothing => {}
            Effect::Objects => take(Change::Objects { statement, at }),
            Effect::Tables(tables, reach) => take(Change::Tables { tables, reach, statement, at }),
            Effect::Database(name) => take(Change::Database { name, statement, at }),
            Effect::XaBegins(name) => drop(self.begun.insert(name)),
            Effect::XaCommits(name) if self.begun.contains(&name) => {}
            Effect::XaCommits(_) => self.unclear("XA COMMIT of a transaction that was prepared before", take),
            Effect::Unclear => self.unclear(&format!("the statement {statement} …"), take),
        }
    }

    fn payload(&mut self, raw: &Raw<'_>, take: &mut impl FnMut(Change)) -> Option<()> {
        packed::transaction(raw.data, |kind, flags, data| {
            // A transaction within a transaction is none of a server's.
            if kind == EventType::TRANSACTION_PAYLOAD_EVENT as u8 {
                self.unclear("a compressed transaction within another one", take);
            } else {
                self.event(&Raw { kind, flags, data, fde: raw.fde }, take);
            }
        })
    }

    /// Rows whose images MariaDB compressed; what comes before them is not.
    fn compressed_rows(&mut self, raw: &Raw<'_>, take: &mut impl FnMut(Change)) -> Option<()> {
        let kind = match raw.kind {
            166 => EventType::WRITE_ROWS_EVENT_V1,
            167 => EventType::UPDATE_ROWS_EVENT_V1,
            168 => EventType::DELETE_ROWS_EVENT_V1,
            169 => EventType::WRITE_ROWS_EVENT,
            170 => EventType::UPDATE_ROWS_EVENT,
            _ => EventType::DELETE_ROWS_EVENT,
        };
        let rows_at = rows_offset(kind, raw.data)?;
        let (head, images) = raw.data.split_at_checked(rows_at)?;
        let data = [head, &packed::record(images)?].concat();
        self.rows(kind, &data, raw.fde, take)
    }

    fn rows(
        &self,
        kind: EventType,
        data: &[u8],
        fde: &FormatDescriptionEvent<'_>,
        take: &mut impl FnMut(Change),
    ) -> Option<()> {
        let rows = rows_of(kind, data, fde)?;
        if rows.rows_data().is_empty() {
            return Some(());
        }
        let Described { name: table, map, tenths } = self.maps.get(&rows.table_id())?;
        if !is_legible(map) {
            let (tables, at) = (vec![TableName::clone(table)], self.at.clone());
            take(Change::Tables {
                tables,
                reach: Reach::Named,
                statement: "rows of types that cannot be read".to_owned(),
                at,
            });
            return Some(());
        }
        // Which columns of the table an image holds, by ordinal.
        let before_columns: Vec<bool> = rows.columns_before_image().into_iter().flatten().map(|bit| *bit).collect();
        let after_columns: Vec<bool> = rows.columns_after_image().into_iter().flatten().map(|bit| *bit).collect();
        for pair in rows.rows(map) {
            let (before, after) = match pair {
                Ok(pair) => pair,
                Err(_) => {
                    let (tables, at) = (vec![TableName::clone(table)], self.at.clone());
                    take(Change::Tables { tables, reach: Reach::Named, statement: "rows".to_owned(), at });
                    return Some(());
                }
            };
            take(Change::Row(RowChange {
                table: Arc::clone(table),
                before: before.map(|image| by_ordinal(&image, &before_columns, tenths)),
                after: after.map(|image| by_ordinal(&image, &after_columns, tenths)),
            }));
        }
        Some(())
    }
}

fn rows_of<'a>(kind: EventType, data: &'a [u8], fde: &'a FormatDescriptionEvent<'a>) -> Option<RowsEventData<'a>> {
    Some(match kind {
        EventType::WRITE_ROWS_EVENT_V1 => RowsEventData::WriteRowsEventV1(Raw::parse(kind, data, fde)?),
        EventType::UPDATE_ROWS_EVENT_V1 => RowsEventData::UpdateRowsEventV1(Raw::parse(kind, data, fde)?),
        EventType::DELETE_ROWS_EVENT_V1 => RowsEventData::DeleteRowsEventV1(Raw::parse(kind, data, fde)?),
        EventType::WRITE_ROWS_EVENT => RowsEventData::WriteRowsEvent(Raw::parse(kind, data, fde)?),
        EventType::UPDATE_ROWS_EVENT => RowsEventData::UpdateRowsEvent(Raw::parse(kind, data, fde)?),
        EventType::DELETE_ROWS_EVENT => RowsEventData::DeleteRowsEvent(Raw::parse(kind, data, fde)?),
        EventType::PARTIAL_UPDATE_ROWS_EVENT => RowsEventData::PartialUpdateRowsEvent(Raw::parse(kind, data, fde)?),
        _ => return None,
    })
}

fn is_rows(kind: EventType) -> bool {
    use EventType::*;
    matches!(
        kind,
        WRITE_ROWS_EVENT_V1
            | UPDATE_ROWS_EVENT_V1
            | DELETE_ROWS_EVENT_V1
            | WRITE_ROWS_EVENT
            | UPDATE_ROWS_EVENT
            | DELETE_ROWS_EVENT
            | PARTIAL_UPDATE_ROWS_EVENT
    )
}

/// Where the images of a rows event begin: after the table's number (6 bytes), flags (2), extra data of the second
/// version (its length in 2 bytes, which count), the number of columns, and a bitmap of columns for each kind of image.
fn rows_offset(kind: EventType, data: &[u8]) -> Option<usize> {
    use EventType::*;
    let mut at = 8_usize;
    if matches!(kind, WRITE_ROWS_EVENT | UPDATE_ROWS_EVENT | DELETE_ROWS_EVENT) {
        let length = data.get(at..)?.first_chunk::<2>()?;
        at = at.checked_add(usize::from(u16::from_le_bytes(*length)))?;
    }
    let (columns, rest) = packed::packed_number(data.get(at..)?)?;
    let bitmap = narrow::<usize, _>(columns.div_ceil(8))?;
    let bitmaps = if matches!(kind, UPDATE_ROWS_EVENT | UPDATE_ROWS_EVENT_V1) { 2 } else { 1 };
    data.len().checked_sub(rest.len())?.checked_add(bitmap.checked_mul(bitmaps)?)
}

/// The database and the text of a statement: thread 4, time 4, length of the database 1, error 2, length of the
/// variables 2, the variables, the database and a zero, the text (MySQL: `statement_events.h`).
fn query_parts(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = data.first_chunk::<13>()?;
    let [.., database, _, _, low, high] = *head;
    let start = 13_usize.checked_add(usize::from(u16::from_le_bytes([low, high])))?;
    let (name, rest) = data.get(start..)?.split_at_checked(usize::from(database))?;
    Some((name, rest.get(1..)?))
}

/// The name of the XA transaction that is being prepared, where an event of MariaDB begins one, as statements spell it
/// (`sql/log_event.h`, `Gtid_log_event`):
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | sequence number |
/// | 8 | 4 | domain |
/// | 12 | 1 | flags: 0x02 has a group of commits, 0x40 prepares an XA transaction |
/// | 13 | 0 or 8 | group of commits |
/// | | 4 | format of the name |
/// | | 1, 1 | lengths of its two parts |
/// | | | the two parts |
fn prepared_xa(data: &[u8]) -> Option<String> {
    let (head, rest) = data.split_at_checked(13)?;
    let flags = *head.last()?;
    if flags & 0x40 == 0 {
        return None;
    }
    let rest = if flags & 0x02 == 0 { rest } else { rest.get(8..)? };
    let (format, rest) = rest.split_first_chunk::<4>()?;
    let (&[first, second], rest) = rest.split_first_chunk::<2>()?;
    let (global, rest) = rest.split_at_checked(usize::from(first))?;
    let branch = rest.get(..usize::from(second))?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Some(format!("X'{}',X'{}',{}", hex(global), hex(branch), u32::from_le_bytes(*format)))
}

/// Heartbeats of the second kind, and the events by which MariaDB marks transactions or encryption.
fn marks_transactions(event_type: u8) -> bool {
    matches!(event_type, 41 | 160..=164)
}

fn carries_no_rows(kind: EventType) -> bool {
    use EventType::*;
    matches!(
        kind,
        STOP_EVENT
            | ROTATE_EVENT
            | FORMAT_DESCRIPTION_EVENT
            | XID_EVENT
            | HEARTBEAT_EVENT
            | ROWS_QUERY_EVENT
            | GTID_EVENT
            | GTID_TAGGED_LOG_EVENT
            | ANONYMOUS_GTID_EVENT
            | PREVIOUS_GTIDS_EVENT
            | IGNORABLE_EVENT
            | XA_PREPARE_LOG_EVENT
            | TRANSACTION_CONTEXT_EVENT
            | VIEW_CHANGE_EVENT
            // What a statement behind them is run with.
            | INTVAR_EVENT
            | RAND_EVENT
            | USER_VAR_EVENT
            | BEGIN_LOAD_QUERY_EVENT
            | APPEND_BLOCK_EVENT
    )
}

/// Whether the images of a table can be read. Times in the format of servers before 5.6 cannot: MariaDB may have
/// fractions in them, of which the description says nothing.
fn is_legible(map: &TableMapEvent<'_>) -> bool {
    let columns = to_size(map.columns_count());
    (0..columns).all(|at| {
        use ColumnType::{MYSQL_TYPE_DATETIME, MYSQL_TYPE_TIME, MYSQL_TYPE_TIMESTAMP};
        match map.get_raw_column_type(at) {
            Ok(Some(MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIME | MYSQL_TYPE_DATETIME)) => false,
            Ok(Some(_)) => map.get_column_metadata(at).is_some(),
            Ok(None) | Err(_) => false,
        }
    })
}

/// Which columns are TIME(1) or TIME(2). The library that parses images fails over negative ones (mysql_common 0.37,
/// `my_time_packed_from_binary`), so they are parsed as FLOAT, which has as many bytes, and read from those.
fn columns_of_tenths(map: &TableMapEvent<'_>) -> Vec<bool> {
    let columns = usize::try_from(map.columns_count()).unwrap_or(usize::MAX);
    let is_one = |at| {
        matches!(map.get_raw_column_type(at), Ok(Some(ColumnType::MYSQL_TYPE_TIME2)))
            && matches!(map.get_column_metadata(at), Some([1 | 2]))
    };
    (0..columns).map(is_one).collect()
}

/// The type FLOAT in a description (MySQL: `field_types.h`).
const FLOAT: u8 = 4;

/// A description with these columns as FLOAT, whose metadata has as many bytes as that of TIME. The types come after
/// the table's number (6 bytes), flags (2), the names of database and table, each after its length and before a zero,
/// and the number of columns (MySQL: `rows_event.h`, `Table_map_event`).
fn read_as_floats(data: &[u8], columns: &[bool]) -> Option<Vec<u8>> {
    let mut at = 8_usize;
    for _ in 0..2 {
        at = at.checked_add(usize::from(*data.get(at)?))?.checked_add(2)?;
    }
    let (_, rest) = packed::packed_number(data.get(at..)?)?;
    let types = data.len().checked_sub(rest.len())?;
    let mut changed = data.to_vec();
    for (kind, _) in changed.get_mut(types..)?.iter_mut().zip(columns).filter(|(_, is_one)| **is_one) {
        *kind = FLOAT;
    }
    Some(changed)
}

/// A TIME(1) or TIME(2) as it is stored: 1 in the highest of 24 bits (unless it is negative), hours in 11, minutes and
/// seconds in 6 each, then a byte of hundredths. A negative one is the complement of all 32 bits (MySQL:
/// `my_time.cc`, `my_time_packed_to_binary`).
fn tenths(stored: [u8; 4]) -> Value {
    let number = i64::from(u32::from_be_bytes(stored)) - (0x80_0000 << 8);
    let (negative, number) = (number < 0, number.unsigned_abs());
    let field = |shift: u32, bits: u32| u8::try_from((number >> shift) & ((1 << bits) - 1)).unwrap_or(u8::MAX);
    let hours = u32::try_from((number >> 20) & 0x3FF).unwrap_or(u32::MAX);
    let hour = u8::try_from(hours % 24).unwrap_or(u8::MAX);
    Value::Time(negative, hours / 24, hour, field(14, 6), field(8, 6), u32::from(field(0, 8)).saturating_mul(10_000))
}

fn by_ordinal(image: &BinlogRow, present: &[bool], of_tenths: &[bool]) -> Image {
    let mut next = 0..image.len();
    let mut value = |(column, held): (usize, &bool)| -> Option<Value> {
        let at = if *held { next.next()? } else { return None };
        match image.as_ref(at) {
            Some(BinlogValue::Value(Value::Float(bits))) if of_tenths.get(column) == Some(&true) => {
                Some(tenths(bits.to_le_bytes()))
            }
            Some(BinlogValue::Value(value)) => Some(value.clone()),
            _ => None,
        }
    };
    present.iter().enumerate().map(&mut value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_statement_are_found() {
        let mut data = vec![0; 13];
        data[8] = 2;
        data[11] = 3;
        data.extend_from_slice(b"\x01\x02\x03db\0DROP TABLE t");
        assert_eq!(query_parts(&data), Some((&b"db"[..], &b"DROP TABLE t"[..])));
        data.truncate(14);
        assert_eq!(query_parts(&data), None);
    }

    #[test]
    fn an_xa_transaction_of_mariadb_is_named_where_it_begins() {
        let mut data = vec![0; 12];
        data.extend_from_slice(&[0x42, 9, 9, 9, 9, 9, 9, 9, 9, 1, 0, 0, 0, 2, 1, b'x', b'y', b'z']);
        let name = prepared_xa(&data);
        assert_eq!(name.as_deref(), Some("X'7879',X'7a',1"));
        assert_eq!(statement::effect("", "XA COMMIT X'7879',X'7a',1"), Effect::XaCommits(name.unwrap()));
        data[12] = 2;
        assert_eq!(prepared_xa(&data), None);
    }

    #[test]
    fn short_times_are_read_from_their_bytes() {
        // 12:00:01.5 is 0x80C001 and 50 hundredths; its negative is the complement.
        assert_eq!(tenths([0x80, 0xC0, 0x01, 50]), Value::Time(false, 0, 12, 0, 1, 500_000));
        let negative = 0x80C0_0132_u32.wrapping_neg().to_be_bytes();
        assert_eq!(tenths(negative), Value::Time(true, 0, 12, 0, 1, 500_000));
        assert_eq!(tenths([0x80, 0, 0, 0]), Value::Time(false, 0, 0, 0, 0, 0));
        assert_eq!(tenths([0x7F, 0xFF, 0xFF, 0xFF]), Value::Time(true, 0, 0, 0, 0, 10_000));
    }

    #[test]
    fn the_images_of_rows_are_found() {
        let first = [&[0; 8][..], &[9], &[0xFF, 1], &[0xFF, 1], b"images"].concat();
        assert_eq!(rows_offset(EventType::UPDATE_ROWS_EVENT_V1, &first), Some(13));
        let second = [&[0; 8][..], &[3, 0, 7], &[8], &[0xFF], b"images"].concat();
        assert_eq!(rows_offset(EventType::WRITE_ROWS_EVENT, &second), Some(13));
    }
}
