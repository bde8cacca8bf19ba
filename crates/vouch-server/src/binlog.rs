//! Reading a window of a source's binlog: which rows changed between two places.
//!
//! The server streams its log as it does to a replica, without any lock. What
//! cannot be told apart row by row (statements, compressed transactions, events
//! that are not known) is reported as [`Change::Unclear`], never passed over.

use crate::error::{Fault, ServerError};
use crate::flavor::Flavor;
use crate::ident::TableName;
use crate::position::LogPlace;
use crate::registry::Registry;
use crate::session::{Access, Limits, Opened, Result};
use crate::sql;
use crate::target::Target;
use mysql::Value;
use mysql::binlog::EventType;
use mysql::binlog::events::{EventData, RowsEventData, TableMapEvent};
use mysql::binlog::row::BinlogRow;
use mysql::binlog::value::BinlogValue;
use mysql::{BinlogDumpFlags, BinlogRequest, BinlogStream, Conn};
use mysql_common::packets::Sid;
use std::sync::Arc;

/// Something that changed in the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A row of a table, before or after it changed. Columns by ordinal; `None`
    /// where the image does not hold the column or its value is of no plain kind.
    /// Integers may have lost their sign.
    Row {
        /// The table.
        table: TableName,
        /// The image.
        image: Vec<Option<Value>>,
    },
    /// Something that could have changed any row of any table.
    Unclear,
}

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
    let mut window = Window { name: target.name().to_owned(), at: from.file.clone(), to };
    let mut described = false;
    let mut stream = open(target, limits, registry, from)?;
    while let Some(event) = stream.next() {
        let event = event.map_err(|error| ServerError::from_mysql(&window.name, &error))?;
        let header = event.header();
        let data = event.read_data();
        match &data {
            // What comes before the log's description names the file that was asked for, on MariaDB
            // with a checksum behind the name that only the description tells apart from it.
            Ok(Some(EventData::RotateEvent(rotate))) if described => window.at = rotate.name().into_owned(),
            Ok(Some(EventData::FormatDescriptionEvent(_))) => described = true,
            _ => {}
        }
        let end = LogPlace { file: window.at.clone(), offset: u64::from(header.log_pos()) };
        let artificial = header.log_pos() == 0;
        if !artificial && from.reaches(&end) {
            continue;
        }
        match (header.event_type(), data) {
            (Ok(kind), Ok(data)) => report(kind, data, &stream, &mut take),
            (Err(_), _) if marks_transactions(header.event_type_raw()) => {}
            _ => take(Change::Unclear),
        }
        if !artificial && end.reaches(window.to) {
            return Ok(());
        }
    }
    Err(ServerError::new(&window.name, Fault::Other, format!("its binlog ended before {}:{}", to.file, to.offset)))
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
    let mut stream = open_since(target, limits, registry, flavor, gtid)?;
    while let Some(event) = stream.next() {
        let event = event.map_err(|error| ServerError::from_mysql(target.name(), &error))?;
        let header = event.header();
        match (header.event_type(), event.read_data()) {
            (Ok(kind), Ok(data)) => report(kind, data, &stream, &mut take),
            (Err(_), _) if marks_transactions(header.event_type_raw()) => {}
            _ => take(Change::Unclear),
        }
    }
    Ok(())
}

/// Heartbeats of the second kind, and the events by which MariaDB marks transactions.
fn marks_transactions(event_type: u8) -> bool {
    matches!(event_type, 41 | 160..=163)
}

struct Window<'a> {
    name: String,
    at: String,
    to: &'a LogPlace,
}

fn open(target: &Target, limits: Limits, registry: &Arc<Registry>, from: &LogPlace) -> Result<BinlogStream> {
    request(target, limits, registry, |_, request| {
        Ok(request.with_filename(from.file.clone().into_bytes()).with_pos(from.offset.max(4)))
    })
}

fn open_since(
    target: &Target,
    limits: Limits,
    registry: &Arc<Registry>,
    flavor: Flavor,
    gtid: &str,
) -> Result<BinlogStream> {
    let unnamed = |_| ServerError::new(target.name(), Fault::Other, format!("{gtid} names no place in a binlog"));
    request(target, limits, registry, |conn, request| match flavor {
        Flavor::Mysql => {
            let sids = gtid.split(',').map(str::parse::<Sid<'_>>).collect::<std::result::Result<Vec<_>, _>>();
            Ok(request.with_use_gtid(true).with_pos(4_u64).with_sids(sids.map_err(unnamed)?))
        }
        Flavor::Mariadb => {
            let known = sql::settings::begin_after(conn, gtid);
            known.map_err(|error| ServerError::from_mysql(target.name(), &error))?;
            Ok(request.with_pos(4_u64))
        }
    })
}

/// Asks for a stream that ends where the log ends now; `begin` says where it begins.
fn request(
    target: &Target,
    limits: Limits,
    registry: &Arc<Registry>,
    begin: impl FnOnce(&mut Conn, BinlogRequest<'static>) -> Result<BinlogRequest<'static>>,
) -> Result<BinlogStream> {
    let fail = |error: mysql::Error| ServerError::from_mysql(target.name(), &error);
    // A log of another server proves nothing.
    let Opened { mut conn, .. } = Opened::new(target, limits, &Access::ReadOnly, registry)?;
    let id = conn.connection_id();
    sql::settings::know_gtid_events(&mut conn).map_err(fail)?;
    // A replica with the same server id would be thrown off: the connection id
    // in the upper half of the range is one that nobody configures.
    let server_id = 0x8000_0000_u32 | id;
    let request = BinlogRequest::new(server_id).with_flags(BinlogDumpFlags::BINLOG_DUMP_NON_BLOCK);
    let stream = begin(&mut conn, request).and_then(|request| conn.get_binlog_stream(request).map_err(fail));
    registry.remove(target.name(), id);
    stream
}

fn report(kind: EventType, data: Option<EventData<'_>>, stream: &BinlogStream, take: &mut impl FnMut(Change)) {
    match data {
        Some(EventData::RowsEvent(rows)) => match stream.get_tme(rows.table_id()) {
            Some(map) => report_rows(&rows, map, take),
            None => take(Change::Unclear),
        },
        Some(EventData::QueryEvent(query)) => {
            let text = query.query().trim().to_ascii_uppercase();
            if !matches!(text.as_str(), "BEGIN" | "COMMIT" | "ROLLBACK" | "FLUSH PRIVILEGES") {
                take(Change::Unclear);
            }
        }
        _ if carries_no_rows(kind) => {}
        _ => take(Change::Unclear),
    }
}

fn carries_no_rows(kind: EventType) -> bool {
    use EventType::*;
    matches!(
        kind,
        STOP_EVENT
            | ROTATE_EVENT
            | FORMAT_DESCRIPTION_EVENT
            | XID_EVENT
            | TABLE_MAP_EVENT
            | HEARTBEAT_EVENT
            | ROWS_QUERY_EVENT
            | GTID_EVENT
            | GTID_TAGGED_LOG_EVENT
            | ANONYMOUS_GTID_EVENT
            | PREVIOUS_GTIDS_EVENT
            | IGNORABLE_EVENT
            | XA_PREPARE_LOG_EVENT
    )
}

fn report_rows(rows: &RowsEventData<'_>, map: &TableMapEvent<'_>, take: &mut impl FnMut(Change)) {
    let table = TableName::new(map.database_name(), map.table_name());
    // Which columns of the table an image holds, by ordinal.
    let before_columns: Vec<bool> = rows.columns_before_image().into_iter().flatten().map(|bit| *bit).collect();
    let after_columns: Vec<bool> = rows.columns_after_image().into_iter().flatten().map(|bit| *bit).collect();
    for pair in rows.rows(map) {
        let Ok((before, after)) = pair else {
            take(Change::Unclear);
            return;
        };
        for (image, columns) in [(before, &before_columns), (after, &after_columns)] {
            if let Some(image) = image {
                take(Change::Row { table: table.clone(), image: by_ordinal(&image, columns) });
            }
        }
    }
}

fn by_ordinal(image: &BinlogRow, present: &[bool]) -> Vec<Option<Value>> {
    let mut next = 0..image.len();
    let mut value = |held: &bool| {
        let at = if *held { next.next()? } else { return None };
        match image.as_ref(at) {
            Some(BinlogValue::Value(value)) => Some(value.clone()),
            _ => None,
        }
    };
    present.iter().map(&mut value).collect()
}
