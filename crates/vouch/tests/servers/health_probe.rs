//! `vouch probe` and `vouch serve` on real servers: what they see, say and leave behind.

use crate::harness::on_both;
use crate::health_kit::{Pool, Serve, http, output, probe, stdout, words};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{PASSWORD, SELECT_ONLY, Topology, inspect, poll};

const LONG: Duration = Duration::from_secs(30);

#[test]
fn everybody_gets_the_same_answer_and_nothing_is_written() {
    on_both(|flavor| {
        let pool = Pool::with_two_replicas(flavor);
        let folder = TempDir::new().unwrap();
        let before = binlogs(&pool);
        one_look_tells_roles_and_states(&pool);
        what_is_recorded_is_judged_alike(&pool, folder.path());
        let maintenance = folder.path().join("maintenance");
        std::fs::create_dir(&maintenance).unwrap();
        let extra = ["--interval", "100ms", "--heartbeat-table", "d.heartbeat", "--maintenance-dir"];
        let serve = Serve::start(&[pool.nodes(), words(&extra), words(&[maintenance.to_str().unwrap()])].concat());
        questions_over_http(&serve);
        questions_of_load_balancers(&serve);
        metrics(&serve);
        maintenance_by_file_and_by_hand(&serve, &maintenance);
        for _ in 0..10 {
            assert_eq!(serve.probe(&["--for", "db1", "--format", "lb-text"]).status.code(), Some(0));
        }
        assert_eq!(binlogs(&pool), before, "a binlog has grown");
    });
}

fn binlogs(pool: &Pool) -> Vec<u64> {
    pool.topology.servers().iter().map(|server| inspect::binlog_bytes(server).unwrap()).collect()
}

fn one_look_tells_roles_and_states(pool: &Pool) {
    let human = probe(&pool.nodes());
    let text = stdout(&human);
    assert_eq!(human.status.code(), Some(0), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("db1  source   rw up         ro up "), "{text}");
    assert!(lines[1].starts_with("db2  replica  rw down       ro up "), "{text}");
    for (extra, expected, code) in [
        (&["--for", "db1", "--format", "lb-text"][..], "100\n", 0),
        (&["--for", "db2", "--format", "lb-text"], "200\n", 1),
        (&["--for", "db2", "--format", "lb-text", "--service", "ro"], "100\n", 0),
        (&["--for", "db2", "--format", "haproxy"], "ready up 100%\n", 0),
        (&["--for", "db9", "--format", "lb-text"], "200\n", 3),
    ] {
        let output = probe(&[pool.nodes(), words(extra)].concat());
        assert_eq!((stdout(&output).as_str(), output.status.code()), (expected, Some(code)), "{extra:?}");
    }
    let nagios = stdout(&probe(&[pool.nodes(), words(&["--for", "db3", "--format", "nagios"])].concat()));
    assert!(nagios.starts_with("VOUCH OK - db3 ro up: healthy (healthy) | lag=0.0"), "{nagios}");
}

fn document(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

/// The reasons of all answers of a board.
fn reasons(board: &Value) -> Vec<(Value, Value)> {
    let nodes = board["nodes"].as_array().unwrap_or_else(|| panic!("{board}"));
    nodes.iter().map(|node| (node["write"]["reason"].clone(), node["read"]["reason"].clone())).collect()
}

fn what_is_recorded_is_judged_alike(pool: &Pool, folder: &Path) {
    let facts = folder.join("facts.json");
    let record = ["--format", "json", "--record", facts.to_str().unwrap()];
    let seen = probe(&[pool.nodes(), words(&record)].concat());
    let again = probe(&words(&["replay", facts.to_str().unwrap(), "--format", "json"]));
    assert_eq!(reasons(&document(&seen)), reasons(&document(&again)));
}

/// What the daemon saw and remembered at its last changes gives the same answers without it.
fn what_the_daemon_answers_can_be_derived_again(serve: &Serve) {
    let file = serve.home.path().join("facts.json");
    std::fs::write(&file, serve.get("/facts").1).unwrap();
    let again = probe(&words(&["replay", file.to_str().unwrap(), "--format", "json"]));
    let derived = document(&again);
    assert_eq!(reasons(&derived), reasons(&serve.board()));
    let changes = derived["transitions"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["node"] == "db2" && change["to"] == "maint"), "{derived}");
}

fn questions_over_http(serve: &Serve) {
    for (path, expected) in [
        ("/primary?node=db1", 200),
        ("/primary?node=db2", 503),
        ("/node/db2/replica", 200),
        ("/node/db1/replica", 503),
        ("/replica?node=db2&lag=5s", 200),
        ("/read-only?node=db1", 200),
        ("/standby?node=db2", 200),
        ("/standby?node=db1", 503),
        ("/health?node=db3", 200),
        ("/readiness?node=db1", 200),
        ("/verify?node=db2", 503),
        ("/primary", 503),
        ("/primary?node=nobody", 503),
        ("/replica?node=db2&lag=much", 400),
        ("/nonsense", 404),
        ("/liveness", 200),
        ("/metrics", 200),
        ("/", 200),
    ] {
        // What was applied a moment ago may not be seen yet.
        let there = || (serve.get(path).0 == expected).then_some(());
        let reached = poll::until(LONG, Duration::from_millis(50), path, there);
        assert!(reached.is_ok(), "{path}: {:?}", serve.get(path));
    }
    for method in ["HEAD", "OPTIONS"] {
        assert_eq!(http(serve.http, method, "/primary?node=db1", "").0, 200, "{method}");
    }
    assert_eq!(http(serve.http, "POST", "/primary?node=db1", "").0, 405);
    let (code, page) = output(Command::new("curl").args(["-sf", &format!("http://{}/node/db1/primary", serve.http)]));
    assert!(code == 0 && page.contains("\"answer\":true"), "{page}");
}

fn questions_of_load_balancers(serve: &Serve) {
    assert_eq!(serve.ask_agent("rw db1\n"), "ready up 100%\n");
    assert_eq!(serve.ask_agent("rw db2\n"), "ready down 0% # is_replica: replica, read_only is on\n");
    assert_eq!(serve.ask_agent("ro db3 lag=5s\n"), "ready up 100%\n");
    assert_eq!(serve.ask_agent("ro nobody\n"), "# no node is called nobody\n");
}

fn metrics(serve: &Serve) {
    let metrics = serve.get("/metrics").1;
    assert!(metrics.contains("vouch_node_state{node=\"db1\",service=\"rw\",state=\"up\"} 1"), "{metrics}");
    assert!(!metrics.contains("vouch_replica_lag_seconds{node=\"db1\"}"), "a source has no lag: {metrics}");
    assert!(metrics.contains("vouch_replica_backlog_transactions{node=\"db2\"} 0"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));
}

fn maintenance_by_file_and_by_hand(serve: &Serve, folder: &Path) {
    std::fs::write(folder.join("db2"), "").unwrap();
    serve.until("db2", "read", "maint", LONG);
    std::fs::remove_file(folder.join("db2")).unwrap();
    serve.until("db2", "read", "up", LONG);
    assert_eq!(http(serve.http, "POST", "/maintenance?node=db3", "").0, 403);
    let header = "X-Vouch-Maintenance: yes\r\n";
    assert_eq!(http(serve.http, "POST", "/maintenance?node=nobody", header).0, 404);
    assert_eq!(http(serve.http, "POST", "/maintenance?node=db3&reason=new+disk", header).0, 200);
    serve.until("db3", "read", "maint", LONG);
    assert_eq!(serve.node("db3")["read"]["text"], "new disk");
    what_the_daemon_answers_can_be_derived_again(serve);
    assert_eq!(http(serve.http, "POST", "/maintenance?node=db3&end", header).0, 200);
    serve.until("db3", "read", "up", LONG);
}

#[test]
fn grants_are_enough_and_the_doctor_knows() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let (source, replica) = (topology.source(), topology.replica(0));
        source
            .sql("CREATE DATABASE d; CREATE TABLE d.heartbeat (ts VARCHAR(26), server_id INT UNSIGNED PRIMARY KEY)")
            .unwrap();
        let grants = probe(&words(&[
            "grants",
            "--flavor",
            flavor.name(),
            "--user",
            "least",
            "--heartbeat-table",
            "d.heartbeat",
        ]));
        source.sql(&stdout(&grants).replace("<password>", PASSWORD)).unwrap();
        topology.wait_in_sync(LONG).unwrap();
        let doctor = |user: &str| {
            let address = format!("db2={}", replica.url(user, PASSWORD));
            probe(&words(&["doctor", "--heartbeat-table", "d.heartbeat", "--node", &address]))
        };
        let well = doctor("least");
        assert_eq!(well.status.code(), Some(0), "{}", stdout(&well));
        let ill = doctor(SELECT_ONLY);
        assert_eq!(ill.status.code(), Some(1));
        assert!(stdout(&ill).contains("db2  no  the state of replication"), "{}", stdout(&ill));
        let unknown =
            probe(&words(&["--for", "db2", "--node", &format!("db2={}", replica.url(SELECT_ONLY, PASSWORD))]));
        assert!(stdout(&unknown).contains("no_privilege"), "{}", stdout(&unknown));
        assert_eq!(unknown.status.code(), Some(3));
    });
}
