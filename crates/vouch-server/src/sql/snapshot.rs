//! Snapshots that several sessions share, and the position that one shows.

use crate::capability::Capability;
use crate::flavor::Flavor;
use crate::position::{LogPlace, Position};
use crate::session::{Result, Session};
use crate::sql::decode;
use vouch_convert::parse;

/// Where the server stands, with everything before it committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStatus {
    /// The executed set of GTIDs; empty without.
    pub gtid: String,
    /// The end of the binlog.
    pub place: LogPlace,
}

impl Session {
    /// Opens a read-only snapshot, in place of one that is open.
    ///
    /// # Errors
    /// Those of the server.
    pub fn open_snapshot(&mut self) -> Result<()> {
        self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    }

    /// Marks where [`Session::let_go`] goes back to: what is locked from now on is let go there.
    ///
    /// # Errors
    /// Those of the server.
    pub fn mark_snapshot(&mut self) -> Result<()> {
        self.run("SAVEPOINT vouch")
    }

    /// The place in the binlog that the open snapshot shows; `None` where the server does not tell.
    ///
    /// # Errors
    /// Those of the server.
    pub fn snapshot_place(&mut self) -> Result<Option<LogPlace>> {
        if !self.has(Capability::SnapshotPosition) {
            return Ok(None);
        }
        let rows = self.show("SHOW STATUS LIKE 'binlog_snapshot_%'")?;
        let find = |name: &str| {
            let row = rows.iter().find(|row| {
                decode::text(row, &["Variable_name"]).is_some_and(|found| found.eq_ignore_ascii_case(name))
            });
            row.and_then(|row| decode::text(row, &["Value"])).unwrap_or_default()
        };
        let (file, offset) = (find("binlog_snapshot_file"), find("binlog_snapshot_position"));
        Ok(parse(offset).filter(|_| !file.is_empty()).map(|offset| LogPlace { file, offset }))
    }

    /// Lets go of the locks on the definitions of what was read in the open snapshot, which stays open.
    ///
    /// # Errors
    /// Those of the server.
    pub fn let_go(&mut self) -> Result<()> {
        self.run("ROLLBACK TO SAVEPOINT vouch")
    }

    /// The GTIDs up to a place in this server's binlog (MariaDB); `None` when it cannot tell.
    ///
    /// # Errors
    /// Those of the server.
    pub fn gtids_at(&mut self, place: &LogPlace) -> Result<Option<String>> {
        Ok(match self.gtid_at(place)? {
            Some(Position::GtidDomains(list)) => Some(list),
            _ => None,
        })
    }

    /// Where a MySQL server stands, as of one moment at which nothing is half committed.
    ///
    /// # Errors
    /// [`crate::Fault::Denied`] without BACKUP_ADMIN, [`crate::Fault::Missing`] where it does not exist.
    pub fn log_status(&mut self) -> Result<LogStatus> {
        // A session's literals are bytes, of which the server makes no path.
        let sql = "SELECT JSON_UNQUOTE(JSON_EXTRACT(LOCAL, _utf8mb4'$.gtid_executed')) AS g, \
            JSON_UNQUOTE(JSON_EXTRACT(LOCAL, _utf8mb4'$.binary_log_file')) AS f, \
            CAST(JSON_EXTRACT(LOCAL, _utf8mb4'$.binary_log_position') AS UNSIGNED) AS p \
            FROM performance_schema.log_status";
        let rows = self.rows(sql, Vec::new())?;
        let text = |name| rows.first().and_then(|row| decode::text(row, &[name])).unwrap_or_default();
        Ok(LogStatus {
            gtid: text("g").split_whitespace().collect(),
            place: LogPlace {
                file: text("f"),
                offset: rows.first().and_then(|row| decode::number(row, &["p"])).unwrap_or(0),
            },
        })
    }

    /// Whether a set of GTIDs has transactions that another does not have.
    ///
    /// # Errors
    /// Those of the server; a text that is no set is one of them.
    pub fn gtids_without(&mut self, set: &str, other: &str) -> Result<String> {
        let rows = self.rows("SELECT GTID_SUBTRACT(?, ?) AS g", vec![set.into(), other.into()])?;
        let text = rows.first().and_then(|row| decode::text(row, &["g"])).unwrap_or_default();
        Ok(text.split_whitespace().collect())
    }

    /// What the server has executed and applied, from whatever source: the executed set (MySQL), or the last
    /// GTID of each domain (MariaDB). Empty without GTIDs.
    ///
    /// # Errors
    /// Those of the server.
    pub fn gtids_here(&mut self) -> Result<String> {
        let sql = match self.identity().flavor {
            Flavor::Mysql => "SELECT @@GLOBAL.gtid_executed AS g",
            Flavor::Mariadb => "SELECT @@GLOBAL.gtid_current_pos AS g",
        };
        let rows = self.rows(sql, Vec::new())?;
        let text = rows.first().and_then(|row| decode::text(row, &["g"])).unwrap_or_default();
        Ok(text.split_whitespace().collect())
    }
}
