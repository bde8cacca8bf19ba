//! Files that are as a server left them, or as it is writing them: no finding.

use super::{filled_of, keyring, pages};
use crate::harness::{Outcome, on_both};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vouch_testkit::{Dist, Flavor, Load, Server, Sysbench, spaces};

/// Zero findings and zero errors, and really looked at.
#[track_caller]
pub fn assert_clean(outcome: Outcome, least_pages: u64) -> Outcome {
    let outcome = outcome.assert_code(0);
    assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
    let files = outcome.document["coverage"]["files"].as_array().unwrap();
    let sound: u64 = files.iter().map(|file| file["tally"]["sound"].as_u64().unwrap()).sum();
    assert!(sound >= least_pages, "{sound} sound pages of at least {least_pages}\n{}", outcome.stdout);
    outcome
}

pub fn state(outcome: &Outcome) -> &str {
    outcome.document["coverage"]["state"].as_str().unwrap()
}

/// Shut down, and before that while the server runs: then the state is raw, and pages are read while
/// they are written.
fn of_page_size(flavor: Flavor, kib: u32, extra: &[&str]) {
    let keys = TempDir::new().unwrap();
    let server = filled_of(&Dist::of(flavor).unwrap(), kib, extra, keys.path());
    if flavor == Flavor::Mariadb && kib == 16 {
        assert_eq!(spaces::fill_codecs(&server).unwrap().len(), 6);
    }
    let load = Load::sysbench(&server, &Sysbench { rows: 3_000, threads: 1, ..Sysbench::default() }).unwrap();
    let from = Instant::now();
    while from.elapsed() < Duration::from_secs(3) {
        let live = assert_clean(pages(&server.data(), &[]), 50);
        assert!(state(&live).starts_with("raw"), "{}", live.stdout);
        assert!(live.coded("file-open").iter().any(|notice| says_who(notice, &server)), "{}", live.stdout);
    }
    drop(load);
    server.stop().unwrap();
    let clean = assert_clean(pages(&server.data(), &[]), 500);
    assert!(state(&clean).starts_with("clean shutdown"), "{}", clean.stdout);
    assert!(clean.coded("file-open").is_empty(), "{}", clean.stdout);
    assert_clean(pages(&server.data(), &["--level", "full"]), 500);
    if flavor == Flavor::Mariadb {
        looks_deeper(&server, keys.path(), &clean);
    }
}

/// The server's own process is named.
fn says_who(notice: &serde_json::Value, server: &Server) -> bool {
    notice["message"].as_str().unwrap().contains(&format!("(pid {})", server.pid().unwrap()))
}

/// With the key, encrypted pages are looked into: more of them are nodes, and the formula inside is told.
pub fn looks_deeper(server: &Server, keys: &std::path::Path, without: &Outcome) {
    let [option, file] = keyring(keys);
    let with = assert_clean(pages(&server.data(), &[&option, &file]), 400);
    let nodes = |outcome: &Outcome| -> u64 {
        let files = outcome.document["coverage"]["files"].as_array().unwrap();
        let types = files.iter().filter_map(|file| file["page_types"].as_array());
        types.flatten().filter(|kind| kind["name"] == "index").map(|kind| kind["pages"].as_u64().unwrap()).sum()
    };
    assert!(nodes(&with) > nodes(without), "{} of {}", nodes(without), nodes(&with));
}

#[test]
fn pages_of_16_kib() {
    on_both(|flavor| of_page_size(flavor, 16, &[]));
}

#[test]
fn pages_of_4_kib() {
    on_both(|flavor| of_page_size(flavor, 4, &[]));
}

#[test]
fn pages_of_8_kib() {
    on_both(|flavor| of_page_size(flavor, 8, &[]));
}

#[test]
fn pages_of_32_kib() {
    on_both(|flavor| of_page_size(flavor, 32, &[]));
}

#[test]
fn pages_of_64_kib() {
    on_both(|flavor| of_page_size(flavor, 64, &[]));
}

#[test]
fn checksums_of_other_kinds() {
    of_page_size(Flavor::Mariadb, 16, &["--innodb-checksum-algorithm=crc32"]);
    of_page_size(Flavor::Mysql, 16, &["--innodb-checksum-algorithm=innodb"]);
}
