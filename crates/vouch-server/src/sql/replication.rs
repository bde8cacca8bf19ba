//! Positions: taking them, waiting for them, and what a replica says of itself.

use crate::capability::Capability;
use crate::error::{Fault, ServerError};
use crate::flavor::Flavor;
use crate::gtid::GtidSet;
use crate::position::{LogPlace, Position, PositionKind};
use crate::session::{Result, Session};
use crate::sql::decode;
use mysql_common::{Row, Value};
use std::cell::Cell;
use std::time::Duration;
use vouch_convert::parse;

/// What waiting for a position came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The replica has applied it.
    Reached,
    /// Not in that time.
    NotYet,
    /// The server would not wait, since replication is stopped.
    Stopped,
}

/// One replication channel of a replica, by its own account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// Channel name; empty for the default one.
    pub channel: String,
    /// Address of its source.
    pub source_host: String,
    /// Port of its source.
    pub source_port: u64,
    /// Server uuid of its source; empty on MariaDB.
    pub source_uuid: String,
    /// Server id of its source; 0 when unknown.
    pub source_id: u64,
    /// The receiver runs.
    pub receiving: bool,
    /// The applier runs.
    pub applying: bool,
    /// The server's own figure of seconds behind; `None` when it gives none.
    pub behind_s: Option<u64>,
    /// Delay on purpose, in seconds.
    pub delay_s: u64,
    /// Its filters, in the server's words; empty without.
    pub filters: String,
    /// Databases that it renames: from, to.
    pub rewrites: Vec<(String, String)>,
    /// Domains that it ignores (MariaDB).
    pub ignored_domains: Vec<u32>,
    /// The only domains that it applies; empty for all (MariaDB).
    pub only_domains: Vec<u32>,
    /// The last error of the applier; empty without.
    pub last_error: String,
    /// What it has applied of its source's binlog.
    pub applied: Option<LogPlace>,
    /// What it has received of its source's binlog.
    pub received: Option<LogPlace>,
    /// Whether the applier waits for more, having read all that was received.
    pub applier_waits: bool,
    /// The transactions that it has received; empty without GTIDs.
    pub received_gtids: String,
    /// The receiver's state in the server's word: `Yes`, `No`, `Connecting`, `Preparing`.
    pub receiver: String,
    /// The last error number of the receiver; 0 without.
    pub receiver_errno: u64,
    /// The last error of the receiver; empty without.
    pub receiver_error: String,
    /// The last error number of the applier; 0 without.
    pub applier_errno: u64,
    /// Bytes of relay logs on disk, applied ones too.
    pub relay_bytes: u64,
}

/// One channel; the error names a column that is there and is not the number that it should be. To take it for 0
/// would make a replica with errors or delays one without.
fn status_of(row: &Row) -> std::result::Result<ReplicaStatus, String> {
    let wrong = Cell::new(None);
    let text = |names: &[&str]| decode::text(row, names).unwrap_or_default();
    let number_or_null = |names: &[&str]| {
        let text = decode::text(row, names).filter(|text| !text.trim().is_empty())?;
        let number = parse(text.trim());
        if number.is_none() {
            wrong.set(Some(format!("{} is `{text}`, which is not a number", names.join(" or "))));
        }
        number
    };
    let number = |names: &[&str]| number_or_null(names).unwrap_or(0);
    let place = |files: &[&str], offsets: &[&str]| {
        let file = text(files);
        (!file.is_empty()).then(|| LogPlace { file, offset: number(offsets) })
    };
    let receiver = text(&["Replica_IO_Running", "Slave_IO_Running"]);
    let status = ReplicaStatus {
        channel: text(&["Channel_Name", "Connection_name"]),
        source_host: text(&["Source_Host", "Master_Host"]),
        source_port: number(&["Source_Port", "Master_Port"]),
        source_uuid: text(&["Source_UUID", "Master_UUID"]),
        source_id: number(&["Source_Server_Id", "Master_Server_Id"]),
        receiving: receiver == "Yes",
        applying: text(&["Replica_SQL_Running", "Slave_SQL_Running"]) == "Yes",
        behind_s: number_or_null(&["Seconds_Behind_Source", "Seconds_Behind_Master"]),
        delay_s: number(&["SQL_Delay"]),
        filters: filters_of(row),
        rewrites: rewrites(&text(&["Replicate_Rewrite_DB"])),
        ignored_domains: domains(&text(&["Replicate_Ignore_Domain_Ids"])),
        only_domains: domains(&text(&["Replicate_Do_Domain_Ids"])),
        last_error: text(&["Last_SQL_Error"]),
        applied: place(
            &["Relay_Source_Log_File", "Relay_Master_Log_File"],
            &["Exec_Source_Log_Pos", "Exec_Master_Log_Pos"],
        ),
        received: place(&["Source_Log_File", "Master_Log_File"], &["Read_Source_Log_Pos", "Read_Master_Log_Pos"]),
        receiver,
        receiver_errno: number(&["Last_IO_Errno"]),
        receiver_error: text(&["Last_IO_Error"]),
        applier_errno: number(&["Last_SQL_Errno"]),
        relay_bytes: number(&["Relay_Log_Space"]),
        applier_waits: text(&["Replica_SQL_Running_State", "Slave_SQL_Running_State", "Slave_SQL_State"])
            .contains("has read all relay log"),
        received_gtids: text(&["Retrieved_Gtid_Set", "Gtid_IO_Pos"]).split_whitespace().collect(),
    };
    wrong.take().map_or(Ok(status), Err)
}

/// What a server keeps out of its own binlog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Only these databases are logged (`binlog-do-db`); empty for all.
    pub only: Vec<String>,
    /// These databases are not logged (`binlog-ignore-db`).
    pub without: Vec<String>,
    /// Changes are logged as rows, so that the database of the table decides, not that of the session.
    pub by_rows: bool,
}

impl LogFilter {
    /// Whether everything is logged.
    pub fn is_empty(&self) -> bool {
        self.only.is_empty() && self.without.is_empty()
    }

    /// Whether every change of tables of a database is in the log.
    pub fn logs(&self, database: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name.eq_ignore_ascii_case(database));
        self.is_empty() || (self.by_rows && !named(&self.without) && (self.only.is_empty() || named(&self.only)))
    }
}

impl std::fmt::Display for LogFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rules = [("binlog-do-db", &self.only), ("binlog-ignore-db", &self.without)];
        let set = rules.iter().filter(|(_, names)| !names.is_empty());
        let words: Vec<String> = set.map(|(rule, names)| format!("{rule}={}", names.join(","))).collect();
        f.write_str(&words.join(" "))
    }
}

/// A list of names with commas between them.
fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A list of numbers of domains; what is no number is left out, as it is in the server's own words of a filter.
fn domains(text: &str) -> Vec<u32> {
    names(text).iter().flat_map(|name| name.parse()).collect()
}

/// Pairs of databases: `(a,b),(c,d)` on MySQL, `a->b,c->d` on MariaDB.
fn rewrites(text: &str) -> Vec<(String, String)> {
    let pair = |from: &str, to: &str| (from.trim().to_owned(), to.trim().to_owned());
    if text.contains("->") {
        return text.split(',').filter_map(|rule| rule.split_once("->")).map(|(from, to)| pair(from, to)).collect();
    }
    let rules = text.split(')').filter_map(|rule| rule.split_once('(').map(|(_, rule)| rule));
    rules.filter_map(|rule| rule.split_once(',')).map(|(from, to)| pair(from, to)).collect()
}

fn filters_of(row: &Row) -> String {
    const NAMES: [&str; 10] = [
        "Replicate_Do_DB",
        "Replicate_Ignore_DB",
        "Replicate_Do_Table",
        "Replicate_Ignore_Table",
        "Replicate_Wild_Do_Table",
        "Replicate_Wild_Ignore_Table",
        "Replicate_Rewrite_DB",
        "Replicate_Ignore_Server_Ids",
        "Replicate_Do_Domain_Ids",
        "Replicate_Ignore_Domain_Ids",
    ];
    let set = NAMES.iter().filter_map(|&name| {
        let value = decode::text(row, &[name]).filter(|value| !value.is_empty())?;
        Some(format!("{name}={value}"))
    });
    set.collect::<Vec<_>>().join(" ")
}

impl Session {
    /// The kind of positions that this server's history has, by its settings.
    ///
    /// # Errors
    /// Those of the server; a setting that may not be read counts as off.
    pub fn position_kind(&mut self) -> Result<PositionKind> {
        let logging = self.variable("log_bin")?.is_some_and(|value| value == "ON");
        Ok(if self.has(Capability::GtidSets) && self.variable("gtid_mode")?.is_some_and(|mode| mode == "ON") {
            PositionKind::GtidSets
        } else if self.has(Capability::GtidDomains) && logging {
            PositionKind::GtidDomains
        } else if logging && self.log_place().is_ok() {
            PositionKind::FileOffset
        } else {
            PositionKind::None
        })
    }

    /// The position of a source, at or after everything that earlier reads saw
    /// (on MySQL but for commits that were becoming visible at that very moment).
    ///
    /// # Errors
    /// Those of the server.
    pub fn source_position(&mut self, kind: PositionKind) -> Result<Position> {
        Ok(match kind {
            PositionKind::GtidSets => Position::GtidSet(self.gtid_text("SELECT @@GLOBAL.gtid_executed AS g")?),
            PositionKind::GtidDomains => Position::GtidDomains(self.gtid_text("SELECT @@GLOBAL.gtid_binlog_pos AS g")?),
            PositionKind::FileOffset => Position::Log(self.log_place()?),
            PositionKind::None => Position::None,
        })
    }

    /// What a replica has applied.
    ///
    /// # Errors
    /// Those of the server.
    pub fn applied_position(&mut self, kind: PositionKind, channel: Option<&str>) -> Result<Position> {
        Ok(match kind {
            PositionKind::GtidSets => Position::GtidSet(self.gtid_text("SELECT @@GLOBAL.gtid_executed AS g")?),
            PositionKind::GtidDomains => Position::GtidDomains(self.gtid_text("SELECT @@GLOBAL.gtid_slave_pos AS g")?),
            PositionKind::FileOffset => {
                let all = self.replica_status()?;
                let own = all.into_iter().find(|status| channel.is_none_or(|name| status.channel == name));
                own.and_then(|status| status.applied).map_or(Position::None, Position::Log)
            }
            PositionKind::None => Position::None,
        })
    }

    fn gtid_text(&mut self, sql: &str) -> Result<String> {
        let rows = self.rows(sql, Vec::new())?;
        let text = rows.first().and_then(|row| decode::text(row, &["g"])).unwrap_or_default();
        Ok(text.split_whitespace().collect())
    }

    /// The end of the server's binlog.
    ///
    /// # Errors
    /// [`Fault::Denied`] without the privilege, [`Fault::Unsupported`] without a binlog.
    pub fn log_place(&mut self) -> Result<LogPlace> {
        let row = self.log_status_row()?;
        Ok(LogPlace {
            file: decode::text(&row, &["File"]).unwrap_or_default(),
            offset: decode::number(&row, &["Position"]).unwrap_or(0),
        })
    }

    fn log_status_row(&mut self) -> Result<Row> {
        let new = self.has(Capability::BinaryLogStatus);
        let rows = self.show(if new { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" })?;
        let none = || ServerError::new(self.name(), Fault::Unsupported, "it writes no binlog");
        rows.into_iter().next().ok_or_else(none)
    }

    /// Whether the server writes all that changes, from whatever source, to its binlog. Says why not, if not.
    ///
    /// # Errors
    /// Those of the server.
    pub fn logs_everything(&mut self) -> Result<std::result::Result<(), String>> {
        for names in [&["log_bin"][..], &["log_replica_updates", "log_slave_updates"][..]] {
            let values = names.iter().map(|name| self.variable(name)).collect::<Result<Vec<_>>>()?;
            if !values.iter().flatten().any(|value| value == "ON") {
                return Ok(Err(format!("it has {}=OFF", names.last().unwrap_or(&""))));
            }
        }
        let filter = self.log_filter()?;
        Ok(if filter.is_empty() { Ok(()) } else { Err(format!("it leaves databases out ({filter})")) })
    }

    /// Waits on a replica until it has applied `position`, for at most `timeout`.
    ///
    /// # Errors
    /// Those of the server.
    pub fn wait_applied(&mut self, position: &Position, timeout: Duration, channel: Option<&str>) -> Result<Waited> {
        if position.is_empty() {
            return Ok(Waited::Reached);
        }
        let seconds = Value::Double(timeout.as_secs_f64());
        match position {
            Position::None => Ok(Waited::Reached),
            Position::GtidSet(set) => {
                self.wait("SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?) AS w", vec![set.as_str().into(), seconds])
            }
            Position::GtidDomains(list) => {
                self.wait("SELECT MASTER_GTID_WAIT(?, ?) AS w", vec![list.as_str().into(), seconds])
            }
            Position::Log(place) => self.wait_log(place, timeout, channel),
        }
    }

    /// Waits until a direct replica has applied its source's binlog up to `place`.
    ///
    /// # Errors
    /// Those of the server.
    pub fn wait_log(&mut self, place: &LogPlace, timeout: Duration, channel: Option<&str>) -> Result<Waited> {
        let function = if self.has(Capability::SourcePosWait) { "SOURCE_POS_WAIT" } else { "MASTER_POS_WAIT" };
        // Whole seconds for old servers; 0 would mean for ever.
        let seconds = Value::Int(i64::try_from(timeout.as_secs()).unwrap_or(1).max(1));
        let mut params = vec![place.file.as_str().into(), place.offset.into(), seconds];
        let fourth = channel.map(|name| params.push(name.into())).map_or("", |()| ", ?");
        self.wait(&format!("SELECT {function}(?, ?, ?{fourth}) AS w"), params)
    }

    fn wait(&mut self, sql: &str, params: Vec<Value>) -> Result<Waited> {
        let rows = self.rows(sql, params)?;
        Ok(match rows.first().and_then(|row| decode::text(row, &["w"])).as_deref() {
            None => Waited::Stopped,
            Some("-1") => Waited::NotYet,
            Some("1") if sql.contains("GTID_SET") => Waited::NotYet,
            Some(_) => Waited::Reached,
        })
    }

    /// The transactions that the server has executed (MySQL).
    ///
    /// # Errors
    /// Those of the server; [`Fault::Other`] when its answer is no set of GTIDs.
    pub fn executed_set(&mut self) -> Result<GtidSet> {
        let text = self.gtid_text("SELECT @@GLOBAL.gtid_executed AS g")?;
        text.parse().map_err(|error| ServerError::new(self.name(), Fault::Other, format!("gtid_executed: {error}")))
    }

    /// The binlog state of a MariaDB server, or the executed set of a MySQL one:
    /// everything that it ever executed, from whatever source.
    ///
    /// # Errors
    /// Those of the server.
    pub fn history(&mut self) -> Result<String> {
        match self.identity().flavor {
            Flavor::Mysql => self.gtid_text("SELECT @@GLOBAL.gtid_executed AS g"),
            Flavor::Mariadb => self.gtid_text("SELECT @@GLOBAL.gtid_binlog_state AS g"),
        }
    }

    /// The last GTID of each domain that the server has applied or written itself (MariaDB).
    ///
    /// # Errors
    /// Those of the server.
    pub fn current_position(&mut self) -> Result<Position> {
        Ok(Position::GtidDomains(self.gtid_text("SELECT @@GLOBAL.gtid_current_pos AS g")?))
    }

    /// What the server keeps out of its own binlog.
    ///
    /// # Errors
    /// [`Fault::Denied`] without the privilege, [`Fault::Unsupported`] without a binlog.
    pub fn log_filter(&mut self) -> Result<LogFilter> {
        let row = self.log_status_row()?;
        let list = |name: &str| names(&decode::text(&row, &[name]).unwrap_or_default());
        Ok(LogFilter {
            only: list("Binlog_Do_DB"),
            without: list("Binlog_Ignore_DB"),
            by_rows: self.variable("binlog_format")?.is_none_or(|format| format == "ROW"),
        })
    }

    /// The server's replication channels; empty when it replicates from nobody.
    ///
    /// # Errors
    /// [`Fault::Denied`] without the privilege.
    pub fn replica_status(&mut self) -> Result<Vec<ReplicaStatus>> {
        let sql = match (self.identity().flavor, self.has(Capability::ReplicaStatus)) {
            (Flavor::Mariadb, _) => "SHOW ALL SLAVES STATUS",
            (Flavor::Mysql, true) => "SHOW REPLICA STATUS",
            (Flavor::Mysql, false) => "SHOW SLAVE STATUS",
        };
        let statuses: std::result::Result<_, String> = self.show(sql)?.iter().map(status_of).collect();
        statuses.map_err(|what| ServerError::new(self.name(), Fault::Other, format!("{sql}: {what}")))
    }

    /// Opens a snapshot and returns the exact position that it shows, where the
    /// server can label snapshots (MariaDB with a binlog); `None` elsewhere, and
    /// then no snapshot is open. [`Session::release`] ends it.
    ///
    /// # Errors
    /// Those of the server.
    pub fn labelled_snapshot(&mut self) -> Result<Option<Position>> {
        if !self.has(Capability::SnapshotPosition) {
            return Ok(None);
        }
        self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")?;
        let label = match self.snapshot_place()? {
            Some(place) => self.gtid_at(&place)?,
            None => None,
        };
        if label.is_none() {
            self.release()?;
        }
        Ok(label)
    }

    /// The GTIDs up to a place in the binlog. The server finds them by reading the
    /// file from its start, which is spared when the log still ends there: a GTID is
    /// listed before its events are written, and asking for the end waits for them, so
    /// what was listed before an end that did not move is what lies before that end.
    pub(crate) fn gtid_at(&mut self, place: &LogPlace) -> Result<Option<Position>> {
        let listed = self.source_position(PositionKind::GtidDomains)?;
        if self.log_place().is_ok_and(|end| end == *place) {
            return Ok(Some(listed));
        }
        let at = vec![place.file.as_str().into(), place.offset.into()];
        let rows = self.rows("SELECT BINLOG_GTID_POS(?, ?) AS g", at)?;
        Ok(rows.first().and_then(|row| decode::text(row, &["g"])).map(Position::GtidDomains))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_that_are_renamed_are_read_in_both_spellings() {
        let pairs = vec![("a".to_owned(), "b".to_owned()), ("c".to_owned(), "d".to_owned())];
        assert_eq!(rewrites("(a,b),(c,d)"), pairs);
        assert_eq!(rewrites("a->b,c->d"), pairs);
        assert!(rewrites("").is_empty());
        assert_eq!(domains("1, 22"), [1, 22]);
    }

    #[test]
    fn what_is_kept_out_of_the_log_is_known_by_database() {
        let filter =
            |only: &str, without: &str| LogFilter { only: names(only), without: names(without), by_rows: true };
        assert!(filter("", "").logs("a") && filter("a,b", "").logs("A") && filter("", "b").logs("a"));
        assert!(!filter("b", "").logs("a") && !filter("", "A").logs("a"));
        let mixed = LogFilter { by_rows: false, ..filter("", "b") };
        assert!(!mixed.logs("a"), "the session's database decides, which nobody knows");
        assert_eq!(filter("a", "b,c").to_string(), "binlog-do-db=a binlog-ignore-db=b,c");
    }
}
