//! `vouch innochecksum` without a server: refusals, and files that are none of InnoDB's.

use crate::vouch::{Outcome, Vouch};
use std::fs;
use std::process::Stdio;

#[track_caller]
fn refuses(outcome: &Outcome, code: i32, words: &str) {
    assert_eq!((outcome.code, outcome.stdout.as_str()), (code, ""), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
}

#[test]
fn it_never_writes_to_what_it_looks_at() {
    let vouch = Vouch::new().file("t.ibd", &"x".repeat(65_536));
    refuses(&vouch.run(&["innochecksum", "-w", "crc32", "t.ibd"]), 2, "vouch never writes to data files");
    refuses(&vouch.run(&["innochecksum", "--no-check", "--write", "crc32", "t.ibd"]), 2, "hint: innochecksum");
    refuses(&vouch.run(&["innochecksum", "-n", "t.ibd"]), 2, "nothing is left to do");
    for option in ["-D", "-l"] {
        refuses(&vouch.run(&["innochecksum", option, "./t.ibd", "t.ibd"]), 2, "nothing is written to it");
    }
    assert_eq!(fs::read_to_string(vouch.path().join("t.ibd")).unwrap(), "x".repeat(65_536));
}

#[test]
fn files_that_are_none_of_innodbs_are_said() {
    let vouch = Vouch::new().file("empty.ibd", "").file("junk.ibd", &"x".repeat(99_999)).file("f/x", "");
    refuses(&vouch.run(&["innochecksum", "nowhere.ibd"]), 1, "Error: nowhere.ibd cannot be found");
    refuses(&vouch.run(&["innochecksum", "empty.ibd"]), 1, "Bytes read was 0");
    refuses(&vouch.run(&["innochecksum", "junk.ibd"]), 1, "nothing in junk.ibd is a page");
    refuses(&vouch.run(&["innochecksum", "f"]), 1, "f cannot be read: it is not a file");
    refuses(&vouch.run(&["innochecksum"]), 2, "required arguments were not provided");
    let odd = vouch.run(&["innochecksum", "a\u{1b}[31m.ibd"]);
    refuses(&odd, 1, "cannot be found");
    assert!(!odd.stderr.contains('\u{1b}'), "{}", odd.stderr);
}

#[test]
fn standard_input_is_looked_at() {
    let vouch = Vouch::new().file("junk.ibd", &"x".repeat(99_999));
    let input = fs::File::open(vouch.path().join("junk.ibd")).unwrap();
    let output = vouch.command(&["innochecksum", "-"]).stdin(Stdio::from(input)).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("nothing in - is a page"));
    let usage = vouch.run(&["innochecksum", "-?"]);
    assert_eq!(usage.code, 0);
    assert!(usage.stdout.contains("--page-type-summary"), "{}", usage.stdout);
}
