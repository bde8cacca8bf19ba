//! Keys along which a table is hard to cut, or by which rows are hard to tell apart.

use super::Case;
use crate::DiffKind::{Changed, ReplicaOnly, SourceOnly};
use crate::{Expected, Flavor, numbers};

pub(super) fn cases(flavor: Flavor) -> Vec<Case> {
    let mut cases = vec![
        no_key(),
        null_only_keys(),
        duplicates_of_an_index(),
        collation_order(),
        keys_that_differ_in_case(),
        composite(),
        enumerated(),
        binary(),
        varbinary(),
        unsigned(),
        descending(),
        prefix(),
        decimal(),
        float(),
        partitioned(),
    ];
    cases.push(functional(flavor));
    cases.push(if flavor == Flavor::Mysql { invisible_primary_key() } else { uuid() });
    cases
}

fn no_key() -> Case {
    Case::new(
        "no-key",
        format!("CREATE TABLE t (a INT, b VARCHAR(20)); INSERT INTO t SELECT n DIV 3, 'same' FROM {}", numbers(3_000)),
        "DELETE FROM t WHERE a = 500 LIMIT 1; INSERT INTO t VALUES (600, 'same'), (NULL, NULL)",
        vec![Expected::multiset(SourceOnly, 1), Expected::multiset(ReplicaOnly, 2)],
    )
}

fn null_only_keys() -> Case {
    Case::new(
        "null-only-keys",
        format!(
            "CREATE TABLE t (a INT, b INT, v INT, UNIQUE KEY (a, b)); INSERT INTO t SELECT NULL, NULL, n FROM {}; \
             INSERT INTO t SELECT n, NULL, n FROM {}",
            numbers(1_000),
            numbers(1_000)
        ),
        "DELETE FROM t WHERE a IS NULL AND v = 17; UPDATE t SET v = 0 WHERE a = 400 AND b IS NULL",
        vec![Expected::multiset(SourceOnly, 2), Expected::multiset(ReplicaOnly, 1)],
    )
}

/// The only index has a run of equal keys that is longer than any chunk should be.
fn duplicates_of_an_index() -> Case {
    Case::new(
        "duplicates-of-an-index",
        format!(
            "CREATE TABLE t (a INT, b INT, KEY (a)); INSERT INTO t SELECT IF(n <= 2500, 7, n), n FROM {}",
            numbers(3_000)
        ),
        "DELETE FROM t WHERE b = 1234; UPDATE t SET b = -1 WHERE b = 2900",
        vec![Expected::multiset(SourceOnly, 2), Expected::multiset(ReplicaOnly, 1)],
    )
}

fn collation_order() -> Case {
    Case::new(
        "collation-order",
        format!(
            "CREATE TABLE t (k VARCHAR(40) COLLATE utf8mb4_unicode_ci PRIMARY KEY, v INT); \
             INSERT INTO t VALUES ('a', 1), ('B', 1), ('c', 1), ('Z', 1), ('zz', 1), ('ö', 1), ('öl', 1), ('ﬁ', 1), \
             ('Ж', 1), ('日本', 1), ('_', 1), ('-', 1), ('', 1); \
             INSERT INTO t SELECT CONCAT(IF(n % 2, 'key ', 'KEY '), n), n FROM {}",
            numbers(2_000)
        ),
        "UPDATE t SET v = 2 WHERE k = 'ö'; DELETE FROM t WHERE k IN ('Z', ''); INSERT INTO t VALUES ('Ähre', 1)",
        vec![
            Expected::changed("k", "ö", &["v"]),
            Expected::source_only("k", "Z"),
            Expected::source_only("k", ""),
            Expected::replica_only("k", "Ähre"),
        ],
    )
}

/// The collation calls the keys equal, and the stored bytes are not.
fn keys_that_differ_in_case() -> Case {
    Case::new(
        "keys-that-differ-in-case",
        "CREATE TABLE t (k VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT); \
         INSERT INTO t VALUES ('abc', 1), ('def', 1), ('ghi', 1)",
        "UPDATE t SET k = 'ABC' WHERE k = 'abc'; UPDATE t SET k = 'def ' WHERE k = 'def'",
        vec![
            Expected::source_only("k", "abc"),
            Expected::replica_only("k", "ABC"),
            Expected::source_only("k", "def"),
            Expected::replica_only("k", "def "),
        ],
    )
}

fn composite() -> Case {
    let key = |a: &'static str, b: &'static str, c: &'static str| [("a", a), ("b", b), ("c", c)];
    Case::new(
        "composite-key",
        format!(
            "CREATE TABLE t (v INT, c DATE, b INT, a VARCHAR(20), PRIMARY KEY (a, b, c)); \
             INSERT INTO t SELECT n, DATE_ADD('2024-01-01', INTERVAL n DAY), n DIV 10, CONCAT('g', n % 7) FROM {}",
            numbers(3_000)
        ),
        "UPDATE t SET v = 0 WHERE a = 'g0' AND b = 0; INSERT INTO t VALUES (1, '2024-01-01', -5, 'g3'); \
         DELETE FROM t WHERE a = 'g6' AND b = 299",
        vec![
            Expected::keyed(Changed, &key("g0", "0", "2024-01-08"), &["v"]),
            Expected::keyed(ReplicaOnly, &key("g3", "-5", "2024-01-01"), &[]),
            Expected::keyed(SourceOnly, &key("g6", "299", "2032-03-14"), &[]),
        ],
    )
}

/// An ENUM sorts by number and is shown by name.
fn enumerated() -> Case {
    let key = |e: &'static str, n: &'static str| [("e", e), ("n", n)];
    Case::new(
        "enum-key",
        format!(
            "CREATE TABLE t (e ENUM('gamma', 'alpha', 'beta'), n INT, v INT, PRIMARY KEY (e, n)); \
             INSERT INTO t SELECT 1 + n % 3, n, n FROM {}",
            numbers(3_000)
        ),
        "UPDATE t SET v = 0 WHERE e = 'alpha' AND n = 1; DELETE FROM t WHERE e = 'gamma' AND n = 2997; \
         INSERT INTO t VALUES ('beta', 9999, 1)",
        vec![
            Expected::keyed(Changed, &key("alpha", "1"), &["v"]),
            Expected::keyed(SourceOnly, &key("gamma", "2997"), &[]),
            Expected::keyed(ReplicaOnly, &key("beta", "9999"), &[]),
        ],
    )
}

fn binary() -> Case {
    Case::new(
        "binary-key",
        format!(
            "CREATE TABLE t (k BINARY(4) PRIMARY KEY, v INT); \
             INSERT INTO t SELECT UNHEX(LPAD(HEX((n * 2654435761) % 4294967296), 8, '0')), n FROM {}; \
             INSERT IGNORE INTO t VALUES (x'00000000', 1), (x'FFFFFFFF', 1), (x'FF27225C', 1), (x'800A0D1A', 1), \
             (x'60802C00', 1)",
            numbers(2_000)
        ),
        "UPDATE t SET v = 0 WHERE k = x'FF27225C'; DELETE FROM t WHERE k = x'FFFFFFFF'; \
         UPDATE t SET v = 0 WHERE k = x'800A0D1A'; INSERT INTO t VALUES (x'FE000000', 1)",
        vec![
            Expected::changed("k", "0xFF27225C", &["v"]),
            Expected::changed("k", "0x800A0D1A", &["v"]),
            Expected::source_only("k", "0xFFFFFFFF"),
            Expected::replica_only("k", "0xFE000000"),
        ],
    )
}

/// Keys that are prefixes of others and end in zero bytes.
fn varbinary() -> Case {
    Case::new(
        "varbinary-key",
        "CREATE TABLE t (k VARBINARY(20) PRIMARY KEY, v INT); \
         INSERT INTO t VALUES (x'', 1), (x'00', 1), (x'0000', 1), (x'FF', 1), (x'FF00', 1), (x'FFFF', 1), (x'FF20', 1)",
        "UPDATE t SET v = 0 WHERE k = x'FF00'; DELETE FROM t WHERE k = x'FF20'; INSERT INTO t VALUES (x'FF0000', 1)",
        vec![
            Expected::changed("k", "0xFF00", &["v"]),
            Expected::source_only("k", "0xFF20"),
            Expected::replica_only("k", "0xFF0000"),
        ],
    )
}

fn unsigned() -> Case {
    Case::new(
        "bigint-unsigned-key",
        format!(
            "CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, v INT); INSERT INTO t SELECT n, n FROM {0}; \
             INSERT INTO t SELECT 18446744073709551615 - n * 1000, n FROM {0}; \
             INSERT INTO t VALUES (0, 1), (9223372036854775807, 1), (9223372036854775808, 1), (18446744073709551615, 1)",
            numbers(1_000)
        ),
        "UPDATE t SET v = 0 WHERE id IN (18446744073709551615, 9223372036854775808); \
         DELETE FROM t WHERE id = 18446744073709550615; INSERT INTO t VALUES (9223372036854775809, 1)",
        vec![
            Expected::changed("id", "18446744073709551615", &["v"]),
            Expected::changed("id", "9223372036854775808", &["v"]),
            Expected::source_only("id", "18446744073709550615"),
            Expected::replica_only("id", "9223372036854775809"),
        ],
    )
}

fn descending() -> Case {
    let key = |a: &'static str, b: &'static str| [("a", a), ("b", b)];
    Case::new(
        "descending-key",
        format!(
            "CREATE TABLE t (a INT, b INT, v INT, PRIMARY KEY (a DESC, b)); \
             INSERT INTO t SELECT n DIV 10, n % 10, n FROM {}",
            numbers(3_000)
        ),
        "UPDATE t SET v = 0 WHERE a = 0 AND b = 1; DELETE FROM t WHERE a = 300; INSERT INTO t VALUES (150, 77, 1), (301, 0, 1)",
        vec![
            Expected::keyed(Changed, &key("0", "1"), &["v"]),
            Expected::keyed(SourceOnly, &key("300", "0"), &[]),
            Expected::keyed(ReplicaOnly, &key("150", "77"), &[]),
            Expected::keyed(ReplicaOnly, &key("301", "0"), &[]),
        ],
    )
}

/// A unique prefix holds no whole value, so it cannot bound a chunk.
fn prefix() -> Case {
    Case::new(
        "prefix-index",
        format!(
            "CREATE TABLE t (name VARCHAR(100) NOT NULL, v INT, UNIQUE KEY (name(8))); \
             INSERT INTO t SELECT CONCAT(LPAD(n, 8, '0'), ' tail'), n FROM {}",
            numbers(2_000)
        ),
        "UPDATE t SET name = '00000123 other' WHERE name = '00000123 tail'; DELETE FROM t WHERE v = 1500",
        vec![Expected::multiset(SourceOnly, 2), Expected::multiset(ReplicaOnly, 1)],
    )
}

fn decimal() -> Case {
    Case::new(
        "decimal-key",
        format!(
            "CREATE TABLE t (k DECIMAL(40,10) PRIMARY KEY, v INT); INSERT INTO t SELECT n / 8 - 100, n FROM {}; \
             INSERT INTO t VALUES (123456789012345678901234567890.0000000001, 1), \
             (123456789012345678901234567890.0000000002, 1)",
            numbers(2_000)
        ),
        "UPDATE t SET v = 0 WHERE k = 123456789012345678901234567890.0000000002; DELETE FROM t WHERE k = -99.875",
        vec![
            Expected::changed("k", "123456789012345678901234567890.0000000002", &["v"]),
            Expected::source_only("k", "-99.8750000000"),
        ],
    )
}

/// A FLOAT is not found again by its text.
fn float() -> Case {
    Case::new(
        "float-key",
        "CREATE TABLE t (k FLOAT PRIMARY KEY, v INT); INSERT INTO t VALUES (1.1, 1), (2.2, 1), (0.3, 1), (-7.7, 1)",
        "UPDATE t SET v = 0 WHERE k BETWEEN 1.05 AND 1.15; DELETE FROM t WHERE k < 0",
        vec![Expected::changed("k", "1.1", &["v"]), Expected::source_only("k", "-7.7")],
    )
}

fn partitioned() -> Case {
    Case::new(
        "partitions",
        format!(
            "CREATE TABLE t (id INT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 4; \
             INSERT INTO t SELECT n, n FROM {}",
            numbers(2_000)
        ),
        "UPDATE t SET v = 0 WHERE id IN (4, 5, 6); DELETE FROM t WHERE id = 1999; INSERT INTO t VALUES (5003, 1)",
        vec![
            Expected::changed("id", 4, &["v"]),
            Expected::changed("id", 5, &["v"]),
            Expected::changed("id", 6, &["v"]),
            Expected::source_only("id", 1999),
            Expected::replica_only("id", 5003),
        ],
    )
}

/// Unique over an expression: no column bounds a chunk. MariaDB says it by a generated column.
fn functional(flavor: Flavor) -> Case {
    let (create, expected) = match flavor {
        Flavor::Mysql => (
            "CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, UNIQUE KEY s ((a + b)))",
            vec![Expected::multiset(SourceOnly, 1), Expected::multiset(ReplicaOnly, 1)],
        ),
        Flavor::Mariadb => (
            "CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, s INT AS (a + b) PERSISTENT, UNIQUE KEY s (s))",
            vec![Expected::multiset(SourceOnly, 1), Expected::multiset(ReplicaOnly, 1)],
        ),
    };
    let create = format!("{create}; INSERT INTO t (a, b) SELECT n, n FROM {}", numbers(2_000));
    Case::new("functional-index", create, "UPDATE t SET a = a + 1, b = b - 1 WHERE a = 1000", expected)
}

fn invisible_primary_key() -> Case {
    Case::new(
        "generated-invisible-primary-key",
        format!(
            "SET SESSION sql_generate_invisible_primary_key = ON; CREATE TABLE t (v INT); \
             INSERT INTO t (v) SELECT n FROM {} ORDER BY n",
            numbers(2_000)
        ),
        "UPDATE t SET v = 0 WHERE my_row_id = 5; DELETE FROM t WHERE my_row_id = 1999",
        vec![Expected::changed("my_row_id", 5, &["v"]), Expected::source_only("my_row_id", 1999)],
    )
}

fn uuid() -> Case {
    Case::new(
        "uuid-key",
        format!(
            "CREATE TABLE t (k UUID PRIMARY KEY, v INT); \
             INSERT INTO t SELECT CONCAT(LPAD(HEX(n * 7919), 8, '0'), '-0000-1000-8000-00000000000', n % 10), n FROM {}",
            numbers(2_000)
        ),
        "UPDATE t SET v = 0 WHERE v = 1; DELETE FROM t WHERE v = 1999",
        vec![
            Expected::changed("k", "00001eef-0000-1000-8000-000000000001", &["v"]),
            Expected::source_only("k", "00f18c41-0000-1000-8000-000000000009"),
        ],
    )
}
