//! Values held against those of pt-table-checksum itself.

use super::{SOON, number, on};
use crate::harness::on_both;
use std::process::Command;
use vouch_testkit::{Flavor, Topology, numbers};

/// Runs pt-table-checksum on the source, into a table of its own.
fn percona(topology: &Topology, words: &[&str]) {
    let program = std::env::var("VOUCH_PT_TABLE_CHECKSUM").expect("script/servers provides pt-table-checksum");
    let mut text = std::fs::read_to_string(program).unwrap();
    let source = topology.source();
    let mut command = Command::new("perl");
    if source.flavor() == Flavor::Mariadb {
        // It knows MariaDB by `version_comment`, where a distribution's says nothing of the kind.
        text = text.replace("delete $query->{version_comment}", "'MariaDB'");
    }
    let script = source.dir().join("pt-table-checksum");
    std::fs::write(&script, text).unwrap();
    command.arg(script).arg(format!("h=localhost,S={},u=root", source.socket().display()));
    command.args([
        "--recursion-method=none",
        "--no-check-binlog-format",
        "--no-version-check",
        "--replicate=percona.pt",
    ]);
    if source.flavor() == Flavor::Mysql {
        // Its estimates are lost where plans are trees by default.
        command.arg("--set-vars=explain_format=TRADITIONAL");
    }
    let output = command.args(words).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    // 8 says that no replica was found, as it was told.
    assert!(matches!(output.status.code(), Some(0 | 8)), "{:?}: {}", output.status, String::from_utf8_lossy(&said));
}

#[test]
fn every_value_is_that_of_pt_table_checksum() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let sql = format!(
            "SET NAMES utf8mb4; CREATE DATABASE a; \
             CREATE TABLE a.plain (id INT PRIMARY KEY, name VARCHAR(40), n INT); \
             INSERT INTO a.plain SELECT n, IF(n % 7 = 0, NULL, CONCAT('é', n)), IF(n % 5 = 0, NULL, n) FROM {}; \
             CREATE TABLE a.types (id BIGINT UNSIGNED PRIMARY KEY, f FLOAT, d DOUBLE, e ENUM('x','y'), t TIMESTAMP NULL, \
             dt DATETIME(3), c CHAR(9) CHARACTER SET latin1, b VARBINARY(9), x TEXT, m DECIMAL(9,2), j JSON, k BINARY(3), s SET('a','b'), y YEAR); \
             INSERT INTO a.types SELECT n * 3, n / 7, n / 11, IF(n % 2, 'x', 'y'), FROM_UNIXTIME(1700000000 + n), \
             FROM_UNIXTIME(1700000000 + n), 'ü', 'b', REPEAT('t', n % 9), n / 4, CONCAT('[', n, ']'), n % 99, 'a,b', 2000 + n % 99 FROM {}; \
             CREATE TABLE a.words (w VARCHAR(20) PRIMARY KEY, n INT) DEFAULT CHARSET=utf8mb4; \
             INSERT INTO a.words SELECT CONCAT('w', LPAD(n, 5, '0')), n FROM {}; \
             CREATE TABLE a.pairs (a INT, b INT, v INT, PRIMARY KEY (a, b)); \
             INSERT INTO a.pairs SELECT n DIV 10, n % 10, n FROM {}; \
             CREATE TABLE a.small (id INT PRIMARY KEY); INSERT INTO a.small VALUES (1), (2); \
             CREATE TABLE a.empty (id INT PRIMARY KEY)",
            numbers(1_000),
            numbers(900),
            numbers(1_001),
            numbers(1_200)
        );
        topology.source().sql(&sql).unwrap();
        topology.source().sql("ANALYZE TABLE a.plain, a.types, a.words, a.pairs, a.small, a.empty").unwrap();
        topology.wait_in_sync(SOON).unwrap();
        percona(&topology, &["--databases=a", "--chunk-size=200"]);
        let words = ["--databases", "a", "--chunk-size", "200", "--function", "crc32-percona"];
        on(&topology, &words).run().assert_clean();
        let rows = |table: &str| {
            let sql =
                format!("SELECT tbl, chunk, this_crc, this_cnt FROM percona.{table} WHERE db = 'a' ORDER BY 1, 2");
            topology.source().query_strings(&sql).unwrap()
        };
        assert_eq!(rows("checksums"), rows("pt"));
        assert!(number(topology.source(), "SELECT COUNT(*) FROM percona.checksums") > 20);
        // And what it wrote is read like our own.
        on(&topology, &["check", "--replicate", "percona.pt"]).run().assert_clean();
    });
}
