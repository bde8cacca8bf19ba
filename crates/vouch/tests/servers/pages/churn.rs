//! Files behind which lies a hard life: trees, segments and long values that were made, changed and removed in
//! every way. No finding, neither after a crash nor after the recovery from it.

use super::{filled, pages, with_bytes};
use crate::harness::{Outcome, on_both};
use vouch_testkit::churn::churn;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Flavor, Server, spaces};

/// The type of pages with parts of long descriptions of tables.
const DICTIONARY_PART: u16 = 18;
/// The byte of the flags on page 0 that says that there is dictionary information, and the bit in it.
const FLAGS: usize = 56;
const DICTIONARY_FLAG: u8 = 0x40;

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
    if (flavor, kib) == (Flavor::Mysql, 16) {
        older_first_page(&server);
    }
    server.resume().unwrap();
    server.stop().unwrap();
    assert_clean(pages(&server.data(), &["--level", "full"]), "clean shutdown");
    if (flavor, kib) == (Flavor::Mysql, 16) {
        compressed_value(&server);
    }
}

/// Page 0 as it is on disk until the server writes it again, without the flag of dictionary information: the parts of
/// a long description were taken for damaged roots of MariaDB then, and a healthy server that ran was accused.
fn older_first_page(server: &Server) {
    let path = server.data().join(spaces::DATABASE).join("wide.ibd");
    let mut file = Pages::read(&path, 16_384, Seal::Crc32).unwrap();
    assert!(file.find(DICTIONARY_PART, |_| true).is_some());
    let before = file.bytes().to_vec();
    file.forge(0, |page| page[FLAGS] &= !DICTIONARY_FLAG);
    assert_ne!(before, file.bytes());
    let outcome = with_bytes(&path, |bytes| *bytes = file.bytes().to_vec(), || pages(&server.data(), &[]));
    assert_clean(outcome, "raw");
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
