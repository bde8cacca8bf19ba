//! Heartbeats: who may write them, that they tell lag, and that lag which swings does not flap.

use crate::harness::on_both;
use crate::health_kit::{Backend, Haproxy, Pool, Serve, probe, stdout, words};
use serde_json::Value;
use std::time::{Duration, Instant};
use vouch_testkit::{Flavor, PASSWORD, poll};

const LONG: Duration = Duration::from_secs(30);
/// For how long lag swings around the limit.
const SWING: Duration = Duration::from_secs(60);

#[test]
fn heartbeats_tell_lag_and_lag_that_swings_does_not_flap() {
    on_both(|flavor| {
        let pool = Pool::with_two_replicas(flavor);
        let grants =
            ["grants", "--flavor", flavor.name(), "--user", "beat", "--heartbeat-table", "d.heartbeat", "--update"];
        let granted = stdout(&probe(&words(&grants))).replace("<password>", PASSWORD);
        pool.server(1).sql(&granted).unwrap();
        beats_are_written_to_the_source_alone(&pool);
        pool.topology.wait_in_sync(LONG).unwrap();
        let limits = ["--max-lag", "10s", "--interval", "100ms", "--min-ready", "0"];
        let serve =
            Serve::start(&[pool.nodes(), words(&["--heartbeat-table", "d.heartbeat"]), words(&limits)].concat());
        an_old_beat_wins_over_the_servers_own_figure(&pool, &serve, flavor);
        lag_that_swings_does_not_flap(&pool, &serve);
    });
}

/// `vouch probe heartbeat --update` on a server of the pool.
fn beat(pool: &Pool, number: usize, extra: &[&str]) -> Option<i32> {
    let node = format!("db{number}={}", pool.server(number).url("beat", PASSWORD));
    let args = ["heartbeat", "--update", "--once", "--heartbeat-table", "d.heartbeat", "--node", &node];
    probe(&words(&[&args[..], extra].concat())).status.code()
}

fn beats_are_written_to_the_source_alone(pool: &Pool) {
    assert_eq!(beat(pool, 1, &["--create"]), Some(0), "the least privileges are not enough");
    assert_eq!(beat(pool, 1, &[]), Some(0));
    pool.topology.wait_in_sync(LONG).unwrap();
    assert_eq!(beat(pool, 2, &[]), Some(3), "a heartbeat was written on a replica");
}

/// Ages the source's beat on a replica, behind the back of replication.
fn age(pool: &Pool, number: usize, ms: u64) {
    let us = ms * 1000;
    let sql = format!(
        "SET sql_log_bin = 0; UPDATE d.heartbeat SET \
         ts = DATE_FORMAT(UTC_TIMESTAMP(6) - INTERVAL {us} MICROSECOND, '%Y-%m-%dT%H:%i:%s.%f')"
    );
    pool.server(number).sql(&sql).unwrap();
}

fn an_old_beat_wins_over_the_servers_own_figure(pool: &Pool, serve: &Serve, flavor: Flavor) {
    age(pool, 2, 0);
    let by_heartbeat = || (serve.node("db2")["lag"]["method"] == "heartbeat").then_some(());
    poll::until(LONG, Duration::from_millis(20), "lag by heartbeat", by_heartbeat).unwrap();
    age(pool, 2, 90_000);
    serve.until("db2", "read", "drain", LONG);
    let db2 = serve.node("db2");
    assert_eq!(
        db2["read"]["reason"],
        "lag_high",
        "{}: Seconds_Behind is 0, and the heartbeat wins: {db2}",
        flavor.name()
    );
    // Beats go on, so that lag stays low for as long as the return takes.
    let back = || (beat(pool, 1, &[]).is_some() && serve.node("db2")["read"]["state"] == "up").then_some(());
    poll::until(LONG, Duration::from_millis(300), "the return of db2", back).unwrap();
}

/// Whether HAProxy used a server when it was last looked at, and how often that changed.
struct Used<'a> {
    backend: &'static str,
    server: &'a str,
    now: bool,
    changes: usize,
}

/// Lag is set to the millisecond by heartbeats. Each replica loses its weight step by step, leaves once, and
/// stays out.
fn lag_that_swings_does_not_flap(pool: &Pool, serve: &Serve) {
    let readers: Vec<_> = [2, 3].map(|number| (format!("db{number}"), pool.proxy(number).port())).to_vec();
    let backend = |name, question| Backend { name, question, servers: readers.clone() };
    let haproxy = Haproxy::start(serve, &[backend("read", "ro NODE"), backend("read_http", "/replica")]);
    [2, 3].into_iter().for_each(|number| age(pool, number, 0));
    let mut used = Vec::new();
    for backend in ["read", "read_http"] {
        for server in ["db2", "db3"] {
            haproxy.until(backend, server, true, LONG, serve);
            used.push(Used { backend, server, now: true, changes: 0 });
        }
    }
    let transitions = || serve.board()["transitions"].as_array().unwrap().clone();
    let (before, from, mut high) = (transitions().len(), Instant::now(), false);
    while from.elapsed() < SWING {
        high = !high;
        [2, 3].into_iter().for_each(|number| age(pool, number, if high { 10_600 } else { 8_500 }));
        std::thread::sleep(Duration::from_millis(900));
        for one in &mut used {
            let now = haproxy.uses(one.backend, one.server);
            one.changes += usize::from(now != one.now);
            one.now = now;
        }
    }
    // Over HTTP the last server that HAProxy has is kept, for want of a better one.
    for one in &used {
        let last = one.backend == "read_http" && one.now && one.changes == 0;
        assert!(last || (one.now, one.changes) == (false, 1), "{}/{}: {}", one.backend, one.server, one.changes);
    }
    let seen = transitions()[before..].to_vec();
    for name in ["db2", "db3"] {
        let own = seen.iter().filter(|change| change["node"] == name && change["service"] == "ro");
        let serving = |state: &Value| state == "up" || state == "degraded";
        let flips = own.filter(|change| serving(&change["from"]) != serving(&change["to"])).count();
        assert_eq!(flips, 1, "{seen:?}");
    }
}
