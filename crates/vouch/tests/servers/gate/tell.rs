//! What a run leaves for others: signed evidence, test suites, and alerts when it fails and recovers.

use super::kit::Desk;
use crate::listener::Listener;
use serde_json::Value;
use std::process::Command;
use vouch_testkit::Server;

/// A table that differs, and then is as it was.
pub fn results_are_told(server: &Server) {
    let desk = Desk::new();
    desk.create("m.json", server, &["--serial", "1", "--tables", "app.*"]).assert_code(0);
    server.sql("SET GLOBAL read_only = ON; UPDATE app.orders SET total = total + 1 WHERE id = 9").unwrap();
    let listener = Listener::start(&[]);
    let (proof, key, xml) = (desk.text("proof.json"), desk.text("key"), desk.text("result.xml"));
    let (hook, duty) = (listener.url("/hook"), listener.url("/duty"));
    let args = ["--restored", "--evidence", &proof, "--evidence-key", &key, "--report", &xml];
    let alerts = ["--webhook", &hook, "--pagerduty", "K", "--pagerduty-url", &duty];
    let run = || desk.validate("m.json", server, &[&args[..], &alerts].concat());
    run().assert_code(1);
    let failed = alerted(&listener);
    assert_eq!(
        (&failed[0]["payload"]["severity"], &failed[0]["event_action"]),
        (&"critical".into(), &"trigger".into())
    );
    assert_eq!((&failed[1]["event"], &failed[1]["tables"][0]["table"]), (&"failure".into(), &"app.orders".into()));
    evidence(&desk, server);
    let suites = String::from_utf8(desk.read("result.xml")).unwrap();
    assert!(suites.contains("classname=\"app\" name=\"orders\"") && suites.contains("type=\"MISMATCH\""), "{suites}");
    server.sql("UPDATE app.orders SET total = total - 1 WHERE id = 9").unwrap();
    run().assert_code(0);
    let recovered = alerted(&listener);
    assert_eq!((&recovered[0]["event_action"], &recovered[1]["event"]), (&"resolve".into(), &"recovery".into()));
    assert_eq!(recovered[0]["dedup_key"], failed[0]["dedup_key"]);
    run().assert_code(0);
    assert!(listener.rest().is_empty(), "told of a gate that stayed open");
    server.sql("SET GLOBAL read_only = OFF").unwrap();
    // A gate that cannot leave its proof is shut.
    let nowhere = desk.text("nowhere/proof.json");
    let outcome =
        desk.validate("m.json", server, &["--evidence", &nowhere, "--evidence-key", &key, "--expect-server-id", "1"]);
    assert_eq!(outcome.code, if outcome.stdout.contains("position-refused") { 2 } else { 1 }, "{}", outcome.stderr);
}

/// Both messages, the one to PagerDuty first.
fn alerted(listener: &Listener) -> [Value; 2] {
    let mut posted = listener.rest();
    posted.sort_by(|a, b| a.path.cmp(&b.path));
    let bodies: Vec<Value> = posted.iter().map(|one| serde_json::from_str(&one.body).unwrap()).collect();
    <[Value; 2]>::try_from(bodies).unwrap()
}

/// What openssl says of the evidence: it holds, and with a byte changed it does not.
fn evidence(desk: &Desk, server: &Server) {
    let verifies = || {
        let files = ["-in", "proof.json", "-sigfile", "proof.json.sig", "-inkey", "trust/key.pub"];
        let mut command = Command::new("openssl");
        command.args(["pkeyutl", "-verify", "-rawin", "-pubin"]).args(files).current_dir(desk.path(""));
        command.output().expect("openssl").status.success()
    };
    assert!(verifies(), "openssl does not verify the evidence");
    let document = desk.manifest("proof.json");
    assert_eq!((&document["kind"], &document["verdict"]), (&"vouch-evidence".into(), &"findings".into()));
    let digest = Command::new("sha256sum").arg(desk.path("m.json")).output().unwrap().stdout;
    assert_eq!(document["manifest"]["sha256"], String::from_utf8_lossy(&digest)[..64]);
    assert!(
        document["manifest"]["id"] == desk.manifest("m.json")["id"] && document["manifest"]["signed_by"].is_string()
    );
    assert_eq!(
        document["server"]["server_id"],
        server.query_one("SELECT @@server_id").unwrap().unwrap().parse::<u64>().unwrap()
    );
    let tables = document["tables"].as_array().unwrap();
    let orders = tables.iter().find(|table| table["table"] == "app.orders").unwrap();
    assert_eq!(orders["status"], "MISMATCH");
    assert!(orders["expected"] != orders["actual"] && orders["method"] == "row-sha256-tree", "{orders}");
    let mut bytes = desk.read("proof.json");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    desk.write("proof.json", &bytes);
    assert!(!verifies(), "openssl verifies evidence that was changed");
}
