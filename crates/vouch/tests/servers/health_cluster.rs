//! Servers that are members of a cluster and know themselves whether they may serve:
//! Group Replication on MySQL, Galera on MariaDB.

use crate::harness::on_both;
use crate::health_kit::{Serve, free_port, node, words};
use std::time::Duration;
use vouch_testkit::{Flavor, PASSWORD, Server, Topology, poll};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn members_of_a_cluster_serve_as_they_say_themselves() {
    on_both(|flavor| match flavor {
        Flavor::Mysql => group_replication(),
        Flavor::Mariadb => galera(),
    });
}

fn watched(topology: &Topology) -> Serve {
    let nodes = (1..).zip(topology.servers()).map(|(number, server)| node(&format!("db{number}"), server));
    let nodes: Vec<String> = nodes.flat_map(|node| ["--node".to_owned(), node]).collect();
    Serve::start(&[nodes, words(&["--interval", "200ms", "--dwell", "200ms"])].concat())
}

/// Waits until a service of a node is in a state for a reason.
#[track_caller]
fn until(serve: &Serve, name: &str, service: &str, state: &str, reason: &str) {
    let there = || {
        let node = serve.node(name);
        (node[service]["state"] == state && node[service]["reason"] == reason).then_some(())
    };
    let reached = poll::until(LONG, Duration::from_millis(50), "a verdict", there);
    assert!(reached.is_ok(), "{name} {service} {state} {reason}: {}", serve.node(name));
}

fn group_replication() {
    let ports = [free_port(), free_port()];
    let seeds = format!("127.0.0.1:{},127.0.0.1:{}", ports[0], ports[1]);
    let common = [
        "--plugin-load-add=group_replication.so",
        "--loose-group-replication-group-name=8a94f357-aab4-11df-86ab-c80aa9429562",
        "--loose-group-replication-start-on-boot=OFF",
        "--loose-group-replication-recovery-get-public-key=ON",
        &format!("--loose-group-replication-group-seeds={seeds}"),
    ];
    let own = ports.map(|port| format!("--loose-group-replication-local-address=127.0.0.1:{port}"));
    let builder = Topology::builder(Flavor::Mysql).unwrap().standalone(2).args(&common);
    let topology = builder.source_args(&[&own[0]]).replica_args(&[&own[1]]).start().unwrap();
    let servers = topology.servers();
    for server in servers {
        let sql = format!(
            "CHANGE REPLICATION SOURCE TO SOURCE_USER='vouch_repl', SOURCE_PASSWORD='{PASSWORD}' \
             FOR CHANNEL 'group_replication_recovery'"
        );
        server.sql(&sql).unwrap();
    }
    let serve = watched(&topology);
    until(&serve, "db1", "write", "down", "group_member");

    let found = "SET GLOBAL group_replication_bootstrap_group = ON; START GROUP_REPLICATION; \
                 SET GLOBAL group_replication_bootstrap_group = OFF";
    servers[0].sql(found).unwrap();
    until(&serve, "db1", "write", "up", "healthy");
    servers[1].sql("START GROUP_REPLICATION").unwrap();
    until(&serve, "db2", "read", "up", "healthy");
    until(&serve, "db2", "write", "down", "read_only");

    servers[1].sql("STOP GROUP_REPLICATION").unwrap();
    until(&serve, "db2", "read", "down", "group_member");
    until(&serve, "db1", "write", "up", "healthy");
    servers[1].sql("START GROUP_REPLICATION").unwrap();
    until(&serve, "db2", "read", "up", "healthy");
    // One of two is no majority: what is written to it now would wait for ever.
    servers[1].kill9().unwrap();
    until(&serve, "db1", "write", "down", "group_no_quorum");
}

/// Each server is a cluster of its own, so that its states can be played one by one.
fn galera() {
    let ports = [free_port(), free_port()];
    let own = ports.map(|port| {
        [
            "--wsrep-on=ON".to_owned(),
            "--wsrep-provider=/usr/lib/galera/libgalera_smm.so".to_owned(),
            "--wsrep-cluster-address=gcomm://".to_owned(),
            "--wsrep-node-address=127.0.0.1".to_owned(),
            "--innodb-autoinc-lock-mode=2".to_owned(),
            format!("--wsrep-provider-options=base_host=127.0.0.1;base_port={port};gmcast.listen_addr=tcp://127.0.0.1:{port}"),
        ]
    });
    let own = own.each_ref().map(|args| args.each_ref().map(String::as_str));
    let builder = Topology::builder(Flavor::Mariadb).unwrap().standalone(2);
    let topology = builder.source_args(&own[0]).replica_args(&own[1]).start().unwrap();
    let (db1, db2): (&Server, &Server) = (&topology.servers()[0], &topology.servers()[1]);
    let serve = watched(&topology);
    for name in ["db1", "db2"] {
        until(&serve, name, "write", "up", "healthy");
    }
    db2.sql("SET GLOBAL wsrep_desync = ON").unwrap();
    until(&serve, "db2", "read", "drain", "galera_state");
    until(&serve, "db2", "write", "drain", "galera_state");
    db1.kill9().unwrap();
    until(&serve, "db2", "write", "degraded", "galera_state");
    db2.sql("SET GLOBAL wsrep_desync = OFF").unwrap();
    until(&serve, "db2", "write", "up", "healthy");
    db2.sql("SET GLOBAL wsrep_cluster_address = ''").unwrap();
    until(&serve, "db2", "write", "down", "galera_not_primary");
    db2.sql("SET GLOBAL wsrep_cluster_address = 'gcomm://'").unwrap();
    until(&serve, "db2", "write", "up", "healthy");
}
