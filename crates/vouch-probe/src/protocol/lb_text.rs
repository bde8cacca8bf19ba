//! `100` or `200` on one line: send traffic to this node, or to the other.
//!
//! The contract of SNMP `extend` scripts for load balancers; exit code 0, 1, or 3
//! when it cannot be known, where the line is `200` all the same.

use super::{Query, Said, answer, clean, nobody};
use crate::account::{of_question, worst_exit};
use vouch_report::health::Board;

/// Says whether this node gets the traffic. Why not is talk for stderr.
pub fn say(board: &Board, query: &Query) -> Said {
    let account = of_question(board, query);
    let exit = account.verdict.exit_code();
    let Some(node) = board.meant(query.node.as_deref()) else {
        return Said { text: "200\n".to_owned(), exit: worst_exit(&[]), talk: nobody(board, query) };
    };
    if account.verdict.is_clean() {
        return Said { text: "100\n".to_owned(), exit, talk: String::new() };
    }
    let answer = answer(node, query);
    let talk = format!("{}: {}: {}", clean(&node.name), answer.tag(), clean(answer.text()));
    Said { text: "200\n".to_owned(), exit, talk }
}
