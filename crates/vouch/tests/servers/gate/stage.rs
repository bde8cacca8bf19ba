//! What a drill touches and leaves: files of the production server, keys, and what a killed drill left.

use super::drill::{backup, drill, drill_with};
use super::kit::{Desk, copy, fill, last_line, statuses};
use crate::harness::on_both;
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vouch_testkit::{Flavor, Topology, poll, spaces};

/// A server with a table in a folder of its own outside the data directory and, on MariaDB, an encrypted one.
fn served(flavor: Flavor, outside: &Path) -> Topology {
    let mut args = match flavor {
        Flavor::Mariadb => spaces::key_args(outside).unwrap(),
        Flavor::Mysql => vec![format!("--innodb-directories={}", outside.display())],
    };
    args.push("--innodb-file-per-table=ON".to_owned());
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let topology = Topology::builder(flavor).unwrap().standalone(1).args(&args).start().unwrap();
    fill(topology.source());
    let far = format!(
        "CREATE TABLE app.far (id INT PRIMARY KEY, v INT) DATA DIRECTORY='{}'; INSERT INTO app.far VALUES (1, 1)",
        outside.display()
    );
    topology.source().sql(&far).unwrap();
    topology
}

/// The bytes and the time of the last change of a file that nobody may touch.
fn untouched(path: &Path) -> (Vec<u8>, std::time::SystemTime) {
    (fs::read(path).unwrap(), fs::metadata(path).unwrap().modified().unwrap())
}

/// A drill on a backup whose table lies in a folder of its own opened the production server's file
/// read-write, since the backup's link led there, and called the backup good. It would have written
/// to a running server's tablespace while it was verified.
#[test]
fn a_drill_never_opens_a_file_outside_its_folder() {
    on_both(|flavor| {
        let outside = tempfile::tempdir().unwrap();
        let topology = served(flavor, outside.path());
        let (server, desk) = (topology.source(), Desk::new());
        backup(server, &desk.path("good"));
        desk.create("plain.json", server, &["--serial", "1"]).assert_code(0);
        server.stop().unwrap();
        let far = outside.path().join("app/far.ibd");
        let before = untouched(&far);
        match flavor {
            // The tool follows the link; the drill takes the file that it brought.
            Flavor::Mariadb => {
                let good = drill(&desk, "plain.json", "good").assert_code(0);
                assert!(statuses(&good).contains("app.far=VALID"), "{}", statuses(&good));
                copy(&desk.path("good"), &desk.path("lacking"));
                fs::remove_file(desk.path("lacking/app/far.ibd")).unwrap();
                let refused = drill(&desk, "plain.json", "lacking").assert_code(2);
                assert_eq!(last_line(&refused)["code"], "backup-refused");
                assert!(refused.stdout.contains("app/far.isl"), "{}", refused.stdout);
            }
            // The dictionary has the path; the fence keeps the server from it.
            Flavor::Mysql => {
                let lacking = drill_with(&desk, "plain.json", "good", &["--no-pages"]).assert_code(1);
                assert!(!statuses(&lacking).contains("app.far=VALID"), "{}", statuses(&lacking));
            }
        }
        assert_eq!(untouched(&far), before, "the production file was touched");
    });
}

/// Pages that could not be read for want of a key were "ok" in a drill's steps and in its signed
/// evidence. An auditor would have read that every page of an encrypted backup was verified.
#[test]
fn a_drill_of_encrypted_tables_takes_their_keys_or_says_that_they_are_missing() {
    let keys = tempfile::tempdir().unwrap();
    let args = spaces::key_args(keys.path()).unwrap();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let topology = Topology::builder(Flavor::Mariadb).unwrap().standalone(1).args(&args).start().unwrap();
    let (server, desk) = (topology.source(), Desk::new());
    fill(server);
    server
        .sql("CREATE TABLE app.secret (id INT PRIMARY KEY) ENCRYPTED=YES; INSERT INTO app.secret VALUES (1)")
        .unwrap();
    server.stop().unwrap();
    copy(&server.data(), &desk.path("cold"));
    server.resume().unwrap();
    desk.create("plain.json", server, &["--serial", "1"]).assert_code(0);
    let without = drill(&desk, "plain.json", "cold").assert_code(2);
    assert!(without.stdout.contains("secret.ibd is encrypted, and no key is given"), "{}", without.stdout);
    let keyring = keys.path().join(spaces::KEYS).display().to_string();
    let with = drill_with(&desk, "plain.json", "cold", &["--keyring", &keyring]).assert_code(0);
    assert!(statuses(&with).contains("app.secret=VALID"), "{}", statuses(&with));
    std::process::Command::new("gzip").arg(desk.path("cold/app/users.ibd")).status().unwrap();
    let packed = drill_with(&desk, "plain.json", "cold", &["--keyring", &keyring]).assert_code(2);
    assert_eq!(last_line(&packed)["code"], "backup-refused");
}

/// A drill that was killed left its copy, and sometimes its server, for ever. The scratch folder
/// filled up, drill by drill, with copies of production data.
#[test]
fn what_a_killed_drill_left_is_gone_after_the_next_one() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 1).unwrap();
        let (server, desk) = (topology.source(), Desk::new());
        fill(server);
        backup(server, &desk.path("good"));
        desk.create("plain.json", server, &["--serial", "1"]).assert_code(0);
        let scratch = desk.path("scratch");
        for awaited in ["lock", "copy", "s"] {
            let mut running = super::drill::begin(&desk, "plain.json", "good");
            let there = || find(&scratch, awaited).or_else(|| running.ended().then(PathBuf::new));
            poll::until(Duration::from_secs(60), Duration::from_millis(1), awaited, there).unwrap();
            running.signal(Signal::KILL);
            running.wait();
            assert_eq!(fs::read_dir(&scratch).unwrap().count(), 1, "killed at {awaited}");
            // It ends with nothing behind it, what was left included.
            let next = drill(&desk, "plain.json", "good").assert_code(0);
            assert_eq!(next.coded("drill-leftover").len(), 1, "{}", next.stdout);
        }
        let line = scratch.display().to_string();
        let running = std::process::Command::new("pgrep").args(["-f", &line]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&running.stdout), "", "a server is left");
    });
}

/// A file of that name below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if entry.file_name() == name {
            return Some(path);
        }
        if let Some(found) = path.is_dir().then(|| find(&path, name)).flatten() {
            return Some(found);
        }
    }
    None
}
