//! Mini-transactions, whole, damaged, of an earlier lap, and behind damage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

/// A log of 1000 bytes of records that begins at LSN 5000.
fn log(encrypted: bool) -> MariadbLog {
    MariadbLog::for_test(Lsn(5000), 13_288, encrypted)
}

fn sealed(records: &[u8], bit: u8, nonce: &[u8]) -> Vec<u8> {
    let sum = crc32c(&[records, nonce].concat());
    [records, &[bit], nonce, &sum.to_be_bytes()].concat()
}

/// A record of three bytes, one whose length is in a byte of its own, one with a length of two bytes.
fn records() -> Vec<u8> {
    let mut records = vec![0x33, 7, 8, 9, 0x30, 5];
    records.extend([0x55; 19]);
    records.extend([0x40, 0x80, 1]);
    records.extend([0x66; 142]);
    records
}

#[test]
fn records_are_walked_to_their_bit_and_their_checksum() {
    let whole = sealed(&records(), 1, &[]);
    assert_eq!(log(false).mtr(Lsn(5000), &whole), Mtr::Whole(whole.len()));
    assert_eq!(log(false).mtr(Lsn(6000), &whole), Mtr::Old(whole.len()), "the next lap");
    assert_eq!(log(false).mtr(Lsn(7000), &whole), Mtr::Whole(whole.len()), "the lap after");
    assert_eq!(log(true).mtr(Lsn(5000), &sealed(&records(), 1, &[3; 8])), Mtr::Whole(whole.len() + 8));
    for bytes in 0..whole.len() {
        assert_eq!(log(false).mtr(Lsn(5000), &whole[..bytes]), Mtr::Short, "{bytes}");
    }
    assert_eq!(log(false).mtr(Lsn(5000), &[0, 0x79]), Mtr::End);
    assert_eq!(log(false).mtr(Lsn(5000), &[0x30, 0xf1, 0, 0, 0, 0]), Mtr::None);
    assert_eq!(log(false).mtr(Lsn(5000), &[0x30, 0xef, 0xff, 0xff, 0xff]), Mtr::None);
}

#[test]
fn every_changed_bit_is_seen() {
    for (encrypted, nonce) in [(false, &[][..]), (true, &[9; 8][..])] {
        let mut bytes = sealed(&records(), 1, nonce);
        let length = bytes.len();
        bytes.extend([0; 16]);
        for at in 0..length {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                let seen = log(encrypted).mtr(Lsn(5000), &bytes);
                assert_ne!(seen, Mtr::Whole(length), "byte {at} bit {bit}");
                bytes[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn the_next_one_is_found_behind_damage_and_behind_old_ones() {
    let (new, old) = (sealed(&records(), 1, &[]), sealed(&records(), 0, &[]));
    let bytes = [&[0; 5], &[0x34, 9][..], &old, &old[7..], &new, &new].concat();
    let expected = bytes.len() - 2 * new.len();
    assert_eq!(Search::default().seek(&log(false), Lsn(5000), &bytes, true), Sought::At(expected));
    let bytes = [&old[..], &old, &[0; 9]].concat();
    assert_eq!(Search::default().seek(&log(false), Lsn(5000), &bytes, true), Sought::NotIn(bytes.len()));
    let bytes = [&old[..], &new[..100]].concat();
    assert_eq!(Search::default().seek(&log(false), Lsn(5000), &bytes, false), Sought::NotIn(old.len()));
}

#[test]
fn a_search_ends_however_the_bytes_are_made() {
    let bytes = vec![0x11; MariadbLog::MOST_MTR];
    let mut search = Search { left: 3_000_000 };
    assert_eq!(search.seek(&log(false), Lsn(5000), &bytes, true), Sought::GivenUp);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), lsn in any::<u64>(), encrypted: bool) {
        let log = log(encrypted);
        let _ = log.mtr(Lsn(lsn), &bytes);
        let _ = Search::default().seek(&log, Lsn(lsn), &bytes, lsn % 2 == 0);
    }
}
