//! Damage that the matrix leaves out: in row formats that differ from those there by little, and what shows only
//! where all files of a server are held against each other.
//!
//! What `vouch innochecksum` says is held against what the servers' own says of the same files.

use super::{filled, innochecksum, pages, whole};
use crate::harness::Outcome;
use std::path::PathBuf;
use tempfile::TempDir;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Flavor, Server, spaces};

/// The files of a server that was shut down, and a place for damaged copies.
pub struct Ground {
    pub server: Server,
    pub copies: TempDir,
}

impl Ground {
    fn new(flavor: Flavor) -> Ground {
        let server = filled(flavor, 16, &[]);
        server.stop().unwrap();
        Ground { server, copies: TempDir::new().unwrap() }
    }

    pub fn file(&self, table: &str) -> PathBuf {
        self.server.data().join(spaces::DATABASE).join(format!("{table}.ibd"))
    }

    /// Damages a copy of the table's file and verifies it as one of a server that was shut down.
    pub fn damaged(&self, table: &str, form: Form, damage: impl FnOnce(&mut Pages)) -> (Outcome, PathBuf) {
        let mut file = Pages::read(&self.file(table), form.0, form.1).unwrap();
        damage(&mut file);
        let path = self.copies.path().join(format!("{table}.ibd"));
        file.write_to(&path).unwrap();
        (pages(&path, &["--state", "clean"]), path)
    }

    /// The one finding of a damage, at this page.
    #[track_caller]
    pub fn finds(&self, table: &str, form: Form, code: &str, page: usize, damage: impl FnOnce(&mut Pages)) {
        let (outcome, _) = self.damaged(table, form, damage);
        let outcome = outcome.assert_code(1);
        let finding = outcome.only(code);
        assert_eq!(finding["file"]["first_page"], page, "{table} {code}: {}", outcome.stdout);
        assert_eq!(outcome.finding_codes(), [code], "{table}: {}", outcome.stdout);
    }
}

/// Bytes of a page in the file, and how it is sealed.
pub type Form = (usize, Seal);

/// What is seen by the checksum alone, in any format.
fn any_format(ground: &Ground, table: &str, form: Form) {
    let last = form.0 - 1;
    let middle = form.0 / 2;
    // The checksum of ROW_FORMAT=COMPRESSED leaves out the LSN.
    for at in [0, 4, 9, 13, 17, 24, 40, middle].into_iter().filter(|at| *at != 17 || form.1 != Seal::Zip) {
        ground.finds(table, form, "page-checksum", 4, |file| file.flip(4, at));
    }
    if form.1 != Seal::Zip {
        let code = if form.1 == Seal::FullCrc32 { "page-checksum" } else { "page-torn" };
        ground.finds(table, form, code, 4, |file| file.flip(4, last));
    }
    ground.finds(table, form, "page-checksum", 3, |file| file.tear(3));
    ground.finds(table, form, "page-checksum", 0, |file| file.flip(0, 60));
    let (outcome, _) = ground.damaged(table, form, |file| file.swap(4, 5));
    let outcome = outcome.assert_code(1);
    assert_eq!(outcome.only("page-misplaced")["file"]["last_page"], 5, "{}", outcome.stdout);
    ground.finds(table, form, "page-lost", 3, |file| file.zero(3));
    cut(ground, table, form);
}

fn cut(ground: &Ground, table: &str, form: Form) {
    let (outcome, _) = ground.damaged(table, form, |file| file.cut(6 * form.0));
    assert!(outcome.assert_code(1).finding_codes().contains(&"file-truncated"));
    let (outcome, _) = ground.damaged(table, form, |file| file.cut(6 * form.0 + 100));
    let outcome = outcome.assert_code(1);
    assert!(outcome.finding_codes().contains(&"file-cut"), "{}", outcome.stdout);
}

/// Page 0 is gone: the format is found out from the others.
fn without_page_0(ground: &Ground, table: &str, form: Form) {
    for damage in [|file: &mut Pages| file.zero(0), |file: &mut Pages| file.page(0).fill(0xa5)] {
        let (outcome, _) = ground.damaged(table, form, damage);
        let outcome = outcome.assert_code(1);
        let pages = outcome.document["coverage"]["files"][0]["tally"]["sound"].as_u64().unwrap();
        assert!(pages > 10, "{table}: {}", outcome.stdout);
        assert!(!outcome.coded("format-guessed").is_empty(), "{table}: {}", outcome.stdout);
    }
}

/// What is seen by `--level full` alone.
fn in_full(ground: &Ground, table: &str, code: &str, form: Form, damage: fn(&mut Pages, usize)) {
    let mut file = Pages::read(&ground.file(table), form.0, form.1).unwrap();
    let leaf = file.find(17_855, |page| page[65] == 0 && page[55] > 3).unwrap();
    let (outcome, path) = ground.damaged(table, form, |file| damage(file, leaf));
    outcome.assert_code(0);
    let full = pages(&path, &["--state", "clean", "--level", "full"]).assert_code(1);
    assert_eq!(full.finding_codes(), [code], "{}", full.stdout);
    assert_eq!(full.only(code)["file"]["first_page"], leaf, "{}", full.stdout);
}

/// The inside of nodes of ROW_FORMAT=COMPRESSED.
fn compressed(ground: &Ground, table: &str, form: Form) {
    let mut file = Pages::read(&ground.file(table), form.0, form.1).unwrap();
    let leaves = file.nodes(0);
    let (left, right) = (leaves[3], leaves[4]);
    let (outcome, _) = ground.damaged(table, form, |file| file.dense_entry(left));
    let outcome = outcome.assert_code(1);
    let finding = outcome.only("index-page");
    assert_eq!(finding["file"]["first_page"], left, "{}", outcome.stdout);
    // Copies have no system tablespace of MariaDB beside them.
    let named = if ground.server.flavor() == Flavor::Mysql { "PRIMARY (index " } else { "index " };
    assert!(finding["file"]["index"].as_str().unwrap().starts_with(named), "{finding}");
    let parent = file.parent_of(left).unwrap();
    ground.finds(table, form, "index-tree", parent, |file| file.swap_children(parent, left, right));
    in_full(ground, table, "index-page", form, |file, leaf| file.stream(leaf));
}

/// An extent that is one of another segment.
fn extent(ground: &Ground, form: Form) {
    let (outcome, _) = ground.damaged("compact", form, |file| file.extent_segment(64));
    let outcome = outcome.assert_code(1);
    let codes = outcome.finding_codes();
    assert!(codes.contains(&"segment-map") && !codes.contains(&"index-tree"), "{}", outcome.stdout);
}

#[test]
fn on_mysql() {
    let ground = Ground::new(Flavor::Mysql);
    let plain = (16_384, Seal::Crc32);
    for (table, form) in [("redundant", plain), ("zip1", (1024, Seal::Zip)), ("zip16", (16_384, Seal::Zip))] {
        any_format(&ground, table, form);
        without_page_0(&ground, table, form);
    }
    extent(&ground, plain);
    in_full(&ground, "dynamic", "index-order", plain, |file, leaf| file.keys(leaf));
    in_full(&ground, "redundant", "index-page", plain, |file, leaf| file.garbage(leaf));
    for (table, size) in [("zip1", 1024), ("zip4", 4096), ("zip16", 16_384)] {
        compressed(&ground, table, (size, Seal::Zip));
    }
    whole::future(&ground, Seal::Crc32);
    whole::undo(&ground, "undo_001");
    whole::named(&ground, plain);
    innochecksum::says_what_theirs_says(&ground, Flavor::Mysql);
}

#[test]
fn on_mariadb() {
    let ground = Ground::new(Flavor::Mariadb);
    let plain = (16_384, Seal::FullCrc32);
    any_format(&ground, "redundant", plain);
    without_page_0(&ground, "redundant", plain);
    extent(&ground, plain);
    compressed(&ground, "zip2", (2048, Seal::Zip));
    compressed(&ground, "zip8", (8192, Seal::Zip));
    whole::future(&ground, Seal::FullCrc32);
    whole::tables(&ground);
    whole::named_by_the_system_tablespace(&ground, plain);
    innochecksum::says_what_theirs_says(&ground, Flavor::Mariadb);
}
