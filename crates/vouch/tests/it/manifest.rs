//! `vouch manifest import`, `diff` and `lint`, which need no server.

use crate::vouch::{Outcome, Vouch};
use serde_json::Value;

const FLAT: &str = r#"{"app.users": "3847291056", "app.orders": "7"}"#;
const METADATA: &str = "# Started dump at: 2025-03-01 12:00:00\n[config]\nquote-character = BACKTICK\n\n[source]\n\
                        File = b.000001\nPosition = 4\nExecuted_Gtid_Set = 0-1-7\n\n[`app`.`users`]\n\
                        real_table_name=users\nrows = 2\ndata_checksum = 3847291056\nschema_checksum = AB\n\n\
                        [`app`.`bare`]\nreal_table_name=bare\nrows = 5\n";

fn document(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", outcome.stdout, outcome.stderr))
}

#[track_caller]
fn ends(outcome: Outcome, code: i32) -> Outcome {
    assert_eq!(outcome.code, code, "{}\n{}", outcome.stdout, outcome.stderr);
    outcome
}

fn import<'a>(file: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["manifest", "import", file, "--cluster", "prod", "--out", out][..], more].concat()
}

fn show(vouch: &Vouch, file: &str) -> Value {
    document(&ends(vouch.run(&["manifest", "show", file, "--allow-unsigned", "--format", "json"]), 0))
}

#[test]
fn a_flat_map_is_imported_signed_and_verified() {
    let vouch = Vouch::new().file("flat.json", FLAT);
    ends(vouch.run(&["manifest", "keygen", "--out", "key"]), 0);
    let more = ["--key", "key", "--flavor", "mysql", "--server-version", "8.4.3", "--valid-for", "30d"];
    let imported = ends(vouch.run(&import("flat.json", "m.json", &more)), 0);
    assert!(imported.stdout.starts_with("imported     a flat map of checksums\n"), "{}", imported.stdout);
    assert!(imported.stderr.contains("it has no GTIDs"), "{}", imported.stderr);
    assert!(!imported.stderr.contains("--flavor"), "{}", imported.stderr);
    ends(vouch.run(&["manifest", "verify", "m.json", "--trust", "key.pub"]), 0);
    let manifest = show(&vouch, "m.json");
    assert_eq!(manifest["tables"][1]["digest"]["value"], "3847291056");
    assert_eq!((manifest["server"]["version"].as_str(), manifest["cluster"].as_str()), (Some("8.4.3"), Some("prod")));
    let lint = ends(vouch.run(&["manifest", "lint", "m.json", "--format", "json"]), 0);
    assert_eq!(document(&lint)["errors"], 0, "{}", lint.stdout);
}

/// A flat map, signed once, passed as a manifest for ever: it has no serial and no expiry, so a map of last year
/// opened the gate for a copy of last year.
#[test]
fn a_signed_flat_map_is_no_manifest_unless_that_is_asked_for() {
    let vouch = Vouch::new().file("flat.json", FLAT);
    ends(vouch.run(&["manifest", "keygen", "--out", "key"]), 0);
    ends(vouch.run(&["manifest", "sign", "flat.json", "--key", "key"]), 0);
    let verify = ["manifest", "verify", "flat.json", "--trust", "key.pub"];
    let refused = ends(vouch.run(&verify), 2);
    assert!(refused.stderr.contains("a flat map of checksums"), "{}", refused.stderr);
    ends(vouch.run(&[&verify[..], &["--require", "any"]].concat()), 0);
    // Nothing listens there: the refusal comes before any server is asked.
    let server = "mysql://u@127.0.0.1:1/";
    let validate =
        ["validate", "--server", server, "--manifest", "flat.json", "--trust", "key.pub", "--format", "jsonl"];
    let refused = ends(vouch.run(&validate), 2);
    assert_eq!(document(&refused)["code"], "manifest-flat", "{}", refused.stdout);
}

#[test]
fn dumps_of_mydumper_and_mysql_shell_are_imported_by_their_folders() {
    let vouch = Vouch::new()
        .file("my/metadata", METADATA)
        .file("my/app.users.sql", "INSERT")
        .file("sh/@.json", r#"{"serverVersion": "8.4.3", "consistent": true, "gtidExecuted": "a:1-5"}"#)
        .file(
            "sh/@.checksums.json",
            r#"{"config": {"hash": "sha256"}, "data": {"app": {"users": {"partitions": {"": {"-1": {"checksum": "A", "count": 3}}}}}}}"#,
        )
        .file("other/x", "y");
    let imported = ends(vouch.run(&import("my", "m.json", &["--backup", "my", "--backup-kind", "mydumper"])), 0);
    assert!(imported.stderr.contains("not verified are app.bare: "), "{}", imported.stderr);
    assert!(imported.stderr.contains("2 entries of the file are not of use here"), "{}", imported.stderr);
    let manifest = show(&vouch, "m.json");
    assert_eq!(
        (manifest["totals"]["tables"].as_u64(), manifest["position"]["gtid"].as_str()),
        (Some(1), Some("0-1-7"))
    );
    assert_eq!(manifest["backup"]["files"].as_array().unwrap().len(), 2);
    let imported = ends(vouch.run(&import("sh", "s.json", &[])), 0);
    assert!(imported.stderr.contains("only the number of rows is held"), "{}", imported.stderr);
    assert!(imported.stderr.contains("load the dump with checksum: true"), "{}", imported.stderr);
    let manifest = show(&vouch, "s.json");
    assert_eq!(manifest["tables"][0]["digest"]["method"], "row-count");
    vouch.refuses(
        &import("other", "o.json", &[]),
        "the folder other is no dump with checksums",
        "it has neither metadata (mydumper) nor @.checksums.json (MySQL Shell with checksum: true)",
    );
}

#[test]
fn what_cannot_be_imported_is_refused_and_nothing_is_written() {
    let vouch = Vouch::new().file("dots.json", r#"{"a.b.c": "1"}"#).file("big.json", r#"{"a.b": "9281736450"}"#);
    for (file, why) in [
        ("dots.json", "more than one dot"),
        ("big.json", "no number from 0 to 4294967295"),
        ("none", "could not be read"),
    ] {
        let refused = ends(vouch.run(&import(file, "m.json", &[])), 2);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    assert!(!vouch.path().join("m.json").exists());
}

#[test]
fn what_changed_between_two_manifests_is_told_once_both_are_believed() {
    let vouch = Vouch::new().file("a.flat", FLAT).file("b.flat", r#"{"app.users": "1", "app.\u001b[31mnew": "7"}"#);
    ends(vouch.run(&["manifest", "keygen", "--out", "key"]), 0);
    ends(vouch.run(&import("a.flat", "a.json", &["--key", "key", "--serial", "1"])), 0);
    ends(vouch.run(&import("b.flat", "b.json", &["--key", "key", "--serial", "2"])), 0);
    let diff = |more: &[&str]| vouch.run(&[&["manifest", "diff", "a.json", "b.json"][..], more].concat());
    let told = ends(diff(&["--trust", "key.pub"]), 1);
    let lines: Vec<&str> = told.stdout.lines().map(str::trim).collect();
    assert!(lines.iter().any(|line| line.starts_with("+") && line.contains("\\u{1b}[31mnew")), "{}", told.stdout);
    assert!(lines.iter().any(|line| line.starts_with("-") && line.contains("app.orders")), "{}", told.stdout);
    assert!(lines.iter().any(|line| line.starts_with("~") && line.contains("app.users")), "{}", told.stdout);
    assert!(
        !told.stdout.contains('\u{1b}') && told.stdout.contains("1 added, 1 removed, 1 changed."),
        "{}",
        told.stdout
    );
    let json = document(&ends(diff(&["--trust", "key.pub", "--format", "json"]), 1));
    assert_eq!((json["equal"].as_bool(), json["before"]["signed_by"].as_str()), (Some(false), Some("key")));
    assert_eq!(json["changes"].as_array().unwrap().len(), 3);
    let same = ends(vouch.run(&["manifest", "diff", "a.json", "a.json", "--trust", "key.pub"]), 0);
    assert!(same.stdout.contains("EQUAL"), "{}", same.stdout);
    assert!(ends(diff(&[]), 2).stderr.contains("no key is trusted"));
    std::fs::write(vouch.path().join("b.json"), FLAT).unwrap();
    assert!(ends(diff(&["--trust", "key.pub"]), 2).stderr.contains("no key of the keyring made this"));
    let other = ["--trust", "key.pub", "--signature", "b.json.sig"];
    assert!(ends(diff(&other), 2).stderr.contains("no key of the keyring made this"));
    ends(diff(&["--trust", "key.pub", "--cluster", "staging"]), 2);
    std::fs::remove_file(vouch.path().join("b.json")).unwrap();
    assert!(ends(diff(&["--trust", "key.pub"]), 2).stderr.contains("could not be read"));
}

#[test]
fn every_fault_of_a_manifest_is_told_with_its_place() {
    let vouch = Vouch::new()
        .file("m.json", "{\n  \"schema\": 1,\n  \"ty\\u001bpo\": 2,\n  \"serial\": \"x\"\n}")
        .file("flat.json", FLAT)
        .file("cut.json", "{\"a.b\": \"1\"");
    let lint = ends(vouch.run(&["manifest", "lint", "m.json"]), 1);
    assert!(lint.stdout.contains("m.json:3:3: error: `ty\\u{1b}po` is no field that is known"), "{}", lint.stdout);
    assert!(
        lint.stdout.contains("m.json:4:13: error: this is a string and not a whole number from 0"),
        "{}",
        lint.stdout
    );
    assert!(lint.stdout.contains("m.json: manifest of version 1, 8 errors"), "{}", lint.stdout);
    let json = document(&ends(vouch.run(&["manifest", "lint", "m.json", "--format", "json"]), 1));
    let typo = json["remarks"].as_array().unwrap().iter().find(|remark| remark["code"] == "unknown-field").unwrap();
    assert_eq!(
        (typo["line"].as_u64(), typo["column"].as_u64(), typo["pointer"].as_str()),
        (Some(3), Some(3), Some("/ty\u{1b}po"))
    );
    ends(vouch.run(&["manifest", "lint", "flat.json"]), 0);
    ends(vouch.run(&["manifest", "lint", "flat.json", "--strict"]), 1);
    assert!(
        ends(vouch.run(&["manifest", "lint", "cut.json"]), 1)
            .stdout
            .contains("cut.json:1:12: error: the document ends here")
    );
    ends(vouch.run(&["manifest", "lint", "none.json"]), 2);
}
