//! Records of MariaDB's log since 10.5: [`MariadbRecords`].
//!
//! ```text
//! +0    1     bit 7: the same page as the record before; bits 4-6: type; bits 0-3: length of what follows, or 0
//! +1    0-4   the length less 15, where it is longer than 15
//!       1-5   number of the tablespace, unless it is of the same page
//!       1-5   number of the page, unless it is of the same page
//!             what the type needs
//! ```
//!
//! Records of files have bit 7 set, and come before those of pages. Source: `mtr0types.h`, `recv_sys_t::parse` in
//! `log0recv.cc`.

use super::changes::{Change, RedoChanges};
use super::mtr::{Long, long};
use crate::bytes::Field;
use crate::{PageNo, SpaceId};
use vouch_convert::narrow;

const SAME_PAGE: u8 = 0x80;
const FREE_PAGE: u8 = 0x00;
const INIT_PAGE: u8 = 0x10;
const EXTENDED: u8 = 0x20;
const RESERVED: u8 = 0x60;
const FILE_CREATE: u8 = 0x80;
const FILE_DELETE: u8 = 0x90;
const FILE_RENAME: u8 = 0xa0;
const FILE_MODIFY: u8 = 0xb0;
/// The only byte of an extended record that cuts a tablespace off.
const TRIM_PAGES: u8 = 10;

/// Why records cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// They go on behind the bytes.
    Short,
    /// There is one of an unknown type, which is told by its number, or of an impossible form.
    Unknown(u8),
}

/// Reads the records of one mini-transaction after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MariadbRecords {
    /// A record before was of a page.
    of_page: bool,
}

/// One record.
pub(super) struct MariadbRecord {
    pub length: usize,
    pub changes: [Option<Change>; 2],
}

impl RedoChanges {
    /// Takes over the records of a whole mini-transaction, up to the byte of at most 1 that ends them. False where
    /// one is of an unknown type.
    pub(super) fn add_mariadb(&mut self, mut bytes: &[u8]) -> bool {
        let mut records = MariadbRecords::default();
        while bytes.first().is_some_and(|first| *first > 1) {
            let Ok(record) = records.next(bytes) else { return false };
            record.changes.into_iter().flatten().for_each(|change| self.add(change));
            bytes = bytes.get(record.length..).unwrap_or_default();
        }
        true
    }
}

impl MariadbRecords {
    /// The mini-transaction has ended.
    pub(super) fn end(&mut self) {
        self.of_page = false;
    }

    /// The record that `bytes` begin with.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<MariadbRecord, Stop> {
        let first = bytes.byte(0).ok_or(Stop::Short)?;
        let (from, end) = extent(bytes, first)?;
        let body = bytes.get(from..end).ok_or(Stop::Short)?;
        let done = |changes| Ok(MariadbRecord { length: end, changes });
        if first & SAME_PAGE > 0 && self.of_page {
            return done([None, None]);
        }
        if first & 0x70 == RESERVED && first & SAME_PAGE == 0 {
            return Err(Stop::Unknown(first));
        }
        let ids = id(body).and_then(|(space, rest)| Some((space, id(rest)?)));
        let Some((space, (page, rest))) = ids else {
            // What fills a block of a log is a record of a checkpoint without numbers.
            return if first & 0xf0 == 0xf0 { done([None, None]) } else { Err(Stop::Unknown(first)) };
        };
        let (space, page) = (SpaceId(space), PageNo(page));
        self.of_page = first & SAME_PAGE == 0;
        if self.of_page {
            done([page_change(first, space, page, rest), None])
        } else {
            done(file_changes(first, space, rest))
        }
    }
}

fn page_change(first: u8, space: SpaceId, page: PageNo, rest: &[u8]) -> Option<Change> {
    match first & 0x70 {
        FREE_PAGE | INIT_PAGE => Some(Change::Page(space, page)),
        EXTENDED if rest == [TRIM_PAGES] => Some(Change::Trim(space, page)),
        _ => None,
    }
}

fn file_changes(first: u8, space: SpaceId, rest: &[u8]) -> [Option<Change>; 2] {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut names = rest.split(|byte| *byte == 0).map(name);
    let mut next = || names.next();
    match first & 0xf0 {
        FILE_CREATE => [next().map(|name| Change::Create(space, name)), None],
        FILE_DELETE => [Some(Change::Delete(space)), next().map(|name| Change::Name(space, name))],
        FILE_RENAME | FILE_MODIFY => [next(), next()].map(|name| name.map(|name| Change::Name(space, name))),
        _ => [None, None],
    }
}

/// Where the part behind the length begins, and where the record ends.
fn extent(bytes: &[u8], first: u8) -> Result<(usize, usize), Stop> {
    let rest = bytes.get(1..).unwrap_or_default();
    match first & 0xf {
        0 => match long(rest) {
            Long::Bytes(length) => Ok((1 + width(rest.byte(0).unwrap_or(0)), 1 + length)),
            Long::Short => Err(Stop::Short),
            Long::None => Err(Stop::Unknown(first)),
        },
        short => Ok((1, 1 + usize::from(short))),
    }
}

/// Bytes of a number that begins with this one.
fn width(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xc0 => 2,
        0xc0..0xe0 => 3,
        0xe0..0xf0 => 4,
        _ => 5,
    }
}

/// A number of one to five bytes, each length beginning where the one before has ended, and what follows.
fn id(bytes: &[u8]) -> Option<(u32, &[u8])> {
    const STARTS: [u64; 6] = [0, 0, 0x80, 0x4080, 0x20_4080, 0x1020_4080];
    let first = bytes.byte(0)?;
    let width = width(first);
    let (head, rest) = bytes.split_at_checked(width)?;
    let mask = 0xff_u8.checked_shr(narrow::<u32, _>(width)?).unwrap_or(0);
    let value = head.iter().skip(1).fold(u64::from(first & mask), |value, byte| value << 8 | u64::from(*byte));
    Some((narrow::<u32, _>(value + STARTS.get(width)?)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExtentMap, Fate, FileFate, Layout, PageSize, SpaceFormat};
    use proptest::prelude::*;

    fn fate(changes: &RedoChanges, space: u32, page: u32) -> Fate {
        let extents = ExtentMap::new(&SpaceFormat::plain(PageSize::DEFAULT, Layout::FullCrc32));
        changes.page(SpaceId(space), PageNo(page), &extents)
    }

    #[test]
    fn pages_are_initialised_and_freed() {
        let mut changes = RedoChanges::default();
        // INIT_PAGE(5, 3), WRITE to the same page, FREE_PAGE(5, 300), and the end.
        let bytes = [0x12, 5, 3, 0xb3, 60, 1, 2, 0x03, 5, 0x80, 0xac, 0];
        assert!(changes.add_mariadb(&bytes));
        assert_eq!(fate(&changes, 5, 3), Fate::Created);
        assert_eq!(fate(&changes, 5, 300), Fate::Created);
        assert_eq!(fate(&changes, 5, 4), Fate::Untouched);
    }

    #[test]
    fn numbers_of_every_width_are_read() {
        let read = |bytes: &[u8]| id(bytes).map(|(value, rest)| (value, rest.len()));
        assert_eq!(read(&[0x7f]), Some((127, 0)));
        assert_eq!(read(&[0x80, 0, 9]), Some((128, 1)));
        assert_eq!(read(&[0xbf, 0xff]), Some((16_511, 0)));
        assert_eq!(read(&[0xc0, 0, 0]), Some((16_512, 0)));
        assert_eq!(read(&[0xe0, 0, 0, 0]), Some((2_113_664, 0)));
        assert_eq!(read(&[0xf0, 0, 0, 0, 1]), Some((270_549_121, 0)));
        assert_eq!(read(&[0xf7, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(read(&[0xe0, 0, 0]), None);
    }

    #[test]
    fn names_of_files_are_read() {
        let mut bytes = vec![0x8b, 6, 0];
        bytes.extend(b"./a/b.ibd");
        bytes.push(0);
        let mut changes = RedoChanges::default();
        assert!(changes.add_mariadb(&bytes));
        assert_eq!(changes.file("a/b.ibd"), FileFate::Created);
        // A record of more than 1 + 15 bytes has its length in bytes of its own.
        let mut bytes = vec![0xa0, 1, 6, 0];
        bytes.extend(b"b.ibd\0ccc.ibd\0");
        assert!(changes.add_mariadb(&bytes));
        assert_eq!(changes.file("b.ibd"), FileFate::Created);
    }

    #[test]
    fn an_unknown_record_stops_the_reading() {
        let mut changes = RedoChanges::default();
        assert!(!changes.add_mariadb(&[0x62, 5, 3, 0]));
        assert!(!changes.add_mariadb(&[0x12, 0x80]), "cut");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            RedoChanges::default().add_mariadb(&bytes);
        }
    }
}
