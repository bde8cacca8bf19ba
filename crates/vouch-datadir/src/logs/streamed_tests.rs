//! Logs that pass, short and long, as they come to what the same file comes to.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use crate::fixture::{copied_log, sealed};
use vouch_innodb::Lsn;
use vouch_report::Code;

/// The LSN with which the logs begin.
const FIRST: u64 = 1_000_000;

fn found(kind: Kind) -> Found {
    let (path, root) = ("ib_logfile0".into(), "image".into());
    Found { path, label: "ib_logfile0".to_owned(), kind, bytes: 0, root }
}

fn report(bytes: &[u8], kind: Kind, state: &State) -> LogReport {
    let mut input = bytes;
    let log = read(found(kind), &mut input, None).unwrap();
    assert!(input.is_empty(), "it was read to its end");
    judge(vec![log], &[("image".into(), state.clone())], 10)
}

fn raw(end: u64) -> State {
    State::Raw("so it is".to_owned(), Some(Lsn(end)))
}

fn codes(report: &LogReport) -> Vec<(Code, Option<u64>)> {
    let place = |finding: &vouch_report::Finding| finding.location.file.as_ref().and_then(|file| file.offset);
    report.findings.iter().map(|finding| (finding.code, place(finding))).collect()
}

#[test]
fn a_copied_log_reaches_as_far_as_the_notes_say_however_long_it_is() {
    for count in [100, 200_000] {
        let (bytes, places) = copied_log(FIRST, count);
        let end = FIRST + (bytes.len() - MariadbLog::HEAD) as u64;
        let sound = report(&bytes, Kind::LogFile(0), &raw(end));
        assert_eq!((codes(&sound), sound.files[0].lsn_max, sound.notices.len()), (vec![], end, 0), "{count}");
        assert_eq!(sound.files[0].tally.sound, count as u64);
        assert_eq!(codes(&report(&bytes, Kind::LogFile(0), &State::Unknown)), []);
        let short = report(&bytes, Kind::LogFile(0), &raw(end + 1));
        assert_eq!(codes(&short), [(Code::RedoBlock, Some(bytes.len() as u64))]);
        let mut damaged = bytes.clone();
        let middle = places[count / 2];
        damaged[middle + 9] ^= 1;
        let place = Some(middle as u64);
        assert_eq!(codes(&report(&damaged, Kind::LogFile(0), &raw(end))), [(Code::RedoBlock, place)], "{count}");
        let before = FIRST + (middle - MariadbLog::HEAD) as u64;
        let behind = report(&damaged, Kind::LogFile(0), &raw(before));
        assert_eq!((codes(&behind), behind.files[0].lsn_max), (vec![], before), "what the backup does not need");
        let mut cut = bytes.clone();
        cut.truncate(bytes.len() - 3);
        assert_eq!(codes(&report(&cut, Kind::LogFile(0), &raw(end))).len(), 1);
    }
}

#[test]
fn a_long_log_of_a_server_is_not_taken_for_verified() {
    let (mut bytes, _) = copied_log(FIRST, 200_000);
    bytes[16..25].copy_from_slice(b"MariaDB 1");
    let head = sealed(bytes[..508].to_vec(), 508);
    bytes[..512].copy_from_slice(&head);
    let report = report(&bytes, Kind::LogFile(0), &State::Unknown);
    assert_eq!((report.files.len(), report.skips.len()), (0, 1));
}

fn block(lsn: u64, length: u16) -> Vec<u8> {
    let mut block = vec![0x5a; 508];
    block[..4].copy_from_slice(&u32::try_from(1 + lsn / 512).unwrap().to_be_bytes());
    block[4..6].copy_from_slice(&length.to_be_bytes());
    sealed(block, 508)
}

/// A copy of a log of blocks.
fn blocks(count: u64) -> Vec<u8> {
    let mut mark = vec![0; 24];
    mark[8..16].copy_from_slice(&(FIRST / 512 * 512 + 100).to_be_bytes());
    mark[16..24].copy_from_slice(&(900_u64 << 20).to_be_bytes());
    let mut bytes = [sealed(b"PHYS".to_vec(), 508), sealed(mark, 508), vec![0; 1024]].concat();
    (0..count).for_each(|number| bytes.extend(block(FIRST / 512 * 512 + number * 512, 512)));
    bytes
}

#[test]
fn a_copied_log_of_blocks_too() {
    for count in [40, 60_000] {
        let bytes = blocks(count);
        let end = FIRST / 512 * 512 + count * 512;
        let sound = report(&bytes, Kind::CopiedLog, &raw(end));
        assert_eq!((codes(&sound), sound.files[0].lsn_max, sound.files[0].pages), (vec![], end, count));
        assert_eq!(
            codes(&report(&bytes, Kind::CopiedLog, &raw(end + 1))),
            [(Code::RedoBlock, Some(bytes.len() as u64))]
        );
        let mut damaged = bytes.clone();
        let place = 2048 + (count / 2) * 512;
        damaged[usize::try_from(place).unwrap() + 77] ^= 1;
        assert_eq!(codes(&report(&damaged, Kind::CopiedLog, &raw(end))), [(Code::RedoBlock, Some(place))]);
        let prepared = State::Whole("prepared backup", String::new(), None);
        assert_eq!(report(&damaged, Kind::CopiedLog, &prepared).skips.len(), 1);
    }
}

#[test]
fn an_empty_log_is_what_preparing_leaves() {
    let prepared = State::Whole("prepared backup", String::new(), None);
    assert_eq!(codes(&report(&[], Kind::LogFile(0), &prepared)), []);
    assert_eq!(codes(&report(&[], Kind::LogFile(0), &raw(4711))), [(Code::RedoBlock, Some(0))]);
}
