//! Whole runs over small directories.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::fixture::{self, findings, run, tablespace, write};
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
    let file = summary.coverage.file_list().iter().find(|file| file.file == "shop/new.ibd").unwrap();
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
    let left_out: Vec<&str> = summary.skips.iter().map(|skip| skip.what.as_str()).collect();
    assert_eq!(left_out, ["#innodb_redo/#ib_redo8_tmp", "other.000001"], "the spare file and one of no known kind");
    assert_eq!(summary.coverage.file_list().len(), 3);
}

const PREPARED: &[u8] = b"backup_type = full-prepared\n";
const DESCRIPTION: &str = r#"{"dd_object_type": "Table", "dd_object": {"name": "orders", "schema_ref": "shop",
    "indexes": [{"name": "PRIMARY", "se_private_data": "id=153;root=4;space_id=7;"}]}}"#;

/// A tablespace of one table: SDI on page 3, the root of index 153 on page 4.
fn described(text: &str, index: u64) -> Vec<Vec<u8>> {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::ZlibEncoder::new(text.as_bytes(), flate2::Compression::default());
    std::io::Read::read_to_end(&mut encoder, &mut packed).unwrap();
    let first = fixture::first_page(7, 5, 0x4021, 50);
    let (bitmap, inode) = (fixture::page(7, 1, 5, 50), fixture::inodes(7, 5, 50));
    let sdi = fixture::sdi_leaf(7, 3, 50, &packed, text.len());
    vec![first, bitmap, inode, sdi, fixture::node(7, 4, 17_855, index, 50)]
}

fn run_with(state: &[u8], name: &str, pages: &[Vec<u8>]) -> vouch_report::Summary {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "xtrabackup_checkpoints", state);
    write(folder.path(), name, &pages.concat());
    run(folder.path())
}

#[test]
fn tables_and_indexes_have_the_names_of_the_dictionary() {
    let pages = described(DESCRIPTION, 153);
    let summary = run_with(PREPARED, "general.ibd", &pages);
    assert_eq!(findings(&summary), []);
    assert_eq!(summary.coverage.file_list()[0].table.as_deref(), Some("shop.orders"));
    let mut damaged = pages;
    // A slot of the page directory.
    damaged[4][16_384 - 11] ^= 1;
    fixture::seal(&mut damaged[4]);
    let summary = run_with(PREPARED, "shop/orders.ibd", &damaged);
    assert_eq!(findings(&summary), [(Code::IndexPage, "shop/orders.ibd".to_owned())]);
    let location = &summary.findings[0].location;
    assert_eq!(location.table.as_deref(), Some("shop.orders"));
    assert_eq!(location.file.clone().unwrap().index.as_deref(), Some("PRIMARY (index 153)"));
}

#[test]
fn a_root_that_is_none_is_damage_of_one_moment_alone() {
    let pages = described(DESCRIPTION, 99);
    assert_eq!(findings(&run_with(RAW.as_bytes(), "shop/orders.ibd", &pages)), []);
    let summary = run_with(PREPARED, "shop/orders.ibd", &pages);
    assert_eq!(findings(&summary), [(Code::SdiRecord, "shop/orders.ibd".to_owned())]);
    let place = summary.findings[0].location.file.clone().unwrap();
    assert_eq!((place.pages, place.index.as_deref()), (Some((4, 4)), Some("PRIMARY (index 153)")));
}

#[test]
fn a_dictionary_that_cannot_be_read_is_damage_in_any_state() {
    let mut pages = described(DESCRIPTION, 153);
    pages[3][200] ^= 1;
    fixture::seal(&mut pages[3]);
    for state in [RAW.as_bytes(), PREPARED, b""] {
        let summary = run_with(state, "shop/orders.ibd", &pages);
        assert_eq!(findings(&summary), [(Code::SdiRecord, "shop/orders.ibd".to_owned())]);
        assert_eq!(summary.findings[0].location.file.clone().unwrap().pages, Some((3, 3)));
    }
    let summary = run_with(PREPARED, "shop/orders.ibd", &described("no JSON", 153));
    assert_eq!(findings(&summary), [(Code::SdiRecord, "shop/orders.ibd".to_owned())]);
}

#[test]
fn files_that_are_missing_are_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "backup-my.cnf", b"[mysqld]\ninnodb_data_file_path=ibdata1:12M:autoextend\n");
    write(folder.path(), "shop/t.ibd", &tablespace(7, &[10, 10, 10]));
    assert_eq!(findings(&run(folder.path())), [(Code::FileMissing, "ibdata1".to_owned())]);
}

/// What a damage of a whole tablespace comes to in a prepared backup: code, page and message of each finding.
fn told(no: usize, damage: impl Fn(&mut [u8])) -> Vec<(Code, u32, String)> {
    let mut pages = described(DESCRIPTION, 153);
    damage(&mut pages[no]);
    fixture::seal(&mut pages[no]);
    assert_eq!(findings(&run_with(RAW.as_bytes(), "shop/orders.ibd", &pages)), [], "pages of several moments");
    let unknown = run_with(b"", "shop/orders.ibd", &pages);
    let codes: Vec<Code> = unknown.errors.iter().map(|error| error.code).collect();
    assert_eq!((findings(&unknown), codes), (vec![], vec![Code::TreeUnjudged]), "pages of which nothing is known");
    let summary = run_with(PREPARED, "shop/orders.ibd", &pages);
    let of = |finding: &vouch_report::Finding| {
        let pages = finding.location.file.as_ref().and_then(|file| file.pages).unwrap();
        (finding.code, pages.0, finding.message.clone())
    };
    summary.findings.iter().map(of).collect()
}

#[track_caller]
fn tells(no: usize, damage: impl Fn(&mut [u8]), expected: &[(Code, u32, &str)]) {
    let told = told(no, damage);
    let told: Vec<_> = told.iter().map(|(code, page, message)| (*code, *page, message.as_str())).collect();
    assert_eq!(told, expected);
}

#[test]
fn extents_that_contradict_each_other_are_told() {
    tells(
        0,
        |page| page[61] += 1,
        &[(Code::ExtentMap, 0, "the space header counts 6 single pages in use, the descriptors have 5")],
    );
    let longer = "the list of extents with free single pages ends after 1 of 2 nodes";
    tells(0, |page| page[81] += 1, &[(Code::ExtentMap, 0, longer)]);
    let state = [
        (
            Code::ExtentMap,
            0,
            "the extent of page 0 is in the list of extents with free single pages, and its descriptor says otherwise",
        ),
        (Code::ExtentMap, 0, "the extent of page 0 has 5 pages in use, which does not fit its state"),
    ];
    tells(0, |page| page[173] = 3, &state);
}

#[test]
fn an_extent_state_that_does_not_exist_is_damage_in_any_state() {
    let mut pages = described(DESCRIPTION, 153);
    pages[0][173] = 9;
    fixture::seal(&mut pages[0]);
    for state in [RAW.as_bytes(), PREPARED, b""] {
        let summary = run_with(state, "shop/orders.ibd", &pages);
        assert_eq!(findings(&summary), [(Code::ExtentMap, "shop/orders.ibd".to_owned())]);
    }
}

#[test]
fn segments_that_contradict_the_extents_are_told() {
    tells(2, |page| page[110] ^= 1, &[(Code::SegmentMap, 2, "segment 1: its inode does not bear the mark of inodes")]);
    tells(2, |page| page[57] = 9, &[(Code::SegmentMap, 2, "segment 9: its number is taken, or was never given")]);
    let used = "segment 1: it counts 7 pages in use of extents that are not full, the descriptors have 0";
    tells(2, |page| page[61] = 7, &[(Code::SegmentMap, 2, used)]);
    let free = "segment 1: it holds page 9 singly, which is free or is not handed out singly";
    let ownerless = "the page is in use, and no segment has it";
    tells(2, |page| page[117] = 9, &[(Code::SegmentMap, 2, free), (Code::ExtentMap, 3, ownerless)]);
    let shared = "segment 1: it holds page 4, and so does segment 1";
    tells(2, |page| page[122..126].copy_from_slice(&[0, 0, 0, 4]), &[(Code::SegmentMap, 2, shared)]);
    let root = "the root of the index names a segment that there is not";
    tells(4, |page| page[93] += 1, &[(Code::SegmentMap, 4, root)]);
}

/// A doublewrite file of random bytes was clean, with 128 pages: it has copies, which are never judged.
#[test]
fn where_nothing_is_judged_nothing_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "#ib_16384_0.dblwr", &b"anything".repeat(128 << 11));
    let summary = run(folder.path());
    assert_eq!((summary.verdict.name(), findings(&summary)), ("incomplete", vec![]));
    assert_eq!(summary.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::NothingVerified]);
    write(folder.path(), "shop/t.ibd", &tablespace(7, &[10, 10, 10]));
    write(folder.path(), "notes.txt", b"text");
    let summary = run(folder.path());
    assert_eq!(summary.verdict.name(), "clean");
    let counts = summary.scope.counts();
    assert_eq!((counts.owed, counts.verified, counts.excluded_by_default), (3, 1, 2));
}

/// A file of a terabyte that is nearly all hole took gigabytes of memory, and minutes.
#[test]
fn a_hole_at_the_end_of_a_file_is_counted_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "shop/t.ibd", &tablespace(7, &[10, 10, 10]));
    write(folder.path(), "shop/zero.ibd", b"");
    for name in ["shop/t.ibd", "shop/zero.ibd"] {
        let file = std::fs::File::options().write(true).open(folder.path().join(name)).unwrap();
        // Not every file system has files of a terabyte.
        file.set_len(1 << 40).or_else(|_| file.set_len(1 << 34)).unwrap();
    }
    let summary = run(folder.path());
    assert_eq!(findings(&summary), [(Code::FileUnrecognised, "shop/zero.ibd".to_owned())]);
    let table = &summary.coverage.file_list()[0];
    assert_eq!((table.tally.sound, table.tally.seen(), table.state), (3, table.pages, FileState::Sound));
    assert_eq!(table.pages * 16_384, table.bytes);
}
