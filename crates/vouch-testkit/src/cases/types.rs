//! Values whose difference is easily lost, or easily made up.

use super::Case;
use crate::{Expected, Flavor, numbers};

pub(super) fn cases(flavor: Flavor) -> Vec<Case> {
    let mut cases = vec![
        trailing_spaces(),
        floats(),
        json(flavor),
        invisible_column(),
        generated_columns(),
        zero_dates(),
        zero_date_key(),
        fractions(),
        large_values(),
        time_zones(),
        charsets(),
        four_byte_text(),
        padding(),
        bits_and_shapes(),
    ];
    // MariaDB stores a negative zero as a zero, so there can be no such drift.
    if flavor == Flavor::Mysql {
        cases.push(negative_zero());
    }
    cases
}

fn trailing_spaces() -> Case {
    Case::new(
        "trailing-spaces",
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) COLLATE utf8mb4_general_ci, b TEXT); \
         INSERT INTO t VALUES (1, 'x', 'x'), (2, 'x ', 'x '), (3, '', ''), (4, 'same ', 'same ')",
        "UPDATE t SET a = 'x ' WHERE id = 1; UPDATE t SET b = 'x' WHERE id = 2; UPDATE t SET a = ' ', b = ' ' WHERE id = 3",
        vec![
            Expected::changed("id", 1, &["a"]),
            Expected::changed("id", 2, &["b"]),
            Expected::changed("id", 3, &["a", "b"]),
        ],
    )
}

/// The next float after 1.1, the next double after 0.1: the text of the first is the same.
fn floats() -> Case {
    Case::new(
        "float-last-bit",
        "CREATE TABLE t (id INT PRIMARY KEY, f FLOAT, d DOUBLE); \
         INSERT INTO t VALUES (1, 1.1, 0.1), (2, 1.1, 0.1), (3, 16777216, 1e300), (4, NULL, -1e-300)",
        "UPDATE t SET f = 1.1000001430511475 WHERE id = 1; UPDATE t SET d = 0.10000000000000002 WHERE id = 2; \
         UPDATE t SET f = 16777218 WHERE id = 3",
        vec![
            Expected::changed("id", 1, &["f"]),
            Expected::changed("id", 2, &["d"]),
            Expected::changed("id", 3, &["f"]),
        ],
    )
}

/// A product that underflows keeps its sign.
fn negative_zero() -> Case {
    Case::new(
        "negative-zero",
        "CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE, f FLOAT); \
         INSERT INTO t VALUES (1, 0e0, 0e0), (2, 0e0, 0e0), (3, -1e-200 * 1e-200, 0e0)",
        "DELETE FROM t WHERE id IN (1, 2); \
         INSERT INTO t VALUES (1, -1e-200 * 1e-200, 0e0), (2, 0e0, -1e-200 * 1e-200)",
        vec![Expected::changed("id", 1, &["d"]), Expected::changed("id", 2, &["f"])],
    )
}

/// MySQL stores a document, MariaDB its text.
fn json(flavor: Flavor) -> Case {
    let mut expected = vec![Expected::changed("id", 1, &["j"]), Expected::changed("id", 2, &["j"])];
    if flavor == Flavor::Mariadb {
        expected.push(Expected::changed("id", 3, &["j"]));
    }
    Case::new(
        "json",
        r#"CREATE TABLE t (id INT PRIMARY KEY, j JSON);
           INSERT INTO t VALUES (1, '{"b": [1, 2], "a": "é"}'), (2, '{"n": 1}'), (3, '{"a": 1}'), (4, 'null'), (5, NULL)"#,
        r#"UPDATE t SET j = '{"b": [2, 1], "a": "é"}' WHERE id = 1; UPDATE t SET j = '{"n": "1"}' WHERE id = 2;
           UPDATE t SET j = '{"a":1}' WHERE id = 3"#,
        expected,
    )
}

fn invisible_column() -> Case {
    Case::new(
        "invisible-column",
        "CREATE TABLE t (id INT PRIMARY KEY, v INT, hidden INT INVISIBLE); \
         INSERT INTO t (id, v, hidden) VALUES (1, 1, 1), (2, 2, 2), (3, 3, NULL)",
        "UPDATE t SET hidden = 7 WHERE id = 2; UPDATE t SET hidden = 0 WHERE id = 3",
        vec![Expected::changed("id", 2, &["hidden"]), Expected::changed("id", 3, &["hidden"])],
    )
}

fn generated_columns() -> Case {
    Case::new(
        "generated-columns",
        format!(
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, kept INT AS (a + 1) STORED, made VARCHAR(20) AS (CONCAT('v', a)) VIRTUAL); \
             INSERT INTO t (id, a) SELECT n, n FROM {}",
            numbers(1_000)
        ),
        "UPDATE t SET a = 7000 WHERE id = 500",
        vec![Expected::changed("id", 500, &["a", "kept", "made"])],
    )
}

fn zero_dates() -> Case {
    Case::new(
        "zero-dates",
        "CREATE TABLE t (id INT PRIMARY KEY, d DATE, dt DATETIME, ts TIMESTAMP NULL); \
         INSERT INTO t VALUES (1, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00'), \
         (2, '2024-00-00', '2024-01-00 00:00:00', NULL), (3, '0000-00-00', NULL, NULL)",
        "UPDATE t SET d = NULL WHERE id = 1; UPDATE t SET d = '2024-01-00' WHERE id = 2; \
         UPDATE t SET dt = '0000-00-00 00:00:00', ts = '0000-00-00 00:00:00' WHERE id = 3",
        vec![
            Expected::changed("id", 1, &["d"]),
            Expected::changed("id", 2, &["d"]),
            Expected::changed("id", 3, &["dt", "ts"]),
        ],
    )
}

fn zero_date_key() -> Case {
    Case::new(
        "zero-date-key",
        format!(
            "CREATE TABLE t (d DATE PRIMARY KEY, v INT); INSERT INTO t VALUES ('0000-00-00', 1), ('2024-00-00', 1); \
             INSERT INTO t SELECT DATE_ADD('2000-01-01', INTERVAL n DAY), n FROM {}",
            numbers(1_000)
        ),
        "UPDATE t SET v = 2 WHERE v = 1 AND d < '1000-01-01'; DELETE FROM t WHERE d = '2000-01-03'",
        vec![Expected::changed("d", "0000-00-00", &["v"]), Expected::source_only("d", "2000-01-03")],
    )
}

fn fractions() -> Case {
    Case::new(
        "temporal-fractions",
        "CREATE TABLE t (id INT PRIMARY KEY, dt DATETIME(6), tm TIME(6), y YEAR); \
         INSERT INTO t VALUES (1, '2024-02-29 23:59:59.999999', '-838:59:58.000001', 1901), \
         (2, '1000-01-01 00:00:00.000001', '00:00:00.000001', 2155), (3, '9999-12-31 23:59:59', '-00:00:00.5', 0)",
        "UPDATE t SET dt = '2024-02-29 23:59:59.999998' WHERE id = 1; UPDATE t SET tm = '00:00:00.000002' WHERE id = 2; \
         UPDATE t SET tm = '00:00:00.5', y = 2000 WHERE id = 3",
        vec![
            Expected::changed("id", 1, &["dt"]),
            Expected::changed("id", 2, &["tm"]),
            Expected::changed("id", 3, &["tm", "y"]),
        ],
    )
}

/// Values of 4 MB, longer together than a packet may be.
fn large_values() -> Case {
    Case::new(
        "large-values",
        "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB, c LONGTEXT); \
         INSERT INTO t VALUES (1, REPEAT('a', 4194304), REPEAT('é', 2097152)); \
         INSERT INTO t SELECT id + 1, b, c FROM t; INSERT INTO t SELECT id + 2, b, c FROM t",
        "UPDATE t SET b = CONCAT(LEFT(b, 4194303), 'b') WHERE id = 2; UPDATE t SET c = CONCAT('e', SUBSTRING(c, 2)) WHERE id = 3; \
         DELETE FROM t WHERE id = 4",
        vec![Expected::changed("id", 2, &["b"]), Expected::changed("id", 3, &["c"]), Expected::source_only("id", 4)],
    )
}

/// The same instants, shown in other time zones by the two servers.
fn time_zones() -> Case {
    let case = Case::new(
        "time-zones",
        format!(
            "CREATE TABLE t (ts TIMESTAMP NOT NULL, id INT, dt DATETIME, PRIMARY KEY (ts, id)); \
             INSERT INTO t SELECT DATE_ADD('2024-03-30 12:00:00', INTERVAL n MINUTE), n, '2024-03-31 02:30:00' FROM {}",
            numbers(2_000)
        ),
        "UPDATE t SET dt = '2024-03-31 03:30:00' WHERE id = 100; \
         UPDATE t SET ts = DATE_ADD(ts, INTERVAL 1 HOUR) WHERE id = 200",
        vec![
            Expected::keyed(crate::DiffKind::Changed, &[("ts", "2024-03-30 13:40:00"), ("id", "100")], &["dt"]),
            Expected::keyed(crate::DiffKind::SourceOnly, &[("ts", "2024-03-30 15:20:00"), ("id", "200")], &[]),
            Expected::keyed(crate::DiffKind::ReplicaOnly, &[("ts", "2024-03-30 16:20:00"), ("id", "200")], &[]),
        ],
    );
    Case { replica_setup: "SET GLOBAL time_zone = '+05:30'".to_owned(), ..case }
}

fn charsets() -> Case {
    Case::new(
        "charsets",
        "CREATE TABLE t (k VARCHAR(20) CHARACTER SET latin1 PRIMARY KEY, l TEXT CHARACTER SET latin1, \
         c VARCHAR(40) CHARACTER SET cp1251, u VARCHAR(40) CHARACTER SET utf8mb4); \
         INSERT INTO t VALUES ('plain', 'déjà vu', 'Привет', 'Привет'), ('word', 'naïve €', 'мир', 'naïve'), \
         ('third', 'ÿ', 'ё', 'я')",
        "UPDATE t SET l = 'dèjà vu' WHERE k = 'plain'; UPDATE t SET c = 'Мир' WHERE k = 'word'; \
         UPDATE t SET c = 'е', u = 'Я' WHERE k = 'third'",
        vec![
            Expected::changed("k", "plain", &["l"]),
            Expected::changed("k", "word", &["c"]),
            Expected::changed("k", "third", &["c", "u"]),
        ],
    )
}

fn four_byte_text() -> Case {
    Case::new(
        "four-byte-text",
        "CREATE TABLE t (k VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY, v VARCHAR(20)); \
         INSERT INTO t VALUES ('😀', '😀'), ('😁', 'e\u{301}'), ('z', 'é')",
        "UPDATE t SET v = '😁' WHERE k = '😀'; UPDATE t SET v = 'é' WHERE k = '😁'",
        vec![Expected::changed("k", "😀", &["v"]), Expected::changed("k", "😁", &["v"])],
    )
}

/// CHAR loses its spaces, BINARY keeps its zero bytes.
fn padding() -> Case {
    Case::new(
        "padding",
        "CREATE TABLE t (id INT PRIMARY KEY, c CHAR(10), b BINARY(10), vb VARBINARY(10)); \
         INSERT INTO t VALUES (1, 'a', 'a', 'a'), (2, 'a  ', 'a', x'6100'), (3, '', '', '')",
        "UPDATE t SET b = 'a ' WHERE id = 1; UPDATE t SET vb = 'a' WHERE id = 2; UPDATE t SET c = NULL WHERE id = 3",
        vec![
            Expected::changed("id", 1, &["b"]),
            Expected::changed("id", 2, &["vb"]),
            Expected::changed("id", 3, &["c"]),
        ],
    )
}

fn bits_and_shapes() -> Case {
    Case::new(
        "bits-and-shapes",
        "CREATE TABLE t (id INT PRIMARY KEY, b BIT(64), s SET('a', 'b', 'c'), p POINT); \
         INSERT INTO t VALUES (1, b'1', 'a,c', ST_GeomFromText('POINT(1 2)')), \
         (2, x'FFFFFFFFFFFFFFFF', '', ST_GeomFromText('POINT(1 2)')), (3, NULL, NULL, NULL)",
        "UPDATE t SET p = ST_GeomFromText('POINT(2 1)'), b = b'0' WHERE id = 1; \
         UPDATE t SET b = x'7FFFFFFFFFFFFFFF', s = 'a' WHERE id = 2",
        vec![Expected::changed("id", 1, &["b", "p"]), Expected::changed("id", 2, &["b", "s"])],
    )
}
