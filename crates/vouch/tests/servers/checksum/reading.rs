//! Tables of checksums that others filled, and narrowing what differs to rows.

use super::{SOON, name, on, root, shop, tables_of};
use crate::harness::{Vouch, on_both};
use vouch_testkit::{Expected, drift};

/// The table as it was before 3.7, filled on both servers with what is in the new one.
const OLD: &str = "CREATE TABLE percona.old (db CHAR(64) NOT NULL, tbl CHAR(64) NOT NULL, chunk INT NOT NULL, \
    chunk_time FLOAT NULL, chunk_index VARCHAR(200) NULL, lower_boundary TEXT, upper_boundary TEXT, \
    this_crc CHAR(40) NOT NULL, this_cnt INT NOT NULL, master_crc CHAR(40) NULL, master_cnt INT NULL, \
    ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, PRIMARY KEY (db, tbl, chunk), \
    KEY ts_db_tbl (ts, db, tbl)) ENGINE=InnoDB DEFAULT CHARSET=latin1; \
    INSERT INTO percona.old SELECT * FROM percona.checksums";

#[test]
fn a_table_with_the_old_words_is_read_and_written() {
    on_both(|flavor| {
        let topology = shop(flavor, 2_000);
        drift::sql(topology.replica(0), "UPDATE shop.items SET n = n + 1 WHERE id IN (700, 701)").unwrap();
        let words = ["--chunk-size", "500", "--databases", "shop"];
        let outcome = on(&topology, &words).run().assert_code(1);
        let finding = outcome.only("chunk-differs");
        assert_eq!((&finding["chunk"]["number"], &finding["count"]), (&2.into(), &1.into()));
        topology.servers().iter().for_each(|server| drift::sql(server, OLD).unwrap());

        let check = ["check", "--replicate", "percona.old"];
        let outcome = on(&topology, &check).run().assert_code(1);
        assert_eq!(tables_of(&outcome, "chunk-differs", &name(topology.replica(0))), ["shop.items"]);
        assert_eq!(outcome.tables()[0]["chunks"], 4);
        let only = on(&topology, &["--replicate-check-only", "--replicate", "percona.old"]);
        let lines = only.args(&["--exit-codes", "percona"]).format("percona").run().assert_code(16);
        assert!(lines.stdout.contains("shop.items 2 0 1 PRIMARY 500 1000"), "{}", lines.stdout);

        // What did not arrive is not equal.
        drift::sql(
            topology.replica(0),
            "DELETE FROM percona.old WHERE chunk = 4; UPDATE percona.old SET ts = ts - INTERVAL 1 HOUR WHERE chunk = 3; \
             UPDATE shop.items SET n = n - 1 WHERE id IN (700, 701)",
        )
        .unwrap();
        drift::sql(topology.source(), "UPDATE percona.old SET master_cnt = NULL WHERE chunk = 1").unwrap();
        let outcome = on(&topology, &check).args(&["--replicate-check-retries", "0"]).run();
        let missing: Vec<_> = outcome.coded("checksum-missing").iter().map(|e| e["message"].to_string()).collect();
        assert_eq!(missing.len(), 2, "{}", outcome.stdout);
        assert!(missing.iter().any(|text| text.contains("2 checksums of shop.items did not arrive")), "{missing:?}");

        on(&topology, &words).args(&["--replicate", "percona.old"]).run().assert_clean();
        on(&topology, &check).run().assert_clean();
    });
}

#[test]
fn differing_chunks_are_narrowed_to_rows() {
    on_both(|flavor| {
        let topology = shop(flavor, 2_000);
        topology
            .source()
            .sql("CREATE TABLE shop.equal (id INT PRIMARY KEY); INSERT INTO shop.equal VALUES (1)")
            .unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let sql = "UPDATE shop.items SET n = n + 1 WHERE id IN (500, 501, 1999); DELETE FROM shop.items WHERE id = 1001; \
                   INSERT INTO shop.items VALUES (-5, 'early', 0), (9000, 'late', 0)";
        drift::sql(topology.replica(0), sql).unwrap();
        on(&topology, &["--chunk-size", "500"]).run().assert_code(1);
        let vouch = Vouch::compare().source(&root(topology.source())).replica(&root(topology.replica(0)));
        let outcome =
            vouch.args(&["--from-checksums", "percona.checksums", "--databases", "shop"]).run().assert_code(1);
        let expected = [
            Expected::replica_only("id", -5),
            Expected::changed("id", 500, &["n"]),
            Expected::changed("id", 501, &["n"]),
            Expected::source_only("id", 1001),
            Expected::changed("id", 1999, &["n"]),
            Expected::replica_only("id", 9000),
        ];
        outcome.assert_rows("shop.items", &expected);
        assert_eq!(outcome.table_names(), ["shop.items"], "what does not differ is not read");

        // One chunk alone: the rest of the table is not read.
        drift::sql(
            topology.replica(0),
            "DELETE FROM shop.items WHERE id IN (-5, 9000); \
            UPDATE shop.items SET n = n - 1 WHERE id IN (500, 501, 1999)",
        )
        .unwrap();
        on(&topology, &["--chunk-size", "500"]).run().assert_code(1);
        let vouch = Vouch::compare().source(&root(topology.source())).replica(&root(topology.replica(0)));
        let outcome = vouch.args(&["--from-checksums", "--databases", "shop"]).run().assert_code(1);
        outcome.assert_rows("shop.items", &[Expected::source_only("id", 1001)]);
        let rows = outcome.tables()[0]["rows"].as_u64().unwrap();
        assert!((500..=502).contains(&rows), "{rows} rows were read");
    });
}
