//! What holds a run back, and that it says so.

use super::{SOON, name, on, shop};
use crate::harness::on_both;
use mysql::prelude::Queryable;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
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

        // One that stays stopped is given up, and named.
        topology.replica(0).sql("STOP REPLICA").unwrap();
        let outcome = on(&topology, &["--wait-timeout", "1s", "--exit-codes", "percona"]).run();
        assert_eq!(outcome.code, 128, "{}", outcome.stdout);
        assert_eq!(outcome.only("lag-timeout")["replica"], name(topology.replica(0)));
        topology.replica(0).sql("START REPLICA").unwrap();
        topology.wait_in_sync(SOON).unwrap();

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
        let over = AtomicBool::new(false);
        let (outcome, worst) = std::thread::scope(|scope| {
            let worst = scope.spawn(|| worst_lag(&topology, &over));
            let outcome = on(&topology, &["--chunk-time", "200ms", "--databases", "sbtest"]).run();
            over.store(true, Ordering::Relaxed);
            (outcome, worst.join().unwrap())
        });
        assert!(outcome.errors().is_empty() && outcome.findings().is_empty(), "{}", outcome.stdout);
        let longest =
            "SELECT COUNT(*), CAST(MAX(chunk_time) * 1000 AS UNSIGNED) FROM percona.checksums WHERE chunk > 0";
        let longest: Option<(u64, u64)> = topology.source().conn().unwrap().query_first(longest).unwrap();
        let (chunks, longest) = longest.unwrap();
        assert!(chunks > 2, "{chunks} chunks");
        // One second is allowed, and the time of one chunk comes on top. Half a second is for the measuring itself:
        // a beat is as old as its commit took, and threads of a loaded machine wake late.
        assert!(worst <= 1_000 + longest + 500, "the replica was {worst} ms behind, with chunks of {longest} ms");

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

/// The most milliseconds that the replica was behind until `over`: how old there the latest of the beats
/// is that the source writes meanwhile.
fn worst_lag(topology: &Topology, over: &AtomicBool) -> u64 {
    let (mut source, mut replica) = (topology.source().conn().unwrap(), topology.replica(0).conn().unwrap());
    source.query_drop("CREATE DATABASE pulse").unwrap();
    source.query_drop("CREATE TABLE pulse.beat (id INT PRIMARY KEY, at DATETIME(6) NOT NULL)").unwrap();
    source.query_drop("INSERT INTO pulse.beat VALUES (1, NOW(6))").unwrap();
    topology.wait_in_sync(SOON).unwrap();
    let mut worst = 0;
    while !over.load(Ordering::Relaxed) {
        source.query_drop("UPDATE pulse.beat SET at = NOW(6)").unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let age = "SELECT TIMESTAMPDIFF(MICROSECOND, at, NOW(6)) DIV 1000 FROM pulse.beat";
        let age: Option<i64> = replica.query_first(age).unwrap();
        worst = worst.max(u64::try_from(age.unwrap()).unwrap_or(0));
    }
    worst
}
