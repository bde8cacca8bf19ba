//! What a redo log does to whole pages and files: [`RedoChanges`].
//!
//! A page that is all zero in a copy that is yet to be recovered is sound where recovery creates it, and lost
//! otherwise. So only records that make the earlier contents of a page irrelevant are kept, and what happens to
//! files. Invariant: memory is bounded by [`RedoChanges::MOST`]; what did not fit is never taken for absent.

use crate::{ExtentMap, PageNo, SpaceId};
use std::collections::{BTreeMap, BTreeSet};

/// One record, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The page is initialised, or freed: what it held before is not read again.
    Page(SpaceId, PageNo),
    /// The tablespace is cut off in front of this page.
    Trim(SpaceId, PageNo),
    /// A file is created.
    Create(SpaceId, String),
    /// A file is in use under this name.
    Name(SpaceId, String),
    /// The tablespace is deleted.
    Delete(SpaceId),
    /// An index is complete whose pages were written without records (MySQL).
    Loaded(SpaceId),
    /// A row with the path of a tablespace is inserted (MySQL).
    Mention(String),
    /// Bytes on a page that may describe extents (MySQL).
    Bits { space: SpaceId, page: PageNo, at: u16, bytes: [u8; 4], count: usize },
}

/// What becomes of a page that is all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The log initialises or frees it, or removes its tablespace or that part of it.
    Created,
    /// The log allocates it for an index that is still being built without records at the end of the log. Recovery
    /// drops such an index.
    Unfinished,
    /// The log allocates it, or may do so, for an index that is built without records: nothing tells whether the
    /// page should be there.
    Unclear,
    /// The log never creates it.
    Untouched,
}

/// What becomes of a file that is all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFate {
    /// The log creates it, or its first page, or deletes it.
    Created,
    /// The log never creates it.
    Untouched,
}

/// What a log does to whole pages and files.
#[derive(Clone, Debug, Default)]
pub struct RedoChanges {
    spaces: BTreeMap<SpaceId, SpaceChanges>,
    /// What rows that are inserted say, with the path of a tablespace at the end.
    mentions: BTreeSet<String>,
    kept: usize,
    overflowed: bool,
}

#[derive(Clone, Debug, Default)]
struct SpaceChanges {
    /// Pages that the log creates: the first of each range, and the one after its last.
    created: BTreeMap<u32, u32>,
    /// Pages from here on were cut off.
    trimmed: Option<PageNo>,
    deleted: bool,
    /// Its file is created by the log.
    new: bool,
    names: BTreeSet<String>,
    /// Bytes of the bitmaps of extents, by page and offset.
    bitmaps: BTreeMap<(PageNo, u16), Bitmap>,
    /// Indexes that were built without records and are complete.
    loaded: u64,
}

/// A byte of a bitmap, which has two bits for each of four pages; the lower one says that the page is free.
#[derive(Clone, Copy, Debug)]
struct Bitmap {
    last: u8,
    writes: u64,
    pages: [Allocation; 4],
}

/// Whether the log allocates a page, as far as bitmaps show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allocation {
    /// It does not.
    No,
    /// It may: the first write of a byte does not show which of its pages it is for.
    Maybe,
    /// It does, when so many indexes were complete.
    Yes(u64),
}

/// The pages of a byte that are in use.
fn used(byte: u8) -> [bool; 4] {
    [0, 2, 4, 6].map(|shift| byte >> shift & 1 == 0)
}

impl RedoChanges {
    /// Ranges, names and bytes that are kept: some 100 MB. A log of 1 GiB has about a tenth of that.
    pub const MOST: usize = 1 << 20;

    /// Whether everything was kept that was seen.
    pub fn is_complete(&self) -> bool {
        !self.overflowed
    }

    /// Takes over a record.
    pub(super) fn add(&mut self, change: Change) {
        if self.kept >= RedoChanges::MOST {
            self.overflowed = true;
            return;
        }
        let space = match &change {
            Change::Page(space, _) | Change::Trim(space, _) | Change::Create(space, _) => *space,
            Change::Name(space, _) | Change::Delete(space) | Change::Loaded(space) => *space,
            Change::Bits { space, .. } => *space,
            Change::Mention(path) => {
                self.kept += usize::from(self.mentions.insert(path.clone()));
                return;
            }
        };
        self.kept += self.spaces.entry(space).or_default().add(change);
    }

    /// What becomes of a page that is all zero. `extents` tells where its allocation is noted.
    pub fn page(&self, space: SpaceId, page: PageNo, extents: &ExtentMap) -> Fate {
        let Some(changes) = self.spaces.get(&space) else { return Fate::Untouched };
        if changes.creates(page) {
            return Fate::Created;
        }
        let place = extents.bitmap_of(page);
        let bitmap = place.and_then(|(map, at, number)| Some((changes.bitmaps.get(&(map, at))?, number)));
        let Some((bitmap, number)) = bitmap else { return Fate::Untouched };
        match bitmap.pages.get(usize::from(number)) {
            Some(Allocation::Yes(loaded)) if *loaded == changes.loaded => Fate::Unfinished,
            Some(Allocation::Yes(_) | Allocation::Maybe) => Fate::Unclear,
            Some(Allocation::No) | None => Fate::Untouched,
        }
    }

    /// Whether a row is inserted that has this path in the data directory. MySQL writes such a row before it creates
    /// a file, so that recovery can remove the file (`innodb_ddl_log`).
    pub fn mentions(&self, path: &str) -> bool {
        let path = format!("/{path}");
        self.mentions.iter().any(|mention| mention.ends_with(&path))
    }

    /// What becomes of a file that is all zero, by its path in the data directory.
    pub fn file(&self, path: &str) -> FileFate {
        let named = |changes: &&SpaceChanges| changes.names.iter().any(|name| is_at(name, path));
        let created = |changes: &SpaceChanges| changes.new || changes.deleted || changes.created.contains_key(&0);
        match self.spaces.values().filter(named).any(created) {
            true => FileFate::Created,
            false => FileFate::Untouched,
        }
    }
}

/// Whether a name in the log is this path. Either may begin with folders that the other does not name: files lie
/// outside of the data directory, and logs too. What both name is a folder and a file at least.
fn is_at(name: &str, path: &str) -> bool {
    let name = name.trim_start_matches("./");
    let ends = |long: &str, short: &str| {
        short.contains('/') && long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'))
    };
    name == path || ends(name, path) || ends(path, name)
}

impl SpaceChanges {
    /// Takes over a change, and returns how much more is kept.
    fn add(&mut self, change: Change) -> usize {
        match change {
            Change::Page(_, page) => return self.create(page.0),
            Change::Trim(_, page) => self.trimmed = Some(self.trimmed.map_or(page, |known| known.min(page))),
            Change::Create(_, name) => {
                self.new = true;
                return usize::from(self.names.insert(name));
            }
            Change::Name(_, name) => return usize::from(self.names.insert(name)),
            Change::Delete(_) => self.deleted = true,
            Change::Loaded(_) => self.loaded += 1,
            Change::Mention(_) => {}
            Change::Bits { page, at, bytes, count, .. } => {
                let places = (at..).zip(bytes).take(count);
                return places.map(|(at, byte)| self.write(page, at, byte, count > 1)).sum();
            }
        }
        0
    }

    /// Adds a page to the ranges; most pages follow the one before.
    fn create(&mut self, page: u32) -> usize {
        let before = self.created.range_mut(..=page).next_back();
        if let Some((_, end)) = before.filter(|(_, end)| **end >= page) {
            *end = (*end).max(page.saturating_add(1));
            return 0;
        }
        self.created.insert(page, page.saturating_add(1));
        1
    }

    fn creates(&self, page: PageNo) -> bool {
        let range = self.created.range(..=page.0).next_back();
        self.deleted || self.trimmed.is_some_and(|first| page >= first) || range.is_some_and(|(_, end)| page.0 < *end)
    }

    /// A byte of a bitmap is written: as a whole where an extent is taken into use, else for one page.
    fn write(&mut self, page: PageNo, at: u16, byte: u8, whole: bool) -> usize {
        let loaded = self.loaded;
        match self.bitmaps.get_mut(&(page, at)) {
            Some(known) => {
                known.write(byte, loaded);
                0
            }
            None => {
                self.bitmaps.insert((page, at), Bitmap::first(byte, whole, loaded));
                1
            }
        }
    }
}

impl Bitmap {
    /// The first write of a byte. One that is for a single page and leaves it alone in use has allocated it.
    fn first(byte: u8, whole: bool, loaded: u64) -> Bitmap {
        let alone = used(byte).into_iter().filter(|used| *used).count() == 1;
        let allocation = if alone { Allocation::Yes(loaded) } else { Allocation::Maybe };
        let page = |used: bool| if used && !whole { allocation } else { Allocation::No };
        Bitmap { last: byte, writes: 1, pages: used(byte).map(page) }
    }

    fn write(&mut self, byte: u8, loaded: u64) {
        // A page that is freed is written twice: as free, and as clean, which changes nothing here.
        if self.writes == 1 && byte == self.last {
            self.pages = [Allocation::No; 4];
        }
        for ((page, before), now) in self.pages.iter_mut().zip(used(self.last)).zip(used(byte)) {
            match (before, now) {
                (false, true) => *page = Allocation::Yes(loaded),
                (_, false) => *page = Allocation::No,
                (true, true) => {}
            }
        }
        (self.last, self.writes) = (byte, self.writes + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, PageSize, SpaceFormat};

    const SPACE: SpaceId = SpaceId(7);

    fn extents() -> ExtentMap {
        ExtentMap::new(&SpaceFormat::plain(PageSize::DEFAULT, Layout::Classic))
    }

    fn fates<const N: usize>(changes: &RedoChanges, pages: [u32; N]) -> [Fate; N] {
        pages.map(|page| changes.page(SPACE, PageNo(page), &extents()))
    }

    #[test]
    fn pages_that_follow_each_other_are_one_range() {
        let mut changes = RedoChanges::default();
        for page in [5, 6, 6, 9, 7] {
            changes.add(Change::Page(SPACE, PageNo(page)));
        }
        assert_eq!(changes.kept, 2);
        let (created, untouched) = (Fate::Created, Fate::Untouched);
        assert_eq!(fates(&changes, [4, 5, 7, 8, 9, 10]), [untouched, created, created, untouched, created, untouched]);
        changes.add(Change::Trim(SPACE, PageNo(20)));
        assert_eq!(fates(&changes, [19, 20, 21]), [untouched, created, created]);
        assert_eq!(changes.page(SpaceId(8), PageNo(5), &extents()), untouched);
        changes.add(Change::Delete(SPACE));
        assert_eq!(fates(&changes, [4]), [created]);
    }

    #[test]
    fn a_page_of_an_index_without_records_is_due_once_the_index_is_complete() {
        let mut changes = RedoChanges::default();
        // The descriptor of the second extent, pages 64 to 127.
        let (page, at) = (PageNo(0), 150 + 40 + 24);
        let mut write = |bytes: [u8; 4], count| {
            changes.add(Change::Bits { space: SPACE, page, at, bytes, count });
            changes.clone()
        };
        let free = write([0xff; 4], 4);
        assert_eq!(fates(&free, [64, 79]), [Fate::Untouched; 2]);
        let one = write([0xfe, 0, 0, 0], 1);
        assert_eq!(fates(&one, [64, 65, 128]), [Fate::Unfinished, Fate::Untouched, Fate::Untouched]);
        changes.add(Change::Loaded(SPACE));
        assert_eq!(fates(&changes, [64]), [Fate::Unclear]);
        changes.add(Change::Bits { space: SPACE, page, at, bytes: [0xff, 0, 0, 0], count: 1 });
        assert_eq!(fates(&changes, [64]), [Fate::Untouched]);
    }

    #[test]
    fn the_first_write_of_a_byte_may_not_show_which_page_it_is_for() {
        let fates_of = |writes: &[u8]| {
            let mut changes = RedoChanges::default();
            for byte in writes {
                let bytes = [*byte, 0, 0, 0];
                changes.add(Change::Bits { space: SPACE, page: PageNo(0), at: 150 + 24, bytes, count: 1 });
            }
            fates(&changes, [0, 1, 2])
        };
        let (unclear, unfinished, untouched) = (Fate::Unclear, Fate::Unfinished, Fate::Untouched);
        assert_eq!(fates_of(&[0xfe]), [unfinished, untouched, untouched]);
        assert_eq!(fates_of(&[0xfa]), [unclear, unclear, untouched]);
        assert_eq!(fates_of(&[0xfa, 0xea]), [unclear, unclear, unfinished]);
        assert_eq!(fates_of(&[0xfa, 0xfa]), [untouched; 3], "another page was freed");
        assert_eq!(fates_of(&[0xfe, 0xfe, 0xfa]), [untouched, unfinished, untouched]);
        assert_eq!(fates_of(&[0xfa, 0xfb, 0xfb]), [untouched, unclear, untouched]);
    }

    #[test]
    fn a_file_is_created_by_its_name() {
        let mut changes = RedoChanges::default();
        changes.add(Change::Name(SPACE, "./shop/orders.ibd".to_owned()));
        assert_eq!(changes.file("shop/orders.ibd"), FileFate::Untouched);
        changes.add(Change::Page(SPACE, PageNo(0)));
        assert_eq!(changes.file("shop/orders.ibd"), FileFate::Created);
        changes.add(Change::Create(SpaceId(8), "/elsewhere/shop/new.ibd".to_owned()));
        assert_eq!(changes.file("shop/new.ibd"), FileFate::Created);
        assert_eq!(changes.file("hop/new.ibd"), FileFate::Untouched);
        assert_eq!(changes.file("data/shop/orders.ibd"), FileFate::Created);
        changes.add(Change::Create(SpaceId(9), "general.ibd".to_owned()));
        assert_eq!(changes.file("shop/general.ibd"), FileFate::Untouched);
    }

    #[test]
    fn a_path_in_a_row_is_mentioned() {
        let mut changes = RedoChanges::default();
        changes.add(Change::Mention("x./shop/new.ibd".to_owned()));
        assert!(changes.mentions("shop/new.ibd"));
        assert!(!changes.mentions("hop/new.ibd") && !changes.mentions("shop/old.ibd"));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let mut changes = RedoChanges::default();
        for page in 0..=u32::try_from(RedoChanges::MOST).unwrap() {
            assert!(changes.is_complete());
            changes.add(Change::Page(SPACE, PageNo(2 * page)));
        }
        assert!(!changes.is_complete());
    }
}
