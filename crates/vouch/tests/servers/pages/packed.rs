//! Backups of real servers as people keep them: packed by other tools, appended, padded, put into a bucket.

use super::backup::{found, piped, shell};
use super::{filled, pages};
use crate::harness::Outcome;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use vouch_testkit::Flavor;

const PAGE: usize = 16_384;
/// A byte of a page that is in use.
const BYTE: usize = 4 * PAGE + 200;
/// Suffixes, and the commands that pack standard input.
const TOOLS: [(&str, &str); 6] = [
    ("gz", "gzip -1"),
    ("bz2", "bzip2 -1"),
    ("xz", "xz -0"),
    ("zst", "zstd -q1 --long=31"),
    ("zst", "pzstd -q -1 -p2"),
    ("lz4", "lz4 -q"),
];

#[track_caller]
fn clean(outcome: Outcome, state: &str) {
    let outcome = outcome.assert_code(0);
    assert_eq!(outcome.findings(), [] as [serde_json::Value; 0], "{}", outcome.stdout);
    let told = outcome.document["coverage"]["state"].as_str().unwrap();
    assert!(told.contains(state), "{told}");
}

/// Nothing is found, and something could not be verified.
#[track_caller]
fn unproven(outcome: Outcome, code: &str) {
    let outcome = outcome.assert_code(3);
    let errors = outcome.document["errors"].as_array().unwrap();
    assert!(errors.iter().any(|error| error["code"] == code), "{}", outcome.stdout);
}

/// A damaged table in the second of two archives went unread, and the backup was clean: it would have been restored.
/// Images of xz and bzip2, of pzstd and of `zstd --long=31` were called damaged, and would have been thrown away.
pub fn backups(folder: &Path) {
    shell(folder, "mkdir -p bad && cp -r prepared/. bad");
    let table = folder.join("bad/sbtest/sbtest1.ibd");
    let mut bytes = fs::read(&table).unwrap();
    bytes[BYTE] ^= 0x10;
    fs::write(&table, bytes).unwrap();
    shell(folder, "tar -cf bad.tar -C bad . && cat prepared.tar bad.tar > two.tar");
    found(pages(&folder.join("two.tar"), &[]), &["page-checksum"]);
    for (suffix, tool) in TOOLS {
        let name = format!("other.tar.{suffix}");
        shell(folder, &format!("{tool} < prepared.tar > {name}"));
        clean(pages(&folder.join(&name), &[]), "prepared backup");
        shell(folder, &format!("head -c 10240 /dev/zero >> {name}"));
        clean(piped(&folder.join(&name)), "prepared backup");
        shell(folder, &format!("{tool} < bad.tar >> {name}"));
        found(piped(&folder.join(&name)), &["page-checksum"]);
        shell(folder, &format!("{tool} < prepared.tar > {name}; echo junk >> {name}"));
        unproven(pages(&folder.join(&name), &[]), "image-trailing");
    }
    one_by_one(folder);
    bucket(folder);
    shell(folder, "rm -r bad bad.tar two.tar other.tar.* one full");
}

/// A backup that is yet to be prepared, each file of it packed by itself, was called damaged: its notes were not read.
fn one_by_one(folder: &Path) {
    for (tool, suffix) in [("zstd -q1", "zst"), ("xz -0", "xz"), ("gzip -1", "gz")] {
        shell(
            folder,
            &format!(
                "rm -rf one; cp -r raw one; find one -type f -exec {tool} {{}} +; find one -type f ! -name '*.{suffix}' -delete"
            ),
        );
        clean(pages(&folder.join("one"), &[]), "raw");
    }
}

/// The image in objects, as `xbcloud put` cuts it: a chunk each, numbered by file.
fn bucket(folder: &Path) {
    let image = fs::read(folder.join("image.mbstream")).unwrap();
    let mut numbers = std::collections::HashMap::<String, usize>::new();
    let mut at = 0;
    while at < image.len() {
        let (path, bytes) = chunk(&image[at..]);
        let number = numbers.entry(path.clone()).or_default();
        let object = folder.join(format!("full/{path}.{number:020}"));
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        fs::write(object, &image[at..at + bytes]).unwrap();
        *number += 1;
        at += bytes;
    }
    let full = folder.join("full");
    clean(pages(&full, &[]), "raw");
    let table = "sbtest/sbtest1.ibd";
    let last = numbers[table] - 1;
    for (number, codes) in [(0, &["file-missing"][..]), (last, &["image-cut"])] {
        let object = full.join(format!("{table}.{number:020}"));
        let away = folder.join("away");
        fs::rename(&object, &away).unwrap();
        found(pages(&full, &[]), codes);
        fs::rename(away, object).unwrap();
    }
}

/// The path of the first chunk of an image, and its bytes.
fn chunk(image: &[u8]) -> (String, usize) {
    let number = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize;
    let (kind, length) = (image[9], number(10));
    let path = String::from_utf8(image[14..14 + length].to_vec()).unwrap();
    let head = 14 + length;
    let bytes = match kind {
        b'E' => head,
        b'P' => head + 20 + number(head),
        _ => head + 4 + 20 + 8 * number(head) + number(head + 4),
    };
    (path, bytes)
}

/// The same of a data directory of MySQL that somebody put into an archive.
#[test]
fn a_data_directory_of_mysql_in_archives() {
    let server = filled(Flavor::Mysql, 16, &[]);
    server.stop().unwrap();
    let folder = TempDir::new().unwrap();
    let data = server.data();
    shell(folder.path(), &format!("tar -cf sound.tar -C {} .", data.display()));
    let table = data.join("forms/dynamic.ibd");
    let healthy = fs::read(&table).unwrap();
    let mut bytes = healthy.clone();
    bytes[BYTE] ^= 0x10;
    fs::write(&table, &bytes).unwrap();
    shell(folder.path(), &format!("tar -cf bad.tar -C {} . && cat sound.tar bad.tar > two.tar", data.display()));
    let codes = |outcome: Outcome| outcome.assert_code(1).finding_codes().join(" ");
    let of = |name: &str| folder.path().join(name);
    let clean_code = pages(&of("sound.tar"), &[]).code;
    for (suffix, tool) in TOOLS {
        shell(folder.path(), &format!("{tool} < sound.tar > s.tar.{suffix}; {tool} < two.tar > t.tar.{suffix}"));
        pages(&of(&format!("s.tar.{suffix}")), &[]).assert_code(clean_code);
        assert_eq!(codes(piped(&of(&format!("t.tar.{suffix}")))), "page-checksum", "{tool}");
    }
    fs::write(&table, healthy).unwrap();
    // A table that is a link: the archive does not have its pages.
    shell(folder.path(), &format!("mv {0} elsewhere.ibd && ln -s $PWD/elsewhere.ibd {0}", table.display()));
    shell(folder.path(), &format!("tar -cf link.tar -C {} .", data.display()));
    unproven(pages(&of("link.tar"), &[]), "image-unsupported");
}
