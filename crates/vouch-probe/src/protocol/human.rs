//! For people: a line for each node, or for the one that was asked about.

use super::{Query, Said, answer, clean, nobody};
use crate::account::worst_exit;
use vouch_report::health::{Answer, Board, NodeHealth, Service, State};

/// Says how the nodes are. The exit code is that of the worst: 0 serves, 1 does not, 3 unknown.
pub fn say(board: &Board, query: &Query) -> Said {
    let nodes: Vec<&NodeHealth> = match &query.node {
        Some(name) => board.node(name).into_iter().collect(),
        None => board.nodes.iter().collect(),
    };
    if nodes.is_empty() {
        return Said { text: format!("{}\n", nobody(board, query)), exit: worst_exit(&[]), talk: String::new() };
    }
    let width = nodes.iter().map(|node| clean(&node.name).chars().count()).max().unwrap_or(0);
    let answers: Vec<Answer> = nodes.iter().map(|node| weighed(node, query)).collect();
    Said { exit: worst_exit(&answers), text: nodes.iter().map(|node| line(node, width)).collect(), talk: String::new() }
}

fn line(node: &NodeHealth, width: usize) -> String {
    let service = |service: Service| {
        let answer = node.answer(service);
        let held = if answer.held { " held" } else { "" };
        let weight = if answer.state == State::Degraded { format!(" {}%", answer.weight) } else { String::new() };
        format!("{} {}{weight}{held}", service.name(), answer.state.name())
    };
    let main = node.main();
    format!(
        "{:width$}  {:7}  {:12}  {:12}  lag {}  ·  {} ({})\n",
        clean(&node.name),
        node.role.name(),
        service(Service::Write),
        service(Service::Read),
        node.lag,
        clean(main.text()),
        main.tag(),
    )
}

/// A replica is not bad for taking no writes, so what a node mainly does counts.
fn weighed(node: &NodeHealth, query: &Query) -> Answer {
    let asked = answer(node, query);
    if asked.state.serves() { asked } else { node.main().clone() }
}
