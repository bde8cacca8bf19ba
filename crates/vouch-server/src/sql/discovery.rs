//! Finding the replicas of a source: what it knows about who reads its binlog.

use crate::capability::Capability;
use crate::ident::TableName;
use crate::session::{Result, Session};
use crate::sql::decode;

/// The address of a replica, as far as the source knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaAddress {
    /// Host.
    pub host: String,
    /// Port; `None` when the source knows the host alone.
    pub port: Option<u16>,
}

const DUMP_THREADS: &str = "SELECT HOST AS h FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'";
const DUMP_THREADS_MYSQL: &str =
    "SELECT HOST AS h FROM performance_schema.processlist WHERE COMMAND LIKE 'Binlog Dump%'";

impl Session {
    /// Replicas that report themselves (`report_host`, `report_port`).
    ///
    /// # Errors
    /// [`crate::Fault::Denied`] without REPLICATION SLAVE (REPLICATION MASTER ADMIN on MariaDB).
    pub fn replicas_by_report(&mut self) -> Result<Vec<ReplicaAddress>> {
        let new = self.has(Capability::ShowReplicas);
        let rows = self.show(if new { "SHOW REPLICAS" } else { "SHOW SLAVE HOSTS" })?;
        let address = |row| {
            let host = decode::text(row, &["Host"]).filter(|host| !host.is_empty())?;
            let port = decode::number(row, &["Port"]).and_then(|port| u16::try_from(port).ok());
            Some(ReplicaAddress { host, port: port.filter(|&port| port != 0) })
        };
        Ok(rows.iter().filter_map(address).collect())
    }

    /// Hosts of the threads that read the binlog. Without PROCESS the list is
    /// silently empty.
    ///
    /// # Errors
    /// Those of the server.
    pub fn replicas_by_processlist(&mut self) -> Result<Vec<ReplicaAddress>> {
        let first = if self.has(Capability::CachedStatistics) { DUMP_THREADS_MYSQL } else { DUMP_THREADS };
        let rows = self.rows(first, Vec::new()).or_else(|_| self.rows(DUMP_THREADS, Vec::new()))?;
        let host = |row| {
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
