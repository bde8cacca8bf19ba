//! Extents, segments and the trees in them: [`faults`].

use super::Known;
use crate::unit::BadPage;
use std::collections::HashMap;
use vouch_innodb::{Allocation, Link, PageNo};
use vouch_report::Code;

/// What does not fit between extent descriptors, inodes and nodes.
pub(super) fn faults(known: &Known) -> Vec<BadPage> {
    let Some(first_page) = known.kept.first_page.as_ref().filter(|_| !known.kept.left_out) else { return Vec::new() };
    let Some(mut allocation) = Allocation::new(known.job.space.format, first_page, known.extents) else {
        return Vec::new();
    };
    for (no, page) in known.kept.inodes.iter().filter(|(no, _)| known.extents.in_use(*no) == Some(true)) {
        allocation.add(*no, page);
    }
    let mut faults: Vec<BadPage> = allocation
        .faults()
        .into_iter()
        .map(|fault| {
            let code = if fault.segment.is_some() { Code::SegmentMap } else { Code::ExtentMap };
            BadPage { page: fault.page, code, message: fault.to_string(), index: None }
        })
        .collect();
    // Without segments that can be believed no page is in the right one.
    if faults.is_empty() {
        faults.extend(homes(known, &allocation));
    }
    faults
}

/// The segments of an index.
struct Home {
    root: PageNo,
    leaves: Option<u64>,
    others: Option<u64>,
}

/// Nodes that are not in a segment of their index.
fn homes(known: &Known, allocation: &Allocation) -> Vec<BadPage> {
    let homes = roots(known, allocation);
    let mut faults = Vec::new();
    let mut tell = |page, index, message: String| {
        faults.push(BadPage { page, code: Code::SegmentMap, message, index: Some(index) });
    };
    for (index, home) in &homes {
        if home.leaves.is_none() || home.others.is_none() {
            tell(home.root, *index, "the root of the index names a segment that there is not".to_owned());
        }
    }
    let (mut last, mut owners): (Option<(u64, &Home)>, _) = (None, allocation.owners());
    for link in known.nodes() {
        let index = link.facts.index;
        last = last.filter(|(known, _)| *known == index).or_else(|| Some((index, homes.get(&index)?)));
        let Some((_, home)) = last else { continue };
        let leaf = link.facts.level == 0 && link.page != home.root;
        let segment = if leaf { home.leaves } else { home.others };
        let owner = owners.of(link.page);
        if let (Some(segment), true) = (segment, owner != segment) {
            let owner = owner.map_or("none".to_owned(), |owner| format!("segment {owner}"));
            tell(
                link.page,
                index,
                format!("the page is one of segment {segment} by its index, and of {owner} by the inodes"),
            );
        }
    }
    faults
}

/// The roots of all indexes, with their segments. What a node on a lower level has at their place means nothing.
fn roots(known: &Known, allocation: &Allocation) -> HashMap<u64, Home> {
    let mut homes: HashMap<u64, (u16, Home)> = HashMap::new();
    for (page, root) in &known.kept.roots {
        let Some(Link { facts, .. }) = known.node(*page) else { continue };
        let segment = |(page, byte)| allocation.segment_at(page, byte);
        let home = Home { root: *page, leaves: segment(root.leaves), others: segment(root.others) };
        if homes.get(&facts.index).is_none_or(|(level, _)| *level < facts.level) {
            homes.insert(facts.index, (facts.level, home));
        }
    }
    homes.into_iter().map(|(index, (_, home))| (index, home)).collect()
}
