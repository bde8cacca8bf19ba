//! The sample cron line, the systemd units and the script that tells somebody.

use super::{number, root, shop};
use crate::harness::on_both;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use vouch_testkit::drift;

fn contrib(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib").join(name)
}

/// A folder with stand-ins for mail and curl, which note what they are given.
fn programs() -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in ["mail", "curl"] {
        let note = folder.path().join(format!("{name}.log"));
        let script = folder.path().join(name);
        // The last argument of curl is a file with the address, which the process list must not show.
        let said = "echo \"$@\"; cat; for last; do :; done; [ ! -f \"$last\" ] || sed 's/^/in the file: /' \"$last\"";
        fs::write(&script, format!("#!/bin/sh\n{{ {said}; }} >> {}\n", note.display())).unwrap();
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
    fs::read_to_string(folder.path().join(format!("{name}.log"))).unwrap_or_else(|_| String::new())
}

/// What both were told since the last time.
fn news(folder: &TempDir) -> String {
    let said = told(folder, "mail") + &told(folder, "curl");
    ["mail.log", "curl.log"].iter().for_each(|name| drop(fs::remove_file(folder.path().join(name))));
    said
}

#[test]
fn somebody_is_told_only_when_something_is_found_or_stale() {
    on_both(|flavor| {
        let topology = shop(flavor, 1_000);
        let (folder, source) = (programs(), root(topology.source()));
        let source = format!("{source},P={}", topology.source().port());
        // The command of the cron line, without its times.
        let cron = fs::read_to_string(contrib("vouch-checksum.cron")).unwrap();
        let line = cron.lines().find(|line| line.contains("vouch-checksum-slice")).unwrap();
        let command = line.split_whitespace().skip(6).collect::<Vec<_>>().join(" ");
        let replica = format!("export VOUCH_REPLICA={}; {command}", root(topology.replica(0)));
        let impatient = format!("export VOUCH_MAX_AGE=1ms; {replica}");

        let first = run(&folder, &replica, &source);
        assert!(first.status.success(), "{first:?}");
        assert_eq!(number(topology.source(), "SELECT next_offset FROM percona.checksums_rotation"), 1);
        assert_eq!(news(&folder), "", "a rotation that has just begun is not stale");

        // A rotation that does not come round, then a slice that was verified too long ago.
        for text in ["never verified", "was verified longer ago than"] {
            let late = run(&folder, &impatient, &source);
            assert_eq!(late.status.code(), Some(3), "{late:?}");
            assert!(told(&folder, "mail").contains("dba@example.com"), "{}", told(&folder, "mail"));
            assert!(told(&folder, "mail").contains("not verified lately"), "{}", told(&folder, "mail"));
            assert!(told(&folder, "mail").contains(text), "{text}: {}", told(&folder, "mail"));
            assert!(told(&folder, "curl").contains("slice-stale"), "{}", told(&folder, "curl"));
            news(&folder);
        }
        let whole = run(&folder, &replica, &source);
        assert!(whole.status.success() && news(&folder).is_empty(), "{whole:?}");

        drift::sql(topology.replica(0), "DELETE FROM shop.items WHERE id = 7").unwrap();
        for _ in 0..3 {
            run(&folder, &replica, &source);
        }
        assert!(told(&folder, "mail").contains("dba@example.com"), "{}", told(&folder, "mail"));
        assert!(told(&folder, "mail").contains("shop.items"), "{}", told(&folder, "mail"));
        let hook = "in the file: url = \"https://example.com/hook\"";
        assert!(told(&folder, "curl").contains(hook), "{}", told(&folder, "curl"));
        assert_eq!(told(&folder, "curl").matches("/hook").count(), told(&folder, "curl").matches(hook).count());
        assert!(told(&folder, "curl").contains("chunk-differs"), "{}", told(&folder, "curl"));

        // What the timer starts, with the environment that its unit gives.
        let service = fs::read_to_string(contrib("vouch-checksum.service")).unwrap();
        let given = |name: &str| service.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        let modulo =
            given("Environment=").split_whitespace().find(|word| word.starts_with("VOUCH_MODULO")).unwrap().to_owned();
        let program = given("ExecStart=").rsplit('/').next().unwrap().to_owned();
        run(&folder, &format!("export {modulo}; {}", replica.replace("vouch-checksum-slice", &program)), &source);
        let noted = number(topology.source(), "SELECT modulo FROM percona.checksums_rotation");
        assert_eq!(format!("VOUCH_MODULO={noted}"), modulo);
    });
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
