//! The oldest and the newest MariaDB: what they write that others do not.

use super::healthy::{assert_clean, looks_deeper, state};
use super::{empty_of, filled_of, pages};
use crate::harness::Outcome;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{Dist, Server, poll, spaces};

/// Every formula, one after the other on one server: files of both layouts, pages of several formulas.
#[test]
fn page_checksums_of_mariadb_10_5() {
    let keys = TempDir::new().unwrap();
    let dist = Dist::mariadb_10_5().unwrap();
    let server = filled_of(&dist, 16, &["--innodb-checksum-algorithm=innodb"], keys.path());
    assert_eq!(spaces::fill_codecs(&server).unwrap(), ["zlib", "lz4", "snappy"]);
    for algorithm in ["strict_innodb", "crc32", "strict_crc32", "full_crc32", "strict_full_crc32", "innodb"] {
        server.sql(&table(algorithm)).unwrap();
        purged(&server);
        server.sql(&format!("USE made; FLUSH TABLES by_{algorithm} FOR EXPORT; UNLOCK TABLES")).unwrap();
    }
    // Pages of one file with two formulas.
    server.sql("SET GLOBAL innodb_checksum_algorithm = crc32").unwrap();
    server.sql("USE made; UPDATE by_innodb SET a = 'changed' WHERE id BETWEEN 900 AND 1100").unwrap();
    assert_clean(pages(&server.data(), &["--state", "raw"]), 50);
    server.stop().unwrap();
    let clean = assert_clean(pages(&server.data(), &[]), 500);
    let methods = |file: &str| -> Vec<String> {
        let files = clean.document["coverage"]["files"].as_array().unwrap();
        let file = files.iter().find(|found| found["file"] == file).unwrap();
        file["checksums"].as_array().unwrap().iter().map(|method| method["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(methods("made/by_strict_innodb.ibd"), ["innodb"]);
    assert_eq!(methods("made/by_innodb.ibd").len(), 2);
    assert_eq!(methods("made/by_strict_full_crc32.ibd"), ["full_crc32"]);
    looks_deeper(&server, keys.path(), &clean);
    strict(&server);
    without_checksums(&server);
}

/// Pages of another formula are findings where one is asked for, each file by itself; not otherwise.
fn strict(server: &Server) {
    let file = |name: &str| server.data().join("made").join(format!("by_{name}.ibd"));
    let judged = |name: &str, algorithm: &str| pages(&file(name), &["--algorithm", algorithm]);
    for (name, algorithm) in [
        ("crc32", "strict_crc32"),
        ("crc32", "strict_full_crc32"),
        ("strict_innodb", "strict_innodb"),
        ("full_crc32", "strict_innodb"),
        ("innodb", "crc32"),
        ("innodb", "none"),
    ] {
        assert_clean(judged(name, algorithm), 10);
    }
    for (name, algorithm) in [("crc32", "strict_innodb"), ("strict_innodb", "strict_crc32"), ("crc32", "strict_none")] {
        let outcome = judged(name, algorithm).assert_code(1);
        assert_eq!(outcome.finding_codes(), ["page-algorithm"], "{}", outcome.stdout);
    }
    // Of pages with two formulas, those of the other one.
    let pages_of = |outcome: &Outcome| -> u64 {
        outcome.findings().iter().map(|finding| finding["count"].as_u64().unwrap()).sum()
    };
    let (by_crc32, by_innodb) = (judged("innodb", "strict_crc32"), judged("innodb", "strict_innodb"));
    assert!(pages_of(&by_crc32) > 0 && pages_of(&by_innodb) > 0);
}

fn table(algorithm: &str) -> String {
    format!(
        "CREATE DATABASE IF NOT EXISTS made; USE made; SET GLOBAL innodb_checksum_algorithm = {algorithm}; \
         CREATE TABLE by_{algorithm} (id INT PRIMARY KEY, a VARCHAR(300)); \
         INSERT INTO by_{algorithm} SELECT seq, REPEAT(MD5(seq), 8) FROM seq_1_to_2000"
    )
}

/// Purging wipes the numbers of transactions from rows, and so writes their pages once more.
fn purged(server: &Server) {
    let length = "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Innodb_history_list_length'";
    // Otherwise it is counted only now and then.
    server.sql("SET GLOBAL innodb_purge_rseg_truncate_frequency = 1").unwrap();
    poll::until(Duration::from_secs(60), Duration::from_millis(50), "everything is purged", || {
        (server.query_one(length).unwrap().as_deref() == Some("0")).then_some(())
    })
    .unwrap();
}

/// Nothing is found in pages that nothing protects, and they are not called sound.
fn without_checksums(server: &Server) {
    server.resume().unwrap();
    ["none", "strict_none"].into_iter().for_each(|algorithm| server.sql(&table(algorithm)).unwrap());
    server.stop().unwrap();
    let outcome = pages(&server.data(), &[]).assert_code(3);
    assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
    let files = outcome.document["coverage"]["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["file"] == "made/by_none.ibd").unwrap();
    assert!(file["tally"]["unprotected"].as_u64().unwrap() > 10, "{file}");
    let errors = outcome.document["errors"].as_array().unwrap();
    assert!(errors.iter().all(|error| error["code"] == "page-unprotected"), "{}", outcome.stdout);
}

/// A small table of each format.
fn of_page_size(dist: &Dist, kib: u32, extra: &[&str]) {
    let keys = TempDir::new().unwrap();
    let server = filled_of(dist, kib, extra, keys.path());
    assert_clean(pages(&server.data(), &["--state", "raw"]), 50);
    server.stop().unwrap();
    let clean = assert_clean(pages(&server.data(), &[]), 500);
    looks_deeper(&server, keys.path(), &clean);
}

#[test]
fn page_sizes_of_mariadb_10_5() {
    let dist = Dist::mariadb_10_5().unwrap();
    of_page_size(&dist, 4, &["--innodb-checksum-algorithm=innodb"]);
    of_page_size(&dist, 8, &["--innodb-checksum-algorithm=crc32"]);
    of_page_size(&dist, 64, &[]);
}

#[test]
fn page_sizes_of_mariadb_11_8() {
    let dist = Dist::mariadb_11_8().unwrap();
    of_page_size(&dist, 4, &[]);
    of_page_size(&dist, 32, &[]);
    of_page_size(&dist, 64, &[]);
}

/// All tablespaces are encrypted, that of the system and undo too.
#[test]
fn everything_of_mariadb_11_8_encrypted() {
    let keys = TempDir::new().unwrap();
    let dist = Dist::mariadb_11_8().unwrap();
    let all = ["--innodb-encrypt-tables=ON", "--innodb-encryption-threads=2", "--innodb-encryption-rotate-key-age=1"];
    let server = filled_of(&dist, 16, &all, keys.path());
    assert_eq!(spaces::fill_codecs(&server).unwrap().len(), 6);
    let live = assert_clean(pages(&server.data(), &[]), 50);
    assert!(state(&live).starts_with("raw"), "{}", live.stdout);
    encrypted(&server);
    server.stop().unwrap();
    let clean = assert_clean(pages(&server.data(), &[]), 500);
    assert!(state(&clean).starts_with("clean shutdown"), "{}", clean.stdout);
    looks_deeper(&server, keys.path(), &clean);
}

fn encrypted(server: &Server) {
    let left = "SELECT COUNT(*) FROM information_schema.INNODB_TABLESPACES_ENCRYPTION \
        WHERE MIN_KEY_VERSION = 0 OR ROTATING_OR_FLUSHING = 1";
    vouch_testkit::poll::until(
        std::time::Duration::from_secs(60),
        std::time::Duration::from_millis(100),
        "everything to be encrypted",
        || (server.query_one(left).ok()??.as_str() == "0").then_some(()),
    )
    .unwrap();
}

/// The other way to use a key, which nothing in the files tells of.
#[test]
fn counted_blocks_of_mariadb() {
    let keys = TempDir::new().unwrap();
    let dist = Dist::mariadb().unwrap();
    let server = empty_of(&dist, 16, &["--file-key-management-encryption-algorithm=AES_CTR"], keys.path());
    assert!(!spaces::fill_codecs(&server).unwrap().is_empty());
    server.stop().unwrap();
    let clean = assert_clean(pages(&server.data(), &[]), 100);
    looks_deeper(&server, keys.path(), &clean);
    wrong_key(&server, keys.path());
}

/// One sentence, no finding.
fn wrong_key(server: &Server, keys: &Path) {
    let path = keys.join("wrong.txt");
    for (text, said) in [
        ("1;00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "key 1 of the keyring is not the one"),
        ("7;00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "the keyring does not have key 1"),
    ] {
        std::fs::write(&path, text).unwrap();
        let outcome = pages(&server.data(), &["--keyring", path.to_str().unwrap()]).assert_code(3);
        assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
        let errors = outcome.document["errors"].as_array().unwrap();
        let encrypted = errors.iter().filter(|error| error["message"].as_str().unwrap().contains(said)).count();
        assert!(encrypted >= 6 && encrypted == errors.len(), "{}", outcome.stdout);
    }
}
