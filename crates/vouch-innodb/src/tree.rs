//! Nodes held against each other: [`Link::faults`] between siblings, [`Forest`] between levels.
//!
//! This needs all pages of a tablespace as of one moment, so that its faults
//! are damage only in a file that was shut down, prepared or exported.

use crate::{IndexFacts, NO_PAGE, PageNo};
use std::collections::BTreeMap;
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

/// What is known of one level of one index.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    nodes: u64,
    /// As the nodes of the level count.
    children: u64,
    heads: usize,
    first: PageNo,
}

/// The trees of a tablespace, as far as they can be told by counting nodes.
#[derive(Clone, Debug, Default)]
pub struct Forest {
    levels: BTreeMap<(u64, u16), Level>,
    /// Nodes of a level stand together mostly.
    current: Option<((u64, u16), Level)>,
}

impl Forest {
    /// Counts a node.
    pub fn add(&mut self, link: &Link) {
        let key = (link.facts.index, link.facts.level);
        let level = match &mut self.current {
            Some((known, level)) if *known == key => level,
            _ => {
                self.put_back();
                let fresh = Level { first: link.page, ..Level::default() };
                let level = self.levels.remove(&key).unwrap_or(fresh);
                &mut self.current.insert((key, level)).1
            }
        };
        level.nodes += 1;
        level.children += u64::from(link.facts.records);
        level.heads += usize::from(link.prev == NO_PAGE);
    }

    fn put_back(&mut self) {
        if let Some((key, level)) = self.current.take() {
            self.levels.insert(key, level);
        }
    }

    /// Every fault between levels, each with its index and a page that it shows at.
    pub fn faults(mut self) -> Vec<(PageNo, u64, TreeFault)> {
        self.put_back();
        self.levels.iter().flat_map(|(&(index, number), level)| self.level_faults(index, number, level)).collect()
    }

    fn level_faults(&self, index: u64, number: u16, level: &Level) -> Vec<(PageNo, u64, TreeFault)> {
        let heads = (level.heads != 1).then_some(TreeFault::Heads(level.heads));
        let last = self.levels.range((index, number)..=(index, u16::MAX)).nth(1).is_none();
        let roots = (last && level.nodes > 1).then_some(TreeFault::Roots(level.nodes));
        let above = number.checked_add(1).and_then(|above| self.levels.get(&(index, above)));
        let (counted, nodes) = (above.map_or(level.nodes, |above| above.children), level.nodes);
        let children = (counted != nodes).then_some(TreeFault::Children { counted, nodes });
        [heads, roots, children].into_iter().flatten().map(|fault| (level.first, index, fault)).collect()
    }
}

impl Link {
    /// What is wrong between the node and its neighbours; `find` knows all nodes by their pages.
    pub fn faults(&self, find: impl Fn(PageNo) -> Option<Link>) -> impl Iterator<Item = TreeFault> {
        let place = |facts: IndexFacts| (facts.index, facts.level);
        let neighbour = |page: u32| {
            (page != NO_PAGE).then_some(PageNo(page)).map(|page| {
                let node = find(page).filter(|node| place(node.facts) == place(self.facts));
                (page, node)
            })
        };
        let right = match neighbour(self.next) {
            Some((next, None)) => Some(TreeFault::Stranger(next)),
            Some((next, Some(right))) if right.prev != self.page.0 => Some(TreeFault::NotReturned(next)),
            _ => None,
        };
        let left = match neighbour(self.prev) {
            Some((_, Some(left))) if left.next == self.page.0 => None,
            Some((prev, _)) => Some(TreeFault::Unreached(prev)),
            None => None,
        };
        right.into_iter().chain(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(page: u32, prev: u32, next: u32, level: u16, records: u16) -> Link {
        Link { page: PageNo(page), prev, next, facts: IndexFacts { index: 1, level, records } }
    }

    fn faults(links: &[Link]) -> Vec<(PageNo, TreeFault)> {
        let mut forest = Forest::default();
        links.iter().for_each(|link| forest.add(link));
        let find = |page| links.iter().find(|link| link.page == page).copied();
        let between = links.iter().flat_map(|link| link.faults(find).map(move |fault| (link.page, fault)));
        between.chain(forest.faults().into_iter().map(|(page, _, fault)| (page, fault))).collect()
    }

    #[test]
    fn a_whole_tree_has_no_fault() {
        let root = link(3, NO_PAGE, NO_PAGE, 1, 2);
        assert_eq!(faults(&[root, link(4, NO_PAGE, 5, 0, 9), link(5, 4, NO_PAGE, 0, 9)]), []);
        let apart = [link(4, NO_PAGE, 5, 0, 9), root, link(5, 4, NO_PAGE, 0, 9)];
        assert_eq!(faults(&apart), [], "in any order");
    }

    #[test]
    fn each_damage_is_told() {
        let root = link(3, NO_PAGE, NO_PAGE, 1, 2);
        let cycle = faults(&[root, link(4, 5, 5, 0, 9), link(5, 4, 4, 0, 9)]);
        assert_eq!(cycle, [(PageNo(4), TreeFault::Heads(0))]);
        let lost = faults(&[root, link(4, NO_PAGE, 5, 0, 9)]);
        assert_eq!(
            lost,
            [(PageNo(4), TreeFault::Stranger(PageNo(5))), (PageNo(4), TreeFault::Children { counted: 2, nodes: 1 })]
        );
        let one_way = faults(&[root, link(4, NO_PAGE, 5, 0, 9), link(5, 7, NO_PAGE, 0, 9)]);
        assert_eq!(
            one_way,
            [(PageNo(4), TreeFault::NotReturned(PageNo(5))), (PageNo(5), TreeFault::Unreached(PageNo(7)))]
        );
        let two_roots = faults(&[link(4, NO_PAGE, 5, 0, 9), link(5, 4, NO_PAGE, 0, 9)]);
        assert_eq!(two_roots, [(PageNo(4), TreeFault::Roots(2))]);
    }
}
