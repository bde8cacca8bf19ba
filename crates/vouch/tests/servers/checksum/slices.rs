//! A whole rotation of slices while rows come and go.

use super::{number, on, root, shop};
use crate::harness::{Vouch, on_both};
use vouch_testkit::{Server, Topology, drift};

const MODULO: &str = "7";

fn slice(topology: &Topology, words: &[&str]) -> Vouch {
    on(topology, &["--modulo", MODULO, "--chunk-size", "50"]).args(words)
}

fn status(topology: &Topology) -> Vouch {
    Vouch::checksum(&["status"]).source(&root(topology.source())).args(&["--databases", "shop"])
}

fn next(server: &Server) -> u64 {
    number(server, "SELECT next_offset FROM percona.checksums_rotation")
}

#[test]
fn a_rotation_covers_every_row_that_lives_through_it() {
    on_both(|flavor| {
        let topology = shop(flavor, 2_000);
        let refused = status(&topology).run();
        assert_eq!(refused.code, 2, "there is no table yet: {}", refused.stderr);
        let source = topology.source();
        let mut found = std::collections::BTreeSet::new();
        let mut differing = Vec::new();
        for run in 0..7_u64 {
            assert_eq!(run, if run == 0 { 0 } else { next(source) });
            // Rows come at the end and between, and others go; multiples of 100 stay, and differ on the replica.
            let sql = format!(
                "INSERT INTO shop.items SELECT id + 10000 + 1000 * {run}, name, n FROM shop.items WHERE id <= 300; \
                 DELETE FROM shop.items WHERE id % 100 <> 0 AND id % 7 = {run} AND id <= 2000"
            );
            source.sql(&sql).unwrap();
            topology.wait_in_sync(super::SOON).unwrap();
            if run == 0 {
                drift::sql(topology.replica(0), "UPDATE shop.items SET n = n + 1 WHERE id % 100 = 0 AND id <= 2000")
                    .unwrap();
                let marked =
                    topology.replica(0).query_strings("SELECT id FROM shop.items WHERE id % 100 = 0 AND id <= 2000");
                differing = marked.unwrap().into_iter().filter_map(|row| row[0].clone()?.parse::<u64>().ok()).collect();
                // A new rotation was cut with these rows in it.
            }
            let outcome = slice(&topology, &[]).run();
            assert!(outcome.code <= 1 && outcome.errors().is_empty(), "{}", outcome.stdout);
            for finding in outcome.findings() {
                let end = |side: &str| finding["chunk"][side].as_str().map(|text| text.parse::<u64>().unwrap());
                let inside =
                    |id: &&u64| end("lower").is_none_or(|low| **id > low) && end("upper").is_none_or(|up| **id <= up);
                found.extend(differing.iter().filter(inside).copied());
            }
            let code = status(&topology).run().code;
            assert_eq!(code, if run == 6 { 0 } else { 3 }, "after slice {run}");
        }
        assert_eq!(found.into_iter().collect::<Vec<_>>(), differing, "rows that lived through the rotation");
        assert_eq!(next(source), 0);
        let outcome = status(&topology).run().assert_code(0);
        let table = &outcome.document["coverage"]["rotation"]["tables"][0];
        assert_eq!(
            (table["table"].as_str(), table["verified"].as_u64()),
            (Some("shop.items"), table["chunks"].as_u64())
        );
        status(&topology).args(&["--max-age", "1ms"]).run().assert_code(3).only("slice-stale");
    });
}

#[test]
fn an_interrupted_slice_is_repeated_and_a_changed_modulo_is_noticed() {
    on_both(|flavor| {
        let topology = shop(flavor, 2_000);
        let source = topology.source();
        slice(&topology, &[]).run().assert_clean();
        assert_eq!(next(source), 1);
        let kept = number(source, "SELECT COUNT(*) FROM percona.checksums");

        // Locked rows keep chunk 8 of slice 1 from being written: the offset stays.
        let mut other = source.conn().unwrap();
        use mysql::prelude::Queryable;
        other.query_drop("BEGIN").unwrap();
        other.query_drop("SELECT * FROM shop.items WHERE id = 375 FOR UPDATE").unwrap();
        slice(&topology, &["--retries", "0"]).run().assert_code(3).only("chunk-skipped");
        assert_eq!(next(source), 1);
        other.query_drop("ROLLBACK").unwrap();
        slice(&topology, &[]).run().assert_clean();
        assert_eq!(next(source), 2);
        assert!(number(source, "SELECT COUNT(*) FROM percona.checksums") > kept, "results of other slices are kept");

        // An offset of one's own does not move ours, and one that cannot be is refused.
        slice(&topology, &["--offset", "5"]).run().assert_clean();
        assert_eq!(next(source), 2);
        source.sql("CREATE TABLE shop.turn (o INT PRIMARY KEY); INSERT INTO shop.turn VALUES (3)").unwrap();
        slice(&topology, &["--offset", "o FROM shop.turn"]).run();
        assert_eq!(number(source, "SELECT COUNT(*) FROM percona.checksums_slices WHERE slice = 3"), 1);
        slice(&topology, &["--offset", "7"]).run().assert_code(2);

        // Boundaries of a key that is no more are not used.
        source.sql("ALTER TABLE shop.items DROP PRIMARY KEY, ADD PRIMARY KEY (n, id)").unwrap();
        slice(&topology, &["--tables", "shop.items"]).run().assert_clean();
        let keys = source.query_strings("SELECT DISTINCT chunk_key FROM percona.checksums_chunks WHERE tbl = 'items'");
        assert_eq!(keys.unwrap(), [[Some("PRIMARY (n, id)".to_owned())]]);
        assert_eq!(next(source), 3);

        let outcome = on(&topology, &["--modulo", "5", "--chunk-size", "50"]).run();
        outcome.only("modulo-changed");
        assert_eq!(next(source), 1);
        assert_eq!(number(source, "SELECT modulo FROM percona.checksums_rotation"), 5);
        status(&topology).run().assert_code(3);
    });
}

#[test]
fn a_plan_names_slices_and_tables_without_an_index() {
    on_both(|flavor| {
        let topology = shop(flavor, 2_000);
        topology.source().sql("CREATE TABLE shop.heap (a INT); ANALYZE TABLE shop.items, shop.heap").unwrap();
        let source = root(topology.source());
        let plan = Vouch::new(&["checksum", "plan", "--slice-size", "32k", "--source", &source]);
        let human = plan.run().assert_code(0).stdout;
        assert!(human.contains("40 %") && human.contains("--modulo"), "{human}");
        let plan = Vouch::new(&["checksum", "plan", "--slice-size", "32k", "--source", &source, "--format", "json"]);
        let document = plan.run().assert_code(0).document;
        assert!(document["modulo"].as_u64().unwrap() > 1, "{document}");
        let heap = document["tables"].as_array().unwrap().iter().find(|table| table["table"] == "shop.heap").unwrap();
        assert!(heap["remark"].as_str().unwrap().contains("no suitable index"), "{heap}");
    });
}
