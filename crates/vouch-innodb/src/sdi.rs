//! MySQL's serialized dictionary information: what a tablespace says of its own tables, [`SdiRecord`].
//!
//! Invariant: no length that a record names is believed before it has been held
//! against the page and a limit.

use crate::PageNo;
use crate::bytes::Field;
use flate2::read::ZlibDecoder;
use std::io::Read;
use vouch_convert::{narrow, widen};

const INFIMUM: usize = 99;
const SUPREMUM: usize = 112;
/// What stands in front of a record.
const EXTRA: usize = 5;
const DELETED: u8 = 0x20;
/// The length of the data has two bytes; a part of the data is elsewhere.
const LONG: u8 = 0x80;
const ELSEWHERE: u8 = 0x40;
/// Fields by their place in the record; those of transactions stand in between.
const ID: usize = 4;
const PLAIN_LENGTH: usize = 25;
const PACKED_LENGTH: usize = 29;
const DATA: usize = 33;
/// The page in a reference to data elsewhere.
const AWAY_PAGE: usize = 4;
const OTHER_LENGTH: SdiFault = SdiFault("a record of the dictionary has another length than it says");
/// Records of a page are fewer.
const MOST_RECORDS: usize = 1 << 13;
/// Descriptions are shorter.
const MOST_TEXT: u64 = 64 << 20;

/// One object of the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdiRecord {
    /// 1 for a table, 2 for a tablespace.
    pub kind: u32,
    /// The object's number.
    pub id: u64,
    /// Its description in JSON; an error is damage, `None` is one that stands on pages of its own.
    pub text: Result<Option<String>, SdiFault>,
    /// Where the description stands, if not here.
    pub away: Option<SdiAway>,
}

/// A description on pages of its own, which are chained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdiAway {
    /// The first of these pages.
    pub page: PageNo,
    /// Bytes of the description on them, compressed.
    pub packed: usize,
    plain: u64,
}

impl SdiAway {
    /// The description, from the bytes of all these pages.
    ///
    /// # Errors
    /// They are no description of the length that the record says.
    pub fn text(&self, packed: &[u8]) -> Result<String, SdiFault> {
        if packed.len() == self.packed { inflate(packed, self.plain) } else { Err(OTHER_LENGTH) }
    }

    /// The same of ROW_FORMAT=COMPRESSED, where the bytes are compressed once more and filled up.
    ///
    /// # Errors
    /// They are no description of the length that the record says.
    pub fn text_of_zip(&self, stream: &[u8]) -> Result<String, SdiFault> {
        unzip(stream, self.packed).ok_or(OTHER_LENGTH).and_then(|packed| self.text(&packed))
    }
}

/// The beginning of a stream that has to be of this length decompressed.
fn unzip(stream: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    ZlibDecoder::new(stream).take(widen(length) + 1).read_to_end(&mut plain).ok()?;
    (plain.len() == length).then_some(plain)
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdiFault(
    /// In words.
    pub &'static str,
);

impl SdiRecord {
    /// The number of tables among kinds of objects.
    pub const TABLE: u32 = 1;

    /// The objects on a leaf, as a server has it in memory.
    pub fn of_leaf(page: &[u8]) -> Vec<SdiRecord> {
        let mut records = Vec::new();
        let mut at = next(page, INFIMUM);
        for _ in 0..MOST_RECORDS {
            match at {
                Some(record) if record > SUPREMUM && record < page.len() => {
                    records.extend(read(page, record));
                    at = next(page, record);
                }
                _ => break,
            }
        }
        records
    }
}

/// Next-pointers are differences, within the page and within 16 bits.
fn next(page: &[u8], record: usize) -> Option<usize> {
    let difference = usize::from(page.be16(record.checked_sub(2)?)?);
    let mask = page.len().checked_sub(1)? & 0xffff;
    Some(record.wrapping_add(difference) & mask)
}

fn read(page: &[u8], record: usize) -> Option<SdiRecord> {
    if page.byte(record.checked_sub(EXTRA)?)? & DELETED != 0 {
        return None;
    }
    let text = text(page, record);
    let away = if text == Ok(None) { away(page, record) } else { None };
    Some(SdiRecord { kind: page.be32(record)?, id: page.be64(record + ID)?, text, away })
}

fn text(page: &[u8], record: usize) -> Result<Option<String>, SdiFault> {
    let outside = SdiFault("a record of the dictionary leaves its page");
    let (stored, elsewhere) = data_length(page, record).ok_or(outside)?;
    if elsewhere {
        return Ok(None);
    }
    let packed = usize::try_from(page.be32(record + PACKED_LENGTH).ok_or(outside)?).map_err(|_| outside)?;
    if packed != stored {
        return Err(OTHER_LENGTH);
    }
    let data = page.get(record + DATA..record + DATA + packed).ok_or(outside)?;
    let plain = u64::from(page.be32(record + PLAIN_LENGTH).ok_or(outside)?);
    inflate(data, plain).map(Some)
}

/// The record has nothing but the place of its data.
fn away(page: &[u8], record: usize) -> Option<SdiAway> {
    let packed = narrow::<usize, _>(page.be32(record + PACKED_LENGTH)?)?;
    let plain = u64::from(page.be32(record + PLAIN_LENGTH)?);
    (widen(packed) <= MOST_TEXT).then_some(())?;
    Some(SdiAway { page: PageNo(page.be32(record + DATA + AWAY_PAGE)?), packed, plain })
}

/// Bytes of the data in the record, and whether there are others elsewhere.
fn data_length(page: &[u8], record: usize) -> Option<(usize, bool)> {
    let first = page.byte(record.checked_sub(EXTRA + 1)?)?;
    if first & LONG == 0 {
        return Some((usize::from(first), false));
    }
    let low = page.byte(record.checked_sub(EXTRA + 2)?)?;
    Some((usize::from(first & 0x3f) << 8 | usize::from(low), first & ELSEWHERE != 0))
}

fn inflate(data: &[u8], length: u64) -> Result<String, SdiFault> {
    if length > MOST_TEXT {
        return Err(SdiFault("a record of the dictionary is longer than any can be"));
    }
    let mut text = String::new();
    // One byte more shows that there is more than the record says.
    match ZlibDecoder::new(data).take(length + 1).read_to_string(&mut text) {
        Ok(read) if widen(read) == length => Ok(text),
        Ok(_) => Err(OTHER_LENGTH),
        Err(_) => Err(SdiFault("a record of the dictionary does not decompress to text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::read::ZlibEncoder;
    use proptest::prelude::*;

    fn leaf(objects: &[(u32, u64, &str)]) -> Vec<u8> {
        let mut page = vec![0; 16_384];
        let (mut before, mut at) = (INFIMUM, 130);
        for (kind, id, text) in objects {
            let mut data = Vec::new();
            ZlibEncoder::new(text.as_bytes(), Compression::default()).read_to_end(&mut data).unwrap();
            at += 7;
            link(&mut page, before, at);
            let length = u16::try_from(data.len()).unwrap();
            page[at - 6] = LONG | u8::try_from(length >> 8).unwrap();
            page[at - 7] = length.to_be_bytes()[1];
            page[at..at + 4].copy_from_slice(&kind.to_be_bytes());
            page[at + 4..at + 12].copy_from_slice(&id.to_be_bytes());
            page[at + 25..at + 29].copy_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
            page[at + 29..at + 33].copy_from_slice(&u32::from(length).to_be_bytes());
            page[at + 33..at + 33 + data.len()].copy_from_slice(&data);
            (before, at) = (at, at + 33 + data.len());
        }
        link(&mut page, before, SUPREMUM);
        page
    }

    fn link(page: &mut [u8], from: usize, to: usize) {
        let difference = u16::try_from(to.wrapping_sub(from) & 0xffff).unwrap();
        page[from - 2..from].copy_from_slice(&difference.to_be_bytes());
    }

    const TEXT: &str = r#"{"dd_object_type": "Table", "dd_object": {"name": "orders"}}"#;

    #[test]
    fn objects_are_read_in_their_order() {
        let records = SdiRecord::of_leaf(&leaf(&[(1, 357, TEXT), (2, 9, "{}")]));
        let text = |text: &str| Ok(Some(text.to_owned()));
        let expected = [
            SdiRecord { kind: 1, id: 357, text: text(TEXT), away: None },
            SdiRecord { kind: 2, id: 9, text: text("{}"), away: None },
        ];
        assert_eq!(records, expected);
    }

    #[test]
    fn any_byte_of_the_data_that_changes_is_a_fault() {
        let page = leaf(&[(1, 357, TEXT)]);
        let record = next(&page, INFIMUM).unwrap();
        let length = usize::try_from(page.be32(record + PACKED_LENGTH).unwrap()).unwrap();
        for at in (record + PLAIN_LENGTH)..(record + DATA + length) {
            let mut damaged = page.clone();
            damaged[at] ^= 0x41;
            let records = SdiRecord::of_leaf(&damaged);
            let [one] = &records[..] else { panic!("one record") };
            assert_ne!(one.text, Ok(Some(TEXT.to_owned())), "{at}");
            assert!(one.text.is_err(), "{at}");
        }
    }

    #[test]
    fn data_on_other_pages_is_read_from_there() {
        let mut page = leaf(&[(1, 357, TEXT)]);
        let record = next(&page, INFIMUM).unwrap();
        page[record - 6] |= ELSEWHERE;
        let mut packed = vec![0; 20];
        packed[4..8].copy_from_slice(&77_u32.to_be_bytes());
        let length = usize::try_from(page.be32(record + PACKED_LENGTH).unwrap()).unwrap();
        let data = page[record + DATA..record + DATA + length].to_vec();
        page[record + DATA..record + DATA + 20].copy_from_slice(&packed);
        let far = SdiRecord::of_leaf(&page).remove(0);
        assert_eq!((far.text, far.away.unwrap().page), (Ok(None), PageNo(77)));
        assert_eq!(far.away.unwrap().text(&data).as_deref(), Ok(TEXT));
        assert!(far.away.unwrap().text(&data[1..]).is_err());
        page[record - 5] |= DELETED;
        assert_eq!(SdiRecord::of_leaf(&page), []);
    }

    proptest! {
        #[test]
        fn no_leaf_panics_or_runs_forever(page in prop::collection::vec(any::<u8>(), 0..2048)) {
            SdiRecord::of_leaf(&page);
        }

        #[test]
        fn no_damaged_leaf_panics(at in 97_usize..300, byte in any::<u8>()) {
            let mut page = leaf(&[(1, 357, TEXT), (2, 9, "{}")]);
            page[at] = byte;
            prop_assert!(SdiRecord::of_leaf(&page).len() <= MOST_RECORDS);
        }
    }
}
