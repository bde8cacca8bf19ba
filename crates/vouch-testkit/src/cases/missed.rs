//! What checksums of today miss: each reproduced with an exit code of 0 and "no differences".

use super::Case;
use crate::DiffKind::{ReplicaOnly, SourceOnly};
use crate::{Expected, numbers};

pub(super) fn cases() -> Vec<Case> {
    vec![
        swapped_balances(),
        same_datetime_change(),
        duplicates_replaced(),
        row_between_chunks(),
        rows_beyond_the_ends(),
        null_keys(),
        ambiguous_separator(),
        null_against_empty(),
        empty_on_the_source(),
        empty_on_the_replica(),
    ]
}

/// `BIT_XOR(CRC32(row))` is linear: swaps of equal length cancel.
fn swapped_balances() -> Case {
    Case::new(
        "swapped-balances",
        format!(
            "CREATE TABLE t (id INT PRIMARY KEY, owner VARCHAR(30) NOT NULL, balance INT NOT NULL); \
             INSERT INTO t SELECT n, CONCAT('owner ', LPAD(n, 6, '0')), 1000 + n FROM {}",
            numbers(3_000)
        ),
        "UPDATE t SET balance = 2003 - balance WHERE id IN (1, 2)",
        vec![Expected::changed("id", 1, &["balance"]), Expected::changed("id", 2, &["balance"])],
    )
}

/// The same change on an even number of rows cancels.
fn same_datetime_change() -> Case {
    Case::new(
        "same-datetime-change",
        format!(
            "CREATE TABLE t (id INT PRIMARY KEY, at DATETIME NOT NULL); \
             INSERT INTO t SELECT 10000 + n, '2024-01-01 00:00:00' FROM {}",
            numbers(3_000)
        ),
        "UPDATE t SET at = '2024-01-02 00:00:00' WHERE id IN (10100, 10101)",
        vec![Expected::changed("id", 10100, &["at"]), Expected::changed("id", 10101, &["at"])],
    )
}

/// Duplicates cancel under XOR.
fn duplicates_replaced() -> Case {
    Case::new(
        "duplicates-replaced",
        format!(
            "CREATE TABLE t (a INT NOT NULL, b VARCHAR(20)); \
             INSERT INTO t SELECT 100 + n, 'other' FROM {}; INSERT INTO t VALUES (1, 'x'), (1, 'x')",
            numbers(1_000)
        ),
        "UPDATE t SET a = 2, b = 'y' WHERE a = 1",
        vec![Expected::multiset(SourceOnly, 2), Expected::multiset(ReplicaOnly, 2)],
    )
}

/// Intervals closed at keys of the source leave gaps that belong to nobody.
fn row_between_chunks() -> Case {
    Case::new(
        "row-between-chunks",
        format!(
            "CREATE TABLE t (id INT PRIMARY KEY, v INT); \
             INSERT INTO t SELECT IF(n <= 1000, n, n + 1000), n FROM {}",
            numbers(2_000)
        ),
        "INSERT INTO t VALUES (1500, 0)",
        vec![Expected::replica_only("id", 1500)],
    )
}

fn rows_beyond_the_ends() -> Case {
    Case::new(
        "rows-beyond-the-ends",
        format!("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t SELECT n, n FROM {}", numbers(2_000)),
        "INSERT INTO t VALUES (-2147483648, 0), (-7, 0), (2147483647, 0)",
        [-2147483648, -7, 2147483647].map(|id| Expected::replica_only("id", id)).to_vec(),
    )
}

/// `NULL <= x` is never true.
fn null_keys() -> Case {
    Case::new(
        "null-keys",
        format!(
            "CREATE TABLE t (k INT NULL, v INT, UNIQUE KEY (k)); INSERT INTO t SELECT n, n FROM {}; \
             INSERT INTO t VALUES (NULL, 1), (NULL, 2), (NULL, 3), (NULL, 3)",
            numbers(2_000)
        ),
        "DELETE FROM t WHERE k IS NULL AND v = 2; INSERT INTO t VALUES (NULL, 4), (NULL, 3)",
        vec![Expected::multiset(SourceOnly, 1), Expected::multiset(ReplicaOnly, 2)],
    )
}

fn ambiguous_separator() -> Case {
    Case::new(
        "ambiguous-separator",
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b VARCHAR(20)); \
         INSERT INTO t VALUES (1, 'a#b', 'c'), (2, 'x', 'y#'), (3, '', 'z')",
        "UPDATE t SET a = 'a', b = 'b#c' WHERE id = 1; UPDATE t SET a = 'z', b = '' WHERE id = 3",
        vec![Expected::changed("id", 1, &["a", "b"]), Expected::changed("id", 3, &["a", "b"])],
    )
}

/// Concatenation drops NULLs, and a NULL may move from one column to the next.
fn null_against_empty() -> Case {
    Case::new(
        "null-against-empty",
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b VARCHAR(20)); \
         INSERT INTO t VALUES (1, NULL, 'x'), (2, '', ''), (3, NULL, NULL), (4, '0', NULL)",
        "UPDATE t SET a = 'x', b = NULL WHERE id = 1; UPDATE t SET a = NULL WHERE id = 2; \
         UPDATE t SET b = '' WHERE id = 3",
        vec![
            Expected::changed("id", 1, &["a", "b"]),
            Expected::changed("id", 2, &["a"]),
            Expected::changed("id", 3, &["b"]),
        ],
    )
}

fn empty_on_the_source() -> Case {
    Case::new(
        "empty-on-the-source",
        "CREATE TABLE t (id INT PRIMARY KEY, v INT)",
        "INSERT INTO t VALUES (1, 1), (2, 2)",
        vec![Expected::replica_only("id", 1), Expected::replica_only("id", 2)],
    )
}

fn empty_on_the_replica() -> Case {
    Case::new(
        "empty-on-the-replica",
        "CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1), (2, 2)",
        "DELETE FROM t",
        vec![Expected::source_only("id", 1), Expected::source_only("id", 2)],
    )
}
