//! The account of a question: every node that is asked about owes an answer.
//!
//! Invariants: exit code 0 has no other source than this account; a node of which nothing is known, or that is not
//! there, is unproven.

use crate::protocol::{self, Query};
use vouch_report::health::{Answer, Board, NodeHealth, State};
use vouch_report::{Code, Command, Coverage, Item, ItemKind, Outcome, Recorder, RunContext, Summary};

/// A node that is asked about, with its answer where it has one.
type Asked<'a> = (&'a str, Option<Answer>);

/// The account of a question about one node: the one that is named, the board's own, or its only one. Where none is
/// meant, every node owes what it mainly does.
pub fn of_question(board: &Board, query: &Query) -> Summary {
    match (board.meant(query.node.as_deref()), &query.node) {
        (Some(node), _) => account(&[(&node.name, Some(protocol::answer(node, query)))]),
        (None, Some(name)) => account(&[(name, None)]),
        (None, None) => of_board(board),
    }
}

/// The account of all nodes: each owes what it mainly does.
pub fn of_board(board: &Board) -> Summary {
    account(&board.nodes.iter().map(asked_mainly).collect::<Vec<_>>())
}

/// The exit code of the worst of several nodes: 0 serves, 1 does not, 3 is unknown.
pub fn worst_exit(answers: &[Answer]) -> u8 {
    let exit = |answer: &Answer| account(&[("node", Some(answer.clone()))]).verdict.exit_code();
    answers.iter().map(exit).max().unwrap_or_else(|| account(&[]).verdict.exit_code())
}

fn asked_mainly(node: &NodeHealth) -> Asked<'_> {
    (&node.name, Some(node.main().clone()))
}

fn account(asked: &[Asked<'_>]) -> Summary {
    let recorder = Recorder::begin(Command::Probe, RunContext::silent());
    for (name, answer) in asked {
        let debt = recorder.owe(Item::new(ItemKind::Node, *name));
        if let Some(answer) = answer {
            recorder.settle(debt, outcome(answer));
        }
    }
    recorder.finish(Coverage::empty(Command::Probe))
}

fn outcome(answer: &Answer) -> Outcome {
    match answer.state {
        State::Up | State::Degraded => Outcome::verified_by("health verdict"),
        State::Drain | State::Down | State::Maint => Outcome::Differs,
        State::Unknown => Outcome::Unproven(answer.reasons.first().map_or(Code::NotRun, |reason| reason.code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(state: State) -> Answer {
        Answer { state, weight: 0, reasons: Vec::new(), since_ms: 0, held: false }
    }

    #[test]
    fn each_state_has_its_exit_code() {
        let exits = State::ALL.map(|state| worst_exit(&[answer(state)]));
        assert_eq!(exits, [0, 0, 1, 1, 3, 1], "{:?}", State::ALL);
        assert_eq!(worst_exit(&[answer(State::Up), answer(State::Down), answer(State::Unknown)]), 3);
        assert_eq!(worst_exit(&[]), 3, "nobody was asked");
    }

    #[test]
    fn a_node_that_is_not_there_is_unproven() {
        let query = Query { node: Some("db9".to_owned()), ..Query::of(vouch_report::health::Service::Read) };
        let summary = of_question(&Board::default(), &query);
        assert_eq!((summary.verdict.exit_code(), summary.scope.counts().unproven), (3, 1));
    }
}
