//! Where a server is in its source's binary log, and waiting until it is far enough.

use crate::{Error, Flavor, Result, Server, inspect, poll};
use mysql::Row;
use mysql::prelude::Queryable;
use std::time::Duration;

/// Waits until `server` has applied what `upstream` has executed by now.
pub(crate) fn wait_applied(upstream: &Server, server: &Server, gtid: bool, within: Duration) -> Result<()> {
    let (seconds, flavor) = (within.as_secs().max(1), upstream.flavor());
    let wait = match (flavor, gtid) {
        (Flavor::Mysql, true) => {
            let set = upstream.query_one("SELECT @@GLOBAL.gtid_executed")?.unwrap_or_default();
            format!("SELECT WAIT_FOR_EXECUTED_GTID_SET('{set}', {seconds}) = 0")
        }
        (Flavor::Mariadb, true) => {
            let set = upstream.query_one("SELECT @@GLOBAL.gtid_binlog_pos")?.unwrap_or_default();
            format!("SELECT MASTER_GTID_WAIT('{set}', {seconds}) = 0")
        }
        (_, false) => {
            let (file, position) = binlog_position(upstream)?;
            let function = if flavor == Flavor::Mysql { "SOURCE_POS_WAIT" } else { "MASTER_POS_WAIT" };
            format!("SELECT {function}('{file}', {position}, {seconds}) >= 0")
        }
    };
    // The wait functions return at once while the applier is not running yet (or any more).
    let mut step = || Ok((server.query_one(&wait)?.as_deref() == Some("1")).then_some(()));
    poll::try_until(within, Duration::from_millis(50), "replication", &mut step).map_err(|error| match error {
        Error::Timeout { within, .. } => Error::Timeout { what: not_in_sync(server), within },
        other => other,
    })
}

/// File and position of the end of the binary log.
fn binlog_position(server: &Server) -> Result<(String, String)> {
    let sql = match (server.flavor(), server.dist().version()) {
        (Flavor::Mysql, (major, minor, _)) if (major, minor) >= (8, 2) => "SHOW BINARY LOG STATUS",
        _ => "SHOW MASTER STATUS",
    };
    let mut row = server.query_strings(sql)?.into_iter().next().unwrap_or_default().into_iter().flatten();
    let none = || Error::Unfit(format!("{} has no binary log", server.name()));
    Ok((row.next().ok_or_else(none)?, row.next().ok_or_else(none)?))
}

/// What a replica says about its replication, for a message.
fn not_in_sync(server: &Server) -> String {
    let fields = ["IO_Running", "SQL_Running", "Last_IO_Error", "Last_SQL_Error"];
    let status = replica_status(server).ok().flatten();
    let said = |field: &&str| {
        let row = status.as_ref()?;
        let old = format!("Slave_{field}");
        let new = format!("Replica_{field}");
        let value = inspect::text(row, field).or_else(|| inspect::text(row, &new)).or_else(|| inspect::text(row, &old));
        Some(format!("{field}={}", value?))
    };
    let said: Vec<String> = fields.iter().filter_map(said).collect();
    format!("{} is not in sync: {}; its log ends:\n{}", server.name(), said.join(", "), server.log_tail())
}

/// The replica's first channel, as the server tells it; `None` on a server that replicates from none.
fn replica_status(server: &Server) -> Result<Option<Row>> {
    let sql = if server.flavor() == Flavor::Mysql { "SHOW REPLICA STATUS" } else { "SHOW SLAVE STATUS" };
    server.conn()?.query_first(sql).map_err(Error::sql(server.name(), sql))
}

/// The name of the oldest binary log.
pub(crate) fn first_binlog(server: &Server) -> Result<String> {
    let none = || Error::Unfit(format!("{} has no binary log", server.name()));
    server.query_one("SHOW BINARY LOGS")?.ok_or_else(none)
}
