//! Data directories of real servers with files that are gone, moved, swapped, out of reach or more than may be
//! open.

use super::healthy::assert_clean;
use super::{empty_of, pages, without};
use crate::harness::{Outcome, Vouch, on_both};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Dist, Flavor, Server};

const PAGE: usize = 16_384;
/// More tablespaces than the limit of open files lets a run keep open.
const MANY: u32 = 300;

const TABLES: &str = "CREATE DATABASE s; CREATE DATABASE t; CREATE TABLE s.a (id INT PRIMARY KEY); \
    INSERT INTO s.a VALUES (1); CREATE TABLE s.b (id INT PRIMARY KEY); CREATE TABLE t.c (id INT PRIMARY KEY)";

fn server(flavor: Flavor) -> Server {
    let two = "--innodb-data-file-path=ibdata1:12M;ibdata2:8M:autoextend";
    let keys = TempDir::new().unwrap();
    let server = empty_of(&Dist::of(flavor).unwrap(), 16, &[two], keys.path());
    server.sql(TABLES).unwrap();
    server
}

/// The names of the files of findings with this code.
fn named(outcome: &Outcome, code: &str) -> Vec<String> {
    let findings = outcome.findings().iter().filter(|finding| finding["code"] == code);
    findings.map(|finding| finding["file"]["name"].as_str().unwrap().to_owned()).collect()
}

fn json(args: &[&str]) -> Vouch {
    Vouch::new(args).args(&["--format", "json", "--quiet"])
}

#[test]
fn that_a_server_was_shut_down_on() {
    on_both(|flavor| {
        let server = server(flavor);
        server.stop().unwrap();
        let data = server.data();
        assert_clean(pages(&data, &[]), 100);
        owed_by_the_instance(&data, flavor);
        owed_by_the_dictionary(&data);
        named_twice(&data);
        out_of_reach(&data);
        many(&data, flavor);
        assert_clean(pages(&archive(&server, "stopped.tar"), &[]), 100);
    });
}

/// The archive of a running server's directory had a finding for every table that was not written yet, and would have
/// been clean without those. What such an archive lacks shows when it is restored.
#[test]
fn that_a_server_writes_to() {
    on_both(|flavor| {
        let server = server(flavor);
        let more: String = (0..30).map(|n| format!("CREATE TABLE t.n{n} (id INT PRIMARY KEY);")).collect();
        server.sql(&more).unwrap();
        let archive = archive(&server, "running.tar");
        let outcome = pages(&archive, &[]).assert_code(3);
        assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
        let codes: Vec<&str> = outcome.errors().iter().map(|error| error["code"].as_str().unwrap()).collect();
        // Tables that are not written yet are all zero, and whether the log creates them shows in no torn log.
        let others = codes.iter().filter(|code| **code != "zero-unproven").collect::<Vec<_>>();
        assert_eq!(others, [&"fuzzy-copy"], "{}", outcome.stdout);
        assert!(super::healthy::state(&outcome).starts_with("raw"), "{}", outcome.stdout);
        // The directory itself is raw, and a server has it open.
        let live = assert_clean(pages(&server.data(), &[]), 100);
        assert!(super::healthy::state(&live).starts_with("raw"), "{}", live.stdout);
        assert!(!live.coded("raw-state").is_empty() && !live.coded("file-open").is_empty(), "{}", live.stdout);
    });
}

/// An archive of the data directory, as tar makes it of files that change meanwhile.
fn archive(server: &Server, name: &str) -> PathBuf {
    let path = server.dir().join(name);
    let mut tar = Command::new("tar");
    let status = tar.arg("-cf").arg(&path).args(["--exclude=*.sock", "."]).current_dir(server.data()).status().unwrap();
    assert!(status.code().is_some_and(|code| code < 2), "{status}");
    path
}

/// A data directory whose system tablespace, dictionary or log was lost was clean, and no server started on it.
fn owed_by_the_instance(data: &Path, flavor: Flavor) {
    let log = if flavor == Flavor::Mysql { "#innodb_redo" } else { "ib_logfile0" };
    let dictionary = if flavor == Flavor::Mysql { &["mysql.ibd"][..] } else { &[] };
    for name in ["ibdata1", log].iter().chain(dictionary) {
        for state in ["auto", "raw", "clean"] {
            let outcome = without(&data.join(name), || pages(data, &["--state", state])).assert_code(1);
            assert_eq!(named(&outcome, "file-missing"), [*name], "{state}: {}", outcome.stdout);
        }
    }
    let outcome = without(&data.join("ibdata2"), || pages(data, &[])).assert_code(1);
    let finding = outcome.only("file-truncated");
    assert_eq!(finding["file"]["name"], "ibdata1");
    assert!(finding["message"].as_str().unwrap().contains("ibdata2 is missing"), "{finding}");
}

/// A table that was moved or swapped with another one counted as present, because a file with its tablespace was
/// somewhere. A server starts without it.
fn owed_by_the_dictionary(data: &Path) {
    let (a, b) = (data.join("s/a.ibd"), data.join("s/b.ibd"));
    let rename = |from: &Path, to: &Path| fs::rename(from, to).unwrap();
    for moved in ["t/a.ibd", "s/elsewhere.ibd"] {
        rename(&a, &data.join(moved));
        let outcome = pages(data, &[]).assert_code(1);
        assert_eq!(named(&outcome, "file-missing"), ["s/a.ibd"], "{}", outcome.stdout);
        rename(&data.join(moved), &a);
    }
    let aside = data.join("s/aside");
    let swap = || {
        rename(&a, &aside);
        rename(&b, &a);
        rename(&aside, &b);
    };
    swap();
    let outcome = pages(data, &[]).assert_code(1);
    assert_eq!(named(&outcome, "file-foreign"), ["s/a.ibd", "s/b.ibd"], "{}", outcome.stdout);
    swap();
    assert_clean(pages(data, &[]), 100);
}

/// A directory that was reached by two paths had every tablespace twice.
fn named_twice(data: &Path) {
    let link = data.with_file_name("link");
    std::os::unix::fs::symlink(data, &link).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let twice = json(&["pages", &path(data), &path(&link), &path(&data.join("s"))]).run();
    assert_clean(twice, 100);
    fs::remove_file(link).unwrap();
}

/// Tables in a folder without permission were reported as missing, as if the disk had lost them.
fn out_of_reach(data: &Path) {
    let folder = data.join("s");
    fs::set_permissions(&folder, Permissions::from_mode(0o000)).unwrap();
    // Root may read everything until it gives that up.
    let outcome = json(&["pages", data.to_str().unwrap()])
        .after_shell("set -- setpriv --bounding-set=-dac_override,-dac_read_search \"$@\"")
        .run();
    fs::set_permissions(&folder, Permissions::from_mode(0o750)).unwrap();
    let outcome = outcome.assert_code(3);
    assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
    let messages: Vec<&str> = outcome.errors().iter().map(|error| error["message"].as_str().unwrap()).collect();
    let owed = "s could not be read: Permission denied; the instance needs s/a.ibd, s/b.ibd in it";
    assert!(messages.contains(&owed), "{messages:?}");
}

/// With more tablespaces than files that may be open, all others could not be opened.
fn many(data: &Path, flavor: Flavor) {
    let seal = if flavor == Flavor::Mysql { Seal::Crc32 } else { Seal::FullCrc32 };
    let folder = TempDir::new().unwrap();
    let mut table = Pages::read(&data.join("s/a.ibd"), PAGE, seal).unwrap();
    for id in 0..MANY {
        table.renumber(1_000 + id);
        table.write_to(&folder.path().join(format!("t{id}.ibd"))).unwrap();
    }
    let outcome = json(&["pages", folder.path().to_str().unwrap()]).after_shell("ulimit -n 64").run();
    let outcome = assert_clean(outcome, u64::from(MANY) * 3);
    assert_eq!(outcome.document["coverage"]["files"].as_array().unwrap().len(), MANY as usize);
}
