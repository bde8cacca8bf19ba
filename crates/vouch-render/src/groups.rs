//! Findings by place and skips by reason, in the order in which they came.
//!
//! Main functions: [`by_place`], [`by_reason`]. Invariant: every item is in
//! exactly one group.

use std::collections::HashMap;
use std::hash::Hash;
use vouch_report::{Code, Finding, Location, Skip};

/// Findings of one table on one replica, or of one file.
pub(crate) struct Place<'a> {
    pub(crate) location: &'a Location,
    pub(crate) findings: Vec<&'a Finding>,
}

impl<'a> Place<'a> {
    fn of(findings: Vec<&'a Finding>) -> Option<Self> {
        let location = &findings.first()?.location;
        Some(Place { location, findings })
    }
}

/// Skips with the same code and reason.
pub(crate) struct Reason<'a> {
    pub(crate) code: Code,
    pub(crate) reason: &'a str,
    pub(crate) skips: Vec<&'a Skip>,
}

/// The findings by table and replica, or by file.
pub(crate) fn by_place(findings: &[Finding]) -> Vec<Place<'_>> {
    let groups = grouped(findings, |finding| {
        let location = &finding.location;
        let file = location.file.as_ref().map(|place| place.file.as_str());
        (location.table.as_deref(), location.replica.as_deref(), file)
    });
    groups.into_iter().filter_map(|(_, findings)| Place::of(findings)).collect()
}

/// The skips by code and reason.
pub(crate) fn by_reason(skips: &[Skip]) -> Vec<Reason<'_>> {
    let groups = grouped(skips, |skip| (skip.code, skip.reason.as_str()));
    groups.into_iter().map(|((code, reason), skips)| Reason { code, reason, skips }).collect()
}

fn grouped<'a, T, K: Copy + Eq + Hash>(items: &'a [T], key: impl Fn(&'a T) -> K) -> Vec<(K, Vec<&'a T>)> {
    let mut groups: Vec<(K, Vec<&'a T>)> = Vec::new();
    let mut index = HashMap::new();
    for item in items {
        let key = key(item);
        let at = *index.entry(key).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((_, group)) => group.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    groups
}
