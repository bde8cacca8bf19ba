//! Data directories of real servers with files that are gone, moved, swapped, out of reach or more than may be
//! open.

use super::healthy::assert_clean;
use super::{empty_of, pages, with_bytes, without};
use crate::harness::{Outcome, Vouch, on_both};
use mysql::prelude::Queryable;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Dist, Flavor, Server, ServerConfig};

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
        server.sql(HISTORY).unwrap();
        import(&server);
        server.stop().unwrap();
        let data = server.data();
        assert_clean(pages(&data, &[]), 100);
        owed_by_the_instance(&data, flavor);
        owed_by_the_dictionary(&data);
        another_table(&data, flavor);
        terabyte(&data);
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
        // Tables that are not written yet are all zero, and whether the log creates them shows in no torn log: one error
        // for all of them.
        assert!(
            codes == ["fuzzy-copy"]
                || codes == ["zero-unproven", "fuzzy-copy"]
                || codes == ["fuzzy-copy", "zero-unproven"],
            "{}",
            outcome.stdout
        );
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

/// A data directory whose system tablespace, dictionary or log was lost was clean, and no server started on it. Where
/// settings may name another folder for a file, that it is lost is not certain.
fn owed_by_the_instance(data: &Path, flavor: Flavor) {
    let log = log_of(flavor);
    let dictionary = if flavor == Flavor::Mysql { &["mysql.ibd"][..] } else { &[] };
    for name in ["ibdata1", log].iter().chain(dictionary) {
        // Its second file shows that the system tablespace is here.
        let is_certain = *name != log;
        for state in ["auto", "raw", "clean"] {
            let outcome = without(&data.join(name), || pages(data, &["--state", state]));
            let outcome = outcome.assert_code(if is_certain { 1 } else { 3 });
            let expected = if is_certain { (vec![*name], vec![]) } else { (vec![], vec![*name]) };
            let errors = outcome.errors().iter().filter(|error| error["code"] == "file-elsewhere");
            let errors: Vec<&str> = errors.map(|error| error["file"]["name"].as_str().unwrap()).collect();
            let missing = named(&outcome, "file-missing");
            let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
            assert_eq!((missing, errors), expected, "{state}: {}", outcome.stdout);
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

fn log_of(flavor: Flavor) -> &'static str {
    if flavor == Flavor::Mysql { "#innodb_redo" } else { "ib_logfile0" }
}

/// A file of another table, such as one from another server, counted as the table at its path when it had the number
/// of its tablespace. A server would show rows of the other table, or crash.
fn another_table(data: &Path, flavor: Flavor) {
    let seal = if flavor == Flavor::Mysql { Seal::Crc32 } else { Seal::FullCrc32 };
    let (a, b) = (data.join("s/a.ibd"), data.join("s/b.ibd"));
    let own = fs::read(&a).unwrap();
    let mut other = Pages::read(&b, PAGE, seal).unwrap();
    other.renumber(u32::from_be_bytes(own[34..38].try_into().unwrap()));
    let outcome = with_bytes(&a, |bytes| *bytes = other.bytes().to_vec(), || pages(data, &[])).assert_code(1);
    assert_eq!(named(&outcome, "file-foreign"), ["s/a.ibd"], "{}", outcome.stdout);
    if flavor == Flavor::Mariadb {
        let outcome = without(&data.join("s/a.frm"), || pages(data, &[])).assert_code(1);
        assert_eq!(named(&outcome, "file-missing"), ["s/a.frm"], "{}", outcome.stdout);
    }
}

/// What tables go through on both servers, after which each file still is the table at its path.
const HISTORY: &str = "CREATE TABLE s.before_ (id INT PRIMARY KEY, v VARCHAR(50), KEY (v)); INSERT INTO s.before_ VALUES (1, 'x'); \
    RENAME TABLE s.before_ TO t.`After é-1`; TRUNCATE t.`After é-1`; ALTER TABLE t.`After é-1` ADD z INT, FORCE; \
    CREATE TABLE s.words (id INT PRIMARY KEY, v VARCHAR(50), FULLTEXT (v)); INSERT INTO s.words VALUES (1, 'hello'); \
    CREATE TABLE s.parts (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10)); \
    CREATE TABLE s.swapped (id INT PRIMARY KEY); ALTER TABLE s.parts EXCHANGE PARTITION p0 WITH TABLE s.swapped; \
    CREATE TABLE s.exported (id INT PRIMARY KEY, v INT, KEY (v)); INSERT INTO s.exported VALUES (1, 1); \
    CREATE TABLE t.imported LIKE s.exported; ALTER TABLE t.imported DISCARD TABLESPACE";

/// A table whose file came from another one, by the way that servers have for that.
fn import(server: &Server) {
    let mut conn = server.conn().unwrap();
    let data = server.data();
    conn.query_drop("FLUSH TABLES s.exported FOR EXPORT").unwrap();
    for suffix in ["ibd", "cfg"] {
        let (from, to) = (data.join(format!("s/exported.{suffix}")), data.join(format!("t/imported.{suffix}")));
        fs::copy(from, to).unwrap();
    }
    conn.query_drop("UNLOCK TABLES").unwrap();
    conn.query_drop("ALTER TABLE t.imported IMPORT TABLESPACE").unwrap();
}

/// The directory of a server whose log and system tablespace are in other folders had findings that both were missing.
#[test]
fn of_a_server_that_keeps_files_elsewhere() {
    on_both(|flavor| {
        let folders = TempDir::new().unwrap();
        let [log, home, seeds] = ["log", "home", "seeds"].map(|name| folders.path().join(name));
        [&log, &home, &seeds].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let option = |name: &str, folder: &Path| format!("--innodb-{name}={}", folder.display());
        let init_args = vec![option("log-group-home-dir", &log), option("data-home-dir", &home)];
        let config =
            ServerConfig { binlog: false, gtid: false, init_args, seeds: Some(seeds), ..ServerConfig::default() };
        let server = Server::start(&Dist::of(flavor).unwrap(), config).unwrap();
        server.sql(TABLES).unwrap();
        let data = server.data();
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let elsewhere = || {
            let outcome = pages(&data, &[]).assert_code(3);
            assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
            let names = outcome.coded("file-elsewhere").into_iter().map(|error| error["file"]["name"].clone());
            assert_eq!(names.collect::<Vec<_>>(), [log_of(flavor), "ibdata1"], "{}", outcome.stdout);
            outcome.errors().len()
        };
        elsewhere();
        server.stop().unwrap();
        assert_eq!(elsewhere(), 2);
        assert_clean(json(&["pages", &path(&data), &path(&log), &path(&home)]).run(), 100);
    });
}

/// Runs to the end, with the most memory that was held, in MiB.
fn measured(vouch: Vouch) -> (Outcome, u64) {
    let (mut running, mut peak) = (vouch.spawn(), 0);
    while !running.ended() {
        peak = peak.max(running.peak_kib().unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    (running.wait(), peak >> 10)
}

/// A table whose file was extended to a terabyte by a hole took gigabytes of memory, and minutes. The machine of the
/// backups would have been short of both.
fn terabyte(data: &Path) {
    let (folder, table) = (TempDir::new().unwrap(), data.join("s/a.ibd"));
    let (sound, damaged) = (folder.path().join("data/s/a.ibd"), folder.path().join("b.ibd"));
    fs::create_dir_all(sound.parent().unwrap()).unwrap();
    for path in [&sound, &damaged] {
        fs::copy(&table, path).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        // Not every file system has files of a terabyte.
        file.set_len(1 << 40).or_else(|_| file.set_len(1 << 43 >> 9)).unwrap();
        if path == &damaged {
            file.write_all_at(&[7; 100], 100).unwrap();
        }
    }
    for (path, code) in [(&sound, 0), (&folder.path().join("data"), 0), (&damaged, 1)] {
        let from = Instant::now();
        let (outcome, peak) = measured(json(&["pages", path.to_str().unwrap()]));
        let took = from.elapsed();
        assert!(peak < 256 && took < Duration::from_secs(20), "{}: {peak} MiB, {took:?}", path.display());
        let outcome = outcome.assert_code(code);
        let file = &outcome.document["coverage"]["files"][0];
        assert_eq!(file["pages"].as_u64().unwrap() * PAGE as u64, file["bytes"].as_u64().unwrap(), "{file}");
    }
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
    let owed = |message: &&str| message.starts_with("s could not be read: Permission denied; the instance needs s/");
    assert!(messages.iter().any(owed), "{messages:?}");
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
