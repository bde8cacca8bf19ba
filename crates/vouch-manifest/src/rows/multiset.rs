//! One value over rows without an order: [`MultisetHash`].
//!
//! LtHash (Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing", 1997): each row is
//! expanded to 2048 bytes, which are added lane by lane. Finding other rows with the same sum is a
//! short-vector problem in a lattice, not linear algebra as with XOR.
//!
//! Lanes have 64 bits. Lanes of 16 bits, which others use for sets, would not see 65,536 equal rows
//! become 65,536 other equal ones, and a table without a key may well have that many.

use crate::digest::{Sha256, hex};

/// Lanes of the state.
const LANES: usize = 256;
/// Bytes of the state, and of an expanded row.
const STATE: usize = LANES * 8;
/// Keeps these values apart from all others that BLAKE3 is used for; part of the format.
const CONTEXT: &str = "vouch manifest v2 2026 row of a table without a key";

/// Digests rows in any order. Equal rows count as often as they occur.
pub struct MultisetHash {
    lanes: Box<[u64; LANES]>,
    expanded: Box<[u8; STATE]>,
    base: blake3::Hasher,
    rows: u64,
}

impl Default for MultisetHash {
    fn default() -> Self {
        MultisetHash {
            lanes: Box::new([0; LANES]),
            expanded: Box::new([0; STATE]),
            base: blake3::Hasher::new_derive_key(CONTEXT),
            rows: 0,
        }
    }
}

impl MultisetHash {
    /// Adds an encoded row.
    pub fn add(&mut self, row: &[u8]) {
        self.base.update(row).finalize_xof().fill(&mut self.expanded[..]);
        self.base.reset();
        let (words, _) = self.expanded.as_chunks::<8>();
        for (lane, word) in self.lanes.iter_mut().zip(words) {
            *lane = lane.wrapping_add(u64::from_le_bytes(*word));
        }
        self.rows = self.rows.saturating_add(1);
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// SHA-256 of the number of rows (8 bytes, big-endian) and the lanes (little-endian), in hexadecimal digits.
    pub fn finish(&self) -> String {
        let mut digest = Sha256::default();
        digest.update(&self.rows.to_be_bytes());
        self.lanes.iter().for_each(|lane| digest.update(&lane.to_le_bytes()));
        hex(&digest.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(rows: &[(&str, u32)]) -> String {
        let mut hash = MultisetHash::default();
        for (row, times) in rows {
            (0..*times).for_each(|_| hash.add(row.as_bytes()));
        }
        hash.finish()
    }

    #[test]
    fn order_does_not_matter_and_how_often_a_row_occurs_does() {
        assert_eq!(value(&[("a", 1), ("b", 2)]), value(&[("b", 1), ("a", 1), ("b", 1)]));
        assert_ne!(value(&[("a", 2), ("b", 1)]), value(&[("a", 1), ("b", 2)]));
        assert_ne!(value(&[("a", 2)]), value(&[("b", 2)]));
        assert_ne!(value(&[("", 1)]), value(&[]));
    }

    /// With lanes of 16 bits, 65,536 equal rows that all changed alike had the value of those before: an
    /// UPDATE of a whole log table would have passed as VALID.
    #[test]
    fn many_equal_rows_do_not_cancel_out() {
        assert_ne!(value(&[("a", 65_536)]), value(&[("b", 65_536)]));
    }
}
