//! Copies that are yet to be recovered, and pages in them that are all zero.
//!
//! An old table of zeros passed in every raw backup, "because its contents are in the redo log": the backup was
//! called clean, and restoring it would have lost the table. Here every copy of a busy server is clean, and is
//! recovered by the server to show that it is; zeros that the log does not create are found.

use super::{pages, with_bytes};
use crate::harness::{Outcome, on_both};
use mysql::prelude::Queryable;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{Dist, Flavor, Load, Server, ServerConfig, numbers};

const PAGE: usize = 16_384;
/// How many copies of each kind are taken; the variable asks for more.
const COPIES: usize = 2;
const MORE: &str = "VOUCH_RAW_COPIES";
const COLUMNS: &str = "(id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(500), b INT, KEY (a(60)), KEY (b))";
/// Pages of `old.quiet` that are in use: the root of its first index and what follows it.
const QUIET: std::ops::Range<usize> = 4..44;

struct Busy {
    server: Server,
    copies: TempDir,
}

impl Busy {
    /// A server with tables that were written before its log begins.
    fn start(flavor: Flavor) -> Busy {
        let config = ServerConfig { binlog: false, gtid: false, ..ServerConfig::default() };
        let server = Server::start(&Dist::of(flavor).unwrap(), config).unwrap();
        server.sql("CREATE DATABASE old; CREATE DATABASE busy").unwrap();
        for table in ["old.quiet", "old.rebuilt", "busy.rows"] {
            let rows = numbers(6_000);
            let fill = format!("INSERT INTO {table} (a, b) SELECT REPEAT(SHA2(n, 256), 3), n FROM {rows}");
            server.sql(&format!("CREATE TABLE {table} {COLUMNS}; {fill}")).unwrap();
        }
        server.restart().unwrap();
        Busy { server, copies: TempDir::new().unwrap() }
    }

    /// Rows come and go.
    fn writes(&self) -> Load {
        Load::custom(&self.server, 2, Duration::from_millis(20), |conn, thread, _| match thread {
            0 => conn.query_drop(
                "INSERT INTO busy.rows (a, b) SELECT REPEAT(SHA2(RAND(), 256), 5), id FROM old.quiet LIMIT 300",
            ),
            _ => conn.query_drop("DELETE FROM busy.rows WHERE id % 7 = 0 LIMIT 1500"),
        })
        .unwrap()
    }

    /// Tables are made, emptied, rebuilt and dropped.
    fn changes_of_tables(&self) -> Load {
        Load::custom(&self.server, 1, Duration::ZERO, |conn, _, step| {
            for statement in TABLE_CHANGES {
                conn.query_drop(statement.replace('#', &(step % 3).to_string()))?;
            }
            Ok(())
        })
        .unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.copies.path().join(name)
    }

    /// A copy of all files as of one instant, as a snapshot of the disk has them.
    fn snapshot(&self, name: &str) -> PathBuf {
        self.server.freeze().unwrap();
        copy(&self.server.data(), &self.path(name));
        self.server.thaw().unwrap();
        self.path(name)
    }

    /// A copy of the files one after the other, with the log last, and with the checkpoint from before the copy.
    fn files_one_by_one(&self, name: &str) -> PathBuf {
        // Neither may the server have removed a log file meanwhile, nor may a page have been copied in part: no
        // server recovers such a copy.
        let torn = |copy: &PathBuf| {
            pages(copy, &[]).finding_codes().iter().any(|code| ["page-checksum", "page-torn"].contains(code))
        };
        let whole = |number: u32| self.one_by_one(&format!("{name}-{number}")).filter(|copy| !torn(copy));
        (0..20).find_map(whole).expect("a copy that can be recovered")
    }

    fn one_by_one(&self, name: &str) -> Option<PathBuf> {
        let (data, target) = (self.server.data(), self.path(name));
        let heads = log_files(&data).into_iter().map(|log| (log.clone(), head(&data.join(log))));
        let heads: Vec<_> = heads.collect();
        copy(&data, &target);
        for log in log_files(&target) {
            fs::remove_file(target.join(log)).unwrap();
        }
        for log in log_files(&data) {
            if fs::copy(data.join(&log), target.join(&log)).is_err() {
                return None;
            }
            let known = heads.iter().find(|(known, _)| *known == log);
            let mut bytes = fs::read(target.join(&log)).unwrap();
            match known {
                Some((_, head)) => bytes[..head.len()].copy_from_slice(head),
                // A file that was made since has no checkpoint that counts.
                None => bytes[512..2048].fill(0),
            }
            fs::write(target.join(&log), bytes).unwrap();
        }
        let kept = heads.iter().all(|(log, _)| target.join(log).exists());
        kept.then_some(target)
    }

    /// A copy of the log, and of all other files once the server has written pages that this log does not know: `cp -r`
    /// may take files in that order.
    fn log_first(&self, name: &str) -> PathBuf {
        let logs = self.snapshot(&format!("{name}-log"));
        self.server.sql("SET GLOBAL innodb_max_dirty_pages_pct = 0").unwrap();
        std::thread::sleep(Duration::from_secs(3));
        self.server.sql("SET GLOBAL innodb_max_dirty_pages_pct = 90").unwrap();
        let copy = self.snapshot(name);
        log_files(&copy).iter().for_each(|log| fs::remove_file(copy.join(log)).unwrap());
        for log in log_files(&logs) {
            fs::copy(logs.join(&log), copy.join(&log)).unwrap();
        }
        copy
    }

    fn backup(&self, name: &str) -> PathBuf {
        let mut command = self.server.dist().mariabackup();
        command.args(["--no-defaults", "--backup", "--user=root"]);
        command.arg(format!("--target-dir={}", self.path(name).display()));
        command.arg(format!("--socket={}", self.server.socket().display()));
        let output = command.arg(format!("--datadir={}", self.server.data().display())).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.path(name)
    }

    /// The server recovers a copy, and finds nothing in its tables. That moves the copy.
    fn recovers(&self, copy: &Path) {
        let config = ServerConfig { dir: Some(self.copies.path().to_owned()), ..self.server.config().clone() };
        let server = Server::adopt(self.server.dist(), config, copy).unwrap();
        for table in ["old.quiet", "old.rebuilt", "busy.rows"] {
            let checked = server.query_strings(&format!("CHECK TABLE {table}")).unwrap();
            let said: Vec<_> = checked.iter().map(|row| row.last().cloned().flatten().unwrap_or_default()).collect();
            assert_eq!(said, ["OK"], "{table} in {}", copy.display());
        }
    }
}

const TABLE_CHANGES: [&str; 6] = [
    "ALTER TABLE old.rebuilt FORCE",
    "DROP TABLE IF EXISTS busy.made#",
    "CREATE TABLE busy.made# AS SELECT * FROM old.quiet LIMIT 2000",
    "ALTER TABLE busy.made# ADD PRIMARY KEY (id), ADD INDEX (a(100))",
    "TRUNCATE TABLE busy.made#",
    "INSERT INTO busy.made# SELECT * FROM old.quiet LIMIT 500",
];

fn copies() -> usize {
    std::env::var(MORE).map_or(COPIES, |copies| copies.parse().unwrap())
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").args(["-r", "--sparse=always"]).args([from, to]).status().unwrap();
    // What a server removes meanwhile cannot be copied.
    assert!(status.code().is_some_and(|code| code <= 1));
}

/// The files of the redo log, from the data directory.
fn log_files(data: &Path) -> Vec<PathBuf> {
    let folder = data.join("#innodb_redo");
    if !folder.exists() {
        return vec![PathBuf::from("ib_logfile0")];
    }
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.ends_with("_tmp")).map(|name| Path::new("#innodb_redo").join(name)).collect()
}

/// What a log has in front of its records, with its checkpoints.
fn head(path: &Path) -> Vec<u8> {
    let mut head = fs::read(path).unwrap();
    head.truncate(if path.ends_with("ib_logfile0") { 12_288 } else { 2048 });
    head
}

#[track_caller]
fn clean(path: &Path) -> Outcome {
    let outcome = pages(path, &[]);
    let (found, errors) = (outcome.findings(), outcome.errors());
    // MySQL creates a file before its log says so, and a row of its own shows that it may.
    let new = |error: &Value| error["message"].as_str().unwrap().contains("just being created");
    let proven = outcome.code == 0 || outcome.code == 3 && errors.iter().all(new);
    assert!(proven && found.is_empty(), "{}: {found:?} {errors:?}", path.display());
    assert!(outcome.document["coverage"]["state"].as_str().unwrap().starts_with("raw"), "{}", outcome.stdout);
    outcome
}

/// Zeros in place of these pages of the quiet table.
fn zeroed(copy: &Path, range: std::ops::Range<usize>, args: &[&str]) -> Outcome {
    let zero = |bytes: &mut Vec<u8>| {
        let end = bytes.len().min(range.end * PAGE);
        bytes[range.start * PAGE..end].fill(0);
    };
    with_bytes(&copy.join("old/quiet.ibd"), zero, || pages(copy, args))
}

/// An old table of few pages, all of them zero, was unproven: it might have been a new one.
fn small(copy: &Path) -> Outcome {
    let path = copy.join("old/quiet.ibd");
    let few = |bytes: &mut Vec<u8>| {
        bytes.truncate(7 * PAGE);
        bytes.fill(0);
    };
    with_bytes(&path, few, || pages(copy, &[]))
}

/// Pages that are lost, by all findings.
#[track_caller]
fn lost(outcome: Outcome) -> u64 {
    let outcome = outcome.assert_code(1);
    let counted = |finding: &Value| {
        let name = finding["file"]["name"].as_str().unwrap();
        assert!(finding["code"] == "page-lost" && name.ends_with("old/quiet.ibd"), "{finding}");
        assert!(finding["message"].as_str().unwrap().contains("redo log"), "{finding}");
        finding["count"].as_u64().unwrap_or(1)
    };
    outcome.findings().iter().map(counted).sum()
}

/// Where the log is short, as one of a snapshot may be, a file of few pages may be that of a table that was just being
/// created.
#[track_caller]
fn of_few_pages(outcome: Outcome) {
    let is_lost = !outcome.coded("page-lost").is_empty();
    if is_lost {
        assert_eq!(lost(outcome), 1);
    } else {
        unproven(&outcome.assert_code(3));
    }
}

/// One page, many pages, the first page and all of an old table.
fn damages(copy: &Path) {
    assert_eq!(lost(zeroed(copy, 5..6, &[])), 1);
    assert_eq!(lost(zeroed(copy, 5..6, &["--level", "page"])), 1);
    assert!(lost(zeroed(copy, QUIET, &[])) > 20);
    of_few_pages(small(copy));
    assert_eq!(lost(zeroed(copy, 0..1, &[])), 1);
    assert_eq!(lost(zeroed(copy, 0..usize::MAX / PAGE, &[])), 1);
}

/// Nothing tells whether the log creates a page: neither a finding of that, nor passed over.
#[track_caller]
fn unproven(outcome: &Outcome) {
    assert!(outcome.code > 0 && outcome.coded("page-lost").is_empty(), "{}", outcome.stdout);
    let errors = outcome.coded("zero-unproven");
    assert_eq!(errors.len(), 1, "{}", outcome.stdout);
    let named = errors[0]["file"]["name"].as_str().unwrap().ends_with("quiet.ibd");
    let items = outcome.document["scope"]["not_verified"].as_array().unwrap();
    let of_quiet =
        |item: &Value| item["name"].as_str().unwrap().ends_with("quiet.ibd") && item["outcome"] == "unproven";
    assert!(named || items.iter().any(of_quiet), "{}", outcome.stdout);
}

fn without_log(copy: &Path) {
    let log = if copy.join("#innodb_redo").exists() { "#innodb_redo" } else { "ib_logfile0" };
    let away = copy.with_extension("log");
    fs::rename(copy.join(log), &away).unwrap();
    unproven(&zeroed(copy, 5..6, &["--state", "raw"]));
    unproven(&zeroed(copy, 0..usize::MAX / PAGE, &["--state", "raw"]));
    let alone = copy.join("old/quiet.ibd");
    let zero = |bytes: &mut Vec<u8>| bytes[5 * PAGE..6 * PAGE].fill(0);
    let outcome = with_bytes(&alone, zero, || pages(&alone, &["--state", "raw"]));
    unproven(&outcome.assert_code(3));
    fs::rename(away, copy.join(log)).unwrap();
}

/// A log whose head is damaged.
fn unreadable_log(copy: &Path) {
    let last = log_files(copy).into_iter().max().unwrap();
    unproven(&with_bytes(&copy.join(last), |bytes| bytes[20] ^= 1, || zeroed(copy, 5..6, &["--state", "raw"])));
}

/// Archives of a backup are read once, and judged by the log that is among their files.
fn archived(backup: &Path) {
    let archive = backup.with_extension("tar");
    let tar = || {
        let status = Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(backup).arg(".").status().unwrap();
        assert!(status.success());
    };
    tar();
    clean(&archive);
    for range in [5..6, 0..usize::MAX / PAGE] {
        let zero = |bytes: &mut Vec<u8>| {
            let end = bytes.len().min(range.end * PAGE);
            bytes[range.start * PAGE..end].fill(0);
        };
        let outcome = with_bytes(&backup.join("old/quiet.ibd"), zero, || {
            tar();
            pages(&archive, &[])
        });
        assert_eq!(lost(outcome), 1);
    }
}

/// `cp -r` of a running server's directory was clean, with a notice. No server recovers such a copy to anything sound.
fn copied_with_an_older_log(copy: &Path) {
    let archive = copy.with_extension("tar");
    let status = Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(copy).arg(".").status().unwrap();
    assert!(status.success());
    for outcome in [pages(copy, &[]), pages(copy, &["--state", "raw"]), pages(&archive, &["--state", "raw"])] {
        let outcome = outcome.assert_code(3);
        assert_eq!(outcome.findings(), [] as [Value; 0], "{}", outcome.stdout);
        let fuzzy = outcome.errors().iter().find(|error| error["code"] == "fuzzy-copy");
        // The log of a server that wrote for long has turned, and what passed before its end is gone from a stream.
        let turned = outcome.errors().iter().any(|error| error["code"] == "image-unsupported");
        let message = fuzzy.map(|error| error["message"].as_str().unwrap());
        assert!(
            turned || message.is_some_and(|text| text.contains("were not copied at one moment")),
            "{}",
            outcome.stdout
        );
    }
}

fn of_flavor(flavor: Flavor) {
    let busy = Busy::start(flavor);
    let writes = busy.writes();
    for number in 0..copies().div_ceil(2) {
        let copy = busy.files_one_by_one(&format!("files{number}"));
        clean(&copy);
        if number == 0 {
            busy.recovers(&copy);
        }
    }
    copied_with_an_older_log(&busy.log_first("log-first"));
    let changes = busy.changes_of_tables();
    changes.wait_for(1, Duration::from_secs(60)).unwrap();
    let mut last = None;
    for number in 0..copies() {
        std::thread::sleep(Duration::from_millis(300));
        let copy = busy.snapshot(&format!("snapshot{number}"));
        clean(&copy);
        last = Some(copy);
    }
    for number in 0..if flavor == Flavor::Mariadb { copies() } else { 0 } {
        let backup = busy.backup(&format!("backup{number}"));
        clean(&backup);
        if number == 0 {
            damages(&backup);
            archived(&backup);
        }
    }
    drop((writes, changes));
    let last = last.unwrap();
    // The damages of MariaDB are found in its backup above.
    if flavor == Flavor::Mysql {
        damages(&last);
    } else {
        assert_eq!(lost(zeroed(&last, 5..6, &[])), 1);
    }
    without_log(&last);
    unreadable_log(&last);
    busy.recovers(&last);
}

#[test]
fn of_a_server_that_makes_and_rebuilds_tables() {
    on_both(of_flavor);
}
