//! What is not to be trusted is refused, and no statement reaches the server.

use super::kit::{Desk, assert_refused};
use super::tamper;
use crate::harness::Vouch;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vouch_testkit::{FULL, Server, poll};

/// What the server's general log has about our account.
fn heard(server: &Server) -> usize {
    let log = String::from_utf8_lossy(&std::fs::read(server.dir().join("general.log")).unwrap_or_else(|_| Vec::new()))
        .into_owned();
    log.lines().filter(|line| line.contains(FULL)).count()
}

/// Every way in which a manifest is not to be believed: exit code 2, and nothing in the general log.
pub fn nothing_is_asked_before_the_signature_is_verified(server: &Server) {
    let desk = Desk::new();
    desk.create("m.json", server, &["--serial", "7"]).assert_code(0);
    let (manifest, signature) = (desk.read("m.json"), desk.read("m.json.sig"));
    let other = Desk::new();
    desk.create("newest.json", server, &["--serial", "8"]).assert_code(0);
    desk.validate("newest.json", server, &["--state-dir", &desk.text("newer")]).assert_code(0);
    server.sql("SET GLOBAL general_log = ON").unwrap();
    let before = heard(server);
    let attempt = |code: &str, args: &[&str]| assert_refused(&desk.validate("m.json", server, args), code);
    tamper::every_forgery_is_refused(&desk, "m.json", server);
    // A newer one was accepted while nobody listened.
    attempt("manifest-rollback", &["--state-dir", &desk.text("newer")]);
    // What another key signed, and what the key signed of another manifest.
    desk.write("m.json.sig", &desk.read("newest.json.sig"));
    attempt("bad-signature", &[]);
    desk.write("m.json.sig", &signature);
    attempt("bad-signature", &["--trust", &other.text("trust")]);
    attempt("manifest-cluster", &["--cluster", "staging"]);
    std::fs::remove_file(desk.path("m.json.sig")).unwrap();
    attempt("unsigned", &[]);
    desk.write("m.json.sig", &signature);
    keyrings(&desk, server);
    // The newest that was accepted has serial 7 only after it was.
    std::fs::create_dir_all(desk.path("state/serials")).unwrap();
    let expired = |document: &mut serde_json::Value| {
        document["created_at"] = json!("2020-01-01T00:00:00Z");
        document["expires_at"] = json!("2020-01-02T00:00:00Z");
    };
    desk.rewrite("m.json", expired);
    attempt("manifest-expired", &[]);
    assert_eq!(heard(server), before, "a statement came before the manifest was accepted");
    desk.write("m.json", &manifest);
    desk.write("m.json.sig", &signature);
    desk.validate("m.json", server, &["--expect-server-id", "1"]).assert_code(0);
    let logged = poll::until(Duration::from_secs(5), Duration::from_millis(20), "the log", || {
        (heard(server) > before).then_some(())
    });
    logged.unwrap();
    rolled_back(&desk, server);
    server.sql("SET GLOBAL general_log = OFF").unwrap();
}

fn keyrings(desk: &Desk, server: &Server) {
    let ring = |limits: &str| {
        desk.write("trust/keyring.toml", format!("[[key]]\nid = 'backup'\nfile = 'key.pub'\n{limits}\n").as_bytes());
        desk.validate("m.json", server, &[])
    };
    let day = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
    assert!(day > 20_000, "the clock is wrong");
    for (limits, code) in [
        ("revoked = true", "key-refused"),
        ("not_after = '2020-01-01'", "key-refused"),
        ("not_before = '2999-01-01'", "key-refused"),
        ("clusters = ['staging']", "key-refused"),
        ("fiel = 'x'", "keyring"),
    ] {
        assert_refused(&ring(limits), code);
    }
    std::fs::remove_file(desk.path("trust/keyring.toml")).unwrap();
}

/// An older serial, and another manifest of the same one.
fn rolled_back(desk: &Desk, server: &Server) {
    desk.rewrite("m.json", |document| document["serial"] = json!(6));
    assert_refused(&desk.validate("m.json", server, &[]), "manifest-rollback");
    let allowed = desk.validate("m.json", server, &["--allow-older"]).assert_code(0);
    allowed.only("older-allowed");
    desk.rewrite("m.json", |document| document["serial"] = json!(7));
    assert_refused(&desk.validate("m.json", server, &[]), "manifest-rollback");
    let (manifest, trust) = (desk.text("m.json"), desk.text("trust"));
    let verify = ["manifest", "verify", &manifest, "--trust", &trust, "--state-dir", &desk.text("state")];
    let verified = Vouch::new(&verify).run().assert_code(2);
    assert!(verified.stderr.contains("another manifest of serial 7"), "{}", verified.stderr);
    desk.rewrite("m.json", |document| document["serial"] = json!(8));
    desk.validate("m.json", server, &[]).assert_code(0);
    assert_refused(&desk.validate("m.json", server, &["--expect-server-id", "77"]), "target-refused");
    assert_refused(&desk.validate("m.json", server, &["--expect-read-only"]), "target-refused");
    assert_refused(&desk.validate("m.json", server, &["--restored"]), "position-refused");
    std::fs::remove_file(desk.path("m.json.sig")).unwrap();
    let unsigned = desk.validate("m.json", server, &["--allow-unsigned"]).assert_code(0);
    unsigned.only("unsigned-allowed");
}
