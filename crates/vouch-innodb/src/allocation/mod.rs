//! Extents, segments and pages of a tablespace held against each other: [`Allocation`].
//!
//! Every extent is in exactly one list, every single page in exactly one segment, and all counts are right, in a
//! tablespace as of one moment. Invariant: no list and no number is followed further than there are extents.

mod fault;

pub use fault::{AllocationFault, Misallocation};

use crate::flst::{List, Node, Place};
use crate::fsp::{Extent, ExtentState, SpaceLists};
use crate::inode::{Inode, InodePage, LINK};
use crate::{ExtentMap, FspHeader, PageNo, SpaceFormat};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Who has an extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Space,
    Segment(u64),
}

/// What the space header, the extent descriptors and the inodes of a tablespace say of its pages.
#[derive(Debug)]
pub struct Allocation<'a> {
    format: SpaceFormat,
    map: &'a ExtentMap,
    free_limit: u32,
    lists: SpaceLists,
    pages: BTreeMap<u32, InodePage>,
    /// Extents that were met in lists, by their first pages.
    extents: HashMap<u32, Holder>,
    /// Single pages of segments.
    fragments: HashMap<u32, u64>,
    segments: HashSet<u64>,
    faults: Vec<Misallocation>,
}

/// The segments that pages belong to: fast where one asks for pages in their order, which share extents.
#[derive(Debug)]
pub struct Owners<'a> {
    allocation: &'a Allocation<'a>,
    /// The last extent that one segment has as a whole, by its first page.
    last: Option<(PageNo, u64)>,
}

impl Owners<'_> {
    /// The segment that the page belongs to.
    pub fn of(&mut self, no: PageNo) -> Option<u64> {
        let pages = self.allocation.map.extent_pages();
        if let Some((first, segment)) = self.last
            && no.0.wrapping_sub(first.0) < pages
        {
            return Some(segment);
        }
        let owner = self.allocation.owner(no)?;
        let whole = self.allocation.map.extent_of(no).filter(|(_, extent)| !extent.state.is_fragmented());
        // Two pages of such an extent may belong to nobody.
        self.last = whole.filter(|(first, _)| !self.allocation.map.is_fixed(*first)).map(|(first, _)| (first, owner));
        Some(owner)
    }
}

impl<'a> Allocation<'a> {
    /// For the tablespace with this first page; `None` when the page is too short.
    pub fn new(format: SpaceFormat, first_page: &[u8], map: &'a ExtentMap) -> Option<Allocation<'a>> {
        Some(Allocation {
            format,
            map,
            free_limit: FspHeader::read(first_page)?.free_limit,
            lists: SpaceLists::read(first_page)?,
            pages: BTreeMap::new(),
            extents: HashMap::new(),
            fragments: HashMap::new(),
            segments: HashSet::new(),
            faults: Vec::new(),
        })
    }

    /// Takes over a page of inodes.
    pub fn add(&mut self, no: PageNo, page: &[u8]) {
        self.pages.extend(InodePage::read(&self.format, page).map(|page| (no.0, page)));
    }

    /// Everything that does not fit. Once this was asked for, [`Allocation::owners`] knows all pages.
    pub fn faults(&mut self) -> Vec<Misallocation> {
        let lists = self.lists;
        let mut frag_used = 0;
        for (name, list, state) in [
            ("free extents", lists.free, ExtentState::Free),
            ("extents with free single pages", lists.free_frag, ExtentState::FreeFragments),
            ("extents of single pages", lists.full_frag, ExtentState::FullFragments),
        ] {
            for (_, extent) in self.extents_of(PageNo(0), None, name, &list, state) {
                frag_used += if state == ExtentState::FreeFragments { extent.used } else { 0 };
            }
        }
        if frag_used != lists.frag_used {
            let fault = AllocationFault::SingleUsed { said: lists.frag_used, found: frag_used };
            self.tell(PageNo(0), None, fault);
        }
        let inode_pages = self.inode_pages();
        for no in &inode_pages {
            let inodes = self.pages.get(no).map(|page| page.inodes.clone()).unwrap_or_default();
            inodes.iter().for_each(|inode| self.segment(PageNo(*no), inode));
        }
        self.every_extent();
        self.single_pages(&inode_pages);
        std::mem::take(&mut self.faults)
    }

    /// Tells the segments that pages belong to.
    pub fn owners(&self) -> Owners<'_> {
        Owners { allocation: self, last: None }
    }

    fn owner(&self, no: PageNo) -> Option<u64> {
        let (first, extent) = self.map.extent_of(no)?;
        if extent.state.is_fragmented() {
            return self.fragments.get(&no.0).copied();
        }
        match self.extents.get(&first.0) {
            Some(Holder::Segment(segment)) if !self.map.is_fixed(no) => Some(*segment),
            _ => None,
        }
    }

    /// The segment whose inode stands at a place, as roots of trees name it; `None` where there is none.
    pub fn segment_at(&self, page: PageNo, byte: u16) -> Option<u64> {
        let inodes = &self.pages.get(&page.0)?.inodes;
        inodes.iter().find(|inode| inode.at == usize::from(byte)).map(|inode| inode.segment)
    }

    fn tell(&mut self, page: PageNo, segment: Option<u64>, fault: AllocationFault) {
        self.faults.push(Misallocation { page, segment, fault });
    }

    /// Walks a list of extents and holds each one against what the list is for.
    fn extents_of(
        &mut self,
        base: PageNo,
        segment: Option<u64>,
        name: &'static str,
        list: &List,
        state: ExtentState,
    ) -> Vec<(PageNo, Extent)> {
        let map = self.map;
        let (met, fault) = list.walk(|place| map.extent_at(place).map(|(_, extent)| extent.node));
        if let Some(fault) = fault {
            self.tell(base, segment, AllocationFault::List(name, fault));
        }
        let met: Vec<(PageNo, Extent)> =
            met.into_iter().filter_map(|place| map.extent_at(place)).map(|(first, extent)| (first, *extent)).collect();
        let holder = segment.map_or(Holder::Space, Holder::Segment);
        for (first, extent) in &met {
            let lent = state == ExtentState::Segment && extent.state == ExtentState::SegmentFragments;
            if extent.state != state && !lent {
                self.tell(self.described_by(*first), segment, AllocationFault::WrongList(*first, name));
            } else if segment.is_some_and(|segment| extent.segment != segment) {
                self.tell(self.described_by(*first), segment, AllocationFault::OtherSegment(*first, extent.segment));
            }
            if self.extents.insert(first.0, holder).is_some() {
                self.tell(self.described_by(*first), segment, AllocationFault::TwoLists(*first));
            }
        }
        met
    }

    /// Walks the lists of pages of inodes, and returns the pages.
    fn inode_pages(&mut self) -> Vec<u32> {
        let mut all = Vec::new();
        for (name, list, full) in
            [("full inode pages", self.lists.inodes_full, true), ("inode pages", self.lists.inodes_free, false)]
        {
            let (met, fault) = list.walk(|place| self.inode_page_at(place));
            if let Some(fault) = fault {
                self.tell(PageNo(0), None, AllocationFault::List(name, fault));
            }
            for Place { page, .. } in met {
                let fits = |page: &InodePage| (page.inodes.len() == page.room) == full;
                if !self.pages.get(&page).is_some_and(fits) {
                    self.tell(PageNo(page), None, AllocationFault::InodeList(full));
                }
                all.push(page);
            }
        }
        all
    }

    fn inode_page_at(&self, place: Place) -> Option<Node> {
        self.pages.get(&place.page).filter(|_| usize::from(place.byte) == LINK).map(|page| page.link)
    }

    fn segment(&mut self, page: PageNo, inode: &Inode) {
        let segment = Some(inode.segment);
        if !inode.magic {
            self.tell(page, segment, AllocationFault::Magic);
        }
        if !self.segments.insert(inode.segment) || inode.segment >= self.lists.next_segment {
            self.tell(page, segment, AllocationFault::Number);
        }
        let whole = self.map.extent_pages();
        let mut used_of_some = 0;
        for (name, list, fits) in [
            ("its free extents", inode.free, (|used, _| used == 0) as fn(u32, u32) -> bool),
            ("its extents in use in part", inode.not_full, |used, whole| used > 0 && used < whole),
            ("its full extents", inode.full, |used, whole| used == whole),
        ] {
            for (first, extent) in self.extents_of(page, segment, name, &list, ExtentState::Segment) {
                if !fits(extent.used, whole) {
                    let fault = AllocationFault::UsedInList(first, extent.used, name);
                    self.tell(self.described_by(first), segment, fault);
                }
                used_of_some += if extent.used < whole { extent.used } else { 0 };
            }
        }
        if used_of_some != inode.used {
            self.tell(page, segment, AllocationFault::Used { said: inode.used, found: used_of_some });
        }
        for single in &inode.fragments {
            self.fragment(page, inode.segment, *single);
        }
    }

    fn fragment(&mut self, page: PageNo, segment: u64, single: PageNo) {
        let kept = self.map.extent_of(single).is_some_and(|(_, extent)| extent.state.is_fragmented());
        if !kept || self.map.in_use(single) != Some(true) || self.map.is_fixed(single) {
            self.tell(page, Some(segment), AllocationFault::Single(single));
        }
        if let Some(other) = self.fragments.insert(single.0, segment) {
            self.tell(page, Some(segment), AllocationFault::Shared(single, other));
        }
    }

    /// Extents that are in no list, or whose pages in use do not fit their state.
    fn every_extent(&mut self) {
        let whole = self.map.extent_pages();
        for (first, extent) in self.map.extents() {
            let initialised = extent.state != ExtentState::NotInitialised;
            let at = self.described_by(first);
            if initialised != (first.0 < self.free_limit) {
                self.tell(at, None, AllocationFault::FreeLimit(first, initialised));
            } else if initialised && !self.extents.contains_key(&first.0) {
                self.tell(at, None, AllocationFault::Unlisted(first));
            }
            let fits = match extent.state {
                ExtentState::Free => extent.used == 0,
                ExtentState::FreeFragments => extent.used > 0 && extent.used < whole,
                ExtentState::FullFragments => extent.used == whole,
                _ => true,
            };
            if !fits {
                self.tell(at, None, AllocationFault::UsedOf(first, extent.used));
            }
        }
    }

    /// Single pages in use that nobody has.
    fn single_pages(&mut self, inode_pages: &[u32]) {
        let own: HashSet<u32> = inode_pages.iter().copied().collect();
        for (first, _) in self.map.extents().filter(|(_, extent)| extent.state.is_fragmented()) {
            for no in (first.0..first.0.saturating_add(self.map.extent_pages())).map(PageNo) {
                let held = self.fragments.contains_key(&no.0) || own.contains(&no.0) || self.map.is_fixed(no);
                if !held && self.map.in_use(no) == Some(true) {
                    self.tell(no, None, AllocationFault::Ownerless);
                }
            }
        }
    }

    /// The page with the descriptor of an extent.
    fn described_by(&self, first: PageNo) -> PageNo {
        PageNo(first.0 - first.0 % self.format.pages_per_extent_page())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, PageSize};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_panic_or_run_forever(
            mut first in prop::collection::vec(any::<u8>(), 4096),
            inodes in prop::collection::vec(any::<u8>(), 4096),
            states in prop::collection::vec(0_u8..6, 12),
            places in prop::collection::vec((0_u32..3, 0_usize..14), 40),
        ) {
            // Lists that lead to descriptors and inodes go further than those that lead anywhere.
            let places = places.into_iter().map(|(page, at)| (page * 2, if page == 1 { 38 } else { 158 + 88 * at }));
            for (at, (page, byte)) in (62..).step_by(6).zip(places) {
                first[at..at + 4].copy_from_slice(&page.to_be_bytes());
                first[at + 4..at + 6].copy_from_slice(&(byte as u16).to_be_bytes());
            }
            for (number, state) in states.into_iter().enumerate() {
                first[150 + 88 * number + 20..150 + 88 * number + 24].copy_from_slice(&[0, 0, 0, state]);
            }
            let format = SpaceFormat::plain(PageSize::new(4096).unwrap(), Layout::Classic);
            let mut map = ExtentMap::new(&format);
            map.add(&format, PageNo(0), &first);
            let mut allocation = Allocation::new(format, &first, &map).unwrap();
            allocation.add(PageNo(2), &inodes);
            prop_assert!(!allocation.faults().is_empty());
            let mut owners = allocation.owners();
            for no in (0..5000).map(PageNo) {
                prop_assert_eq!(owners.of(no), allocation.owner(no));
            }
        }
    }
}
