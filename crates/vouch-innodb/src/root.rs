//! What only the root of an index says: [`Root`].

use crate::PageNo;
use crate::bytes::Field;
use crate::fil::HEADER;

const LEAVES: usize = HEADER + 36;
const OTHERS: usize = HEADER + 46;

/// Where the inodes of an index's segments stand, each a page and a byte in it. In nodes that are no roots it
/// means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Of the segment of leaves.
    pub leaves: (PageNo, u16),
    /// Of the segment of all other nodes, and of the root in any case.
    pub others: (PageNo, u16),
}

impl Root {
    /// `None` when the page is too short.
    pub fn read(page: &[u8]) -> Option<Root> {
        let place = |at: usize| Some((PageNo(page.be32(at + 4)?), page.be16(at + 8)?));
        Some(Root { leaves: place(LEAVES)?, others: place(OTHERS)? })
    }
}
