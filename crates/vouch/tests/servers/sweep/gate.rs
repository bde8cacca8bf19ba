//! The sweep over `vouch validate` and `vouch manifest create`.

use super::Sweep;
use crate::gate::kit::{Desk, statuses};
use crate::harness::{Outcome, Vouch, on_both};
use serde_json::Value;
use vouch_testkit::{Server, Topology};

fn fill(server: &Server) {
    let numbers = vouch_testkit::numbers(300);
    let sql = format!(
        "CREATE DATABASE app; USE app;
         CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL);
         INSERT INTO users SELECT n, CONCAT('user ', n) FROM {numbers};
         CREATE TABLE orders (id INT PRIMARY KEY, total INT NOT NULL);
         INSERT INTO orders SELECT n, n % 7 FROM {numbers};
         CREATE TABLE log (line VARCHAR(40)); INSERT INTO log VALUES ('a'), ('a'), ('b');
         CREATE VIEW seen AS SELECT id FROM users"
    );
    server.sql(&sql).unwrap();
}

/// Every table of a copy differs from the manifest: none may look valid, and the gate stays shut.
fn shut(calm: &Outcome, outcome: &Outcome) -> Option<String> {
    if !matches!(outcome.code, 1 | 2) {
        return Some(format!("exit {}", outcome.code));
    }
    // Refused before any table was checked: a run without a result says why.
    let listed = outcome.tables().len() == calm.tables().len() || outcome.tables().is_empty();
    let valid = outcome.tables().iter().find(|table| table["status"] == "VALID" || table["status"] == "SKIPPED");
    match valid {
        Some(table) => Some(format!("{} looks {}", table["table"], table["status"])),
        None if outcome.code == 1 && !listed => Some(format!("tables are gone: {}", statuses(outcome))),
        None => None,
    }
}

#[test]
fn no_spoilt_statement_opens_the_gate() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 1).unwrap();
        let server = topology.source();
        fill(server);
        let desk = Desk::new();
        desk.create("m.json", server, &[]).assert_code(0);
        let drift = "UPDATE app.users SET name = 'x' WHERE id = 299; UPDATE app.orders SET total = 99 WHERE id = 7; \
                     UPDATE app.log SET line = 'c' WHERE line = 'b'";
        server.sql(drift).unwrap();
        server.sql("SET GLOBAL read_only = 1").unwrap();
        let run = |ways: &[String]| {
            let extra = ["--restored", "--retry-for", "2s", "--wait-timeout", "2s"];
            desk.begin_at("m.json", &ways[0], &extra).wait()
        };
        let sweep = Sweep::new(&[server], &run);
        assert_eq!(statuses(&sweep.calm()), "app.log=MISMATCH app.orders=MISMATCH app.users=MISMATCH");
        sweep.over(shut);
    });
}

/// What a manifest says of tables and objects.
fn says(document: &Value) -> Value {
    let mut tables = document["tables"].clone();
    for table in tables.as_array_mut().into_iter().flatten() {
        // Salted or measured anew each time: nothing of a table is.
        table.as_object_mut().map(|table| table.remove("took_ms"));
    }
    serde_json::json!({ "tables": tables, "objects": document["objects"] })
}

#[test]
fn no_spoilt_statement_makes_a_manifest_that_says_less() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 1).unwrap();
        let server = topology.source();
        fill(server);
        let desk = Desk::new();
        desk.create("calm.json", server, &[]).assert_code(0);
        let whole = says(&desk.manifest("calm.json"));
        let (out, key) = (desk.text("m.json"), desk.text("key"));
        let run = |ways: &[String]| {
            let fixed = ["manifest", "create", "--server", &ways[0], "--cluster", "prod", "--out", &out, "--key", &key];
            let _ = std::fs::remove_file(&out);
            Vouch::new(&fixed).args(&["--retry-for", "2s"]).run()
        };
        let judge = |_: &Outcome, outcome: &Outcome| match outcome.code {
            0 if says(&desk.manifest("m.json")) == whole => None,
            0 => Some(format!("another manifest: {}", says(&desk.manifest("m.json")))),
            _ if std::path::Path::new(&out).exists() => Some("a manifest in spite of an error".to_owned()),
            _ => None,
        };
        Sweep::new(&[server], &run).over(judge);
    });
}
