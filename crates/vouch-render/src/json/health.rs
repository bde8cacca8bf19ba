//! Health verdicts as JSON: a board, one answer, and recorded facts.

use super::scope::ScopeJson;
use super::{compact, shown_safely, time};
use serde::Serialize;
use std::collections::BTreeMap;
use vouch_report::Scope;
use vouch_report::health::{Answer, Backlog, Board, Lag, NodeHealth, Transition};

/// The version that these documents bear as `schema`.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct AnswerJson<'a> {
    state: &'static str,
    serves: bool,
    weight: u8,
    reason: String,
    text: &'a str,
    reasons: Vec<ReasonJson<'a>>,
    held: bool,
    for_ms: u64,
}

#[derive(Serialize)]
struct ReasonJson<'a> {
    code: String,
    text: &'a str,
}

#[derive(Serialize)]
struct LagJson {
    known: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Serialize)]
struct BacklogJson {
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    transactions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eta_ms: Option<u64>,
}

#[derive(Serialize)]
struct NodeJson<'a> {
    name: &'a str,
    role: &'static str,
    reachable: bool,
    version: &'a str,
    write: AnswerJson<'a>,
    read: AnswerJson<'a>,
    lag: LagJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    backlog: Option<BacklogJson>,
    sources: &'a [String],
    promotable: bool,
    drift_rows: Option<u64>,
    probe_ms: u64,
    age_ms: u64,
}

#[derive(Serialize)]
struct TransitionJson<'a> {
    at: Option<String>,
    node: &'a str,
    service: &'static str,
    from: &'static str,
    to: &'static str,
    reason: String,
    text: &'a str,
}

#[derive(Serialize)]
struct SaidJson<'a> {
    node: &'a str,
    protocol: &'a str,
    text: &'a str,
    exit: u8,
}

#[derive(Serialize)]
struct BoardJson<'a> {
    schema: u32,
    at: Option<String>,
    scope: ScopeJson<'a>,
    nodes: Vec<NodeJson<'a>>,
    transitions: Vec<TransitionJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    said: Vec<SaidJson<'a>>,
}

#[derive(Serialize)]
struct OneJson<'a> {
    schema: u32,
    at: Option<String>,
    answer: bool,
    why: &'a str,
    scope: ScopeJson<'a>,
    node: Option<NodeJson<'a>>,
}

/// What a protocol says about a node: node, protocol, text, exit code.
pub type Said<'a> = (&'a str, &'a str, &'a str, u8);

/// The whole board on one line, with the account of its nodes and what protocols say about it.
pub fn board(board: &Board, scope: &Scope, said: &[Said<'_>]) -> String {
    let said = said.iter().map(|(node, protocol, text, exit)| SaidJson { node, protocol, text, exit: *exit });
    compact(&BoardJson {
        schema: SCHEMA,
        at: time(board.wall_ms),
        scope: ScopeJson::of(scope),
        nodes: board.nodes.iter().map(|node| node_json(node, board)).collect(),
        transitions: board.transitions.iter().map(|change| transition(change, board)).collect(),
        said: said.collect(),
    })
}

/// A yes or no with its reason, its account and the node that it is about, on one line.
pub fn answer(board: &Board, scope: &Scope, node: Option<&NodeHealth>, yes: bool, why: &str) -> String {
    let node = node.map(|node| node_json(node, board));
    compact(&OneJson { schema: SCHEMA, at: time(board.wall_ms), answer: yes, why, scope: ScopeJson::of(scope), node })
}

fn node_json<'a>(node: &'a NodeHealth, board: &Board) -> NodeJson<'a> {
    NodeJson {
        name: &node.name,
        role: node.role.name(),
        reachable: node.reachable,
        version: &node.version,
        write: answer_json(&node.write, board),
        read: answer_json(&node.read, board),
        lag: lag(node.lag),
        backlog: node.backlog.map(backlog),
        sources: &node.sources,
        promotable: node.promotable,
        drift_rows: node.drift,
        probe_ms: node.probe_ms,
        age_ms: node.age_ms,
    }
}

fn answer_json<'a>(answer: &'a Answer, board: &Board) -> AnswerJson<'a> {
    AnswerJson {
        state: answer.state.name(),
        serves: answer.state.serves(),
        weight: answer.weight,
        reason: answer.tag(),
        text: answer.text(),
        reasons: answer.reasons.iter().map(|reason| ReasonJson { code: reason.tag(), text: &reason.text }).collect(),
        held: answer.held,
        for_ms: board.at_ms.saturating_sub(answer.since_ms),
    }
}

fn lag(lag: Lag) -> LagJson {
    match lag {
        Lag::Known { ms, method } => LagJson { known: true, ms: Some(ms), method: Some(method.name()), reason: None },
        Lag::Unknown(why) => LagJson { known: false, ms: None, method: None, reason: Some(why.name()) },
    }
}

fn backlog(Backlog { bytes, transactions, eta_ms }: Backlog) -> BacklogJson {
    BacklogJson { bytes, transactions, eta_ms }
}

fn transition<'a>(change: &'a Transition, board: &Board) -> TransitionJson<'a> {
    let ago_ms = board.at_ms.saturating_sub(change.at_ms);
    TransitionJson {
        at: time(board.wall_ms.saturating_sub(ago_ms)),
        node: &change.node,
        service: change.service.name(),
        from: change.from.name(),
        to: change.to.name(),
        reason: change.reason.tag(),
        text: &change.reason.text,
    }
}

/// Named fields of one thing, as they are recorded.
pub type Fields = BTreeMap<String, String>;

/// What one verdict rested on, in fields: when, for each node its own fields and those of its channels, and
/// what was remembered from before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Recorded {
    /// When, on the prober's monotonic clock.
    pub at_ms: u64,
    /// The nodes.
    pub nodes: Vec<RecordedNode>,
    /// What was remembered; `None` when that is what the moment before it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Fields>>,
}

/// A node's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct RecordedNode {
    /// Its own.
    pub fields: Fields,
    /// Those of its channels.
    #[serde(default)]
    pub channels: Vec<Fields>,
}

#[derive(Serialize, serde::Deserialize)]
struct Recording {
    schema: u32,
    moments: Vec<Recorded>,
}

/// A recording of facts, indented, ending with a newline.
pub fn recording(moments: &[Recorded]) -> String {
    let document = Recording { schema: SCHEMA, moments: moments.to_vec() };
    shown_safely(serde_json::to_string_pretty(&document)) + "\n"
}

/// Reads a recording.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_recording(text: &str) -> Result<Vec<Recorded>, String> {
    let document: Recording = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if document.schema != SCHEMA {
        return Err(format!("it has schema {}, not {SCHEMA}", document.schema));
    }
    Ok(document.moments)
}

/// Rows that differ, by replica, from the result document of `vouch compare`; a replica
/// that was compared and has none is there with 0.
///
/// # Errors
/// It is no such document.
pub fn drift_of(text: &str) -> Result<BTreeMap<String, u64>, String> {
    let document: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    if document["command"] != "compare" {
        return Err("it is not the result of vouch compare".to_owned());
    }
    let mut rows = BTreeMap::new();
    for server in list(&document["coverage"]["servers"]) {
        if let (Some(name), Some("replica")) = (server["name"].as_str(), server["role"].as_str()) {
            rows.insert(name.to_owned(), 0);
        }
    }
    for finding in list(&document["findings"]) {
        if let (Some(name), "error") = (finding["replica"].as_str(), finding["severity"].as_str().unwrap_or_default()) {
            *rows.entry(name.to_owned()).or_insert(0) += finding["count"].as_u64().unwrap_or(1);
        }
    }
    Ok(rows)
}
