//! Two servers that replicate from each other behind HAProxy: one dies, the other takes
//! over, the first comes back with a backlog and waits until it has caught up.

use crate::harness::on_both;
use crate::health_kit::{Backend, Haproxy, Serve, node, stdout, words};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use vouch_testkit::{Flavor, PASSWORD, Server, Topology, poll};

const LONG: Duration = Duration::from_secs(60);

/// Both ways of replication, which waits for an acknowledgement, so that what is acknowledged is not lost.
fn ring(flavor: Flavor) -> Topology {
    let skip = "--skip-slave-start";
    let skip = if flavor == Flavor::Mysql { "--skip-replica-start" } else { skip };
    // The other's applier waits for an acknowledgement too, by the one that died: until it has given up, it has
    // not applied everything, and takes no traffic.
    let waits = ["--loose-rpl-semi-sync-source-timeout=2000", "--loose-rpl-semi-sync-master-timeout=2000"];
    let topology = Topology::builder(flavor).unwrap().semi_sync().args(&[skip, waits[0], waits[1]]).start().unwrap();
    let (a, b) = (topology.source(), topology.replica(0));
    a.sql(&format!(
        "CREATE DATABASE d; CREATE TABLE d.t (id BIGINT PRIMARY KEY); \
         CREATE USER writer@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON d.* TO writer@'%'"
    ))
    .unwrap();
    topology.wait_in_sync(LONG).unwrap();
    a.sql(&follow(flavor, b.port())).unwrap();
    topology
}

fn follow(flavor: Flavor, port: u16) -> String {
    match flavor {
        Flavor::Mysql => format!(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, SOURCE_USER='vouch_repl', \
             SOURCE_PASSWORD='{PASSWORD}', GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=86400, \
             SOURCE_AUTO_POSITION=1; START REPLICA"
        ),
        Flavor::Mariadb => format!(
            "SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos; CHANGE MASTER TO MASTER_HOST='127.0.0.1', \
             MASTER_PORT={port}, MASTER_USER='vouch_repl', MASTER_PASSWORD='{PASSWORD}', MASTER_CONNECT_RETRY=1, \
             MASTER_USE_GTID=slave_pos; START SLAVE"
        ),
    }
}

/// Writes rows through HAProxy, one connection each, and looks whether all earlier ones are there.
struct Writer {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<Vec<String>>>,
}

impl Writer {
    fn start(port: u16) -> Writer {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&written));
        let thread = thread::spawn(move || {
            let mut wrong = Vec::new();
            let mut next = 1;
            while !stopped.load(Ordering::Relaxed) {
                let acknowledged = count.load(Ordering::Relaxed);
                match write(port, next, acknowledged) {
                    Ok(None) => {
                        count.store(acknowledged + 1, Ordering::Relaxed);
                    }
                    Ok(Some(stale)) => wrong.push(stale),
                    Err(_) => thread::sleep(Duration::from_millis(20)),
                }
                // A row that was not acknowledged may be there or not: its number is not used again.
                next += 1;
            }
            wrong
        });
        Writer { stop, written, thread: Some(thread) }
    }

    fn until_more(&self, what: &str) {
        let from = self.written.load(Ordering::Relaxed);
        let more = || (self.written.load(Ordering::Relaxed) >= from + 20).then_some(());
        poll::until(LONG, Duration::from_millis(20), what, more).unwrap();
    }

    fn end(&mut self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let wrong = self.thread.take().unwrap().join().unwrap();
        (self.written.load(Ordering::Relaxed), wrong)
    }
}

/// `Some` when the server does not have the rows that were acknowledged before.
fn write(port: u16, id: u64, acknowledged: u64) -> mysql::Result<Option<String>> {
    let wait = Some(Duration::from_secs(2));
    let opts = OptsBuilder::new().ip_or_hostname(Some("127.0.0.1")).tcp_port(port).user(Some("writer"));
    let opts = opts.pass(Some(PASSWORD)).prefer_socket(false).read_timeout(wait).write_timeout(wait);
    let mut conn = Conn::new(opts)?;
    let there: u64 = conn.query_first("SELECT COUNT(*) FROM d.t")?.unwrap_or(0);
    if there < acknowledged {
        let server: u64 = conn.query_first("SELECT @@server_id")?.unwrap_or(0);
        return Ok(Some(format!("server {server} has {there} of {acknowledged} rows")));
    }
    conn.query_drop(format!("INSERT INTO d.t VALUES ({id})"))?;
    Ok(None)
}

fn rows(server: &Server) -> u64 {
    server.query_one("SELECT COUNT(*) FROM d.t").unwrap().unwrap().parse().unwrap()
}

#[test]
fn a_pair_fails_over_and_back_without_loss() {
    on_both(|flavor| {
        let topology = ring(flavor);
        let (a, b) = (topology.source(), topology.replica(0));
        let pair =
            ["--policy", "active-passive", "--self", "db1", "--peer", "db2", "--interval", "200ms", "--dwell", "1s"];
        let nodes = ["--node".to_owned(), node("db1", a), "--node".to_owned(), node("db2", b)];
        let serve = Serve::start(&[nodes.to_vec(), words(&pair)].concat());
        let servers = vec![("db1".to_owned(), a.port()), ("db2".to_owned(), b.port())];
        let haproxy = Haproxy::start(&serve, &[Backend { name: "pair", question: "rw NODE", servers }]);
        // HAProxy takes a server for up until it has asked, so the daemon is waited for first.
        serve.until("db1", "write", "up", LONG);
        haproxy.until("pair", "db1", true, LONG, &serve);
        haproxy.until("pair", "db2", false, LONG, &serve);
        let text = |expected: &str, when: &str| {
            let said = stdout(&serve.probe(&["--format", "lb-text"]));
            assert_eq!(said, format!("{expected}\n"), "{when}: {}", serve.board());
        };
        text("100", "at first");

        let mut writer = Writer::start(haproxy.port("pair"));
        writer.until_more("writes to the first");
        a.kill9().unwrap();
        haproxy.until("pair", "db2", true, Duration::from_secs(15), &serve);
        text("200", "after the failover");
        writer.until_more("writes to the other");

        a.resume().unwrap();
        // It answers, with a backlog that it does not apply yet.
        serve.until("db1", "write", "drain", LONG);
        for _ in 0..20 {
            assert!(!haproxy.uses("pair", "db1"), "a stale server has the traffic: {}", serve.node("db1"));
            thread::sleep(Duration::from_millis(100));
        }
        assert!(rows(a) < rows(b), "there is no backlog");
        b.sql(if flavor == Flavor::Mysql { "START REPLICA" } else { "START SLAVE" }).ok();
        a.sql("START REPLICA").unwrap();
        haproxy.until("pair", "db1", true, LONG, &serve);
        text("100", "after the return");
        writer.until_more("writes to the first again");
        let (acknowledged, wrong) = writer.end();
        assert!(wrong.is_empty(), "{wrong:?}");
        for server in [a, b] {
            let there = || (rows(server) >= acknowledged).then_some(());
            poll::until(LONG, Duration::from_millis(50), "all rows on both", there).unwrap();
        }
    });
}
