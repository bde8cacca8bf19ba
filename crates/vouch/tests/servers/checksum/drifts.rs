//! What is found, on the replica and on the replica behind it.

use super::{SOON, chain, name, on, root, tables_of};
use crate::harness::{Vouch, on_both};
use vouch_testkit::{Flavor, cases};

#[test]
fn the_worked_example_has_the_known_values() {
    on_both(|flavor| {
        let topology = chain(flavor);
        let sql = "SET NAMES utf8mb4; CREATE DATABASE part1; CREATE TABLE part1.book (id INT NOT NULL PRIMARY KEY, \
                   name VARCHAR(40) NULL, comment VARCHAR(40) NULL) DEFAULT CHARSET=utf8mb3; \
                   INSERT INTO part1.book VALUES (1, '黄岛', '热血，激情，爽文'), (2, '砍途', '都市玄幻,热血青春'), \
                   (3, '王梓一声', '穿越爽文,拯救世界')";
        topology.source().sql(sql).unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let run = |condition: &str| {
            let words = ["--function", "crc32-percona", "--databases", "part1", "--where", condition];
            on(&topology, &words).run().assert_code(0);
            let crcs = topology.servers().iter().map(|server| {
                server.query_one("SELECT this_crc FROM percona.checksums WHERE db = 'part1'").unwrap().unwrap()
            });
            crcs.collect::<Vec<String>>()
        };
        for (id, crc) in [(1, 418643389_u32), (2, 2289975389), (3, 1403158700)] {
            assert_eq!(run(&format!("id = {id}")), vec![format!("{crc:x}"); 3]);
        }
        assert_eq!(run("1 = 1"), vec!["c32f3d4c"; 3]);
    });
}

#[test]
fn every_drift_is_found_on_both_levels_and_a_swap_cancels_under_percona() {
    on_both(|flavor| {
        let topology = chain(flavor);
        let cases = cases::all(flavor);
        cases.iter().for_each(|case| case.create(topology.source()).unwrap());
        topology.wait_in_sync(SOON).unwrap();
        for case in &cases {
            topology.replicas().iter().for_each(|replica| case.set_up(replica).unwrap());
        }
        // The tables without a key are taken whole.
        let words = ["--chunk-size-limit", "0", "--chunk-size", "500"];
        let outcome = on(&topology, &words).run();
        let alarms: Vec<_> = outcome.findings().iter().filter(|f| f["code"] == "chunk-differs").collect();
        assert!(alarms.is_empty() && outcome.errors().is_empty(), "{alarms:?} {}", outcome.stdout);

        for replica in topology.replicas() {
            cases.iter().for_each(|case| case.drift(replica).unwrap());
        }
        let outcome = on(&topology, &words).run().assert_code(1);
        assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
        for replica in topology.replicas() {
            let found = tables_of(&outcome, "chunk-differs", &name(replica));
            let tables = cases.iter().map(|case| format!("{}.{}", case.database, case.table));
            let missed: Vec<String> = tables.filter(|table| !found.contains(&table.as_str())).collect();
            assert!(missed.is_empty(), "missed on {}: {missed:?}\n{}", replica.name(), outcome.stdout);
        }
        let swap = ["--function", "crc32-percona", "--databases", "case_swapped_balances"];
        let outcome = on(&topology, &swap).run().assert_code(0);
        assert!(outcome.findings().is_empty(), "two swapped values cancel under XOR of CRCs: {}", outcome.stdout);
    });
}

#[test]
fn a_replica_behind_one_that_logs_rows_is_refused() {
    on_both(|flavor| {
        let topology = vouch_testkit::Topology::builder(flavor).unwrap().chain(3);
        let topology = topology.args(&["--binlog-format=ROW"]).start().unwrap();
        topology
            .source()
            .sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1), (2)")
            .unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let refused = on(&topology, &[]).run().assert_code(2);
        assert!(refused.stderr.contains("vouch compare"), "{}", refused.stderr);
        vouch_testkit::drift::sql(topology.replica(1), "DELETE FROM d.t WHERE id = 1").unwrap();
        let outcome = on(&topology, &["--no-check-binlog-format"]).run().assert_code(3);
        assert_eq!(outcome.only("checksum-by-rows")["replica"], name(topology.replica(1)));
        // An applier keeps the format that it began with, whatever the setting says now. MySQL lets nobody
        // change it meanwhile.
        if flavor == Flavor::Mariadb {
            topology.replica(0).sql("SET GLOBAL binlog_format = 'STATEMENT'").unwrap();
        }
        let words = ["--databases", "d", "--no-check-binlog-format"];
        for words in [&words[..if flavor == Flavor::Mariadb { 2 } else { 3 }], &["check"][..]] {
            let outcome = on(&topology, words).run().assert_code(3);
            assert_eq!(outcome.only("checksum-by-rows")["replica"], name(topology.replica(1)));
        }
        // The direct replica alone needs nothing of the kind.
        let direct = Vouch::checksum(&[]).source(&root(topology.source())).replica(&root(topology.replica(0)));
        direct.run().assert_clean();
    });
}
