//! MariaDB's lists of tables and indexes, which the system tablespace holds: [`DictTable`], [`DictIndex`].
//!
//! Its records are of ROW_FORMAT=REDUNDANT in every version, so they tell where
//! their fields end. Invariant: a record whose fields do not fit is left out.

use crate::bytes::Field;
use crate::{PageNo, SpaceId};
use vouch_convert::utf8;

/// The index that the list of tables is.
pub const TABLES_INDEX: u64 = 1;
/// The index that the list of indexes is.
pub const INDEXES_INDEX: u64 = 3;

/// The page that tells where the lists begin, and where on it.
const HEADER: PageNo = PageNo(7);
const TABLES_ROOT: usize = 38 + 32;
const INDEXES_ROOT: usize = 38 + 44;

const INFIMUM: usize = 101;
const SUPREMUM: usize = 116;
const FIELDS: u16 = 10;
/// The last field of an index is not in lists of old servers.
const INDEX_FIELDS: [u16; 2] = [9, 10];
/// Fields by their order.
const ID: usize = 3;
const FLAGS: usize = 7;
/// Those of an index.
const OF_TABLE: usize = 0;
const INDEX_ID: usize = 1;
const INDEX_NAME: usize = 4;
const INDEX_SPACE: usize = 7;
const SPACE: usize = 9;
const DELETED: u8 = 0x20;
const TEMPORARY: u32 = 1;
const DISCARDED: u32 = 32;
/// Records of a page are fewer.
const MOST_RECORDS: usize = 1 << 13;

/// A table as the list names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DictTable {
    /// `db/table`, encoded as in names of files.
    pub name: String,
    /// Its number.
    pub id: u64,
    /// The tablespace; 0 is the system tablespace.
    pub space: SpaceId,
    flags: u32,
}

/// An index as the list names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DictIndex {
    /// Its number.
    pub id: u64,
    /// The number of its table.
    pub table: u64,
    /// The tablespace that it is in.
    pub space: SpaceId,
    /// Its name.
    pub name: String,
}

/// Where the lists begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DictRoots {
    /// The root of the list of tables.
    pub tables: PageNo,
    /// The root of the list of indexes.
    pub indexes: PageNo,
}

impl DictRoots {
    /// The page of the system tablespace that tells.
    pub const TOLD_BY: PageNo = HEADER;

    /// As the page says.
    pub fn read(page: &[u8]) -> Option<DictRoots> {
        Some(DictRoots { tables: PageNo(page.be32(TABLES_ROOT)?), indexes: PageNo(page.be32(INDEXES_ROOT)?) })
    }
}

impl DictIndex {
    /// The indexes on a leaf of the list. One that is being made or dropped has no name that is text.
    pub fn of_leaf(page: &[u8]) -> Vec<DictIndex> {
        records(page).filter_map(|record| index(page, record)).collect()
    }
}

impl DictTable {
    /// Whether its pages should be in a file of its own.
    pub fn has_file(&self) -> bool {
        self.space.0 != 0 && self.flags & (TEMPORARY | DISCARDED) == 0
    }

    /// The tables on a leaf of the list.
    pub fn of_leaf(page: &[u8]) -> Vec<DictTable> {
        records(page).filter_map(|record| table(page, record)).collect()
    }
}

/// The records of a leaf, in their order.
fn records(page: &[u8]) -> impl Iterator<Item = usize> {
    let inside = |at: &usize| *at > SUPREMUM && *at < page.len();
    let first = next(page, INFIMUM).filter(inside);
    std::iter::successors(first, move |at| next(page, *at).filter(inside)).take(MOST_RECORDS)
}

fn next(page: &[u8], record: usize) -> Option<usize> {
    page.be16(record.checked_sub(2)?).map(usize::from)
}

/// The fields of a record that is not deleted and has as many as that.
fn fields<'a>(page: &'a [u8], record: usize, counts: &[u16]) -> Option<impl Fn(usize) -> Option<&'a [u8]>> {
    let head = page.be16(record.checked_sub(4)?)?;
    let deleted = page.byte(record.checked_sub(6)?)? & DELETED != 0;
    if deleted || !counts.contains(&(head >> 1 & 0x3ff)) {
        return None;
    }
    let short = head & 1 == 1;
    Some(move |number: usize| {
        let from = if number == 0 { 0 } else { end(page, record, short, number - 1)? };
        page.get(record.checked_add(from)?..record.checked_add(end(page, record, short, number)?)?)
    })
}

fn text(bytes: &[u8]) -> Option<String> {
    utf8(bytes).map(str::to_owned)
}

fn table(page: &[u8], record: usize) -> Option<DictTable> {
    let field = fields(page, record, &[FIELDS])?;
    let (flags, space) = (field(FLAGS)?.be32(0)?, SpaceId(field(SPACE)?.be32(0)?));
    Some(DictTable { name: text(field(0)?)?, id: field(ID)?.be64(0)?, flags, space })
}

fn index(page: &[u8], record: usize) -> Option<DictIndex> {
    let field = fields(page, record, &INDEX_FIELDS)?;
    let (id, table) = (field(INDEX_ID)?.be64(0)?, field(OF_TABLE)?.be64(0)?);
    Some(DictIndex { id, table, space: SpaceId(field(INDEX_SPACE)?.be32(0)?), name: text(field(INDEX_NAME)?)? })
}

/// Where a field ends, from the record's origin on. The upper bits tell of NULL and of parts elsewhere.
fn end(page: &[u8], record: usize, short: bool, field: usize) -> Option<usize> {
    let ends = record.checked_sub(6)?;
    if short {
        page.byte(ends.checked_sub(field + 1)?).map(|end| usize::from(end & 0x7f))
    } else {
        page.be16(ends.checked_sub(2 * (field + 1))?).map(|end| usize::from(end & 0x3fff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A leaf with records of these names, flags and tablespaces.
    fn leaf(tables: &[(&str, u32, u32)], short: bool) -> Vec<u8> {
        let mut page = vec![0; 16_384];
        let (mut before, mut at) = (INFIMUM, 200);
        for (name, flags, space) in tables {
            let lengths = [name.len(), 6, 7, 8, 4, 4, 8, 4, 0, 4];
            at += 60 + if short { 0 } else { 10 };
            page[before - 2..before].copy_from_slice(&u16::try_from(at).unwrap().to_be_bytes());
            let mut end = 0;
            for (number, length) in lengths.iter().enumerate() {
                end += length;
                if short {
                    page[at - 7 - number] = u8::try_from(end).unwrap();
                } else {
                    let from = at - 8 - 2 * number;
                    page[from..from + 2].copy_from_slice(&u16::try_from(end).unwrap().to_be_bytes());
                }
            }
            page[at - 4..at - 2].copy_from_slice(&(FIELDS << 1 | u16::from(short)).to_be_bytes());
            page[at..at + name.len()].copy_from_slice(name.as_bytes());
            let flags_at = at + name.len() + 6 + 7 + 8 + 4 + 4 + 8;
            page[flags_at..flags_at + 4].copy_from_slice(&flags.to_be_bytes());
            page[flags_at + 4..flags_at + 8].copy_from_slice(&space.to_be_bytes());
            (before, at) = (at, at + end);
        }
        page[before - 2..before].copy_from_slice(&u16::try_from(SUPREMUM).unwrap().to_be_bytes());
        page
    }

    #[test]
    fn tables_are_read_with_their_files() {
        for short in [true, false] {
            let page = leaf(&[("shop/a", 0x50, 7), ("shop/b", 0x20, 8), ("shop/c", 0x50, 0), ("x/t", 1, 9)], short);
            let tables = DictTable::of_leaf(&page);
            let told: Vec<_> =
                tables.iter().map(|table| (table.name.as_str(), table.space.0, table.has_file())).collect();
            assert_eq!(told, [("shop/a", 7, true), ("shop/b", 8, false), ("shop/c", 0, false), ("x/t", 9, false)]);
        }
    }

    #[test]
    fn indexes_are_read_with_their_tables() {
        let mut page = vec![0; 4096];
        let (at, ends) = (200, [8, 16, 22, 29, 36, 40, 44, 48, 52]);
        page[INFIMUM - 2..INFIMUM].copy_from_slice(&[0, 200]);
        page[at - 2..at].copy_from_slice(&[0, 116]);
        page[at - 4..at - 2].copy_from_slice(&(9_u16 << 1 | 1).to_be_bytes());
        for (number, end) in ends.into_iter().enumerate() {
            page[at - 7 - number] = end;
        }
        page[at + 7] = 18;
        page[at + 15] = 33;
        page[at + 29..at + 36].copy_from_slice(b"PRIMARY");
        page[at + 47] = 5;
        let primary = DictIndex { id: 33, table: 18, space: SpaceId(5), name: "PRIMARY".to_owned() };
        assert_eq!(DictIndex::of_leaf(&page), [primary]);
        page[at + 29] = 0xff;
        assert_eq!(DictIndex::of_leaf(&page), [], "one in the making");
        page[70..74].copy_from_slice(&[0, 0, 0, 8]);
        page[82..86].copy_from_slice(&[0, 0, 0, 11]);
        assert_eq!(DictRoots::read(&page), Some(DictRoots { tables: PageNo(8), indexes: PageNo(11) }));
    }

    #[test]
    fn deleted_records_are_left_out() {
        let mut page = leaf(&[("shop/a", 0x50, 7), ("shop/b", 0x50, 8)], true);
        let first = next(&page, INFIMUM).unwrap();
        page[first - 6] |= DELETED;
        assert_eq!(DictTable::of_leaf(&page).len(), 1);
    }

    proptest! {
        #[test]
        fn no_leaf_panics_or_runs_forever(page in prop::collection::vec(any::<u8>(), 0..2048)) {
            DictTable::of_leaf(&page);
            DictIndex::of_leaf(&page);
        }

        #[test]
        fn no_damaged_leaf_panics(at in 190_usize..800, byte in any::<u8>(), short in any::<bool>()) {
            let mut page = leaf(&[("shop/a", 0x50, 7), ("shop/b", 0x50, 8)], short);
            page[at] = byte;
            prop_assert!(DictTable::of_leaf(&page).len() <= MOST_RECORDS);
        }
    }
}
