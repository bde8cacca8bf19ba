//! What a test wants to know of a server: the size of its binary logs, its
//! process list, the statements it was sent.

use crate::{Error, Result, Server};
use mysql::prelude::Queryable;
use mysql::{Row, Value};
use std::fs;

/// A line of the process list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The connection's id.
    pub id: u64,
    /// The account's user name.
    pub user: String,
    /// What it is doing, such as `Sleep` or `Query`.
    pub command: String,
    /// The statement it is running, if any.
    pub info: Option<String>,
}

/// The bytes of all binary logs of `server` together.
pub fn binlog_bytes(server: &Server) -> Result<u64> {
    let rows = server.query_strings("SHOW BINARY LOGS")?;
    let size = |row: Vec<Option<String>>| row.into_iter().nth(1).flatten().and_then(|size| size.parse::<u64>().ok());
    Ok(rows.into_iter().filter_map(size).sum())
}

/// The process list of `server`, without the connection that asks.
pub fn processlist(server: &Server) -> Result<Vec<Process>> {
    let mut conn = server.conn()?;
    let own = u64::from(conn.connection_id());
    let sql = "SHOW FULL PROCESSLIST";
    let rows: Vec<Row> = conn.query(sql).map_err(Error::sql(server.name(), sql))?;
    let process = |row: &Row| Process {
        id: text(row, "Id").and_then(|id| id.parse().ok()).unwrap_or_default(),
        user: text(row, "User").unwrap_or_default(),
        command: text(row, "Command").unwrap_or_default(),
        info: text(row, "Info"),
    };
    Ok(rows.iter().map(process).filter(|process| process.id != own).collect())
}

/// The process list of `server`, only the connections of `user`.
pub fn processes_of(server: &Server, user: &str) -> Result<Vec<Process>> {
    Ok(processlist(server)?.into_iter().filter(|process| process.user == user).collect())
}

/// Starts writing every statement that `server` is sent to its general log.
pub fn general_log_on(server: &Server) -> Result<()> {
    server.sql("SET GLOBAL log_output='FILE'; SET GLOBAL general_log=1")
}

/// Stops it.
pub fn general_log_off(server: &Server) -> Result<()> {
    server.sql("SET GLOBAL general_log=0")
}

/// The general log so far; empty when it was never on.
pub fn general_log(server: &Server) -> String {
    fs::read(server.dir().join("general.log"))
        .map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into())
}

/// A column of a row by its name, as text; NULL and a column that is not there are `None`.
pub(crate) fn text(row: &Row, column: &str) -> Option<String> {
    match row.get_opt::<Value, _>(column)?.ok()? {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(true)),
    }
}
