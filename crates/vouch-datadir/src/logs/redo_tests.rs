//! Files of a redo log, whole, damaged and with blocks that are missing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use std::path::Path;
use vouch_innodb::crc32c;
use vouch_report::{FileState, PageTally};

const START: u64 = 75_327_488;
const BLOCKS: u64 = 8;

fn sealed(mut block: Vec<u8>) -> Vec<u8> {
    let sum = crc32c(&block[..508]);
    block[508..].copy_from_slice(&sum.to_be_bytes());
    block
}

fn block(lsn: u64, length: u16) -> Vec<u8> {
    let mut block = vec![0x5a; 512];
    let number = u32::try_from(1 + lsn / 512).unwrap();
    block[..4].copy_from_slice(&number.to_be_bytes());
    block[4..6].copy_from_slice(&length.to_be_bytes());
    sealed(block)
}

fn head(start: u64, checkpoint: u64) -> Vec<u8> {
    let mut head = vec![0; 512];
    head[3] = 6;
    head[8..16].copy_from_slice(&start.to_be_bytes());
    let mut mark = vec![0; 512];
    mark[8..16].copy_from_slice(&checkpoint.to_be_bytes());
    [sealed(head), sealed(vec![0; 512]), vec![0; 512], sealed(mark)].concat()
}

/// A file of live blocks up to `live`, of which the last one is used in part unless the file is full, and zeros.
fn file(start: u64, live: u64, checkpoint: u64) -> Vec<u8> {
    let mut bytes = head(start, checkpoint);
    for number in 0..BLOCKS {
        let length = if number + 1 == live && live < BLOCKS { 100 } else { 512 };
        bytes.extend(if number < live { block(start + 512 * number, length) } else { vec![0; 512] });
    }
    bytes
}

fn log(files: &[Vec<u8>]) -> LogReport {
    let folder = tempfile::tempdir().unwrap();
    let found = (1..).zip(files).map(|(number, bytes)| write(folder.path(), number, bytes));
    verify(&found.collect::<Vec<_>>(), 10)
}

fn write(folder: &Path, number: u64, bytes: &[u8]) -> Found {
    let path = folder.join(format!("#ib_redo{number}"));
    std::fs::write(&path, bytes).unwrap();
    let label = format!("#ib_redo{number}");
    Found { path, label, kind: Kind::Redo(number), bytes: bytes.len() as u64, root: folder.to_owned() }
}

fn places(report: &LogReport) -> Vec<(String, u64, u64)> {
    let place = |finding: &vouch_report::Finding| {
        let file = finding.location.file.clone().unwrap();
        (file.file, file.offset.unwrap(), finding.count)
    };
    report.findings.iter().map(place).collect()
}

const SECOND: u64 = START + 512 * BLOCKS;

#[test]
fn a_log_that_a_server_left_has_nothing_to_say() {
    let report = log(&[file(START, BLOCKS, START + 600), file(SECOND, 3, SECOND + 512 * 2 + 100)]);
    assert_eq!((places(&report), report.errors.len(), report.notices.len()), (vec![], 0, 0));
    let [first, second] = &report.files[..] else { panic!("two files") };
    assert_eq!(first.tally, PageTally { sound: BLOCKS, ..PageTally::default() });
    assert_eq!(second.tally, PageTally { sound: 3, empty: BLOCKS - 3, ..PageTally::default() });
    assert_eq!((second.state, second.lsn_max), (FileState::Sound, SECOND + 512 * 2 + 100));
}

#[test]
fn any_byte_of_a_block_that_is_needed_is_missed() {
    let whole = [file(START, BLOCKS, 0), file(SECOND, 3, SECOND + 512 + 20)];
    for (number, block) in [(0, 0), (0, 7), (1, 0), (1, 1)] {
        for byte in [0, 3, 5, 6, 9, 200, 511] {
            let mut files = whole.clone();
            let at = 2048 + 512 * block;
            files[number][at + byte] ^= 0x04;
            let expected = vec![(format!("#ib_redo{}", number + 1), at as u64, 1)];
            assert_eq!(places(&log(&files)), expected, "{number} {block} {byte}");
        }
    }
}

#[test]
fn blocks_that_are_zero_or_old_between_live_ones_are_missed() {
    let mut zeroed = file(START, 7, START + 20);
    zeroed[2048 + 512..2048 + 512 * 3].fill(0);
    assert_eq!(places(&log(&[zeroed])), [("#ib_redo1".to_owned(), 2048 + 512, 2)]);
    let mut stale = file(START, 7, START + 20);
    stale[2048 + 512..2048 + 1024].copy_from_slice(&block(START - 512 * 90, 512));
    let report = log(&[stale]);
    assert_eq!(places(&report), [("#ib_redo1".to_owned(), 2048 + 512, 1)]);
    assert!(report.findings[0].message.contains("an old one"), "{}", report.findings[0].message);
}

#[test]
fn what_lies_behind_the_end_is_told_and_not_accused() {
    let mut torn = file(START, 4, START + 20);
    torn[2048 + 512 * 3 + 9] ^= 1;
    let report = log(&[torn]);
    assert_eq!(places(&report), []);
    assert!(report.notices[0].1.contains("behind the end"), "{:?}", report.notices);
    // The same block is missed where the checkpoint stands in it.
    let mut torn = file(START, 4, START + 512 * 3 + 50);
    torn[2048 + 512 * 3 + 9] ^= 1;
    assert_eq!(places(&log(&[torn])).len(), 1);
    let mut zeroed = file(START, 4, START + 512 * 3 + 50);
    zeroed[2048 + 512 * 3..2048 + 512 * 4].fill(0);
    assert_eq!(places(&log(&[zeroed])).len(), 1);
}

#[test]
fn a_log_that_was_made_anew_has_no_blocks_yet() {
    let report = log(&[file(START, 0, START + 12)]);
    assert_eq!((places(&report), report.notices.len()), (vec![], 0));
}

#[test]
fn a_damaged_head_is_told_by_its_block() {
    for (byte, block) in [(9, 0), (513, 512), (1600, 1536), (1030, 1024)] {
        let mut bytes = file(START, 3, START + 512 * 2 + 100);
        bytes[byte] ^= 1;
        assert_eq!(places(&log(&[bytes])), [("#ib_redo1".to_owned(), block, 1)], "{byte}");
    }
    assert_eq!(places(&log(&[Vec::new()])).len(), 1);
}

#[test]
fn a_file_that_is_cut_is_told() {
    let mut cut = file(START, BLOCKS, 0);
    cut.truncate(2048 + 512 * 5 + 100);
    let report = log(&[cut, file(SECOND, 3, SECOND + 20)]);
    assert_eq!(places(&report), [("#ib_redo1".to_owned(), 2048 + 512 * 5, 1)]);
}

#[test]
fn encrypted_blocks_are_no_damage() {
    let mut bytes = file(START, 4, START + 20);
    bytes[2048 + 4] |= 0x80;
    let report = log(&[bytes]);
    assert_eq!((places(&report), report.errors[0].code), (vec![], Code::LogEncrypted));
    assert_eq!(report.files[0].state, FileState::Unverified);
}

#[test]
fn a_file_that_is_gone_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let found = write(folder.path(), 1, &file(START, 4, START + 20));
    std::fs::remove_file(&found.path).unwrap();
    let report = verify(&[found], 10);
    assert_eq!((report.findings.len(), report.errors.len(), report.files.len()), (0, 0, 0));
}

#[test]
fn more_findings_than_are_listed_are_counted() {
    let mut bytes = file(START, 8, START + 20);
    for number in [0, 2, 4, 6] {
        bytes[2048 + 512 * number + 9] ^= 1;
    }
    let folder = tempfile::tempdir().unwrap();
    let report = verify(&[write(folder.path(), 1, &bytes)], 2);
    assert_eq!(report.findings.iter().map(|finding| finding.count).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(report.files[0].tally.bad, 4);
}
