//! What the servers notice of a comparison: reads, and nothing that stays.

use crate::harness::{Outcome, Running, Signal, Vouch, full, on_both};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use vouch_testkit::{FULL, Flavor, PASSWORD, Proxy, SELECT_ONLY, Server, Topology, drift, inspect, numbers, poll};

const IN_SYNC: Duration = Duration::from_secs(60);
/// Signals are looked at often, and chunks are small, so that a pause shows.
const OFTEN: [&str; 6] = ["--check-interval", "100ms", "--chunk-rows-min", "100", "--chunk-rows-max", "500"];

/// A pair with `d.t`, 20,000 rows, and `d.u`, a few.
fn pair(flavor: Flavor) -> Topology {
    let topology = Topology::pair(flavor).unwrap();
    let rows = numbers(20_000);
    topology
        .source()
        .sql(&format!(
            "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); INSERT INTO d.t SELECT n, n FROM {rows}; \
             CREATE TABLE d.u (a INT, b VARCHAR(20)); INSERT INTO d.u VALUES (1, 'x'), (1, 'x'), (2, NULL)"
        ))
        .unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
    topology
}

/// The same servers for the account that may SELECT alone.
fn least(topology: &Topology) -> Vouch {
    let [source, replica] = [topology.source(), topology.replica(0)].map(|server| server.url(SELECT_ONLY, PASSWORD));
    Vouch::compare().source(&source).replica(&replica)
}

fn binlogs(topology: &Topology) -> Vec<u64> {
    topology.servers().iter().map(|server| inspect::binlog_bytes(server).unwrap()).collect()
}

#[test]
fn only_reads_reach_the_servers() {
    on_both(|flavor| {
        let topology = pair(flavor);
        drift::sql(topology.replica(0), "UPDATE d.t SET v = 0 WHERE id = 7; DELETE FROM d.u WHERE a = 2").unwrap();
        topology.servers().iter().for_each(|server| inspect::general_log_on(server).unwrap());
        let before = binlogs(&topology);
        for digest in ["stream", "sha2", "crc"] {
            Vouch::of(&topology).args(&["--digest", digest]).run().assert_code(1);
        }
        let outcome = least(&topology).run().assert_code(1);
        what_could_not_be_proven_is_named(&outcome);
        assert_eq!(binlogs(&topology), before, "a binlog has grown");
        for server in topology.servers() {
            let wrong = forbidden(&inspect::general_log(server));
            assert!(wrong.is_empty(), "{} on {}: {wrong:#?}", server.name(), flavor.name());
        }
        // A lock is taken on the source alone, and only when it is asked for; the log would tell.
        Vouch::of(&topology).args(&["--proof", "lock"]).run().assert_code(1);
        let [locks, none] = [topology.source(), topology.replica(0)].map(|s| forbidden(&inspect::general_log(s)));
        assert!(!locks.is_empty() && locks.iter().all(|line| line.contains("NOWAIT")), "{locks:#?}");
        assert!(none.is_empty(), "{none:#?}");
        assert_eq!(binlogs(&topology), before, "a binlog has grown");
    });
}

fn what_could_not_be_proven_is_named(outcome: &Outcome) {
    let unavailable = outcome.only("proof-unavailable");
    assert!(unavailable["message"].as_str().unwrap().contains("not proven"), "{unavailable}");
    assert!(!outcome.coded("lag-unknown").is_empty(), "{}", outcome.stdout);
    assert!(outcome.findings().iter().all(|finding| finding["proof"]["kind"] == "confirmed"), "{}", outcome.stdout);
}

/// Statements of vouch in a general log that do more than read.
fn forbidden(log: &str) -> Vec<String> {
    let lines: Vec<(&str, &str, &str)> = log.lines().filter_map(entry).collect();
    let is_ours = |(_, command, text): &&(&str, &str, &str)| {
        *command == "Connect" && [FULL, SELECT_ONLY].iter().any(|user| text.starts_with(&format!("{user}@")))
    };
    let ours: BTreeSet<&str> = lines.iter().filter(is_ours).map(|(id, ..)| *id).collect();
    let statements: Vec<&(&str, &str, &str)> =
        lines.iter().filter(|(id, command, _)| ours.contains(id) && *command != "Connect").collect();
    assert!(statements.len() > 50, "the log holds what was asked: {log}");
    statements
        .into_iter()
        .filter(|(_, command, text)| !is_read(command, text))
        .map(|line| format!("{line:?}"))
        .collect()
}

/// Connection, command and text of a line of a general log that begins an entry.
fn entry(line: &str) -> Option<(&str, &str, &str)> {
    let (head, text) =
        line.rsplit_once('\t').filter(|(head, _)| head.contains('\t')).or_else(|| line.split_once('\t'))?;
    let words: Vec<&str> = head.split_whitespace().collect();
    let at = words.iter().rposition(|word| word.bytes().all(|byte| byte.is_ascii_digit()))?;
    let command = words.get(at + 1)?;
    Some((words[at], command, text))
}

fn is_read(command: &str, text: &str) -> bool {
    let allowed = ["SELECT", "SHOW", "SET", "EXPLAIN", "KILL", "START TRANSACTION", "ROLLBACK"];
    let locks = ["FOR SHARE", "IN SHARE MODE", "FOR UPDATE", "LOCK TABLES", "GET_LOCK", "SET GLOBAL", "SET PERSIST"];
    let text = text.to_uppercase();
    match command {
        "Query" | "Prepare" | "Execute" => {
            allowed.iter().any(|word| text.starts_with(word)) && !locks.iter().any(|lock| text.contains(lock))
        }
        // Reading the binlog, and ends of statements and sessions.
        "Binlog" | "Close" | "Quit" | "Reset" | "Ping" | "Statistics" | "Register" => true,
        _ => false,
    }
}

#[test]
fn a_signal_ends_it_within_a_second_and_leaves_nothing_running() {
    on_both(|flavor| {
        let topology = pair(flavor);
        let (source, replica) = (topology.source(), topology.replica(0));
        // Statements that would take minutes, on either server.
        let slow = |condition: &str, digest: &str| {
            Vouch::of(&topology).args(&["--tables", "d.t", "--digest", digest, "--where", condition]).spawn()
        };
        for digest in ["stream", "sha2"] {
            assert_ends(&topology, Signal::INT, || {
                let running = slow("SLEEP(0.02) = 0", digest);
                until(|| asks(source, "SLEEP"));
                running
            });
        }
        assert_ends(&topology, Signal::TERM, || {
            let running = slow("SLEEP(IF(@@server_id = 2, 0.02, 0)) = 0", "stream");
            until(|| asks(replica, "SLEEP"));
            running
        });
        waiting_for_a_position_is_interrupted(&topology);
        a_pause_is_interrupted(&topology);
        silence_is_interrupted(&topology);
    });
}

fn waiting_for_a_position_is_interrupted(topology: &Topology) {
    let (source, replica) = (topology.source(), topology.replica(0));
    let word = if topology.flavor() == Flavor::Mysql { "REPLICA" } else { "SLAVE" };
    replica.sql(&format!("STOP {word} SQL_THREAD")).unwrap();
    source.sql("INSERT INTO d.u VALUES (3, 'late')").unwrap();
    assert_ends(topology, Signal::INT, || {
        let running = Vouch::of(topology).args(&["--tables", "d.u", "--max-lag", "off"]).spawn();
        until(|| asks(replica, "WAIT"));
        running
    });
    replica.sql(&format!("START {word} SQL_THREAD")).unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
}

fn a_pause_is_interrupted(topology: &Topology) {
    let pause = topology.source().dir().join("pause");
    std::fs::write(&pause, "").unwrap();
    assert_ends(topology, Signal::INT, || {
        let vouch = Vouch::of(topology).live().args(&OFTEN).args(&["--pause-file", pause.to_str().unwrap()]);
        let mut running = vouch.spawn();
        running.until_it_says("\"paused\"");
        running
    });
    std::fs::remove_file(&pause).unwrap();
}

/// A server that takes the connection and never says a word.
fn silence_is_interrupted(topology: &Topology) {
    let proxy = Proxy::start(topology.source()).unwrap();
    proxy.stall();
    let address = proxy.url(FULL, PASSWORD);
    let outcome = within_a_second(Signal::INT, || {
        let before = proxy.accepted();
        let running = Vouch::compare().source(&address).replica(&full(topology.replica(0))).spawn();
        until(|| proxy.accepted() > before);
        running
    });
    outcome.assert_code(130);
}

fn until(probe: impl Fn() -> bool) {
    let waited = poll::until(Duration::from_secs(30), Duration::from_millis(5), "it", || probe().then_some(()));
    waited.unwrap();
}

/// Whether a statement of vouch with `text` in it runs on `server`.
fn asks(server: &Server, text: &str) -> bool {
    let processes = inspect::processes_of(server, FULL).unwrap();
    processes.iter().any(|process| process.info.as_deref().is_some_and(|info| info.contains(text)))
}

/// A run that a signal ends: with its report, and without a statement left behind.
#[track_caller]
fn assert_ends(topology: &Topology, signal: Signal, start: impl Fn() -> Running) {
    let code = if signal == Signal::INT { 130 } else { 143 };
    let outcome = within_a_second(signal, start).assert_code(code);
    assert_eq!(outcome.document["verdict"], "interrupted");
    assert!(outcome.states().iter().any(|state| state == "not-run"), "{}", outcome.stdout);
    for server in topology.servers() {
        assert_nothing_runs(server);
    }
}

/// The server may still be ending what it was told to kill when vouch has gone: it gets a second.
#[track_caller]
fn assert_nothing_runs(server: &Server) {
    let mut left = Vec::new();
    let gone = poll::until(Duration::from_secs(1), Duration::from_millis(10), "the end of statements", || {
        left = inspect::processes_of(server, FULL).unwrap();
        left.retain(|process| process.info.is_some());
        left.is_empty().then_some(())
    });
    assert!(gone.is_ok(), "left on {}: {left:?}", server.name());
}

/// Starts a run and sends it a signal. On a busy machine the system may be slow to give it the
/// processor, so one of three runs has to be quick.
#[track_caller]
fn within_a_second(signal: Signal, start: impl Fn() -> Running) -> Outcome {
    let mut times = Vec::new();
    loop {
        let mut running = start();
        let sent = Instant::now();
        running.signal(signal);
        let outcome = running.wait();
        times.push(sent.elapsed());
        if sent.elapsed() < Duration::from_secs(1) {
            return outcome;
        }
        assert!(times.len() < 3, "it took {times:?}: {}{}", outcome.stdout, outcome.stderr);
    }
}

#[test]
fn pauses_have_reasons() {
    on_both(|flavor| {
        let topology = pair(flavor);
        let source = topology.source();
        let pause = source.dir().join("pause");
        std::fs::write(&pause, "").unwrap();
        let vouch = Vouch::of(&topology).live().args(&OFTEN);
        let mut running = vouch.args(&["--pause-file", pause.to_str().unwrap()]).spawn();
        running.until_it_says("\"paused\"");
        std::thread::sleep(Duration::from_millis(300));
        assert!(!running.ended());
        std::fs::remove_file(&pause).unwrap();
        assert_paused(&running.wait().assert_clean(), source, "pause exists");
        let mut running = Vouch::of(&topology).live().args(&OFTEN).args(&["--max-load", "Threads_connected=1"]).spawn();
        running.until_it_says("\"paused\"");
        running.signal(Signal::INT);
        assert_paused(&running.wait().assert_code(130), source, "Threads_connected");
        lag_pauses(&topology);
    });
}

/// A lock holds the replica's applier up, so that it lags.
fn lag_pauses(topology: &Topology) {
    use mysql::prelude::Queryable;
    let (source, replica) = (topology.source(), topology.replica(0));
    let mut holder = replica.conn().unwrap();
    holder.query_drop("LOCK TABLES d.u READ").unwrap();
    source.sql("INSERT INTO d.u VALUES (4, 'held up')").unwrap();
    let status = if topology.flavor() == Flavor::Mysql { "SHOW REPLICA STATUS" } else { "SHOW SLAVE STATUS" };
    let behind = || {
        let mut conn = replica.conn().unwrap();
        let row: mysql::Row = conn.query_first(status).unwrap().unwrap();
        let column = |name: &str| row.get_opt::<Option<u64>, _>(name)?.ok()?;
        column("Seconds_Behind_Source").or_else(|| column("Seconds_Behind_Master")).unwrap_or(0)
    };
    until(|| behind() >= 2);
    let mut running = Vouch::of(topology).live().args(&OFTEN).args(&["--tables", "d.t", "--max-lag", "1s"]).spawn();
    running.until_it_says("replica lag");
    holder.query_drop("UNLOCK TABLES").unwrap();
    assert_paused(&running.wait().assert_clean(), replica, "replica lag");
}

#[track_caller]
fn assert_paused(outcome: &Outcome, server: &Server, reason: &str) {
    let name = format!("127.0.0.1:{}", server.port());
    let pauses = outcome.pauses().iter().filter(|pause| pause["server"] == name.as_str());
    let reasons: Vec<&str> = pauses.filter_map(|pause| pause["reason"].as_str()).collect();
    assert!(reasons.iter().any(|said| said.contains(reason)), "{reason} of {name}: {:?}", outcome.pauses());
}
