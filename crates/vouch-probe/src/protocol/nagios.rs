//! Nagios and Icinga: a line with the state, then performance data with units.

use super::{Query, Said, answer, clean, nobody};
use crate::account::{of_question, worst_exit};
use vouch_report::health::{Board, Lag, NodeHealth, State};

/// Says the line; the exit code is 0 ok, 1 warning, 2 critical, 3 unknown.
pub fn say(board: &Board, query: &Query) -> Said {
    let Some(node) = board.meant(query.node.as_deref()) else {
        return Said {
            text: format!("VOUCH UNKNOWN - {}\n", nobody(board, query)),
            exit: worst_exit(&[]),
            talk: String::new(),
        };
    };
    let answer = answer(node, query);
    let (word, exit) = match answer.state {
        State::Up if of_question(board, query).verdict.is_clean() => ("OK", 0),
        State::Degraded | State::Maint => ("WARNING", 1),
        State::Drain | State::Down => ("CRITICAL", 2),
        State::Up | State::Unknown => ("UNKNOWN", 3),
    };
    let held = if answer.held { " (held)" } else { "" };
    let text = format!(
        "VOUCH {word} - {} {} {}{held}: {} ({}) | {}\n",
        clean(&node.name),
        query.service.name(),
        answer.state.name(),
        clean(answer.text()),
        answer.tag(),
        figures(node, answer.weight),
    );
    Said { text, exit, talk: String::new() }
}

/// `U` is the protocol's word for a figure that is not known.
fn figures(node: &NodeHealth, weight: u8) -> String {
    let lag = match node.lag {
        Lag::Known { ms, .. } => format!("{}.{:03}s", ms / 1000, ms % 1000),
        Lag::Unknown(_) => "U".to_owned(),
    };
    format!(
        "lag={lag};;;0 weight={weight}%;;;0;100 probe_time={}.{:03}s;;;0",
        node.probe_ms / 1000,
        node.probe_ms % 1000
    )
}
