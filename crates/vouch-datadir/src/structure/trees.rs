//! Nodes of trees held against each other: [`faults`].

use super::Known;
use crate::unit::BadPage;
use vouch_innodb::{Forest, PageNo, TreeFault};
use vouch_report::Code;

/// The faults between sound nodes. Where a page is damaged or not known, only what two sound
/// neighbours say of each other counts: everything else may follow from that page.
pub(super) fn faults(known: &Known) -> Vec<BadPage> {
    let certain = |fault: &TreeFault| known.whole || matches!(fault, TreeFault::NotReturned(_));
    let (mut forest, mut faults) = (Forest::default(), Vec::new());
    for link in known.nodes() {
        forest.add(&link);
        faults.extend(link.faults(|page| known.node(page)).map(|fault| (link.page, link.facts.index, fault)));
    }
    faults.extend(forest.faults());
    faults.retain(|(_, _, fault)| certain(fault));
    let mut told: Vec<BadPage> = faults
        .into_iter()
        .map(|(page, index, fault)| {
            linked_and_free(known, page, index, fault).unwrap_or_else(|| BadPage {
                page,
                code: Code::IndexTree,
                message: fault.to_string(),
                index: Some(index),
            })
        })
        .collect();
    told.dedup();
    told
}

/// A neighbour that is right, but for its extent descriptor.
fn linked_and_free(known: &Known, page: PageNo, index: u64, fault: TreeFault) -> Option<BadPage> {
    let (TreeFault::Stranger(other) | TreeFault::Unreached(other)) = fault else { return None };
    let free = known.extents.in_use(other) == Some(false);
    let link = known.fact(other).and_then(|fact| fact.former(other)).filter(|_| free)?;
    let linked = link.facts.index == index && (link.prev == page.0 || link.next == page.0);
    let message = format!("its neighbour, page {page}, and it point at each other, and it counts as free");
    linked.then_some(BadPage { page: other, code: Code::ExtentMap, message, index: Some(index) })
}
