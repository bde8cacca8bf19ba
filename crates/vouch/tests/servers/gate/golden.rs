//! The golden table of the two-file form: input → exit code and last JSON line, the same on both flavors.

use super::kit::{checksum, config, fill, last_line, statuses};
use super::{faults, imported, resume, tell, trust, unchanged};
use crate::harness::Vouch;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::thread;
use vouch_testkit::{Flavor, Server, Topology};

/// One row of the table.
struct Case {
    name: &'static str,
    config: Option<String>,
    manifest: Option<String>,
    args: &'static [&'static str],
}

#[test]
fn the_golden_table_and_what_must_not_reach_a_server() {
    let tables = thread::scope(|scope| {
        let threads = Flavor::ALL.map(|flavor| {
            scope.spawn(move || {
                let topology = Topology::standalone(flavor, 1).unwrap();
                let server = topology.source();
                fill(server);
                let table = golden(server);
                imported::manifests_of_other_tools(server);
                trust::nothing_is_asked_before_the_signature_is_verified(server);
                tell::results_are_told(server);
                resume::a_run_that_is_killed_goes_on(server);
                unchanged::tables_that_changed_are_left_out(server);
                faults::tables_that_cannot_be_read(server);
                faults::a_server_that_moves(server);
                faults::a_run_that_is_cut_off(server);
                table
            })
        });
        threads.map(|thread| thread.join().expect("the table of a flavor"))
    });
    assert_eq!(tables[0], tables[1], "the two flavors differ");
    insta::assert_snapshot!("golden-table", tables[0]);
}

fn golden(server: &Server) -> String {
    let users = checksum(server, "app.users");
    let orders = checksum(server, "app.orders");
    let other = if users == "1" { "2" } else { "1" };
    let text = cases(server, &users, &orders, other).iter().map(|case| row(server, case)).collect::<String>();
    text.replace(&users, "<users>").replace(&orders, "<orders>")
}

fn cases(server: &Server, users: &str, orders: &str, other: &str) -> Vec<Case> {
    let good = config(server);
    let with = |change: fn(&mut Value)| {
        let mut config = good.clone();
        change(&mut config);
        Some(config.to_string())
    };
    let flat = |manifest: Value| Some(manifest.to_string());
    let both = flat(json!({ "app.users": users, "app.orders": orders }));
    let plain = |name, manifest| Case { name, config: Some(good.to_string()), manifest, args: &[] };
    let configured = |name, config| Case { name, config, manifest: both.clone(), args: &[] };
    vec![
        plain("all tables match", both.clone()),
        plain("one table differs", flat(json!({ "app.users": users, "app.orders": other }))),
        plain("all tables are missing", flat(json!({ "app.nope": users, "nope.orders": orders }))),
        plain("the manifest is empty", flat(json!({}))),
        plain("the manifest is malformed", Some(r#"{"app.users": "1""#.to_owned())),
        plain("the manifest is not there", None),
        configured("the configuration is not there", None),
        configured("the configuration is malformed", Some("{".to_owned())),
        configured("the configuration has no db", with(|config| drop(config.as_object_mut().unwrap().remove("db")))),
        configured("the password is wrong", with(|config| config["db"]["password"] = json!("wrong"))),
        configured("a secret is not set", with(|config| config["db"]["password"] = json!("${VAULT_DR_PASS}"))),
        configured("no workers", with(|config| config["max_workers"] = json!(0))),
        configured("no signature, and none is waived", with(|config| config["allow_unsigned"] = json!(false))),
        configured("the server is not there", {
            let mut config = good.clone();
            config["db"]["port"] = json!(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
            Some(config.to_string())
        })
        .with(&["--retry-for", "0s"]),
        plain("a key with two dots", flat(json!({ "app.users.x": users }))),
        plain("a number in place of a string", Some(format!("{{\"app.users\": {users}}}"))),
        plain("the same key twice", Some(format!("{{\"app.users\": \"{users}\", \"app.users\": \"{users}\"}}"))),
        plain("a key that would be two tables in SQL", flat(json!({ "app.users`,`orders": users }))),
        plain("a key that would be another statement", flat(json!({ "app.users`; DROP TABLE users; -- ": users }))),
        plain("a value that CHECKSUM TABLE never has", flat(json!({ "app.users": "9281736450" }))),
        plain("a view", flat(json!({ "app.v": "1", "app.users": users }))),
        plain("one file", both.clone()).with(&["one"]),
    ]
}

impl Case {
    fn with(self, args: &'static [&'static str]) -> Case {
        Case { args, ..self }
    }
}

fn row(server: &Server, case: &Case) -> String {
    let files: &[&str] = if case.args == ["one"] { &["config.json"] } else { &["config.json", "manifest.json"] };
    let args = if case.args == ["one"] { &[] } else { case.args };
    let mut vouch = Vouch::new(&[&["validate"][..], files, args].concat());
    for (name, contents) in [("config.json", &case.config), ("manifest.json", &case.manifest)] {
        if let Some(contents) = contents {
            vouch = vouch.file(name, contents);
        }
    }
    let outcome = vouch.run();
    let mut last = last_line(&outcome);
    assert_eq!(last["exit_code"], outcome.code, "{}: {last}", case.name);
    for name in ["ts", "run_id", "manifest_id", "summary", "schema"] {
        last.as_object_mut().unwrap().remove(name);
    }
    let port = case.config.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let port = port.map(|config| config["db"]["port"].to_string()).unwrap_or_default();
    let tables = statuses(&outcome);
    let rows = server.query_one("SELECT COUNT(*) FROM app.users").unwrap();
    assert_eq!(rows.as_deref(), Some("2000"), "{} changed the data", case.name);
    let row = format!("{}\n  exit {}\n  {last}\n  {tables}\n\n", case.name, outcome.code);
    if port.len() > 2 { row.replace(&port, "<port>") } else { row }
}
