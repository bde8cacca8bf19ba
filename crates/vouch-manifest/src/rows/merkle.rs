//! One value over the ranges of a table: [`merkle_root`].
//!
//! A binary tree as in RFC 6962, section 2.1: the left part has the greatest power of two of leaves
//! that leaves at least one for the right part. Leaves begin with 0, nodes with 1, so that no node
//! can pass for a leaf.
//!
//! ```text
//! leaf = SHA-256(00 ‖ rows ‖ SHA-256 of the rows ‖ end)        rows: 8 bytes, big-endian
//! end  = 00, or 01 ‖ (length ‖ text) for each key column       length: 4 bytes, big-endian
//! node = SHA-256(01 ‖ left ‖ right)
//! ```

use super::facts::RangeFacts;
use crate::digest::{Sha256, hex, unhex};
use vouch_convert::narrow;

type Hash = [u8; 32];

/// The root of the tree over `ranges`, in hexadecimal digits; `None` when there is no range, or the
/// digest of one is not SHA-256.
pub fn merkle_root(ranges: &[RangeFacts]) -> Option<String> {
    let leaves = ranges.iter().map(leaf).collect::<Option<Vec<Hash>>>()?;
    subtree(&leaves).map(|root| hex(&root))
}

fn leaf(range: &RangeFacts) -> Option<Hash> {
    let mut bytes = vec![0];
    bytes.extend(range.rows.to_be_bytes());
    bytes.extend(unhex(&range.sha256)?);
    bytes.push(u8::from(range.upto.is_some()));
    for text in range.upto.iter().flatten() {
        bytes.extend(narrow::<u32, _>(text.len())?.to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    Some(Sha256::of(&bytes))
}

fn subtree(leaves: &[Hash]) -> Option<Hash> {
    match leaves {
        [] => None,
        [leaf] => Some(*leaf),
        _ => {
            let (left, right) = leaves.split_at_checked(leaves.len().div_ceil(2).next_power_of_two())?;
            let mut bytes = vec![1];
            bytes.extend(subtree(left)?);
            bytes.extend(subtree(right)?);
            Some(Sha256::of(&bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn range(upto: Option<&str>, rows: u64) -> RangeFacts {
        RangeFacts { upto: upto.map(|text| vec![text.to_owned()]), rows, sha256: hex(&Sha256::of(&[1, 2, 3])) }
    }

    #[test]
    fn trees_split_at_the_greatest_power_of_two() {
        let leaves: Vec<Hash> = (0..7_u8).map(|number| [number; 32]).collect();
        let node = |left: Hash, right: Hash| Sha256::of(&[&[1][..], &left[..], &right[..]].concat());
        let four = node(node(leaves[0], leaves[1]), node(leaves[2], leaves[3]));
        assert_eq!(subtree(&leaves[..1]), Some(leaves[0]));
        assert_eq!(subtree(&leaves[..3]), Some(node(node(leaves[0], leaves[1]), leaves[2])));
        assert_eq!(subtree(&leaves[..4]), Some(four));
        assert_eq!(subtree(&leaves[..5]), Some(node(four, leaves[4])));
        assert_eq!(subtree(&leaves), Some(node(four, node(node(leaves[4], leaves[5]), leaves[6]))));
    }

    #[test]
    fn ends_counts_and_order_are_part_of_the_root() {
        let good = [range(Some("5"), 2), range(None, 1)];
        let root = merkle_root(&good).unwrap();
        for other in [
            vec![range(Some("6"), 2), range(None, 1)],
            vec![range(Some("5"), 1), range(None, 2)],
            vec![range(Some("5"), 2)],
            vec![range(None, 1), range(Some("5"), 2)],
            vec![range(Some("5"), 2), range(Some(""), 1)],
        ] {
            assert_ne!(merkle_root(&other).unwrap(), root);
        }
        assert_eq!(merkle_root(&[]), None);
    }
}
