//! The questions of the HTTP side, and what HAProxy tells about itself with them.

use crate::protocol::{self, Query, duration_ms, nobody};
use vouch_convert::{parse, utf8};
use vouch_report::health::{Board, NodeHealth, NodeRole, Service, State};

/// What can be asked about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Does it take writes?
    Primary,
    /// Is it a replica to read from?
    Replica,
    /// Can it be read from, whatever it is?
    ReadOnly,
    /// Could it take over?
    Standby,
    /// Does the server answer?
    Health,
    /// Does it do what it is there for?
    Readiness,
    /// Has a comparison found it equal to its source?
    Verify,
}

impl Ask {
    /// Every question with its path.
    pub const NAMES: [(&'static str, Ask); 8] = [
        ("primary", Ask::Primary),
        ("read-write", Ask::Primary),
        ("replica", Ask::Replica),
        ("read-only", Ask::ReadOnly),
        ("standby", Ask::Standby),
        ("health", Ask::Health),
        ("readiness", Ask::Readiness),
        ("verify", Ask::Verify),
    ];

    /// The question of that path.
    pub fn named(path: &str) -> Option<Ask> {
        Ask::NAMES.iter().find(|(name, _)| *name == path).map(|(_, ask)| *ask)
    }

    /// The service that it is about.
    pub fn service(self) -> Service {
        if self == Ask::Primary { Service::Write } else { Service::Read }
    }
}

/// The pairs of a query string, decoded.
pub fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(utf8);
        match (first, hex.and_then(vouch_convert::hex).and_then(vouch_convert::narrow::<u8, _>)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whom and what a request is about: the path, `?node=`, or the server that HAProxy names.
///
/// # Errors
/// What is wrong with the request, in words.
pub fn query(ask: Ask, node: Option<String>, query: Option<&str>, haproxy: Option<&str>) -> Result<Query, String> {
    let mut asked = Query { node, ..Query::of(ask.service()) };
    for (key, value) in pairs(query) {
        match key.as_str() {
            "node" => asked.node = Some(value),
            "lag" => asked.max_lag_ms = Some(duration_ms(&value).ok_or("lag is a duration such as 5s")?),
            _ => {}
        }
    }
    if asked.node.is_none() {
        asked.node =
            haproxy.and_then(|state| field(state, "name")).and_then(|name| name.rsplit('/').next().map(str::to_owned));
    }
    Ok(asked)
}

/// A field of `UP 2/3; name=bck/srv2; node=lb1; weight=1/2; scur=13/22; qcur=0`.
fn field(state: &str, name: &str) -> Option<String> {
    let fields = state.split(';').filter_map(|field| field.trim().split_once('='));
    fields.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

/// Yes or no, and why.
fn answer_of(ask: Ask, node: &NodeHealth, query: &Query) -> (bool, String) {
    let answer = protocol::answer(node, query);
    let said = |yes: bool| (yes, answer.tag());
    match ask {
        Ask::Primary | Ask::ReadOnly => said(answer.state.serves()),
        Ask::Replica if node.role == NodeRole::Source => (false, "source".to_owned()),
        Ask::Replica => said(answer.state.serves()),
        Ask::Standby => (node.promotable, if node.promotable { "promotable" } else { "not_promotable" }.to_owned()),
        Ask::Health => (node.reachable, if node.reachable { "reachable".to_owned() } else { node.main().tag() }),
        Ask::Readiness => (node.main().state.serves(), node.main().tag()),
        Ask::Verify => match node.drift {
            Some(0) => (true, "compared_equal".to_owned()),
            Some(_) => (false, "drift".to_owned()),
            None => (false, "not_compared".to_owned()),
        },
    }
}

/// The status of an answer: 200 for yes, 503 for no.
pub fn status(yes: bool) -> u16 {
    if yes { 200 } else { 503 }
}

/// Yes or no about the node that is meant. A reader that HAProxy has no other for is kept, if it can serve at all.
pub fn answer(ask: Ask, board: &Board, query: &Query, haproxy: Option<&str>) -> (bool, String) {
    let Some(node) = board.meant(query.node.as_deref()) else { return (false, nobody(board, query)) };
    let (yes, why) = answer_of(ask, node, query);
    let reads = matches!(ask, Ask::Replica | Ask::ReadOnly);
    let soft = node.reachable && node.read.state == State::Drain;
    if !yes && reads && soft && haproxy.is_some_and(is_last) {
        return (true, format!("panic_floor, {why}"));
    }
    (yes, why)
}

/// Whether HAProxy says that this server bears all the weight that is left.
fn is_last(state: &str) -> bool {
    let weight = field(state, "weight");
    let parts = weight.as_deref().and_then(|weight| weight.split_once('/'));
    let numbers = parts.and_then(|(own, all)| Some((parse::<u32>(own)?, parse::<u32>(all)?)));
    state.starts_with("UP") && numbers.is_some_and(|(own, all)| own > 0 && own == all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "UP 2/3; name=readers/db2; node=lb1; weight=1/2; scur=13/22; qcur=0";

    #[test]
    fn haproxy_names_the_server() {
        let named = |node, query_text, state| query(Ask::Replica, node, query_text, state).map(|query| query.node);
        assert_eq!(named(None, None, Some(STATE)), Ok(Some("db2".to_owned())));
        assert_eq!(named(None, Some("node=db%203&lag=5s"), Some(STATE)), Ok(Some("db 3".to_owned())));
        assert_eq!(named(Some("db1".to_owned()), None, Some(STATE)), Ok(Some("db1".to_owned())));
        assert!(query(Ask::Replica, None, Some("lag=much"), None).is_err());
    }

    #[test]
    fn the_last_server_is_told_by_its_weight() {
        assert!(!is_last(STATE) && is_last("UP; name=a/b; weight=2/2") && !is_last("DOWN; weight=1/1"));
        assert!(!is_last("UP; weight=0/0") && !is_last("UP"));
    }
}
