//! Tables of Aria, which MariaDB's system tables are: sound ones while the server runs and when it was shut
//! down, and damage in each of their files.

use super::healthy::{assert_clean, state};
use super::logs::files;
use super::{empty_of, pages, with_bytes, without};
use crate::harness::Outcome;
use std::path::Path;
use tempfile::TempDir;
use vouch_testkit::{Dist, Server, aria};

const PAGE: usize = 8192;

fn of(dist: &Dist) -> Server {
    let keys = TempDir::new().unwrap();
    let server = empty_of(dist, 16, &[], keys.path());
    aria::fill(&server).unwrap();
    let live = assert_clean(pages(&server.data(), &[]), 50);
    assert!(!live.coded("file-open").is_empty(), "{}", live.stdout);
    server.stop().unwrap();
    let clean = assert_clean(pages(&server.data(), &[]), 1_000);
    assert!(state(&clean).starts_with("clean shutdown"), "{}", clean.stdout);
    for (file, least) in
        [("aria/safe.MAD", 500), ("aria/unsafe.MAI", 5), ("aria/dynamic.MAI", 10), ("aria_log_control", 2)]
    {
        let sound = files(&clean, file)[0]["tally"]["sound"].as_u64().unwrap();
        assert!(sound >= least, "{file}: {sound}");
    }
    for (file, why) in
        [("aria/dynamic.MAD", "ROW_FORMAT"), ("aria/fixed.MAD", "ROW_FORMAT"), ("aria/bare.MAI", "PAGE_CHECKSUM=0")]
    {
        let skips = clean.document["skips"].as_array().unwrap();
        let skip = skips.iter().find(|skip| skip["what"] == file).unwrap();
        assert!(skip["reason"].as_str().unwrap().contains(why), "{skip}");
    }
    server
}

/// The one finding, in this file at this page.
#[track_caller]
fn found(outcome: Outcome, file: &Path, page: usize) {
    let outcome = outcome.assert_code(1);
    let finding = outcome.only("aria-page");
    assert!(file.ends_with(finding["file"]["name"].as_str().unwrap()), "{finding}");
    assert_eq!(finding["file"]["offset"], page * PAGE, "{finding}");
    assert_eq!(outcome.findings().len(), 1, "{}", outcome.stdout);
}

fn damage(server: &Server) {
    let data = server.data();
    for (name, page) in [("aria/safe.MAD", 0), ("aria/safe.MAD", 7), ("aria/unsafe.MAI", 3), ("aria/dynamic.MAI", 2)] {
        for at in [0, 20, PAGE - 1] {
            let file = data.join(name);
            found(with_bytes(&file, |bytes| bytes[page * PAGE + at] ^= 0x10, || pages(&data, &[])), &file, page);
        }
    }
    let file = data.join("aria/unsafe.MAD");
    found(with_bytes(&file, |bytes| bytes[2 * PAGE..3 * PAGE].fill(0), || pages(&data, &[])), &file, 2);
    let file = data.join("aria/summed.MAD");
    let swapped = |bytes: &mut Vec<u8>| {
        let (left, right) = bytes.split_at_mut(3 * PAGE);
        left[2 * PAGE..].copy_from_slice(&right[..PAGE]);
    };
    found(with_bytes(&file, swapped, || pages(&data, &[])), &file, 2);
    for name in ["aria/safe.MAD", "aria/safe.MAI", "aria/fixed.MAI"] {
        let file = data.join(name);
        found(with_bytes(&file, |bytes| bytes.truncate(6 * PAGE), || pages(&data, &[])), &file, 6);
    }
    let control = data.join("aria_log_control");
    let outcome = with_bytes(&control, |bytes| bytes[40] ^= 1, || pages(&data, &[])).assert_code(1);
    assert_eq!(outcome.only("aria-page")["file"]["name"], "aria_log_control");
    let lost = without(&data.join("mysql/global_priv.MAI"), || pages(&data, &[])).assert_code(1);
    assert_eq!(lost.only("file-missing")["file"]["name"], "mysql/global_priv.MAI");
    assert_eq!(lost.findings().len(), 1, "{}", lost.stdout);
}

#[test]
fn tables_of_aria() {
    damage(&of(&Dist::mariadb().unwrap()));
}

#[test]
fn tables_of_aria_on_mariadb_11_8() {
    of(&Dist::mariadb_11_8().unwrap());
}
