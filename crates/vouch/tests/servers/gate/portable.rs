//! `row-sha256` is the same on both flavors, and checksum-table between them is refused.

use super::kit::{Desk, assert_refused, statuses};
use serde_json::Value;
use vouch_testkit::{Flavor, Server, Topology, numbers};

/// Every type that both flavors have, each also NULL, with its least, its greatest and its odd values.
const TABLES: &str = "
    CREATE DATABASE p; USE p;
    CREATE TABLE ints (id INT PRIMARY KEY, a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d BIGINT UNSIGNED NOT NULL,
        e BIGINT, f BIT(1), g BIT(64), h BOOL, y YEAR);
    INSERT INTO ints VALUES (1, -128, 65535, -8388608, 18446744073709551615, -9223372036854775808, 1,
        0xFFFFFFFFFFFFFFFF, 1, 1901), (2, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL), (3, 0, 0, 0, 1, 0, 0, 0, 0, 2155);
    CREATE TABLE reals (id INT PRIMARY KEY, a FLOAT, b DOUBLE, c DECIMAL(65,30), d FLOAT NOT NULL, e DOUBLE NOT NULL);
    INSERT INTO reals VALUES (1, 0.1, 0.1, 0.1, -3.4e38, 1.7976931348623157e308), (2, NULL, NULL, NULL, 1e-37, -0.0),
        (3, 16777217, 1e15, -12345678901234567890123456789012345.123456789012345678901234567890, 1e20, 2.2250738585072014e-308),
        (4, 123456.7, 1e16, 1, 0.333333333, 0.30000000000000004), (5, 3.1415926, 123456789.123456789, 0, -0.0, 1e21);
    CREATE TABLE times (id INT PRIMARY KEY, a DATE, b TIME(6), c DATETIME(6), d TIMESTAMP(3) NULL, e DATETIME NOT NULL, f TIME);
    INSERT INTO times VALUES (1, '0000-00-00', '-838:59:58.000001', '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01.001',
        '9999-12-31 23:59:59', '00:00:00'), (2, NULL, NULL, NULL, NULL, '0000-00-00 00:00:00', NULL),
        (3, '2024-02-29', '838:59:59', '2024-02-29 12:00:00', '2038-01-19 03:14:07.999', '2000-00-00 00:00:00', '-00:00:01');
    CREATE TABLE texts (id INT PRIMARY KEY, a CHAR(10), b VARCHAR(100) NOT NULL, c VARCHAR(2000), d TEXT, e BINARY(8),
        f VARBINARY(20), g LONGBLOB, h ENUM('x','y|','z,'), i SET('a','b','c'), j TINYTEXT NOT NULL) CHARACTER SET utf8mb4;
    INSERT INTO texts VALUES (1, 'a  ', '12:ab|N', REPEAT('é', 1500), '😀', 0x00FF, 0x0D0A00, REPEAT('z', 100000), 'y|', 'a,c', ''),
        (2, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'N'), (3, '', ' ', '', '', '', '', '', 'x', '', '|');
    CREATE TABLE sets (a VARCHAR(20) CHARACTER SET latin1, b VARCHAR(20) CHARACTER SET cp1251, c VARCHAR(20) CHARACTER SET utf16,
        d CHAR(5) CHARACTER SET sjis, e TEXT CHARACTER SET latin1);
    INSERT INTO sets VALUES ('Köln', 'Ж', 'Ж😀', 'あ', 'ß'), ('Köln', 'Ж', 'Ж😀', 'あ', 'ß'), (NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE shapes (id INT PRIMARY KEY, g GEOMETRY, p POINT NOT NULL);
    INSERT INTO shapes VALUES (1, ST_GeomFromText('LINESTRING(0 0,1 1,2 0.5)'), ST_GeomFromText('POINT(1 2)')),
        (2, NULL, ST_GeomFromText('POINT(-1.5 0)'));
    CREATE TABLE made (id INT PRIMARY KEY, a INT, v INT AS (a * 2) VIRTUAL, s VARCHAR(30) AS (CONCAT('n', a)) STORED);
    INSERT INTO made (id, a) VALUES (1, 5), (2, NULL);";

fn fill(server: &Server) {
    server.sql(&format!("SET sql_mode = '', time_zone = '+00:00', NAMES utf8mb4; {TABLES}")).unwrap();
    server
        .sql(&format!(
            "USE p; CREATE TABLE noise (id INT PRIMARY KEY, f FLOAT, d DOUBLE, n DECIMAL(20,6), t DATETIME(3)); \
         INSERT INTO noise SELECT n, (n * 7919 % 104729) / 10007e0, (n * 7919 % 104729) / 10007e30, n / 8, \
         '2020-01-01' + INTERVAL n * 12345 SECOND FROM {}",
            numbers(5_000)
        ))
        .unwrap();
}

fn digests(document: &Value) -> Vec<String> {
    let tables = document["tables"].as_array().unwrap();
    tables.iter().map(|table| format!("{} {} {}", table["name"], table["rows"], table["digest"]["value"])).collect()
}

#[test]
fn row_sha256_is_the_same_on_both_flavors() {
    let servers = std::thread::scope(|scope| {
        let boot = |flavor| {
            move || {
                let topology = Topology::standalone(flavor, 1).unwrap();
                fill(topology.source());
                topology
            }
        };
        let threads = Flavor::ALL.map(|flavor| scope.spawn(boot(flavor)));
        threads.map(|thread| thread.join().unwrap())
    });
    let desk = Desk::new();
    let names = ["mysql.json", "mariadb.json"];
    for (topology, name) in servers.iter().zip(names) {
        desk.create(name, topology.source(), &["--serial", "1", "--tables", "p.*"]).assert_code(0);
        topology.source().sql("SET GLOBAL read_only = ON").unwrap();
    }
    let [mysql, mariadb] = names.map(|name| digests(&desk.manifest(name)));
    assert_eq!(mysql, mariadb);
    assert!(mysql.iter().any(|line| line.contains("sum:")) && mysql.iter().any(|line| line.contains("xor:")));
    for (topology, name) in servers.iter().zip(["mariadb.json", "mysql.json"]) {
        let args = ["--restored", "--allow-older"];
        let outcome = desk.validate(name, topology.source(), &args).assert_code(0);
        assert!(!statuses(&outcome).contains("MISMATCH"));
        outcome.only("definition-unjudged");
        // One value of one row, by the least that a float can change.
        let server = topology.source();
        server
            .sql("SET GLOBAL read_only = OFF; UPDATE p.reals SET a = 0.1000001 WHERE id = 1; SET GLOBAL read_only = ON")
            .unwrap();
        let outcome = desk.validate(name, server, &args).assert_code(1);
        assert_eq!(outcome.only("table-mismatch")["table"], "p.reals");
        server
            .sql("SET GLOBAL read_only = OFF; UPDATE p.reals SET a = 0.1 WHERE id = 1; SET GLOBAL read_only = ON")
            .unwrap();
    }
    // XOR would not see one pair of equal rows become another.
    let server = servers[0].source();
    server
        .sql("SET GLOBAL read_only = OFF; UPDATE p.sets SET e = 'x' WHERE e = 'ß'; SET GLOBAL read_only = ON")
        .unwrap();
    let outcome = desk.validate("mysql.json", server, &["--restored", "--allow-older"]).assert_code(1);
    assert_eq!(outcome.only("table-mismatch")["table"], "p.sets");
    let create = ["--serial", "2", "--tables", "p.ints", "--method", "checksum-table"];
    desk.create("crc.json", server, &create).assert_code(0);
    let refused = desk.validate("crc.json", servers[1].source(), &["--restored"]);
    assert_refused(&refused, "target-refused");
    assert!(refused.stdout.contains("depend on how rows are stored"), "{}", refused.stdout);
}
