//! Plays a case of the golden table: [`play`].

use serde::Deserialize;
use vouch_probe::facts::Thread;
use vouch_probe::policy::{OnDrift, Shape};
use vouch_probe::{ChannelFacts, Facts, History, NodeFacts, Policy, Reach, verdict};
use vouch_report::health::Board;

const ROUND_MS: u64 = 500;

/// A row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    #[serde(default)]
    pub base: Option<String>,
    #[serde(default)]
    pub policy: Vec<String>,
    #[serde(default)]
    pub cold: bool,
    #[serde(default)]
    pub steps: Vec<String>,
    pub expect: Vec<String>,
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub promotable: Option<Vec<String>>,
    #[serde(default)]
    pub transitions: Option<usize>,
}

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

/// What a case came to.
pub struct Played {
    pub board: Board,
    /// Changes after the base had settled.
    pub transitions: usize,
}

pub fn cases() -> Vec<Case> {
    toml::from_str::<Table>(include_str!("cases.toml")).unwrap().case
}

/// Plays a case from its base to its last step.
pub fn play(case: &Case) -> Played {
    let policy = policy(case);
    let mut facts = base(case.base.as_deref().unwrap_or("pool"));
    let mut history = History::default();
    let mut played = Played { board: Board::default(), transitions: 0 };
    let rounds = if case.cold { 0 } else { 3 };
    for _ in 0..rounds {
        judge(&mut facts, &policy, &mut history, &mut played);
    }
    played.transitions = 0;
    for step in &case.steps {
        take(step, &mut facts, &policy, &mut history, &mut played);
    }
    played
}

fn take(step: &str, facts: &mut Facts, policy: &Policy, history: &mut History, played: &mut Played) {
    let mut times = 1;
    for word in step.split_whitespace() {
        if let Some(count) = word.strip_prefix('x').and_then(|count| count.parse::<u32>().ok()) {
            times = count;
        } else if let Some(ms) = word.strip_prefix('+').and_then(|word| word.strip_suffix("ms")) {
            facts.at_ms += ms.parse::<u64>().unwrap();
        } else {
            change(word, facts);
        }
    }
    for _ in 0..times {
        judge(facts, policy, history, played);
    }
}

fn judge(facts: &mut Facts, policy: &Policy, history: &mut History, played: &mut Played) {
    facts.at_ms += ROUND_MS;
    for node in &mut facts.nodes {
        node.round += 1;
        node.asked_ms = facts.at_ms - 10;
    }
    // Each verdict is derived from a history that was recorded and read back.
    let read = History::read(&history.records()).unwrap();
    assert_eq!(&read, history);
    let (verdict, next) = verdict(facts, policy, &read);
    *history = next;
    played.transitions += verdict.transitions.len();
    let own = match &policy.shape {
        Shape::ActivePassive { own, .. } => Some(own.clone()),
        Shape::Pool => None,
    };
    played.board = Board { at_ms: facts.at_ms, own, nodes: verdict.nodes, ..Board::default() };
}

fn change(word: &str, facts: &mut Facts) {
    let (place, value) = word.split_once('=').unwrap_or_else(|| panic!("no value: {word}"));
    let (name, field) = place.split_once('.').unwrap_or_else(|| panic!("no field: {word}"));
    let nodes = facts.nodes.iter_mut().filter(|node| name == "*" || node.name == name);
    let mut changed = 0;
    for node in nodes {
        changed += 1;
        match field.split_once('.') {
            Some((channel, field)) => {
                let at = channel.strip_prefix("ch").and_then(|number| number.parse::<usize>().ok()).unwrap_or(1) - 1;
                if name != "*" && node.channels.len() <= at {
                    node.channels.push(ChannelFacts::default());
                }
                if let Some(channel) = node.channels.get_mut(at) {
                    channel.set(field, value).unwrap();
                }
            }
            None if field == "channels" => node.channels.clear(),
            None => node.set(field, value).unwrap(),
        }
    }
    assert!(changed > 0, "no node: {word}");
}

fn policy(case: &Case) -> Policy {
    let mut policy = Policy::default();
    for word in &case.policy {
        match word.split_once('=').unwrap_or((word, "")) {
            ("pair", _) => policy.shape = Shape::ActivePassive { own: "a".into(), peer: "b".into() },
            ("max_backlog", bytes) => policy.max_backlog = Some(bytes.parse().unwrap()),
            ("delayed_ok", flag) => policy.delayed_ok = flag == "true",
            ("source_reads", flag) => policy.source_reads = flag == "true",
            ("on_drift", _) => policy.on_drift = OnDrift::Drain,
            ("warm_up_ms", ms) => policy.warm_up_ms = ms.parse().unwrap(),
            _ => panic!("no such policy: {word}"),
        }
    }
    policy
}

fn base(name: &str) -> Facts {
    let nodes = match name {
        "pool" => vec![source("db1", 1), replica("db2", 2, ("db1", 1)), replica("db3", 3, ("db1", 1))],
        "single" => vec![source("db1", 1)],
        "pair" => {
            let writable = |mut node: NodeFacts| {
                (node.read_only, node.super_read_only) = (Some(false), Some(false));
                node.executed = "ua:1-9,ub:1-9".into();
                node
            };
            vec![writable(replica("a", 1, ("b", 2))), writable(replica("b", 2, ("a", 1)))]
        }
        "group" => vec![member("db1", 1, "PRIMARY"), member("db2", 2, "SECONDARY"), member("db3", 3, "SECONDARY")],
        "galera" => vec![wsrep("db1", 1), wsrep("db2", 2), wsrep("db3", 3)],
        other => panic!("no such base: {other}"),
    };
    Facts { at_ms: 1000, nodes }
}

fn source(name: &str, id: u64) -> NodeFacts {
    NodeFacts {
        name: name.into(),
        host: name.into(),
        port: 3306,
        reach: Reach::Answers,
        took_ms: 2,
        version: "9.7.0".into(),
        server_id: id,
        uuid: format!("u{id}"),
        uptime_s: Some(100_000),
        read_only: Some(false),
        super_read_only: Some(false),
        offline_mode: Some(false),
        clock_ms: Some(0),
        executed: "u1:1-100".into(),
        ..NodeFacts::default()
    }
}

fn replica(name: &str, id: u64, (host, source_id): (&str, u64)) -> NodeFacts {
    let channel = ChannelFacts {
        source_host: host.into(),
        source_port: 3306,
        source_uuid: format!("u{source_id}"),
        source_id,
        io: Thread::Yes,
        sql: Thread::Yes,
        behind_s: Some(0),
        drained: Some(true),
        backlog_bytes: Some(0),
        ..ChannelFacts::default()
    };
    NodeFacts { read_only: Some(true), super_read_only: Some(true), channels: vec![channel], ..source(name, id) }
}

fn member(name: &str, id: u64, role: &str) -> NodeFacts {
    NodeFacts {
        group_state: Some("ONLINE".into()),
        group_role: Some(role.into()),
        group_quorum: Some(true),
        read_only: Some(role != "PRIMARY"),
        super_read_only: Some(role != "PRIMARY"),
        ..source(name, id)
    }
}

fn wsrep(name: &str, id: u64) -> NodeFacts {
    NodeFacts { galera_state: Some(4), galera_primary: Some(true), ..source(name, id) }
}
