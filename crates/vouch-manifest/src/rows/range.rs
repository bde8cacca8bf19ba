//! The digest of one range of rows: [`RangeHasher`].

use super::encode::WrongField;
use crate::digest::Sha256;

/// Bytes that are collected before they are hashed: a call for each row would cost as much as hashing it.
const BLOCK: usize = 16 << 10;

/// Digests rows in the order of the key: SHA-256 over each encoded row, after its length in four
/// bytes, big-endian.
#[derive(Default)]
pub struct RangeHasher {
    digest: Sha256,
    pending: Vec<u8>,
    rows: u64,
    bytes: u64,
}

impl RangeHasher {
    /// Adds the row that `encode` appends.
    ///
    /// # Errors
    /// The row could not be encoded, or is longer than 4 GiB. The digest is then of no use.
    pub fn add(&mut self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), WrongField>) -> Result<(), WrongField> {
        let start = self.pending.len();
        self.pending.extend([0; 4]);
        encode(&mut self.pending)?;
        let length = self.pending.len().saturating_sub(start).saturating_sub(4);
        let length = u32::try_from(length).map_err(|_| WrongField)?;
        let place = self.pending.get_mut(start..start.saturating_add(4)).ok_or(WrongField)?;
        place.copy_from_slice(&length.to_be_bytes());
        self.rows = self.rows.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::from(length));
        if self.pending.len() >= BLOCK {
            self.digest.update(&self.pending);
            self.pending.clear();
        }
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of the encoded rows so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the range: its rows and its digest in hexadecimal digits. The next row begins another one.
    pub fn finish(&mut self) -> (u64, String) {
        let mut ended = std::mem::take(self);
        ended.digest.update(&ended.pending);
        ended.pending.clear();
        self.pending = ended.pending;
        (ended.rows, ended.digest.finish_hex())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::digest::sha256_hex;

    fn add(hasher: &mut RangeHasher, row: &[u8]) {
        let encode = |out: &mut Vec<u8>| {
            out.extend_from_slice(row);
            Ok(())
        };
        hasher.add(encode).unwrap();
    }

    fn digest(rows: &[&[u8]]) -> (u64, String) {
        let mut hasher = RangeHasher::default();
        for row in rows {
            add(&mut hasher, row);
        }
        hasher.finish()
    }

    #[test]
    fn rows_are_framed_so_that_bytes_cannot_move_from_one_to_the_next() {
        assert_eq!(digest(&[b"ab", b"c"]), (2, sha256_hex(b"\0\0\0\x02ab\0\0\0\x01c")));
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_ne!(digest(&[b"a", b"b"]), digest(&[b"b", b"a"]));
        assert_eq!(digest(&[]), (0, sha256_hex(b"")));
    }

    #[test]
    fn a_range_begins_anew_and_blocks_do_not_show() {
        let long = vec![7; BLOCK + 5];
        let mut hasher = RangeHasher::default();
        add(&mut hasher, &long);
        add(&mut hasher, b"x");
        assert_eq!((hasher.rows(), hasher.bytes()), (2, u64::try_from(long.len()).unwrap() + 1));
        assert_eq!(hasher.finish(), digest(&[&long, b"x"]));
        add(&mut hasher, b"y");
        assert_eq!(hasher.finish(), digest(&[b"y"]));
    }
}
