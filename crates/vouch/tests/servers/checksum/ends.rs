//! Where chunks end that nobody gave a size, along keys of whole numbers of all sorts.

use super::{SOON, name, number, on, tables_of};
use crate::harness::on_both;
use vouch_testkit::{Server, Topology, drift, numbers};

/// Tables and their keys from a number n up to 20,000.
const KEYS: [(&str, &str, &str); 5] = [
    ("dense", "INT", "n"),
    // Five of nine numbers, which ones is anybody's guess: an end that is computed is seldom a key.
    ("gappy", "BIGINT", "CAST(9 * (n DIV 5) + n % 5 + CRC32(n DIV 5 + 6) % 5 AS SIGNED) - 9000"),
    ("sparse", "INT", "n * 9"),
    ("far", "INT", "IF(n > 15000, 2000000000 + n, n)"),
    ("huge", "BIGINT UNSIGNED", "18446744073709551615 - 20000 + n"),
];

/// Whether the chunks of a table touch, have open ends, and have all of its rows.
fn assert_covered(source: &Server, table: &str) {
    let of = format!("percona.checksums c WHERE c.db = 'ends' AND c.tbl = '{table}'");
    let chunks = number(source, &format!("SELECT COUNT(*) FROM {of}"));
    let touching = format!(
        "SELECT COUNT(*) FROM percona.checksums d JOIN {of} AND d.db = c.db AND d.tbl = c.tbl \
         AND d.chunk = c.chunk + 1 AND d.lower_boundary = c.upper_boundary"
    );
    assert_eq!(number(source, &touching), chunks - 1, "{table}");
    let open = format!("SELECT SUM(lower_boundary IS NULL) * 100 + SUM(upper_boundary IS NULL) FROM {of}");
    assert_eq!(number(source, &open), 101, "{table}");
    assert_eq!(number(source, &format!("SELECT SUM(this_cnt) FROM {of}")), 20_000, "{table}");
    assert!(chunks > 3, "{table}: {chunks}");
}

/// Chunks of a table that end where no row is.
fn between_rows(source: &Server, table: &str) -> u64 {
    let sql = format!(
        "SELECT COUNT(*) FROM percona.checksums WHERE db = 'ends' AND tbl = '{table}' AND upper_boundary IS NOT NULL \
         AND upper_boundary NOT IN (SELECT CONCAT(id) FROM ends.{table})"
    );
    number(source, &sql)
}

#[test]
fn chunks_cover_every_key_whether_their_ends_are_computed_or_counted() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let source = topology.source();
        source.sql("CREATE DATABASE ends").unwrap();
        for (table, kind, key) in KEYS {
            let rows = numbers(20_000);
            let sql = format!(
                "CREATE TABLE ends.{table} (id {kind} PRIMARY KEY, v INT); INSERT INTO ends.{table} SELECT {key}, n FROM {rows}"
            );
            source.sql(&sql).unwrap();
        }
        topology.wait_in_sync(SOON).unwrap();
        let words = ["--databases", "ends"];
        on(&topology, &words).run().assert_clean();
        KEYS.iter().for_each(|(table, _, _)| assert_covered(source, table));
        assert!(between_rows(source, "gappy") > 0, "nothing was computed");
        assert_eq!(between_rows(source, "sparse"), 0, "so few keys are counted");

        // Before the first key, between two, far from all, and after the last one.
        let replica = topology.replica(0);
        for (table, id) in [("dense", "-5"), ("gappy", "31001"), ("sparse", "100"), ("far", "1000000"), ("huge", "7")] {
            drift::sql(replica, &format!("INSERT INTO ends.{table} VALUES ({id}, 1)")).unwrap();
        }
        let outcome = on(&topology, &words).run().assert_code(1);
        let mut found = tables_of(&outcome, "chunk-differs", &name(replica));
        found.sort_unstable();
        assert_eq!(found, ["ends.dense", "ends.far", "ends.gappy", "ends.huge", "ends.sparse"], "{}", outcome.stdout);
    });
}
