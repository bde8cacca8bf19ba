//! Judges encrypted pages, with a key and without.
//!
//! Invariant: a key that has not been proven accuses no page; what it does not
//! decrypt is unverified.

use super::{Checker, Plain, refused};
use crate::bytes::Field;
use crate::checksum::{self, Method};
use crate::crypt::{Access, SpaceKey};
use crate::fil::{EXTRA, TYPE};
use crate::transform;
use crate::{Fault, FilHeader, Lack, PageNo, PageType, PageVerdict};
use std::sync::Arc;

const LOCKED: (PageVerdict, Plain) = (PageVerdict::Unverified(Lack::Key), Plain::Unknown);
const CUT: Fault = Fault::Undecodable("what is encrypted does not fit the page");

/// Whether the page bears a key version. Page 0 has a flush LSN there, and an R-tree page a split number.
pub(super) fn is_mariadb_encrypted(header: &FilHeader, page: &[u8]) -> bool {
    let never = [PageType::FSP_HEADER, PageType::EXTENTS, PageType::RTREE];
    !never.contains(&header.page_type) && header.page_no.0 != 0 && page.be32(EXTRA).is_some_and(|version| version != 0)
}

/// Whether MariaDB has encrypted the page outside `full_crc32` and left its trailer as it was.
pub(super) fn shows_trailer(header: &FilHeader, page: &[u8]) -> bool {
    let packed = [PageType::MARIADB_COMPRESSED, PageType::MARIADB_COMPRESSED_ENCRYPTED];
    let mysql = header.page_type.is_mysql_encrypted() || header.page_type == PageType::MYSQL_COMPRESSED;
    !mysql && !packed.contains(&header.page_type) && is_mariadb_encrypted(header, page)
}

/// A page that was compressed as it was summed up: where it was longer before, the rest of that is still there.
fn without_rest(page: &[u8]) -> Option<Vec<u8>> {
    let end = transform::mariadb_classic_encrypted_end(page)?;
    let mut page = page.to_vec();
    page.get_mut(end..)?.fill(0);
    Some(page)
}

impl Checker {
    /// For a tablespace whose encrypted pages may be looked into.
    pub fn with_access(self, access: Access) -> Checker {
        Checker { access, ..self }
    }

    /// Whether the key opens the page; `None` for a page that is not encrypted, or not as it was written.
    pub(crate) fn opens(&mut self, no: PageNo, page: &[u8]) -> Option<bool> {
        let verdict = self.check(no, page).verdict;
        match verdict {
            PageVerdict::Unverified(Lack::Key) => Some(false),
            PageVerdict::Sound(_) | PageVerdict::Unprotected if !self.plain.is_empty() => Some(true),
            _ => None,
        }
    }

    /// Whether MySQL's key is at hand.
    pub(super) fn has_mysql_key(&self) -> bool {
        matches!(&self.access, Access::Open(key) if key.is_of_mysql())
    }

    /// A page of MySQL: its checksum is of what was encrypted.
    pub(super) fn judge_mysql_encrypted(&mut self, page: &[u8]) -> (PageVerdict, Plain) {
        let Access::Open(key) = self.access.clone() else { return LOCKED };
        if key.is_of_mysql() { self.judge_decrypted(&key, page) } else { LOCKED }
    }

    /// A page that may be encrypted by MariaDB, outside `full_crc32`: its checksum is of what lies on disk.
    pub(super) fn judge_mariadb_encrypted(&mut self, page: &[u8], page_type: PageType) -> (PageVerdict, Plain) {
        let holds = |page: &[u8]| checksum::encrypted_holds(page, self.format.layout);
        let compressed = page_type == PageType::MARIADB_COMPRESSED_ENCRYPTED;
        if holds(page) || compressed && without_rest(page).is_some_and(|page| holds(&page)) {
            return self.judge_held(page);
        }
        match (self.judge_sum(page), page_type) {
            // There is no page of this kind that is not encrypted.
            (verdict, PageType::MARIADB_COMPRESSED_ENCRYPTED) => (verdict, Plain::Unknown),
            (verdict, _) => (verdict, Plain::OnDisk),
        }
    }

    /// The page is what was written. Whether that was a page, the key tells.
    fn judge_held(&mut self, page: &[u8]) -> (PageVerdict, Plain) {
        let outside = PageVerdict::Sound(Method::Encrypted);
        let Some(key) = self.key() else { return self.unopened(outside) };
        match self.judge_decrypted(&key, page) {
            (PageVerdict::Bad(_), _) if !key.is_proven() => LOCKED,
            // What protects nothing inside is protected outside.
            (PageVerdict::Unprotected, plain) => (outside, plain),
            judged => judged,
        }
    }

    /// The same in `full_crc32`, which has no checksum inside: what is decrypted says where it belongs.
    pub(super) fn judge_full_encrypted(
        &mut self,
        header: &FilHeader,
        page: &[u8],
        outside: PageVerdict,
    ) -> (PageVerdict, Plain) {
        let Some(key) = self.key() else { return self.unopened(outside) };
        let Some(plain) = key.decrypted(page, self.format.layout).into_iter().next() else {
            return (PageVerdict::Bad(CUT), Plain::Unknown);
        };
        let (verdict, kind) = self.judge_full_plain(&plain, Plain::Decrypted, outside);
        self.plain = plain;
        let fault = match verdict {
            PageVerdict::Bad(fault) => Some(fault),
            _ => self.fault_of_place(header.page_no, header, page, kind),
        };
        match fault {
            Some(_) if !key.is_proven() => LOCKED,
            _ => (verdict, kind),
        }
    }

    fn key(&self) -> Option<Arc<SpaceKey>> {
        match &self.access {
            Access::Open(key) if !key.is_of_mysql() => Some(Arc::clone(key)),
            _ => None,
        }
    }

    /// Without a key, what lies on disk is all there is to be verified; with a keyring that does not fit,
    /// somebody wanted more.
    fn unopened(&self, outside: PageVerdict) -> (PageVerdict, Plain) {
        match self.access {
            Access::Unasked => (outside, Plain::Unknown),
            Access::Locked | Access::Open(_) => LOCKED,
        }
    }

    fn judge_decrypted(&mut self, key: &SpaceKey, page: &[u8]) -> (PageVerdict, Plain) {
        let mut first = None;
        for plain in key.decrypted(page, self.format.layout) {
            let judged = self.judge_plain(&plain);
            if !matches!(judged.0, PageVerdict::Bad(_)) {
                self.plain = plain;
                return judged;
            }
            first = first.or(Some(judged));
        }
        first.unwrap_or((PageVerdict::Bad(CUT), Plain::Unknown))
    }

    /// A page that is encrypted no more.
    fn judge_plain(&mut self, plain: &[u8]) -> (PageVerdict, Plain) {
        match plain.be16(TYPE).map(PageType) {
            Some(PageType::MYSQL_COMPRESSED) => self.judge_inflated(plain, transform::mysql),
            Some(PageType::MARIADB_COMPRESSED_ENCRYPTED) => {
                self.judge_inflated(plain, transform::mariadb_classic_encrypted)
            }
            _ => (self.judge_sum(plain), Plain::Decrypted),
        }
    }

    /// A page of `full_crc32` that is encrypted no more, or never was: `own` says where it is.
    pub(super) fn judge_full_plain(&mut self, page: &[u8], own: Plain, outside: PageVerdict) -> (PageVerdict, Plain) {
        if checksum::compressed_length(page).is_none() {
            return (outside, own);
        }
        let Some(codec) = self.format.codec else { return (outside, Plain::Unknown) };
        self.scratch.resize(page.len(), 0);
        match transform::mariadb_full(page, codec, &mut self.scratch) {
            Ok(()) => (outside, Plain::Inflated),
            Err(error) => (refused(error), Plain::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::crc32c;
    use crate::{Layout, PageSize, SpaceFormat, SpaceId};

    /// A page of 100 bytes, compressed and encrypted by MariaDB.
    fn page() -> Vec<u8> {
        let mut page = vec![0; 16_384];
        page[7] = 5;
        page[24..26].copy_from_slice(&PageType::MARIADB_COMPRESSED_ENCRYPTED.0.to_be_bytes());
        page[29] = 1;
        page[37] = 9;
        page[39] = 100;
        page[42..142].fill(0xa7);
        let sum = crc32c(&page[4..26]) ^ crc32c(&page[38..16_376]);
        page[30..34].copy_from_slice(&sum.to_be_bytes());
        page
    }

    fn verdict(page: &[u8], access: Access) -> PageVerdict {
        let format = SpaceFormat::plain(PageSize::DEFAULT, Layout::Classic);
        Checker::new(format, Some(SpaceId(9))).with_access(access).check(PageNo(5), page).verdict
    }

    #[test]
    fn what_an_earlier_and_longer_page_left_behind_is_no_damage() {
        let mut page = page();
        assert_eq!(verdict(&page, Access::Unasked), PageVerdict::Sound(Method::Encrypted));
        page[1000..1010].fill(1);
        assert_eq!(verdict(&page, Access::Unasked), PageVerdict::Sound(Method::Encrypted));
        page[100] ^= 1;
        assert!(matches!(verdict(&page, Access::Unasked), PageVerdict::Bad(Fault::Checksum { .. })));
    }

    #[test]
    fn a_keyring_that_does_not_open_accuses_nobody() {
        assert_eq!(verdict(&page(), Access::Locked), PageVerdict::Unverified(Lack::Key));
    }

    #[test]
    fn a_trailer_that_is_not_encrypted_is_looked_at_without_the_key() {
        let mut page = page();
        page[24..26].copy_from_slice(&PageType::INDEX.0.to_be_bytes());
        page[23] = 7;
        let end = page.len();
        page[end - 1] = 7;
        let sum = crc32c(&page[4..26]) ^ crc32c(&page[38..end - 8]);
        page[30..34].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(verdict(&page, Access::Unasked), PageVerdict::Sound(Method::Encrypted));
        page[end - 1] = 6;
        let head = crate::Lsn(7);
        assert_eq!(verdict(&page, Access::Unasked), PageVerdict::Bad(Fault::Torn { head, tail: 6 }));
    }
}
