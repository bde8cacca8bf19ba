//! tar archives: their files one after the other, [`walk`].
//!
//! Archives may follow each other, as `tar -i` reads them, and end with zeros.
//! Invariants: no byte goes by without a word: what is no header, no contents and
//! no padding is damage, or, behind the end of an archive, told aside; nothing of
//! a length that an archive names is held beyond [`MOST_NAME`] and [`MOST_EXTENDED`].

use super::fault::{Fault, damaged, unsupported};
use super::sparse::Holes;
use super::tar_header::{BLOCK, Header, SparseBlock, extended};
use std::io::{self, Read};
use vouch_convert::{to_size, widen};

/// Bytes of a long name. Linux ends names at 4096.
const MOST_NAME: u64 = 64 << 10;
/// Bytes of an extended header: paths and a few numbers. GNU tar can be asked to put the map of a file's holes there,
/// which takes some 20 bytes a hole; it has put maps in front of contents by itself since 1.15.92.
const MOST_EXTENDED: u64 = 64 << 10;
/// How GNU tar names what it notes of holes.
const OF_HOLES: &[u8] = b"GNU.sparse.";

/// Why a file of an archive has no contents there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// It is another name of this file of the archive.
    HardLink(String),
    /// It leads to this path.
    SymbolicLink(String),
    /// It is a device or a pipe.
    Device,
    /// It is the end of a file whose beginning is in another archive.
    Continued,
    /// It is of a type that is not known.
    Unknown(u8),
}

/// Who is told what an archive has.
pub(super) trait Visitor {
    /// A file of so many bytes.
    ///
    /// # Errors
    /// Ends the walk.
    fn file(&mut self, path: &str, bytes: u64, input: &mut dyn Read) -> io::Result<()>;
    /// A file without contents.
    fn absent(&mut self, path: &str, why: &Absent);
    /// Damage at an offset of the archive, behind which the walk goes on.
    fn damaged(&mut self, at: u64, what: String);
    /// Something behind the end.
    fn aside(&mut self, what: String);
}

/// Goes through an archive, to the end of the stream.
///
/// # Errors
/// The stream cannot be read or ends too soon, or the visitor fails.
pub(super) fn walk(input: &mut dyn Read, visitor: &mut dyn Visitor) -> io::Result<()> {
    Walk { input, at: 0, ended: false, next: Extra::default() }.run(visitor)
}

/// What headers in front of a file's own say about it.
#[derive(Debug, Default)]
struct Extra {
    name: Option<String>,
    link: Option<String>,
    bytes: Option<u64>,
    holes: Option<Holes>,
    /// The map of holes is longer than is held.
    long_map: bool,
}

struct Walk<'a> {
    input: &'a mut dyn Read,
    at: u64,
    /// The mark of an end was the last thing that was read.
    ended: bool,
    next: Extra,
}

/// The contents of a file, which end only where they should.
struct Contents<'a, 'b> {
    walk: &'a mut Walk<'b>,
    left: u64,
}

impl Read for Contents<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = to_size(self.left).min(buffer.len());
        let read = self.walk.input.read(buffer.get_mut(..wanted).unwrap_or_default())?;
        self.walk.at += widen(read);
        self.left -= widen(read);
        if read == 0 && wanted > 0 { Err(Fault::Cut.into()) } else { Ok(read) }
    }
}

impl Contents<'_, '_> {
    /// Leaves out what nobody has read.
    fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self, &mut io::sink()).map(drop)
    }
}

impl Walk<'_> {
    fn run(mut self, visitor: &mut dyn Visitor) -> io::Result<()> {
        loop {
            let at = self.at;
            let mut block = [0; BLOCK];
            let filled = self.fill(&mut block)?;
            if filled == 0 {
                break;
            }
            let is_zero = block.iter().all(|byte| *byte == 0);
            match Header::read(&block) {
                _ if is_zero && (filled == BLOCK || self.ended) => self.ended = true,
                Some(header) if filled == BLOCK => self.member(header, &block, visitor)?,
                _ => self.find_next(at, filled, visitor)?,
            }
        }
        // The end of an archive is marked, so that one that was cut off shows.
        if self.ended { Ok(()) } else { Err(Fault::Cut.into()) }
    }

    /// Goes on to the next header from what is none.
    fn find_next(&mut self, begin: u64, filled: usize, visitor: &mut dyn Visitor) -> io::Result<()> {
        if filled < BLOCK && !self.ended {
            return Err(Fault::Cut.into());
        }
        self.next = Extra::default();
        let (mut block, mut ends_so) = ([0; BLOCK], self.ended);
        let found = loop {
            let filled = self.fill(&mut block)?;
            if filled < BLOCK {
                break None;
            }
            if let Some(header) = Header::read(&block).filter(|header| header.is_named) {
                break Some(header);
            }
            ends_so = self.ended || block.iter().all(|byte| *byte == 0);
        };
        let end = self.at - if found.is_some() { widen(BLOCK) } else { 0 };
        let bytes = end - begin;
        if self.ended {
            visitor.aside(format!("{bytes} bytes at byte {begin}, behind the end of the archive, are no archive"));
        } else {
            visitor
                .damaged(begin, format!("no file begins at byte {begin}; {bytes} bytes up to {end} are not verified"));
        }
        self.ended = ends_so;
        found.map_or(Ok(()), |header| self.member(header, &block, visitor))
    }

    /// What a header is about.
    fn member(&mut self, header: Header, block: &[u8; BLOCK], visitor: &mut dyn Visitor) -> io::Result<()> {
        self.ended = false;
        match header.kind {
            b'L' => self.next.name = self.text(&header, visitor)?,
            b'K' => self.next.link = self.text(&header, visitor)?,
            b'x' | b'X' => self.extended(&header, visitor)?,
            // What holds for all files, the label of a tape, a list of a folder: nothing that is needed.
            b'g' | b'V' | b'D' | b'N' => self.skip(header.bytes)?,
            _ => {
                let extra = std::mem::take(&mut self.next);
                self.file(header, extra, block, visitor)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, header: Header, extra: Extra, block: &[u8; BLOCK], visitor: &mut dyn Visitor) -> io::Result<()> {
        let name = extra.name.unwrap_or(header.name);
        let link = extra.link.unwrap_or(header.link);
        let bytes = extra.bytes.unwrap_or(header.bytes);
        let absent = match header.kind {
            b'1' => {
                visitor.absent(&name, &Absent::HardLink(link));
                return Ok(());
            }
            b'2' => Absent::SymbolicLink(link),
            b'3' | b'4' | b'6' => Absent::Device,
            b'M' => Absent::Continued,
            b'5' => return Ok(()),
            // Before there were types, folders showed by their names.
            0 if name.ends_with('/') => return Ok(()),
            0 | b'0' | b'7' if extra.long_map => {
                let error = unsupported(format!("its map of holes is longer than {MOST_EXTENDED} bytes"));
                visitor.file(&name, bytes, &mut Refused(Some(error)))?;
                return self.skip(bytes);
            }
            0 | b'0' | b'7' => return self.contents(&name, bytes, extra.holes, visitor),
            b'S' => {
                let holes = self.old_holes(block)?;
                return self.contents(&name, bytes, Some(holes), visitor);
            }
            other => Absent::Unknown(other),
        };
        visitor.absent(&name, &absent);
        self.skip(bytes)
    }

    fn contents(&mut self, name: &str, bytes: u64, holes: Option<Holes>, visitor: &mut dyn Visitor) -> io::Result<()> {
        let mut contents = Contents { walk: self, left: bytes };
        match holes {
            None => visitor.file(name, bytes, &mut contents)?,
            Some(mut holes) => {
                let name = holes.name.take().unwrap_or_else(|| name.to_owned());
                let begin = contents.walk.at;
                match holes.open(&mut contents) {
                    Ok(mut file) => visitor.file(&name, file.size(), &mut file)?,
                    Err(error) => visitor.file(&name, bytes, &mut Refused(Some(located(error, begin))))?,
                }
            }
        }
        contents.finish()?;
        self.pad(bytes)
    }

    /// The map of holes that is in the header, and in the blocks behind it.
    fn old_holes(&mut self, block: &[u8; BLOCK]) -> io::Result<Holes> {
        let wrong = || damaged("a map of holes is damaged");
        let (mut part, size) = SparseBlock::of_header(block).ok_or_else(wrong)?;
        let mut holes = Holes::of_size(size);
        loop {
            holes.extend(&part.numbers)?;
            if !part.more {
                return Ok(holes);
            }
            let mut block = [0; BLOCK];
            if self.fill(&mut block)? < BLOCK {
                return Err(Fault::Cut.into());
            }
            part = SparseBlock::read(&block).ok_or_else(wrong)?;
        }
    }

    /// A name that is too long for a header; `None` where it is no name.
    fn text(&mut self, header: &Header, visitor: &mut dyn Visitor) -> io::Result<Option<String>> {
        let Some(mut text) = self.short(header, MOST_NAME, visitor)? else { return Ok(None) };
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        text.truncate(end);
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    fn extended(&mut self, header: &Header, visitor: &mut dyn Visitor) -> io::Result<()> {
        let at = self.at;
        if header.bytes > MOST_EXTENDED {
            return self.too_long(header.bytes, visitor);
        }
        let Some(bytes) = self.short(header, MOST_EXTENDED, visitor)? else { return Ok(()) };
        let Some(entries) = extended(&bytes) else {
            visitor.damaged(at, format!("the extended header at byte {at} is damaged"));
            return Ok(());
        };
        for (key, value) in entries {
            let text = String::from_utf8_lossy(&value);
            match key.as_str() {
                "path" => self.next.name = Some(text.into_owned()),
                "linkpath" => self.next.link = Some(text.into_owned()),
                "size" => match text.parse() {
                    Ok(bytes) => self.next.bytes = Some(bytes),
                    Err(_) => visitor.damaged(at, format!("the extended header at byte {at} has a size of {text}")),
                },
                key if Holes::is_about(key) => self.next.holes.get_or_insert_default().take(key, &text),
                _ => {}
            }
        }
        Ok(())
    }

    /// An extended header of which no more than its start is read. A map of holes may be so long; anything else may not.
    fn too_long(&mut self, bytes: u64, visitor: &mut dyn Visitor) -> io::Result<()> {
        let (at, mut start) = (self.at, Vec::new());
        let mut contents = Contents { walk: self, left: bytes };
        contents.by_ref().take(MOST_EXTENDED).read_to_end(&mut start)?;
        contents.finish()?;
        self.pad(bytes)?;
        if start.windows(OF_HOLES.len()).any(|window| window == OF_HOLES) {
            self.next.long_map = true;
            return Ok(());
        }
        visitor.damaged(at, format!("the header at byte {at} has {bytes} bytes, which cannot be"));
        Ok(())
    }

    /// The contents of a header of headers, which are never long; where they are, they are left out.
    fn short(&mut self, header: &Header, most: u64, visitor: &mut dyn Visitor) -> io::Result<Option<Vec<u8>>> {
        if header.bytes > most {
            let (at, bytes) = (self.at, header.bytes);
            let message = format!("the header at byte {at} has {bytes} bytes, which cannot be");
            visitor.damaged(at, message);
            self.skip(bytes)?;
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut contents = Contents { walk: self, left: header.bytes };
        contents.read_to_end(&mut bytes)?;
        self.pad(header.bytes)?;
        Ok(Some(bytes))
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        Contents { walk: self, left: bytes }.finish()?;
        self.pad(bytes)
    }

    /// Contents are filled up to whole blocks.
    fn pad(&mut self, bytes: u64) -> io::Result<()> {
        let block = widen(BLOCK);
        Contents { walk: self, left: (block - bytes % block) % block }.finish()
    }

    /// Reads until `buffer` is full or the stream ends.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let filled = super::read_full(&mut self.input, buffer)?;
        self.at += widen(filled);
        Ok(filled)
    }
}

/// A file that cannot be read: whoever reads it is told why.
struct Refused(Option<io::Error>);

impl Read for Refused {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| unsupported("it cannot be read")))
    }
}

fn located(error: io::Error, at: u64) -> io::Error {
    match Fault::inside(&error) {
        Some(Fault::Damaged(what)) => damaged(format!("{what} (byte {at} of the archive)")),
        _ => error,
    }
}

#[cfg(test)]
#[path = "tarball_tests.rs"]
mod tests;
