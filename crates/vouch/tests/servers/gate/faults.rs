//! Locked tables, lost connections, servers that move, stop or fall behind: all other results are there.

use super::kit::{Desk, checksum, config, last_line, statuses, table};
use crate::harness::{Outcome, Running, Signal, Vouch};
use serde_json::{Value, json};
use std::time::Duration;
use vouch_testkit::{FULL, Server, poll};

/// A session that holds tables locked until it is dropped.
pub struct Locked(mysql::Conn);

impl Locked {
    pub fn of(server: &Server, tables: &str) -> Locked {
        use mysql::prelude::Queryable;
        let mut conn = server.conn().unwrap();
        conn.query_drop(format!("LOCK TABLES {tables}")).unwrap();
        Locked(conn)
    }

    pub fn release(self) {
        drop(self.0);
    }
}

/// 200 tables of which 3 are locked, one is a view and one is gone: the results of all others are there.
pub fn tables_that_cannot_be_read(server: &Server) {
    let make =
        |n: usize| format!("CREATE TABLE many.t{n:03} (id INT PRIMARY KEY); INSERT INTO many.t{n:03} VALUES ({n});");
    server.sql(&format!("CREATE DATABASE many; {}", (0..200).map(make).collect::<String>())).unwrap();
    let desk = Desk::new();
    desk.create("m.json", server, &["--tables", "many.*", "--method", "checksum-table"]).assert_code(0);
    server.sql("DROP TABLE many.t100; CREATE TABLE many.new (id INT PRIMARY KEY)").unwrap();
    let locked = Locked::of(server, "many.t007 WRITE, many.t077 WRITE, many.t177 WRITE");
    let document = desk.manifest("m.json");
    let entry = |table: &Value| (format!("many.{}", table["name"].as_str().unwrap()), table["digest"]["value"].clone());
    let flat: serde_json::Map<String, Value> = document["tables"].as_array().unwrap().iter().map(entry).collect();
    let run = || two_files(server, &Value::Object(flat.clone()), &["--lock-wait", "1s", "--attempts", "2"]);
    let outcome = run().assert_code(1);
    let counts = &last_line(&outcome)["counts"];
    assert_eq!((&counts["valid"], &counts["timeout"], &counts["missing"]), (&json!(196), &json!(3), &json!(1)));
    assert_eq!(table(&outcome, "many.t077")["attempt"], 2, "{}", outcome.stdout);
    // Whatever order tables end in, the result has the same one.
    assert_eq!(statuses(&outcome), statuses(&run()));
    locked.release();
    let moved = desk.validate("m.json", server, &[]);
    assert_eq!(last_line(&moved)["code"], "position-refused", "{}", moved.stdout);
    server.sql("DROP DATABASE many").unwrap();
}

fn two_files(server: &Server, manifest: &Value, args: &[&str]) -> Outcome {
    begin(server, manifest, args).wait()
}

fn begin(server: &Server, manifest: &Value, args: &[&str]) -> Running {
    let words = [&["validate", "config.json", "manifest.json"][..], args].concat();
    let vouch = Vouch::new(&words).file("config.json", &config(server).to_string());
    vouch.file("manifest.json", &manifest.to_string()).spawn()
}

/// A difference on a server that moves is not called one.
pub fn a_server_that_moves(server: &Server) {
    let orders = checksum(server, "app.orders");
    let wrong = if orders == "1" { "2" } else { "1" };
    let manifest = json!({ "app.orders": wrong, "app.users": checksum(server, "app.users") });
    let locked = Locked::of(server, "app.users WRITE");
    let mut run = begin(server, &manifest, &["--lock-wait", "30s"]);
    run.until_it_says("\"table\":\"app.orders\"");
    server.sql("CREATE TABLE app.moves (id INT PRIMARY KEY)").unwrap();
    locked.release();
    let outcome = run.wait().assert_code(1);
    assert_eq!(statuses(&outcome), "app.orders=ERROR app.users=VALID");
    outcome.only("server-moved");
    assert!(outcome.coded("table-mismatch").is_empty(), "{}", outcome.stdout);
    server.sql("DROP TABLE app.moves").unwrap();
    // At rest it is one.
    let outcome = two_files(server, &manifest, &[]).assert_code(1);
    assert_eq!(statuses(&outcome), "app.orders=MISMATCH app.users=VALID");
}

/// Connections that are killed, deadlines, signals, and a server that dies.
pub fn a_run_that_is_cut_off(server: &Server) {
    let names = ["app.users", "app.orders", "app.log", "app.blank"];
    let manifest =
        Value::Object(names.iter().map(|name| ((*name).to_owned(), json!(checksum(server, name)))).collect());
    connections_that_are_killed(server, &manifest);
    let locked = Locked::of(server, "app.users WRITE");
    let all_others = "app.blank=VALID app.log=VALID app.orders=VALID app.users=";
    let late = two_files(server, &manifest, &["--lock-wait", "60s", "--table-timeout", "1s"]).assert_code(1);
    assert_eq!(statuses(&late), format!("{all_others}TIMEOUT"));
    let late = two_files(server, &manifest, &["--lock-wait", "60s", "--run-time", "2s"]).assert_code(1);
    assert_eq!(statuses(&late), format!("{all_others}NOT_RUN"));
    late.only("deadline-reached");
    let mut run = begin(server, &manifest, &["--lock-wait", "60s"]);
    for name in &names[1..] {
        run.until_it_says(&format!("\"table\":\"{name}\""));
    }
    run.signal(Signal::TERM);
    let stopped = run.wait().assert_code(143);
    assert_eq!(statuses(&stopped), format!("{all_others}NOT_RUN"));
    let mut run = begin(server, &manifest, &["--lock-wait", "60s", "--retry-for", "1s"]);
    for name in &names[1..] {
        run.until_it_says(&format!("\"table\":\"{name}\""));
    }
    server.kill9().unwrap();
    let died = run.wait().assert_code(1);
    let users = table(&died, "app.users")["status"].as_str().unwrap().to_owned();
    assert_eq!(statuses(&died), format!("{all_others}{users}"));
    assert!(matches!(users.as_str(), "ERROR" | "NOT_RUN"), "{users}");
    died.only("connection-lost");
    drop(locked);
    server.resume().unwrap();
}

/// The worker's connection is killed while it waits; it comes back and reads the table.
fn connections_that_are_killed(server: &Server, manifest: &Value) {
    let locked = Locked::of(server, "app.users WRITE");
    let run = begin(server, manifest, &["--lock-wait", "60s"]);
    let waiting = "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'CHECKSUM TABLE `app`.`users`%' \
                   AND STATE LIKE 'Waiting for%'";
    let find =
        || poll::until(Duration::from_secs(20), Duration::from_millis(20), FULL, || server.query_one(waiting).unwrap());
    let first = find().unwrap();
    server.sql(&format!("KILL {first}")).unwrap();
    let second = poll::until(Duration::from_secs(20), Duration::from_millis(20), "another try", || {
        server.query_one(waiting).unwrap().filter(|id| *id != first)
    });
    second.unwrap();
    locked.release();
    let outcome = run.wait().assert_code(0);
    assert_eq!(table(&outcome, "app.users")["attempt"], 2, "{}", outcome.stdout);
}
