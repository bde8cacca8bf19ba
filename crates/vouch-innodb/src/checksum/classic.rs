//! Pages with a field at the start and one at the end: crc32, its big-endian
//! form, innodb.

use super::{Method, NO_CHECKSUM, Sum, crc32c};
use crate::bytes::Field;
use crate::fil::{CHECKSUM, EXTRA, HEADER, LSN, PAGE_NO, TRAILER};

/// Where MariaDB keeps the checksum of a page as it encrypted it.
const ENCRYPTED_CHECKSUM: usize = 30;

/// What the fields of a page say. `None` for what is too short for a page.
pub(super) fn sum(page: &[u8], hint: Method) -> Option<Sum> {
    let (first, last) = (page.be32(CHECKSUM)?, page.be32(page.len().checked_sub(TRAILER)?)?);
    if hint == Method::Innodb && innodb(page, first, last)? {
        return Some(Sum::Holds(Method::Innodb));
    }
    let computed = crc32(page)?;
    let sum = if (first, last) == (computed, computed) {
        Sum::Holds(Method::Crc32)
    } else if (first, last) == (NO_CHECKSUM, NO_CHECKSUM) {
        Sum::TurnedOff
    } else if innodb(page, first, last)? {
        Sum::Holds(Method::Innodb)
    } else if first == last && first == big_endian(page)? {
        Sum::Holds(Method::Crc32BigEndian)
    } else {
        Sum::Fails { stored: first, computed }
    };
    Some(sum)
}

/// Whether MariaDB's checksum over an encrypted page holds.
pub(super) fn encrypted_holds(page: &[u8]) -> bool {
    page.be32(ENCRYPTED_CHECKSUM).is_some_and(|stored| crc32(page) == Some(stored))
}

fn header(page: &[u8]) -> Option<&[u8]> {
    page.get(PAGE_NO..EXTRA)
}

fn body(page: &[u8]) -> Option<&[u8]> {
    page.get(HEADER..page.len().checked_sub(TRAILER)?)
}

fn crc32(page: &[u8]) -> Option<u32> {
    Some(crc32c(header(page)?) ^ crc32c(body(page)?))
}

/// Words of eight bytes were fed the other way round, and single bytes where no whole word was left.
fn big_endian(page: &[u8]) -> Option<u32> {
    let turned = |from: usize, to: usize| -> Option<u32> {
        let (start, rest) = (page.get(from..from.next_multiple_of(8))?, page.get(from.next_multiple_of(8)..to)?);
        let (words, rest) = rest.as_chunks::<8>();
        let mut bytes = start.to_vec();
        words.iter().for_each(|word| bytes.extend(word.iter().rev()));
        bytes.extend(rest);
        Some(crc32c(&bytes))
    };
    Some(turned(PAGE_NO, EXTRA)? ^ turned(HEADER, page.len().checked_sub(TRAILER)?)?)
}

/// The formula of old writes two sums. Before 4.1 the last field held the upper half of the
/// LSN, and before 4.0.14 the first one held nothing; then the other one has to be right.
fn innodb(page: &[u8], first: u32, last: u32) -> Option<bool> {
    let old = || page.get(..EXTRA).map(fold);
    if first == 0 {
        return Some(last != 0 && old()? == last);
    }
    let new = fold(header(page)?).wrapping_add(fold(body(page)?));
    Some(first == new && (last == page.be32(LSN)? || last == old()?))
}

fn fold(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, &byte| {
        let mixed = (sum ^ u32::from(byte) ^ 1_653_893_711) << 8;
        (mixed.wrapping_add(sum) ^ 1_463_735_687).wrapping_add(u32::from(byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Vec<u8> {
        (0..4096_u32).map(|at| (at * 7 % 251) as u8).collect()
    }

    fn write(page: &mut [u8], at: usize, value: u32) {
        page[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    #[test]
    fn each_formula_is_recognised() {
        let end = 4096 - 8;
        let mut crc = page();
        let value = crc32(&crc).unwrap();
        write(&mut crc, 0, value);
        write(&mut crc, end, value);
        assert_eq!(sum(&crc, Method::Crc32), Some(Sum::Holds(Method::Crc32)));
        assert_eq!(sum(&crc, Method::Innodb), Some(Sum::Holds(Method::Crc32)));

        let mut big = page();
        let value = big_endian(&big).unwrap();
        write(&mut big, 0, value);
        write(&mut big, end, value);
        assert_eq!(sum(&big, Method::Crc32), Some(Sum::Holds(Method::Crc32BigEndian)));

        let mut old = page();
        let value = fold(&old[4..26]).wrapping_add(fold(&old[38..end]));
        write(&mut old, 0, value);
        let value = fold(&old[..26]);
        write(&mut old, end, value);
        assert_eq!(sum(&old, Method::Crc32), Some(Sum::Holds(Method::Innodb)));

        let mut none = page();
        write(&mut none, 0, NO_CHECKSUM);
        write(&mut none, end, NO_CHECKSUM);
        assert_eq!(sum(&none, Method::Crc32), Some(Sum::TurnedOff));
    }

    #[test]
    fn one_right_field_is_not_enough() {
        let mut page = page();
        let value = crc32(&page).unwrap();
        write(&mut page, 0, value);
        assert!(matches!(sum(&page, Method::Crc32), Some(Sum::Fails { .. })));
    }

    #[test]
    fn too_few_bytes_are_no_page() {
        for length in [0, 4, 8, 37, 45] {
            assert!(!matches!(sum(&page()[..length], Method::Crc32), Some(Sum::Holds(_))), "{length}");
        }
    }
}
