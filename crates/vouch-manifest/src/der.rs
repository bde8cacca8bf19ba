//! The little of DER that keys and signatures need.

/// Splits the first element of `bytes`, of that tag, into its contents and what follows.
pub fn take(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0_usize, |sum, &digit| (sum << 8) | usize::from(digit)), rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}

/// An element of that tag.
pub fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match contents.len() {
        short @ 0..=0x7f => out.push(u8::try_from(short).unwrap_or(0)),
        long => {
            let digits: Vec<u8> = long.to_be_bytes().into_iter().skip_while(|&digit| digit == 0).collect();
            out.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
            out.extend(digits);
        }
    }
    out.extend_from_slice(contents);
    out
}

/// A positive INTEGER of a big-endian magnitude.
pub fn integer(magnitude: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = magnitude.iter().copied().skip_while(|&digit| digit == 0).collect();
    if digits.first().is_none_or(|&first| first >= 0x80) {
        digits.insert(0, 0);
    }
    element(INTEGER, &digits)
}

pub const INTEGER: u8 = 2;
pub const BIT_STRING: u8 = 3;
pub const OCTET_STRING: u8 = 4;
pub const OID: u8 = 6;
pub const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_element_reads_back(contents in prop::collection::vec(any::<u8>(), 0..70_000), tail in any::<[u8; 3]>()) {
            let mut bytes = element(SEQUENCE, &contents);
            bytes.extend(tail);
            let (inner, rest) = take(&bytes, SEQUENCE).unwrap();
            prop_assert_eq!((inner, rest), (contents.as_slice(), tail.as_slice()));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            take(&bytes, SEQUENCE);
        }
    }

    #[test]
    fn integers_stay_positive() {
        assert_eq!(integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[]), [2, 1, 0]);
    }
}
