//! The golden table: every case of `golden/cases.toml` is played through the pure
//! verdict, held to what it expects, and rendered in every protocol as a snapshot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod golden {
    pub mod play;
}

use golden::play::{Case, Played, cases, play};
use vouch_probe::http::ask::{self, Ask};
use vouch_probe::protocol::{Format, Query, say, snmp::PassPersist, snmp::Step};
use vouch_report::health::{Board, Service};

/// Everything that any protocol says about a board.
fn rendered(board: &Board) -> String {
    let mut text = say(Format::Human, board, &Query::of(Service::Read)).text;
    for node in &board.nodes {
        text.push_str(&format!("\n{}\n", node.name));
        for (name, format) in Format::NAMES.iter().skip(1) {
            for service in Service::ALL {
                let said = say(*format, board, &Query { node: Some(node.name.clone()), ..Query::of(service) });
                let talk = if said.talk.is_empty() { String::new() } else { format!("  [{}]", said.talk) };
                text.push_str(&format!(
                    "  {name} {}: {} -> {}{talk}\n",
                    service.name(),
                    said.text.trim_end(),
                    said.exit
                ));
            }
        }
    }
    text.push_str(&asked_over_http(board));
    text.push_str("\nsnmp\n");
    text.push_str(&walk(board));
    text.push_str("\nmetrics\n");
    let shown = ["vouch_node_state{", "vouch_replica_lag"];
    let metrics = vouch_probe::metrics::text(board);
    let mut lines: Vec<&str> = metrics
        .lines()
        .filter(|line| shown.iter().any(|name| line.starts_with(name)) && !line.ends_with(" 0.0"))
        .collect();
    lines.sort_unstable();
    text.push_str(&lines.join("\n"));
    text
}

/// What every question over HTTP gets for every node; its body is the JSON of the other snapshot.
fn asked_over_http(board: &Board) -> String {
    let ask_all = |name: &str| {
        let answers = Ask::NAMES.iter().filter(|(path, _)| *path != "read-write").map(|(path, ask)| {
            let query = Query { node: Some(name.to_owned()), ..Query::of(ask.service()) };
            let (yes, why) = ask::answer(*ask, board, &query, None);
            format!("{path} {} {why}", ask::status(yes))
        });
        answers.collect::<Vec<_>>().join(", ")
    };
    let lines = board.nodes.iter().map(|node| format!("  {}: {}\n", node.name, ask_all(&node.name)));
    format!("\nhttp\n{}", lines.collect::<String>())
}

fn walk(board: &Board) -> String {
    let base = ".1.3";
    let mut talk = PassPersist::new(base).unwrap();
    let (mut oid, mut text) = (base.to_owned(), String::new());
    loop {
        talk.line("getnext", board);
        let Step::Reply(reply) = talk.line(&oid, board) else { panic!("no reply") };
        let lines: Vec<&str> = reply.lines().collect();
        let [next, kind, value] = lines[..] else { return text };
        text.push_str(&format!("  {} {kind} {value}\n", next.trim_start_matches(base)));
        oid = next.to_owned();
    }
}

fn wrong(case: &Case, played: &Played) -> Vec<String> {
    let mut wrong = Vec::new();
    for line in &case.expect {
        let words: Vec<&str> = line.split_whitespace().collect();
        let node = played.board.node(words[0]).unwrap_or_else(|| panic!("{}: no node {}", case.name, words[0]));
        let answer = node.answer(if words[1] == "rw" { Service::Write } else { Service::Read });
        let found = [answer.state.name().to_owned(), answer.tag()];
        if words[2] != found[0] || words.get(3).is_some_and(|tag| *tag != found[1]) {
            wrong.push(format!("{}: expected `{line}`, found `{}`: {}", case.name, found.join(" "), answer.text()));
        }
    }
    if let Some(text) = &case.text {
        let said = say(Format::LbText, &played.board, &Query::of(Service::Write));
        if said.text.trim() != text {
            wrong.push(format!("{}: expected {text}, said {} [{}]", case.name, said.text.trim(), said.talk));
        }
    }
    if let Some(names) = &case.promotable {
        let found: Vec<&String> =
            played.board.nodes.iter().filter(|node| node.promotable).map(|node| &node.name).collect();
        if found != names.iter().collect::<Vec<_>>() {
            wrong.push(format!("{}: promotable are {found:?}", case.name));
        }
    }
    if let Some(count) = case.transitions
        && played.transitions != count
    {
        wrong.push(format!("{}: {} transitions", case.name, played.transitions));
    }
    wrong
}

#[test]
fn every_case_gets_the_verdict_that_it_expects() {
    let cases = cases();
    assert!(cases.len() >= 45, "{} cases", cases.len());
    let wrong: Vec<String> = cases.iter().flat_map(|case| wrong(case, &play(case))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_is_rendered_in_every_protocol() {
    let pages: Vec<String> =
        cases().iter().map(|case| format!("## {}\n\n{}\n", case.name, rendered(&play(case).board))).collect();
    insta::assert_snapshot!("protocols", pages.join("\n"));
}

#[test]
fn every_case_as_json() {
    let documents: Vec<String> = cases()
        .iter()
        .map(|case| {
            let board = play(case).board;
            let scope = vouch_probe::account::of_board(&board).scope;
            format!("## {}\n{}", case.name, vouch_render::json::health::board(&board, &scope, &[]))
        })
        .collect();
    insta::assert_snapshot!("json", documents.join("\n"));
}

/// A verdict depends on its arguments alone.
#[test]
fn the_same_facts_give_the_same_verdict() {
    for case in cases() {
        assert_eq!(play(&case).board, play(&case).board, "{}", case.name);
    }
}
