//! Digests of rows are the same on both flavors, and checksum-table between them is refused.

use super::kit::{Desk, assert_refused, statuses};
use super::ranges;
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

/// Both servers, filled alike and read only.
fn boot() -> [Topology; 2] {
    std::thread::scope(|scope| {
        let boot = |flavor| {
            move || {
                let topology = Topology::standalone(flavor, 1).unwrap();
                fill(topology.source());
                ranges::fill(topology.source());
                topology.source().sql("SET GLOBAL read_only = ON").unwrap();
                topology
            }
        };
        let threads = Flavor::ALL.map(|flavor| scope.spawn(boot(flavor)));
        threads.map(|thread| thread.join().unwrap())
    })
}

/// Writes to a copy that is read only otherwise.
pub fn write(server: &Server, sql: &str) {
    server.sql(&format!("SET GLOBAL read_only = OFF; {sql}; SET GLOBAL read_only = ON")).unwrap();
}

#[test]
fn digests_of_rows_are_the_same_on_both_flavors_and_differ_where_rows_do() {
    let servers = boot();
    let desk = Desk::new();
    for (method, names) in [
        ("row-sha256", ["v1-mysql.json", "v1-mariadb.json"]),
        ("row-sha256-tree", ["v2-mysql.json", "v2-mariadb.json"]),
    ] {
        for (topology, name) in servers.iter().zip(names) {
            let args = ["--serial", "1", "--tables", "p.*", "--method", method];
            desk.create(name, topology.source(), &args).assert_code(0);
        }
        let [mysql, mariadb] = names.map(|name| digests(&desk.manifest(name)));
        assert_eq!(mysql, mariadb);
        let [from_mysql, from_mariadb] = names;
        for (topology, name) in servers.iter().zip([from_mariadb, from_mysql]) {
            one_value(&desk, name, topology.source());
        }
    }
    let names = digests(&desk.manifest("v1-mysql.json"));
    assert!(names.iter().any(|line| line.contains("sum:")) && names.iter().any(|line| line.contains("xor:")));
    // XOR would not see one pair of equal rows become another.
    write(servers[0].source(), "UPDATE p.sets SET e = 'x' WHERE e = 'ß'");
    for name in ["v1-mysql.json", "v2-mysql.json"] {
        let outcome = desk.validate(name, servers[0].source(), &["--restored", "--allow-older"]).assert_code(1);
        assert_eq!(outcome.only("table-mismatch")["table"], "p.sets");
    }
    checksum_table(&desk, &servers);
    ranges::keys_of_every_type(&desk, &servers);
    what_cannot_be_compared(&desk, &servers);
    servers.iter().for_each(|topology| ranges::changes_are_named(&desk, topology.source()));
    servers.iter().for_each(|topology| ranges::forged_copies(&desk, topology.source()));
}

/// The other flavor's manifest holds, and does not once one value changed by the least that a float can change.
fn one_value(desk: &Desk, name: &str, server: &Server) {
    let args = ["--restored", "--allow-older"];
    let outcome = desk.validate(name, server, &args).assert_code(0);
    assert!(!statuses(&outcome).contains("MISMATCH"));
    outcome.only("definition-unjudged");
    write(server, "UPDATE p.reals SET a = 0.1000001 WHERE id = 1");
    let outcome = desk.validate(name, server, &args).assert_code(1);
    assert_eq!(outcome.only("table-mismatch")["table"], "p.reals");
    write(server, "UPDATE p.reals SET a = 0.1 WHERE id = 1");
}

/// Views and schema-only tables of another flavor's manifest were passed over, and the gate said VALID though
/// nothing of them had been compared.
fn what_cannot_be_compared(desk: &Desk, servers: &[Topology; 2]) {
    let create = ["--serial", "6", "--tables", "m.many,m.plan", "--schema-only", "m.plan=rebuilt each night"];
    for (topology, other) in [(&servers[0], &servers[1]), (&servers[1], &servers[0])] {
        desk.create("both.json", topology.source(), &create).assert_code(0);
        let args = ["--restored", "--allow-older", "--extra", "ignore"];
        desk.validate("both.json", topology.source(), &args).assert_code(0);
        let shut = desk.validate("both.json", other.source(), &args).assert_code(1);
        assert_eq!(statuses(&shut), "m.many=VALID m.plan=ERROR");
        let error = shut.only("not-compared")["message"].as_str().unwrap_or_default().to_owned();
        assert!(error.contains("1 objects and 1 schema-only tables were not compared"), "{error}");
        let accepted = [&args[..], &["--allow-other-flavor"]].concat();
        let open = desk.validate("both.json", other.source(), &accepted).assert_code(0);
        assert_eq!(statuses(&open), "m.many=VALID m.plan=SKIPPED");
    }
}

fn checksum_table(desk: &Desk, servers: &[Topology; 2]) {
    let create = ["--serial", "2", "--tables", "p.ints", "--method", "checksum-table"];
    desk.create("crc.json", servers[0].source(), &create).assert_code(0);
    let refused = desk.validate("crc.json", servers[1].source(), &["--restored"]);
    assert_refused(&refused, "target-refused");
    assert!(refused.stdout.contains("depend on how rows are stored"), "{}", refused.stdout);
}
