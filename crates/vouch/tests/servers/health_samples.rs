//! The samples in contrib/, each taken by the program that it is for.

use crate::health_kit::{Serve, Tied, VOUCH, checkout, free_port, http, output, words};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::poll;

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
        std::fs::read_to_string(&log).unwrap_or_else(|_| String::new())
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

/// Every option of the sample is one, and its nodes are looked at: nobody is at those addresses.
fn configuration(file: &str) {
    let folder = TempDir::new().unwrap();
    let (password, copy) = (folder.path().join("password"), folder.path().join("vouch.toml"));
    std::fs::write(&password, "secret").unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let own = |text: &str| text.replace("/etc/vouch/password", password.to_str().unwrap());
    let ask = |text: &str| {
        std::fs::write(&copy, own(text)).unwrap();
        let mut command = Command::new(VOUCH);
        command.args(["probe", "--no-daemon", "--deadline", "100ms", "--config"]).arg(&copy).current_dir(folder.path());
        output(command.env_clear().env("HOME", folder.path()))
    };
    let (code, said) = ask(&text);
    assert!(code != 2 && ["db1", "db2", "db3"].iter().all(|name| said.contains(name)), "{code}: {said}");
    assert_eq!(ask(&text.replace("max-lag", "max-lga")).0, 2, "the configuration is not looked at");
}

/// Prometheus scrapes a daemon that reaches nobody, and evaluates the rules of the sample.
#[test]
fn prometheus_reads_the_metrics_and_the_alerts() {
    let serve = Serve::start(&words(&["--node", "db1=u@127.0.0.1:1", "--deadline", "200ms"]));
    let folder = TempDir::new().unwrap();
    let (port, config) = (free_port(), folder.path().join("prometheus.yml"));
    let rules = checkout().join("contrib/prometheus/alerts.yml");
    let text = format!(
        "global: {{ scrape_interval: 500ms, evaluation_interval: 500ms }}\nrule_files: [ {:?} ]\n\
         scrape_configs: [ {{ job_name: vouch, static_configs: [ {{ targets: [ \"{}\" ] }} ] }} ]\n",
        rules, serve.http
    );
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("prometheus: script/servers prometheus");
    let _tied = Tied(child);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let ask = |path: &str| TcpStream::connect(address).ok().map(|_| http(address, "GET", path, "").1);
    for (path, expected) in [
        ("/api/v1/query?query=vouch_node_state%7Bstate%3D%22down%22%2Cservice%3D%22rw%22%7D", ",\"1\"]"),
        ("/api/v1/query?query=vouch_verdict_changes_total", "\"node\":\"db1\""),
        ("/api/v1/alerts", "\"alertname\":\"NoNodeTakesWrites\""),
    ] {
        let there = || ask(path).filter(|text| text.contains(expected));
        let found = poll::until(Duration::from_secs(30), Duration::from_millis(100), path, there);
        assert!(found.is_ok(), "{path}: {:?}", ask(path));
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
    configuration(&path("vouch.toml"));
}
