//! Boards as the public JSON, for the HTTP side and the daemon's socket.

use super::recording;
use std::sync::Arc;
use vouch_probe::http::{Spoken, Wire};
use vouch_probe::protocol::{Query, Said, answer};
use vouch_probe::{Moment, account};
use vouch_render::json::health;
use vouch_report::health::{Answer, Board};

/// The JSON of `vouch-render`.
pub struct Json;

impl Wire for Json {
    fn answer(&self, board: &Board, query: &Query, yes: bool, why: &str) -> String {
        let scope = account::of_question(board, query).scope;
        health::answer(board, &scope, board.meant(query.node.as_deref()), yes, why)
    }

    fn board(&self, board: &Board, said: &[Spoken]) -> String {
        let said: Vec<health::Said<'_>> =
            said.iter().map(|one| (one.node.as_str(), one.protocol, one.said.text.as_str(), one.said.exit)).collect();
        health::board(board, &account::of_board(board).scope, &said)
    }

    fn recording(&self, moments: &[Arc<Moment>]) -> String {
        recording::text(moments)
    }
}

/// The document of `vouch probe --format json`: one node's answer, or the whole board.
pub fn document(board: &Board, query: &Query) -> Said {
    let account = account::of_question(board, query);
    let Some(node) = board.meant(query.node.as_deref()) else {
        let exit = match query.node {
            Some(_) => account.verdict.exit_code(),
            None => {
                let mainly: Vec<Answer> = board.nodes.iter().map(|node| node.main().clone()).collect();
                account::worst_exit(&mainly)
            }
        };
        return Said { text: health::board(board, &account.scope, &[]) + "\n", exit, talk: String::new() };
    };
    let answer = answer(node, query);
    let text = health::answer(board, &account.scope, Some(node), answer.state.serves(), &answer.tag()) + "\n";
    Said { text, exit: account.verdict.exit_code(), talk: String::new() }
}
