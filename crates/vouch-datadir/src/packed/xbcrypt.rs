//! Files that xtrabackup or xbcrypt has encrypted: a sequence of chunks, [`Xbcrypt`].
//!
//! The checksum of a chunk is of what was encrypted, so it is verified without a
//! key. Invariant: nothing comes out that was not proven to be what went in: by
//! the digest that chunks bear since their third version.

use super::fault::{Fault, damaged, unsupported};
use crate::keyring::BackupKey;
use crc_fast::CrcAlgorithm;
use std::io::{self, Read};
use vouch_convert::{array, low32, widen};

/// All versions begin so; the next byte tells which.
pub(super) const MAGIC: &[u8] = b"XBCRYP0";
/// The magic, a reserved number, the bytes before and after encryption, the checksum.
const HEAD: usize = 8 + 8 + 8 + 8 + 4;
/// The digest behind the contents, encrypted with them.
const DIGEST: usize = 32;
/// xtrabackup has chunks of 64 KiB where it is not told otherwise. A judgement: each open file holds one.
const MOST: u64 = 8 << 20;
const MOST_IV: u64 = 64;

/// A chunk as it lies in the file.
struct Chunk {
    version: u8,
    /// Bytes before they were encrypted.
    plain: u64,
    iv: Vec<u8>,
    sealed: Vec<u8>,
}

/// What is in such a file. Without a key it has nothing, once all of its chunks were verified.
pub(super) struct Xbcrypt<R> {
    input: R,
    key: Option<BackupKey>,
    /// Where the next chunk begins.
    offset: u64,
    /// A chunk was decrypted, and was what it should be.
    proven: bool,
    plain: Vec<u8>,
    at: usize,
}

impl<R: Read> Xbcrypt<R> {
    pub(super) fn new(input: R, key: Option<BackupKey>) -> Xbcrypt<R> {
        Xbcrypt { input, key, offset: 0, proven: false, plain: Vec::new(), at: 0 }
    }

    /// The next chunk, whose checksum holds; `None` at the end.
    fn chunk(&mut self) -> io::Result<Option<Chunk>> {
        let begin = self.offset;
        let wrong = |what: String| damaged(format!("the encrypted chunk at byte {begin} {what}"));
        let head = self.bytes(widen(HEAD))?;
        if head.is_empty() {
            return Ok(None);
        }
        let number = |at: usize| head.get(at..at + 8).and_then(array).map(u64::from_le_bytes);
        let version = match head.get(7) {
            _ if head.len() < HEAD => return Err(Fault::Cut.into()),
            Some(digit @ b'1'..=b'3') if head.starts_with(MAGIC) => digit - b'0',
            Some(digit @ b'4'..=b'9') if head.starts_with(MAGIC) => {
                let version = digit - b'0';
                return Err(unsupported(format!("it is encrypted by version {version} of xbcrypt, which is not read")));
            }
            _ => return Err(wrong("does not begin as one".to_owned())),
        };
        let (plain, length) = (number(16).unwrap_or(u64::MAX), number(24).unwrap_or(u64::MAX));
        let sum = head.get(32..HEAD).and_then(array).map(u32::from_le_bytes);
        let iv = if version == 1 { Vec::new() } else { self.iv(begin)? };
        if plain > length {
            return Err(wrong(format!("has {length} bytes for {plain}, which cannot be")));
        }
        if length > MOST {
            let most = MOST >> 20;
            return Err(unsupported(format!(
                "the encrypted chunk at byte {begin} has {length} bytes; chunks of up to {most} MiB are read"
            )));
        }
        let sealed = self.exactly(length)?;
        let computed = low32(crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, &sealed));
        match sum {
            Some(sum) if sum != computed => {
                Err(wrong(format!("has the checksum 0x{sum:08x}, and its contents 0x{computed:08x}")))
            }
            _ => Ok(Some(Chunk { version, plain, iv, sealed })),
        }
    }

    fn iv(&mut self, begin: u64) -> io::Result<Vec<u8>> {
        let length = self.exactly(8)?.try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
        if length > MOST_IV {
            let what = format!("the encrypted chunk at byte {begin} has a counter of {length} bytes, which cannot be");
            return Err(damaged(what));
        }
        self.exactly(length)
    }

    /// Up to so many bytes.
    fn bytes(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.input.by_ref().take(count).read_to_end(&mut bytes)?;
        self.offset += widen(bytes.len());
        Ok(bytes)
    }

    fn exactly(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let bytes = self.bytes(count)?;
        if widen(bytes.len()) == count { Ok(bytes) } else { Err(Fault::Cut.into()) }
    }

    /// Decrypts the next chunk. False at the end.
    fn refill(&mut self) -> io::Result<bool> {
        let Some(chunk) = self.chunk()? else { return Ok(false) };
        let why = match &self.key {
            None => "its chunks are whole; without --xbcrypt-key-file its contents are not verified",
            Some(_) if chunk.version < 3 => {
                "its chunks are whole; an old xtrabackup wrote it without what tells whether a key fits, so its contents are not verified"
            }
            Some(key) => match opened(key, chunk) {
                Some(plain) => {
                    (self.plain, self.at, self.proven) = (plain, 0, true);
                    return Ok(true);
                }
                None if self.proven => "a chunk that is whole does not decrypt, while those before it do",
                None => "its chunks are whole; the key does not decrypt them, so its contents are not verified",
            },
        };
        while self.chunk()?.is_some() {}
        Err(Fault::Locked(why.to_owned()).into())
    }
}

/// The contents of a chunk; `None` when they are not what its digest says.
fn opened(key: &BackupKey, chunk: Chunk) -> Option<Vec<u8>> {
    let mut plain = chunk.sealed;
    key.apply(array(chunk.iv.as_slice())?, &mut plain);
    let digest = plain.split_off(plain.len().checked_sub(DIGEST)?);
    let own = ring::digest::digest(&ring::digest::SHA256, &plain);
    (widen(plain.len()) == chunk.plain && own.as_ref() == digest).then_some(plain)
}

impl<R: Read> Read for Xbcrypt<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut rest = self.plain.get(self.at..).unwrap_or_default();
            if !rest.is_empty() || buffer.is_empty() {
                let read = rest.read(buffer)?;
                self.at += read;
                return Ok(read);
            }
            if !self.refill()? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn is_locked(error: &io::Error) -> bool {
        matches!(Fault::of(error), Fault::Locked(_))
    }

    /// A file of one chunk for each part.
    fn file(version: u8, parts: &[&[u8]]) -> Vec<u8> {
        file_with(version, parts, &BackupKey::new(&KEY).unwrap())
    }

    fn file_with(version: u8, parts: &[&[u8]], key: &BackupKey) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let mut sealed = part.to_vec();
            sealed.extend(ring::digest::digest(&ring::digest::SHA256, part).as_ref());
            let iv = [u8::try_from(number).unwrap(); 16];
            key.apply(iv, &mut sealed);
            bytes.extend(MAGIC);
            bytes.push(b'0' + version);
            bytes.extend([0; 8]);
            bytes.extend(widen(part.len()).to_le_bytes());
            bytes.extend(widen(sealed.len()).to_le_bytes());
            bytes.extend((crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, &sealed) as u32).to_le_bytes());
            bytes.extend(16_u64.to_le_bytes());
            bytes.extend(iv);
            bytes.extend(sealed);
        }
        bytes
    }

    /// A file of the newest version, with chunks of 20,000 bytes.
    pub fn file_of(contents: &[u8], key: &BackupKey) -> Vec<u8> {
        file_with(3, &contents.chunks(20_000).collect::<Vec<_>>(), key)
    }

    fn read(bytes: &[u8], key: Option<&[u8]>) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        Xbcrypt::new(bytes, key.map(|key| BackupKey::new(key).unwrap())).read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn contents_come_out_with_the_key_alone() {
        let bytes = file(3, &[b"the first part, ", b"and the second"]);
        assert_eq!(read(&bytes, Some(&KEY)).unwrap(), b"the first part, and the second");
        for key in [None, Some(&[8; 32][..]), Some(&[7; 16][..])] {
            assert!(is_locked(&read(&bytes, key).unwrap_err()));
        }
        assert!(is_locked(&read(&file(2, &[b"old"]), Some(&KEY)).unwrap_err()));
        let newer = Fault::of(&read(&file(4, &[b"new"]), Some(&KEY)).unwrap_err());
        assert!(matches!(newer, Fault::Unsupported(_)), "{newer:?}");
    }

    #[test]
    fn changed_bytes_and_cuts_are_seen_with_the_key_and_without() {
        let bytes = file(3, &[b"the first part, ", b"and the second"]);
        let chunk = bytes.len() / 2;
        for key in [Some(&KEY[..]), None] {
            for at in (0..bytes.len()).filter(|at| at % chunk < 7 || at % chunk > 76) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x20;
                let error = read(&damaged, key).unwrap_err();
                assert!(matches!(Fault::of(&error), Fault::Damaged(_)), "{at}: {error}");
            }
            for end in (1..bytes.len()).filter(|end| *end != bytes.len() - b"and the second".len() - 32 - 60) {
                assert!(read(&bytes[..end], key).is_err(), "{end}");
            }
        }
    }
}
