//! Logs as servers write them, whole, damaged and cut.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use crc_fast::CrcAlgorithm;
use proptest::prelude::*;

const MAGIC: &[u8] = b"\xfebin";

fn event(kind: u8, flags: u8, body: &[u8], sum: bool) -> Vec<u8> {
    let mut bytes = vec![1, 2, 3, 4, kind, 1, 0, 0, 0];
    let size = u32::try_from(19 + body.len() + if sum { 4 } else { 0 }).unwrap();
    bytes.extend(size.to_le_bytes());
    bytes.extend([0, 0, 0, 0, flags, 0]);
    bytes.extend(body);
    if sum {
        let mut summed = bytes.clone();
        if kind == 15 {
            summed[17] &= !1;
        }
        let value = u32::try_from(crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, &summed)).unwrap();
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

fn description(server: &str, flags: u8, algorithm: u8) -> Vec<u8> {
    let mut body = vec![4, 0];
    body.extend(server.as_bytes());
    body.resize(2 + 50, 0);
    body.extend([0, 0, 0, 0, 19]);
    body.extend([7; 40]);
    body.push(algorithm);
    event(15, flags, &body, true)
}

const CLOSED: u8 = 0;
const IN_USE: u8 = 1;

/// The parts of a log: magic, description, events.
fn parts(flags: u8) -> Vec<Vec<u8>> {
    let rows = (0..6_u8).map(|number| event(30, 0, &vec![number; 40 + usize::from(number)], true));
    let mut parts = vec![MAGIC.to_vec(), description("9.7.4", flags, 1)];
    parts.extend(rows);
    parts.push(event(4, 0, b"binlog.000002", true));
    parts
}

fn walked(bytes: &Vec<u8>) -> Walk {
    walk(bytes, bytes.len() as u64, false).unwrap()
}

/// Where the part of this number begins.
fn offset(parts: &[Vec<u8>], number: usize) -> u64 {
    parts[..number].iter().map(|part| part.len() as u64).sum()
}

#[test]
fn whole_logs_are_sound() {
    for flags in [CLOSED, IN_USE] {
        let walk = walked(&parts(flags).concat());
        let version = Some("9.7.4".to_owned());
        assert_eq!(walk, Walk { sound: 8, version, ..Walk::default() });
    }
}

#[test]
fn any_byte_is_told_with_its_event_and_the_others_stay_sound() {
    for flags in [CLOSED, IN_USE] {
        let parts = parts(flags);
        for (number, part) in parts.iter().enumerate().skip(1) {
            for byte in 0..part.len() {
                let mut damaged = parts.clone();
                damaged[number][byte] ^= 0x10;
                let walk = walked(&damaged.concat());
                let at = offset(&parts, number);
                let last = number + 1 == parts.len();
                if last && flags == IN_USE {
                    assert_eq!((walk.faults.len(), walk.tail), (0, Some(at)), "{number} {byte}");
                } else {
                    let faults: Vec<u64> = walk.faults.iter().map(|fault| fault.offset).collect();
                    assert_eq!((faults, walk.tail), (vec![at], None), "{number} {byte}");
                }
                assert_eq!(walk.sound, 7, "{number} {byte}");
            }
        }
    }
}

#[test]
fn the_mark_of_a_log_in_use_is_not_summed() {
    let mut parts = parts(IN_USE);
    parts[1][17] = CLOSED;
    assert_eq!(walked(&parts.concat()).faults, []);
}

#[test]
fn a_log_that_is_cut_is_damage_when_it_was_closed_alone() {
    for (flags, torn) in [(CLOSED, false), (IN_USE, true)] {
        let parts = parts(flags);
        let mut bytes = parts.concat();
        bytes.truncate(bytes.len() - 3);
        let (walk, at) = (walked(&bytes), offset(&parts, 8));
        assert_eq!(walk.tail, torn.then_some(at));
        assert_eq!(walk.faults.len(), usize::from(!torn));
    }
    let parts = parts(CLOSED);
    let bytes = parts[..8].concat();
    let relay = walk(&bytes[..bytes.len() - 3].to_vec(), bytes.len() as u64 - 3, true).unwrap();
    assert_eq!(relay.tail, Some(offset(&parts, 7)));
}

#[test]
fn bytes_that_are_missing_or_too_many_are_told() {
    let parts = parts(IN_USE);
    let mut bytes = parts.concat();
    let at = usize::try_from(offset(&parts, 3)).unwrap();
    bytes.drain(at + 10..at + 25);
    let missing = walked(&bytes);
    assert_eq!(missing.faults[0].offset, at as u64);
    let mut bytes = parts.concat();
    bytes.splice(at..at, [0; 100]);
    let filled = walked(&bytes);
    assert_eq!((filled.faults[0].offset, filled.faults.len(), filled.sound), (at as u64, 1, 8));
}

#[test]
fn a_damaged_event_before_a_large_one_is_no_tail() {
    let large = event(30, 0, &vec![9; 3 << 20], true);
    let mut parts = [MAGIC.to_vec(), description("9.7.4", IN_USE, 1), event(30, 0, &[1; 90], true), large];
    parts[2][60] ^= 1;
    let walk = walked(&parts.concat());
    assert_eq!((walk.faults.len(), walk.tail, walk.sound), (1, None, 2));
}

#[test]
fn events_without_checksums_are_counted_as_such() {
    let rows = event(30, 0, &[1; 50], false);
    let off = [MAGIC.to_vec(), description("10.11.19-MariaDB-log", CLOSED, 0), rows.clone(), rows.clone()].concat();
    assert_eq!((walked(&off).unprotected, walked(&off).faults.len()), (3, 0));
    let old = event(15, 0, &[b"\x04\x005.5.62".to_vec(), vec![0; 80]].concat(), false);
    let old = [MAGIC.to_vec(), old, rows.clone(), rows].concat();
    let mut cut = old.clone();
    assert_eq!((walked(&old).unprotected, walked(&old).faults.len()), (3, 0));
    cut.truncate(cut.len() - 1);
    assert_eq!(walked(&cut).faults.len(), 1);
}

#[test]
fn encrypted_logs_are_no_damage() {
    let all = [b"\xfdbin".to_vec(), vec![7; 900]].concat();
    assert_eq!(walked(&all), Walk { encrypted: Some(0), ..Walk::default() });
    let begun = [MAGIC.to_vec(), description("10.11.19-MariaDB", IN_USE, 1), event(164, 0, &[1; 17], true)].concat();
    let rest = [begun.clone(), vec![0x77; 500]].concat();
    assert_eq!((walked(&rest).encrypted, walked(&rest).sound), (Some(begun.len() as u64), 2));
}

#[test]
fn a_relay_log_holds_the_formats_of_two_servers() {
    let rows = event(30, 0, &[1; 50], true);
    let bare = event(30, 0, &[1; 50], false);
    let log = [MAGIC.to_vec(), description("9.7.4", 0x40, 1), rows.clone(), description("8.0.36", 0, 0), bare];
    let walk = walked(&log.concat());
    assert_eq!((walk.sound, walk.unprotected, walk.faults.len()), (2, 2, 0));
}

#[test]
fn what_is_no_log_is_told() {
    assert_eq!(walked(&Vec::new()).faults.len(), 1);
    let mut bytes = parts(CLOSED).concat();
    bytes[1] ^= 1;
    let walk = walked(&bytes);
    assert_eq!((walk.faults.len(), walk.faults[0].offset, walk.sound), (1, 0, 8));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), known in any::<bool>()) {
        let mut bytes = bytes;
        bytes.splice(0..0, if known { [MAGIC.to_vec(), description("9.7.4", 0, 1)].concat() } else { MAGIC.to_vec() });
        walked(&bytes);
    }
}
