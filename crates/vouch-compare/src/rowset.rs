//! The identities and digests of a chunk's rows, packed.

use crate::digest::RowDigest;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use vouch_convert::to_size;

/// Rows that were read, in the order in which they came.
#[derive(Clone, Default)]
pub struct RowSet {
    identities: Vec<u8>,
    rows: Vec<(u32, RowDigest)>,
}

impl RowSet {
    /// Adds a row. False when the set is full: its identities outgrow 4 GiB.
    pub fn push(&mut self, identity: &[u8], digest: RowDigest) -> bool {
        self.identities.extend_from_slice(identity);
        let Ok(end) = u32::try_from(self.identities.len()) else { return false };
        self.rows.push((end, digest));
        true
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.identities.capacity().saturating_add(self.rows.capacity().saturating_mul(32))
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], RowDigest)> {
        let mut start = 0;
        self.rows.iter().map(move |&(end, digest)| {
            let end = to_size(end);
            let identity = self.identities.get(start..end).unwrap_or_default();
            start = end;
            (identity, digest)
        })
    }

    /// The identities under which the two sets hold different rows, or different
    /// numbers of equal ones, in no certain order. Empty for equal sets, in
    /// whatever order their rows came.
    pub fn differing(&self, other: &RowSet) -> Vec<Vec<u8>> {
        type Balance<'a> = HashMap<&'a [u8], (i64, RowDigest), BuildHasherDefault<DefaultHasher>>;
        let mut balance = Balance::with_capacity_and_hasher(self.len(), BuildHasherDefault::default());
        for (identity, digest) in self.iter() {
            let entry = balance.entry(identity).or_default();
            *entry = (entry.0.wrapping_add(1), entry.1.wrapping_add(digest));
        }
        for (identity, digest) in other.iter() {
            let entry = balance.entry(identity).or_default();
            *entry = (entry.0.wrapping_sub(1), entry.1.wrapping_sub(digest));
        }
        balance.into_iter().filter(|(_, left)| *left != (0, 0)).map(|(identity, _)| identity.to_vec()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(rows: &[(u8, u8)]) -> RowSet {
        let mut set = RowSet::default();
        for (key, digest) in rows {
            assert!(set.push(&[*key], u128::from(*digest)));
        }
        set
    }

    proptest! {
        #[test]
        fn a_diff_of_equal_data_is_empty(
            (rows, shuffled) in prop::collection::vec((any::<u8>(), any::<u8>()), 0..60)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
        ) {
            prop_assert!(set(&rows).differing(&set(&shuffled)).is_empty());
        }

        #[test]
        fn a_changed_row_is_exactly_what_differs(rows in prop::collection::btree_map(any::<u8>(), 1u8..9, 1..60), at in any::<prop::sample::Index>()) {
            let before: Vec<_> = rows.into_iter().collect();
            let mut after = before.clone();
            let at = at.index(after.len());
            after[at].1 = 0;
            prop_assert_eq!(set(&before).differing(&set(&after)), vec![vec![before[at].0]]);
        }
    }

    #[test]
    fn duplicates_do_not_cancel() {
        assert_eq!(set(&[(1, 1), (1, 1)]).differing(&set(&[(2, 2), (2, 2)])).len(), 2);
        assert_eq!(set(&[(1, 1), (1, 1)]).differing(&set(&[(1, 1)])).len(), 1);
    }
}
