//! Records of MySQL's log: [`MysqlRecords`].
//!
//! ```text
//! +0    1     type; bit 7: the only record of its mini-transaction
//! +1    1-5   number of the tablespace, compressed
//!       1-5   number of the page, compressed
//!             a body, whose length follows from its contents by type
//! ```
//!
//! A record of type 31 ends a mini-transaction of several. Of types 31 and 32 there is that byte alone; a record of
//! type 62 has the number of a table and a version in place of the other two. Sources: `mtr0types.h`,
//! `recv_parse_log_rec` in `log0recv.cc`, and the `parse` functions that it calls.
//!
//! Invariant: a type that is not known ends the reading, since nothing tells how long its body is.

use super::changes::Change;
use super::mariadb_records::Stop;
use crate::bytes::Field;
use crate::{PageNo, SpaceId};
use vouch_convert::narrow;

const SINGLE: u8 = 0x80;
const MULTI_END: u8 = 31;
const DUMMY: u8 = 32;
const TABLE_META: u8 = 62;
/// The length that stands for NULL.
const NULL: u32 = u32::MAX;
/// Only pages of these numbers may describe extents: of the smallest pages each 1024th.
const EXTENT_PAGES: u32 = 1024;
/// Descriptors begin here.
const EXTENTS: u16 = 150;
/// Fields of an index, and of a row that is changed, that a server has at most. Each is a small part of a record.
const MOST_FIELDS: u32 = 2048;

/// What a record is to its mini-transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The only one.
    Whole,
    /// One of several.
    Some,
    /// What follows the last one.
    End,
}

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MysqlRecord {
    pub length: usize,
    pub part: Part,
    pub change: Option<Change>,
}

/// Reads a record. `first`: it begins a mini-transaction.
pub(super) fn record(bytes: &[u8], first: bool) -> Result<MysqlRecord, Stop> {
    let kind = bytes.byte(0).ok_or(Stop::Short)?;
    let mut body = Body { bytes, at: 1 };
    let (part, change) = match kind {
        DUMMY => (if first { Part::Whole } else { Part::Some }, None),
        MULTI_END => (Part::End, None),
        _ => {
            let part = if kind & SINGLE > 0 { Part::Whole } else { Part::Some };
            (part, body.read(kind & !SINGLE)?)
        }
    };
    // What a body says of its length may lie behind the bytes.
    let whole = bytes.get(..body.at).ok_or(Stop::Short)?;
    let change = change.or_else(|| INSERTS.contains(&(kind & !SINGLE)).then(|| mentioned(whole))?.map(Change::Mention));
    Ok(MysqlRecord { length: body.at, part, change })
}

/// The types of `MLOG_REC_INSERT`.
const INSERTS: [u8; 3] = [67, 9, 38];
/// How the path of a tablespace ends.
const SUFFIX: &[u8] = b".ibd";

/// The text of a row up to the path of a tablespace, which no byte of control interrupts. What a record leaves out of
/// a row is its start alone.
fn mentioned(record: &[u8]) -> Option<String> {
    let at = record.windows(SUFFIX.len()).position(|window| window == SUFFIX)?;
    let text = record.get(..at)?.iter().rposition(|byte| byte.is_ascii_control()).map_or(0, |before| before + 1);
    Some(String::from_utf8_lossy(record.get(text..at + SUFFIX.len())?).into_owned())
}

/// The part of a record behind its type.
struct Body<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Body<'_> {
    fn read(&mut self, kind: u8) -> Result<Option<Change>, Stop> {
        if kind == TABLE_META {
            return self.table_meta().map(|()| None);
        }
        let space = SpaceId(self.number()?);
        let page = PageNo(self.number()?);
        match kind {
            29 | 59 => return Ok(Some(Change::Page(space, page))),
            1 | 2 | 4 => return self.write(space, page, kind),
            33 => return self.created_file(space),
            34 => return self.renamed_file(space),
            35 => return self.name().map(|_| Some(Change::Delete(space))),
            61 => {
                self.skip(8);
                return Ok(Some(Change::Loaded(space)));
            }
            _ => {}
        }
        self.index_of(kind)?;
        self.rest(kind).map(|()| None)
    }

    /// The description of an index, which many records begin with.
    fn index_of(&mut self, kind: u8) -> Result<(), Stop> {
        match kind {
            67..=76 => self.index(),
            38..=46 | 52 | 53 => self.index_8027(),
            _ => Ok(()),
        }
    }

    /// What follows the description of the index, or the number of the page. The names are the server's.
    fn rest(&mut self, kind: u8) -> Result<(), Stop> {
        match kind {
            // MLOG_REC_INSERT
            67 | 9 | 38 => self.insert(),
            // MLOG_REC_CLUST_DELETE_MARK: flags, value, system columns, offset
            68 | 10 | 39 => {
                self.skip(2);
                self.system_columns()?;
                self.skip(2);
                Ok(())
            }
            // MLOG_REC_SEC_DELETE_MARK: value, offset
            11 | 40 => self.fixed(3),
            // MLOG_REC_UPDATE_IN_PLACE
            70 | 13 | 41 => self.update(),
            // MLOG_REC_DELETE, MLOG_LIST_END_DELETE, MLOG_LIST_START_DELETE, MLOG_REC_MIN_MARK: offset
            69 | 14 | 42 | 75 | 76 | 15 | 16 | 43 | 44 | 26 | 36 => self.fixed(2),
            // MLOG_LIST_END_COPY_CREATED: length and that many bytes
            71 | 17 | 45 => {
                let length = self.be32()?;
                self.skip_u32(length)
            }
            // MLOG_PAGE_REORGANIZE, MLOG_PAGE_CREATE, MLOG_UNDO_ERASE_END, MLOG_IBUF_BITMAP_INIT
            72 | 18 | 46 | 19 | 37 | 57 | 58 | 63 | 64 | 21 | 27 => Ok(()),
            // MLOG_ZIP_PAGE_REORGANIZE, MLOG_ZIP_PAGE_COMPRESS_NO_DATA: level of compression
            73 | 53 | 74 | 52 => self.fixed(1),
            8 => self.eight_bytes(),
            // MLOG_UNDO_INSERT: length and that many bytes
            20 => self.counted(),
            // MLOG_UNDO_INIT: type
            22 => self.number().map(drop),
            // MLOG_UNDO_HDR_REUSE, MLOG_UNDO_HDR_CREATE: number of a transaction
            24 | 25 => self.transaction(),
            // MLOG_WRITE_STRING: offset, length and that many bytes
            30 => {
                self.skip(2);
                self.counted()
            }
            // MLOG_ZIP_WRITE_NODE_PTR: two offsets, number of a page
            48 => self.fixed(2 + 2 + 4),
            // MLOG_ZIP_WRITE_BLOB_PTR: two offsets, a reference
            49 => self.fixed(2 + 2 + 20),
            // MLOG_ZIP_WRITE_HEADER: offset, length and that many bytes
            50 => {
                self.skip(1);
                let length = self.byte()?;
                self.fixed(usize::from(length))
            }
            // MLOG_ZIP_PAGE_COMPRESS: two lengths, links, and that many bytes
            51 => {
                let lengths = usize::from(self.be16()?) + usize::from(self.be16()?);
                self.fixed(8 + lengths)
            }
            // MLOG_FILE_EXTEND: offset and size
            65 => self.fixed(8 + 8),
            unknown => Err(Stop::Unknown(unknown)),
        }
    }

    fn write(&mut self, space: SpaceId, page: PageNo, kind: u8) -> Result<Option<Change>, Stop> {
        let at = self.be16()?;
        let value = self.number()?;
        let count = usize::from(kind);
        let tells = page.0.is_multiple_of(EXTENT_PAGES) && at >= EXTENTS;
        let mut bytes = value.to_be_bytes();
        bytes.rotate_left(4 - count);
        Ok(tells.then_some(Change::Bits { space, page, at, bytes, count }))
    }

    fn created_file(&mut self, space: SpaceId) -> Result<Option<Change>, Stop> {
        self.skip(4);
        Ok(Some(Change::Create(space, self.name()?)))
    }

    fn renamed_file(&mut self, space: SpaceId) -> Result<Option<Change>, Stop> {
        self.name()?;
        Ok(Some(Change::Name(space, self.name()?)))
    }

    /// Version 1 of a description: version, flags, counts, a length for each field, and the fields that were added
    /// or dropped later.
    fn index(&mut self) -> Result<(), Stop> {
        const COMPACT: u8 = 1;
        const VERSIONED: u8 = 2;
        const INSTANT: u8 = 4;
        let version = self.byte()?;
        if version != 1 {
            return Err(Stop::Unknown(version));
        }
        let flags = self.byte()?;
        if flags & COMPACT > 0 {
            let fields = self.be16()?;
            self.skip(if flags & INSTANT > 0 { 4 } else { 2 });
            self.skip(2 * usize::from(fields));
        } else if flags & VERSIONED > 0 {
            self.skip(2);
        }
        if flags & VERSIONED > 0 {
            for _ in 0..self.be16()? {
                self.skip(2);
                let place = self.be16()?;
                self.skip(usize::from(place >> 15) + usize::from(place >> 14 & 1));
            }
        }
        Ok(())
    }

    /// The description of a compact index up to MySQL 8.0.27.
    fn index_8027(&mut self) -> Result<(), Stop> {
        let mut fields = self.be16()?;
        if fields & 0x8000 > 0 {
            fields = self.be16()?;
        }
        self.fixed(2 + 2 * usize::from(fields))
    }

    fn insert(&mut self) -> Result<(), Stop> {
        self.skip(2);
        let length = self.number()?;
        if length & 1 > 0 {
            self.skip(1);
            self.number()?;
            self.number()?;
        }
        self.skip_u32(length >> 1)
    }

    fn update(&mut self) -> Result<(), Stop> {
        self.skip(1);
        self.system_columns()?;
        self.skip(2 + 1);
        let fields = self.number()?;
        if fields > MOST_FIELDS {
            return Err(Stop::Unknown(13));
        }
        for _ in 0..fields {
            self.number()?;
            let length = self.number()?;
            if length != NULL {
                self.skip_u32(length)?;
            }
        }
        Ok(())
    }

    /// Place, pointer to the version before, number of the transaction.
    fn system_columns(&mut self) -> Result<(), Stop> {
        self.number()?;
        self.skip(7);
        self.transaction()
    }

    fn eight_bytes(&mut self) -> Result<(), Stop> {
        self.skip(2);
        self.transaction()
    }

    /// A number of 64 bits: the upper half is compressed.
    fn transaction(&mut self) -> Result<(), Stop> {
        self.number()?;
        self.fixed(4)
    }

    /// Number of a table, version, kind, and either a counter or the indexes that are corrupt.
    fn table_meta(&mut self) -> Result<(), Stop> {
        self.much_compressed()?;
        self.much_compressed()?;
        match self.byte()? {
            1 => {
                let indexes = self.byte()?;
                self.fixed(12 * usize::from(indexes))
            }
            2 => self.much_compressed(),
            unknown => Err(Stop::Unknown(unknown)),
        }
    }

    /// A number of 64 bits: the upper half is left out where it is 0.
    fn much_compressed(&mut self) -> Result<(), Stop> {
        if self.bytes.byte(self.at) == Some(0xff) {
            self.skip(1);
            self.number()?;
        }
        self.number().map(drop)
    }

    fn counted(&mut self) -> Result<(), Stop> {
        let length = self.be16()?;
        self.fixed(usize::from(length))
    }

    /// A name, which a zero ends.
    fn name(&mut self) -> Result<String, Stop> {
        let length = usize::from(self.be16()?);
        let name = self.bytes.get(self.at..self.at.saturating_add(length)).ok_or(Stop::Short)?;
        self.at += length;
        let name = name.strip_suffix(&[0]).unwrap_or(name);
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    /// A compressed number: values of few bits, and those close to the largest one, take fewer bytes.
    fn number(&mut self) -> Result<u32, Stop> {
        let first = self.byte()?;
        let (more, mask, upper) = match first {
            0..0x80 => (0, 0x7f, 0),
            0x80..0xc0 => (1, 0x3f, 0),
            0xc0..0xe0 => (2, 0x1f, 0),
            0xe0..0xf0 => (3, 0x0f, 0),
            0xf0..0xf8 => (4, 0, 0),
            0xf8..0xfc => (1, 0x03, 0xffff_fc00),
            0xfc..0xfe => (2, 0x01, 0xfffe_0000),
            0xfe.. => (3, 0, 0xff00_0000),
        };
        let mut value = u32::from(first & mask);
        for _ in 0..more {
            value = value << 8 | u32::from(self.byte()?);
        }
        Ok(value | upper)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = self.bytes.byte(self.at).ok_or(Stop::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn be16(&mut self) -> Result<u16, Stop> {
        let value = self.bytes.be16(self.at).ok_or(Stop::Short)?;
        self.at += 2;
        Ok(value)
    }

    fn be32(&mut self) -> Result<u32, Stop> {
        let value = self.bytes.be32(self.at).ok_or(Stop::Short)?;
        self.at += 4;
        Ok(value)
    }

    fn fixed(&mut self, bytes: usize) -> Result<(), Stop> {
        self.skip(bytes);
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// A length that no record of a server has is of an unknown form.
    fn skip_u32(&mut self, bytes: u32) -> Result<(), Stop> {
        let bytes = narrow::<usize, _>(bytes).filter(|bytes| *bytes <= MOST_BYTES).ok_or(Stop::Unknown(0))?;
        self.fixed(bytes)
    }
}

/// Bytes of a part of a record: no more than a page has, and what describes a few thousand rows of it.
const MOST_BYTES: usize = 1 << 20;

#[cfg(test)]
#[path = "mysql_records_tests.rs"]
mod tests;
