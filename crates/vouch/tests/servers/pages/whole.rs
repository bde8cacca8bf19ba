//! Damage that shows where all files of a server are held against each other: pages that are newer than
//! its log, files that are missing, files that nothing knows of; and names by what the files say.

use super::damage::{Form, Ground};
use super::{pages, with_bytes, without};
use std::fs;
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::spaces;

const PAGE: usize = 16_384;
/// The type of those that have what is too long for them.
const DICTIONARY_PART: u16 = 18;

/// A page that was changed later than the last thing that the server has done.
pub fn future(ground: &Ground, seal: Seal) {
    let path = ground.file("dynamic");
    let mut file = Pages::read(&path, PAGE, seal).unwrap();
    file.stamp(5, u64::from(u32::MAX) << 16);
    let outcome = with_bytes(&path, |bytes| *bytes = file.bytes().to_vec(), || pages(&ground.server.data(), &[]));
    let outcome = outcome.assert_code(1);
    let finding = outcome.only("page-future");
    assert_eq!((&finding["table"], &finding["file"]["first_page"]), (&"forms.dynamic".into(), &5.into()));
    assert_eq!(outcome.findings().len(), 1, "{}", outcome.stdout);
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("281474976645120"), "{message}");
}

/// Files whose numbers run on.
pub fn undo(ground: &Ground, name: &str) {
    let data = ground.server.data();
    let outcome = without(&data.join(name), || pages(&data, &[])).assert_code(1);
    assert_eq!(outcome.only("file-missing")["file"]["name"], name);
}

/// MariaDB's system tablespace knows which tables have files.
pub fn tables(ground: &Ground) {
    let data = ground.server.data();
    let outcome = without(&ground.file("dynamic"), || pages(&data, &[])).assert_code(1);
    let finding = outcome.only("file-missing");
    assert_eq!((&finding["table"], &finding["file"]["name"]), (&"forms.dynamic".into(), &"forms/dynamic.ibd".into()));
    let mut stray = Pages::read(&ground.file("compact"), PAGE, Seal::FullCrc32).unwrap();
    stray.renumber(4_711);
    let path = ground.file("stray");
    stray.write_to(&path).unwrap();
    let outcome = pages(&data, &[]).assert_code(0);
    assert_eq!(outcome.only("file-stray")["file"]["name"], "forms/stray.ibd");
    fs::remove_file(path).unwrap();
}

/// Findings bear the names of MySQL's dictionary, and damage of that is found.
pub fn named(ground: &Ground, form: Form) {
    let path = ground.server.data().join("general.ibd");
    let mut file = Pages::read(&path, form.0, form.1).unwrap();
    let leaf = file.nodes(0)[1];
    file.directory_slot(leaf);
    let copy = ground.copies.path().join("general.ibd");
    file.write_to(&copy).unwrap();
    let outcome = pages(&copy, &["--state", "clean"]).assert_code(1);
    let finding = outcome.only("index-page");
    assert_eq!(finding["table"], format!("{}.in_general", spaces::DATABASE), "{finding}");
    let index = finding["file"]["index"].as_str().unwrap();
    assert!(index.starts_with("PRIMARY (index ") || index.starts_with("a (index "), "{finding}");
    let (outcome, _) = ground.damaged("wide", form, |_| {});
    let outcome = outcome.assert_code(0);
    assert_eq!(outcome.document["coverage"]["files"][0]["table"], "forms.wide", "a description on pages of its own");
    ground.finds("wide", form, "sdi-record", 3, |file| {
        let part = file.find(DICTIONARY_PART, |_| true).unwrap();
        file.forge(part, |page| page[400] ^= 1);
    });
}

/// Findings bear the names of MariaDB's lists, of the directory that is looked at or of the one above a file.
pub fn named_by_the_system_tablespace(ground: &Ground, form: Form) {
    let (data, path) = (ground.server.data(), ground.file("dynamic"));
    let mut file = Pages::read(&path, form.0, form.1).unwrap();
    let leaf = file.nodes(0)[1];
    file.directory_slot(leaf);
    for asked in [&path, &data] {
        let damaged = file.bytes().to_vec();
        let outcome = with_bytes(&path, |bytes| *bytes = damaged, || pages(asked, &["--state", "clean"]));
        let outcome = outcome.assert_code(1);
        let finding = outcome.only("index-page");
        assert_eq!(finding["table"], "forms.dynamic", "{finding}");
        assert!(finding["file"]["index"].as_str().unwrap().starts_with("PRIMARY (index "), "{finding}");
    }
}
