//! Whatever is wrong around a comparison: the right exit code, one sentence that
//! names the cause, and a hint.

use crate::harness::{Outcome, Vouch, full, on_both};
use std::net::TcpListener;
use std::time::Duration;
use vouch_testkit::{FULL, PASSWORD, Server, Topology, drift, numbers};

const IN_SYNC: Duration = Duration::from_secs(60);

/// Nothing was looked at: no document, one complaint with `cause` in it, and a hint with `hint` in it.
#[track_caller]
fn assert_refused(outcome: Outcome, code: i32, cause: &str, hint: &str) {
    let outcome = outcome.assert_code(code);
    assert_eq!(outcome.stdout, "");
    let line =
        |mark: &str| -> Vec<&str> { outcome.stderr.lines().filter_map(|line| line.strip_prefix(mark)).collect() };
    let (complaints, hints) = (line("vouch: "), line("hint: "));
    let [complaint] = complaints[..] else { panic!("one sentence: {}", outcome.stderr) };
    assert!(complaint.contains(cause), "{cause}: {}", outcome.stderr);
    assert!(hints.len() == 1 && hints[0].contains(hint), "{hint}: {}", outcome.stderr);
}

/// The one error of that code: about `table`, with `cause` in its message, and with a hint.
#[track_caller]
fn assert_told(outcome: &Outcome, code: &str, table: &str, cause: &str) {
    let error = outcome.only_of(code, table);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(cause), "{cause}: {message}");
    assert!(!message.contains('\n') && error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
    assert!(outcome.errors().contains(error), "{code} is an error: {}", outcome.stdout);
}

#[test]
fn servers_that_cannot_be_asked_are_refused() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let (source, replica) = (topology.source(), topology.replica(0));
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (unknown, closed) = (address("no-such-host.invalid", 3306), address("127.0.0.1", nobody.port()));
        let wrong = source.url(FULL, "wrong");
        let run = |source: &str, replica: &str| Vouch::compare().source(source).replica(replica).run();
        let (good, also_good) = (full(source), full(replica));
        assert_refused(run(&wrong, &also_good), 2, "Access denied", "password");
        assert_refused(run(&good, &replica.url(FULL, "wrong")), 2, "Access denied", "password");
        assert_refused(run(&unknown, &also_good), 2, "no-such-host.invalid", "spelling");
        assert_refused(run(&good, &unknown), 2, "no-such-host.invalid", "spelling");
        assert_refused(run(&closed, &also_good), 3, &nobody.to_string(), "runs and listens");
        assert_refused(run(&good, &closed), 3, &nobody.to_string(), "runs and listens");
        assert_refused(run(&good, &good), 2, "both source and replica", "--map");
        // Turned around: the source replicates from nobody.
        assert_refused(run(&also_good, &good), 2, "is no replica", "--no-replication");
        let alone = Vouch::compare().source(&also_good).run();
        assert_refused(alone, 2, "no replica", "--replica");
        let no_tls = Vouch::compare().source(&format!("{good}/?ssl-mode=verify-identity")).replica(&also_good).run();
        assert_refused(no_tls, 2, "TLS", "certificates");
    });
}

fn address(host: &str, port: u16) -> String {
    format!("mysql://{FULL}:{PASSWORD}@{host}:{port}")
}

#[test]
fn wrong_options_are_refused_before_any_server_is_asked() {
    let vouch = || Vouch::compare().source("h=127.0.0.1,P=1,u=x,p=y").replica("h=127.0.0.1,P=2,u=x,p=y");
    assert_refused(vouch().args(&["--digest", "md5"]).run(), 2, "md5", "stream");
    assert_refused(vouch().args(&["--chunk-tme", "1s"]).run(), 2, "--chunk-tme", "--chunk-time");
    assert_refused(vouch().args(&["--max-lag", "soon"]).run(), 2, "soon", "");
    assert_refused(vouch().args(&["--tables-regex", "("]).run(), 2, "(", "");
    assert_refused(vouch().file("vouch.toml", "[compare\n").run(), 2, "vouch.toml", "");
    assert_refused(vouch().file("vouch.toml", "[compare]\ndigst = 'sha2'\n").run(), 2, "digst", "digest");
    assert_refused(vouch().file("vouch.toml", "[compare]\ndigest = 7\n").run(), 2, "digest", "");
    assert_refused(vouch().args(&["--resume", "no-such-run"]).run(), 2, "no-such-run", "--state-dir");
    let secret = Vouch::compare().source("mysql://x:${VOUCH_NOT_SET}@127.0.0.1:1").run();
    assert_refused(secret, 2, "VOUCH_NOT_SET", "");
}

#[test]
fn tables_that_cannot_be_looked_at_are_errors() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let source = topology.source();
        let table = |name: &str| {
            format!(
                "CREATE TABLE d.{name} (id INT PRIMARY KEY, v INT); INSERT INTO d.{name} SELECT n, n FROM {};",
                numbers(20_000)
            )
        };
        source
            .sql(&format!("CREATE DATABASE d; {}", ["same", "other", "victim", "moved"].map(table).concat()))
            .unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        asked_for_and_absent(&topology);
        condition_that_is_no_sql(&topology);
        privileges_that_are_missing(&topology);
        tables_that_vanish(&topology);
    });
}

fn asked_for_and_absent(topology: &Topology) {
    let outcome = Vouch::of(topology).args(&["--tables", "d.same,d.nope", "--databases", "d,nowhere"]).run();
    let outcome = outcome.assert_code(3);
    assert_told(&outcome, "table-unknown", "d.nope", "does not exist");
    assert_told(&outcome, "table-unknown", "nowhere", "does not exist");
    assert_eq!((outcome.table_names(), outcome.states()), (vec!["d.same"], vec!["equal".to_owned()]));
    // Nothing left to look at is not clean either.
    let outcome = Vouch::of(topology).args(&["--tables-regex", "^nothing"]).run().assert_code(3);
    assert_eq!(outcome.errors().len(), 1, "{}", outcome.stdout);
}

fn condition_that_is_no_sql(topology: &Topology) {
    for (condition, cause) in [("nothing > (", "SQL syntax"), ("nosuch > 1", "Unknown column 'nosuch'")] {
        let outcome = Vouch::of(topology).args(&["--tables", "d.same", "--where", condition]).run().assert_code(3);
        assert_told(&outcome, "table-failed", "d.same", cause);
        assert_eq!((outcome.states(), outcome.errors().len()), (vec!["not-run".to_owned()], 1));
    }
}

/// The account sees one table on the source alone, and of another only one column.
fn privileges_that_are_missing(topology: &Topology) {
    let (source, replica) = (topology.source(), topology.replica(0));
    source
        .sql(&format!(
            "CREATE USER uneven@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON d.same TO uneven@'%'; \
             GRANT SELECT ON d.other TO uneven@'%'; GRANT SELECT (id) ON d.moved TO uneven@'%'"
        ))
        .unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
    drift::sql(replica, "REVOKE SELECT ON d.other FROM uneven@'%'; UPDATE d.moved SET v = 0 WHERE id = 5").unwrap();
    let url = |server: &Server| server.url("uneven", PASSWORD);
    let vouch = Vouch::compare().source(&url(source)).replica(&url(replica)).args(&["--accept-hidden-tables"]);
    let outcome = vouch.run().assert_code(3);
    assert!(outcome.findings().is_empty(), "{}", outcome.stdout);
    assert_told(&outcome, "access-denied", "d.other", "SELECT");
    assert_told(&outcome, "access-denied", "d.moved", "SELECT");
    assert_eq!(outcome.errors().len(), 2, "{}", outcome.stdout);
}

fn tables_that_vanish(topology: &Topology) {
    let pause = topology.source().dir().join("pause");
    std::fs::write(&pause, "").unwrap();
    let args = ["--tables", "d.same,d.victim", "--chunk-rows-max", "1000", "--check-interval", "100ms"];
    let vouch = Vouch::of(topology).live().args(&args).args(&["--pause-file", pause.to_str().unwrap()]);
    let mut running = vouch.spawn();
    running.until_it_says("\"paused\"");
    topology.source().sql("DROP TABLE d.victim").unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
    std::fs::remove_file(&pause).unwrap();
    let outcome = running.wait().assert_code(3);
    assert_told(&outcome, "table-vanished", "d.victim", "is gone");
    let same = outcome.tables().iter().find(|table| table["table"] == "d.same").unwrap();
    assert_eq!(same["replicas"][0]["state"], "equal", "{}", outcome.stdout);
}
