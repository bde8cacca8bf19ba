//! Checked access to big-endian fields: [`Field`]. Every read of a page goes through it.

/// Fields of a byte string; `None` beyond its end.
pub(crate) trait Field {
    fn byte(&self, at: usize) -> Option<u8>;
    fn be16(&self, at: usize) -> Option<u16>;
    fn be32(&self, at: usize) -> Option<u32>;
    fn be64(&self, at: usize) -> Option<u64>;
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    vouch_convert::array(bytes.get(at..at.checked_add(N)?)?)
}

impl Field for [u8] {
    fn byte(&self, at: usize) -> Option<u8> {
        self.get(at).copied()
    }

    fn be16(&self, at: usize) -> Option<u16> {
        array(self, at).map(u16::from_be_bytes)
    }

    fn be32(&self, at: usize) -> Option<u32> {
        array(self, at).map(u32::from_be_bytes)
    }

    fn be64(&self, at: usize) -> Option<u64> {
        array(self, at).map(u64::from_be_bytes)
    }
}

/// Whether all bytes are zero. The first word decides for most pages that are not.
pub(crate) fn all_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<64>();
    words.iter().all(|word| *word == [0; 64]) && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_end_with_the_bytes() {
        let bytes: &[u8] = &[1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(bytes.be16(6), Some(0x0708));
        assert_eq!(bytes.be32(5), None);
        assert_eq!(bytes.be64(usize::MAX), None);
    }

    #[test]
    fn one_bit_anywhere_is_not_zero() {
        for at in [0, 63, 64, 1023, 1029] {
            let mut page = vec![0; 1030];
            assert!(all_zero(&page));
            page[at] = 1;
            assert!(!all_zero(&page), "{at}");
        }
    }
}
