//! Whole images: system tablespaces of several files, incremental backups, files that are missing, keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::super::xbcrypt;
use crate::BackupKey;
use crate::fixture::{PAGE, copied_log, findings, run, run_with_key, seal, tablespace, write};
use crc_fast::CrcAlgorithm;
use std::io::Write;
use std::path::Path;
use vouch_report::{Code, FileCoverage, Summary};

/// The LSN at which logs begin.
const FIRST: u64 = 5_000;
/// Pages of ibdata1, and of both files.
const BEFORE: usize = 8;
const SYSTEM: usize = 60;

type File = (String, Vec<u8>);

fn chunk(path: &str, kind: u8, contents: Option<(usize, &[u8])>) -> Vec<u8> {
    let mut bytes = b"XBSTCK01\0".to_vec();
    bytes.push(kind);
    bytes.extend((path.len() as u32).to_le_bytes());
    bytes.extend(path.as_bytes());
    if let Some((offset, contents)) = contents {
        bytes.extend((contents.len() as u64).to_le_bytes());
        bytes.extend((offset as u64).to_le_bytes());
        bytes.extend((crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, contents) as u32).to_le_bytes());
        bytes.extend(contents);
    }
    bytes
}

/// An image in which the chunks of all files take turns.
fn image(files: &[File]) -> Vec<u8> {
    const PART: usize = 30_000;
    let (mut bytes, mut at) = (Vec::new(), 0);
    let longest = files.iter().map(|(_, contents)| contents.len()).max().unwrap_or(0);
    while at <= longest {
        for (path, contents) in files {
            if let Some(rest) = contents.get(at..).filter(|rest| !rest.is_empty()) {
                bytes.extend(chunk(path, b'P', Some((at, &rest[..rest.len().min(PART)]))));
            }
            if (at..at + PART).contains(&contents.len()) {
                bytes.extend(chunk(path, b'E', None));
            }
        }
        at += PART;
    }
    bytes
}

fn verified(files: &[File]) -> Summary {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "backup.xbstream", &image(files));
    run(&folder.path().join("backup.xbstream"))
}

fn named(findings: &[(Code, &str)]) -> Vec<(Code, String)> {
    findings.iter().map(|(code, file)| (*code, (*file).to_owned())).collect()
}

/// A backup that is yet to be prepared, whose system tablespace has two files.
fn backup() -> Vec<File> {
    let (log, _) = copied_log(FIRST, 40);
    let end = FIRST + (log.len() - 12_288) as u64;
    let mut system = tablespace(0, &[FIRST; SYSTEM]);
    // Nothing was written to the first pages of the second file yet; the log creates the first 40 pages.
    system[BEFORE * PAGE..(BEFORE + 10) * PAGE].fill(0);
    let note = format!("backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = {FIRST}\nlast_lsn = {end}\n");
    let settings = b"[mysqld]\ninnodb_data_file_path=ibdata1:128K;ibdata2:128K:autoextend\n".to_vec();
    let second = system.split_off(BEFORE * PAGE);
    [
        ("ibdata1", system),
        ("ibdata2", second),
        ("ib_logfile0", log),
        ("shop/t.ibd", tablespace(7, &[FIRST + 1; 6])),
        ("backup-my.cnf", settings),
        ("xtrabackup_checkpoints", note.into_bytes()),
        ("xtrabackup_info", b"partial = N\n".to_vec()),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .into()
}

fn changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Summary {
    let mut files = backup();
    change(&mut files.iter_mut().find(|(known, _)| known == name).unwrap().1);
    verified(&files)
}

fn file<'a>(summary: &'a Summary, name: &str) -> &'a FileCoverage {
    summary.coverage.file_list().iter().find(|file| file.file == name).unwrap()
}

#[test]
fn a_system_tablespace_of_several_files_is_one() {
    let summary = verified(&backup());
    assert_eq!((findings(&summary), &summary.errors[..]), (vec![], &[][..]));
    let (first, second) = (file(&summary, "ibdata1"), file(&summary, "ibdata2"));
    assert_eq!((first.pages, second.pages, second.tally.empty, second.tally.sound), (8, 52, 10, 42));
    assert_eq!(second.map.first().unwrap().first, 8);
    let summary = changed("ibdata2", |bytes| bytes[40 * PAGE + 99] ^= 1);
    assert_eq!(findings(&summary), named(&[(Code::PageChecksum, "ibdata2")]));
    let place = summary.findings[0].location.file.clone().unwrap();
    assert_eq!((place.pages, place.offset), (Some((48, 48)), Some(40 * PAGE as u64)));
    let zeros = changed("ibdata2", |bytes| bytes.fill(0));
    assert_eq!(findings(&zeros), named(&[(Code::PageLost, "ibdata2")]));
    assert_eq!((zeros.findings[0].count, file(&zeros, "ibdata2").tally.empty), (20, 32));
    let summary = changed("ibdata2", |bytes| bytes.truncate(20 * PAGE));
    assert_eq!(findings(&summary), named(&[(Code::FileTruncated, "ibdata2")]));
    let summary = changed("ibdata1", |bytes| bytes.truncate(7 * PAGE));
    assert!(findings(&summary).contains(&(Code::FileTruncated, "ibdata1".to_owned())), "{:?}", summary.findings);
}

#[test]
fn a_log_is_held_against_the_notes_behind_it() {
    let summary = changed("ib_logfile0", |bytes| bytes[14_000] ^= 1);
    assert_eq!(findings(&summary), named(&[(Code::RedoBlock, "ib_logfile0")]));
    let summary = changed("ib_logfile0", |bytes| bytes.truncate(14_000));
    assert_eq!(findings(&summary), named(&[(Code::RedoBlock, "ib_logfile0")]));
    let summary = changed("shop/t.ibd", |bytes| *bytes = tablespace(7, &[FIRST, FIRST, FIRST, 1 << 40, FIRST]));
    assert_eq!(findings(&summary), named(&[(Code::PageFuture, "shop/t.ibd")]));
}

#[test]
fn an_image_that_lacks_a_file_is_told_by_the_others() {
    let lacking = |names: &[&str]| {
        let files: Vec<File> = backup().into_iter().filter(|(name, _)| !names.contains(&name.as_str())).collect();
        findings(&verified(&files))
    };
    for name in ["ibdata1", "ibdata2", "ib_logfile0", "backup-my.cnf", "xtrabackup_checkpoints"] {
        assert!(lacking(&[name]).contains(&(Code::FileMissing, name.to_owned())), "{name}");
    }
    assert_eq!(lacking(&["shop/t.ibd"]), [], "nothing tells");
    assert_eq!(lacking(&["xtrabackup_info"]), []);
    assert_eq!(lacking(&["backup-my.cnf", "xtrabackup_checkpoints", "xtrabackup_info"]), [], "no backup tool made it");
}

/// What an incremental backup has of a tablespace: the pages of these numbers.
fn delta(bytes: &[u8], numbers: &[u32]) -> Vec<u8> {
    let mut list = b"XTRA".to_vec();
    numbers.iter().for_each(|number| list.extend(number.to_be_bytes()));
    list.extend(u32::MAX.to_be_bytes());
    list.resize(PAGE, 0);
    let pages = numbers.iter().flat_map(|number| &bytes[*number as usize * PAGE..][..PAGE]);
    list.into_iter().chain(pages.copied()).collect()
}

fn incremental(of_table: Vec<u8>) -> Vec<File> {
    let mut files = backup();
    files.retain(|(name, _)| name != "shop/t.ibd");
    for (name, bytes) in &mut files {
        if name == "xtrabackup_checkpoints" {
            let note = String::from_utf8(bytes.clone()).unwrap();
            *bytes = note.replace("full-backuped", "incremental").replace("= 0", "= 4900").into_bytes();
        }
    }
    files.retain(|(name, _)| !name.starts_with("ibdata"));
    let meta = |space: u32| format!("page_size = 16384\nzip_size = 0 \nspace_id = {space}\n").into_bytes();
    let nothing = [b"XTRA\xff\xff\xff\xff".to_vec(), vec![0; PAGE - 8]].concat();
    for name in ["ibdata1", "ibdata2"] {
        files.push((format!("{name}.meta"), meta(0)));
        files.push((format!("{name}.delta"), nothing.clone()));
    }
    // Lists count from the start of the file, and pages from the start of the tablespace.
    let system = tablespace(0, &[FIRST + 1; SYSTEM]);
    let mut second = delta(&system, &[20, 30, 31]);
    for (at, number) in [12_u32, 22, 23].iter().enumerate() {
        second[4 + 4 * at..8 + 4 * at].copy_from_slice(&number.to_be_bytes());
    }
    files.last_mut().unwrap().1 = second;
    files.push(("shop/t.ibd.meta".to_owned(), meta(7)));
    files.push(("shop/t.ibd.delta".to_owned(), of_table));
    files
}

/// The same files as an image and as a directory.
fn both(files: &[File]) -> Vec<(Code, String)> {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| write(folder.path(), name, bytes));
    let (image, directory) = (verified(files), run(folder.path()));
    for summary in [&image, &directory] {
        assert_eq!(summary.errors, []);
        let told = summary.notices.iter().filter(|notice| notice.code == Code::IncrementalBackup).count();
        assert_eq!(told, 1);
    }
    assert_eq!(findings(&image), findings(&directory), "{:?} {:?}", image.findings, directory.findings);
    findings(&directory)
}

#[test]
fn changed_pages_are_held_against_themselves_and_the_times_of_the_backup() {
    let space = tablespace(7, &[FIRST + 1; 30]);
    let good = delta(&space, &[0, 3, 4, 17, 29]);
    assert_eq!(both(&incremental(good.clone())), []);
    assert_eq!(both(&incremental(delta(&space, &[3, 4, 17]))), [], "without page 0");
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        let found = both(&incremental(bytes));
        assert!(found.iter().all(|(_, file)| file == "shop/t.ibd.delta"), "{found:?}");
        found.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(damaged(&|bytes| bytes[3 * PAGE + 500] ^= 1), [Code::PageChecksum]);
    assert_eq!(damaged(&|bytes| bytes[PAGE + 500] ^= 1), [Code::PageChecksum]);
    assert_eq!(damaged(&|bytes| bytes[0] ^= 1), [Code::DeltaDamaged]);
    assert_eq!(damaged(&|bytes| bytes[11] = 2), [Code::PageMisplaced]);
    assert_eq!(damaged(&|bytes| bytes[15] = 1), [Code::DeltaDamaged, Code::PageMisplaced]);
    assert_eq!(damaged(&|bytes| bytes.truncate(5 * PAGE)), [Code::DeltaDamaged]);
    assert_eq!(damaged(&|bytes| bytes.extend([0; 100])), [Code::DeltaDamaged]);
    let stamped = |lsn: u64| {
        damaged(&|bytes| {
            let page = &mut bytes[3 * PAGE..4 * PAGE];
            page[16..24].copy_from_slice(&lsn.to_be_bytes());
            seal(page);
        })
    };
    assert_eq!(
        (stamped(4_899), stamped(4_900), stamped(1 << 40)),
        (vec![Code::DeltaDamaged], vec![], vec![Code::PageFuture])
    );
    let mut files = incremental(good.clone());
    files.iter_mut().find(|(name, _)| name == "shop/t.ibd.meta").unwrap().1.fill(b' ');
    let summary = verified(&files);
    assert_eq!(findings(&summary), named(&[(Code::DeltaDamaged, "shop/t.ibd.meta")]));
    let mut files = incremental(good.clone());
    files.retain(|(name, _)| name != "shop/t.ibd.meta");
    assert_eq!(both(&files), named(&[(Code::FileMissing, "shop/t.ibd.meta")]));
}

fn encrypted(bytes: &[u8], key: &BackupKey) -> Vec<u8> {
    let mut packed = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    packed.write_all(bytes).unwrap();
    xbcrypt::tests::file_of(&packed.finish().unwrap(), key)
}

#[test]
fn encrypted_files_are_verified_with_the_key() {
    let (folder, key) = (tempfile::tempdir().unwrap(), BackupKey::new(&[5; 32]).unwrap());
    let mut space = tablespace(7, &[FIRST; 30]);
    let whole = encrypted(&space, &key);
    let of = |bytes: &[u8], key: Option<&BackupKey>| {
        write(folder.path(), "shop/t.ibd.zst.xbcrypt", bytes);
        write(folder.path(), "image.xbstream", &image(&[("shop/t.ibd.zst.xbcrypt".to_owned(), bytes.to_vec())]));
        [Path::new("shop"), Path::new("image.xbstream")].map(|path| {
            let summary = run_with_key(&folder.path().join(path), key.cloned());
            let errors: Vec<Code> = summary.errors.iter().map(|error| error.code).collect();
            (findings(&summary).into_iter().map(|(code, _)| code).collect::<Vec<_>>(), errors)
        })
    };
    let other = BackupKey::new(&[6; 32]).unwrap();
    assert_eq!(of(&whole, Some(&key)), [(vec![], vec![]), (vec![], vec![])]);
    for key in [None, Some(&other)] {
        let locked = (vec![], vec![Code::PageEncrypted]);
        assert_eq!(of(&whole, key), [locked.clone(), locked]);
    }
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    for key in [None, Some(&key)] {
        assert!(of(&damaged, key).iter().all(|(findings, _)| findings == &[Code::ImageDamaged]));
    }
    space[20 * PAGE + 700] ^= 1;
    let inside = of(&encrypted(&space, &key), Some(&key));
    assert!(
        inside.iter().all(|(findings, errors)| findings == &[Code::PageChecksum] && errors.is_empty()),
        "{inside:?}"
    );
}

#[path = "archive_tests.rs"]
mod archives;
