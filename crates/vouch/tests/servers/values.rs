//! Keys and values in results: whole, and with their type.

use crate::harness::{Outcome, Vouch, full, on_both};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{Topology, drift};

const SOON: Duration = Duration::from_secs(60);

/// 600 characters that differ in the middle alone.
fn long(middle: &str) -> String {
    format!("{}{middle}{}", "a".repeat(300), "z".repeat(300))
}

fn typed<'a>(outcome: &'a Outcome, table: &str) -> Vec<&'a Value> {
    let mut keys: Vec<&Value> =
        outcome.findings().iter().filter(|one| one["table"] == table).map(|one| &one["key"][0]["typed"]).collect();
    keys.sort_by_key(|key| key.to_string());
    keys
}

/// Keys of more than 200 characters were cut in the JSON too, so that two rows had one key; NULL looked like the text
/// `NULL`, and bytes like the text that spells them. A script that repaired by such a key changed another row.
#[test]
fn keys_and_values_are_whole_and_keep_their_type() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let (one, two) = (long("1"), long("2"));
        topology
            .source()
            .sql(&format!(
                "SET NAMES utf8mb4; CREATE DATABASE d DEFAULT CHARACTER SET utf8mb4; \
                 CREATE TABLE d.long_keys (k VARCHAR(700) COLLATE utf8mb4_bin PRIMARY KEY, v INT); \
                 INSERT INTO d.long_keys VALUES ('{one}', 1), ('{two}', 1); \
                 CREATE TABLE d.bytes (k VARBINARY(700) PRIMARY KEY, v INT); \
                 INSERT INTO d.bytes VALUES ('0xFF', 1), (x'FF', 1), (REPEAT(x'FE', 500), 1); \
                 CREATE TABLE d.nulls (k VARCHAR(9) PRIMARY KEY, v INT); \
                 INSERT INTO d.nulls VALUES ('NULL', 1); \
                 CREATE TABLE d.vals (id INT PRIMARY KEY, t LONGTEXT, b BLOB); \
                 INSERT INTO d.vals VALUES (1, NULL, x'00FF'), (2, 'NULL', 'text'), (3, REPEAT('ü', 50000), ''), \
                 (4, REPEAT('x', 900), NULL)"
            ))
            .unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let change = "UPDATE d.long_keys SET v = 2; UPDATE d.bytes SET v = 2; UPDATE d.nulls SET v = 2; \
             UPDATE d.vals SET t = 'NULL', b = '0x00FF' WHERE id = 1; UPDATE d.vals SET t = NULL WHERE id = 2; \
             UPDATE d.vals SET t = CONCAT(t, '.') WHERE id = 3; UPDATE d.vals SET t = CONCAT(t, '.') WHERE id = 4";
        drift::sql(topology.replica(0), change).unwrap();
        let states = TempDir::new().unwrap();
        let run = |args: &[&str]| {
            let vouch = Vouch::compare().source(&full(topology.source())).replica(&full(topology.replica(0)));
            vouch.state_dir(states.path()).args(&["--confirm-after", "100ms", "--show-values"]).args(args).run()
        };
        let outcome = run(&[]).assert_code(1);
        whole(&outcome, &one, &two);
        // What the state kept is the same.
        let run_id = outcome.document["run_id"].as_str().unwrap().to_owned();
        let again = run(&["--resume", &run_id]).assert_code(1);
        assert!(again.document["coverage"]["resumed_chunks"].as_u64() > Some(0), "{}", again.stdout);
        whole(&again, &one, &two);
        let shown = Vouch::new(&["compare"]).source(&full(topology.source()));
        let shown =
            shown.replica(&full(topology.replica(0))).args(&["--confirm-after", "100ms", "--show-values"]).run();
        on_a_terminal(&shown);
    });
}

fn whole(outcome: &Outcome, one: &str, two: &str) {
    assert_eq!(typed(outcome, "d.long_keys"), [&json!(one), &json!(two)]);
    assert_eq!(typed(outcome, "d.bytes"), [&json!("0xFF"), &json!({"hex": "fe".repeat(500)}), &json!({"hex": "ff"})]);
    assert_eq!(typed(outcome, "d.nulls"), [&json!("NULL")]);
    let column = |id: &str, name: &str| {
        let is_row = |finding: &&Value| finding["table"] == "d.vals" && finding["key"][0]["value"] == id;
        let finding = outcome.findings().iter().find(is_row).unwrap();
        let columns = finding["columns"].as_array().unwrap();
        columns.iter().find(|column| column["column"] == name).unwrap().clone()
    };
    let text = column("1", "t");
    assert_eq!((&text["source"], &text["replica"]), (&json!("NULL"), &json!("NULL")));
    assert_eq!(text.get("source_typed"), Some(&Value::Null));
    assert_eq!(text["replica_typed"], "NULL");
    let bytes = column("1", "b");
    assert_eq!((&bytes["source_typed"], &bytes["replica_typed"]), (&json!({"hex": "00ff"}), &json!("0x00FF")));
    assert_eq!(column("2", "t").get("replica_typed"), Some(&Value::Null));
    assert_eq!(column("3", "t")["source_typed"]["bytes"], 100_000);
    assert_ne!(column("3", "t")["source_typed"]["xxh3"], column("3", "t")["replica_typed"]["xxh3"]);
    assert_eq!(column("4", "t")["replica_typed"], format!("{}.", "x".repeat(900)));
}

fn on_a_terminal(outcome: &Outcome) {
    let lines: Vec<&str> = outcome.stdout.lines().filter(|line| line.contains("k=aaaa")).collect();
    assert_eq!(lines.len(), 2, "{}", outcome.stdout);
    assert!(lines[0] != lines[1] && lines.iter().all(|line| line.contains("zzz #")), "{lines:?}");
    for wanted in ["k='NULL'", "k='0xFF'", "k=0xFF", "t: NULL → 'NULL'", "b: 0x00FF → '0x00FF'"] {
        assert!(outcome.stdout.contains(wanted), "{wanted}: {}", outcome.stdout);
    }
}
