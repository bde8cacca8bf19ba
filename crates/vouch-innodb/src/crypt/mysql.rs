//! How MySQL encrypts: the tablespace's own key stands on page 0, encrypted by a
//! master key of the keyring; a page's header stays, all behind it is encrypted.

use super::cipher::{Aes, BLOCK};
use super::{Keyring, LockedOut};
use crate::bytes::Field;
use crate::checksum::crc32c;
use crate::fil::{HEADER, TYPE};
use crate::{PageType, SpaceFormat};
use vouch_convert::array;
use zeroize::Zeroizing;

/// Versions of what stands on page 0; the first one names no server.
const FIRST: &[u8] = b"lCA";
const LATER: [&[u8]; 2] = [b"lCB", b"lCC"];
const MASTER_KEY: usize = 3;
const UUID: usize = 7;
const UUID_BYTES: usize = 36;
/// The tablespace's key and initialisation vector.
const SEALED_BYTES: usize = 64;
const KEY_BYTES: usize = 32;
/// Blocks of the file system, which the length of a compressed page was rounded up to once.
const ROUNDINGS: [usize; 3] = [1, 512, 4096];
/// What is left behind whole blocks is encrypted a second time together with what is before it.
const TAIL: usize = 2 * BLOCK;

const ORIGINAL_TYPE: usize = 28;
const COMPRESSED_SIZE: usize = 32;

/// The key of a tablespace.
#[derive(Clone, Debug)]
pub(super) struct MysqlKey {
    aes: Aes,
    iv: [u8; BLOCK],
}

/// Opens the key on page 0; `None` where there is none.
pub(super) fn open(keyring: &Keyring, page: &[u8], format: &SpaceFormat) -> Option<Result<MysqlKey, LockedOut>> {
    let info = page.get(format.extents_end()..)?;
    let magic = info.get(..MASTER_KEY)?;
    let (server, sealed_at) = match magic {
        FIRST => (None, UUID),
        _ if LATER.contains(&magic) => (Some(info.get(UUID..UUID + UUID_BYTES)?), UUID + UUID_BYTES),
        _ => return None,
    };
    let master = info.be32(MASTER_KEY)?;
    let sealed = info.get(sealed_at..sealed_at + SEALED_BYTES)?;
    let sum = info.be32(sealed_at + SEALED_BYTES)?;
    let server = server.map(|uuid| String::from_utf8_lossy(uuid).into_owned());
    let name = format!("INNODBKey-{}-{master}", server.as_deref().unwrap_or_default());
    // The first version does not say whose key it is; the sum tells.
    let fits = |known: &str| match &server {
        Some(_) => known == name,
        None => known.starts_with("INNODBKey-") && known.ends_with(&format!("-{master}")),
    };
    let mut candidates = keyring.mysql.iter().filter(|(known, _)| fits(known)).peekable();
    if candidates.peek().is_none() {
        return Some(Err(LockedOut::Missing(name)));
    }
    let opened = candidates.find_map(|(_, key)| unseal(key, sealed, sum));
    Some(opened.ok_or(LockedOut::Wrong(name)))
}

/// The tablespace's key, when this is the master key that it was encrypted by.
fn unseal(master: &[u8], sealed: &[u8], sum: u32) -> Option<MysqlKey> {
    let mut plain = Zeroizing::new(sealed.to_vec());
    Aes::new(master)?.decrypt_blocks(&mut plain);
    if crc32c(&plain) != sum {
        return None;
    }
    let (key, iv) = plain.split_at_checked(KEY_BYTES)?;
    Some(MysqlKey { aes: Aes::new(key)?, iv: array(iv.get(..BLOCK)?)? })
}

impl MysqlKey {
    /// The ways in which the page may have been encrypted, as pages; the first one is the usual one.
    pub(super) fn candidates(&self, page: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        let compressed = page.be16(TYPE) == Some(PageType::MYSQL_COMPRESSED_ENCRYPTED.0);
        let size = page.be16(COMPRESSED_SIZE).map_or(0, usize::from);
        let ways = if compressed { ROUNDINGS.as_slice() } else { &[1] };
        ways.iter().filter_map(move |rounding| {
            let end = if compressed { (HEADER + size).next_multiple_of(*rounding) } else { page.len() };
            self.decrypted(page, end)
        })
    }

    fn decrypted(&self, page: &[u8], end: usize) -> Option<Vec<u8>> {
        let mut plain = page.to_vec();
        let original = match PageType(page.be16(TYPE)?) {
            PageType::MYSQL_COMPRESSED_ENCRYPTED => PageType::MYSQL_COMPRESSED.0,
            PageType::MYSQL_ENCRYPTED_RTREE => PageType::RTREE.0,
            _ => page.be16(ORIGINAL_TYPE)?,
        };
        plain.get_mut(TYPE..TYPE + 2)?.copy_from_slice(&original.to_be_bytes());
        let body = plain.get_mut(HEADER..end)?;
        let whole = body.len() - body.len() % BLOCK;
        if whole < body.len() {
            let tail = body.len().checked_sub(TAIL)?;
            self.aes.decrypt_chain(self.iv, body.get_mut(tail..)?);
        }
        self.aes.decrypt_chain(self.iv, body.get_mut(..whole)?);
        Some(plain)
    }
}
