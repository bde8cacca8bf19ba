//! Finding the replicas of a source: what it knows about who reads its binlog.

use crate::binlog::OWN_SERVER_IDS;
use crate::capability::Capability;
use crate::error::Fault;
use crate::ident::TableName;
use crate::session::{Result, Session};
use crate::sql::decode;
use vouch_convert::narrow;

/// The address of a replica, as far as the source knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaAddress {
    /// Host.
    pub host: String,
    /// Port; `None` when the source knows the host alone.
    pub port: Option<u16>,
}

const DUMP_THREADS: &str =
    "SELECT ID AS i, HOST AS h FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'";
const DUMP_THREADS_MYSQL: &str =
    "SELECT ID AS i, HOST AS h FROM performance_schema.processlist WHERE COMMAND LIKE 'Binlog Dump%'";

/// Whether a server id is that of a stream of ours ([`crate::scan_binlog`]), which is no replica.
fn is_own(server_id: u64) -> bool {
    server_id >= u64::from(OWN_SERVER_IDS)
}

impl Session {
    /// Replicas that report themselves (`report_host`, `report_port`).
    ///
    /// # Errors
    /// [`crate::Fault::Denied`] without REPLICATION SLAVE (REPLICATION MASTER ADMIN on MariaDB).
    pub fn replicas_by_report(&mut self) -> Result<Vec<ReplicaAddress>> {
        let rows = self.registered()?;
        let address = |row| {
            if decode::number(row, &["Server_Id"]).is_some_and(is_own) {
                return None;
            }
            let host = decode::text(row, &["Host"]).filter(|host| !host.is_empty())?;
            let port = decode::number(row, &["Port"]).and_then(narrow::<u16, _>);
            Some(ReplicaAddress { host, port: port.filter(|&port| port != 0) })
        };
        Ok(rows.iter().filter_map(address).collect())
    }

    fn registered(&mut self) -> Result<Vec<mysql_common::Row>> {
        let new = self.has(Capability::ShowReplicas);
        self.show(if new { "SHOW REPLICAS" } else { "SHOW SLAVE HOSTS" })
    }

    /// The connections that streams of ours came by, of this run or any other. An account that may not see who is
    /// registered cannot open such a stream either.
    fn own_streams(&mut self) -> Result<Vec<u64>> {
        let rows = match self.registered() {
            Err(error) if error.fault == Fault::Denied => return Ok(Vec::new()),
            rows => rows?,
        };
        let ids = rows.iter().filter_map(|row| decode::number(row, &["Server_Id"])).filter(|id| is_own(*id));
        Ok(ids.map(|id| id.saturating_sub(u64::from(OWN_SERVER_IDS))).collect())
    }

    /// Hosts of the threads that read the binlog, but for streams of ours. Without PROCESS the list is
    /// silently empty.
    ///
    /// # Errors
    /// Those of the server.
    pub fn replicas_by_processlist(&mut self) -> Result<Vec<ReplicaAddress>> {
        let first = if self.has(Capability::CachedStatistics) { DUMP_THREADS_MYSQL } else { DUMP_THREADS };
        let rows = self.rows(first, Vec::new()).or_else(|_| self.rows(DUMP_THREADS, Vec::new()))?;
        let own = self.own_streams()?;
        let host = |row| {
            if decode::number(row, &["i"]).is_some_and(|id| own.contains(&(id & u64::from(OWN_SERVER_IDS - 1)))) {
                return None;
            }
            let address = decode::text(row, &["h"])?;
            let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
            (!host.is_empty()).then(|| ReplicaAddress { host: host.to_owned(), port: None })
        };
        Ok(rows.iter().filter_map(host).collect())
    }

    /// The DSNs in a table with a column `dsn`.
    ///
    /// # Errors
    /// [`crate::Fault::Missing`] when there is no such table.
    pub fn replicas_by_table(&mut self, table: &TableName) -> Result<Vec<String>> {
        let rows = self.rows(&format!("SELECT dsn AS d FROM {}", table.sql()), Vec::new())?;
        Ok(rows.iter().map(|row| decode::text(row, &["d"]).unwrap_or_default()).collect())
    }
}
