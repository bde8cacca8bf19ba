//! Files of gzip, zstd, lz4, xz and bzip2, each one frame or several, one after the other: [`Frames`].
//!
//! Every format of these may be appended to itself, be padded with zeros (tapes are),
//! and zstd and lz4 have frames that hold nothing and are passed over (pzstd writes
//! one in front of each of its frames). Invariants: nothing that follows a frame goes
//! unread: it is another frame, zeros, or told aside; a frame without its end is a
//! fault; a decoder that has failed says the same again and never reports an end.

use super::fault::{Fault, damaged, unsupported};
use super::layer::{Aside, Family, Opening, recognised};
use super::memory::Lease;
use super::source::Source;
use super::window;
use std::io::{self, ErrorKind, Read};
use vouch_convert::widen;

/// Bytes that tell what a frame is, and the size of its window.
const HEAD: usize = 64;
/// zstd, `lib/zstd.h`: `ZSTD_WINDOWLOG_MAX_64`. What a window may really take is up to the lease.
const WINDOW_LOG_MAX: u32 = 31;
/// RFC 1952: flags that are reserved, and the only method.
const GZIP_RESERVED: u8 = 0xe0;
const GZIP_DEFLATE: u8 = 8;
/// What the decoder of xz needs beside the window.
const XZ_OVERHEAD_KIB: u64 = 1024;

/// What comes out of all frames.
pub(super) struct Frames<'a> {
    family: Family,
    stage: Stage<'a>,
    /// Frames so far that had contents.
    count: u64,
    lease: Lease<'a>,
    /// Bytes that the frame may refer back to, and what came out of it.
    window: u64,
    produced: u64,
    aside: Aside,
}

enum Stage<'a> {
    Between(Source<'a>),
    Inside(Box<Frame<'a>>),
    Failed(Fault),
    Ended,
}

#[allow(clippy::large_enum_variant, reason = "there is one at a time, in a box")]
enum Frame<'a> {
    Gzip(flate2::bufread::GzDecoder<Source<'a>>),
    Bzip2(bzip2::bufread::BzDecoder<Source<'a>>),
    Xz(lzma_rust2::XzReader<Source<'a>>),
    Zstd(zstd::stream::read::Decoder<'static, Source<'a>>),
    Lz4(lz4_flex::frame::FrameDecoder<Watched<'a>>),
}

/// A source that remembers whether its end was met: a frame of lz4 that lacks its end looks complete otherwise.
struct Watched<'a> {
    source: Source<'a>,
    ended: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.ended |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}

impl<'a> Frames<'a> {
    pub(super) fn new(family: Family, source: Source<'a>, with: &Opening<'a>) -> Frames<'a> {
        let lease = Lease::new(with.memory);
        let stage = Stage::Between(source);
        Frames { family, stage, count: 0, lease, window: 0, produced: 0, aside: with.aside.clone() }
    }

    /// Goes on to the next frame, past what has no contents.
    fn begin(&mut self, mut source: Source<'a>) -> io::Result<Stage<'a>> {
        loop {
            let head = source.peek(HEAD)?.to_vec();
            if let Some(length) = self.family.skippable(&head) {
                if !source.skip(length)? {
                    return Err(Fault::Cut.into());
                }
            } else if self.family.begins(&head) {
                self.count += 1;
                self.produced = 0;
                self.window = window::of(self.family, &head)?;
                return Ok(Stage::Inside(Box::new(frame(self.family, source, &head, self.window)?)));
            } else if self.family.may_begin(&head) || head.is_empty() && self.count == 0 {
                return Err(Fault::Cut.into());
            } else if head.is_empty() {
                return Ok(Stage::Ended);
            } else if self.count == 0 {
                return Err(self.refused(&head));
            } else if head.first() == Some(&0) {
                source.skip_zeros()?;
            } else {
                return self.pass(source);
            }
        }
    }

    fn refused(&self, head: &[u8]) -> io::Error {
        let name = self.family.name();
        match recognised(head) {
            Some(what) => unsupported(format!("by its name it is {name}, and by its first bytes {what}")),
            None => damaged(format!("it does not begin as {name} does")),
        }
    }

    /// Something that is neither a frame nor padding.
    fn pass(&self, mut source: Source) -> io::Result<Stage<'a>> {
        let bytes = io::copy(&mut source, &mut io::sink())?;
        let name = self.family.name();
        self.aside
            .say(format!("{bytes} bytes after the end of its {name} data are not {name}; they were not verified"));
        Ok(Stage::Ended)
    }

    /// Bytes of a frame, or what comes behind it.
    fn inside(&mut self, mut frame: Box<Frame<'a>>, buffer: &mut [u8]) -> io::Result<usize> {
        match frame.read(buffer) {
            Ok(0) if frame.is_cut() => Err(Fault::Cut.into()),
            Ok(0) => {
                self.lease.release();
                self.stage = Stage::Between(frame.into_source());
                Ok(0)
            }
            Ok(read) => {
                self.produced = self.produced.saturating_add(widen(read));
                if !self.lease.cover(self.produced.min(self.window)) {
                    return Err(window::too_large(self.family, self.window));
                }
                self.stage = Stage::Inside(frame);
                Ok(read)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.stage = Stage::Inside(frame);
                Err(error)
            }
            Err(error) => Err(frame.told(error)),
        }
    }

    fn step(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Ended => Ok(Some(0)),
            Stage::Failed(fault) => {
                self.stage = Stage::Failed(fault.clone());
                Err(fault.into())
            }
            Stage::Between(source) => {
                self.stage = self.begin(source)?;
                Ok(None)
            }
            Stage::Inside(frame) => self.inside(frame, buffer).map(|read| Some(read).filter(|read| *read > 0)),
        }
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.step(buffer) {
                Ok(None) => {}
                Ok(Some(read)) => return Ok(read),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    self.lease.release();
                    self.stage = Stage::Failed(Fault::of(&error));
                    return Err(error);
                }
            }
        }
    }
}

/// A decoder of the frame that begins here.
fn frame<'a>(family: Family, source: Source<'a>, head: &[u8], window: u64) -> io::Result<Frame<'a>> {
    Ok(match family {
        Family::Gzip => {
            let (method, flags) = (head.get(2).copied(), head.get(3).copied().unwrap_or_default());
            if method.is_some_and(|method| method != GZIP_DEFLATE) || flags & GZIP_RESERVED != 0 {
                return Err(unsupported("it is packed by gzip with a method or flags that do not exist yet"));
            }
            Frame::Gzip(flate2::bufread::GzDecoder::new(source))
        }
        Family::Bzip2 => Frame::Bzip2(bzip2::bufread::BzDecoder::new(source)),
        Family::Xz => {
            let limit = u32::try_from(window / 1024 + XZ_OVERHEAD_KIB).unwrap_or(u32::MAX);
            Frame::Xz(lzma_rust2::XzReader::new_mem_limit(source, false, limit))
        }
        Family::ZstdOrLz4 if window::is_zstd(head) => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?.single_frame();
            decoder.window_log_max(WINDOW_LOG_MAX)?;
            Frame::Zstd(decoder)
        }
        Family::ZstdOrLz4 => Frame::Lz4(lz4_flex::frame::FrameDecoder::new(Watched { source, ended: false })),
    })
}

impl<'a> Frame<'a> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Frame::Gzip(decoder) => decoder.read(buffer),
            Frame::Bzip2(decoder) => decoder.read(buffer),
            Frame::Xz(decoder) => decoder.read(buffer),
            Frame::Zstd(decoder) => decoder.read(buffer),
            Frame::Lz4(decoder) => decoder.read(buffer),
        }
    }

    fn into_source(self) -> Source<'a> {
        match self {
            Frame::Gzip(decoder) => decoder.into_inner(),
            Frame::Bzip2(decoder) => decoder.into_inner(),
            Frame::Xz(decoder) => decoder.into_inner(),
            Frame::Zstd(decoder) => decoder.finish(),
            Frame::Lz4(decoder) => decoder.into_inner().source,
        }
    }

    /// Whether the frame has ended only because the source has.
    fn is_cut(&self) -> bool {
        matches!(self, Frame::Lz4(decoder) if decoder.get_ref().ended)
    }

    /// What an error of the decoder means.
    fn told(&self, error: io::Error) -> io::Error {
        let is_input = matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe);
        if is_input || Fault::inside(&error).is_some() {
            return error;
        }
        match self {
            Frame::Gzip(_) => damaged(format!("its gzip data is damaged: {error}")),
            Frame::Bzip2(_) => damaged(format!("its bzip2 data is damaged: {error}")),
            Frame::Xz(_) => xz(&error),
            Frame::Zstd(_) => zstd_said(&error),
            Frame::Lz4(_) => lz4(&error),
        }
    }
}

/// The decoder of xz has verified the checksum of a header before it says that the header is not supported.
fn xz(error: &io::Error) -> io::Error {
    let said = error.to_string();
    match error.kind() {
        ErrorKind::Unsupported | ErrorKind::OutOfMemory => unsupported(format!("its xz data is not read: {said}")),
        _ if said.contains("filter") => unsupported(format!("its xz data is not read: {said}")),
        _ => damaged(format!("its xz data is damaged: {said}")),
    }
}

/// What zstd says where it lacks something: `lib/common/error_private.c`.
const ZSTD_LACKS: [&str; 6] = [
    "Version not supported",
    "Unsupported frame parameter",
    "Frame requires too much memory for decoding",
    "Unsupported parameter",
    "Allocation error : not enough memory",
    "Dictionary mismatch",
];

fn zstd_said(error: &io::Error) -> io::Error {
    let said = error.to_string();
    if ZSTD_LACKS.contains(&said.as_str()) {
        unsupported(format!("its zstd data is not read: {said}"))
    } else {
        damaged(format!("its zstd data is damaged: {said}"))
    }
}

fn lz4(error: &io::Error) -> io::Error {
    use lz4_flex::frame::Error;
    let what = match error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
        Some(Error::DictionaryNotSupported) => "it needs a dictionary",
        Some(Error::UnsupportedVersion(_) | Error::UnsupportedBlocksize(_) | Error::ReservedBitsSet) => {
            "it is of a version that is not known"
        }
        Some(Error::HeaderChecksumError) => return damaged("the checksum of a head of its lz4 data does not hold"),
        Some(Error::BlockChecksumError) => return damaged("the checksum of a block of its lz4 data does not hold"),
        Some(Error::ContentChecksumError) => return damaged("the checksum of its lz4 data does not hold"),
        _ => return damaged(format!("its lz4 data is damaged: {error}")),
    };
    unsupported(format!("its lz4 data is not read: {what}"))
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
