//! Combining the SHA-256 of rows into one value: [`Folded`].

use crate::request::Fold;
use vouch_manifest::Sha256;

/// The rows so far.
pub struct Folded {
    fold: Fold,
    sum: [u8; 32],
    /// Rows that were added.
    pub rows: u64,
}

impl Folded {
    /// No rows.
    pub fn new(fold: Fold) -> Self {
        Folded { fold, sum: [0; 32], rows: 0 }
    }

    /// Adds an encoded row.
    pub fn add(&mut self, row: &[u8]) {
        let digest = Sha256::of(row);
        self.rows = self.rows.wrapping_add(1);
        match self.fold {
            Fold::Xor => self.sum.iter_mut().zip(digest).for_each(|(sum, byte)| *sum ^= byte),
            Fold::Sum => self.carry(&digest),
        }
    }

    /// Addition of big-endian numbers modulo 2^256.
    fn carry(&mut self, digest: &[u8; 32]) {
        let mut carry = 0;
        for (sum, &byte) in self.sum.iter_mut().zip(digest).rev() {
            let total = u16::from(*sum).wrapping_add(u16::from(byte)).wrapping_add(carry);
            let [high, low] = total.to_be_bytes();
            (*sum, carry) = (low, u16::from(high));
        }
    }

    /// The value for a manifest.
    pub fn value(&self) -> String {
        spelled(self.fold, &self.sum)
    }
}

/// `xor:` or `sum:` and 64 hexadecimal digits.
pub fn spelled(fold: Fold, sum: &[u8; 32]) -> String {
    let name = match fold {
        Fold::Xor => "xor:",
        Fold::Sum => "sum:",
    };
    sum.iter().fold(name.to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// How the value of a manifest was combined.
pub fn of_value(value: &str) -> Option<Fold> {
    match value.get(..4) {
        Some("xor:") => Some(Fold::Xor),
        Some("sum:") => Some(Fold::Sum),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fold: Fold, rows: &[&str]) -> String {
        let mut folded = Folded::new(fold);
        rows.iter().for_each(|row| folded.add(row.as_bytes()));
        folded.value()
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_duplicates_do_where_there_may_be_some() {
        for fold in [Fold::Xor, Fold::Sum] {
            assert_eq!(of(fold, &["a", "b", "c"]), of(fold, &["c", "a", "b"]));
            assert_ne!(of(fold, &["a", "b"]), of(fold, &["a", "c"]));
        }
        assert_eq!(of(Fold::Xor, &["a", "a"]), of(Fold::Xor, &["b", "b"]));
        assert_ne!(of(Fold::Sum, &["a", "a"]), of(Fold::Sum, &["b", "b"]));
    }

    #[test]
    fn a_sum_carries_and_wraps() {
        let mut folded = Folded { fold: Fold::Sum, sum: [0xff; 32], rows: 0 };
        let mut one = [0; 32];
        one[31] = 1;
        folded.carry(&one);
        assert_eq!(folded.sum, [0; 32]);
        assert_eq!(of_value(&folded.value()), Some(Fold::Sum));
    }
}
