//! The lists in which extents and inode pages hang together: [`List`], [`Node`], [`Place`].
//!
//! Invariant: a walk ends after as many steps as the list says that it has nodes.

use crate::bytes::Field;
use crate::{NO_PAGE, PageNo};
use std::fmt;

/// Bytes of a list's base.
pub(crate) const BASE_BYTES: usize = 16;

/// Where a node stands: a page, and a byte in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub page: u32,
    pub byte: u16,
}

impl Place {
    /// `None` when the page is too short.
    pub(crate) fn read(page: &[u8], at: usize) -> Option<Place> {
        Some(Place { page: page.be32(at)?, byte: page.be16(at.checked_add(4)?)? })
    }

    /// Whether it leads nowhere.
    pub(crate) fn is_none(self) -> bool {
        self.page == NO_PAGE
    }
}

/// A node: its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub prev: Place,
    pub next: Place,
}

impl Node {
    pub(crate) fn read(page: &[u8], at: usize) -> Option<Node> {
        Some(Node { prev: Place::read(page, at)?, next: Place::read(page, at.checked_add(6)?)? })
    }
}

/// The base of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List {
    pub length: u32,
    pub first: Place,
    pub last: Place,
}

/// What is wrong with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFault {
    /// It leads to a place where no such node is.
    Nowhere(PageNo),
    /// A node on this page does not point back to the one that points to it.
    NotReturned(PageNo),
    /// It has more nodes than it says, or does not end.
    Longer(u32),
    /// It ends sooner than it says.
    Shorter {
        /// As the base says.
        said: u32,
        /// As there are.
        found: u32,
    },
    /// Its last node is another one than it says.
    Last,
}

impl fmt::Display for ListFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListFault::Nowhere(page) => write!(f, "leads to page {page}, where none of its nodes can be"),
            ListFault::NotReturned(page) => write!(f, "has a node on page {page} that does not point back"),
            ListFault::Longer(said) => write!(f, "goes on behind the {said} nodes that it says to have"),
            ListFault::Shorter { said, found } => write!(f, "ends after {found} of {said} nodes"),
            ListFault::Last => write!(f, "ends with another node than it says"),
        }
    }
}

impl List {
    pub(crate) fn read(page: &[u8], at: usize) -> Option<List> {
        let (first, last) = (Place::read(page, at.checked_add(4)?)?, Place::read(page, at.checked_add(10)?)?);
        Some(List { length: page.be32(at)?, first, last })
    }

    /// The places of all nodes in their order, and what is wrong; `find` knows all nodes.
    pub(crate) fn walk(&self, find: impl Fn(Place) -> Option<Node>) -> (Vec<Place>, Option<ListFault>) {
        let mut met = Vec::new();
        let (mut at, mut before) = (self.first, None);
        for found in 0..self.length {
            if at.is_none() {
                return (met, Some(ListFault::Shorter { said: self.length, found }));
            }
            let Some(node) = find(at) else { return (met, Some(ListFault::Nowhere(PageNo(at.page)))) };
            if before.map_or(!node.prev.is_none(), |before| node.prev != before) {
                return (met, Some(ListFault::NotReturned(PageNo(at.page))));
            }
            met.push(at);
            (before, at) = (Some(at), node.next);
        }
        let fault = if !at.is_none() {
            Some(ListFault::Longer(self.length))
        } else {
            before.map_or(!self.last.is_none(), |before| self.last != before).then_some(ListFault::Last)
        };
        (met, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Place = Place { page: NO_PAGE, byte: 0 };

    fn at(byte: u16) -> Place {
        Place { page: 0, byte }
    }

    /// Three nodes at bytes 10, 20 and 30, of which some are changed.
    fn walked(list: List, changed: &[(u16, Node)]) -> (usize, Option<ListFault>) {
        let whole = [(10, NONE, at(20)), (20, at(10), at(30)), (30, at(20), NONE)];
        let find = |place: Place| {
            let own = changed.iter().find(|(byte, _)| *byte == place.byte).map(|(_, node)| *node);
            let usual = whole.iter().find(|(byte, ..)| *byte == place.byte);
            own.or(usual.map(|(_, prev, next)| Node { prev: *prev, next: *next }))
        };
        let (met, fault) = list.walk(find);
        (met.len(), fault)
    }

    #[test]
    fn each_damage_of_a_list_is_told() {
        let list = List { length: 3, first: at(10), last: at(30) };
        assert_eq!(walked(list, &[]), (3, None));
        assert_eq!(walked(List { length: 0, first: NONE, last: NONE }, &[]), (0, None));
        assert_eq!(walked(List { length: 2, ..list }, &[]), (2, Some(ListFault::Longer(2))));
        assert_eq!(walked(List { length: 4, ..list }, &[]), (3, Some(ListFault::Shorter { said: 4, found: 3 })));
        assert_eq!(walked(List { last: at(20), ..list }, &[]), (3, Some(ListFault::Last)));
        assert_eq!(walked(List { first: at(11), ..list }, &[]), (0, Some(ListFault::Nowhere(PageNo(0)))));
        let back = Node { prev: NONE, next: at(30) };
        assert_eq!(walked(list, &[(20, back)]), (1, Some(ListFault::NotReturned(PageNo(0)))));
        let cycle = Node { prev: at(10), next: at(10) };
        assert_eq!(walked(list, &[(20, cycle)]), (2, Some(ListFault::NotReturned(PageNo(0)))));
        let endless = Node { prev: at(20), next: at(30) };
        assert_eq!(walked(list, &[(30, endless)]), (3, Some(ListFault::Longer(3))));
    }
}
