//! How a server is: its load, its role, its clock, its heartbeats.
//!
//! Nothing here writes but [`Session::create_heartbeat`] and [`Session::beat`].

use crate::capability::Capability;
#[cfg(doc)]
use crate::error::Fault;
use crate::ident::TableName;
use crate::session::{Result, Session};
use crate::sql::decode;
use vouch_convert::parse;

impl Session {
    /// A global status variable as a number; `None` when there is none of that name.
    ///
    /// # Errors
    /// Those of the server.
    pub fn status(&mut self, variable: &str) -> Result<Option<u64>> {
        let rows = self.rows("SHOW GLOBAL STATUS WHERE Variable_name = ?", vec![variable.into()])?;
        Ok(rows.first().and_then(|row| decode::number(row, &["Value"])))
    }

    /// A global system variable as text; `None` when there is none of that name.
    ///
    /// # Errors
    /// Those of the server.
    pub fn variable(&mut self, name: &str) -> Result<Option<String>> {
        let rows = self.rows("SHOW GLOBAL VARIABLES WHERE Variable_name = ?", vec![name.into()])?;
        Ok(rows.first().and_then(|row| decode::text(row, &["Value"])))
    }
}

/// Settings that decide what a server may be used for. `None` where it has none of that name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthSettings {
    /// `read_only`.
    pub read_only: Option<bool>,
    /// `super_read_only`.
    pub super_read_only: Option<bool>,
    /// `offline_mode`.
    pub offline_mode: Option<bool>,
    /// Whether it is a member of a Galera cluster.
    pub galera: bool,
    /// Whether it is configured as a member of Group Replication.
    pub group: bool,
}

/// What a server counts about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthStatus {
    /// Seconds since it started.
    pub uptime_s: Option<u64>,
    /// `wsrep_local_state`: 1 joining, 2 donor, 3 joined, 4 synced.
    pub galera_state: Option<u64>,
    /// `wsrep_cluster_status`, such as `Primary`.
    pub galera_status: Option<String>,
    /// Sessions that wait for the acknowledgement of a replica.
    pub semi_sync_waiting: Option<u64>,
}

/// The age of a heartbeat row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The server that wrote it.
    pub server_id: u64,
    /// How old it is by the clock of the server that was asked; negative when clocks disagree.
    pub age_us: i64,
}

/// How old the transaction is that a channel's applier works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplierDelay {
    /// The channel.
    pub channel: String,
    /// Microseconds since it was committed on the source where it came from.
    pub age_us: i64,
}

/// A member of a replication group as one of them sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Its server uuid.
    pub uuid: String,
    /// `ONLINE`, `RECOVERING`, `OFFLINE`, `ERROR`, `UNREACHABLE`.
    pub state: String,
    /// `PRIMARY` or `SECONDARY`.
    pub role: String,
}

const SETTINGS: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN \
    ('read_only', 'super_read_only', 'offline_mode', 'wsrep_on', 'group_replication_group_name')";
const STATUS: &str = "SHOW GLOBAL STATUS WHERE Variable_name IN \
    ('Uptime', 'wsrep_local_state', 'wsrep_cluster_status', 'Rpl_semi_sync_source_wait_sessions', \
     'Rpl_semi_sync_master_wait_sessions')";
const APPLIERS: &str = "SELECT CHANNEL_NAME AS c, TIMESTAMPDIFF(MICROSECOND, \
    MIN(NULLIF(APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, '0000-00-00 00:00:00.000000')), NOW(6)) AS a \
    FROM performance_schema.replication_applier_status_by_worker GROUP BY CHANNEL_NAME";
const MEMBERS: &str = "SELECT MEMBER_ID AS u, MEMBER_STATE AS s, MEMBER_ROLE AS r \
    FROM performance_schema.replication_group_members";
const CLOCK: &str = "SELECT CAST(UNIX_TIMESTAMP(UTC_TIMESTAMP(6)) * 1000 AS SIGNED) AS t";

impl Session {
    fn named_values(&mut self, sql: &str) -> Result<Vec<(String, String)>> {
        let rows = self.show(sql)?;
        let pair = |row| Some((decode::text(row, &["Variable_name"])?, decode::text(row, &["Value"])?));
        Ok(rows.iter().filter_map(pair).collect())
    }

    /// The settings that decide what the server may be used for.
    ///
    /// # Errors
    /// Those of the server.
    pub fn health_settings(&mut self) -> Result<HealthSettings> {
        let values = self.named_values(SETTINGS)?;
        let find = |name: &str| values.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        let on = |name: &str| find(name).map(|value| value.eq_ignore_ascii_case("ON") || value == "1");
        Ok(HealthSettings {
            read_only: on("read_only"),
            super_read_only: on("super_read_only"),
            offline_mode: on("offline_mode"),
            galera: on("wsrep_on").unwrap_or(false),
            group: find("group_replication_group_name").is_some_and(|name| !name.is_empty()),
        })
    }

    /// What the server counts about itself.
    ///
    /// # Errors
    /// Those of the server.
    pub fn health_status(&mut self) -> Result<HealthStatus> {
        let values = self.named_values(STATUS)?;
        let find = |name: &str| values.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        let number = |name: &str| find(name).and_then(parse);
        Ok(HealthStatus {
            uptime_s: number("Uptime"),
            galera_state: number("wsrep_local_state"),
            galera_status: find("wsrep_cluster_status").cloned(),
            semi_sync_waiting: number("Rpl_semi_sync_source_wait_sessions")
                .or(number("Rpl_semi_sync_master_wait_sessions")),
        })
    }

    /// The server's clock, in ms since 1970.
    ///
    /// # Errors
    /// Those of the server.
    pub fn clock_ms(&mut self) -> Result<Option<i64>> {
        let rows = self.show(CLOCK)?;
        Ok(rows.first().and_then(|row| decode::text(row, &["t"])).and_then(parse))
    }

    /// All transactions that the server has, its own and replicated ones; empty where it has no GTIDs.
    ///
    /// # Errors
    /// Those of the server.
    pub fn executed(&mut self) -> Result<String> {
        let sql = if self.has(Capability::GtidDomains) {
            "SELECT @@GLOBAL.gtid_current_pos AS g"
        } else {
            "SELECT @@GLOBAL.gtid_executed AS g"
        };
        let rows = self.show(sql)?;
        let text = rows.first().and_then(|row| decode::text(row, &["g"])).unwrap_or_default();
        Ok(text.split_whitespace().collect())
    }

    /// The rows of a heartbeat table in the layout that pt-heartbeat has made common, in UTC.
    ///
    /// # Errors
    /// [`Fault::Missing`] when there is no such table.
    pub fn heartbeats(&mut self, table: &TableName) -> Result<Vec<Heartbeat>> {
        let sql = format!(
            "SELECT server_id AS i, TIMESTAMPDIFF(MICROSECOND, CAST(ts AS DATETIME(6)), UTC_TIMESTAMP(6)) AS a FROM {}",
            table.sql()
        );
        let row = |row| {
            let age_us = parse(decode::text(row, &["a"])?)?;
            Some(Heartbeat { server_id: decode::number(row, &["i"])?, age_us })
        };
        Ok(self.show(&sql)?.iter().filter_map(row).collect())
    }

    /// Makes the heartbeat table where it is missing. Its database must exist.
    ///
    /// # Errors
    /// [`Fault::Denied`] without the privilege.
    pub fn create_heartbeat(&mut self, table: &TableName) -> Result<()> {
        self.run("SET SESSION TRANSACTION READ WRITE")?;
        self.run(&format!(
            "CREATE TABLE IF NOT EXISTS {} (ts VARCHAR(26) NOT NULL, server_id INT UNSIGNED NOT NULL PRIMARY KEY, \
             file VARCHAR(255) DEFAULT NULL, position BIGINT UNSIGNED DEFAULT NULL, \
             relay_master_log_file VARCHAR(255) DEFAULT NULL, exec_master_log_pos BIGINT UNSIGNED DEFAULT NULL)",
            table.sql()
        ))
    }

    /// Writes the server's own row into the heartbeat table, in UTC.
    ///
    /// # Errors
    /// Those of the server.
    pub fn beat(&mut self, table: &TableName) -> Result<()> {
        let place = self.log_place().ok();
        let (file, offset) = place.map_or((None, None), |place| (Some(place.file), Some(place.offset)));
        self.run("SET SESSION TRANSACTION READ WRITE")?;
        let sql = format!(
            "INSERT INTO {} (ts, server_id, file, position) \
             VALUES (DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%f'), @@server_id, ?, ?) \
             ON DUPLICATE KEY UPDATE ts = VALUES(ts), file = VALUES(file), position = VALUES(position)",
            table.sql()
        );
        self.rows(&sql, vec![file.into(), offset.into()]).map(|_| ())
    }

    /// For each channel of a MySQL replica that is applying something: how old that is.
    ///
    /// # Errors
    /// [`Fault::Denied`] without SELECT on that table.
    pub fn applier_delays(&mut self) -> Result<Vec<ApplierDelay>> {
        if !self.has(Capability::ApplierTimestamps) {
            return Ok(Vec::new());
        }
        let row = |row| {
            let age_us = parse(decode::text(row, &["a"])?)?;
            Some(ApplierDelay { channel: decode::text(row, &["c"]).unwrap_or_default(), age_us })
        };
        Ok(self.show(APPLIERS)?.iter().filter_map(row).collect())
    }

    /// The members of the replication group.
    ///
    /// # Errors
    /// [`Fault::Denied`] without SELECT on that table.
    pub fn group_members(&mut self) -> Result<Vec<GroupMember>> {
        let row = |row| {
            let text = |name: &str| decode::text(row, &[name]).unwrap_or_default();
            GroupMember { uuid: text("u"), state: text("s"), role: text("r") }
        };
        Ok(self.show(MEMBERS)?.iter().map(row).collect())
    }

    /// When a monitor of the `status_example.lastcheck` kind last looked, in seconds since 1970.
    ///
    /// # Errors
    /// [`Fault::Missing`] where there is no such table.
    pub fn last_check(&mut self) -> Result<Option<u64>> {
        let rows = self.show("SELECT lastcheck AS l FROM status_example.lastcheck LIMIT 1")?;
        Ok(rows.first().and_then(|row| decode::number(row, &["l"])))
    }
}
