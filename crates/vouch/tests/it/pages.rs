//! `vouch pages` where there is nothing to verify, or nothing that can be.

use crate::vouch::{Outcome, Vouch};
use std::process::Command;

/// The result in a sentence: an exit code, and a code in the document with this in its message.
#[track_caller]
fn says(outcome: Outcome, exit: i32, code: &str, message: &str) {
    assert_eq!(outcome.code, exit, "{}\n{}", outcome.stdout, outcome.stderr);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let lists = ["findings", "errors"].map(|list| document[list].as_array().unwrap().clone());
    let found: Vec<_> = lists.into_iter().flatten().filter(|entry| entry["code"] == code).collect();
    let [one] = &found[..] else { panic!("{code}: {}", outcome.stdout) };
    assert!(one["message"].as_str().unwrap().contains(message), "{one}");
}

fn pages(vouch: &Vouch, path: &str) -> Outcome {
    vouch.run(&["pages", path, "--format", "json", "--quiet"])
}

#[test]
fn what_cannot_be_looked_at_is_said_and_never_clean() {
    let vouch =
        Vouch::new().file("folder/readme.txt", "nothing").file("t.ibd", "").file("junk.ibd", &"x".repeat(99_999));
    says(pages(&vouch, "nowhere"), 3, "file-unreadable", "No such file");
    says(pages(&vouch, "folder"), 3, "nothing-found", "no file of InnoDB");
    says(pages(&vouch, "t.ibd"), 1, "file-unrecognised", "the file is empty");
    says(pages(&vouch, "junk.ibd"), 1, "file-unrecognised", "none of its 99999 bytes");
    assert!(Command::new("mkfifo").arg(vouch.path().join("pipe")).status().unwrap().success());
    says(pages(&vouch, "pipe"), 3, "file-unreadable", "neither a file nor a directory");
    let vouch = vouch.file("image.mbi", "x").file("t.frm", "x");
    says(pages(&vouch, "image.mbi"), 3, "nothing-found", "backup image");
    says(pages(&vouch, "t.frm"), 3, "nothing-found", "table definition");
}

#[test]
fn zeros_are_a_table_in_a_raw_copy_alone() {
    let vouch = Vouch::new().file("t.ibd", &"\0".repeat(65_536));
    says(pages(&vouch, "t.ibd"), 1, "file-unrecognised", "none of its 65536 bytes");
    let raw = vouch.run(&["pages", "t.ibd", "--state", "raw", "--format", "json", "--quiet"]);
    assert_eq!(raw.code, 0, "{}", raw.stdout);
    assert!(raw.stdout.contains("file-unwritten"), "{}", raw.stdout);
}

#[test]
fn the_lines_of_mysqlbackup_end_with_the_verdict() {
    let vouch = Vouch::new().file("junk.ibd", &"x".repeat(99_999));
    let lines = |path: &str| vouch.run(&["pages", path, "--format", "mysqlbackup", "--quiet", "--rate", "200M"]);
    let junk = lines("junk.ibd");
    assert_eq!(junk.code, 1, "{}", junk.stderr);
    assert!(junk.stdout.starts_with("ERROR: junk.ibd: none of its 99999 bytes"), "{}", junk.stdout);
    assert!(
        junk.stdout.ends_with("validate failed with errors! (1 files, 0 pages, 0 corrupt pages)\n"),
        "{}",
        junk.stdout
    );
    let nowhere = lines("nowhere");
    assert_eq!(nowhere.code, 3);
    assert!(
        nowhere.stdout.contains("validate found no errors, and could not look at everything"),
        "{}",
        nowhere.stdout
    );
    assert_eq!(vouch.run(&["compare", "--source", "mysql://x@y", "--format", "mysqlbackup"]).code, 2);
}

#[test]
fn wrong_arguments_are_refused() {
    let vouch = Vouch::new();
    assert_eq!(vouch.run(&["pages", ".", "--rate", "fast"]).code, 2);
    assert_eq!(vouch.run(&["pages"]).code, 2);
    assert_eq!(vouch.run(&["pages", ".", "--level", "deepest"]).code, 2);
    assert_eq!(vouch.run(&["pages", ".", "--threads", "0"]).code, 2);
    let outcome = vouch.run(&["pages", ".", "--report", "nowhere/r.html"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
}
