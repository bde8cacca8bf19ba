//! Judges the pages of one tablespace, one after the other: [`Checker`].
//!
//! Invariant: a page is sound only when a checksum holds over it and it stands
//! where it says; what cannot be looked at is unverified, never sound.

mod sealed;

use crate::bytes::{Field, all_zero};
use crate::checksum::{self, Strict, Sum};
use crate::crypt::Access;
use crate::fil::{EXTRA, TRAILER};
use crate::transform::{self, TransformError};
use crate::{Fault, FilHeader, Layout, Method, PageNo, PageType, PageVerdict, SpaceFormat, SpaceId};
use vouch_convert::narrow;

/// Judges pages of one tablespace. It remembers which formula fitted last, and keeps a buffer.
#[derive(Clone, Debug)]
pub struct Checker {
    format: SpaceFormat,
    space: Option<SpaceId>,
    hint: Method,
    strict: Option<Strict>,
    access: Access,
    /// The page as it was inflated.
    scratch: Vec<u8>,
    /// The page as it was decrypted; empty when it was not.
    plain: Vec<u8>,
}

/// A judged page.
#[derive(Debug)]
pub struct Checked<'a> {
    /// The header as it lies on disk.
    pub header: FilHeader,
    /// The judgement.
    pub verdict: PageVerdict,
    /// The page as the server sees it, where that could be had and the page is not damaged.
    pub image: Option<&'a [u8]>,
    /// It is damaged, and may be the start of one write with the end of another: a reader that is not faster than the
    /// server gets such pages.
    pub is_mixed: bool,
}

/// Which bytes are the page as the server sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plain {
    OnDisk,
    Decrypted,
    Inflated,
    Unknown,
}

impl Checker {
    /// For a tablespace of this format. Without a `space` the tablespace that pages name is not looked at.
    pub fn new(format: SpaceFormat, space: Option<SpaceId>) -> Checker {
        let (scratch, plain) = (Vec::new(), Vec::new());
        Checker { format, space, hint: Method::Crc32, strict: None, access: Access::Unasked, scratch, plain }
    }

    /// One that tries this formula first, and accepts no other than `strict` has.
    pub fn with_policy(self, first: Method, strict: Option<Strict>) -> Checker {
        Checker { hint: first, strict, ..self }
    }

    fn refused(&self, good: PageVerdict) -> Option<Fault> {
        self.strict?.refused(good).map(Fault::Algorithm)
    }

    /// The format.
    pub fn format(&self) -> &SpaceFormat {
        &self.format
    }

    /// Judges the page of this number. `page` has the physical size of the format.
    pub fn check<'a>(&'a mut self, no: PageNo, page: &'a [u8]) -> Checked<'a> {
        let Some(header) = FilHeader::read(page).filter(|_| page.len() == self.format.physical.bytes()) else {
            return Checked {
                header: EMPTY,
                verdict: PageVerdict::Bad(Fault::Undecodable("it is cut off")),
                image: None,
                is_mixed: false,
            };
        };
        if all_zero(page) {
            return Checked { header, verdict: PageVerdict::Empty, image: None, is_mixed: false };
        }
        self.plain.clear();
        let (verdict, plain) = self.judge(&header, page);
        let verdict = match verdict {
            PageVerdict::Bad(_) => verdict,
            good => self.fault_of_place(no, &header, page, plain).or(self.refused(good)).map_or(good, PageVerdict::Bad),
        };
        let image = match (verdict, plain) {
            (PageVerdict::Bad(_) | PageVerdict::Unverified(_) | PageVerdict::Empty, _) | (_, Plain::Unknown) => None,
            (_, Plain::OnDisk) => Some(page),
            (_, Plain::Decrypted) => Some(self.plain.as_slice()),
            (_, Plain::Inflated) => Some(self.scratch.as_slice()),
        };
        let is_mixed = self.is_mixed(&header, page, verdict);
        Checked { header, verdict, image, is_mixed }
    }

    /// Whether the LSNs at both ends differ, or the one at the end is not there to be read.
    fn is_mixed(&self, header: &FilHeader, page: &[u8], verdict: PageVerdict) -> bool {
        let of_bytes =
            matches!(verdict, PageVerdict::Bad(Fault::Checksum { .. } | Fault::Torn { .. } | Fault::Undecodable(_)));
        let packed = matches!(header.page_type, PageType::MYSQL_COMPRESSED | PageType::MARIADB_COMPRESSED);
        of_bytes && (packed || self.format.layout == Layout::Zip || self.torn(header, page).is_some())
    }

    fn judge(&mut self, header: &FilHeader, page: &[u8]) -> (PageVerdict, Plain) {
        if self.format.layout == Layout::FullCrc32 {
            return self.judge_full(header, page);
        }
        match header.page_type {
            PageType::MYSQL_COMPRESSED => self.judge_inflated(page, transform::mysql),
            PageType::MARIADB_COMPRESSED => self.judge_inflated(page, transform::mariadb_classic),
            encrypted if encrypted.is_mysql_encrypted() && (self.format.encrypted || self.has_mysql_key()) => {
                self.judge_mysql_encrypted(page)
            }
            other if sealed::is_mariadb_encrypted(header, page) => self.judge_mariadb_encrypted(page, other),
            _ => (self.judge_sum(page), Plain::OnDisk),
        }
    }

    /// The checksum of a page that is neither compressed nor encrypted.
    fn judge_sum(&mut self, page: &[u8]) -> PageVerdict {
        match checksum::sum(page, self.format.layout, self.hint) {
            Sum::Holds(method) => {
                self.hint = method;
                PageVerdict::Sound(method)
            }
            Sum::TurnedOff => PageVerdict::Unprotected,
            Sum::Fails { stored, computed } => PageVerdict::Bad(Fault::Checksum { stored, computed }),
        }
    }

    /// Pages that nothing protects on disk are judged by what they inflate to.
    fn judge_inflated(
        &mut self,
        page: &[u8],
        inflate: fn(&[u8], &mut [u8]) -> Result<(), TransformError>,
    ) -> (PageVerdict, Plain) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(page.len(), 0);
        let verdict = match inflate(page, &mut scratch) {
            Ok(()) => self.judge_sum(&scratch),
            Err(error) => refused(error),
        };
        self.scratch = scratch;
        (verdict, Plain::Inflated)
    }

    fn judge_full(&mut self, header: &FilHeader, page: &[u8]) -> (PageVerdict, Plain) {
        let verdict = self.judge_sum(page);
        match verdict {
            PageVerdict::Bad(_) => (verdict, Plain::Unknown),
            _ if header.first != 0 => self.judge_full_encrypted(header, page, verdict),
            _ => self.judge_full_plain(page, Plain::OnDisk, verdict),
        }
    }

    /// What a page that is whole says wrongly about where it is.
    fn fault_of_place(&self, no: PageNo, header: &FilHeader, page: &[u8], plain: Plain) -> Option<Fault> {
        if header.page_no != no {
            return Some(Fault::Misplaced(header.page_no));
        }
        let image = match plain {
            Plain::OnDisk => page,
            Plain::Decrypted => &self.plain,
            Plain::Inflated => &self.scratch,
            Plain::Unknown if self.format.layout == Layout::FullCrc32 => return None,
            Plain::Unknown if sealed::shows_trailer(header, page) => {
                return self.torn(header, page).or_else(|| self.foreign(header));
            }
            Plain::Unknown => return self.foreign(header),
        };
        let seen = FilHeader::read(image)?;
        if seen.page_no != no {
            return Some(Fault::Misplaced(seen.page_no));
        }
        self.torn(&seen, image).or_else(|| self.foreign(&seen))
    }

    fn foreign(&self, header: &FilHeader) -> Option<Fault> {
        let expected = self.space?;
        (header.space != expected).then_some(Fault::Foreign(header.space))
    }

    fn torn(&self, header: &FilHeader, image: &[u8]) -> Option<Fault> {
        let from_end = match self.format.layout {
            Layout::Zip => return None,
            Layout::Classic => TRAILER / 2,
            Layout::FullCrc32 => TRAILER,
        };
        let tail = image.be32(image.len().checked_sub(from_end)?)?;
        let low = narrow::<u32, _>(header.lsn.0 & u64::from(u32::MAX))?;
        (low != tail).then_some(Fault::Torn { head: header.lsn, tail })
    }
}

const EMPTY: FilHeader = FilHeader {
    first: 0,
    page_no: PageNo(0),
    prev: 0,
    next: 0,
    lsn: crate::Lsn(0),
    page_type: PageType::ALLOCATED,
    space: SpaceId(0),
};

fn refused(error: TransformError) -> PageVerdict {
    PageVerdict::Bad(Fault::Undecodable(error.0))
}

/// The version of the key that MariaDB has encrypted the page with; 0 when it has not.
pub fn mariadb_key_version(format: &SpaceFormat, page: &[u8]) -> u32 {
    let Some(header) = FilHeader::read(page) else { return 0 };
    match format.layout {
        Layout::FullCrc32 => header.first,
        _ if header.page_type.is_mysql_encrypted() || !sealed::is_mariadb_encrypted(&header, page) => 0,
        _ => page.be32(EXTRA).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PageSize;
    use proptest::prelude::*;

    fn formats() -> impl Strategy<Value = SpaceFormat> {
        let size = prop::sample::select(vec![1024, 4096, 16_384]).prop_map(|bytes| PageSize::new(bytes).unwrap());
        let layout = prop::sample::select(vec![Layout::Classic, Layout::Zip, Layout::FullCrc32]);
        (size, layout, 0..7_u32, any::<bool>()).prop_map(|(size, layout, codec, encrypted)| SpaceFormat {
            codec: crate::Codec::mariadb(codec),
            encrypted,
            ..SpaceFormat::plain(size, layout)
        })
    }

    proptest! {
        #[test]
        fn no_page_panics(
            format in formats(),
            bytes in prop::collection::vec(any::<u8>(), 16_384),
            page_type in prop::sample::select(vec![0_u16, 14, 15, 16, 17, 17_855, 34_354, 37_401, 0x8003, 0xffff]),
            no in any::<u32>(),
        ) {
            let mut page = bytes[..format.physical.bytes()].to_vec();
            page[24..26].copy_from_slice(&page_type.to_be_bytes());
            let mut checker = Checker::new(format, Some(SpaceId(5)));
            let checked = checker.check(PageNo(no), &page);
            prop_assert!(!matches!(checked.verdict, PageVerdict::Sound(_) | PageVerdict::Empty));
            Checker::new(format, None).check(PageNo(no), &page[..100]);
        }
    }

    #[test]
    fn a_page_of_zeros_is_empty() {
        let format = SpaceFormat::plain(PageSize::DEFAULT, Layout::Classic);
        let checked = Checker::new(format, Some(SpaceId(7))).check(PageNo(3), &[0; 16_384]).verdict;
        assert_eq!(checked, PageVerdict::Empty);
    }
}
