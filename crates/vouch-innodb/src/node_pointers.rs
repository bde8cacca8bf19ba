//! Which children a node above the leaves has: [`NodePointers`].
//!
//! Where a compact record ends cannot be told without the definition of its table. It can be told whether the
//! number of a page stands in it.

use crate::bytes::Field;
use crate::index::{origins, redundant_lengths};
use crate::{Layout, PageNo, PageType, SpaceFormat, ZipNode};

/// Bytes of the bounds of a child in an R-tree.
const BOUNDS: usize = 32;

/// A record and the bytes that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: usize,
    to: usize,
}

/// The records of a node, each of which names a child.
#[derive(Debug)]
pub struct NodePointers<'a> {
    page: &'a [u8],
    compact: bool,
    spatial: bool,
    spans: Vec<Span>,
    /// The children of a node of ROW_FORMAT=COMPRESSED, which has them in clear text.
    apart: Option<Vec<PageNo>>,
}

impl<'a> NodePointers<'a> {
    /// The records of a node, in their order; `None` when its chain of records is damaged.
    pub fn read(format: &SpaceFormat, page: &'a [u8], page_type: PageType) -> Option<NodePointers<'a>> {
        let spatial = page_type == PageType::RTREE;
        if format.layout == Layout::Zip {
            let apart = Some(ZipNode::read(format, page)?.children());
            return Some(NodePointers { page, compact: true, spatial, spans: Vec::new(), apart });
        }
        let (records, top, compact) = origins(page)?;
        let mut ends = records.clone();
        ends.sort_unstable();
        let end = |from: usize| ends.get(ends.partition_point(|at| *at <= from)).copied().unwrap_or(top);
        let spans = records.into_iter().map(|from| Span { from, to: end(from) }).collect();
        Some(NodePointers { page, compact, spatial, spans, apart: None })
    }

    /// Children.
    pub fn count(&self) -> usize {
        self.apart.as_ref().map_or(self.spans.len(), Vec::len)
    }

    /// The child of this number, where the record's format tells it.
    pub fn child(&self, number: usize) -> Option<PageNo> {
        if let Some(apart) = &self.apart {
            return apart.get(number).copied();
        }
        let Span { from, .. } = *self.spans.get(number)?;
        let end = match (self.compact, self.spatial) {
            (true, true) => BOUNDS + 4,
            (true, false) => return None,
            (false, _) => redundant_lengths(self.page, from)?.1,
        };
        self.page.be32(from.checked_add(end)?.checked_sub(4)?).map(PageNo)
    }

    /// Whether the child of this number may be that page. False is certain.
    pub fn may_be(&self, number: usize, child: PageNo) -> bool {
        if let Some(known) = self.child(number) {
            return known == child;
        }
        let Some(span) = self.spans.get(number) else { return false };
        let bytes = self.page.get(span.from..span.to).unwrap_or_default();
        bytes.windows(4).any(|window| window == child.0.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PageSize;
    use proptest::prelude::*;

    fn format() -> SpaceFormat {
        SpaceFormat::plain(PageSize::new(4096).unwrap(), Layout::Classic)
    }

    /// A compact node with two records of a key of four bytes and a child.
    fn node() -> Vec<u8> {
        let mut page = vec![0; 4096];
        page[38..46].copy_from_slice(&[0, 2, 0, 146, 0x80, 4, 0, 0]);
        page[55] = 2;
        for (at, next) in [(99, 125), (125, 138), (138, 112_usize)] {
            let difference = (next.wrapping_sub(at) as u16).to_be_bytes();
            page[at - 2..at].copy_from_slice(&difference);
        }
        page[125..133].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 17]);
        page[138..146].copy_from_slice(&[0, 0, 0, 9, 0, 0, 0, 23]);
        page
    }

    #[test]
    fn a_child_is_looked_for_in_its_own_record() {
        let page = node();
        let pointers = NodePointers::read(&format(), &page, PageType::INDEX).unwrap();
        assert_eq!((pointers.count(), pointers.child(0)), (2, None));
        assert!(pointers.may_be(0, PageNo(17)) && pointers.may_be(1, PageNo(23)));
        assert!(!pointers.may_be(0, PageNo(23)) && !pointers.may_be(1, PageNo(17)) && !pointers.may_be(2, PageNo(17)));
    }

    #[test]
    fn records_that_tell_their_length_tell_their_child() {
        let mut page = vec![0; 4096];
        page[38..46].copy_from_slice(&[0, 2, 0, 208, 0, 3, 0, 0]);
        page[55] = 1;
        page[99..101].copy_from_slice(&200_u16.to_be_bytes());
        page[198..200].copy_from_slice(&116_u16.to_be_bytes());
        // Two fields that end at bytes 4 and 8, in one byte each.
        page[196..198].copy_from_slice(&(2_u16 << 1 | 1).to_be_bytes());
        page[192..194].copy_from_slice(&[8, 4]);
        page[200..208].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 17]);
        let pointers = NodePointers::read(&format(), &page, PageType::INDEX).unwrap();
        assert_eq!((pointers.child(0), pointers.may_be(0, PageNo(1))), (Some(PageNo(17)), false));
    }

    proptest! {
        #[test]
        fn no_node_panics(at in 0_usize..300, bytes in prop::collection::vec(any::<u8>(), 4), redundant in any::<bool>()) {
            let mut page = node();
            page[at..at + 4].copy_from_slice(&bytes);
            if redundant {
                page[42] &= 0x7f;
            }
            if let Some(pointers) = NodePointers::read(&format(), &page, PageType::INDEX) {
                (0..pointers.count()).for_each(|number| {
                    pointers.may_be(number, PageNo(17));
                });
            }
        }
    }
}
