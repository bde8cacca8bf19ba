//! Files of blocks in a circle, whole, damaged and cut, and copies of them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use vouch_innodb::crc32c;

/// The LSN of the first block of the first file, and the blocks of a file.
const FIRST: u64 = 51_200;
const BLOCKS: u64 = 8;

fn sealed(mut block: Vec<u8>) -> Vec<u8> {
    block.resize(512, 0);
    let sum = crc32c(&block[..508]);
    block[508..].copy_from_slice(&sum.to_be_bytes());
    block
}

fn block(lsn: u64, length: u16) -> Vec<u8> {
    let number = u32::try_from(1 + lsn / 512).unwrap();
    let mut block = vec![0x5a; 512];
    block[..4].copy_from_slice(&number.to_be_bytes());
    block[4..6].copy_from_slice(&length.to_be_bytes());
    sealed(block)
}

fn head(checkpoint: u64, offset: u64) -> Vec<u8> {
    let mut mark = vec![0; 24];
    mark[8..16].copy_from_slice(&checkpoint.to_be_bytes());
    mark[16..24].copy_from_slice(&offset.to_be_bytes());
    [sealed(b"PHYS".to_vec()), sealed(mark), vec![0; 512], vec![0; 512]].concat()
}

/// A log of two files that has turned: its blocks are live from the checkpoint to `end`.
fn log(checkpoint: u64, end: u64) -> [Vec<u8>; 2] {
    let capacity = 2 * BLOCKS * 512;
    let at = (checkpoint - FIRST) % capacity;
    let offset = at + 2048 * (1 + at / (BLOCKS * 512));
    let mut files = [head(checkpoint, offset), head(0, 0)];
    for file in 0..2 {
        for number in 0..BLOCKS {
            let place = FIRST + (file * BLOCKS + number) * 512;
            // The newest lap that has written there.
            let laps = (end.saturating_sub(place + 1)) / capacity;
            let lsn = place + laps * capacity;
            let length = if lsn + 512 > end { end % 512 } else { 512 };
            files[file as usize].extend(block(lsn, u16::try_from(length).unwrap()));
        }
    }
    files
}

fn judged(files: &[Vec<u8>], needed: Option<u64>) -> Vec<Outcome> {
    let parts: Vec<Part> = files.iter().map(|bytes| Part { source: bytes, bytes: bytes.len() as u64 }).collect();
    verify(&parts, needed.map(Lsn)).unwrap()
}

fn places(outcomes: &[Outcome]) -> Vec<(usize, u64)> {
    let places = outcomes.iter().enumerate();
    places.flat_map(|(file, outcome)| outcome.faults.iter().map(move |fault| (file, fault.offset))).collect()
}

const CAPACITY: u64 = 2 * BLOCKS * 512;
/// In the last block but one of the second file, and in the third one of the first.
const CHECKPOINT: u64 = FIRST + CAPACITY + 14 * 512 + 50;
const END: u64 = FIRST + 2 * CAPACITY + 2 * 512 + 100;

#[test]
fn a_log_that_turns_is_sound() {
    let outcomes = judged(&log(CHECKPOINT, END), None);
    assert_eq!(places(&outcomes), []);
    assert!(outcomes.iter().all(|outcome| outcome.tally.sound == BLOCKS && outcome.lsn_max == END), "{outcomes:?}");
}

#[test]
fn blocks_between_the_checkpoint_and_the_end_must_be_whole() {
    let files = log(CHECKPOINT, END);
    for (file, number) in [(1, 6), (1, 7), (0, 0), (0, 1)] {
        for byte in [2, 5, 300, 510] {
            let mut files = files.clone();
            let offset = 2048 + 512 * number;
            files[file][offset + byte] ^= 0x10;
            assert_eq!(places(&judged(&files, None)), [(file, offset as u64)], "{file} {number} {byte}");
        }
    }
    let mut torn = files.clone();
    torn[0][2048 + 2 * 512 + 40] ^= 1;
    let outcomes = judged(&torn, None);
    assert_eq!((places(&outcomes), outcomes[0].notices.len()), (vec![], 1));
    assert_eq!(places(&judged(&torn, Some(END))), [(0, 2048 + 1024)]);
    let mut zeroed = files;
    zeroed[1][2048 + 7 * 512..].fill(0);
    zeroed[0][2048..2048 + 512].fill(0);
    assert_eq!(places(&judged(&zeroed, None)), [(0, 2048), (1, 2048 + 7 * 512)]);
}

#[test]
fn a_copy_begins_with_the_checkpoint_and_ends_where_the_backup_does() {
    let mut copy = head(CHECKPOINT, 999_999_999);
    let start = CHECKPOINT - CHECKPOINT % 512;
    (0..5).for_each(|number| copy.extend(block(start + 512 * number, if number == 4 { 90 } else { 512 })));
    let end = start + 4 * 512 + 90;
    assert_eq!(places(&judged(&[copy.clone()], Some(end))), []);
    assert_eq!(places(&judged(&[copy.clone()], Some(end + 512))).len(), 1);
    let cut = copy[..2048 + 4 * 512 + 100].to_vec();
    assert_eq!(places(&judged(&[cut], Some(end))), [(0, 2048 + 4 * 512), (0, 2048 + 4 * 512)]);
    copy[2048 + 700] ^= 1;
    assert_eq!(places(&judged(&[copy], Some(end))), [(0, 2048 + 512)]);
}

#[test]
fn heads_are_told_by_their_blocks() {
    for (file, byte, offset) in [(0, 20, 0), (0, 530, 512), (1, 20, 0)] {
        let mut files = log(CHECKPOINT, END);
        files[file][byte] ^= 1;
        assert_eq!(places(&judged(&files, None))[0], (file, offset), "{file} {byte}");
    }
    assert_eq!(places(&judged(&[head(0, 0)], None)), [(0, 512)]);
    assert_eq!(places(&judged(&[Vec::new()], None)), [(0, 0)]);
}
