#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::fixture::{findings, run, tablespace, write};
use vouch_report::{Code, FileState};

const RAW: &str = "backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = 800\nlast_lsn = 900\n";

#[test]
fn pages_behind_the_end_of_a_backup_are_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "xtrabackup_checkpoints", RAW.as_bytes());
    write(folder.path(), "shop/old.ibd", &tablespace(7, &[900, 800, 10, 900]));
    assert_eq!(findings(&run(folder.path())), []);
    write(folder.path(), "shop/new.ibd", &tablespace(8, &[900, 800, 901, 5000, 10]));
    let summary = run(folder.path());
    assert_eq!(findings(&summary), [(Code::PageFuture, "shop/new.ibd".to_owned())]);
    let finding = &summary.findings[0];
    let place = finding.location.file.clone().unwrap();
    assert_eq!((place.pages, finding.count, place.offset), (Some((2, 3)), 2, Some(2 * 16_384)));
    assert!(finding.message.starts_with("its last change is of LSN 901, and the log ends at LSN 900"));
    let file = summary.coverage.files.files.iter().find(|file| file.file == "shop/new.ibd").unwrap();
    assert_eq!((file.tally.bad, file.tally.sound, file.state), (2, 3, FileState::Damaged));
}

#[test]
fn pages_of_a_prepared_backup_may_be_newer_than_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = RAW.replace("full-backuped", "full-prepared");
    write(folder.path(), "xtrabackup_checkpoints", prepared.as_bytes());
    write(folder.path(), "shop/new.ibd", &tablespace(8, &[5000, 5000, 5000]));
    assert_eq!(findings(&run(folder.path())), []);
}

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

#[test]
fn files_that_are_missing_are_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "backup-my.cnf", b"[mysqld]\ninnodb_data_file_path=ibdata1:12M:autoextend\n");
    write(folder.path(), "shop/t.ibd", &tablespace(7, &[10, 10, 10]));
    assert_eq!(findings(&run(folder.path())), [(Code::FileMissing, "ibdata1".to_owned())]);
}
