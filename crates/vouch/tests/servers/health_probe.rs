//! `vouch probe` and `vouch serve` on real servers: what they see, say and leave behind.

use crate::harness::on_both;
use crate::health_kit::{Pool, Serve, VOUCH, checkout, http, node, output, words};
use rustix::process::Signal;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output};
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{Flavor, PASSWORD, SELECT_ONLY, Topology, inspect, poll};

const LONG: Duration = Duration::from_secs(30);

/// `vouch probe` that looks itself.
fn probe(args: &[String]) -> Output {
    Command::new(VOUCH).arg("probe").args(args).env_clear().env("HOME", std::env::temp_dir()).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn one_look_tells_roles_and_states() {
    on_both(|flavor| {
        let pool = Pool::with_two_replicas(flavor);
        let (human, file) = (probe(&pool.nodes()), TempDir::new().unwrap());
        assert_eq!(human.status.code(), Some(0), "{}", text(&human));
        let lines = text(&human);
        assert!(lines.lines().next().unwrap().starts_with("db1  source   rw up         ro up "), "{lines}");
        assert!(lines.lines().nth(1).unwrap().starts_with("db2  replica  rw down       ro up "), "{lines}");
        for (extra, expected, code) in [
            (&["--for", "db1", "--format", "lb-text"][..], "100\n", 0),
            (&["--for", "db2", "--format", "lb-text"], "200\n", 1),
            (&["--for", "db2", "--format", "lb-text", "--service", "ro"], "100\n", 0),
            (&["--for", "db2", "--format", "haproxy"], "ready up 100%\n", 0),
            (&["--for", "db9", "--format", "lb-text"], "200\n", 3),
        ] {
            let output = probe(&[pool.nodes(), words(extra)].concat());
            assert_eq!((text(&output).as_str(), output.status.code()), (expected, Some(code)), "{extra:?}");
        }
        let nagios = probe(&[pool.nodes(), words(&["--for", "db3", "--format", "nagios"])].concat());
        assert!(
            text(&nagios).starts_with("VOUCH OK - db3 ro up: healthy (healthy) | lag=0.000s;;;0 "),
            "{}",
            text(&nagios)
        );

        let facts = file.path().join("facts.json");
        let record = ["--record", facts.to_str().unwrap(), "--format", "json"];
        let seen = probe(&[pool.nodes(), words(&record)].concat());
        let again = probe(&words(&["replay", facts.to_str().unwrap(), "--format", "json"]));
        let states = |output: &Output| {
            let document: serde_json::Value = serde_json::from_str(&text(output)).unwrap();
            let nodes = document["nodes"].as_array().unwrap().clone();
            nodes
                .iter()
                .map(|node| (node["write"]["reason"].clone(), node["read"]["reason"].clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(states(&seen), states(&again));
    });
}

#[test]
fn probing_writes_nothing() {
    on_both(|flavor| {
        let pool = Pool::with_two_replicas(flavor);
        let sizes =
            || pool.topology.servers().iter().map(|server| inspect::binlog_bytes(server).unwrap()).collect::<Vec<_>>();
        let before = sizes();
        let serve =
            Serve::start(&[pool.nodes(), words(&["--interval", "100ms", "--heartbeat-table", "d.heartbeat"])].concat());
        let looked = || (serve.node("db3")["age_ms"].as_u64()? < 1000 && serve.get("/metrics").0 == 200).then_some(());
        poll::until(LONG, Duration::from_millis(50), "looks", looked).unwrap();
        for _ in 0..10 {
            assert_eq!(serve.probe(&["--for", "db1", "--format", "lb-text"]).status.code(), Some(0));
            probe(&pool.nodes());
        }
        assert_eq!(sizes(), before, "a binlog has grown");
    });
}

#[test]
fn heartbeats_tell_lag() {
    on_both(|flavor| {
        let pool = Pool::with_two_replicas(flavor);
        pool.server(1)
            .sql(&format!("CREATE USER beat@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO beat@'%'"))
            .unwrap();
        let writer = format!("db1={}", pool.server(1).url("beat", PASSWORD));
        let beat = |extra: &[&str]| {
            let args = ["heartbeat", "--update", "--once", "--heartbeat-table", "d.heartbeat", "--node", &writer];
            probe(&words(&[&args[..], extra].concat()))
        };
        assert_eq!(beat(&["--create"]).status.code(), Some(0));
        pool.topology.wait_in_sync(LONG).unwrap();
        let replica = format!("db2={}", pool.server(2).url("beat", PASSWORD));
        let refused =
            probe(&words(&["heartbeat", "--update", "--once", "--heartbeat-table", "d.heartbeat", "--node", &replica]));
        assert_eq!(refused.status.code(), Some(3), "a heartbeat was written on a replica");

        let serve =
            Serve::start(&[pool.nodes(), words(&["--heartbeat-table", "d.heartbeat", "--max-lag", "20s"])].concat());
        assert_eq!(serve.node("db2")["lag"]["method"], "heartbeat");
        let late = "SET sql_log_bin = 0; UPDATE d.heartbeat SET ts = DATE_FORMAT(UTC_TIMESTAMP(6) - INTERVAL 90 SECOND, '%Y-%m-%dT%H:%i:%s.%f')";
        pool.server(2).sql(late).unwrap();
        serve.until("db2", "read", "drain", LONG);
        let db2 = serve.node("db2");
        assert_eq!(db2["read"]["reason"], "lag_high", "Seconds_Behind is 0, and the heartbeat wins: {db2}");
        assert_eq!(serve.node("db3")["read"]["state"], "up");
        beat(&[]);
        serve.until("db2", "read", "up", LONG);
    });
}

/// Lag is set to the millisecond by heartbeats, and swings around the limit for a minute.
#[test]
fn lag_that_swings_around_the_limit_does_not_flap() {
    let pool = Pool::with_two_replicas(Flavor::Mariadb);
    let table = "CREATE TABLE d.heartbeat (ts VARCHAR(26) NOT NULL, server_id INT UNSIGNED NOT NULL PRIMARY KEY)";
    pool.server(1).sql(table).unwrap();
    pool.topology.wait_in_sync(LONG).unwrap();
    let lag = |ms: u64| {
        let us = ms * 1000;
        let sql = format!(
            "SET sql_log_bin = 0; REPLACE INTO d.heartbeat VALUES \
             (DATE_FORMAT(UTC_TIMESTAMP(6) - INTERVAL {us} MICROSECOND, '%Y-%m-%dT%H:%i:%s.%f'), 1)"
        );
        [2, 3].into_iter().for_each(|number| pool.server(number).sql(&sql).unwrap());
    };
    lag(0);
    let args = ["--heartbeat-table", "d.heartbeat", "--max-lag", "10s", "--interval", "100ms", "--min-ready", "0"];
    let serve = Serve::start(&[pool.nodes(), words(&args)].concat());
    let before = serve.board()["transitions"].as_array().unwrap().len();
    let from = std::time::Instant::now();
    let mut high = false;
    while from.elapsed() < Duration::from_secs(60) {
        high = !high;
        lag(if high { 10_600 } else { 8_500 });
        std::thread::sleep(Duration::from_millis(900));
    }
    let transitions = serve.board()["transitions"].as_array().unwrap()[before..].to_vec();
    // Each of the two replicas loses its weight step by step, leaves once, and stays out.
    for name in ["db2", "db3"] {
        let own = transitions.iter().filter(|change| change["node"] == name && change["service"] == "ro");
        let serving = |state: &serde_json::Value| state == "up" || state == "degraded";
        let flips = own.filter(|change| serving(&change["from"]) != serving(&change["to"])).count();
        assert_eq!(flips, 1, "{transitions:?}");
    }
}

#[test]
fn every_way_to_ask_gives_the_same_answer() {
    on_both(|flavor| {
        let pool = Pool::with_two_replicas(flavor);
        let serve = Serve::start(&pool.nodes());
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
        assert_eq!(serve.ask_agent("rw db1\n"), "ready up 100%\n");
        assert_eq!(serve.ask_agent("rw db2\n"), "ready down 0% # is_replica: replica, read_only is on\n");
        assert_eq!(serve.ask_agent("ro db3 lag=5s\n"), "ready up 100%\n");
        assert_eq!(serve.ask_agent("ro nobody\n"), "# no node is called nobody\n");
        let (code, page) =
            output(Command::new("curl").args(["-sf", &format!("http://{}/node/db1/primary", serve.http)]));
        assert!(code == 0 && page.contains("\"answer\":true"), "{page}");
        let metrics = serve.get("/metrics").1;
        assert!(metrics.contains("vouch_node_state{node=\"db1\",service=\"rw\",state=\"up\"} 1"), "{metrics}");
        assert!(!metrics.contains("vouch_replica_lag_seconds{node=\"db1\"}"), "a source has no lag: {metrics}");
        assert!(metrics.ends_with("# EOF\n"));
    });
}

#[test]
fn maintenance_by_file_and_by_hand() {
    let pool = Pool::with_two_replicas(Flavor::Mariadb);
    let folder = TempDir::new().unwrap();
    let serve = Serve::start(&[pool.nodes(), words(&["--maintenance-dir", folder.path().to_str().unwrap()])].concat());
    std::fs::write(folder.path().join("db2"), "").unwrap();
    serve.until("db2", "read", "maint", LONG);
    std::fs::remove_file(folder.path().join("db2")).unwrap();
    serve.until("db2", "read", "up", LONG);
    assert_eq!(http(serve.http, "POST", "/maintenance?node=db3", "").0, 403);
    let header = "X-Vouch-Maintenance: yes\r\n";
    assert_eq!(http(serve.http, "POST", "/maintenance?node=nobody", header).0, 404);
    assert_eq!(http(serve.http, "POST", "/maintenance?node=db3&reason=new+disk", header).0, 200);
    serve.until("db3", "read", "maint", LONG);
    assert_eq!(serve.node("db3")["read"]["text"], "new disk");
    assert_eq!(http(serve.http, "POST", "/maintenance?node=db3&end", header).0, 200);
    serve.until("db3", "read", "up", LONG);
}

#[test]
fn the_daemon_speaks_to_its_service_manager() {
    let topology = Topology::standalone(Flavor::Mariadb, 2).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let hear = |wanted: &str| {
        let mut buffer = [0; 256];
        loop {
            let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted} was not said: {error}"));
            if String::from_utf8_lossy(&buffer[..length]) == wanted {
                return;
            }
        }
    };
    let config = folder.path().join("vouch.toml");
    let write = |nodes: &[String]| std::fs::write(&config, format!("[serve]\nnode = {nodes:?}\n")).unwrap();
    let (first, second) = (node("one", &topology.servers()[0]), node("two", &topology.servers()[1]));
    write(std::slice::from_ref(&first));
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let mut serve = Serve::start_with(&words(&["--config", config.to_str().unwrap()]), &variables);
    hear("READY=1");
    hear("WATCHDOG=1");
    write(&[first, second]);
    serve.signal(Signal::HUP);
    hear("RELOADING=1");
    hear("READY=1");
    let both = || (serve.board()["nodes"].as_array()?.len() == 2).then_some(());
    poll::until(LONG, Duration::from_millis(50), "the second node", both).unwrap();
    serve.until("two", "write", "down", LONG);
    assert_eq!(serve.node("one")["write"]["state"], "up", "the one that had the writes keeps them");
    std::fs::write(&config, "[serve]\nnonsense = 1\n").unwrap();
    serve.signal(Signal::HUP);
    let said = || serve.said().contains("`nonsense` is no option").then_some(());
    poll::until(LONG, Duration::from_millis(50), "the mistake", said).unwrap();
    assert_eq!(serve.board()["nodes"].as_array().unwrap().len(), 2, "a wrong configuration changes nothing");
    serve.signal(Signal::TERM);
    assert_eq!(serve.ended(LONG), 0);
    hear("STOPPING=1");
    assert!(!serve.socket().exists());
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
        source.sql(&text(&grants).replace("<password>", PASSWORD)).unwrap();
        topology.wait_in_sync(LONG).unwrap();
        let doctor = |user: &str| {
            let address = format!("db2={}", replica.url(user, PASSWORD));
            probe(&words(&["doctor", "--heartbeat-table", "d.heartbeat", "--node", &address]))
        };
        let well = doctor("least");
        assert_eq!(well.status.code(), Some(0), "{}", text(&well));
        let ill = doctor(SELECT_ONLY);
        assert_eq!(ill.status.code(), Some(1));
        assert!(text(&ill).contains("db2  no  the state of replication"), "{}", text(&ill));
        let unknown =
            probe(&words(&["--for", "db2", "--node", &format!("db2={}", replica.url(SELECT_ONLY, PASSWORD))]));
        assert!(text(&unknown).contains("no_privilege"), "{}", text(&unknown));
        assert_eq!(unknown.status.code(), Some(3));
    });
}

/// Keepalived ends a check with a signal to its whole session, and tells faults in a file.
fn keepalived(file: &str) {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let mut text = std::fs::read_to_string(file).unwrap();
    let mut check = || {
        let copy = folder.path().join("keepalived.conf");
        std::fs::write(&copy, &text).unwrap();
        output(
            Command::new("setsid")
                .args(["-w", "keepalived", "-f"])
                .arg(&copy)
                .arg(format!("--config-test={}", log.display())),
        );
        text = text.replace("priority", "priorty");
        std::fs::read_to_string(&log).unwrap_or_default()
    };
    let said = check();
    let faults: Vec<&str> = said.lines().filter(|line| !line.contains("eth0")).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert!(check().contains("priorty"), "keepalived does not look at its configuration");
}

/// The modules that every MIB builds on are not free, so that distributions leave them out; this is all of
/// them that ours needs.
const SMI: [(&str, &str); 2] = [
    (
        "SNMPv2-SMI",
        "org OBJECT IDENTIFIER ::= { iso 3 }\ndod OBJECT IDENTIFIER ::= { org 6 }\n\
         internet OBJECT IDENTIFIER ::= { dod 1 }\nprivate OBJECT IDENTIFIER ::= { internet 4 }\n\
         enterprises OBJECT IDENTIFIER ::= { private 1 }",
    ),
    (
        "SNMPv2-TC",
        "DisplayString ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION \"text\" SYNTAX OCTET STRING\n\
         TruthValue ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION \"yes\" SYNTAX INTEGER { true(1), false(2) }",
    ),
];

fn mib(folder: &str) {
    let modules = TempDir::new().unwrap();
    for (name, body) in SMI {
        let text = format!("{name} DEFINITIONS ::= BEGIN\n{body}\nEND\n");
        std::fs::write(modules.path().join(format!("{name}.txt")), text).unwrap();
    }
    let places = format!("{}:/usr/share/snmp/mibs:{folder}", modules.path().display());
    for (name, column) in
        [("vouchNodeName", 1), ("vouchNodeState", 2), ("vouchNodeLagMs", 5), ("vouchNodeReadState", 9)]
    {
        let mut command = Command::new("snmptranslate");
        command.args(["-M", &places, "-m", "VOUCH-MIB", "-On", &format!("VOUCH-MIB::{name}")]);
        let (code, text) = output(&mut command);
        let expected = format!(".1.3.6.1.4.1.8072.9999.9999.8306.1.1.{column}");
        assert!(code == 0 && text.lines().any(|line| line == expected), "{name}: {text}");
    }
}

/// Each sample is taken by the program that it is for.
#[test]
fn sample_configurations_are_accepted() {
    let contrib = checkout().join("contrib");
    let path = |name: &str| contrib.join(name).to_str().unwrap().to_owned();
    let run = |program: &str, args: &[&str]| {
        let (code, text) = output(Command::new(program).args(args));
        assert_eq!(code, 0, "{program} {args:?}: {text}");
        text
    };
    run("haproxy", &["-c", "-f", &path("haproxy/haproxy.cfg")]);
    run("promtool", &["check", "rules", &path("prometheus/alerts.yml")]);
    keepalived(&path("keepalived/keepalived.conf"));
    mib(&path("snmp"));
    let dashboard: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(contrib.join("grafana/vouch.json")).unwrap()).unwrap();
    let known = [
        "vouch_node_state",
        "vouch_replica_lag_seconds",
        "vouch_replica_lag_known",
        "vouch_probe_duration_seconds",
        "vouch_verdict_changes_total",
        "vouch_node_weight_ratio",
    ];
    let expressions: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .filter_map(|target| target["expr"].as_str())
        .collect();
    assert!(
        !expressions.is_empty()
            && expressions.iter().all(|expression| known.iter().any(|name| expression.contains(name))),
        "{expressions:?}"
    );
    let unit = std::fs::read_to_string(contrib.join("systemd/vouch.service")).unwrap();
    assert!(unit.contains("Type=notify") && unit.contains("WatchdogSec="));
    if Command::new("systemd-analyze").arg("--version").output().is_ok() {
        let text =
            output(Command::new("systemd-analyze").args(["verify", "--man=no", &path("systemd/vouch.service")])).1;
        assert!(!text.contains("Unknown") && !text.contains("Failed to parse"), "{text}");
    }
    assert!(std::fs::read_to_string(contrib.join("snmp/snmpd.conf")).unwrap().contains("pass_persist"));
}
