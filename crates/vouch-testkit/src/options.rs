//! The options that the kit's servers are started with.

use crate::{Flavor, ServerConfig};

/// Light, and as unsafe on a power failure as a throw-away server may be.
pub(crate) fn common_args(config: &ServerConfig, port: u16) -> Vec<String> {
    let mut args = vec![
        format!("--port={port}"),
        format!("--server-id={}", config.server_id),
        format!("--innodb-buffer-pool-size={}M", config.buffer_pool_mib),
        format!("--report-port={port}"),
    ];
    let fixed = [
        "--bind-address=127.0.0.1",
        "--report-host=127.0.0.1",
        "--skip-name-resolve",
        "--max-connections=300",
        "--max-allowed-packet=64M",
        "--innodb-flush-log-at-trx-commit=2",
        "--innodb-flush-method=nosync",
        "--innodb-use-native-aio=0",
        "--sync-binlog=0",
    ];
    args.extend(fixed.map(str::to_owned));
    args.push(if config.binlog { "--log-bin=binlog" } else { "--skip-log-bin" }.to_owned());
    args
}

/// What MySQL needs besides.
pub(crate) fn mysql_args(config: &ServerConfig) -> Vec<String> {
    let (mode, enforce) = if config.gtid { ("ON", "ON") } else { ("OFF", "OFF") };
    let fixed = [
        "--mysqlx=0",
        "--innodb-redo-log-capacity=67108864",
        "--innodb-log-writer-threads=OFF",
        "--performance-schema=ON",
        "--relay-log=relay",
        "--skip-replica-start",
    ];
    let mut args = fixed.map(str::to_owned).to_vec();
    args.push(format!("--gtid-mode={mode}"));
    args.push(format!("--enforce-gtid-consistency={enforce}"));
    args
}

/// What MariaDB needs besides.
pub(crate) fn mariadb_args() -> Vec<String> {
    let fixed = [
        "--innodb-log-file-size=64M",
        "--log-slave-updates=ON",
        "--relay-log=relay",
        "--skip-slave-start",
        // Its own default, MIXED, repeats statements on the replica, which may mend a drift or spread it.
        "--binlog-format=ROW",
    ];
    fixed.map(str::to_owned).to_vec()
}

/// Enabled on both sides everywhere, so that a chain works too; a source that has no replica does not wait.
pub(crate) fn semi_sync_args(flavor: Flavor) -> Vec<String> {
    let args: &[&str] = match flavor {
        Flavor::Mysql => &[
            "--plugin-load-add=semisync_source.so",
            "--plugin-load-add=semisync_replica.so",
            "--loose-rpl-semi-sync-source-enabled=1",
            "--loose-rpl-semi-sync-replica-enabled=1",
            "--loose-rpl-semi-sync-source-timeout=10000",
            "--loose-rpl-semi-sync-source-wait-no-replica=OFF",
        ],
        Flavor::Mariadb => &[
            "--rpl-semi-sync-master-enabled=1",
            "--rpl-semi-sync-slave-enabled=1",
            "--rpl-semi-sync-master-timeout=10000",
            "--rpl-semi-sync-master-wait-no-slave=OFF",
        ],
    };
    args.iter().map(|arg| (*arg).to_owned()).collect()
}
