//! MariaDB's list of tables, which the system tablespace holds: [`DictTable`].
//!
//! Its records are of ROW_FORMAT=REDUNDANT in every version, so they tell where
//! their fields end. Invariant: a record whose fields do not fit is left out.

use crate::SpaceId;
use crate::bytes::Field;

/// The index that the list is.
pub const TABLES_INDEX: u64 = 1;

const INFIMUM: usize = 101;
const SUPREMUM: usize = 116;
const FIELDS: u16 = 10;
/// Fields by their order.
const FLAGS: usize = 7;
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
    /// The tablespace; 0 is the system tablespace.
    pub space: SpaceId,
    flags: u32,
}

impl DictTable {
    /// Whether its pages should be in a file of its own.
    pub fn has_file(&self) -> bool {
        self.space.0 != 0 && self.flags & (TEMPORARY | DISCARDED) == 0
    }

    /// The tables on a leaf of the list.
    pub fn of_leaf(page: &[u8]) -> Vec<DictTable> {
        let mut tables = Vec::new();
        let mut at = next(page, INFIMUM);
        for _ in 0..MOST_RECORDS {
            match at {
                Some(record) if record > SUPREMUM && record < page.len() => {
                    tables.extend(table(page, record));
                    at = next(page, record);
                }
                _ => break,
            }
        }
        tables
    }
}

fn next(page: &[u8], record: usize) -> Option<usize> {
    page.be16(record.checked_sub(2)?).map(usize::from)
}

fn table(page: &[u8], record: usize) -> Option<DictTable> {
    let fields = page.be16(record.checked_sub(4)?)?;
    let deleted = page.byte(record.checked_sub(6)?)? & DELETED != 0;
    if deleted || fields >> 1 & 0x3ff != FIELDS {
        return None;
    }
    let short = fields & 1 == 1;
    let field = |number: usize| {
        let from = if number == 0 { 0 } else { end(page, record, short, number - 1)? };
        page.get(record.checked_add(from)?..record.checked_add(end(page, record, short, number)?)?)
    };
    let name = std::str::from_utf8(field(0)?).ok()?.to_owned();
    Some(DictTable { name, flags: field(FLAGS)?.be32(0)?, space: SpaceId(field(SPACE)?.be32(0)?) })
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
        }

        #[test]
        fn no_damaged_leaf_panics(at in 190_usize..800, byte in any::<u8>(), short in any::<bool>()) {
            let mut page = leaf(&[("shop/a", 0x50, 7), ("shop/b", 0x50, 8)], short);
            page[at] = byte;
            prop_assert!(DictTable::of_leaf(&page).len() <= MOST_RECORDS);
        }
    }
}
