//! Logs as MariaDB and its backup tool write them, whole, damaged, torn and cut.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;
use vouch_innodb::crc32c;

const FIRST: u64 = 50_000;
const ROOM: u64 = 32_768;
/// Bytes of records behind a checkpoint.
const LIVE: u64 = 20_000;
const START: usize = 12_288;

fn sealed(records: &[u8], bit: u8) -> Vec<u8> {
    [records, &[bit], &crc32c(records).to_be_bytes()].concat()
}

fn head(creator: &[u8], checkpoint: u64, end: u64) -> Vec<u8> {
    let mut head = vec![0; START];
    head[..4].copy_from_slice(b"Phys");
    head[8..16].copy_from_slice(&FIRST.to_be_bytes());
    head[16..16 + creator.len()].copy_from_slice(creator);
    head[4096..4104].copy_from_slice(&checkpoint.to_be_bytes());
    head[4104..4112].copy_from_slice(&end.to_be_bytes());
    for (at, length) in [(0, 508), (4096, 60)] {
        let sum = crc32c(&head[at..at + length]);
        head[at + length..at + length + 4].copy_from_slice(&sum.to_be_bytes());
    }
    head
}

fn mark(checkpoint: u64) -> Vec<u8> {
    [&[0xfa, 0, 0][..], &checkpoint.to_be_bytes()].concat()
}

/// A log of mini-transactions up to `end`, with its checkpoint at `checkpoint` and its mark where the next one ends.
fn log(checkpoint: u64, end: u64) -> Vec<u8> {
    let mut bytes = head(b"MariaDB 10.11", checkpoint, 0);
    bytes.resize(START + ROOM as usize, 0);
    let (mut lsn, mut marked) = (FIRST, None);
    while lsn < end {
        if lsn >= checkpoint + 100 && marked.is_none() {
            marked = Some(lsn);
        }
        let filler = [&[0x3f][..], &[0x77; 15], &lsn.to_be_bytes()[6..], &[9; 14]].concat();
        let records = if marked == Some(lsn) { mark(checkpoint) } else { [&[0x30, 18][..], &filler].concat() };
        let lap = (lsn + records.len() as u64 - FIRST) / ROOM;
        for byte in sealed(&records, u8::from(lap.is_multiple_of(2))) {
            bytes[START + ((lsn - FIRST) % ROOM) as usize] = byte;
            lsn += 1;
        }
    }
    bytes[START + ((lsn - FIRST) % ROOM) as usize] = 0;
    let written = head(b"MariaDB 10.11", checkpoint, marked.unwrap_or(checkpoint));
    bytes[..START].copy_from_slice(&written);
    bytes
}

fn judged(bytes: &Vec<u8>, needed: Option<u64>) -> Outcome {
    walk(bytes, bytes.len() as u64, needed.map(Lsn), Records::Passed).unwrap().outcome(needed.map(Lsn))
}

fn offset(lsn: u64) -> u64 {
    START as u64 + (lsn - FIRST) % ROOM
}

/// Where mini-transactions begin from the checkpoint on.
fn starts(bytes: &Vec<u8>, checkpoint: u64) -> Vec<u64> {
    let log = MariadbLog::read(&bytes[..START], bytes.len() as u64).unwrap();
    let mut ring = Ring::new(bytes, log);
    let (mut lsn, mut starts) = (checkpoint, Vec::new());
    while let Mtr::Whole(length) = log.mtr(Lsn(lsn), ring.at(Lsn(lsn)).unwrap().0) {
        starts.push(lsn);
        lsn += length as u64;
    }
    starts
}

/// The LSN of a mini-transaction behind `lsn`: all but the mark have 39 bytes.
fn from(lsn: u64) -> u64 {
    FIRST + (lsn - FIRST).div_ceil(39) * 39
}

#[test]
fn whole_logs_are_sound_wherever_they_turn() {
    for checkpoint in [FIRST, from(FIRST + 3000), from(FIRST + ROOM - 292)] {
        let bytes = log(checkpoint, checkpoint + LIVE);
        let outcome = judged(&bytes, None);
        assert_eq!((outcome.faults, outcome.notices), (vec![], vec![] as Vec<String>), "{checkpoint}");
        assert!(outcome.tally.sound > 100 && outcome.lsn_max >= checkpoint + LIVE);
    }
}

#[test]
fn damage_in_front_of_the_end_is_found_at_its_place() {
    for checkpoint in [FIRST, from(FIRST + ROOM - 1000)] {
        let bytes = log(checkpoint, checkpoint + LIVE);
        let starts = starts(&bytes, checkpoint);
        for number in [0, 7, 40, 300] {
            for byte in [0, 1, 9, 33, 34, 38] {
                let mut damaged = bytes.clone();
                damaged[offset(starts[number] + byte) as usize] ^= 0x0c;
                let outcome = judged(&damaged, None);
                let places: Vec<u64> = outcome.faults.iter().map(|fault| fault.offset).collect();
                assert_eq!(places, [offset(starts[number])], "{checkpoint} {number} {byte}");
                assert!(outcome.faults[0].message.contains(&format!("LSN {} to ", starts[number])));
            }
        }
        let mut zeroed = bytes.clone();
        (starts[50]..starts[60]).for_each(|lsn| zeroed[offset(lsn) as usize] = 0);
        assert_eq!(judged(&zeroed, None).faults.len(), 1);
    }
}

#[test]
fn the_last_one_may_be_torn_and_not_the_one_that_a_backup_needs() {
    let mut bytes = log(FIRST, FIRST + LIVE);
    let starts = starts(&bytes, FIRST);
    let last = starts[starts.len() - 1];
    bytes[offset(last + 20) as usize] ^= 1;
    let outcome = judged(&bytes, None);
    assert_eq!((outcome.faults.len(), outcome.notices.len(), outcome.lsn_max), (0, 1, last));
    assert_eq!(judged(&bytes, Some(last)).faults, []);
    let outcome = judged(&bytes, Some(last + 39));
    assert_eq!(outcome.faults[0].offset, offset(last));
    assert!(outcome.faults[0].message.contains(&format!("should reach LSN {}", last + 39)));
}

#[test]
fn what_fills_the_block_behind_the_end_tells_nothing() {
    let bytes = log(FIRST, FIRST + LIVE);
    let starts = starts(&bytes, FIRST);
    let end = starts[starts.len() - 1] + 39;
    let mut filled = bytes.clone();
    let (from, to) = (offset(starts[40]) as usize, offset(end) as usize);
    filled.copy_within(from..from + 80, to + 100);
    let outcome = judged(&filled, None);
    assert_eq!((outcome.faults, outcome.notices, outcome.lsn_max), (vec![], vec![], end));
    // In the next block it would have been written later.
    let mut goes_on = bytes;
    goes_on.copy_within(from..from + 80, to + 4096);
    assert_eq!(judged(&goes_on, None).faults.len(), 1);
}

#[test]
fn damage_behind_the_end_of_a_backup_is_told_only() {
    let mut bytes = log(FIRST, FIRST + LIVE);
    let starts = starts(&bytes, FIRST);
    bytes[offset(starts[70] + 20) as usize] ^= 1;
    assert_eq!(judged(&bytes, Some(starts[70])).faults, []);
    assert_eq!(judged(&bytes, Some(starts[71])).faults.len(), 1);
}

#[test]
fn a_log_that_ends_before_the_mark_of_its_checkpoint_is_of_no_use() {
    let mut bytes = log(FIRST, FIRST + LIVE);
    (FIRST + 50..FIRST + LIVE + 100).for_each(|lsn| bytes[offset(lsn) as usize] = 0);
    let outcome = judged(&bytes, None);
    assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
    assert!(outcome.faults[0].message.contains("checkpoint has its mark"), "{:?}", outcome.faults);
}

#[test]
fn heads_are_told_by_their_parts() {
    let bytes = log(FIRST, FIRST + LIVE);
    for (byte, offset) in [(2000, None), (30, Some(0)), (4100, Some(4096)), (8200, Some(8192))] {
        let mut damaged = bytes.clone();
        damaged[byte] ^= 1;
        let places: Vec<u64> = judged(&damaged, None).faults.iter().map(|fault| fault.offset).collect();
        assert_eq!(places, Vec::from_iter(offset), "{byte}");
    }
    let cut = bytes[..bytes.len() - 700].to_vec();
    assert_eq!(judged(&cut, None).faults.len(), 1);
}

#[test]
fn a_copy_of_a_log_ends_with_the_file() {
    let mut bytes = log(FIRST, FIRST + LIVE);
    let starts = starts(&bytes, FIRST);
    let (end, mark) = (starts[100], MariadbLog::read(&bytes, bytes.len() as u64).unwrap().end.0);
    bytes.splice(..START, head(b"Backup 10.11", FIRST, mark));
    bytes.truncate(offset(end) as usize);
    let outcome = judged(&bytes, Some(end));
    assert_eq!((outcome.faults, outcome.lsn_max, outcome.tally.sound), (vec![], end, 100));
    bytes.truncate(bytes.len() - 1);
    assert_eq!(judged(&bytes, Some(end)).faults[0].offset, offset(starts[99]));
    assert_eq!(judged(&bytes, None).notices.len(), 1);
}

proptest! {
    #[test]
    fn no_log_panics(changes in prop::collection::vec((0..START + ROOM as usize, any::<u8>()), 0..30), needed: Option<u64>) {
        let mut bytes = log(FIRST, FIRST + LIVE);
        changes.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        for at in [0, 4096] {
            let length = if at == 0 { 508 } else { 60 };
            let sum = crc32c(&bytes[at..at + length]);
            bytes[at + length..at + length + 4].copy_from_slice(&sum.to_be_bytes());
        }
        let _ = judged(&bytes, needed);
    }
}
