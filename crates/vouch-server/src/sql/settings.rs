//! What every session is made to be before it asks anything, and how one is killed.
//!
//! [`PINS`] is the one list of session variables that change what a statement of ours returns,
//! or that keep it from doing harm. [`settle`] sets them all in one statement and reads them back
//! in another, with the server's identity: what a server's defaults, `init_connect` or a proxy
//! have set is gone, or the connection is refused.

use crate::capability::{Capabilities, Since};
use crate::error::{Fault, ServerError};
use crate::flavor::{Flavor, Version, parse_version};
use crate::ident::quote;
use crate::session::{Access, Identity, Limits, Result, Session};
use crate::sql::decode;
use crate::wire::{self, Conn, Refusal, WireError};
use mysql_common::{Row, Value};
use vouch_convert::parse;

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

/// What a session variable is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pinned {
    /// This text.
    Text(&'static str),
    /// This number or word, written without quotes.
    Bare(&'static str),
    /// The server's own default, which reads back as this text.
    Default(&'static str),
    /// The clock: a value that was set stops it. It cannot be read back, since it moves.
    Clock,
    /// Nothing, since that takes a privilege; it must have this value all the same.
    Found(&'static str),
    /// The limit on a statement in milliseconds.
    StatementMs,
    /// The limit on a statement in seconds, with fractions.
    StatementS,
    /// The limit on a statement in whole seconds.
    StatementWholeS,
    /// The limit on waiting for a lock in whole seconds.
    LockWaitS,
    /// 1 unless the session writes.
    ReadOnly,
}

/// The servers that have a variable: from these versions on, MySQL and MariaDB, or before them.
#[derive(Clone, Copy, Debug)]
enum On {
    All,
    From(Since, Since),
    Before(Since, Since),
    /// All of them, in sessions that write.
    Writers,
}

/// A session variable that is pinned.
struct Pin(&'static str, Pinned, On, Why);

/// Why a variable is pinned, for whoever is refused because of it.
type Why = &'static str;

const NO_LIMIT: &str = "18446744073709551615";

const fn mysql(major: u16, minor: u16, patch: u16) -> On {
    On::From(Some(Version::new(major, minor, patch)), None)
}

const fn mariadb(major: u16, minor: u16, patch: u16) -> On {
    On::From(None, Some(Version::new(major, minor, patch)))
}

/// The variables of transactions changed their names in these versions.
const NEW_NAMES: (Since, Since) = (Some(Version::new(5, 7, 20)), Some(Version::new(11, 1, 1)));

use Pinned::{Bare, Clock, Default as ServerDefault, Found, LockWaitS, ReadOnly, StatementMs, StatementS};
use Pinned::{StatementWholeS, Text};

/// The order matters twice: `max_join_size` sets `sql_big_selects`, and the character set of the
/// connection sets its collation.
#[rustfmt::skip]
const PINS: &[Pin] = &[
    Pin("character_set_client", Text("binary"), On::All, "statements are sent as raw bytes"),
    Pin("character_set_connection", Text("binary"), On::All, "literals are compared as raw bytes"),
    Pin("collation_connection", Text("binary"), On::All, "literals are compared as raw bytes"),
    Pin("character_set_results", Text("binary"), On::All, "text is received as it is stored"),
    Pin("sql_select_limit", Bare(NO_LIMIT), On::All, "a limit ends every SELECT early without a word"),
    Pin("sql_mode", Text(""), On::All, "modes change how SQL and values are read; with none, zero dates can be bound"),
    Pin("max_join_size", Bare(NO_LIMIT), On::All, "a limit refuses statements that examine many rows"),
    Pin("sql_big_selects", Bare("1"), On::All, "without it statements that examine many rows are refused"),
    Pin("time_zone", Text("+00:00"), On::All, "TIMESTAMP values are shown in it"),
    Pin("timestamp", Clock, On::All, "a value that was set stops the clock that ages are measured by"),
    Pin("lc_time_names", Text("en_US"), On::All, "names of days and months are in its language"),
    Pin("group_concat_max_len", Bare("1073741824"), On::All, "GROUP_CONCAT cuts its result there"),
    Pin("max_sort_length", Bare("1024"), On::All, "values of which fewer bytes are compared sort in another order"),
    Pin("div_precision_increment", Bare("4"), On::All, "quotients are rounded to it"),
    Pin("default_week_format", Bare("0"), On::All, "WEEK() depends on it"),
    Pin("sql_auto_is_null", Bare("0"), On::All, "IS NULL finds the last inserted row with it"),
    Pin("sql_safe_updates", Bare("0"), On::All, "statements without a key are refused with it"),
    Pin("sql_quote_show_create", Bare("1"), On::All, "definitions are shown with quoted names"),
    Pin("sql_notes", Bare("1"), On::All, "notes are the only reason that some statements give"),
    Pin("max_error_count", Bare("64"), mariadb(5, 1, 0), "with 0 a failed CHECKSUM TABLE gives no reason"),
    Pin("completion_type", Text("NO_CHAIN"), On::All, "with CHAIN a commit begins a new snapshot"),
    Pin("autocommit", Bare("1"), On::All, "without it the first SELECT opens a snapshot that ages"),
    Pin("transaction_isolation", Text("REPEATABLE-READ"), On::From(NEW_NAMES.0, NEW_NAMES.1), "weaker levels read rows that were never committed together"),
    Pin("tx_isolation", Text("REPEATABLE-READ"), On::Before(NEW_NAMES.0, NEW_NAMES.1), "weaker levels read rows that were never committed together"),
    Pin("transaction_read_only", ReadOnly, On::From(NEW_NAMES.0, NEW_NAMES.1), "a session that only reads must not be able to write"),
    Pin("tx_read_only", ReadOnly, On::Before(NEW_NAMES.0, NEW_NAMES.1), "a session that only reads must not be able to write"),
    Pin("lock_wait_timeout", LockWaitS, On::All, "a statement must not queue behind a change of a definition for long"),
    Pin("net_write_timeout", StatementWholeS, On::All, "the server must wait while rows are digested"),
    Pin("max_execution_time", StatementMs, mysql(5, 7, 8), "the server ends statements by itself"),
    Pin("max_statement_time", StatementS, mariadb(10, 1, 1), "the server ends statements by itself"),
    Pin("information_schema_stats_expiry", Bare("0"), mysql(8, 0, 3), "a cached figure that has expired would be written back to the dictionary"),
    Pin("show_gipk_in_create_table_and_information_schema", Bare("1"), mysql(8, 0, 30), "generated primary keys are hidden without it"),
    Pin("explain_format", Text("TRADITIONAL"), mysql(8, 0, 32), "EXPLAIN returns other columns in other formats"),
    Pin("use_secondary_engine", Text("OFF"), mysql(8, 0, 20), "a secondary engine lags behind the table"),
    Pin("terminology_use_previous", Text("NONE"), mysql(8, 0, 26), "states and names of threads are in old words with it"),
    Pin("show_create_table_verbosity", Bare("0"), mysql(5, 7, 22), "definitions get words that were never written"),
    Pin("show_create_table_skip_secondary_engine", Bare("0"), mysql(8, 0, 18), "definitions lose words with it"),
    Pin("old_mode", Text(""), On::Before(Some(Version::new(0, 0, 0)), Some(Version::new(10, 6, 1))), "CHECKSUM TABLE and conversions follow older rules with it"),
    Pin("old_mode", Text("UTF8_IS_UTF8MB3"), mariadb(10, 6, 1), "CHECKSUM TABLE and conversions follow older rules with it"),
    Pin("old", Bare("0"), mariadb(5, 1, 0), "CHECKSUM TABLE follows older rules with it"),
    Pin("system_versioning_asof", ServerDefault("DEFAULT"), mariadb(10, 3, 4), "versioned tables are read as of that time"),
    Pin("sql_if_exists", Bare("0"), mariadb(10, 5, 2), "a statement about a table that is not there passes with it"),
    Pin("query_cache_type", Text("OFF"), mariadb(5, 1, 0), "rows must come from the table, and must not crowd out what others cached"),
    Pin("default_regex_flags", Text(""), mariadb(10, 0, 11), "REGEXP in a condition matches other rows with it"),
    Pin("character_set_collations", Text(""), mariadb(11, 2, 1), "text that is converted compares otherwise with it"),
    Pin("sql_log_bin", Found("1"), On::Writers, "without it no replica would get the statements of checksums"),
];

impl On {
    fn holds(self, capabilities: &Capabilities, access: &Access) -> bool {
        match self {
            On::All => true,
            On::From(mysql, mariadb) => capabilities.are_since(mysql, mariadb),
            On::Before(mysql, mariadb) => !capabilities.are_since(mysql, mariadb),
            On::Writers => *access != Access::ReadOnly,
        }
    }
}

/// Under which conditions a session runs.
pub struct Conditions<'a> {
    /// Its limits.
    pub limits: Limits,
    /// What it may do.
    pub access: &'a Access,
}

impl Conditions<'_> {
    /// The variables that a server has, in the order in which they are set.
    fn pins(&self, capabilities: &Capabilities) -> Vec<&'static Pin> {
        PINS.iter().filter(|pin| pin.2.holds(capabilities, self.access)).collect()
    }

    /// The value of a variable as it is written, and as it is read back; either may be missing.
    fn value(&self, pinned: Pinned) -> (Option<String>, Option<String>) {
        let limits = self.limits;
        let both = |text: String| (Some(text.clone()), Some(text));
        match pinned {
            Pinned::Text(text) => (Some(format!("'{text}'")), Some(text.to_owned())),
            Pinned::Bare(text) => both(text.to_owned()),
            Pinned::Default(text) => (Some("DEFAULT".to_owned()), Some(text.to_owned())),
            Pinned::Clock => (Some("DEFAULT".to_owned()), None),
            Pinned::Found(text) => (None, Some(text.to_owned())),
            Pinned::StatementMs => both(limits.statement.as_millis().to_string()),
            Pinned::StatementS => both(limits.statement.as_secs_f64().to_string()),
            Pinned::StatementWholeS => both(limits.statement.as_secs().max(1).to_string()),
            Pinned::LockWaitS => both(limits.lock_wait.as_secs().max(1).to_string()),
            Pinned::ReadOnly => both(u8::from(*self.access == Access::ReadOnly).to_string()),
        }
    }

    fn assignment(&self, pin: &Pin) -> Option<String> {
        self.value(pin.1).0.map(|value| format!("@@session.{} = {value}", pin.0))
    }

    fn set_all(&self, pins: &[&Pin]) -> String {
        let list: Vec<String> = pins.iter().filter_map(|pin| self.assignment(pin)).collect();
        format!("SET {}", list.join(", "))
    }
}

/// Why a session could not be settled.
#[derive(Debug)]
pub enum Unsettled {
    /// The connection or the server failed.
    Failed(WireError),
    /// A variable does not have its value; a sentence.
    Differs(String),
}

impl From<WireError> for Unsettled {
    fn from(error: WireError) -> Self {
        Unsettled::Failed(error)
    }
}

impl Unsettled {
    /// As an error of that server.
    pub fn on(self, server: &str) -> ServerError {
        match self {
            Unsettled::Failed(error) => ServerError::from_wire(server, &error),
            Unsettled::Differs(sentence) => ServerError::new(server, Fault::Session, sentence),
        }
    }
}

/// A variable that could not be set, and the server's reason.
type Stubborn = (&'static str, Refusal);

/// Number of the server's error for a variable that it does not have.
const UNKNOWN_VARIABLE: u16 = 1193;

/// Fixes the settings of a connection and finds out which server it leads to.
///
/// Where the server is `known` from an earlier connection this takes two round trips. Else its
/// version has to be asked for first, which only a session without limits answers truly.
pub fn settle(
    conn: &mut Conn,
    conditions: &Conditions<'_>,
    known: Option<&Identity>,
) -> std::result::Result<Identity, Unsettled> {
    if let Some(known) = known {
        let settled = settle_as(conn, conditions, &known.capabilities);
        match settled {
            Ok(identity) if identity.version == known.version => return Ok(identity),
            // It is another version by now, or another server.
            Ok(_) | Err(Unsettled::Failed(WireError::Refused(_)) | Unsettled::Differs(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let everywhere: Vec<&Pin> = PINS.iter().filter(|pin| matches!(pin.2, On::All)).collect();
    set(conn, conditions, &everywhere)?;
    let version = conn.first("SELECT @@version")?.map(|row| decode::text_at(&row, 0));
    let version = version.ok_or_else(|| Unsettled::Differs("the server does not say its version".to_owned()))?;
    let (flavor, number) = parse_version(&version);
    settle_as(conn, conditions, &Capabilities::new(flavor, number))
}

fn settle_as(
    conn: &mut Conn,
    conditions: &Conditions<'_>,
    capabilities: &Capabilities,
) -> std::result::Result<Identity, Unsettled> {
    let mut pins = conditions.pins(capabilities);
    let stubborn = set(conn, conditions, &pins)?;
    // What a server does not have changes nothing.
    pins.retain(|pin| stubborn.iter().all(|(name, error)| *name != pin.0 || error.code != UNKNOWN_VARIABLE));
    let pins: Vec<&Pin> = pins.into_iter().filter(|pin| conditions.value(pin.1).1.is_some()).collect();
    let row = conn.first(&read_back(&pins, capabilities))?;
    let row = row.ok_or_else(|| Unsettled::Differs("the server does not say its settings".to_owned()))?;
    for (at, pin) in pins.iter().enumerate() {
        check(conditions, pin, &decode::text_at(&row, at), &stubborn)?;
    }
    Ok(identity(&row, pins.len()))
}

/// Sets the variables in one statement; where that fails, one by one, and returns those that failed.
fn set(conn: &mut Conn, conditions: &Conditions<'_>, pins: &[&Pin]) -> wire::Result<Vec<Stubborn>> {
    match conn.run(&conditions.set_all(pins)) {
        Ok(_) => return Ok(Vec::new()),
        Err(WireError::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    let mut stubborn = Vec::new();
    for pin in pins {
        let Some(assignment) = conditions.assignment(pin) else { continue };
        match conn.run(&format!("SET {assignment}")) {
            Ok(_) => {}
            Err(WireError::Refused(error)) => stubborn.push((pin.0, error)),
            Err(error) => return Err(error),
        }
    }
    Ok(stubborn)
}

/// The variables in their order, and then who the server is.
fn read_back(pins: &[&Pin], capabilities: &Capabilities) -> String {
    let mut list: Vec<String> = pins.iter().map(|pin| format!("@@session.{}", pin.0)).collect();
    list.extend(["@@version", "@@server_id", "@@hostname", "@@port", "@@max_allowed_packet"].map(str::to_owned));
    if capabilities.flavor() == Flavor::Mysql {
        list.push("@@server_uuid".to_owned());
    }
    format!("SELECT {}", list.join(", "))
}

fn identity(row: &Row, from: usize) -> Identity {
    let text = |at: usize| decode::text_at(row, from + at);
    let version = text(0);
    let (flavor, number) = parse_version(&version);
    Identity {
        flavor,
        capabilities: Capabilities::new(flavor, number),
        version,
        server_id: text(1).parse().unwrap_or(0),
        host: text(2),
        port: text(3).parse().unwrap_or(0),
        max_allowed_packet: text(4).parse().unwrap_or(1 << 24),
        uuid: text(5),
    }
}

fn check(
    conditions: &Conditions<'_>,
    pin: &Pin,
    found: &str,
    stubborn: &[Stubborn],
) -> std::result::Result<(), Unsettled> {
    let Pin(name, pinned, _, why) = pin;
    let Some(wanted) = conditions.value(*pinned).1 else { return Ok(()) };
    if same(found, &wanted) {
        return Ok(());
    }
    let reason = stubborn.iter().find(|(stubborn, _)| stubborn == name);
    let reason = reason.map(|(_, error)| format!(": {} ({})", error.message, error.code)).unwrap_or_default();
    Err(Unsettled::Differs(format!(
        "{name} is {found:?} in the session and must be {wanted:?}, but cannot be set{reason}; {why}"
    )))
}

/// Numbers read back with other digits after the point.
fn same(found: &str, wanted: &str) -> bool {
    let numbers = || Some((parse::<f64>(found)?, parse::<f64>(wanted)?));
    let whole = || found.parse::<u64>().is_ok() && wanted.parse::<u64>().is_ok();
    found.eq_ignore_ascii_case(wanted) || (!whole() && numbers().is_some_and(|(a, b)| (a - b).abs() < 1e-6))
}

/// Makes a session that was settled for it write, in statements that each replica computes again.
///
/// REPEATABLE READ stays: with weaker isolation servers refuse statements in
/// their binlog.
pub fn begin_replicating(session: &mut Session, limits: Limits, variables: &[(String, String)]) -> Result<()> {
    session.run("SET SESSION binlog_format = 'STATEMENT'")?;
    session.run(&format!("SET SESSION innodb_lock_wait_timeout = {}", limits.lock_wait.as_secs().max(1)))?;
    variables.iter().try_for_each(|(name, value)| session.run(&format!("SET SESSION {} = {value}", quote(name))))
}

/// Kills a connection, of the same account.
pub fn kill(conn: &mut Conn, connection: u32) -> wire::Result<()> {
    conn.run(&format!("KILL {connection}")).map(drop)
}

/// Says, before a binlog is asked for, after which GTIDs it is to begin (MariaDB).
pub fn begin_after(conn: &mut Conn, gtid: &str) -> wire::Result<()> {
    let sql = "SET @slave_connect_state = ?, @slave_gtid_strict_mode = 0, @slave_gtid_ignore_duplicates = 0";
    conn.rows(sql, &[Value::from(gtid)]).map(drop)
}

/// Says, before a binlog is asked for, what is understood of it: events about GTIDs, and checksums behind events.
///
/// To those who do not know events about GTIDs MariaDB sends statements in their place, which look as if they could
/// change any row. To MySQL that is a variable like any other. Without a word on checksums they would be left out.
pub fn know_events(conn: &mut Conn) -> wire::Result<()> {
    conn.run("SET @mariadb_slave_capability = 4, @master_binlog_checksum = 'ALL'").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn conditions(access: &Access) -> Conditions<'_> {
        Conditions { limits: Limits { statement: Duration::from_millis(2500), ..Limits::default() }, access }
    }

    fn names(version: &str, access: &Access) -> Vec<&'static str> {
        let (flavor, number) = parse_version(version);
        conditions(access).pins(&Capabilities::new(flavor, number)).iter().map(|pin| pin.0).collect()
    }

    #[test]
    fn a_server_is_only_given_variables_that_it_has_and_each_once() {
        for version in
            ["5.7.8", "8.0.20", "9.7.4", "10.3.1-MariaDB", "10.5.23-MariaDB", "10.11.19-MariaDB", "11.8.9-MariaDB"]
        {
            let names = names(version, &Access::ReadOnly);
            for name in &names {
                assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{version}: {name}");
            }
            let is_mysql = !version.contains("Maria");
            assert_eq!(names.contains(&"max_execution_time"), is_mysql, "{version}");
            assert_eq!(names.contains(&"old_mode"), !is_mysql, "{version}");
            assert!(names.contains(&"sql_select_limit") && !names.contains(&"sql_log_bin"), "{version}");
        }
        assert!(names("9.7.4", &Access::Replicate { variables: Vec::new() }).contains(&"sql_log_bin"));
    }

    #[test]
    fn only_a_session_that_writes_may_write() {
        let pin = PINS.iter().find(|pin| pin.0 == "transaction_read_only").map(|pin| pin.1);
        let written = |access: &Access| pin.and_then(|pin| conditions(access).value(pin).0);
        assert_eq!(written(&Access::ReadOnly).as_deref(), Some("1"));
        assert_eq!(written(&Access::Replicate { variables: Vec::new() }).as_deref(), Some("0"));
    }

    #[test]
    fn a_value_is_compared_as_the_server_writes_it() {
        assert!(same("2.500000", "2.5") && same("OFF", "off") && same(NO_LIMIT, NO_LIMIT) && same("", ""));
        assert!(!same("18446744073709551614", NO_LIMIT), "numbers of that size are one in floating point");
        assert!(!same("", "OFF") && !same("1000", NO_LIMIT) && !same("2.6", "2.5"));
    }
}
