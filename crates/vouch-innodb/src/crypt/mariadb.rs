//! How MariaDB encrypts: page 0 names a key and holds what the tablespace's own
//! key is derived from; a page bears the version of its key, or none.

use super::cipher::{Aes, BLOCK};
use super::{Keyring, LockedOut};
use crate::bytes::Field;
use crate::checksum::compressed_length;
use crate::fil::{CHECKSUM, EXTRA, HEADER, LSN, PAGE_NO, TRAILER, TYPE};
use crate::{Layout, PageType, SpaceFormat, SpaceId};
use vouch_convert::array;

/// Behind the extent descriptors of page 0.
const AFTER_EXTENTS: usize = 38;
const MAGIC: &[u8] = &[0x73, 0x0e, 0x0c, 0x52, 0x45, 0x74];
const IV_LENGTH: usize = 7;
const IV: usize = 8;
const KEY_ID: usize = 28;
/// A compressed page has its length and its algorithm in front of what is encrypted.
const CLASSIC_SIZE: usize = HEADER;
const CLASSIC_COMPRESSED: usize = HEADER + 4;
const FULL_CHECKSUM: usize = 4;

/// The key of a tablespace.
#[derive(Clone, Debug)]
pub(super) struct MariadbKey {
    /// Its number in the keyring.
    id: u32,
    aes: Aes,
    space: SpaceId,
    /// Blocks are not chained but numbered, as the server can be told to.
    counted: bool,
}

/// Derives the key that page 0 tells of; `None` where it tells of none.
pub(super) fn open(
    keyring: &Keyring,
    page: &[u8],
    format: &SpaceFormat,
    space: SpaceId,
) -> Option<Result<MariadbKey, LockedOut>> {
    let info = page.get(format.extents_end() + AFTER_EXTENTS..)?;
    if info.get(..MAGIC.len())? != MAGIC || usize::from(info.byte(IV_LENGTH)?) != BLOCK {
        return None;
    }
    let iv: [u8; BLOCK] = array(info.get(IV..IV + BLOCK)?)?;
    let id = info.be32(KEY_ID)?;
    let Some(master) = keyring.mariadb.get(&id) else { return Some(Err(LockedOut::Missing(name(id)))) };
    let derived = zeroize::Zeroizing::new(Aes::new(master)?.encrypted(iv));
    Some(Ok(MariadbKey { id, aes: Aes::new(derived.as_slice())?, space, counted: false }))
}

fn name(id: u32) -> String {
    format!("key {id}")
}

impl MariadbKey {
    /// What messages call it.
    pub(super) fn name(&self) -> String {
        name(self.id)
    }

    /// The same key, used in one of the two ways.
    pub(super) fn in_mode(&self, counted: bool) -> MariadbKey {
        MariadbKey { counted, ..self.clone() }
    }

    /// The page without its encryption.
    pub(super) fn decrypted(&self, page: &[u8], layout: Layout) -> Option<Vec<u8>> {
        let mut plain = page.to_vec();
        let (from, to) = match layout {
            Layout::FullCrc32 => {
                let end = compressed_length(page).filter(|length| (1..page.len()).contains(length));
                plain.get_mut(CHECKSUM..CHECKSUM + 4)?.fill(0);
                (EXTRA, end.unwrap_or(page.len()).checked_sub(FULL_CHECKSUM)?)
            }
            _ if page.be16(TYPE)? == PageType::MARIADB_COMPRESSED_ENCRYPTED.0 => {
                (CLASSIC_COMPRESSED, CLASSIC_COMPRESSED + usize::from(page.be16(CLASSIC_SIZE)?))
            }
            _ => (HEADER, page.len().checked_sub(TRAILER)?),
        };
        let iv = self.iv(page)?;
        let body = plain.get_mut(from..to)?;
        if self.counted {
            self.aes.decrypt_counted(iv, body);
            return Some(plain);
        }
        let whole = body.len() - body.len() % BLOCK;
        self.aes.decrypt_chain(iv, body);
        let mask = self.aes.encrypted(iv);
        body.iter_mut().skip(whole).zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        Some(plain)
    }

    /// Tablespace, page and LSN, in the order of the machine that wrote them: little-endian.
    fn iv(&self, page: &[u8]) -> Option<[u8; BLOCK]> {
        let lsn = page.be64(LSN)?.swap_bytes();
        let (space, no) = (self.space.0.swap_bytes(), page.be32(PAGE_NO)?.swap_bytes());
        Some((u128::from(space) << 96 | u128::from(no) << 64 | u128::from(lsn)).to_be_bytes())
    }
}
