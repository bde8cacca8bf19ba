//! What of a node's records can be told when a little is known of their table: [`KeyPrefix`], the order of their
//! keys; and [`lengths_fit`], where records tell their lengths themselves.

use crate::IndexFacts;
use crate::bytes::Field;
use crate::index::{REDUNDANT_EXTRA, origins, redundant_lengths};

/// What stands in front of a record, in which its first byte has these bits.
const COMPACT_EXTRA: usize = 5;
/// The record is the least of its level, whatever key it has.
const LEAST: u8 = 0x10;

/// The beginning of a key that is compared byte by byte: fields of fixed lengths that are never NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPrefix {
    /// Its length.
    pub bytes: usize,
    /// No two records of a leaf have the same.
    pub unique: bool,
}

impl KeyPrefix {
    /// The first record of a node, by its place, whose key is not behind the one before it. `last` is the key before
    /// the node, and becomes its last one. A node whose chain of records is damaged is left out.
    pub fn disorder(&self, page: &[u8], last: &mut Vec<u8>) -> Option<usize> {
        let Some((records, _, compact)) = origins(page) else {
            last.clear();
            return None;
        };
        let unique = self.unique && IndexFacts::read(page)?.level == 0;
        let extra = if compact { COMPACT_EXTRA } else { REDUNDANT_EXTRA };
        for at in records {
            let key = page.get(at..at.checked_add(self.bytes)?)?;
            if page.byte(at.checked_sub(extra)?)? & LEAST != 0 {
                continue;
            }
            let before = last.as_slice();
            if !before.is_empty() && (before > key || unique && before == key) {
                return Some(at);
            }
            last.clear();
            last.extend_from_slice(key);
        }
        None
    }
}

/// Whether the records of a node are as long together as its header says, and none reaches into the next one;
/// `None` where records do not tell how long they are.
pub fn lengths_fit(page: &[u8]) -> Option<bool> {
    let (mut records, top, compact) = origins(page)?;
    if compact {
        return None;
    }
    records.sort_unstable();
    let (mut sum, mut behind) = (0, 0);
    for at in records {
        let (front, data) = redundant_lengths(page, at)?;
        if at.checked_sub(front).is_none_or(|begin| begin < behind) {
            return Some(false);
        }
        behind = at + data;
        sum += front + data;
    }
    Some(behind <= top && IndexFacts::data_bytes(page).map(usize::from) == Some(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A compact leaf with two records of a key of four bytes.
    fn leaf(keys: [u32; 2]) -> Vec<u8> {
        let mut page = vec![0; 4096];
        page[38..46].copy_from_slice(&[0, 2, 0, 146, 0x80, 4, 0, 0]);
        page[55] = 2;
        for (at, next) in [(99, 125), (125, 138), (138, 112_usize)] {
            let difference = (next.wrapping_sub(at) as u16).to_be_bytes();
            page[at - 2..at].copy_from_slice(&difference);
        }
        for (at, key) in [125, 138].into_iter().zip(keys) {
            page[at..at + 4].copy_from_slice(&key.to_be_bytes());
        }
        page
    }

    const PREFIX: KeyPrefix = KeyPrefix { bytes: 4, unique: true };

    #[test]
    fn keys_rise_within_a_node_and_into_the_next_one() {
        let mut last = Vec::new();
        assert_eq!(PREFIX.disorder(&leaf([3, 9]), &mut last), None);
        assert_eq!(PREFIX.disorder(&leaf([9, 12]), &mut last), Some(125), "the same key again");
        assert_eq!(KeyPrefix { unique: false, ..PREFIX }.disorder(&leaf([9, 12]), &mut last), None);
        assert_eq!(PREFIX.disorder(&leaf([13, 2]), &mut last), Some(138));
        let mut least = leaf([13, 2]);
        least[65] = 1;
        least[120] |= LEAST;
        assert_eq!(PREFIX.disorder(&least, &mut Vec::new()), None, "the least of its level");
    }

    /// A node of ROW_FORMAT=REDUNDANT with a record of one field of four bytes.
    fn redundant(front: u8) -> Vec<u8> {
        let mut page = vec![0; 4096];
        page[38..46].copy_from_slice(&[0, 2, 0, 136, 0, 3, 0, 0]);
        page[55] = 1;
        page[99..101].copy_from_slice(&132_u16.to_be_bytes());
        page[130..132].copy_from_slice(&116_u16.to_be_bytes());
        page[128..130].copy_from_slice(&(1_u16 << 1 | 1).to_be_bytes());
        page[125] = front;
        page
    }

    #[test]
    fn lengths_add_up_to_what_the_header_says() {
        assert_eq!(lengths_fit(&redundant(4)), Some(true));
        assert_eq!(lengths_fit(&redundant(5)), Some(false));
        assert_eq!(lengths_fit(&leaf([1, 2])), None);
    }

    proptest! {
        #[test]
        fn no_node_panics(at in 0_usize..300, bytes in prop::collection::vec(any::<u8>(), 4), old in any::<bool>()) {
            let mut page = if old { redundant(4) } else { leaf([1, 2]) };
            page[at..at + 4].copy_from_slice(&bytes);
            lengths_fit(&page);
            PREFIX.disorder(&page, &mut Vec::new());
        }
    }
}
