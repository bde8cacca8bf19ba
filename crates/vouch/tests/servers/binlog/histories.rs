//! Servers with several sources, rings, and domains of MariaDB.

use crate::harness::{Outcome, Vouch, full, on_both};
use mysql::prelude::Queryable;
use std::time::Duration;
use vouch_testkit::{Expected, FULL, Flavor, Load, PASSWORD, Server, Topology, drift, poll};

const SOON: Duration = Duration::from_secs(60);

/// Makes `server` replicate from `upstream` over a channel of that name.
fn follow(server: &Server, upstream: &Server, channel: &str) {
    let port = upstream.port();
    let sql = match server.flavor() {
        Flavor::Mysql => format!(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, SOURCE_USER='{user}', \
             SOURCE_PASSWORD='{PASSWORD}', GET_SOURCE_PUBLIC_KEY=1, SOURCE_AUTO_POSITION=1 FOR CHANNEL '{channel}'; \
             START REPLICA FOR CHANNEL '{channel}'",
            user = FULL
        ),
        Flavor::Mariadb => format!(
            "CHANGE MASTER '{channel}' TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='{user}', \
             MASTER_PASSWORD='{PASSWORD}', MASTER_USE_GTID=slave_pos; START SLAVE '{channel}'",
            user = FULL
        ),
    };
    server.sql(&sql).unwrap();
}

fn arrives(server: &Server, sql: &str, wanted: &str) {
    let seen = || (server.query_one(sql).ok().flatten().as_deref() == Some(wanted)).then_some(());
    poll::until(SOON, Duration::from_millis(50), sql, seen).unwrap();
}

fn look(source: &Server, replica: &Server) -> Outcome {
    let vouch = Vouch::compare().source(&full(source)).replica(&full(replica));
    vouch.args(&["--databases", "d", "--confirm-after", "100ms", "--hot-deadline", "3s"]).run()
}

/// A replica with two sources, and two servers that replicate from each other, were told of transactions "that the
/// source never had", as proven: exit 1 in a healthy setup, each night.
#[test]
fn other_channels_and_rings_are_no_errant_transactions() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 3).unwrap();
        let [one, two, replica] = topology.servers() else { panic!("three servers") };
        if flavor == Flavor::Mariadb {
            for (domain, server) in topology.servers().iter().enumerate() {
                server.sql(&format!("SET GLOBAL gtid_domain_id = {}", domain + 1)).unwrap();
            }
        }
        one.sql(
            "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); INSERT INTO d.t VALUES (1, 1), (2, 2)",
        )
        .unwrap();
        two.sql("CREATE DATABASE e; CREATE TABLE e.t (id INT PRIMARY KEY, v INT); INSERT INTO e.t VALUES (1, 1)")
            .unwrap();
        follow(replica, one, "one");
        follow(replica, two, "two");
        arrives(replica, "SELECT COUNT(*) FROM d.t", "2");
        arrives(replica, "SELECT COUNT(*) FROM e.t", "1");
        let step = |conn: &mut mysql::Conn, _, _| conn.query_drop("UPDATE e.t SET v = v + 1");
        let load = Load::custom(two, 1, Duration::from_millis(2), step).unwrap();
        load.wait_for(20, SOON).unwrap();
        let outcome = look(one, replica).assert_clean();
        outcome.only("other-channels");
        drift::sql(replica, "UPDATE d.t SET v = 7 WHERE id = 2").unwrap();
        let outcome = look(one, replica).assert_code(1);
        outcome.assert_rows("d.t", &[Expected::changed("id", 2, &["v"])]);
        assert_eq!(outcome.findings().len(), 1, "{}", outcome.stdout);
        drift::sql(replica, "UPDATE d.t SET v = 2 WHERE id = 2").unwrap();
        drop(load);
        ring(one, two);
    });
}

/// Both write, to rows of their own, and each replicates from the other.
fn ring(one: &Server, two: &Server) {
    follow(two, one, "one");
    follow(one, two, "two");
    arrives(two, "SELECT COUNT(*) FROM d.t", "2");
    arrives(one, "SELECT COUNT(*) FROM e.t", "1");
    one.sql("INSERT INTO d.t VALUES (3, 0), (4, 0)").unwrap();
    arrives(two, "SELECT COUNT(*) FROM d.t", "4");
    let of = |server: &Server, id: u32| {
        let step =
            move |conn: &mut mysql::Conn, _, _| conn.query_drop(format!("UPDATE d.t SET v = 1 - v WHERE id = {id}"));
        Load::custom(server, 1, Duration::from_millis(2), step).unwrap()
    };
    let loads = [of(one, 3), of(two, 4)];
    loads.iter().for_each(|load| load.wait_for(20, SOON).unwrap());
    for _ in 0..4 {
        let outcome = look(one, two);
        assert!(outcome.findings().is_empty(), "{}", outcome.stdout);
        assert!(outcome.errors().iter().all(|error| error["code"] == "key-hot"), "{}", outcome.stdout);
        outcome.only("circular-replication");
    }
    drift::sql(two, "UPDATE d.t SET v = 7 WHERE id = 2").unwrap();
    let outcome = look(one, two).assert_code(1);
    outcome.assert_rows("d.t", &[Expected::changed("id", 2, &["v"])]);
    assert_eq!(outcome.findings().len(), 1, "{}", outcome.stdout);
}

/// In a ring of three servers that write to one domain, what was on its way around was called errant, as proven: exit 1
/// in a healthy setup. Its positions say nothing either, so that nothing could be told from lag.
#[test]
fn what_goes_around_a_ring_of_three_is_not_errant() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 3).unwrap();
        let [one, two, three] = topology.servers() else { panic!("three servers") };
        one.sql(
            "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); \
             INSERT INTO d.t VALUES (1, 0), (2, 0), (3, 0), (9, 9)",
        )
        .unwrap();
        for (server, upstream) in [(two, one), (three, two), (one, three)] {
            follow(server, upstream, "ring");
        }
        arrives(three, "SELECT COUNT(*) FROM d.t", "4");
        delay(one, 3);
        // The first that it ever wrote, and nothing else has gone around yet.
        two.sql("UPDATE d.t SET v = 1 WHERE id = 2").unwrap();
        arrives(three, "SELECT v FROM d.t WHERE id = 2", "1");
        let outcome = look(one, two);
        assert!(outcome.findings().is_empty(), "{}", outcome.stdout);
        outcome.only("circular-replication");
        delay(one, 0);
        let of = |server: &Server, id: u32| {
            let step = move |conn: &mut mysql::Conn, _, _| {
                conn.query_drop(format!("UPDATE d.t SET v = 1 - v WHERE id = {id}"))
            };
            Load::custom(server, 1, Duration::from_millis(5), step).unwrap()
        };
        let loads = [of(one, 1), of(two, 2), of(three, 3)];
        loads.iter().for_each(|load| load.wait_for(20, SOON).unwrap());
        for (source, replica) in [(one, two), (one, three), (two, three)] {
            let outcome = look(source, replica);
            assert!(outcome.findings().is_empty(), "{}", outcome.stdout);
            outcome.only("circular-replication");
            assert!(outcome.coded("errant-unknown").is_empty(), "{}", outcome.stdout);
        }
        drop(loads);
    });
}

/// Applies what arrives only after so many seconds.
fn delay(server: &Server, seconds: u32) {
    let sql = match server.flavor() {
        Flavor::Mysql => format!(
            "STOP REPLICA FOR CHANNEL 'ring'; CHANGE REPLICATION SOURCE TO SOURCE_DELAY={seconds} FOR CHANNEL 'ring'; \
             START REPLICA FOR CHANNEL 'ring'"
        ),
        Flavor::Mariadb => {
            format!("STOP SLAVE 'ring'; CHANGE MASTER 'ring' TO MASTER_DELAY={seconds}; START SLAVE 'ring'")
        }
    };
    server.sql(&sql).unwrap();
}

/// Waiting for a domain that never arrives took minutes for each chunk, and after its removal from the source its old
/// transactions were errant.
#[test]
fn domains_that_never_arrive_or_are_gone_are_named() {
    let topology = Topology::standalone(Flavor::Mariadb, 2).unwrap();
    let (source, replica) = (topology.source(), topology.replica(0));
    let schema = "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1); \
        CREATE DATABASE e; CREATE TABLE e.t (id INT PRIMARY KEY)";
    source.sql(schema).unwrap();
    drift::sql(replica, schema).unwrap();
    // The replica begins at a place after all of domain 9.
    source.sql("SET SESSION gtid_domain_id = 9; INSERT INTO e.t VALUES (9)").unwrap();
    let status = source.query_strings("SHOW MASTER STATUS").unwrap();
    let [file, place] = [0, 1].map(|at| status[0][at].clone().unwrap());
    let from = format!("MASTER_LOG_FILE='{file}', MASTER_LOG_POS={place}, MASTER_USE_GTID=no");
    let account = format!("MASTER_PORT={}, MASTER_USER='{FULL}', MASTER_PASSWORD='{PASSWORD}'", source.port());
    replica.sql(&format!("CHANGE MASTER TO MASTER_HOST='127.0.0.1', {account}, {from}; START SLAVE")).unwrap();
    source.sql("SET SESSION gtid_domain_id = 5; INSERT INTO e.t VALUES (5)").unwrap();
    source.sql("INSERT INTO d.t VALUES (2)").unwrap();
    arrives(replica, "SELECT COUNT(*) FROM d.t", "2");
    arrives(replica, "SELECT GROUP_CONCAT(id) FROM e.t", "5");
    // A source tells whoever begins at a place which domains lie before it, so there is nothing to wait for.
    look(source, replica).assert_clean();
    replica.sql("STOP SLAVE; CHANGE MASTER TO MASTER_USE_GTID=slave_pos, IGNORE_DOMAIN_IDS=(7); START SLAVE").unwrap();
    source.sql("SET SESSION gtid_domain_id = 7; INSERT INTO e.t VALUES (7)").unwrap();
    source.sql("INSERT INTO d.t VALUES (3)").unwrap();
    arrives(replica, "SELECT COUNT(*) FROM d.t", "3");
    arrives(replica, "SELECT GROUP_CONCAT(id ORDER BY id) FROM e.t", "5");
    let outcome = look(source, replica);
    left_out(&outcome, "the replica ignores them: 7");
    let filter = outcome.only("replication-filter")["message"].as_str().unwrap().to_owned();
    assert!(filter.contains("Replicate_Ignore_Domain_Ids=7"), "{filter}");
    source.sql("FLUSH BINARY LOGS").unwrap();
    let last = source.query_strings("SHOW MASTER STATUS").unwrap()[0][0].clone().unwrap();
    poll::until(SOON, Duration::from_millis(200), "the logs to be purged", || {
        source.sql(&format!("PURGE BINARY LOGS TO '{last}'")).ok()?;
        source.sql("FLUSH BINARY LOGS DELETE_DOMAIN_ID = (5)").ok()
    })
    .unwrap();
    let outcome = look(source, replica).assert_code(3);
    let error = outcome.only("errant-unknown");
    assert!(error["message"].as_str().unwrap().contains("the domain is gone from the source"), "{error}");
    assert!(outcome.findings().is_empty(), "{}", outcome.stdout);
}

/// Fails unless all is equal, in little time, and the one notice of domains ends so.
#[track_caller]
fn left_out(outcome: &Outcome, end: &str) {
    let outcome = outcome.clone().assert_clean();
    assert!(outcome.took < Duration::from_secs(40), "it waited {:?}", outcome.took);
    let told = outcome.only("domain-left-out");
    assert!(told["message"].as_str().unwrap().ends_with(end), "{told}");
}
