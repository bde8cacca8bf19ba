//! The sweep over `vouch compare` and `vouch checksum`.

use super::{Sweep, no_better};
use crate::harness::{Vouch, on_both};
use std::time::Duration;
use vouch_testkit::{Flavor, Topology};

/// Tables of several shapes, each with one row that differs on the replica.
fn drifted(flavor: Flavor) -> Topology {
    let topology = Topology::builder(flavor).unwrap().replicas(1).args(&["--binlog-format=STATEMENT"]).start().unwrap();
    let numbers = vouch_testkit::numbers(400);
    let few = vouch_testkit::numbers(50);
    let sql = format!(
        "CREATE DATABASE shop; USE shop;
         CREATE TABLE items (id INT PRIMARY KEY, price INT NOT NULL, label VARCHAR(40));
         INSERT INTO items SELECT n, n % 97, CONCAT('item ', n) FROM {numbers};
         CREATE TABLE places (country CHAR(2), n INT, note VARCHAR(20), PRIMARY KEY (country, n));
         INSERT INTO places SELECT ELT(1 + n % 2, 'de', 'fr'), n, 'x' FROM {numbers};
         CREATE TABLE loose (word VARCHAR(20), n INT);
         INSERT INTO loose SELECT CONCAT('w', n), n FROM {few}"
    );
    topology.source().sql(&sql).unwrap();
    topology.wait_in_sync(Duration::from_secs(60)).unwrap();
    let drift = "SET sql_log_bin=0; UPDATE shop.items SET price = 1000 WHERE id = 333; \
                 DELETE FROM shop.places WHERE n = 398; UPDATE shop.loose SET n = 999 WHERE word = 'w7'";
    topology.replica(0).sql(drift).unwrap();
    topology
}

/// Short waits: a spoilt run is to end soon, not to succeed.
const IMPATIENT: [&str; 6] = ["--databases", "shop", "--retry-for", "2s", "--wait-timeout", "3s"];

#[test]
fn no_spoilt_statement_makes_a_comparison_look_better() {
    on_both(|flavor| {
        let topology = drifted(flavor);
        topology.replica(0).sql("SET sql_log_bin=0; ALTER TABLE shop.items ALTER price SET DEFAULT 7").unwrap();
        let run = |ways: &[String]| {
            let vouch = Vouch::compare().source(&ways[0]).replica(&ways[1]);
            vouch.args(&IMPATIENT).args(&["--chunk-rows-min", "150", "--chunk-rows-max", "150"]).run()
        };
        let sweep = Sweep::new(&[topology.source(), topology.replica(0)], &run);
        let codes = ["default-differs", "row-changed", "row-replica-only", "row-source-only"];
        assert_eq!(sweep.calm().finding_codes(), codes);
        sweep.over(no_better);
    });
}

#[test]
fn no_spoilt_statement_makes_checksums_look_better() {
    on_both(|flavor| {
        let topology = drifted(flavor);
        let run = |ways: &[String]| {
            let vouch = Vouch::checksum(&["--databases", "shop", "--no-check-binlog-format"]);
            let vouch = vouch.source(&ways[0]).replica(&ways[1]);
            vouch.args(&["--retry-for", "2s", "--wait-timeout", "3s", "--chunk-size", "150"]).run()
        };
        let writer = "CREATE USER writer IDENTIFIED BY 'correct-horse'; GRANT ALL ON *.* TO writer";
        topology.source().sql(writer).unwrap();
        topology.wait_in_sync(Duration::from_secs(60)).unwrap();
        let sweep = Sweep::new(&[topology.source(), topology.replica(0)], &run).by("writer");
        let calm = sweep.calm();
        assert_eq!(calm.finding_codes(), ["chunk-differs"], "{}\n{}", calm.stdout, calm.stderr);
        sweep.over(no_better);
    });
}
