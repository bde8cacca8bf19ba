//! Root's connection over the socket, and running SQL on it.
//!
//! Invariant: an error in any of several statements is an error of the whole.

use crate::daemon::Daemon;
use crate::{Error, Result, poll};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, Value};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Connects as root over the socket.
pub(crate) fn connect(server: &str, socket: &Path) -> Result<Conn> {
    open(socket).map_err(Error::sql(server, "connecting as root"))
}

fn open(socket: &Path) -> mysql::Result<Conn> {
    let options = OptsBuilder::new()
        .socket(socket.to_str())
        .user(Some("root"))
        .max_allowed_packet(Some(64 << 20))
        .tcp_connect_timeout(Some(Duration::from_secs(10)));
    Conn::new(options)
}

/// Waits until the server accepts connections; an early death or a timeout quotes its log.
pub(crate) fn wait_ready(
    daemon: &mut Daemon,
    server: &str,
    socket: &Path,
    log: &Path,
    within: Duration,
) -> Result<Conn> {
    let failed = |why: String| Error::Start { server: server.to_owned(), why, log: tail(log) };
    let waited = poll::try_until(within, Duration::from_millis(20), "a connection", || match daemon.ended() {
        Some(status) => Err(failed(format!("ended while starting ({status})"))),
        None => Ok(open(socket).ok()),
    });
    waited.map_err(|error| match error {
        Error::Timeout { within, .. } => failed(format!("was not ready within {within:?}")),
        other => other,
    })
}

/// The last lines of a log, or why it cannot be read.
pub(crate) fn tail(log: &Path) -> String {
    match fs::read(log) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let lines: Vec<&str> = text.lines().collect();
            lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n")
        }
        Err(error) => format!("({}: {error})", log.display()),
    }
}

/// Runs one or more statements and reads all that they return.
pub(crate) fn run_all(conn: &mut Conn, server: &str, sql: &str) -> Result<()> {
    read_all(conn, sql).map(|_| ()).map_err(Error::sql(server, sql))
}

/// The rows of one or more statements, as the server writes values; NULL is `None`.
pub(crate) fn rows(conn: &mut Conn, server: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
    let rows = read_all(conn, sql).map_err(Error::sql(server, sql))?;
    Ok(rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect())
}

fn read_all(conn: &mut Conn, sql: &str) -> mysql::Result<Vec<Vec<Value>>> {
    let mut result = conn.query_iter(sql)?;
    let mut rows = Vec::new();
    while let Some(set) = result.iter() {
        for row in set {
            rows.push(row?.unwrap());
        }
    }
    Ok(rows)
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(true)),
    }
}
