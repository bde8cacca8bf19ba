//! What holds a run back, and that it says so.

use super::{SOON, name, on, shop};
use crate::harness::on_both;
use mysql::prelude::Queryable;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use vouch_testkit::{Sysbench, Topology};

fn reasons(pauses: &[Value]) -> Vec<(String, String)> {
    let text = |pause: &Value, field: &str| pause[field].as_str().unwrap_or_default().to_owned();
    pauses.iter().map(|pause| (text(pause, "server"), text(pause, "reason"))).collect()
}

#[test]
fn a_stopped_replica_is_named_and_waited_for_and_load_holds_back() {
    on_both(|flavor| {
        let topology = shop(flavor, 3_000);
        topology.source().sql("CREATE DATABASE percona").unwrap();
        on(&topology, &[]).run().assert_clean();
        topology.replica(0).sql("STOP REPLICA").unwrap();
        let running = on(&topology, &["--chunk-size", "500", "--check-interval", "100ms"]).live();
        let mut running = running.spawn();
        running.until_it_says("replication is stopped");
        topology.replica(0).sql("START REPLICA").unwrap();
        let outcome = running.wait();
        assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
        let named = reasons(outcome.pauses()).iter().any(|(server, _)| *server == name(topology.replica(0)));
        assert!(named, "{:?}", outcome.pauses());

        let words = ["--max-load", "Threads_running=0", "--run-time", "1s", "--check-interval", "100ms"];
        let outcome = on(&topology, &words).run().assert_code(3);
        outcome.only("deadline-reached");
        let loaded = reasons(outcome.pauses()).iter().any(|(_, reason)| reason.starts_with("Threads_running"));
        assert!(loaded, "{:?}", outcome.pauses());
    });
}

#[test]
fn a_lagging_replica_holds_the_run_back_under_load() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let sysbench =
            Sysbench { tables: 2, rows: 20_000, quiet_rows: 0, threads: 1, rate: Some(20), ..Sysbench::default() };
        sysbench.prepare(topology.source()).unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let load = sysbench.run(topology.source()).unwrap();
        load.wait_for(20, SOON).unwrap();
        let (over, worst) = (AtomicBool::new(false), AtomicU64::new(0));
        let outcome = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    worst.fetch_max(behind(&topology), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
            let outcome = on(&topology, &["--chunk-time", "200ms", "--databases", "sbtest"]).run();
            over.store(true, Ordering::Relaxed);
            outcome
        });
        assert!(outcome.errors().is_empty() && outcome.findings().is_empty(), "{}", outcome.stdout);
        // One second is allowed, and the server counts in whole ones; the time of one chunk comes on top.
        let worst = worst.load(Ordering::Relaxed);
        assert!(worst <= 2, "the replica was {worst} s behind");

        // While the applier waits for a row, chunks do not arrive, and no more are written than fit the limit.
        drop(load);
        topology.wait_in_sync(SOON).unwrap();
        let mut lock = topology.replica(0).conn().unwrap();
        lock.query_drop("BEGIN").unwrap();
        lock.query_drop("SELECT * FROM percona.checksums WHERE tbl = 'sbtest1' AND chunk >= 3 FOR UPDATE").unwrap();
        let words =
            ["--max-lag", "500ms", "--chunk-size", "10", "--tables", "sbtest.sbtest1", "--no-empty-replicate-table"];
        let mut running = on(&topology, &words).live().spawn();
        running.until_it_says("on its way");
        lock.query_drop("ROLLBACK").unwrap();
        let outcome = running.wait();
        assert!(outcome.errors().is_empty() && outcome.findings().is_empty(), "{}", outcome.stdout);
        let lag = reasons(outcome.pauses()).iter().any(|(_, reason)| reason.starts_with("replica lag"));
        assert!(lag, "{:?}", outcome.pauses());
    });
}

/// Seconds that the replica is behind by its own account.
fn behind(topology: &Topology) -> u64 {
    let sql =
        if topology.flavor() == vouch_testkit::Flavor::Mysql { "SHOW REPLICA STATUS" } else { "SHOW SLAVE STATUS" };
    let row: Option<mysql::Row> = topology.replica(0).conn().unwrap().query_first(sql).unwrap();
    let row = row.unwrap();
    let names = ["Seconds_Behind_Source", "Seconds_Behind_Master"];
    names.iter().find_map(|name| row.get::<Option<u64>, _>(*name).flatten()).unwrap_or(0)
}
