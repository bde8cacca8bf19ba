//! What is kept of every page until its tablespace is finished: [`PageFact`].
//!
//! Invariant: it stays within 32 bytes, since there is one for every page.

use vouch_innodb::{IndexFacts, Link, Lsn, PageNo, PageType};
use vouch_report::{MapCell, PageClass};

/// Ranges on the map of a file.
const CELLS: usize = 400;

/// What the page is, as far as its own numbers are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Content {
    #[default]
    Other,
    /// A node of an index.
    Node,
    /// A node that was given back, and keeps its contents until its page is used again.
    Former,
    /// A part of a long value: `index` is its length, or 0, and `next` the page of the next part.
    Part,
}

/// What is kept of a page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PageFact {
    pub index: u64,
    pub lsn: Lsn,
    pub prev: u32,
    pub next: u32,
    pub records: u16,
    pub level: u16,
    pub page_type: PageType,
    pub class: PageClass,
    /// Whose the fields above are.
    pub content: Content,
}

impl PageFact {
    /// Whether a part of a long value tells its length.
    pub(crate) fn has_length(&self) -> bool {
        self.content == Content::Part
            && !matches!(self.page_type, PageType::ZBLOB | PageType::ZBLOB_NEXT | PageType::SDI_ZBLOB)
    }

    /// The node's place in its tree.
    pub(crate) fn link(&self, page: PageNo) -> Option<Link> {
        (self.content == Content::Node).then(|| self.linked(page))
    }

    /// The place in a tree of a node that was given back.
    pub(crate) fn former(&self, page: PageNo) -> Option<Link> {
        (self.content == Content::Former).then(|| self.linked(page))
    }

    fn linked(&self, page: PageNo) -> Link {
        let facts = IndexFacts { index: self.index, level: self.level, records: self.records };
        Link { page, prev: self.prev, next: self.next, facts }
    }
}

const _: () = assert!(size_of::<PageFact>() <= 32);

/// The map of a run of pages that begins with page `first`.
pub(crate) fn map(facts: &[PageFact], first: u32) -> Vec<MapCell> {
    let step = facts.len().div_ceil(CELLS).max(1);
    let cells = facts.chunks(step).scan(first, |at, chunk| {
        let pages = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let class = chunk.iter().map(|fact| fact.class).max().unwrap_or_default();
        let cell = MapCell { first: *at, pages, class, page_type: commonest(chunk).name().into_owned() };
        *at = at.saturating_add(pages);
        Some(cell)
    });
    cells.collect()
}

/// The type that most pages have which are not empty.
fn commonest(facts: &[PageFact]) -> PageType {
    let mut counts: Vec<(PageType, usize)> = Vec::new();
    for fact in facts.iter().filter(|fact| fact.class > PageClass::Empty) {
        match counts.iter_mut().find(|(page_type, _)| *page_type == fact.page_type) {
            Some((_, count)) => *count += 1,
            None => counts.push((fact.page_type, 1)),
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(page_type, _)| page_type).unwrap_or_default()
}
