//! Filters of replicas and of the source's own log: named, with what to do about them.

use crate::harness::{Vouch, full, on_both};
use std::time::Duration;
use vouch_testkit::{Expected, Flavor, Topology, drift};

const SOON: Duration = Duration::from_secs(60);

/// A replica that renames a database was reported as lacking every table of it, and having others, without a word of
/// the rule; and a log that leaves a database out "proved" that nobody changed its rows.
#[test]
fn filters_are_named_and_prove_nothing() {
    on_both(|flavor| {
        let rewrite = match flavor {
            Flavor::Mysql => "--replicate-rewrite-db=shop->branch",
            Flavor::Mariadb => "--replicate-rewrite-db=shop->branch",
        };
        let topology = Topology::builder(flavor)
            .unwrap()
            .source_args(&["--binlog-ignore-db=unlogged"])
            .replica_args(&[rewrite])
            .start()
            .unwrap();
        let (source, replica) = (topology.source(), topology.replica(0));
        let unlogged = "CREATE DATABASE unlogged; USE unlogged; CREATE TABLE unlogged.t (id INT PRIMARY KEY, v INT); \
            INSERT INTO unlogged.t VALUES (1, 1), (2, 2)";
        source.sql(unlogged).unwrap();
        drift::sql(replica, &format!("{unlogged}; CREATE DATABASE branch")).unwrap();
        source
            .sql(
                "CREATE DATABASE shop; USE shop; CREATE TABLE t (id INT PRIMARY KEY, v INT); \
                 INSERT INTO t VALUES (1, 1), (2, 2)",
            )
            .unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let look = |args: &[&str]| {
            let vouch = Vouch::compare().source(&full(source)).replica(&full(replica));
            vouch.args(&["--confirm-after", "100ms"]).args(args).run()
        };
        let outcome = look(&["--databases", "shop,unlogged"]);
        let filter = outcome.only("replication-filter")["message"].as_str().unwrap().to_owned();
        assert!(filter.contains("Replicate_Rewrite_DB") && filter.contains("--map shop=branch"), "{filter}");
        let log = outcome.only("binlog-filter")["message"].as_str().unwrap().to_owned();
        assert!(log.contains("binlog-ignore-db=unlogged"), "{log}");
        look(&["--databases", "shop", "--map", "shop=branch"]).assert_clean();
        drift::sql(replica, "UPDATE unlogged.t SET v = 7 WHERE id = 1; UPDATE branch.t SET v = 7 WHERE id = 2")
            .unwrap();
        let outcome = look(&["--databases", "unlogged"]).assert_code(1);
        outcome.assert_rows("unlogged.t", &[Expected::changed("id", 1, &["v"])]);
        assert_eq!(outcome.only("row-changed")["proof"]["kind"], "confirmed");
        let outcome = look(&["--databases", "shop", "--map", "shop=branch"]).assert_code(1);
        assert_eq!(outcome.only("row-changed")["proof"]["kind"], "proven");
    });
}
