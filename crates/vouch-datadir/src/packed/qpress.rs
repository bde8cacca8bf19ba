//! qpress archives of one file, as `mariabackup --compress` writes them: [`Qpress`].
//!
//! Every block has a checksum of its compressed bytes, which is verified before
//! they are decompressed.

use super::fault::{Fault, damaged, unsupported};
use super::layer::Aside;
use super::source::Source;
use std::io::{self, Read};
use vouch_convert::widen;

const MAGIC: &[u8; 8] = b"qpress10";
const BLOCK: &[u8; 8] = b"NEWBNEWB";
const END: &[u8; 8] = b"ENDSENDS";
/// Longer blocks are not written.
const MOST: u64 = 16 << 20;
const MOST_NAME: u32 = 4096;
/// What a block of QuickLZ may be longer than its contents.
const OVERHEAD: u64 = 400;
const LONG_HEADER: u8 = 2;
const ADLER: u32 = 65_521;

/// The file inside an archive.
pub(super) struct Qpress<'a> {
    input: Source<'a>,
    aside: Aside,
    started: bool,
    ended: bool,
    /// Bytes of a block's contents.
    most: u64,
    written: u64,
    block: Vec<u8>,
    at: usize,
}

impl<'a> Qpress<'a> {
    pub(super) fn new(input: Source<'a>, aside: Aside) -> Qpress<'a> {
        Qpress { input, aside, started: false, ended: false, most: 0, written: 0, block: Vec::new(), at: 0 }
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The head of the archive and of its only file.
    fn start(&mut self) -> io::Result<()> {
        if self.bytes()? != *MAGIC {
            return Err(damaged("it is no qpress archive"));
        }
        self.most = u64::from_le_bytes(self.bytes()?);
        let [kind] = self.bytes()?;
        let name = u32::from_le_bytes(self.bytes()?);
        if kind == b'D' {
            return Err(unsupported("the qpress archive holds folders, which are not read"));
        }
        if self.most == 0 || kind != b'F' || name > MOST_NAME {
            return Err(damaged("the head of the qpress archive is damaged"));
        }
        if self.most > MOST {
            let (mib, most) = (self.most >> 20, MOST >> 20);
            return Err(unsupported(format!("blocks of the qpress archive have {mib} MiB; up to {most} MiB are read")));
        }
        let skipped = io::copy(&mut self.input.by_ref().take(u64::from(name) + 1), &mut io::sink())?;
        self.started = true;
        if skipped == u64::from(name) + 1 { Ok(()) } else { Err(Fault::Cut.into()) }
    }

    fn next_block(&mut self) -> io::Result<()> {
        match &self.bytes()? {
            BLOCK => self.read_block(),
            END => {
                self.bytes::<8>()?;
                self.ended = true;
                self.pass()
            }
            _ => Err(damaged("no block of the qpress archive begins there")),
        }
    }

    /// What follows the end; tapes are padded with zeros.
    fn pass(&mut self) -> io::Result<()> {
        self.input.skip_zeros()?;
        let bytes = io::copy(&mut self.input, &mut io::sink())?;
        if bytes > 0 {
            self.aside.say(format!("{bytes} bytes after the end of the qpress archive were not verified"));
        }
        Ok(())
    }

    fn read_block(&mut self) -> io::Result<()> {
        let offset = u64::from_le_bytes(self.bytes()?);
        let sum = u32::from_le_bytes(self.bytes()?);
        if offset != self.written {
            return Err(damaged("a block of the qpress archive is missing"));
        }
        let packed = self.packed()?;
        if adler32(&packed) != sum {
            return Err(damaged("the checksum of a block of the qpress archive does not hold"));
        }
        let most = u32::try_from(self.most).unwrap_or(u32::MAX);
        self.block = quicklz::decompress(&mut packed.as_slice(), most).map_err(|error| unpacked(&error))?;
        self.at = 0;
        self.written += widen(self.block.len());
        Ok(())
    }

    /// A block of QuickLZ, which tells its own length.
    fn packed(&mut self) -> io::Result<Vec<u8>> {
        let [flags] = self.bytes()?;
        let mut packed = vec![flags];
        let length = if flags & LONG_HEADER == 0 {
            let sizes: [u8; 2] = self.bytes()?;
            packed.extend(sizes);
            u64::from(sizes[0])
        } else {
            let (length, contents): ([u8; 4], [u8; 4]) = (self.bytes()?, self.bytes()?);
            packed.extend(length.into_iter().chain(contents));
            u64::from(u32::from_le_bytes(length))
        };
        let rest = length.checked_sub(widen(packed.len())).filter(|_| length <= self.most + OVERHEAD);
        let rest = rest.ok_or_else(|| damaged("a block of the qpress archive has a length that cannot be"))?;
        let read = self.input.by_ref().take(rest).read_to_end(&mut packed)?;
        if widen(read) == rest { Ok(packed) } else { Err(Fault::Cut.into()) }
    }
}

/// The checksum held: what does not unpack then was written so.
fn unpacked(error: &quicklz::Error) -> io::Error {
    match error {
        quicklz::Error::UnsupportedLevel => unsupported("the qpress archive was packed at a level that is not read"),
        _ => damaged("a block of the qpress archive does not decompress"),
    }
}

impl Read for Qpress<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.started {
            self.start()?;
        }
        loop {
            let mut rest = self.block.get(self.at..).unwrap_or_default();
            if !rest.is_empty() {
                let read = rest.read(buffer)?;
                self.at += read;
                return Ok(read);
            }
            if self.ended {
                return Ok(0);
            }
            self.next_block()?;
        }
    }
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for step in bytes.chunks(5552) {
        for &byte in step {
            low += u32::from(byte);
            high += low;
        }
        low %= ADLER;
        high %= ADLER;
    }
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(blocks: &[&[u8]]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(65_536_u64.to_le_bytes());
        bytes.extend([b'F', 1, 0, 0, 0, b't', 0]);
        let mut offset = 0_u64;
        for block in blocks {
            let packed = quicklz::compress(block, quicklz::CompressionLevel::Lvl1);
            bytes.extend(BLOCK);
            bytes.extend(offset.to_le_bytes());
            bytes.extend(adler32(&packed).to_le_bytes());
            bytes.extend(packed);
            offset += block.len() as u64;
        }
        bytes.extend(END);
        bytes.extend([0; 8]);
        bytes
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let (mut all, aside) = (Vec::new(), Aside::default());
        Qpress::new(Source::new(Box::new(bytes)), aside.clone()).read_to_end(&mut all)?;
        assert_eq!(aside.take(), [] as [String; 0]);
        Ok(all)
    }

    #[test]
    fn what_was_packed_comes_out() {
        let (first, second) = ("abcabcabc ".repeat(900), "other".repeat(70));
        let whole = read(&archive(&[first.as_bytes(), second.as_bytes()])).unwrap();
        assert_eq!(whole, (first + &second).as_bytes());
    }

    #[test]
    fn every_changed_byte_but_of_the_name_and_the_end_is_seen() {
        let text = "some text that repeats, some text that repeats ".repeat(40);
        let sound = archive(&[text.as_bytes()]);
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            let unseen = matches!(at, 21 | 22) || at >= sound.len() - 8 || matches!(at, 8..16);
            assert!(unseen || read(&bytes).is_err(), "{at} of {}", sound.len());
            assert!(read(&sound[..at]).is_err(), "cut at {at}");
        }
    }
}
