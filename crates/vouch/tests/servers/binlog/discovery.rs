//! Streams of ours are no replicas.

use crate::harness::{Vouch, full, on_both};
use mysql::prelude::Queryable;
use mysql::{BinlogRequest, Conn, OptsBuilder};
use std::time::Duration;
use vouch_testkit::{FULL, PASSWORD, Topology, poll};

/// Another run that reads the log around its rows, from another machine, was taken for a replica there: the run that
/// looked for replicas ended with "a replica was found and cannot be asked".
#[test]
fn a_stream_of_ours_is_not_taken_for_a_replica() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let source = topology.source();
        source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)").unwrap();
        topology.wait_in_sync(Duration::from_secs(60)).unwrap();
        // Nothing listens at the address that it comes from.
        let options = OptsBuilder::new()
            .ip_or_hostname(Some("127.0.0.1"))
            .tcp_port(source.port())
            .user(Some(FULL))
            .pass(Some(PASSWORD))
            .bind_address(Some("127.0.0.2:0".parse::<std::net::SocketAddr>().unwrap()));
        let mut conn = Conn::new(options).unwrap();
        conn.query_drop("SET @mariadb_slave_capability = 4").unwrap();
        let id = conn.connection_id();
        let request = BinlogRequest::new(0x8000_0000 | id).with_pos(4_u64);
        let mut stream = conn.get_binlog_stream(request).unwrap();
        stream.next().unwrap().unwrap();
        let dumps = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'";
        poll::until(Duration::from_secs(20), Duration::from_millis(50), "the stream", || {
            (source.query_one(dumps).unwrap().as_deref() == Some("2")).then_some(())
        })
        .unwrap();
        for method in ["processlist,hosts", "hosts"] {
            let vouch = Vouch::compare().source(&full(source)).args(&["--recursion-method", method]);
            let outcome = vouch.run().assert_clean();
            assert_eq!(outcome.document["coverage"]["servers"].as_array().unwrap().len(), 2, "{}", outcome.stdout);
        }
    });
}
