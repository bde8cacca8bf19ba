//! What could do harm, and what keeps a chunk from being written.

use super::{SOON, name, number, on, root, shop};
use crate::harness::{Signal, Vouch, on_both};
use mysql::prelude::Queryable;
use std::time::Duration;
use vouch_testkit::{Flavor, Server, Topology, drift, numbers, poll};

#[test]
fn what_cannot_be_checksummed_is_said_and_harms_nobody() {
    on_both(|flavor| {
        let topology = shop(flavor, 3_000);
        let sql = format!(
            "CREATE TABLE shop.gone (id INT PRIMARY KEY); \
             CREATE TABLE shop.heap (a INT); INSERT INTO shop.heap SELECT n FROM {numbers}; \
             CREATE TABLE shop.alike (a INT, b INT, KEY (a)); \
             INSERT INTO shop.alike SELECT IF(n < 2500, 7, n), n FROM {numbers}",
            numbers = numbers(3_000)
        );
        topology.source().sql(&sql).unwrap();
        topology.wait_in_sync(SOON).unwrap();
        drift::sql(topology.replica(0), "DROP TABLE shop.gone").unwrap();
        // A lock on a row of the second chunk.
        let mut other = topology.source().conn().unwrap();
        other.query_drop("BEGIN; ").unwrap();
        other.query_drop("SELECT * FROM shop.items WHERE id = 700 FOR UPDATE").unwrap();

        let words = ["--chunk-size", "500", "--retries", "0"];
        let outcome = on(&topology, &words).run().assert_code(1);
        assert_eq!(outcome.only("table-unsafe")["table"], "shop.gone");
        assert_eq!(outcome.only("table-source-only")["table"], "shop.gone");
        assert_eq!(outcome.only("table-oversized")["table"], "shop.heap");
        outcome.only_of("chunk-skipped", "shop.alike");
        let locked = outcome.only_of("chunk-skipped", "shop.items");
        assert!(locked["message"].as_str().unwrap().starts_with("chunk 2 of"), "{locked}");
        assert!(outcome.finding_codes() == ["table-source-only"], "{}", outcome.stdout);

        let lines = on(&topology, &words).args(&["--exit-codes", "percona"]).format("percona").run();
        assert_eq!(lines.code, 16 + 32 + 64, "{}\n{}", lines.stdout, lines.stderr);
        let items = lines.stdout.lines().find(|line| line.ends_with("shop.items")).unwrap();
        let figures: Vec<&str> = items.split_whitespace().collect();
        assert_eq!(figures[1..7], ["0", "0", "2500", "0", "5", "1"], "{items}");
        other.query_drop("ROLLBACK").unwrap();

        let outcome = on(&topology, &words).args(&["--tables", "shop.items"]).run();
        outcome.assert_clean();
        let unlooked = on(&topology, &["--tables", "shop.items", "--no-replicate-check"]).run().assert_code(3);
        assert!(unlooked.states().iter().all(|state| state == "not-run"), "{}", unlooked.stdout);

        // A statement that names an index which is not there would stop the replica.
        drift::sql(topology.replica(0), "ALTER TABLE shop.alike DROP KEY a").unwrap();
        let outcome = on(&topology, &["--tables", "shop.alike"]).run();
        assert_eq!(outcome.only("table-unsafe")["table"], "shop.alike");
        topology.wait_in_sync(SOON).unwrap();
    });
}

#[test]
fn a_filter_and_a_second_run_are_refused() {
    on_both(|flavor| {
        let builder = Topology::builder(flavor).unwrap().replica_args(&["--replicate-wild-ignore-table=tmp.%"]);
        let topology = builder.start().unwrap();
        topology.source().sql("CREATE DATABASE shop; CREATE TABLE shop.items (id INT PRIMARY KEY)").unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let refused = on(&topology, &[]).run().assert_code(2);
        assert!(refused.stderr.contains("filters replication"), "{}", refused.stderr);
        on(&topology, &["--no-check-replication-filters"]).run().assert_clean();

        let mut other = topology.source().conn().unwrap();
        let _: Option<i64> = other.query_first("SELECT GET_LOCK('vouch checksum percona.checksums', 0)").unwrap();
        let words = ["--no-check-replication-filters"];
        let refused = on(&topology, &words).run().assert_code(3);
        assert!(refused.stderr.contains("another run"), "{}", refused.stderr);
        on(&topology, &words).args(&["--exit-codes", "percona"]).run().assert_code(2);
    });
}

#[test]
fn an_account_that_may_not_choose_its_binlog_format_is_told_the_way_out() {
    on_both(|flavor| {
        let topology = shop(flavor, 10);
        let select = topology.source().url(vouch_testkit::SELECT_ONLY, vouch_testkit::PASSWORD);
        let vouch = Vouch::checksum(&[]).source(&select).replica(&root(topology.replica(0)));
        let refused = vouch.run().assert_code(2);
        assert!(refused.stderr.contains("vouch compare"), "{}", refused.stderr);
        assert_eq!(
            number(topology.source(), "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'percona'"),
            0
        );
    });
}

/// A run that stands still at its gate, so that things can happen in the middle of it.
fn held(topology: &Topology, words: &[&str]) -> (crate::harness::Running, std::path::PathBuf) {
    let file = topology.source().dir().join("pause");
    std::fs::write(&file, "").unwrap();
    let pause = file.display().to_string();
    let mut running = on(topology, words).live().args(&["--pause-file", &pause, "--check-interval", "100ms"]).spawn();
    running.until_it_says("\"event\":\"paused\"");
    running.until_it_says("\"event\":\"table-started\"");
    (running, file)
}

#[test]
fn tables_that_are_dropped_and_statements_that_are_killed_in_the_middle() {
    on_both(|flavor| {
        let topology = shop(flavor, 2_000);
        let sql = format!(
            "CREATE TABLE shop.mid (id INT PRIMARY KEY); INSERT INTO shop.mid SELECT n FROM {}",
            numbers(2_000)
        );
        topology.source().sql(&sql).unwrap();
        // One before its turn, and one in the middle of its chunks.
        for (table, others) in [("zoo", "shop.items"), ("mid", "shop.zoo")] {
            topology.source().sql("CREATE TABLE IF NOT EXISTS shop.zoo (id INT PRIMARY KEY)").unwrap();
            topology.wait_in_sync(SOON).unwrap();
            let ignored = if table == "zoo" { "shop.mid" } else { "shop.items" };
            let words = ["--exit-codes", "percona", "--ignore-tables", ignored];
            let (running, file) = held(&topology, &words);
            topology.source().sql(&format!("DROP TABLE shop.{table}")).unwrap();
            std::fs::remove_file(&file).unwrap();
            let outcome = running.wait().assert_code(64);
            assert_eq!(outcome.document["exit_code"], 3, "{}", outcome.stdout);
            assert_eq!(outcome.only("table-vanished")["table"], format!("shop.{table}"));
            assert!(outcome.table_names().contains(&others), "{}", outcome.stdout);
            let pause = &outcome.pauses()[0];
            assert!(pause["reason"].as_str().unwrap().contains("exists"), "{pause}");
        }

        // A statement that waits for a lock is killed: its chunk is skipped, or a second try gets through.
        for (retries, code) in [("0", 32), ("2", 0)] {
            let mut other = topology.source().conn().unwrap();
            other.query_drop("BEGIN").unwrap();
            other.query_drop("SELECT * FROM shop.items WHERE id = 7 FOR UPDATE").unwrap();
            let words = ["--set-vars", "innodb_lock_wait_timeout=50", "--retries", retries, "--exit-codes", "percona"];
            let running = on(&topology, &words).spawn();
            kill_statement(topology.source());
            other.query_drop("ROLLBACK").unwrap();
            let outcome = running.wait().assert_code(code);
            let skipped: Vec<_> = outcome.coded("chunk-skipped").iter().map(|error| &error["table"]).collect();
            assert_eq!(skipped.is_empty(), code == 0, "{}", outcome.stdout);
            assert!(skipped.iter().all(|table| *table == "shop.items"), "{skipped:?}");
        }
    });
}

/// Waits until the statement of a chunk has waited for a row on the server, and kills it. Others take
/// no time.
fn kill_statement(server: &Server) {
    let waiting = "SELECT ID FROM information_schema.PROCESSLIST \
        WHERE INFO LIKE 'REPLACE INTO%' AND TIME >= 2 AND ID <> CONNECTION_ID()";
    let id = poll::until(SOON, Duration::from_millis(20), "the statement", || server.query_one(waiting).unwrap());
    server.sql(&format!("KILL QUERY {}", id.unwrap())).unwrap();
}

#[test]
fn a_run_that_was_killed_is_resumed_and_one_that_is_stopped_says_so() {
    on_both(|flavor| {
        let topology = shop(flavor, 3_000);
        let sql = format!(
            "CREATE TABLE shop.later (id INT PRIMARY KEY); INSERT INTO shop.later SELECT n FROM {}",
            numbers(3_000)
        );
        topology.source().sql(&sql).unwrap();
        topology.wait_in_sync(SOON).unwrap();
        // The third chunk waits for this lock; the run is killed while it does.
        let mut other = topology.source().conn().unwrap();
        other.query_drop("BEGIN").unwrap();
        other.query_drop("SELECT * FROM shop.items WHERE id = 1250 FOR UPDATE").unwrap();
        let words = ["--chunk-size", "500", "--set-vars", "innodb_lock_wait_timeout=50"];
        let running = on(&topology, &words).spawn();
        let third = "SELECT MAX(chunk) FROM percona.checksums WHERE source_cnt IS NOT NULL";
        let two = || topology.source().query_one(third).ok().flatten().filter(|chunk| chunk == "2");
        poll::until(SOON, Duration::from_millis(20), "the second chunk", two).unwrap();
        running.kill9();
        drift::sql(topology.replica(0), "UPDATE shop.items SET n = n + 1 WHERE id = 3").unwrap();
        other.query_drop("ROLLBACK").unwrap();
        // The lock of the dead run goes with its connection.
        let free = || {
            (number(topology.source(), "SELECT IS_FREE_LOCK('vouch checksum percona.checksums')") == 1).then_some(())
        };
        poll::until(SOON, Duration::from_millis(20), "the lock", free).unwrap();
        let before = topology.source().query_one("SELECT MIN(ts) FROM percona.checksums WHERE chunk > 0").unwrap();
        let outcome = on(&topology, &words).args(&["--resume"]).run();
        assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
        assert!(outcome.states().iter().all(|state| state == "equal"), "{}", outcome.stdout);
        assert_eq!(
            topology.source().query_one("SELECT MIN(ts) FROM percona.checksums WHERE chunk > 0").unwrap(),
            before
        );
        assert_eq!(number(topology.source(), "SELECT SUM(this_cnt) FROM percona.checksums"), 6_000);

        // A chunk that is missing in the middle is not taken for done.
        topology.source().sql("DELETE FROM percona.checksums WHERE tbl = 'items' AND chunk = 2").unwrap();
        let outcome = on(&topology, &words).args(&["--resume"]).run();
        assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
        assert_eq!(number(topology.source(), "SELECT SUM(this_cnt) FROM percona.checksums"), 6_000);

        let (mut running, _file) = held(&topology, &words);
        running.signal(Signal::INT);
        let outcome = running.wait().assert_code(130);
        assert!(outcome.took < Duration::from_secs(60));
    });
}

#[test]
fn names_in_reports_are_those_of_servers() {
    let topology = shop(Flavor::Mariadb, 10);
    let outcome = on(&topology, &[]).run().assert_clean();
    let servers = outcome.document["coverage"]["servers"].as_array().unwrap().clone();
    let names: Vec<&str> = servers.iter().filter_map(|server| server["name"].as_str()).collect();
    assert_eq!(names, [name(topology.source()), name(topology.replica(0))]);
    let explained = on(&topology, &["--explain"]).run();
    assert!(explained.stdout.contains("REPLACE INTO `percona`.`checksums`"), "{}", explained.stdout);
}
