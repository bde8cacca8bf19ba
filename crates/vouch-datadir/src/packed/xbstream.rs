//! The format of xbstream and mbstream: a sequence of chunks of files that
//! take turns, [`Chunks`].
//!
//! Invariant: no length that a chunk names is believed before it has been held
//! against a limit, and nothing of that length is kept.

use super::fault::Fault;
use crc_fast::{CrcAlgorithm, Digest};
use std::io::{self, Read};
use vouch_convert::{low32, to_size, widen};

pub(super) const MAGIC: &[u8; 8] = b"XBSTCK01";
/// What may be left out by readers that do not know it.
const IGNORABLE: u8 = 1;
const MOST_PATH: u32 = 4096;
const MOST_HOLES: u32 = 1 << 20;
/// Holes are parts of pages, and runs of freed ones.
const MOST_SKIP: u32 = 64 << 20;

/// A chunk, up to its contents.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Where it begins in the stream.
    pub at: u64,
    /// The file that it belongs to.
    pub path: String,
    pub body: Body,
}

/// What a chunk is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Contents follow.
    Payload(Payload),
    /// The file is complete.
    End,
}

/// The contents of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Payload {
    /// Bytes that follow in the stream.
    pub length: u64,
    /// Where they belong in the file.
    pub offset: u64,
    pub sum: u32,
    /// Of what is left out: bytes of zeros, and bytes of the contents behind them.
    pub holes: Vec<(u32, u32)>,
    /// Readers may leave it out.
    pub ignorable: bool,
}

/// Why there is no next chunk.
#[derive(Debug)]
pub(super) enum ChunkError {
    /// The stream could not be read, or ends inside the chunk.
    Input(io::Error),
    /// What stands there is no chunk.
    Damaged(&'static str),
}

impl From<io::Error> for ChunkError {
    fn from(error: io::Error) -> Self {
        ChunkError::Input(error)
    }
}

/// The chunks of a stream.
#[derive(Debug)]
pub(super) struct Chunks<R> {
    input: R,
    at: u64,
    /// All that was read since the last chunk was asked for is zero.
    zeros: bool,
}

impl<R: Read> Chunks<R> {
    pub(super) fn new(input: R) -> Chunks<R> {
        Chunks { input, at: 0, zeros: true }
    }

    /// Bytes read so far.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Whether all that was read since the last call of [`Chunks::next`] is zero.
    pub(super) fn only_zeros(&self) -> bool {
        self.zeros
    }

    /// The next chunk; `None` where the stream ends.
    ///
    /// # Errors
    /// The stream cannot be read or ends inside a chunk, or what follows is none.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>, ChunkError> {
        let at = self.at;
        let mut magic = [0; 8];
        self.zeros = true;
        let filled = self.fill(&mut magic)?;
        match magic.get(..filled).unwrap_or_default() {
            [] => Ok(None),
            whole if whole == MAGIC => self.behind_magic(at).map(Some),
            part if MAGIC.starts_with(part) => Err(ChunkError::Input(Fault::Cut.into())),
            _ => Err(ChunkError::Damaged("no chunk begins there")),
        }
    }

    fn behind_magic(&mut self, at: u64) -> Result<Chunk, ChunkError> {
        let [flags, kind] = self.bytes()?;
        if flags & !IGNORABLE != 0 {
            return Err(ChunkError::Damaged("its flags do not exist"));
        }
        let ignorable = flags & IGNORABLE != 0;
        if !matches!(kind, b'P' | b'S' | b'E') && !ignorable {
            return Err(ChunkError::Damaged("its kind does not exist"));
        }
        let length = u32::from_le_bytes(self.bytes()?);
        if length == 0 || length > MOST_PATH {
            return Err(ChunkError::Damaged("the length of its file's name cannot be"));
        }
        let mut path = vec![0; to_size(length)];
        self.exactly(&mut path)?;
        let path = String::from_utf8_lossy(&path).into_owned();
        let body = match kind {
            b'E' => Body::End,
            _ => Body::Payload(self.payload(kind == b'S', ignorable && kind != b'P' && kind != b'S')?),
        };
        Ok(Chunk { at, path, body })
    }

    fn payload(&mut self, sparse: bool, ignorable: bool) -> Result<Payload, ChunkError> {
        let count = if sparse { u32::from_le_bytes(self.bytes()?) } else { 0 };
        if count > MOST_HOLES {
            return Err(ChunkError::Damaged("its map of holes is longer than any"));
        }
        let length = u64::from_le_bytes(self.bytes()?);
        let offset = u64::from_le_bytes(self.bytes()?);
        let sum = u32::from_le_bytes(self.bytes()?);
        let mut holes = Vec::new();
        for _ in 0..count {
            let (skip, take) = (u32::from_le_bytes(self.bytes()?), u32::from_le_bytes(self.bytes()?));
            holes.push((skip, take));
        }
        let taken: u64 = holes.iter().map(|(_, take)| u64::from(*take)).sum();
        if sparse && taken != length || holes.iter().any(|(skip, _)| *skip > MOST_SKIP) {
            return Err(ChunkError::Damaged("its map of holes does not fit its contents"));
        }
        Ok(Payload { length, offset, sum, holes, ignorable })
    }

    /// Fills `piece` with up to `limit` bytes of the contents of a chunk.
    ///
    /// # Errors
    /// The stream cannot be read, or ends.
    pub(super) fn piece(&mut self, piece: &mut Vec<u8>, limit: usize) -> io::Result<()> {
        let before = piece.len();
        let read = self.input.by_ref().take(widen(limit)).read_to_end(piece);
        self.at += widen(piece.len() - before);
        if read? == limit { Ok(()) } else { Err(Fault::Cut.into()) }
    }

    /// Goes on to just before the next chunk, or to the end of the stream. Returns the bytes left out.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub(super) fn find_next(&mut self) -> io::Result<Option<Chunk>> {
        let mut window = [0; 8];
        let mut byte = [0];
        while self.fill(&mut byte)? == 1 {
            window.rotate_left(1);
            window[7] = byte[0];
            let at = self.at;
            if window == *MAGIC {
                match self.behind_magic(at - 8) {
                    Ok(chunk) => return Ok(Some(chunk)),
                    Err(ChunkError::Input(error)) => return Err(error),
                    Err(ChunkError::Damaged(_)) => window = [0; 8],
                }
            }
        }
        Ok(None)
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.exactly(&mut bytes)?;
        Ok(bytes)
    }

    fn exactly(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        if self.fill(buffer)? == buffer.len() { Ok(()) } else { Err(Fault::Cut.into()) }
    }

    /// Reads until `buffer` is full or the stream ends.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let filled = super::read_full(&mut self.input, buffer)?;
        self.at += widen(filled);
        self.zeros &= buffer.iter().take(filled).all(|byte| *byte == 0);
        Ok(filled)
    }
}

/// The checksum of a chunk's contents. Newer writers have it cover the map of holes, too.
pub(super) struct Sum {
    contents: Digest,
    with_map: Option<Digest>,
}

impl Sum {
    pub(super) fn new(payload: &Payload) -> Sum {
        let contents = Digest::new(CrcAlgorithm::Crc32IsoHdlc);
        let with_map = (!payload.holes.is_empty()).then(|| {
            let mut digest = contents;
            for (skip, take) in &payload.holes {
                digest.update(&skip.to_le_bytes());
                digest.update(&take.to_le_bytes());
            }
            digest
        });
        Sum { contents, with_map }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.contents.update(bytes);
        if let Some(digest) = &mut self.with_map {
            digest.update(bytes);
        }
    }

    /// What was computed, when it is not `sum`.
    pub(super) fn contradiction(&self, sum: u32) -> Option<u32> {
        let low = |digest: &Digest| low32(digest.finalize());
        let computed = low(&self.contents);
        let holds = computed == sum || self.with_map.as_ref().is_some_and(|digest| low(digest) == sum);
        (!holds).then_some(computed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk(path: &str, contents: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([0, b'P']);
        bytes.extend((path.len() as u32).to_le_bytes());
        bytes.extend(path.as_bytes());
        bytes.extend((contents.len() as u64).to_le_bytes());
        bytes.extend(0_u64.to_le_bytes());
        bytes.extend((crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, contents) as u32).to_le_bytes());
        bytes.extend(contents);
        bytes
    }

    #[test]
    fn a_chunk_is_read_and_found_again_behind_damage() {
        let mut bytes = chunk("a", b"12345");
        bytes.extend(b"XBSTrubbish");
        bytes.extend(chunk("b", b""));
        let mut chunks = Chunks::new(bytes.as_slice());
        let Ok(Some(Chunk { path, body: Body::Payload(payload), .. })) = chunks.next() else { panic!() };
        let mut piece = Vec::new();
        chunks.piece(&mut piece, 5).unwrap();
        let mut sum = Sum::new(&payload);
        sum.update(&piece);
        assert_eq!((path.as_str(), piece.as_slice(), sum.contradiction(payload.sum)), ("a", &b"12345"[..], None));
        assert!(matches!(chunks.next(), Err(ChunkError::Damaged(_))));
        assert_eq!(chunks.find_next().unwrap().unwrap().path, "b");
        assert_eq!(chunks.next().unwrap(), None);
    }

    proptest! {
        #[test]
        fn no_stream_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes;
            bytes.splice(0..0, *MAGIC);
            let mut chunks = Chunks::new(bytes.as_slice());
            while let Ok(Some(_)) = chunks.next() {}
            let _ = Chunks::new(bytes.as_slice()).find_next();
        }
    }
}
