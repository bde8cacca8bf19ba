//! How far a finding is shown: proven, confirmed, or not at all.

use crate::harness::{Outcome, Vouch, on_both};
use mysql::prelude::Queryable;
use std::time::Duration;
use vouch_testkit::{Expected, Load, PASSWORD, SELECT_ONLY, Topology, drift};

const IN_SYNC: Duration = Duration::from_secs(60);

#[test]
fn findings_are_as_certain_as_privileges_allow() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        topology
            .source()
            .sql(
                "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); \
                 INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3), (4, 4); \
                 CREATE TABLE d.named (k VARCHAR(20) PRIMARY KEY, v INT); INSERT INTO d.named VALUES ('a', 1), ('b', 2)",
            )
            .unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        let drifted = "UPDATE d.t SET v = 0 WHERE id = 2; DELETE FROM d.t WHERE id = 3; INSERT INTO d.t VALUES (9, 9); \
             UPDATE d.named SET v = 0 WHERE k = 'b'";
        drift::sql(topology.replica(0), drifted).unwrap();
        let by = |outcome: Outcome, kind: &str, how: Option<&str>| all_by(&outcome, kind, how);
        by(Vouch::of(&topology).run(), "proven", Some("binlog window"));
        by(Vouch::of(&topology).args(&["--proof", "lock"]).run(), "proven", Some("shared lock"));
        by(Vouch::of(&topology).args(&["--proof", "none"]).run(), "confirmed", None);
        by(least(&topology).run(), "confirmed", None);
        by(least(&topology).args(&["--proof", "lock"]).run(), "proven", Some("shared lock"));
    });
}

/// The same servers for the account that may SELECT alone.
fn least(topology: &Topology) -> Vouch {
    let [source, replica] = [topology.source(), topology.replica(0)].map(|server| server.url(SELECT_ONLY, PASSWORD));
    Vouch::compare().source(&source).replica(&replica)
}

#[track_caller]
fn all_by(outcome: &Outcome, kind: &str, how: Option<&str>) {
    let outcome = outcome.clone().assert_code(1);
    let (two, three, nine) =
        (Expected::changed("id", 2, &["v"]), Expected::source_only("id", 3), Expected::replica_only("id", 9));
    outcome.assert_rows("d.t", &[two, three, nine]);
    outcome.assert_rows("d.named", &[Expected::changed("k", "b", &["v"])]);
    for finding in outcome.findings() {
        let proof = &finding["proof"];
        assert_eq!((proof["kind"].as_str(), proof["how"].as_str()), (Some(kind), how), "{finding}");
    }
}

/// A row that never stands still while it also differs in a column that replication does not write:
/// it can neither be cleared nor accused. A row beside it can.
#[test]
fn a_hot_key_is_unproven() {
    on_both(|flavor| {
        let topology = Topology::builder(flavor).unwrap().args(&["--binlog-row-image=MINIMAL"]).start().unwrap();
        let source = topology.source();
        source
            .sql(
                "CREATE DATABASE d; CREATE TABLE d.queue (id INT PRIMARY KEY, payload BIGINT, mark INT); \
                 INSERT INTO d.queue VALUES (1, 0, 0), (2, 0, 0)",
            )
            .unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        drift::sql(topology.replica(0), "UPDATE d.queue SET mark = 1 WHERE id = 1").unwrap();
        let load = Load::custom(source, 2, Duration::from_micros(500), |conn, _, _| {
            conn.query_drop("UPDATE d.queue SET payload = payload + 1 WHERE id = 1")
        });
        let load = load.unwrap();
        load.wait_for(20, Duration::from_secs(30)).unwrap();
        let hot = || Vouch::of(&topology).args(&["--hot-deadline", "2s", "--confirm-after", "300ms"]);
        let outcome = hot().run().assert_code(3);
        let error = outcome.only_of("key-hot", "d.queue");
        assert_eq!((&error["key"][0]["column"], &error["key"][0]["value"]), (&"id".into(), &"1".into()));
        assert_eq!((outcome.states(), outcome.errors().len()), (vec!["unproven".to_owned()], 1));
        assert!(outcome.findings().is_empty(), "{}", outcome.stdout);
        drift::sql(topology.replica(0), "UPDATE d.queue SET mark = 1 WHERE id = 2").unwrap();
        let outcome = hot().run().assert_code(1);
        outcome.assert_rows("d.queue", &[Expected::changed("id", 2, &["mark"])]);
        assert_eq!(outcome.only_of("key-hot", "d.queue")["key"][0]["value"], "1");
        load.stop();
        topology.wait_in_sync(IN_SYNC).unwrap();
        let both = [1, 2].map(|id| Expected::changed("id", id, &["mark"]));
        Vouch::of(&topology).run().assert_code(1).assert_rows("d.queue", &both);
    });
}
