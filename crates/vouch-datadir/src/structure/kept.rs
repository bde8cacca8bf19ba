//! What is kept of few pages while they pass: [`Kept`].

use vouch_innodb::{Claim, PageNo, PageType, Root};

/// Bytes of pages that are kept of one tablespace; in one with more of them, they are not held against each other.
const MOST_BYTES: usize = 16 << 20;
/// Entries that are kept: as many as 64 GiB of long values have.
const MOST_CLAIMS: usize = 4 << 20;

/// Pages, or parts of them, that are few in a tablespace and say something of all others.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub first_page: Option<Vec<u8>>,
    pub inodes: Vec<(PageNo, Vec<u8>)>,
    /// Nodes without neighbours, which may be roots.
    pub roots: Vec<(PageNo, Root)>,
    /// Entries of indexes of long values.
    pub claims: Vec<Claim>,
    bytes: usize,
    /// There were more pages than are kept.
    pub left_out: bool,
}

impl Kept {
    /// Keeps what is needed of a page that is no node.
    pub(crate) fn look(&mut self, no: PageNo, page_type: PageType, image: &[u8]) {
        if no.0 == 0 {
            self.first_page = Some(image.to_vec());
        } else if page_type == PageType::INODES {
            self.keep(no, image.to_vec());
        } else if matches!(page_type, PageType::LOB_FIRST | PageType::LOB_INDEX | PageType::ZLOB_FIRST) {
            self.claims.extend(Claim::of_page(no, page_type, image));
        }
    }

    /// Keeps where the segments of an index are, if the node is a root.
    pub(crate) fn root(&mut self, no: PageNo, image: &[u8]) {
        self.roots.extend(Root::read(image).map(|root| (no, root)));
    }

    /// Adds what others have kept.
    pub(crate) fn merge(&mut self, other: Kept) {
        self.first_page = other.first_page.or(self.first_page.take());
        self.left_out |= other.left_out;
        other.inodes.into_iter().for_each(|(no, page)| self.keep(no, page));
        self.roots.extend(other.roots);
        self.left_out |= self.claims.len() + other.claims.len() > MOST_CLAIMS;
        if !self.left_out {
            self.claims.extend(other.claims);
        }
    }

    /// Puts everything in the order of pages, whatever order they were met in.
    pub(crate) fn sort(&mut self) {
        self.inodes.sort_by_key(|(no, _)| *no);
        self.roots.sort_by_key(|(no, _)| *no);
        self.claims.sort_by_key(|claim| claim.owner);
    }

    fn keep(&mut self, no: PageNo, page: Vec<u8>) {
        if self.bytes + page.len() > MOST_BYTES {
            self.left_out = true;
            return;
        }
        self.bytes += page.len();
        self.inodes.push((no, page));
    }
}
