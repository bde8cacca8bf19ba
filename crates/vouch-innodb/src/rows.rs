//! Records of ROW_FORMAT=DYNAMIC on a leaf, for tables whose columns are known: [`rows`].
//!
//! Invariant: no length that a record names is believed before it has been held
//! against the page; one record that cannot be read makes all of the leaf unread.

use crate::bytes::Field;

const INFIMUM: usize = 99;
const SUPREMUM: usize = 112;
/// What stands in front of a record, next to it.
const EXTRA: usize = 5;
const DELETED: u8 = 0x20;
/// The record has the columns of another version of its table.
const OTHER_VERSION: u8 = 0xc0;
/// The length of a value has two bytes; a part of the value is elsewhere.
const LONG: u8 = 0x80;
const ELSEWHERE: u8 = 0x40;
/// Values that may be longer than this have lengths of two bytes.
const SHORT: u64 = 255;
/// Records of a page are fewer.
const MOST_RECORDS: usize = 1 << 13;

/// A column, in the order of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// A value of so many bytes, never NULL.
    Fixed(usize),
    /// A value of at most so many bytes.
    Text {
        /// Bytes.
        most: u64,
        /// Whether it may be NULL.
        nullable: bool,
    },
}

/// A value of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// Its bytes.
    Here(&'a [u8]),
    /// Not all of it is on this page.
    Away,
}

/// The records of a leaf of a clustered index, but for those that were deleted; `None` when one cannot be read.
pub fn rows<'a>(page: &'a [u8], columns: &[Column]) -> Option<Vec<Vec<Value<'a>>>> {
    let mut rows = Vec::new();
    let mut at = next(page, INFIMUM)?;
    for _ in 0..MOST_RECORDS {
        if at == SUPREMUM {
            return Some(rows);
        }
        let info = page.byte(at.checked_sub(EXTRA)?)?;
        if info & DELETED == 0 {
            rows.push(row(page, at, info, columns)?);
        }
        at = next(page, at)?;
    }
    None
}

/// Next-pointers are differences, within the page and within 16 bits.
fn next(page: &[u8], record: usize) -> Option<usize> {
    let difference = usize::from(page.be16(record.checked_sub(2)?)?);
    let mask = page.len().checked_sub(1)? & 0xffff;
    Some(record.wrapping_add(difference) & mask).filter(|next| *next >= SUPREMUM)
}

fn row<'a>(page: &'a [u8], record: usize, info: u8, columns: &[Column]) -> Option<Vec<Value<'a>>> {
    (info & OTHER_VERSION == 0).then_some(())?;
    let nullable = columns.iter().filter(|column| matches!(column, Column::Text { nullable: true, .. })).count();
    let nulls = record.checked_sub(EXTRA)?;
    let mut lengths = nulls.checked_sub(nullable.div_ceil(8))?;
    let (mut at, mut bit) = (record, 0);
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        let (value, length) = match *column {
            Column::Fixed(length) => (Value::Here(page.get(at..at.checked_add(length)?)?), length),
            Column::Text { nullable: true, .. } if is_null(page, nulls, &mut bit)? => (Value::Null, 0),
            Column::Text { most, .. } => text(page, at, most, &mut lengths)?,
        };
        at = at.checked_add(length)?;
        values.push(value);
    }
    Some(values)
}

/// Whether the next column that may be NULL is. Bits run upwards from the record.
fn is_null(page: &[u8], nulls: usize, bit: &mut usize) -> Option<bool> {
    let byte = page.byte(nulls.checked_sub(1 + *bit / 8)?)?;
    let set = byte >> (*bit % 8) & 1 == 1;
    *bit += 1;
    Some(set)
}

/// A value whose length stands in front of `lengths`, and the bytes of it that are here.
fn text<'a>(page: &'a [u8], at: usize, most: u64, lengths: &mut usize) -> Option<(Value<'a>, usize)> {
    let mut take = || {
        *lengths = lengths.checked_sub(1)?;
        page.byte(*lengths)
    };
    let first = take()?;
    if most <= SHORT || first & LONG == 0 {
        let length = usize::from(first);
        return Some((Value::Here(page.get(at..at.checked_add(length)?)?), length));
    }
    let length = usize::from(first & !(LONG | ELSEWHERE)) << 8 | usize::from(take()?);
    let here = page.get(at..at.checked_add(length)?)?;
    Some((if first & ELSEWHERE == 0 { Value::Here(here) } else { Value::Away }, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: [Column; 4] = [
        Column::Fixed(4),
        Column::Text { most: 1536, nullable: false },
        Column::Text { most: 200, nullable: true },
        Column::Text { most: 1 << 24, nullable: true },
    ];

    /// A leaf with one record of these bytes, which begin so far in front of it.
    fn leaf(extra: &[u8], data: &[u8]) -> Vec<u8> {
        let mut page = vec![0; 16_384];
        let at = 300;
        page[97..99].copy_from_slice(&u16::try_from(at - 99).unwrap().to_be_bytes());
        page[at - 2..at].copy_from_slice(&(112_u16.wrapping_sub(300)).to_be_bytes());
        page[at - EXTRA - extra.len()..at - EXTRA].copy_from_slice(extra);
        page[at..at + data.len()].copy_from_slice(data);
        page
    }

    #[test]
    fn values_are_found_by_their_lengths() {
        let page = leaf(&[2, 3, 0b00], b"\0\0\0\x07abcxy");
        assert_eq!(rows(&page, &COLUMNS[..3]).unwrap()[0][1..], [Value::Here(b"abc"), Value::Here(b"xy")]);
        let page = leaf(&[3, 0b01], b"\0\0\0\x07abc");
        assert_eq!(rows(&page, &COLUMNS[..3]).unwrap()[0][1..], [Value::Here(b"abc"), Value::Null]);
        let mut long = vec![0; 4];
        long.extend([b'z'; 300]);
        let page = leaf(&[0x2c, 0x81, 0b11], &long);
        let values = &rows(&page, &COLUMNS).unwrap()[0];
        assert_eq!(values[1..], [Value::Here(&[b'z'; 300]), Value::Null, Value::Null]);
        let page = leaf(&[20, 0xc0, 3, 0b01], b"\0\0\0\x07abc01234567890123456789");
        assert_eq!(rows(&page, &COLUMNS).unwrap()[0][3], Value::Away);
    }

    #[test]
    fn deleted_records_are_left_out_and_other_versions_not_read() {
        let page = leaf(&[2, 3, 0], b"\0\0\0\x07abcxy");
        let marked = |mark: u8| {
            let mut page = page.clone();
            page[295] |= mark;
            rows(&page, &COLUMNS[..3]).map(|rows| rows.len())
        };
        assert_eq!((marked(0), marked(DELETED), marked(0x40), marked(0x80)), (Some(1), Some(0), None, None));
    }

    #[test]
    fn no_length_leads_out_of_the_page() {
        let page = leaf(&[0xff, 0xbf, 0b11], b"\0\0\0\x07");
        assert_eq!(rows(&page, &COLUMNS), None);
        let mut round = leaf(&[2, 3, 0], b"\0\0\0\x07abcxy");
        round[298..300].copy_from_slice(&[0, 0]);
        assert_eq!(rows(&round, &COLUMNS[..3]), None, "a chain without an end");
    }

    proptest! {
        #[test]
        fn no_leaf_panics_or_runs_forever(page in prop::collection::vec(any::<u8>(), 0..2048)) {
            rows(&page, &COLUMNS);
        }

        #[test]
        fn no_damaged_leaf_panics(at in 90_usize..310, byte in any::<u8>()) {
            let mut page = leaf(&[2, 3, 0], b"\0\0\0\x07abcxy");
            page[at] = byte;
            rows(&page, &COLUMNS);
        }
    }
}
