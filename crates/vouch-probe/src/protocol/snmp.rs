//! snmpd's `pass_persist`: a table of nodes under one OID.
//!
//! Main type: [`PassPersist`], fed line by line. Invariant: lag that is not known
//! has no instance; a manager must never take a placeholder for a figure.

use super::{Query, answer, clean};
use std::collections::BTreeMap;
use vouch_report::health::{Board, NodeHealth, Service, State};

/// Where the table hangs by default: in the part of the tree that is free for private use.
pub const BASE: &str = ".1.3.6.1.4.1.8072.9999.9999.8306";

/// A conversation with snmpd.
#[derive(Debug)]
pub struct PassPersist {
    base: Vec<u32>,
    pending: Vec<String>,
}

/// What a line of snmpd's leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet.
    Wait,
    /// This is to be written.
    Reply(String),
    /// It says good-bye.
    End,
}

impl PassPersist {
    /// A table at `base`, such as [`BASE`]. `None` when that is no OID.
    pub fn new(base: &str) -> Option<PassPersist> {
        Some(PassPersist { base: parse(base)?, pending: Vec::new() })
    }

    /// Takes a line without its end.
    pub fn line(&mut self, line: &str, board: &Board) -> Step {
        self.pending.push(line.trim().to_owned());
        let words: Vec<&str> = self.pending.iter().map(String::as_str).collect();
        let reply = match words.as_slice() {
            [""] => return Step::End,
            ["PING"] => "PONG\n".to_owned(),
            ["get", oid] => self.get(oid, board),
            ["getnext", oid] => self.next(oid, board),
            ["set", _, _] => "not-writable\n".to_owned(),
            ["get" | "getnext"] | ["set"] | ["set", _] => return Step::Wait,
            _ => "NONE\n".to_owned(),
        };
        self.pending.clear();
        Step::Reply(reply)
    }

    fn get(&self, oid: &str, board: &Board) -> String {
        let found = parse(oid).and_then(|oid| self.table(board).remove_entry(&oid));
        found.map_or_else(|| "NONE\n".to_owned(), |(oid, value)| show(&oid, value))
    }

    fn next(&self, oid: &str, board: &Board) -> String {
        let Some(oid) = parse(oid) else { return "NONE\n".to_owned() };
        let after = self.table(board).into_iter().find(|(found, _)| *found > oid);
        after.map_or_else(|| "NONE\n".to_owned(), |(oid, value)| show(&oid, value))
    }

    fn table(&self, board: &Board) -> BTreeMap<Vec<u32>, (&'static str, String)> {
        let mut table = BTreeMap::new();
        for (index, node) in (1_u32..).zip(&board.nodes) {
            for (column, value) in (1_u32..).zip(columns(node)) {
                if let Some(value) = value {
                    let mut oid = self.base.clone();
                    oid.extend([1, 1, column, index]);
                    table.insert(oid, value);
                }
            }
        }
        table
    }
}

/// The columns of contrib/snmp/VOUCH-MIB.txt, from 1.
fn columns(node: &NodeHealth) -> [Option<(&'static str, String)>; 9] {
    let text = |text: &str| Some(("string", clean(text)));
    let number = |number: u64| Some(("integer", number.to_string()));
    let main = node.main();
    let lag = node.lag.known_ms();
    let goes = answer(node, &Query::of(Service::Write)).state.serves();
    [
        text(&node.name),
        number(state(main.state)),
        text(&main.tag()),
        number(if lag.is_some() { 1 } else { 2 }),
        lag.and_then(|ms| number(ms.min(2_147_483_647))),
        text(main.text()),
        number(if goes { 100 } else { 200 }),
        number(state(node.write.state)),
        number(state(node.read.state)),
    ]
}

fn state(state: State) -> u64 {
    match state {
        State::Up => 1,
        State::Degraded => 2,
        State::Drain => 3,
        State::Down => 4,
        State::Unknown => 5,
        State::Maint => 6,
    }
}

fn show(oid: &[u32], (kind, value): (&str, String)) -> String {
    let path: String = oid.iter().map(|number| format!(".{number}")).collect();
    format!("{path}\n{kind}\n{value}\n")
}

fn parse(oid: &str) -> Option<Vec<u32>> {
    oid.trim().trim_start_matches('.').split('.').map(vouch_convert::parse).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_conversation_is_line_by_line() {
        let board = Board::default();
        let mut talk = PassPersist::new(BASE).unwrap();
        assert_eq!(talk.line("PING", &board), Step::Reply("PONG\n".into()));
        assert_eq!(talk.line("get", &board), Step::Wait);
        assert_eq!(talk.line(".1.3.6", &board), Step::Reply("NONE\n".into()));
        assert_eq!(talk.line("getnext", &board), Step::Wait);
        assert_eq!(talk.line("nonsense", &board), Step::Reply("NONE\n".into()));
        assert_eq!(talk.line("set", &board), Step::Wait);
        assert_eq!(talk.line(".1", &board), Step::Wait);
        assert_eq!(talk.line("integer 1", &board), Step::Reply("not-writable\n".into()));
        assert_eq!(talk.line("", &board), Step::End);
    }
}
