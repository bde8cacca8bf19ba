//! Files behind which lies a hard life: trees, segments and long values that were made, changed and removed in
//! every way. No finding, neither after a crash nor after the recovery from it.

use super::{filled, pages};
use crate::harness::{Outcome, on_both};
use vouch_testkit::churn::churn;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Flavor, Server};

#[track_caller]
fn assert_clean(outcome: Outcome, state: &str) {
    let outcome = outcome.assert_code(0);
    assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
    assert!(outcome.document["coverage"]["state"].as_str().unwrap().starts_with(state), "{}", outcome.stdout);
}

fn of_page_size(flavor: Flavor, kib: u32) {
    let undo = ["--innodb-undo-tablespaces=3"];
    let server = filled(flavor, kib, if flavor == Flavor::Mariadb { &undo } else { &[] });
    churn(&server, kib).unwrap();
    server.kill9().unwrap();
    assert_clean(pages(&server.data(), &["--level", "full"]), "raw");
    server.resume().unwrap();
    server.stop().unwrap();
    assert_clean(pages(&server.data(), &["--level", "full"]), "clean shutdown");
    if (flavor, kib) == (Flavor::Mysql, 16) {
        compressed_value(&server);
    }
}

/// Parts that the indexes of compressed values name wrongly. Some of these values were given back.
fn compressed_value(server: &Server) {
    let path = server.data().join("churn/lobs_zip.ibd");
    let mut file = Pages::read(&path, 8192, Seal::Zip).unwrap();
    let values = file.compressed_values();
    values.iter().for_each(|first| file.foreign_compressed_part(*first));
    file.write_to(&path).unwrap();
    let outcome = pages(&path, &["--state", "clean"]).assert_code(1);
    assert!(outcome.finding_codes().iter().all(|code| *code == "lob-chain"), "{}", outcome.stdout);
}

#[test]
fn of_a_server_that_worked_hard() {
    on_both(|flavor| of_page_size(flavor, 16));
}

#[test]
fn of_a_server_with_small_pages() {
    on_both(|flavor| of_page_size(flavor, 4));
}
