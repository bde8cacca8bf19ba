//! The least privileges of an account that probes, as statements to run by hand.

use crate::flavor::Flavor;
use crate::ident::{TableName, literal};

/// Statements that make an account which may do all that a probe does, and no more.
/// With `heartbeat` it may read that table, with `write` write it too. The password
/// is left for the reader to fill in.
pub fn probe_grants(flavor: Flavor, user: &str, host: &str, heartbeat: Option<&TableName>, write: bool) -> String {
    let account = format!("{}@{}", literal(user), literal(host));
    let global = match flavor {
        Flavor::Mysql => "REPLICATION CLIENT",
        Flavor::Mariadb => "BINLOG MONITOR, SLAVE MONITOR",
    };
    let mut lines = vec![
        format!("CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '<password>';"),
        format!("GRANT {global} ON *.* TO {account};"),
    ];
    if flavor == Flavor::Mysql {
        for table in ["replication_applier_status_by_worker", "replication_group_members"] {
            lines.push(format!("GRANT SELECT ON performance_schema.{table} TO {account};"));
        }
    }
    if let Some(table) = heartbeat {
        let what = if write { "SELECT, INSERT, UPDATE, CREATE" } else { "SELECT" };
        lines.push(format!("GRANT {what} ON {} TO {account};", table.sql()));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_flavors_get_their_own_words() {
        let heartbeat = TableName { database: "percona".into(), table: "heart`beat".into() };
        let mysql = probe_grants(Flavor::Mysql, "pro'be", "%", Some(&heartbeat), false);
        assert!(mysql.contains("'pro''be'@'%'") && mysql.contains("REPLICATION CLIENT"), "{mysql}");
        assert!(mysql.contains("GRANT SELECT ON `percona`.`heart``beat`"), "{mysql}");
        let mariadb = probe_grants(Flavor::Mariadb, "probe", "10.%", None, false);
        assert!(mariadb.contains("SLAVE MONITOR") && !mariadb.contains("performance_schema"), "{mariadb}");
    }
}
