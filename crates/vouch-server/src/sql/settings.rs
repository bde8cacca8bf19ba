//! What every session sets before it asks anything, and how one is killed.

use crate::capability::{Capabilities, Capability};
use crate::flavor::{Flavor, parse_version};
use crate::ident::quote;
use crate::session::{Access, Identity, Limits, Result, Session};
use mysql::prelude::Queryable;
use mysql::{Conn, Value};

/// The number of rows that the server sent for the statement before (sql/item_func.cc, `FOUND_ROWS`).
pub(crate) const ROWS_SENT: &str = "SELECT FOUND_ROWS()";

/// The rows that an OFFSET, always the last parameter, passes over: [`ROWS_SENT`] counts them too.
pub(crate) fn passed_over(sql: &str, params: &[Value]) -> u64 {
    match params.last() {
        Some(Value::UInt(offset)) if sql.ends_with(" OFFSET ?") => *offset,
        _ => 0,
    }
}

/// Whether [`ROWS_SENT`] speaks of the statement: only a SELECT sets the number, SHOW and EXPLAIN leave it.
pub(crate) fn counts_its_rows(sql: &str) -> bool {
    sql.trim_start_matches('(').starts_with("SELECT ") || sql.starts_with("SET STATEMENT ")
}

/// What the server says about itself.
pub fn identify(conn: &mut Conn) -> mysql::Result<Identity> {
    let version: String = conn.query_first("SELECT @@version")?.unwrap_or_default();
    let (flavor, number) = parse_version(&version);
    let capabilities = Capabilities::new(flavor, number);
    let uuid = match flavor {
        Flavor::Mysql => conn.query_first("SELECT @@server_uuid")?.unwrap_or_default(),
        Flavor::Mariadb => String::new(),
    };
    let (server_id, max_allowed_packet) =
        conn.query_first("SELECT @@server_id, @@max_allowed_packet")?.unwrap_or((0, 1 << 24));
    Ok(Identity { flavor, version, capabilities, server_id, uuid, max_allowed_packet })
}

/// Fixes the settings: read only unless it is to replicate, UTC, one SQL mode, raw
/// bytes in and out, and limits on the time of a statement.
pub fn apply(session: &mut Session, limits: Limits, access: &Access) -> Result<()> {
    for statement in statements(&session.identity().capabilities, limits) {
        session.run(&statement)?;
    }
    if let Access::Replicate { variables } = access {
        for statement in replicating(limits, variables) {
            session.run(&statement)?;
        }
    }
    Ok(())
}

/// What makes a session write, in statements that each replica computes anew.
///
/// REPEATABLE READ stays: with weaker isolation servers refuse statements in
/// their binlog.
fn replicating(limits: Limits, variables: &[(String, String)]) -> Vec<String> {
    let mut list = vec![
        "SET SESSION TRANSACTION READ WRITE".to_owned(),
        "SET SESSION binlog_format = 'STATEMENT'".to_owned(),
        format!("SET SESSION innodb_lock_wait_timeout = {}", limits.lock_wait.as_secs().max(1)),
    ];
    list.extend(variables.iter().map(|(name, value)| format!("SET SESSION {} = {value}", quote(name))));
    list
}

fn statements(capabilities: &Capabilities, limits: Limits) -> Vec<String> {
    let mut list = vec![
        "SET NAMES binary".to_owned(),
        // With no mode at all, zero dates and every spelling of a value can be read and bound.
        "SET SESSION sql_mode = ''".to_owned(),
        "SET SESSION time_zone = '+00:00'".to_owned(),
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned(),
        "SET SESSION TRANSACTION READ ONLY".to_owned(),
        "SET SESSION autocommit = 1".to_owned(),
        format!("SET SESSION lock_wait_timeout = {}", limits.lock_wait.as_secs().max(1)),
        format!("SET SESSION net_write_timeout = {}", limits.statement.as_secs().max(1)),
    ];
    if capabilities.has(Capability::CachedStatistics) {
        // A cached figure that has expired would be written back to the dictionary.
        list.push("SET SESSION information_schema_stats_expiry = 0".to_owned());
    }
    if capabilities.has(Capability::MaxExecutionTime) {
        list.push(format!("SET SESSION max_execution_time = {}", limits.statement.as_millis()));
    }
    if capabilities.has(Capability::MaxStatementTime) {
        list.push(format!("SET SESSION max_statement_time = {}", limits.statement.as_secs_f64()));
    }
    list
}

/// Kills a connection, of the same account.
pub fn kill(conn: &mut Conn, connection: u32) -> mysql::Result<()> {
    conn.query_drop(format!("KILL {connection}"))
}

/// Says, before a binlog is asked for, after which GTIDs it is to begin (MariaDB).
pub fn begin_after(conn: &mut Conn, gtid: &str) -> mysql::Result<()> {
    conn.exec_drop(
        "SET @slave_connect_state = ?, @slave_gtid_strict_mode = 0, @slave_gtid_ignore_duplicates = 0",
        (gtid,),
    )
}

/// Says, before a binlog is asked for, that events about GTIDs are understood.
///
/// To others MariaDB sends statements in their place, which look as if they could
/// change any row. To MySQL it is a variable like any other.
pub fn know_gtid_events(conn: &mut Conn) -> mysql::Result<()> {
    conn.query_drop("SET @mariadb_slave_capability = 4")
}
