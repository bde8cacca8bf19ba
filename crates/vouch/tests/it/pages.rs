//! `vouch pages` where there is nothing to verify, or nothing that can be.

use crate::vouch::{Outcome, Vouch};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

/// The result in a sentence: an exit code, and a code in the document with this in its message, once.
#[track_caller]
fn says(outcome: Outcome, exit: i32, code: &str, message: &str) {
    let said = only(&outcome, exit, code);
    assert!(said.contains(message), "{message}: {said}");
}

/// The message of the one entry of that code, and the hint behind it.
#[track_caller]
fn only(outcome: &Outcome, exit: i32, code: &str) -> String {
    assert_eq!(outcome.code, exit, "{}\n{}", outcome.stdout, outcome.stderr);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let lists = ["findings", "errors"].map(|list| document[list].as_array().unwrap().clone());
    let found: Vec<_> = lists.into_iter().flatten().filter(|entry| entry["code"] == code).collect();
    let [one] = &found[..] else { panic!("{code}: {}", outcome.stdout) };
    let hint = one["hint"].as_str().map(|hint| format!("; {hint}")).unwrap_or_default();
    one["message"].as_str().unwrap().to_owned() + &hint
}

fn pages(vouch: &Vouch, path: &str) -> Outcome {
    vouch.run(&["pages", path, "--format", "json", "--quiet"])
}

/// Exactly this, and exit code 3: nothing was found, and nothing was looked at.
#[track_caller]
fn could_not(outcome: &Outcome, code: &str, message: &str) {
    assert_eq!(only(outcome, 3, code), message);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((document["errors"].as_array().unwrap().len(), &document["findings"]), (1, &serde_json::json!([])));
}

const NAME: &str = "name a data directory, a backup directory or a tablespace";

#[test]
fn what_cannot_be_looked_at_is_said_and_never_clean() {
    let vouch =
        Vouch::new().file("folder/readme.txt", "nothing").file("t.ibd", "").file("junk.ibd", &"x".repeat(99_999));
    could_not(
        &pages(&vouch, "nowhere"),
        "file-unreadable",
        "nowhere could not be read: No such file or directory; look at the path",
    );
    let nothing = "there is no file of InnoDB under folder";
    assert!(only(&pages(&vouch, "folder"), 3, "nothing-found").starts_with(nothing));
    says(pages(&vouch, "t.ibd"), 1, "file-unrecognised", "the file is empty");
    says(pages(&vouch, "junk.ibd"), 1, "file-unrecognised", "none of its 99999 bytes");
    let vouch = vouch.file("image.mbi", "x").file("t.frm", "x");
    says(pages(&vouch, "image.mbi"), 3, "nothing-found", "backup image");
    says(pages(&vouch, "t.frm"), 3, "nothing-found", "table definition");
}

#[test]
fn what_is_no_file_is_said_and_not_waited_for() {
    let vouch = Vouch::new().file("tables.ibd/readme.txt", "nothing");
    assert!(Command::new("mkfifo").arg(vouch.path().join("pipe.ibd")).status().unwrap().success());
    let _socket = UnixListener::bind(vouch.path().join("socket.ibd")).unwrap();
    symlink("loop.ibd", vouch.path().join("loop.ibd")).unwrap();
    symlink("nowhere", vouch.path().join("dangling.ibd")).unwrap();
    let read = |path: &str, why: &str| {
        could_not(&pages(&vouch, path), "file-unreadable", &format!("{path} could not be read: {why}"))
    };
    read("pipe.ibd", "it is a pipe; vouch pages - reads what comes through a pipe");
    read("socket.ibd", &format!("it is a socket; {NAME}"));
    read("/dev/null", &format!("it is a device; {NAME}"));
    read("dangling.ibd", "No such file or directory; look at the path");
    says(
        pages(&vouch, "loop.ibd"),
        3,
        "file-unreadable",
        "loop.ibd could not be read: Too many levels of symbolic links",
    );
    says(pages(&vouch, "tables.ibd"), 3, "nothing-found", "there is no file of InnoDB under tables.ibd");
}

/// A link in a folder that leads to it again is no second copy of everything in it.
#[test]
fn a_folder_is_looked_into_once() {
    let vouch = Vouch::new().file("data/d/t.ibd", &"x".repeat(99_999));
    symlink("..", vouch.path().join("data/d/again")).unwrap();
    symlink("d", vouch.path().join("data/e")).unwrap();
    says(pages(&vouch, "data"), 1, "file-unrecognised", "none of its 99999 bytes");
    let deep = "f/".repeat(70);
    let vouch = vouch.file(&format!("deep/{deep}t.ibd"), "");
    says(pages(&vouch, "deep"), 3, "file-unreadable", "could not be read: it lies too many folders deep");
}

#[test]
fn what_may_not_be_read_is_said_with_what_to_do() {
    let vouch = Vouch::new().file("t.ibd", "x").file("data/t.ibd", "x").file("data/d/t.ibd", "x");
    for path in ["t.ibd", "data/t.ibd", "data/d"] {
        fs::set_permissions(vouch.path().join(path), fs::Permissions::from_mode(0o0)).unwrap();
    }
    let run = |path: &str| vouch.run_as_nobody(&["pages", path, "--format", "json", "--quiet"]);
    let denied = "could not be read: Permission denied; run vouch as the account of the server, or as root";
    could_not(&run("t.ibd"), "file-unreadable", &format!("t.ibd {denied}"));
    let outcome = run("data");
    assert_eq!(outcome.code, 3, "{}", outcome.stdout);
    for path in ["t.ibd", "d"] {
        assert!(
            outcome.stdout.contains(&format!("\"{path} could not be read: Permission denied\"")),
            "{}",
            outcome.stdout
        );
    }
    // The temporary folder goes away again.
    fs::set_permissions(vouch.path().join("data/d"), fs::Permissions::from_mode(0o755)).unwrap();
    // A file that can be opened, and whose first byte cannot be read.
    could_not_begin(&pages(&vouch, "/proc/self/mem"));
}

#[track_caller]
fn could_not_begin(outcome: &Outcome) {
    let said = only(outcome, 3, "file-unreadable");
    assert!(said.starts_with("/proc/self/mem could not be read: Input/output error"), "{said}");
}

/// A file of zeros alone was clean with `--state raw`: a lost table, taken for a new one. Nothing shows here that a redo
/// log creates it.
#[test]
fn zeros_alone_are_damage_and_unproven_in_a_raw_copy() {
    let vouch = Vouch::new().file("t.ibd", &"\0".repeat(65_536));
    let with = |state: &str| vouch.run(&["pages", "t.ibd", "--state", state, "--format", "json", "--quiet"]);
    says(pages(&vouch, "t.ibd"), 1, "file-unrecognised", "none of its 65536 bytes");
    says(with("clean"), 1, "file-unrecognised", "none of its 65536 bytes");
    let raw = with("raw");
    let message = "the file is all zero; whether the redo log creates it is not known: there is none beside the files";
    assert!(only(&raw, 3, "zero-unproven").starts_with(message), "{}", raw.stdout);
    let document: serde_json::Value = serde_json::from_str(&raw.stdout).unwrap();
    let notices: Vec<_> = document["notices"].as_array().unwrap().iter().map(|notice| &notice["message"]).collect();
    assert_eq!(notices, ["the current folder: --state raw"]);
}

/// An archive of 3 MB with a name of 700 MB took 2 GB of memory, and with it the server beside it.
#[test]
fn an_archive_with_a_long_name_takes_little_memory() {
    let vouch = Vouch::new();
    let mut head = [0; 512];
    head[..13].copy_from_slice(b"././@LongLink");
    head[124..135].copy_from_slice(format!("{:011o}", 700 << 20).as_bytes());
    head[148..156].fill(b' ');
    head[156] = b'L';
    head[257..265].copy_from_slice(b"ustar  \0");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    fs::write(vouch.path().join("head"), head).unwrap();
    let words = "{ cat head; head -c 734003200 /dev/zero | tr '\\0' a; head -c 10240 /dev/zero; } | gzip -1 > a.tar.gz";
    assert!(Command::new("sh").args(["-c", words]).current_dir(vouch.path()).status().unwrap().success());
    assert!(fs::metadata(vouch.path().join("a.tar.gz")).unwrap().len() < 8 << 20);
    let from = Instant::now();
    let (outcome, peak) = vouch.run_measured(&["pages", "a.tar.gz", "--format", "json", "--quiet"]);
    assert!(only(&outcome, 1, "image-damaged").contains("734003200 bytes"), "{}", outcome.stdout);
    assert!(peak < 256 << 10 && from.elapsed() < Duration::from_secs(60), "{peak} KiB, {:?}", from.elapsed());
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
