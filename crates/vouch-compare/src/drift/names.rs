//! Names of two sides: which are the same, and what belongs together.

use crate::plan::same_name;

/// What two lists of named things have in common.
pub struct Matched<'a, T> {
    /// The same thing under one name or two.
    pub same: Vec<(&'a T, &'a T)>,
    /// Different things under one name.
    pub changed: Vec<(&'a T, &'a T)>,
    /// On the source only.
    pub source_only: Vec<&'a T>,
    /// On the replica only.
    pub replica_only: Vec<&'a T>,
}

/// Brings two lists together: first what has both name and meaning, then what has the meaning, then what has the name.
pub fn matched<'a, T>(
    source: &'a [T],
    replica: &'a [T],
    name: impl Fn(&T) -> &str,
    same_meaning: impl Fn(&T, &T) -> bool,
) -> Matched<'a, T> {
    let mut left: Vec<&T> = source.iter().collect();
    let mut right: Vec<&T> = replica.iter().collect();
    let named = |a: &T, b: &T| same_name(name(a), name(b));
    let mut same = take_pairs(&mut left, &mut right, |a, b| named(a, b) && same_meaning(a, b));
    same.extend(take_pairs(&mut left, &mut right, &same_meaning));
    let changed = take_pairs(&mut left, &mut right, named);
    Matched { same, changed, source_only: left, replica_only: right }
}

/// Takes out of both lists what belongs together.
fn take_pairs<'a, T>(
    left: &mut Vec<&'a T>,
    right: &mut Vec<&'a T>,
    together: impl Fn(&T, &T) -> bool,
) -> Vec<(&'a T, &'a T)> {
    let mut pairs = Vec::new();
    left.retain(|a| match right.iter().position(|b| together(a, b)) {
        Some(at) => {
            pairs.push((*a, right.remove(at)));
            false
        }
        None => true,
    });
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_meaning_is_paired_before_what_has_the_name() {
        let (source, replica) = ([("a", 1), ("b", 2), ("c", 3)], [("b", 1), ("A", 2), ("C", 4), ("d", 5)]);
        let matched = matched(&source, &replica, |one| one.0, |a, b| a.1 == b.1);
        assert_eq!(matched.same, [(&("a", 1), &("b", 1)), (&("b", 2), &("A", 2))]);
        assert_eq!(matched.changed, [(&("c", 3), &("C", 4))]);
        assert!(matched.source_only.is_empty());
        assert_eq!(matched.replica_only, [&("d", 5)]);
    }
}
