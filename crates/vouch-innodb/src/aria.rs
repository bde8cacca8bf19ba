//! Pages of Aria, the engine of MariaDB's system tables: [`AriaTable`], [`AriaPage`].
//!
//! A table is an index file, whose head tells how both files are written, and a
//! data file. Invariant: no length of a head or a page is believed before it has
//! been held against the page.

use crate::bytes::{Field, all_zero};
use crc_fast::{CrcAlgorithm, Digest};
use vouch_convert::{low32, to_size, widen};

const TABLE_MAGIC: [u8; 3] = [0xfe, 0xfe, 0x09];
const CONTROL_MAGIC: [u8; 3] = [0xfe, 0xfe, 0x0c];
/// Checksums of pages are smaller; what is not says that there is none.
const HIGHEST_SUM: u32 = 0xffff_fffd;
/// The sum is the last thing in a page.
const SUM: usize = 4;

/// Fields of an index file's head; its last part begins elsewhere in each table.
const OPTIONS: usize = 4;
const BASE_AT: usize = 12;
const DATA_KIND: usize = 22;
const OPENED: usize = 24;
const INDEX_LENGTH: usize = 89;
const DATA_LENGTH: usize = 97;
const BASE_KEYS: usize = 16;
const BASE_EXTRA: usize = 90;
const BASE_PAGE: usize = 100;
const BASE_TRANSACTIONAL: usize = 106;
const CHECKSUMS: u16 = 0x800;
const ENCRYPTED: u16 = 1;
const ROWS_IN_PAGES: u8 = 3;
const MOST_HEAD: u64 = 1 << 20;
/// A map has three bits for each page, sixteen pages in six bytes.
const MAP_GROUP: usize = 6;
const MAP_PAGES: usize = 16;
const MAP_BITS: usize = 3;
/// Where a page of keys says how much of it is in use: behind what transactions need.
const USED_PLAIN: usize = 2;
const USED_TRANSACTIONAL: usize = 15;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AriaTable {
    /// Bytes of a page, in both files.
    pub page_bytes: usize,
    /// Bytes in front of the first page of keys; nothing protects them.
    pub head_bytes: u64,
    /// Whether rows are in pages: not those of ROW_FORMAT=FIXED and DYNAMIC.
    pub rows_in_pages: bool,
    /// Whether pages have checksums.
    pub checksums: bool,
    /// Whether pages are encrypted.
    pub encrypted: bool,
    /// Nobody has the table open, or had when its server ended.
    pub closed: bool,
    /// Bytes that the data file should have, if the table is closed.
    pub data_bytes: u64,
    /// The same of the index file.
    pub index_bytes: u64,
    transactional: bool,
}

/// What a page came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AriaPage {
    /// The checksum fits the contents.
    Sound,
    /// Nothing was ever written there.
    Empty,
    /// It says that it has no checksum.
    Unprotected,
    /// The checksum does not fit the contents; `None` where the page says that more of it is in use than it has.
    Bad {
        /// The sum in the page.
        stored: u32,
        /// The sum of the contents.
        computed: Option<u32>,
    },
}

impl AriaTable {
    /// Bytes of an index file by which a table is known.
    pub const HEAD: usize = 8192;

    /// Reads the head of an index file; `None` when it is none.
    pub fn read(head: &[u8]) -> Option<AriaTable> {
        head.starts_with(&TABLE_MAGIC).then_some(())?;
        let base = usize::from(head.be16(BASE_AT)?);
        let table = AriaTable {
            page_bytes: head.be16(base + BASE_PAGE)?.into(),
            head_bytes: head.be64(base + BASE_KEYS)?,
            rows_in_pages: head.byte(DATA_KIND)? == ROWS_IN_PAGES,
            checksums: head.be16(OPTIONS)? & CHECKSUMS != 0,
            encrypted: head.be16(base + BASE_EXTRA)? & ENCRYPTED != 0,
            closed: head.be16(OPENED)? == 0,
            data_bytes: head.be64(DATA_LENGTH)?,
            index_bytes: head.be64(INDEX_LENGTH)?,
            transactional: head.byte(base + BASE_TRANSACTIONAL)? != 0,
        };
        let page = widen(table.page_bytes);
        let fits = page.is_power_of_two()
            && (1024..=32_768).contains(&page)
            && (page..=MOST_HEAD).contains(&table.head_bytes)
            && table.head_bytes.is_multiple_of(page);
        fits.then_some(table)
    }

    /// Judges a page of rows, or of the map of free room, by its place in the file.
    pub fn data_page(&self, no: u32, page: &[u8]) -> AriaPage {
        judge(no, page, page.len().saturating_sub(SUM))
    }

    /// Whether a page of the data file is the map of those behind it.
    pub fn is_map(&self, no: u32) -> bool {
        self.place_on_map(no) == 0
    }

    /// Whether the last map in front of a page of rows says that it is in use.
    pub fn in_use(&self, map: &[u8], no: u32) -> bool {
        let Some(place) = self.place_on_map(no).checked_sub(1) else { return true };
        let group = place / MAP_PAGES * MAP_GROUP;
        let Some(group) = map.get(group..).and_then(|rest| rest.first_chunk::<MAP_GROUP>()) else { return false };
        let bits = group.iter().rev().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        bits >> (place % MAP_PAGES * MAP_BITS) & 7 != 0
    }

    fn place_on_map(&self, no: u32) -> usize {
        let groups = (self.page_bytes - SUM) / MAP_GROUP;
        to_size(no) % (groups * MAP_PAGES + 1)
    }

    /// Judges a page of keys. What lies behind the part that is in use is not covered.
    pub fn index_page(&self, no: u32, page: &[u8]) -> AriaPage {
        let at = if self.transactional { USED_TRANSACTIONAL } else { USED_PLAIN };
        judge(no, page, page.be16(at).unwrap_or(u16::MAX).into())
    }
}

/// Judges a page of which so many bytes are covered.
fn judge(no: u32, page: &[u8], covered: usize) -> AriaPage {
    let Some((body, sum)) = page.split_last_chunk::<SUM>() else {
        return AriaPage::Bad { stored: 0, computed: None };
    };
    let stored = u32::from_be_bytes(*sum).swap_bytes();
    let marked = stored > HIGHEST_SUM;
    if (marked || stored == 0) && all_zero(body) {
        return AriaPage::Empty;
    }
    if marked {
        return AriaPage::Unprotected;
    }
    match body.get(..covered).map(|bytes| sum_of(no, bytes).min(HIGHEST_SUM)) {
        Some(computed) if computed == stored => AriaPage::Sound,
        computed => AriaPage::Bad { stored, computed },
    }
}

/// CRC-32 that goes on from a number.
fn sum_of(seed: u32, bytes: &[u8]) -> u32 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32IsoHdlc, u64::from(!seed));
    digest.update(bytes);
    low32(digest.finalize())
}

/// The file by which Aria knows where its log is.
pub struct AriaControl;

impl AriaControl {
    /// Bytes that are enough of it.
    pub const BYTES: usize = 4096;

    /// Where the parts of it begin whose checksum does not fit.
    pub fn bad_parts(file: &[u8]) -> Vec<usize> {
        let parts = AriaControl::parts(file);
        let Some([fixed, changing]) = parts else { return vec![0] };
        [fixed, changing].into_iter().filter(|part| !part.2).map(|part| part.0).collect()
    }

    /// Where the two parts begin and end, and whether their checksums fit.
    fn parts(file: &[u8]) -> Option<[(usize, usize, bool); 2]> {
        file.starts_with(&CONTROL_MAGIC).then_some(())?;
        let length = |at| file.be16(at).map(|length| usize::from(length.swap_bytes()));
        let (fixed, changing) = (length(20)?, length(22)?);
        let fits = |covered: std::ops::Range<usize>, at: usize| {
            let stored = file.be32(at)?.swap_bytes();
            Some(sum_of(0, file.get(covered)?) == stored)
        };
        let (sum, end) = (fixed.checked_sub(SUM)?, fixed.checked_add(changing)?);
        let first = fits(0..sum, sum)?;
        let second = fits(fixed + SUM..end, fixed)?;
        Some([(0, fixed, first), (fixed, end, second)])
    }
}

#[cfg(test)]
#[path = "aria_tests.rs"]
mod tests;
