//! Nodes held against each other: links between siblings, and levels: [`Tree`].
//!
//! This needs all pages of a tablespace as of one moment, so that its faults
//! are damage only in a file that was shut down, prepared or exported.

use crate::{IndexFacts, NO_PAGE, PageNo};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// A node's place in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The node.
    pub page: PageNo,
    /// Its neighbour on the left, or [`NO_PAGE`].
    pub prev: u32,
    /// Its neighbour on the right, or [`NO_PAGE`].
    pub next: u32,
    /// Index, level and number of records.
    pub facts: IndexFacts,
}

/// What is wrong between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeFault {
    /// The neighbour on the right is no node of the same index and level.
    Stranger(PageNo),
    /// The neighbour on the right does not point back.
    NotReturned(PageNo),
    /// The node points left to a page that does not point right to it.
    Unreached(PageNo),
    /// A level does not have exactly one leftmost node.
    Heads(usize),
    /// The parents of a level count another number of children than it has nodes.
    Children {
        /// As the parents count.
        counted: u64,
        /// As there are.
        nodes: u64,
    },
    /// The uppermost level has more than one node.
    Roots(u64),
}

impl fmt::Display for TreeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TreeFault::Stranger(next) => {
                write!(f, "its neighbour, page {next}, is no node of the same index and level")
            }
            TreeFault::NotReturned(next) => write!(f, "its neighbour, page {next}, does not point back to it"),
            TreeFault::Unreached(prev) => write!(f, "it points back to page {prev}, which does not point to it"),
            TreeFault::Heads(count) => write!(f, "the level has {count} leftmost nodes instead of one"),
            TreeFault::Children { counted, nodes } => {
                write!(f, "the level above counts {counted} children, there are {nodes} nodes")
            }
            TreeFault::Roots(count) => write!(f, "the uppermost level has {count} nodes instead of one root"),
        }
    }
}

/// The nodes of one index.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    levels: BTreeMap<u16, Vec<Link>>,
}

impl Tree {
    /// Adds a node.
    pub fn add(&mut self, link: Link) {
        self.levels.entry(link.facts.level).or_default().push(link);
    }

    /// The root, when the uppermost level is one node.
    pub fn root(&self) -> Option<PageNo> {
        match self.levels.last_key_value()?.1.as_slice() {
            [root] => Some(root.page),
            _ => None,
        }
    }

    /// Every fault, each with a page that it shows at.
    pub fn faults(&self) -> Vec<(PageNo, TreeFault)> {
        let mut faults: Vec<_> = self.levels.values().flat_map(|nodes| link_faults(nodes)).collect();
        faults.extend(self.root_fault());
        faults.extend(self.levels.keys().filter_map(|&level| self.count_fault(level)));
        faults
    }

    fn root_fault(&self) -> Option<(PageNo, TreeFault)> {
        match self.levels.last_key_value()?.1.as_slice() {
            [] | [_] => None,
            [first, ..] => Some((first.page, TreeFault::Roots(self.nodes(first.facts.level)))),
        }
    }

    fn nodes(&self, level: u16) -> u64 {
        self.levels.get(&level).map_or(0, |nodes| nodes.len() as u64)
    }

    /// The parents' counts against the nodes of `level`.
    fn count_fault(&self, level: u16) -> Option<(PageNo, TreeFault)> {
        let nodes = self.nodes(level);
        let parents = self.levels.get(&level.checked_add(1)?)?;
        let counted = parents.iter().map(|parent| u64::from(parent.facts.records)).sum();
        let first = self.levels.get(&level)?.first()?;
        (counted != nodes).then_some((first.page, TreeFault::Children { counted, nodes }))
    }
}

/// The faults of the links on one level.
fn link_faults(nodes: &[Link]) -> Vec<(PageNo, TreeFault)> {
    let by_page: HashMap<u32, &Link> = nodes.iter().map(|node| (node.page.0, node)).collect();
    let mut faults = Vec::new();
    for node in nodes {
        let next = (node.next != NO_PAGE).then_some(PageNo(node.next));
        let right = next.map(|next| (next, by_page.get(&next.0)));
        let fault = match right {
            Some((next, None)) => Some(TreeFault::Stranger(next)),
            Some((next, Some(right))) if right.prev != node.page.0 => Some(TreeFault::NotReturned(next)),
            _ => None,
        };
        faults.extend(fault.map(|fault| (node.page, fault)));
        let left = (node.prev != NO_PAGE).then_some(PageNo(node.prev));
        let reached = left.is_none_or(|left| by_page.get(&left.0).is_some_and(|left| left.next == node.page.0));
        if let Some(left) = left.filter(|_| !reached) {
            faults.push((node.page, TreeFault::Unreached(left)));
        }
    }
    let heads = nodes.iter().filter(|node| node.prev == NO_PAGE).count();
    if let Some(first) = nodes.first().filter(|_| heads != 1) {
        faults.push((first.page, TreeFault::Heads(heads)));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(page: u32, prev: u32, next: u32, level: u16, records: u16) -> Link {
        Link { page: PageNo(page), prev, next, facts: IndexFacts { index: 1, level, records } }
    }

    fn tree(links: &[Link]) -> Tree {
        let mut tree = Tree::default();
        links.iter().for_each(|link| tree.add(*link));
        tree
    }

    #[test]
    fn a_whole_tree_has_no_fault() {
        let root = link(3, NO_PAGE, NO_PAGE, 1, 2);
        let tree = tree(&[root, link(4, NO_PAGE, 5, 0, 9), link(5, 4, NO_PAGE, 0, 9)]);
        assert_eq!((tree.faults(), tree.root()), (vec![], Some(PageNo(3))));
    }

    #[test]
    fn each_damage_is_told() {
        let root = link(3, NO_PAGE, NO_PAGE, 1, 2);
        let cycle = tree(&[root, link(4, 5, 5, 0, 9), link(5, 4, 4, 0, 9)]);
        assert_eq!(cycle.faults(), [(PageNo(4), TreeFault::Heads(0))]);
        let lost = tree(&[root, link(4, NO_PAGE, 5, 0, 9)]);
        assert_eq!(
            lost.faults(),
            [(PageNo(4), TreeFault::Stranger(PageNo(5))), (PageNo(4), TreeFault::Children { counted: 2, nodes: 1 })]
        );
        let one_way = tree(&[root, link(4, NO_PAGE, 5, 0, 9), link(5, 7, NO_PAGE, 0, 9)]);
        assert_eq!(one_way.faults().len(), 2);
        let two_roots = tree(&[link(4, NO_PAGE, 5, 0, 9), link(5, 4, NO_PAGE, 0, 9)]);
        assert_eq!(two_roots.faults(), [(PageNo(4), TreeFault::Roots(2))]);
    }
}
