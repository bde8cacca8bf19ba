//! MariaDB's `full_crc32`: CRC-32C over everything, behind the contents.

use super::{Method, Sum, crc32c};
use crate::bytes::Field;
use crate::fil::TYPE;

const CHECKSUM_BYTES: usize = 4;
/// Set in the type of a page that is compressed; the rest is its length in units of 256 bytes.
const COMPRESSED: u16 = 0x8000;

/// The length of a page that is compressed, or `None` for a page that is not.
pub(crate) fn compressed_length(page: &[u8]) -> Option<usize> {
    let page_type = page.be16(TYPE)?;
    (page_type & COMPRESSED != 0).then_some(usize::from(page_type & !COMPRESSED) << 8)
}

/// What the field of a page says. `None` for what is too short for a page.
pub(super) fn sum(page: &[u8]) -> Option<Sum> {
    let length = match compressed_length(page) {
        Some(length) if length > 0 && length < page.len() => length,
        _ => page.len(),
    };
    let end = length.checked_sub(CHECKSUM_BYTES)?;
    let (stored, computed) = (page.be32(end)?, crc32c(page.get(..end)?));
    Some(if stored == computed { Sum::Holds(Method::FullCrc32) } else { Sum::Fails { stored, computed } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(page_type: u16, length: usize) -> Vec<u8> {
        let mut page: Vec<u8> = (0..16_384_u32).map(|at| (at % 239) as u8).collect();
        page[TYPE..TYPE + 2].copy_from_slice(&page_type.to_be_bytes());
        let value = crc32c(&page[..length - 4]);
        page[length - 4..length].copy_from_slice(&value.to_be_bytes());
        page
    }

    #[test]
    fn the_field_stands_behind_what_it_covers() {
        assert_eq!(sum(&sealed(17_855, 16_384)), Some(Sum::Holds(Method::FullCrc32)));
        assert_eq!(sum(&sealed(0x8003, 768)), Some(Sum::Holds(Method::FullCrc32)));
        assert!(matches!(sum(&sealed(0x8003, 1024)), Some(Sum::Fails { .. })));
    }

    #[test]
    fn lengths_that_cannot_be_do_no_harm() {
        for page_type in [0x8000, 0xffff] {
            assert!(matches!(sum(&sealed(page_type, 512)), Some(Sum::Fails { .. })));
        }
        assert_eq!(sum(&[0; 3]), None);
    }
}
