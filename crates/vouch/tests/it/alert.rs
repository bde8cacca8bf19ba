//! Alerts of a gate that is shut before it has asked any server: what is posted, again and again, and what is kept.

use crate::listener::{Listener, Posted, closed_port};
use crate::vouch::{Outcome, Vouch};
use serde_json::Value;
use std::net::TcpListener;

const GATE: [&str; 8] =
    ["validate", "--server", "mysql://u:secret@db1:3306", "--manifest", "no.json", "--trust", "keys", "--quiet"];

/// A gate without a manifest: refused with 2, whatever becomes of its alerts.
#[track_caller]
fn refused(vouch: &Vouch, more: &[&str]) -> Outcome {
    let outcome = vouch.run(&[&GATE[..], more].concat());
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("vouch: the manifest no.json could not be read"), "{}", outcome.stderr);
    outcome
}

fn body(posted: &Posted) -> Value {
    serde_json::from_str(&posted.body).unwrap()
}

fn hmac(secret: &str, body: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = ring::hmac::sign(&key, body.as_bytes());
    tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn every_receiver_gets_its_own_shape() {
    let listener = Listener::start(&[]);
    let vouch = Vouch::new().variable("HOOK_SECRET", "s3cret").variable("PD", "routing-key");
    let (hook, slack, duty) = (listener.url("/hook?a=b"), listener.url("/services/T/B"), listener.url("/v2/enqueue"));
    let receivers = ["--webhook", &hook, "--webhook-secret", "${HOOK_SECRET}", "--slack", &slack];
    let outcome = refused(&vouch, &[&receivers[..], &["--pagerduty", "${PD}", "--pagerduty-url", &duty]].concat());
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
    let mut posted = listener.rest();
    posted.sort_by(|a, b| a.path.cmp(&b.path));
    let [generic, slack, duty] = posted.as_slice() else { panic!("{posted:?}") };
    assert_eq!(generic.path, "/hook?a=b");
    assert_eq!(generic.header("x-vouch-signature"), hmac("s3cret", &generic.body));
    let signed = format!("{}.{}.{}", generic.header("x-vouch-time"), generic.header("x-vouch-delivery"), generic.body);
    assert_eq!(generic.header("x-vouch-signature-v2"), hmac("s3cret", &signed));
    assert_eq!((generic.header("x-vouch-event"), generic.header("content-type")), ("failure", "application/json"));
    let document = body(generic);
    assert_eq!((document["event"].as_str(), document["code"].as_str()), (Some("failure"), Some("usage")));
    assert_eq!((&document["exit_code"], &document["verdict"]), (&2.into(), &"refused".into()));
    assert_eq!(document["about"], "mysql://u:***@db1:3306");
    assert_eq!(document["id"], generic.header("x-vouch-delivery"));
    let text = body(slack)["text"].as_str().unwrap().to_owned();
    assert_eq!(text, "vouch validate FAILED: mysql://u:***@db1:3306");
    assert_eq!(
        (slack.header("x-vouch-signature"), body(slack)["attachments"][0]["color"].as_str()),
        ("", Some("danger"))
    );
    let event = body(duty);
    assert_eq!((&event["event_action"], &event["routing_key"]), (&"trigger".into(), &"routing-key".into()));
    assert!(posted.iter().all(|one| !one.body.contains("secret")), "{posted:?}");
}

#[test]
fn a_receiver_that_fails_at_first_is_tried_again() {
    let listener = Listener::start(&[503, 429]);
    let vouch = Vouch::new();
    let outcome = refused(&vouch, &["--webhook", &listener.url("/")]);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
    let posted = listener.rest();
    assert_eq!(posted.len(), 3);
    assert!(posted.iter().all(|one| one.body == posted[0].body), "{posted:?}");
}

#[test]
fn what_could_not_be_delivered_is_sent_by_the_next_run_and_first() {
    let vouch = Vouch::new();
    let port = closed_port();
    let url = format!("http://127.0.0.1:{port}/services/SECRET");
    let outcome = refused(&vouch, &["--webhook", &url]);
    let warning = format!("warning: 127.0.0.1:{port} took no alert; the next run sends it: ");
    assert!(outcome.stderr.contains(&warning) && !outcome.stderr.contains("SECRET"), "{}", outcome.stderr);
    let spool = vouch.path().join(".local/state/vouch/alerts/spool");
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 1);
    // While it is still down, what is new waits behind what is old.
    refused(&vouch, &["--webhook", &url]);
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 2);
    let Ok(socket) = TcpListener::bind(("127.0.0.1", port)) else { return };
    let listener = Listener::on(socket, &[]);
    refused(&vouch, &["--webhook", &url]);
    let sent: Vec<u64> = listener.rest().iter().map(|one| at(&body(one))).collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.is_sorted(), "{sent:?}");
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 0);
}

/// The time in an alert's id, which has it in milliseconds.
fn at(document: &Value) -> u64 {
    let id = document["id"].as_str().unwrap();
    u64::from_str_radix(id.split('-').next().unwrap(), 16).unwrap()
}

#[test]
fn a_receiver_that_will_never_take_it_is_not_asked_again() {
    let listener = Listener::start(&[404]);
    let vouch = Vouch::new();
    let outcome = refused(&vouch, &["--slack", &listener.url("/gone")]);
    assert!(outcome.stderr.contains("took no alert: it answered 404"), "{}", outcome.stderr);
    assert_eq!(listener.rest().len(), 1);
    assert!(!vouch.path().join(".local/state/vouch/alerts/spool").exists());
}

#[test]
fn addresses_and_secrets_are_checked_before_anything_else() {
    let vouch = Vouch::new();
    let run = |more: &[&str]| vouch.run(&[&GATE[..], more].concat());
    for (more, message) in [
        (&["--webhook", "ftp://h/SECRET"][..], "the address of a webhook is none"),
        (&["--slack", "${SLACK_URL}"][..], "the environment variable SLACK_URL is not set"),
        (&["--webhook-secret", "x"][..], "the following required arguments were not provided"),
        (&["--evidence", "proof.json"][..], "the following required arguments were not provided"),
    ] {
        let outcome = run(more);
        assert_eq!(outcome.code, 2);
        assert!(outcome.stderr.contains(message) && !outcome.stderr.contains("SECRET"), "{}", outcome.stderr);
    }
}
