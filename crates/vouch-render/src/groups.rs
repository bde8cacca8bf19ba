//! Findings by place and skips by reason, in the order in which they came.
//!
//! Main functions: [`by_place`], [`by_reason`]. Invariant: every item is in
//! exactly one group.

use std::collections::HashMap;
use std::hash::Hash;
use vouch_report::{Code, Finding, Skip};

/// Findings of one table on one replica; either may be absent.
pub(crate) struct Place<'a> {
    pub(crate) table: Option<&'a str>,
    pub(crate) replica: Option<&'a str>,
    pub(crate) findings: Vec<&'a Finding>,
}

/// Skips with the same code and reason.
pub(crate) struct Reason<'a> {
    pub(crate) code: Code,
    pub(crate) reason: &'a str,
    pub(crate) skips: Vec<&'a Skip>,
}

/// The findings by table and replica.
pub(crate) fn by_place(findings: &[Finding]) -> Vec<Place<'_>> {
    let groups = grouped(findings, |finding| (finding.location.table.as_deref(), finding.location.replica.as_deref()));
    groups.into_iter().map(|((table, replica), findings)| Place { table, replica, findings }).collect()
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
