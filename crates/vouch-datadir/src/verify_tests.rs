#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::fixture::{findings, run, write};
use vouch_report::Code;

#[test]
fn logs_are_verified_beside_tablespaces() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "binlog.000001", b"\xfebin1234567890");
    write(folder.path(), "named.000001", b"\xfdbin1234567890");
    write(folder.path(), "other.000001", b"nothing of the kind");
    write(folder.path(), "#innodb_redo/#ib_redo7", &[7; 4096]);
    write(folder.path(), "#innodb_redo/#ib_redo8_tmp", &[0; 4096]);
    let summary = run(folder.path());
    let expected = [(Code::RedoBlock, "#innodb_redo/#ib_redo7"), (Code::BinlogEvent, "binlog.000001")];
    let named: Vec<_> = expected.iter().map(|(code, file)| (*code, (*file).to_owned())).collect();
    let mut found = findings(&summary);
    found.dedup();
    assert_eq!(found, named);
    assert_eq!(summary.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::LogEncrypted]);
    assert_eq!(summary.skips.len(), 1, "the spare file");
    assert_eq!(summary.coverage.files.files.len(), 3);
}
