//! The JSON of health verdicts, held to its schema, and recordings read back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod checker;

use checker::Schemas;
use vouch_render::json::health::{Recorded, RecordedNode, answer, board, drift_of, read_recording, recording};
use vouch_report::health::{
    Answer, Backlog, Board, Lag, LagMethod, LagUnknown, NodeHealth, NodeRole, Reason, Service, State, Transition,
};
use vouch_report::{Code, Command, Coverage, Item, ItemKind, Outcome, Recorder, RunContext, Scope};

fn node(name: &str, lag: Lag) -> NodeHealth {
    let said = Answer {
        state: State::Drain,
        weight: 0,
        reasons: vec![Reason::numbered(Code::SqlStopped, Some(1062), "\u{1b}[31mDuplicate \"x\"")],
        since_ms: 900,
        held: true,
    };
    NodeHealth {
        name: name.to_owned(),
        role: NodeRole::Replica,
        write: said.clone(),
        read: said,
        lag,
        sources: vec!["db1".to_owned()],
        promotable: false,
        backlog: Some(Backlog { bytes: 5_000, transactions: Some(12), eta_ms: None }),
        reachable: true,
        drift: Some(2),
        version: "9.7.0".to_owned(),
        probe_ms: 3,
        age_ms: 10,
        round: 4,
    }
}

fn full() -> Board {
    let change = Transition {
        at_ms: 500,
        node: "db2".to_owned(),
        service: Service::Read,
        from: State::Up,
        to: State::Drain,
        reason: Reason::new(Code::LagHigh, "lag 95s > 60s"),
    };
    Board {
        at_ms: 1000,
        wall_ms: 1_800_000_000_000,
        nodes: vec![
            node("db2", Lag::Known { ms: 95_000, method: LagMethod::Heartbeat }),
            node("<script>", Lag::Unknown(LagUnknown::SqlStopped)),
        ],
        transitions: vec![change],
        ..Board::default()
    }
}

/// A scope with one item of each outcome.
fn scope() -> Scope {
    let recorder = Recorder::begin(Command::Probe, RunContext::silent());
    recorder.settled(Item::new(ItemKind::Node, "db1"), Outcome::verified());
    recorder.settled(Item::new(ItemKind::Node, "db2"), Outcome::Differs);
    recorder.owe(Item::new(ItemKind::Node, "db3"));
    recorder.finish(Coverage::empty(Command::Probe)).scope
}

fn held_to_its_schema(text: &str) -> serde_json::Value {
    let schemas = Schemas::new(&[include_str!("../../../docs/reference/health.schema.json")]);
    let value = serde_json::from_str(text).unwrap();
    let faults = schemas.check("health.schema.json", &value);
    assert!(faults.is_empty(), "{faults:#?}");
    value
}

#[test]
fn documents_keep_their_schema() {
    let full = full();
    let all = held_to_its_schema(&board(&full, &scope(), &[("db2", "lb-text rw", "200\n", 1)]));
    assert_eq!(all["nodes"][0]["read"]["reason"], "sql_stopped:1062");
    assert_eq!(all["nodes"][0]["read"]["for_ms"], 100);
    assert!(all["nodes"][1]["lag"]["ms"].is_null(), "lag that is not known has no figure");
    held_to_its_schema(&board(&Board::default(), &scope(), &[]));
    held_to_its_schema(&answer(&full, &scope(), full.node("db2"), false, "lag_high"));
    held_to_its_schema(&answer(&full, &scope(), None, false, "no node is called db9"));
    assert!(!board(&full, &scope(), &[]).contains('\u{1b}'), "what a terminal would act on is escaped");
}

#[test]
fn a_recording_reads_back() {
    let fields = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let node = RecordedNode { fields: fields(&[("name", "db1")]), channels: vec![fields(&[("io", "yes")])] };
    let history = Some(vec![fields(&[("kind", "pool")])]);
    let first = Recorded { at_ms: 7, nodes: vec![node.clone()], history };
    let moments = vec![first, Recorded { at_ms: 8, nodes: vec![node], history: None }];
    assert_eq!(read_recording(&recording(&moments)), Ok(moments));
    assert!(read_recording("{\"schema\": 2, \"moments\": []}").unwrap_err().contains("schema 2"));
    assert!(read_recording("nonsense").is_err());
}

#[test]
fn drift_is_read_from_a_comparison() {
    let text = r#"{"command": "compare", "coverage": {"servers": [{"name": "s", "role": "source"},
        {"name": "r1", "role": "replica"}, {"name": "r2", "role": "replica"}]},
        "findings": [{"replica": "r1", "severity": "error", "count": 3}, {"replica": "r1", "severity": "notice"}]}"#;
    let drift = drift_of(text).unwrap();
    assert_eq!((drift["r1"], drift["r2"], drift.len()), (3, 0, 2));
    assert!(drift_of("{}").is_err());
}
