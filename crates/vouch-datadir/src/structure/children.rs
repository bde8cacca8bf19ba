//! Children that nodes name, held against the nodes of the level below: [`faults`].
//!
//! The records of a level name the nodes of the level below, in their order from left to right. Nodes above the
//! leaves are few, so they are read once more.

use super::Known;
use crate::unit::BadPage;
use std::collections::BTreeMap;
use std::collections::HashSet;
use vouch_innodb::{Checker, Link, NO_PAGE, NodePointers, PageNo, PageType};
use vouch_report::Code;

/// The leftmost node of each level of each index.
pub(super) type Heads = BTreeMap<(u64, u16), PageNo>;

/// Nodes that are not where their parents say. The links between neighbours and all counts are right.
pub(super) fn faults(known: &Known) -> Vec<BadPage> {
    let heads = heads(known);
    let mut checker = Checker::new(known.job.space.format, known.job.space.id);
    let above = heads.iter().filter(|((_, level), _)| *level > 0);
    above.filter_map(|((index, level), head)| level_fault(known, &mut checker, &heads, *index, *level, *head)).collect()
}

/// The leftmost node of each level.
pub(super) fn heads(known: &Known) -> Heads {
    let leftmost = known.nodes().filter(|link| link.prev == NO_PAGE);
    leftmost.map(|link| ((link.facts.index, link.facts.level), link.page)).collect()
}

/// The nodes from this one on to the right.
pub(super) fn to_the_right<'a>(known: &'a Known, head: PageNo) -> impl Iterator<Item = Link> + 'a {
    let next = |link: &Link| (link.next != NO_PAGE).then_some(PageNo(link.next)).and_then(|page| known.node(page));
    std::iter::successors(known.node(head), next).take(known.facts.len())
}

/// The first child on a level that is not where its parent says.
fn level_fault(
    known: &Known,
    checker: &mut Checker,
    heads: &Heads,
    index: u64,
    level: u16,
    head: PageNo,
) -> Option<BadPage> {
    let below = *heads.get(&(index, level.checked_sub(1)?))?;
    let spatial = known.fact(head)?.page_type == PageType::RTREE;
    // Children of an R-tree are in no order.
    let mut nodes: HashSet<PageNo> =
        if spatial { to_the_right(known, below).map(|link| link.page).collect() } else { HashSet::new() };
    let mut expected = to_the_right(known, below);
    let mut page = vec![0; known.job.space.page_size().bytes()];
    for parent in to_the_right(known, head) {
        known.read_again(parent.page, &mut page)?;
        let (format, page_type) = (known.job.space.format, known.fact(parent.page)?.page_type);
        let pointers = NodePointers::read(&format, checker.check(parent.page, &page).image?, page_type)?;
        for number in 0..pointers.count() {
            let message = if spatial {
                let child = pointers.child(number)?;
                (!nodes.remove(&child))
                    .then(|| format!("its child {number} is page {child}, which is none or has two parents"))
            } else {
                let child = expected.next()?.page;
                (!pointers.may_be(number, child))
                    .then(|| format!("its child {number} should be page {child}, by the order of the level below"))
            };
            if let Some(message) = message {
                return Some(BadPage { page: parent.page, code: Code::IndexTree, message, index: Some(index) });
            }
        }
    }
    None
}
