//! Counts by kind, cheap where one kind follows itself: [`Counts`].

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

/// How often each kind was met. Pages come in runs of one kind, which touch no map.
#[derive(Clone, Debug)]
pub(crate) struct Counts<K> {
    run: Option<(K, u64)>,
    rest: HashMap<K, u64>,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Counts { run: None, rest: HashMap::new() }
    }
}

impl<K: Copy + Ord + Hash> Counts<K> {
    /// Counts one more of `kind`.
    pub(crate) fn add(&mut self, kind: K) {
        match &mut self.run {
            Some((known, count)) if *known == kind => *count += 1,
            _ => {
                self.end_run();
                self.run = Some((kind, 1));
            }
        }
    }

    /// Adds what others have counted.
    pub(crate) fn merge(&mut self, other: Counts<K>) {
        let counts = other.rest.into_iter().chain(other.run);
        counts.for_each(|(kind, count)| *self.rest.entry(kind).or_default() += count);
    }

    fn end_run(&mut self) {
        if let Some((kind, count)) = self.run.take() {
            *self.rest.entry(kind).or_default() += count;
        }
    }

    /// The counts with names, the highest first.
    pub(crate) fn ranked(&self, name: impl Fn(K) -> String) -> Vec<(String, u64)> {
        let mut all = self.clone();
        all.end_run();
        let mut ranked: Vec<(K, u64)> = all.rest.into_iter().collect();
        ranked.sort_by_key(|(kind, count)| (Reverse(*count), *kind));
        ranked.into_iter().map(|(kind, count)| (name(kind), count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_single_ones_are_counted_alike() {
        let mut counts = Counts::default();
        [3, 3, 5, 3, 7, 7].into_iter().for_each(|kind| counts.add(kind));
        let mut other = Counts::default();
        other.add(7);
        counts.merge(other);
        let ranked = counts.ranked(|kind| kind.to_string());
        assert_eq!(ranked, [("3".to_owned(), 3), ("7".to_owned(), 3), ("5".to_owned(), 1)]);
    }
}
