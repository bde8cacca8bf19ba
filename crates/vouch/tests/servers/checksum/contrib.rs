//! The sample cron line, the systemd units and the script that tells somebody.

use super::{number, root, shop};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use vouch_testkit::{Flavor, drift};

fn contrib(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib").join(name)
}

/// A folder with stand-ins for mail and curl, which note what they are given.
fn programs() -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in ["mail", "curl"] {
        let note = folder.path().join(format!("{name}.log"));
        let script = folder.path().join(name);
        fs::write(&script, format!("#!/bin/sh\n{{ echo \"$@\"; cat; }} >> {}\n", note.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vouch"), folder.path().join("vouch")).unwrap();
    std::os::unix::fs::symlink(contrib("vouch-checksum-slice"), folder.path().join("vouch-checksum-slice")).unwrap();
    folder
}

fn run(folder: &TempDir, command: &str, source: &str) -> Output {
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env_clear().env("PATH", path).env("HOME", folder.path());
    shell.env("VOUCH_SOURCE", source).env("VOUCH_MODULO", "3").env("VOUCH_CHUNK_SIZE", "100");
    shell.env("VOUCH_MAIL_TO", "dba@example.com").env("VOUCH_WEBHOOK", "https://example.com/hook");
    shell.output().unwrap()
}

fn told(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(format!("{name}.log"))).unwrap_or_default()
}

#[test]
fn somebody_is_told_only_when_something_is_found_or_stale() {
    let topology = shop(Flavor::Mariadb, 1_000);
    let (folder, source) = (programs(), root(topology.source()));
    let source = format!("{source},P={}", topology.source().port());
    // The command of the cron line, without its times.
    let cron = fs::read_to_string(contrib("vouch-checksum.cron")).unwrap();
    let line = cron.lines().find(|line| line.contains("vouch-checksum-slice")).unwrap();
    let command = line.split_whitespace().skip(6).collect::<Vec<_>>().join(" ");
    let replica = format!("export VOUCH_REPLICA={}; {command}", root(topology.replica(0)));

    let first = run(&folder, &replica, &source);
    assert!(first.status.success(), "{first:?}");
    assert_eq!(number(topology.source(), "SELECT next_offset FROM percona.checksums_rotation"), 1);
    assert_eq!(told(&folder, "mail") + &told(&folder, "curl"), "", "a rotation that has just begun is not stale");

    drift::sql(topology.replica(0), "DELETE FROM shop.items WHERE id = 7").unwrap();
    for _ in 0..3 {
        run(&folder, &replica, &source);
    }
    assert!(told(&folder, "mail").contains("dba@example.com"), "{}", told(&folder, "mail"));
    assert!(told(&folder, "mail").contains("shop.items"), "{}", told(&folder, "mail"));
    assert!(told(&folder, "curl").contains("https://example.com/hook"), "{}", told(&folder, "curl"));
    assert!(told(&folder, "curl").contains("chunk-differs"), "{}", told(&folder, "curl"));
}

#[test]
fn the_units_are_sound_and_run_the_same_script() {
    let service = fs::read_to_string(contrib("vouch-checksum.service")).unwrap();
    let timer = fs::read_to_string(contrib("vouch-checksum.timer")).unwrap();
    let exec = service.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    assert!(exec.ends_with("/vouch-checksum-slice"), "{exec}");
    assert!(
        timer.contains("OnCalendar=") && timer.contains("Persistent=true") && timer.contains("[Install]"),
        "{timer}"
    );
    let times = timer.lines().filter_map(|line| line.strip_prefix("OnCalendar="));
    // Where systemd is at hand, it has a look itself.
    for time in times {
        if let Ok(output) = Command::new("systemd-analyze").args(["calendar", time]).output() {
            assert!(output.status.success(), "{output:?}");
        }
    }
}
