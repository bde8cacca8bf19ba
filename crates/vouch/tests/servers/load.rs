//! No false alarm under a write load, and nothing missed under it: replicas that
//! follow, that stop for a while, that are late on purpose; with and without semi-sync.
//!
//! Two loads write: sysbench `oltp_read_write`, and a hot queue that inserts and
//! deletes the same few rows. Drift is put on rows that neither touches.

use crate::harness::{Outcome, Vouch, full, on_both};
use mysql::prelude::Queryable;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use vouch_testkit::drift::{self, Drifted, Table};
use vouch_testkit::{Expected, FULL, Flavor, Load, PASSWORD, Proxy, Sysbench, Topology, mismatches, poll};

/// Rows of each table that the load changes; the quiet ones come after them.
const BUSY: u64 = 10_000;
const QUIET: u64 = 1_000;
const COMPARES: usize = 20;
const DRIFTS: u64 = 50;
const SOON: Duration = Duration::from_secs(60);

/// `tables` tables and two connections, at most `rate` transactions a second.
fn sysbench(tables: u32, rate: Option<u32>) -> Sysbench {
    Sysbench { tables, rows: BUSY, quiet_rows: QUIET, threads: 2, rate, ..Sysbench::default() }
}

/// Makes the tables and waits until the replica has them.
fn prepare(topology: &Topology, sysbench: &Sysbench) {
    sysbench.prepare(topology.source()).unwrap();
    let queue = "CREATE DATABASE hot; CREATE TABLE hot.queue \
                 (id INT PRIMARY KEY, payload VARCHAR(64) NOT NULL, queued_at DATETIME(6) NOT NULL)";
    topology.source().sql(queue).unwrap();
    topology.wait_in_sync(SOON).unwrap();
}

/// Inserts and deletes the same four rows. While `held`, it rests.
fn queue(topology: &Topology, pause: Duration, held: Arc<AtomicBool>) -> Load {
    let step = move |conn: &mut mysql::Conn, _, n: u64| {
        if held.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(2));
            return Ok(());
        }
        conn.query_drop(format!("REPLACE INTO hot.queue VALUES ({}, 'job {n}', NOW(6))", n % 4))?;
        conn.query_drop(format!("DELETE FROM hot.queue WHERE id = {}", n % 4))
    };
    Load::custom(topology.source(), 1, pause, step).unwrap()
}

/// Sets its flag at the end of a test, however that comes.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `test` while both loads write at full speed.
///
/// One connection that writes queue rows without a pause outruns every applier, since changes of
/// the same rows cannot be applied side by side; the lag would only grow, and each compare would
/// test waiting. So the queue rests while the replica is a quarter of a second behind, and writes as
/// fast as the replica can follow; sysbench writes as fast as it can.
fn at_full_speed(topology: &Topology, sysbench: &Sysbench, test: impl FnOnce()) {
    let (behind, over) = (Arc::new(AtomicBool::new(false)), AtomicBool::new(false));
    thread::scope(|scope| {
        let at_end = SetAtEnd(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                let reached = topology.wait_in_sync(Duration::from_secs(1)).is_ok();
                behind.store(!reached || asked.elapsed() > Duration::from_millis(250), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(50));
            }
        });
        let loads = [sysbench.run(topology.source()).unwrap(), queue(topology, Duration::ZERO, behind.clone())];
        loads.iter().for_each(|load| load.wait_for(200, SOON).unwrap());
        let before: Vec<u64> = loads.iter().map(Load::done).collect();
        test();
        let wrote = loads.iter().zip(before).all(|(load, before)| load.done() > before + 200);
        assert!(wrote, "the loads did not write while it was compared");
        drop(at_end);
    });
}

/// Makes the tables and starts loads that any replica follows with ease, for what is about waiting.
fn at_walking_speed(topology: &Topology, tables: u32) -> [Load; 2] {
    let sysbench = sysbench(tables, Some(20));
    prepare(topology, &sysbench);
    [sysbench.run(topology.source()).unwrap(), queue(topology, Duration::from_millis(5), Arc::default())]
}

/// A compare that has little patience with hot keys and lets the replica be a little behind.
fn vouch(topology: &Topology) -> Vouch {
    Vouch::of(topology).args(&["--hot-deadline", "3s", "--max-lag", "10s"])
}

/// Fails unless everything was looked at and nothing was left open but keys that were
/// called hot; returns how many those are.
#[track_caller]
fn hot_keys(outcome: &Outcome) -> u64 {
    let cold: Vec<&Value> = outcome.errors().iter().filter(|error| error["code"] != "key-hot").collect();
    assert!(cold.is_empty(), "{cold:?}\n{}", outcome.stderr);
    assert!(outcome.tables().len() > 2, "{}", outcome.stdout);
    let mut unproven = 0;
    for table in outcome.tables() {
        let replica = &table["replicas"][0];
        assert_eq!(table["chunks"], replica["chunks_done"], "{table}");
        let rows = table["rows"].as_u64().unwrap();
        assert!(table["table"] == "hot.queue" || rows == BUSY + QUIET, "{table}");
        unproven += replica["unproven"].as_u64().unwrap();
    }
    assert_eq!(unproven > 0, !outcome.errors().is_empty(), "{}", outcome.stdout);
    unproven
}

/// Fails on any finding, and unless the exit code is that of what was left open; returns how many keys were.
#[track_caller]
fn assert_no_alarm(outcome: &Outcome) -> u64 {
    let alarms = outcome.findings();
    assert!(alarms.is_empty(), "{} false alarms: {alarms:?}", alarms.len());
    let hot = hot_keys(outcome);
    assert_eq!(outcome.code, if hot == 0 { 0 } else { 3 }, "{}", outcome.stdout);
    hot
}

/// Makes `n` drifts on the quiet rows of a table on the replica.
fn drift(topology: &Topology, table: &str, n: u64) -> Vec<Drifted> {
    let first = BUSY + 1;
    let table = Table::new("sbtest", table, "id");
    drift::scatter(topology.replica(0), &table, "k", first..first + QUIET, n).unwrap()
}

/// Fails unless it found exactly these drifts.
#[track_caller]
fn assert_found(outcome: &Outcome, drifts: &[Drifted]) {
    let expected: Vec<Expected> = drifts.iter().flat_map(|drift| drift.rows.clone()).collect();
    let table = &drifts[0].table;
    let wrong = mismatches(&expected, &outcome.rows(table));
    assert!(wrong.is_empty(), "{table}:\n{}", wrong.join("\n"));
    assert_eq!(outcome.findings().len(), expected.len(), "more than the drifts was found: {:?}", outcome.findings());
    assert_eq!(outcome.code, 1);
}

/// Says how many keys were left open: a test that passes should not hide it.
#[allow(clippy::print_stderr)]
fn tell(what: &str, outcomes: &[Outcome]) {
    let hot: u64 = outcomes.iter().map(hot_keys).sum();
    let unsure = outcomes.iter().filter(|outcome| outcome.code == 3).count();
    let longest = outcomes.iter().map(|outcome| outcome.took).max().unwrap_or_default();
    eprintln!("{what}: {} compares, {unsure} with hot keys ({hot} in all), longest {longest:?}", outcomes.len());
}

fn twenty_compares_then_fifty_drifts(flavor: Flavor) {
    let (topology, sysbench) = (Topology::pair(flavor).unwrap(), sysbench(4, None));
    prepare(&topology, &sysbench);
    at_full_speed(&topology, &sysbench, || {
        let quiet: Vec<Outcome> = (0..COMPARES).map(|_| vouch(&topology).run()).collect();
        for outcome in &quiet {
            assert_no_alarm(outcome);
        }
        tell(flavor.name(), &quiet);
        let drifts = drift(&topology, "sbtest2", DRIFTS);
        let outcome = vouch(&topology).run();
        assert_found(&outcome, &drifts);
        hot_keys(&outcome);
    });
}

#[test]
fn under_full_load_mysql_raises_no_alarm_and_every_drift_is_found() {
    twenty_compares_then_fifty_drifts(Flavor::Mysql);
}

#[test]
fn under_full_load_mariadb_raises_no_alarm_and_every_drift_is_found() {
    twenty_compares_then_fifty_drifts(Flavor::Mariadb);
}

#[test]
fn a_replica_that_stops_in_the_middle_raises_no_alarm() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let _loads = at_walking_speed(&topology, 4);
        let proxy = Proxy::start(topology.source()).unwrap();
        let look = || {
            let vouch = Vouch::compare().source(&proxy.url(FULL, PASSWORD)).replica(&full(topology.replica(0)));
            vouch.args(&["--hot-deadline", "3s", "--max-lag", "5s", "--digest", "stream"])
        };
        assert_no_alarm(&look().run());
        let whole = proxy.forwarded();
        let running = look().spawn();
        let half = || (proxy.forwarded() >= whole + whole / 2).then_some(());
        poll::until(SOON, Duration::from_millis(1), "the middle of the run", half).unwrap();
        topology.replica(0).sql("STOP REPLICA").unwrap();
        thread::sleep(Duration::from_secs(10));
        topology.replica(0).sql("START REPLICA").unwrap();
        let outcome = running.wait();
        assert_no_alarm(&outcome);
        assert!(outcome.took > Duration::from_secs(10), "it was over before the replica stopped");
        tell(&format!("{}, stopped for 10 s", flavor.name()), &[outcome]);
    });
}

#[test]
fn a_replica_that_is_late_on_purpose_raises_no_alarm_and_drift_is_found() {
    on_both(|flavor| {
        let topology = Topology::builder(flavor).unwrap().delay_secs(15).start().unwrap();
        let _loads = at_walking_speed(&topology, 2);
        let drifts = drift(&topology, "sbtest2", 10);
        // A look at a row lasts as long as the delay, so a chunk is a whole table.
        let outcome = vouch(&topology).args(&["--chunk-rows-min", "50000"]).run();
        assert_found(&outcome, &drifts);
        hot_keys(&outcome);
        assert!(outcome.took > Duration::from_secs(14), "nothing was waited for");
        tell(&format!("{}, 15 s late", flavor.name()), &[outcome]);
    });
}

/// Schemas lag like rows do: what is on its way must be waited for before anybody is accused.
#[test]
fn tables_and_columns_on_their_way_to_a_replica_are_no_findings() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let source = topology.source();
        source
            .sql("CREATE DATABASE d; CREATE TABLE d.wider (id INT PRIMARY KEY); CREATE TABLE d.gone (id INT)")
            .unwrap();
        topology.wait_in_sync(SOON).unwrap();
        topology.replica(0).sql("STOP REPLICA").unwrap();
        source
            .sql("CREATE TABLE d.late (id INT PRIMARY KEY); ALTER TABLE d.wider ADD COLUMN v INT; DROP TABLE d.gone")
            .unwrap();
        let running = Vouch::of(&topology).spawn();
        thread::sleep(Duration::from_secs(3));
        topology.replica(0).sql("START REPLICA").unwrap();
        let outcome = running.wait().assert_clean();
        assert_eq!(outcome.table_names(), ["d.late", "d.wider"]);
    });
}

/// With semi-sync a replica may have a transaction before the source shows it to anybody.
#[test]
fn with_semi_sync_nothing_is_a_false_alarm() {
    let (topology, sysbench) =
        (Topology::builder(Flavor::Mysql).unwrap().semi_sync().start().unwrap(), sysbench(4, None));
    prepare(&topology, &sysbench);
    let waited = "SELECT VARIABLE_VALUE FROM performance_schema.global_status \
                  WHERE VARIABLE_NAME = 'Rpl_semi_sync_source_yes_tx'";
    let waited = || topology.source().query_one(waited).unwrap().unwrap().parse::<u64>().unwrap();
    let before = waited();
    at_full_speed(&topology, &sysbench, || {
        let quiet: Vec<Outcome> = (0..COMPARES / 4).map(|_| vouch(&topology).run()).collect();
        for outcome in &quiet {
            assert_no_alarm(outcome);
        }
        tell("mysql, semi-sync", &quiet);
        let drifts = drift(&topology, "sbtest2", DRIFTS);
        assert_found(&vouch(&topology).run(), &drifts);
    });
    assert!(waited() > before + 100, "commits did not wait for the replica");
}
