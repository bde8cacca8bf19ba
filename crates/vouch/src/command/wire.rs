//! Boards as the public JSON, for the HTTP side and the daemon's socket.

use super::recording;
use std::sync::Arc;
use vouch_probe::Moment;
use vouch_probe::http::{Spoken, Wire};
use vouch_probe::protocol::{Query, Said, answer};
use vouch_render::json::health;
use vouch_report::health::{Board, State};

/// The JSON of `vouch-render`.
pub struct Json;

impl Wire for Json {
    fn answer(&self, board: &Board, query: &Query, yes: bool, why: &str) -> String {
        health::answer(board, board.meant(query.node.as_deref()), yes, why)
    }

    fn board(&self, board: &Board, said: &[Spoken]) -> String {
        let said: Vec<health::Said<'_>> =
            said.iter().map(|one| (one.node.as_str(), one.protocol, one.said.text.as_str(), one.said.exit)).collect();
        health::board(board, &said)
    }

    fn recording(&self, moments: &[Arc<Moment>]) -> String {
        recording::text(moments)
    }
}

/// The document of `vouch probe --format json`: one node's answer, or the whole board.
pub fn document(board: &Board, query: &Query) -> Said {
    let Some(node) = board.meant(query.node.as_deref()) else {
        let exit = if query.node.is_some() {
            3
        } else {
            board.nodes.iter().map(|node| exit(node.main().state)).max().unwrap_or(3)
        };
        return Said { text: health::board(board, &[]) + "\n", exit, talk: String::new() };
    };
    let answer = answer(node, query);
    let text = health::answer(board, Some(node), answer.state.serves(), &answer.tag()) + "\n";
    Said { text, exit: exit(answer.state), talk: String::new() }
}

fn exit(state: State) -> u8 {
    match state {
        State::Up | State::Degraded => 0,
        State::Unknown => 3,
        State::Drain | State::Down | State::Maint => 1,
    }
}
