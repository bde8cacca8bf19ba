//! Directories with and without the files that must be there.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use crate::fixture::write;

fn missing(files: &[(&str, &str)], tables: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| write(folder.path(), name, text.as_bytes()));
    let tables: BTreeMap<String, u32> = tables.iter().map(|name| ((*name).to_owned(), 7)).collect();
    told(folder.path(), InFolder { tables: Some(&tables), ..InFolder::default() })
}

fn told(root: &Path, known: InFolder) -> Vec<String> {
    let home = Home { root: root.to_owned(), label: String::new() };
    let found = crate::discover::discover(&[root.to_owned()]).files;
    let checked = Presence { home: &home, known, still: true, key: None }.check(&found);
    assert!(checked.errors.is_empty(), "{:?}", checked.errors);
    checked.findings.iter().map(|finding| format!("{} {}", finding.code.name(), file(finding))).collect()
}

fn file(finding: &Finding) -> String {
    finding.location.file.clone().unwrap().file
}

fn named(names: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    names.iter().map(|name| (*name, "x")).collect()
}

#[test]
fn numbers_run_on() {
    let mysql = ["#innodb_redo/#ib_redo7", "#innodb_redo/#ib_redo8", "ibdata1", "mysql.ibd", "undo_001", "undo_002"];
    assert_eq!(missing(&named(&mysql), &[]), [] as [&str; 0]);
    assert_eq!(missing(&named(&mysql[..5]), &[]), ["file-missing undo_002"]);
    assert_eq!(missing(&named(&["ibdata2"]), &[]), ["file-missing ibdata1"]);
    assert_eq!(missing(&named(&["undo001", "undo003"]), &[]), ["file-missing undo002"]);
    let gap = ["#innodb_redo/#ib_redo7", "#innodb_redo/#ib_redo10", "#innodb_redo/#ib_redo8_tmp"];
    assert_eq!(missing(&named(&gap), &[]), ["file-missing #innodb_redo/#ib_redo8"]);
}

#[test]
fn a_backup_names_its_system_tablespace() {
    let settings = "[mysqld]\ninnodb_data_file_path=ibdata1:12M;ibdata2:10M:autoextend\n";
    assert_eq!(missing(&[(SETTINGS, settings), ("ibdata1", "x")], &[]), ["file-missing ibdata2"]);
    assert_eq!(missing(&[(SETTINGS, settings), ("ibdata1.qp", "x"), ("ibdata2.delta", "x")], &[]), [] as [&str; 0]);
    assert_eq!(missing(&[(SETTINGS, "innodb_data_file_path=/raw/one:1G\n")], &[]), [] as [&str; 0]);
}

#[test]
fn tables_have_their_files_and_files_their_tables() {
    let definitions = ["shop/a.frm", "shop/b.frm", "shop/c.frm", "shop/d.frm"];
    let spaces = ["shop/a.ibd", "shop/b.isl", "shop/c.ibd", "shop/#sql-1.ibd", "shop/d.ibd.zst"];
    let files = named(&[&definitions[..], &spaces].concat());
    assert_eq!(
        missing(&named(&spaces), &["shop/d", "shop/a#P#p0"]),
        ["file-missing shop/a#P#p0.ibd", "file-missing shop/d.frm", "file-stray shop/a.ibd", "file-stray shop/c.ibd"]
    );
    assert_eq!(missing(&files, &["shop/a", "shop/b", "shop/c", "shop/d"]), [] as [&str; 0]);
    assert_eq!(missing(&files, &["shop/a", "shop/c", "shop/e", "shop/#sql-2"]), ["file-missing shop/e.ibd"]);
    assert_eq!(missing(&files, &["shop/a", "gone/c"]), ["file-missing gone/c.ibd", "file-stray shop/c.ibd"]);
    assert_eq!(missing(&files, &[]), [] as [&str; 0], "nothing is known of tables");
    assert_eq!(missing(&files, &["../a", "/a", "shop/a", "shop/c"]), [] as [&str; 0]);
}

#[test]
fn only_a_backup_that_says_so_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!is_whole_backup(folder.path(), None).unwrap());
    write(folder.path(), "xtrabackup_info", b"uuid = 1\npartial = Y\n");
    assert!(!is_whole_backup(folder.path(), None).unwrap());
    write(folder.path(), "xtrabackup_info", b"uuid = 1\npartial = N\n");
    assert!(is_whole_backup(folder.path(), None).unwrap());
    let tables = Known { tables: vec![(folder.path().to_owned(), BTreeMap::new())], ..Known::default() };
    let demands_tables = |still| tables.in_folder(folder.path(), still, None).unwrap().tables.is_some();
    assert!(!demands_tables(true), "it may be one of MySQL");
    write(folder.path(), "aria_log_control", b"x");
    write(folder.path(), "xtrabackup_checkpoints", b"x");
    assert!(demands_tables(true) && !demands_tables(false));
    write(folder.path(), "xtrabackup_info", b"uuid = 1\n");
    assert!(!demands_tables(true));
}

/// A backup whose files were packed one by one counted as one that had everything or nothing: neither what its packed
/// notes said of its system tablespace nor the numbers of its packed files demanded anything.
#[test]
fn packed_notes_and_files_demand_the_same() {
    let packed = |text: &str| crate::tools::through(&["gzip", "-c"], text.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    for name in ["ibdata1.gz", "undo001.gz", "undo003.gz", "ib_logfile0.gz", "aria_log_control"] {
        write(folder.path(), name, b"x");
    }
    write(folder.path(), "backup-my.cnf.gz", &packed("innodb_data_file_path=ibdata1:12M;ibdata2:10M\n"));
    assert_eq!(told(folder.path(), InFolder::default()), ["file-missing ibdata2", "file-missing undo002"]);
    write(folder.path(), "mariadb_backup_info.gz", &packed("partial = N\n"));
    assert!(is_whole_backup(folder.path(), None).unwrap());
}

#[test]
fn a_table_of_aria_has_two_files() {
    let both = named(&["mysql/db.MAD", "mysql/db.MAI", "shop/#sql-1.MAI", "shop/t.MAI", "shop/t.MAD.gz"]);
    assert_eq!(missing(&both, &[]), [] as [&str; 0]);
    assert_eq!(missing(&named(&["mysql/db.MAD"]), &[]), ["file-missing mysql/db.MAI"]);
    assert_eq!(missing(&named(&["mysql/db.MAI"]), &[]), ["file-missing mysql/db.MAD"]);
}

/// A table that was moved or replaced by another one was taken for present, because a tablespace of its number was
/// somewhere. MySQL 9.7 starts without such a table.
#[test]
fn tablespaces_are_owed_at_their_paths_by_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let listed = |space: u32, path: &str| Listed { space, path: path.to_owned(), discarded: space == 5 };
    let listed =
        [(1, "./shop/a.ibd"), (2, "./shop/b.ibd"), (3, "/away/c.ibd"), (4, "./shop/d.ibd"), (5, "./shop/e.ibd")]
            .map(|(space, path)| listed(space, path));
    for name in ["shop/a.ibd", "shop/d.ibd.gz", "shop/moved.ibd"] {
        write(folder.path(), name, b"x");
    }
    let space = |id: u32, path: &str| Named {
        root: folder.path().to_owned(),
        id,
        path: folder.path().join(path),
        ..Named::default()
    };
    let told_of = |spaces: &[Named]| {
        let known = InFolder { listed: Some(&listed), spaces: spaces.iter().collect(), ..InFolder::default() };
        told(folder.path(), known)
    };
    let lost =
        [space(1, "shop/a.ibd"), space(7, "shop/moved.ibd"), space(8, "shop/#sql-ib1.ibd"), space(9, "undo_001")];
    assert_eq!(told_of(&lost), ["file-missing shop/b.ibd", "file-stray shop/moved.ibd"]);
    let moved = [space(1, "shop/a.ibd"), space(2, "shop/moved.ibd")];
    assert_eq!(told_of(&moved), ["file-missing shop/b.ibd"]);
    write(folder.path(), "shop/b.ibd", b"x");
    let swapped = [space(2, "shop/a.ibd"), space(1, "shop/b.ibd")];
    assert_eq!(told_of(&swapped), ["file-foreign shop/a.ibd", "file-foreign shop/b.ibd"]);
    let replaced = [space(1, "shop/a.ibd"), space(9, "shop/b.ibd")];
    assert_eq!(told_of(&replaced), ["file-foreign shop/b.ibd"]);
}

/// A file from another server, or an old one of a table that was dropped, was taken for the table at its path when it
/// had the same number. A server shows the rows of the other table, or crashes.
#[test]
fn a_tablespace_of_the_right_number_may_hold_another_table() {
    let folder = tempfile::tempdir().unwrap();
    ["shop/a.ibd", "shop/a.frm", "shop/b#p#p0.ibd", "shop/b.frm"]
        .iter()
        .for_each(|name| write(folder.path(), name, b"x"));
    let listed = [(1, "./shop/a.ibd"), (2, "./shop/b#p#p0.ibd")].map(|(space, path)| Listed {
        space,
        path: path.to_owned(),
        discarded: false,
    });
    let space = |id: u32, path: &str| Named {
        root: folder.path().to_owned(),
        id,
        path: folder.path().join(path),
        ..Named::default()
    };
    let described = |table: &str| {
        let tables = vec![table.to_owned()];
        let spaces = [
            Named { tables, ..space(1, "shop/a.ibd") },
            Named { tables: vec!["Shop.B".to_owned()], ..space(2, "shop/b#p#p0.ibd") },
        ];
        told(folder.path(), InFolder { listed: Some(&listed), spaces: spaces.iter().collect(), ..InFolder::default() })
    };
    assert_eq!((described("shop.a"), described("shop.c")), (vec![], vec!["file-foreign shop/a.ibd".to_owned()]));
    let tables = BTreeMap::from([("shop/a".to_owned(), 1), ("shop/b#p#p0".to_owned(), 2)]);
    let indexes = IndexesOfSpaces::from([(1, BTreeSet::from([20, 21])), (2, BTreeSet::from([30]))]);
    let numbered = |index: u64| {
        let spaces =
            [Named { indexes: BTreeSet::from([7, index]), ..space(1, "shop/a.ibd") }, space(2, "shop/b#p#p0.ibd")];
        let known =
            InFolder { tables: Some(&tables), indexes: Some(&indexes), spaces: spaces.iter().collect(), listed: None };
        told(folder.path(), known)
    };
    assert_eq!((numbered(21), numbered(30)), (vec![], vec!["file-foreign shop/a.ibd".to_owned()]));
}

/// The directory of a server that keeps its log in another folder had a finding that it was missing.
#[test]
fn a_server_may_keep_its_log_and_its_system_tablespace_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    ["auto.cnf", "mysql.ibd", "shop/a.ibd"].iter().for_each(|name| write(&data, name, b"x"));
    write(&folder.path().join("log"), "#innodb_redo/#ib_redo7", b"x");
    write(&folder.path().join("home"), "ibdata1", b"x");
    let home = Home { root: data.clone(), label: String::new() };
    let errors = |others: &[&str]| -> Vec<String> {
        let paths: Vec<PathBuf> = others.iter().map(|name| folder.path().join(name)).chain([data.clone()]).collect();
        let found = crate::discover::discover(&paths).files;
        let checked = Presence { home: &home, known: InFolder::default(), still: true, key: None }.check(&found);
        assert_eq!(checked.findings, []);
        checked.errors.iter().map(|error| error.location.file.clone().unwrap().file).collect()
    };
    assert_eq!(errors(&[]), [REDO, SYSTEM]);
    assert_eq!(errors(&["log"]), [SYSTEM]);
    assert_eq!(errors(&["log", "home"]), [] as [&str; 0]);
    write(&data, "backup-my.cnf", b"");
    let found = crate::discover::discover(std::slice::from_ref(&data)).files;
    let checked = Presence { home: &home, known: InFolder::default(), still: true, key: None }.check(&found);
    assert_eq!(checked.findings.len(), 2, "a backup has everything in one folder");
}

/// A folder that may not be read had every table in it reported as missing.
#[test]
fn what_is_owed_in_a_folder_that_cannot_be_read_is_not_missing() {
    let folder = tempfile::tempdir().unwrap();
    // A link to itself cannot be read by anybody, root included.
    std::os::unix::fs::symlink("shop", folder.path().join("shop")).unwrap();
    let tables = BTreeMap::from([("shop/a".to_owned(), 7), ("shop/b".to_owned(), 8)]);
    let home = Home { root: folder.path().to_owned(), label: "day/".to_owned() };
    let known = InFolder { tables: Some(&tables), ..InFolder::default() };
    let checked = Presence { home: &home, known, still: true, key: None }.check(&[]);
    assert_eq!(checked.findings, []);
    let message = &checked.errors[0].message;
    assert!(message.starts_with("day/shop could not be read: "), "{message}");
    assert!(message.ends_with("the instance needs shop/a.ibd, shop/b.ibd in it"), "{message}");
}

/// Settings that could not be read demanded nothing: a directory without the files that they name was clean.
#[test]
fn notes_that_cannot_be_read_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), SETTINGS, &vec![b'#'; 2 << 20]);
    write(folder.path(), "xtrabackup_info", &vec![b'#'; 2 << 20]);
    let home = Home { root: folder.path().to_owned(), label: "day/".to_owned() };
    let checked = Presence { home: &home, known: InFolder::default(), still: true, key: None }.check(&[]);
    let messages: Vec<&str> = checked.errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages.iter().all(|message| message.contains("longer than such a note")), "{messages:?}");
}
