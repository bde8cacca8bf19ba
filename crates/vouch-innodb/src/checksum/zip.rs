//! Pages of ROW_FORMAT=COMPRESSED: one field at the start, over three ranges.

use super::{Method, NO_CHECKSUM, Sum, crc32c};
use crate::bytes::Field;
use crate::fil::{CHECKSUM, EXTRA, LSN, PAGE_NO, SPACE, TYPE};

const ENCRYPTED_CHECKSUM: usize = 30;
/// Sums stay below 2^32 for this many bytes.
const ADLER_STEP: usize = 5552;
const ADLER_MODULUS: u32 = 65_521;

/// What the field of a page says. `None` for what is too short for a page.
pub(super) fn sum(page: &[u8]) -> Option<Sum> {
    let stored = page.be32(CHECKSUM)?;
    let computed = crc32(page)?;
    let sum = if stored == computed {
        Sum::Holds(Method::Crc32)
    } else if stored == NO_CHECKSUM {
        Sum::TurnedOff
    } else if stored == innodb(page)? {
        Sum::Holds(Method::Innodb)
    } else {
        Sum::Fails { stored, computed }
    };
    Some(sum)
}

/// Whether MariaDB's checksum over an encrypted page holds.
pub(super) fn encrypted_holds(page: &[u8]) -> bool {
    page.be32(ENCRYPTED_CHECKSUM).is_some_and(|stored| crc32(page) == Some(stored))
}

/// The parts of a page that its checksum covers.
fn ranges(page: &[u8]) -> Option<[&[u8]; 3]> {
    Some([page.get(PAGE_NO..LSN)?, page.get(TYPE..EXTRA)?, page.get(SPACE..)?])
}

fn crc32(page: &[u8]) -> Option<u32> {
    Some(ranges(page)?.iter().fold(0, |sum, range| sum ^ crc32c(range)))
}

/// Adler-32 that begins with 0 instead of 1.
fn innodb(page: &[u8]) -> Option<u32> {
    let (mut low, mut high) = (0_u32, 0_u32);
    for step in ranges(page)?.iter().flat_map(|range| range.chunks(ADLER_STEP)) {
        for &byte in step {
            low += u32::from(byte);
            high += low;
        }
        low %= ADLER_MODULUS;
        high %= ADLER_MODULUS;
    }
    Some(high << 16 | low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_formula_is_recognised() {
        let mut page: Vec<u8> = (0..8192_u32).map(|at| (at % 241) as u8).collect();
        for (value, expected) in [
            (crc32(&page).unwrap(), Sum::Holds(Method::Crc32)),
            (innodb(&page).unwrap(), Sum::Holds(Method::Innodb)),
            (NO_CHECKSUM, Sum::TurnedOff),
        ] {
            page[..4].copy_from_slice(&value.to_be_bytes());
            assert_eq!(sum(&page), Some(expected));
        }
    }

    #[test]
    fn sums_do_not_overflow() {
        assert!(innodb(&[0xff; 16_384]).is_some());
    }
}
