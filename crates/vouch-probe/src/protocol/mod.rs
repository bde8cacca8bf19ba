//! What is said to whom: a file for each protocol, each a pure function of a board.
//!
//! Invariant: a protocol renders an answer and never changes it; what a client
//! limits (such as the lag it accepts) is applied by [`answer`], for all alike.

pub mod haproxy;
pub mod human;
pub mod lb_text;
pub mod nagios;
pub mod snmp;

use vouch_convert::parse;
use vouch_report::Code;
use vouch_report::health::{Answer, Board, Lag, NodeHealth, NodeRole, Reason, Service, State, seconds};

/// Who asks what about whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What the node is to do.
    pub service: Service,
    /// The node; without one, the board's own or its only one.
    pub node: Option<String>,
    /// The lag that the client accepts, in ms.
    pub max_lag_ms: Option<u64>,
}

impl Query {
    /// Asks about a service of the node that is meant when none is named.
    pub fn of(service: Service) -> Query {
        Query { service, node: None, max_lag_ms: None }
    }
}

/// What a protocol says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The data, with its line end.
    pub text: String,
    /// The exit code of a process that says it.
    pub exit: u8,
    /// What a person should be told besides; empty for nothing.
    pub talk: String,
}

/// The protocols of one line or one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// `100` or `200`.
    LbText,
    /// HAProxy's agent-check.
    Haproxy,
    /// Nagios and Icinga.
    Nagios,
}

impl Format {
    /// Every format with its name.
    pub const NAMES: [(&'static str, Format); 4] = [
        ("human", Format::Human),
        ("lb-text", Format::LbText),
        ("haproxy", Format::Haproxy),
        ("nagios", Format::Nagios),
    ];
}

/// Says what is asked in a format.
pub fn say(format: Format, board: &Board, query: &Query) -> Said {
    match format {
        Format::Human => human::say(board, query),
        Format::LbText => lb_text::say(board, query),
        Format::Haproxy => haproxy::say(board, query),
        Format::Nagios => nagios::say(board, query),
    }
}

/// The answer to a query about a node: the verdict, but for the lag that the client accepts.
pub fn answer(node: &NodeHealth, query: &Query) -> Answer {
    let answer = node.answer(query.service).clone();
    let Some(limit) = query.max_lag_ms else { return answer };
    if node.role == NodeRole::Source || !answer.state.serves() {
        return answer;
    }
    let refusal = match node.lag {
        Lag::Known { ms, .. } if ms <= limit => return answer,
        Lag::Known { ms, .. } => Reason::new(Code::LagHigh, format!("lag {} > {}", seconds(ms), seconds(limit))),
        Lag::Unknown(why) => Reason::new(Code::ReplicaLagUnknown, format!("lag unknown ({})", why.name())),
    };
    Answer { state: State::Drain, weight: 0, reasons: vec![refusal], ..answer }
}

/// What is answered about a node that is not there, or not named where several are.
pub fn nobody(board: &Board, query: &Query) -> String {
    match &query.node {
        Some(name) => format!("no node is called {}", clean(name)),
        None if board.nodes.is_empty() => "no node is watched".to_owned(),
        None => "name a node: several are watched".to_owned(),
    }
}

/// Text on one line without what a protocol or a terminal would act on.
pub fn clean(text: &str) -> String {
    let plain = |c: char| if c.is_control() || c == '|' { ' ' } else { c };
    text.chars().map(plain).filter(|c| !is_mark(*c)).take(200).collect()
}

/// Marks of direction and the like, which show nothing and change what is shown.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A duration as clients write it: `5s`, `500ms`, `2m`, `5`; in ms.
pub fn duration_ms(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    parse::<u64>(number)?.checked_mul(factor)
}

/// A query as words: `rw`, `ro db3 lag=5s`. Empty text asks for reads of the node that is meant.
///
/// # Errors
/// The word that makes no sense.
pub fn query(text: &str) -> Result<Query, String> {
    let mut query = Query::of(Service::Read);
    for word in text.split_whitespace() {
        match (word, word.split_once('=')) {
            ("rw" | "write", _) => query.service = Service::Write,
            ("ro" | "read", _) => query.service = Service::Read,
            (_, Some(("lag", limit))) => query.max_lag_ms = Some(duration_ms(limit).ok_or_else(|| word.to_owned())?),
            (_, Some(_)) => return Err(word.to_owned()),
            (name, None) => query.node = Some(name.to_owned()),
        }
    }
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_words() {
        let expected = Query { service: Service::Read, node: Some("db3".into()), max_lag_ms: Some(5000) };
        assert_eq!(query("ro db3 lag=5s\n"), Ok(expected));
        assert_eq!(query("rw").map(|query| query.service), Ok(Service::Write));
        assert_eq!(query("").map(|query| query.service), Ok(Service::Read));
        assert_eq!(query("ro lag=x"), Err("lag=x".to_owned()));
        assert_eq!(query("ro a=b"), Err("a=b".to_owned()));
    }

    #[test]
    fn text_is_harmless() {
        assert_eq!(clean("a\nb|c\u{1b}[31m\u{202e}"), "a b c [31m");
    }
}
