//! Directories with files that are no tablespaces by their names, with links, pipes and snapshots, and with several
//! backups.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::fixture::{findings, run, run_paths, tablespace, write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use vouch_report::{Code, Coverage, Summary};

fn skipped(summary: &Summary, code: Code) -> Vec<&str> {
    summary.skips.iter().filter(|skip| skip.code == code).map(|skip| skip.what.as_str()).collect()
}

fn failed(summary: &Summary, code: Code) -> Vec<&str> {
    let files = summary.errors.iter().filter(|error| error.code == code);
    files.map(|error| error.location.file.as_ref().unwrap().file.as_str()).collect()
}

/// The files that were verified.
fn verified(summary: &Summary) -> Vec<&str> {
    summary.coverage.file_list().iter().map(|file| file.file.as_str()).collect()
}

/// A directory in which tables were encrypted, packed or renamed was clean, because files of unknown kinds were
/// dropped without a word. The damage in them would have shown at the restore.
#[test]
fn files_that_may_hold_tables_are_never_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "shop/t.ibd", &tablespace(7, &[10, 10, 10]));
    assert_eq!(run(folder.path()).verdict.name(), "clean");
    let doubtful = ["a.ibd.enc", "b.ibd.gpg", "c.zip", "d.ibd.bak", "e.IBD", "f"];
    for (name, id) in doubtful.iter().zip(8..) {
        write(folder.path(), &format!("shop/{name}"), &tablespace(id, &[10, 10, 10]));
    }
    write(folder.path(), "my.cnf", b"[mysqld]");
    write(folder.path(), "core.4711", b"no tablespace");
    let summary = run(folder.path());
    assert_eq!(summary.verdict.name(), "incomplete");
    assert_eq!(failed(&summary, Code::FileOpaque), doubtful.map(|name| format!("shop/{name}")));
    assert_eq!(skipped(&summary, Code::NoPages), ["my.cnf"]);
    assert_eq!(skipped(&summary, Code::UnknownFile), ["core.4711"]);
    assert_eq!(verified(&summary), ["shop/t.ibd"]);
    // By its own path a renamed tablespace is verified, and an encrypted file is not.
    assert_eq!(run(&folder.path().join("shop/f")).verdict.name(), "clean");
    std::fs::write(folder.path().join("shop/b.ibd.gpg"), b"\x85\x01\x0c").unwrap();
    assert_eq!(run(&folder.path().join("shop/b.ibd.gpg")).verdict.name(), "incomplete");
}

/// A folder with the backups of a week reported each table as two tablespaces with one number. The DBA would have
/// searched sound backups for damage that is not there.
#[test]
fn each_backup_below_a_folder_is_an_instance() {
    let folder = tempfile::tempdir().unwrap();
    let state = |kind: &str| format!("backup_type = {kind}\nlast_lsn = 900\n");
    for (day, kind) in [("mon", "full-prepared"), ("tue", "full-backuped")] {
        write(folder.path(), &format!("{day}/xtrabackup_checkpoints"), state(kind).as_bytes());
        write(folder.path(), &format!("{day}/shop/t.ibd"), &tablespace(7, &[10, 10, 5000]));
    }
    let summary = run(folder.path());
    // Only the backup that is not prepared has a log that ends in front of that page.
    assert_eq!(findings(&summary), [(Code::PageFuture, "tue/shop/t.ibd".to_owned())]);
    let Coverage::Files(files) = &summary.coverage else { panic!("no files") };
    assert!(files.state.contains("prepared backup") && files.state.contains("raw"), "{}", files.state);
    write(folder.path(), "mon/shop/twin.ibd", &tablespace(7, &[10, 10, 10]));
    assert!(findings(&run(folder.path())).contains(&(Code::SpaceTwice, "mon/shop/twin.ibd".to_owned())));
    write(folder.path(), "mon/backup-my.cnf", b"innodb_data_file_path=ibdata1:12M\n");
    assert!(findings(&run(folder.path())).contains(&(Code::FileMissing, "mon/ibdata1".to_owned())));
}

/// The snapshots of a storage system were taken for the files of the server, twice.
#[test]
fn folders_of_snapshots_are_left_out_by_name() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "shop/t.ibd", &tablespace(7, &[10, 10, 10]));
    for snapshot in [".snapshot/hourly.0", ".zfs/snapshot/a"] {
        write(folder.path(), &format!("{snapshot}/shop/t.ibd"), &tablespace(7, &[10, 10, 10]));
    }
    let summary = run(folder.path());
    assert_eq!((summary.verdict.name(), findings(&summary)), ("clean", vec![]));
    assert_eq!(skipped(&summary, Code::SnapshotFolder), [".snapshot", ".zfs"]);
    assert_eq!(verified(&run(&folder.path().join(".snapshot/hourly.0"))), ["shop/t.ibd"]);
}

/// What macOS keeps beside a file that it copies was reported as a damaged tablespace.
#[test]
fn apple_double_is_skipped_by_its_magic() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "shop/t.ibd", &tablespace(7, &[10, 10, 10]));
    write(folder.path(), "shop/._t.ibd", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ");
    let summary = run(folder.path());
    assert_eq!((summary.verdict.name(), findings(&summary)), ("clean", vec![]));
    assert_eq!(skipped(&summary, Code::AppleDouble), ["shop/._t.ibd"]);
    write(folder.path(), "shop/._t.ibd", &[7; 4096]);
    assert_eq!(findings(&run(folder.path())), [(Code::FileUnrecognised, "shop/._t.ibd".to_owned())]);
    write(folder.path(), "._t.ibd", b"\x00\x05\x16\x07\x00\x02\x00\x00");
    assert_eq!(failed(&run(&folder.path().join("._t.ibd")), Code::NothingFound).len(), 1);
}

/// A pipe in the place of a table was passed over, and the directory was clean without the table.
#[test]
fn what_is_no_file_in_the_place_of_a_table_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "shop/t.ibd", &tablespace(7, &[10, 10, 10]));
    let _server = UnixListener::bind(folder.path().join("mysql.sock")).unwrap();
    assert_eq!(run(folder.path()).verdict.name(), "clean");
    for name in ["shop/pipe.ibd", "xtrabackup_checkpoints", "xtrabackup_info"] {
        assert!(Command::new("mkfifo").arg(folder.path().join(name)).status().unwrap().success());
    }
    let _socket = UnixListener::bind(folder.path().join("shop/socket.ibd")).unwrap();
    symlink("/dev/zero", folder.path().join("shop/device.ibd")).unwrap();
    std::fs::create_dir(folder.path().join("shop/folder.ibd")).unwrap();
    let summary = run(folder.path());
    assert_eq!((summary.verdict.name(), verified(&summary)), ("incomplete", vec!["shop/t.ibd"]));
    let unreadable = failed(&summary, Code::FileUnreadable);
    for name in ["shop/pipe.ibd", "shop/socket.ibd", "shop/device.ibd", "shop/folder.ibd", "xtrabackup_checkpoints"] {
        assert!(unreadable.contains(&name), "{name} of {unreadable:?}");
    }
}

/// A directory that was named twice, or by a link to it, was reported as two tablespaces with one number each.
#[test]
fn what_two_paths_reach_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let (data, link) = (folder.path().join("data"), folder.path().join("link"));
    write(&data, "shop/t.ibd", &tablespace(7, &[10, 10, 10]));
    symlink("data", &link).unwrap();
    let once = |paths: &[&Path], again: usize| {
        let summary = run_paths(paths, None);
        assert_eq!((summary.verdict.name(), findings(&summary)), ("clean", vec![]), "{paths:?}");
        assert_eq!(verified(&summary).len(), 1, "{paths:?}");
        assert_eq!(skipped(&summary, Code::ReachedAgain).len(), again, "{paths:?}");
    };
    let (shop, table) = (data.join("shop"), link.join("shop/t.ibd"));
    once(&[&data, &data], 1);
    once(&[&link, &data], 1);
    once(&[&shop, &data], 1);
    once(&[&table, &data, &shop], 2);
    once(&[&table, &shop.join("t.ibd")], 1);
    symlink("t.ibd", data.join("shop/u.ibd")).unwrap();
    once(&[&data], 1);
    // Hard links are two files, which a server finds both.
    std::fs::hard_link(data.join("shop/t.ibd"), data.join("shop/v.ibd")).unwrap();
    assert_eq!(findings(&run(&data)), [(Code::SpaceTwice, "shop/v.ibd".to_owned())]);
}
