//! HAProxy's agent-check: one line that sets administrative state, operational
//! state and weight, always all three, since nobody but the agent undoes a drain.

use super::{Query, Said, answer, clean, nobody};
use crate::account::{of_question, worst_exit};
use vouch_report::health::{Answer, Board, State};

/// Says the line about a node.
pub fn say(board: &Board, query: &Query) -> Said {
    match board.meant(query.node.as_deref()) {
        Some(node) => {
            let exit = u8::from(!of_question(board, query).verdict.is_clean());
            Said { text: line(&answer(node, query)), exit, talk: String::new() }
        }
        // Neither up nor down is said about a node that is not known: HAProxy keeps what it has.
        None => Said { text: format!("# {}\n", nobody(board, query)), exit: worst_exit(&[]), talk: String::new() },
    }
}

fn line(answer: &Answer) -> String {
    let why = clean(answer.text());
    match answer.state {
        State::Up => "ready up 100%\n".to_owned(),
        State::Degraded => format!("ready up {}% # {why}\n", answer.weight),
        // In maintenance of HAProxy's own the agent would not be asked any more, so it could not end it.
        State::Drain | State::Unknown | State::Maint => format!("drain up 0% # {}: {why}\n", answer.tag()),
        State::Down => format!("ready down 0% # {}: {why}\n", answer.tag()),
    }
}
