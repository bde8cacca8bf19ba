//! Files with holes in tar archives of the pax format, as GNU tar writes them:
//! [`Sparse`] gives the file as it was, with zeros where the holes are.
//!
//! Invariant: what an archive says of holes is held against the length of the
//! file, and no more of it is kept than [`MOST_PARTS`].

use super::fault::{Fault, damaged, unsupported};
use std::io::{self, Read};
use vouch_convert::{parse, to_size, widen};

/// Parts of a file between holes.
const MOST_PARTS: usize = 1 << 20;
/// Digits of a number, and what ends it.
const MOST_DIGITS: usize = 21;
/// What the map of holes is filled up to, where it is in front of the contents.
const BLOCK: usize = 512;

/// What the extended header of a file says of holes.
#[derive(Debug, Default)]
pub(super) struct Holes {
    /// The map stands in front of the contents.
    inside: bool,
    numbers: Vec<u64>,
    size: Option<u64>,
    /// Something of it is no number.
    wrong: bool,
    /// The name of the file; the other one is made up.
    pub name: Option<String>,
}

/// How all keys of extended headers begin that are about holes.
const KEY: &str = "GNU.sparse.";

impl Holes {
    /// Those of a file of this length.
    pub(super) fn of_size(bytes: u64) -> Holes {
        Holes { size: Some(bytes), ..Holes::default() }
    }

    /// Whether an entry of an extended header is about holes.
    pub(super) fn is_about(key: &str) -> bool {
        key.starts_with(KEY)
    }

    /// Takes an entry of an extended header that is about holes.
    pub(super) fn take(&mut self, key: &str, value: &str) {
        let number = parse::<u64>(value);
        match key.strip_prefix(KEY).unwrap_or(key) {
            "major" => self.inside = number == Some(1),
            "name" => self.name = Some(value.to_owned()),
            "realsize" | "size" => self.size = number,
            "offset" | "numbytes" => self.add(number),
            "map" => value.split(',').for_each(|number| self.add(parse(number))),
            _ => {}
        }
    }

    fn add(&mut self, number: Option<u64>) {
        match number {
            Some(number) => self.numbers.push(number),
            None => self.wrong = true,
        }
    }

    /// Adds offsets and lengths, taking turns.
    ///
    /// # Errors
    /// There are more than any file has.
    pub(super) fn extend(&mut self, numbers: &[u64]) -> io::Result<()> {
        self.numbers.extend(numbers);
        if self.numbers.len() > 2 * MOST_PARTS { Err(too_many()) } else { Ok(()) }
    }

    /// The file, of whose contents `input` has what is no hole.
    ///
    /// # Errors
    /// The archive cannot be read, or its map contradicts itself.
    pub(super) fn open(self, input: &mut dyn Read) -> io::Result<Sparse<'_>> {
        let numbers = if self.inside { map(input)? } else { self.numbers };
        let (pairs, rest) = numbers.as_chunks::<2>();
        let (size, mut at, mut ordered) = (self.size.unwrap_or(0), 0_u64, rest.is_empty() && !self.wrong);
        for [offset, length] in pairs {
            ordered &= *offset >= at && offset.checked_add(*length).is_some_and(|end| end <= size);
            at = offset.saturating_add(*length);
        }
        if !ordered || self.size.is_none() {
            return Err(damaged("its map of holes contradicts itself"));
        }
        let parts = pairs.iter().map(|[offset, length]| (*offset, *length)).filter(|(_, length)| *length > 0).collect();
        Ok(Sparse { input, parts, next: 0, at: 0, size })
    }
}

fn too_many() -> io::Error {
    unsupported(format!("its map of holes has more than {MOST_PARTS} parts"))
}

/// The numbers in front of the contents: how many parts there are, and where they lie.
fn map(input: &mut dyn Read) -> io::Result<Vec<u64>> {
    let mut read = 0;
    let count = number(input, &mut read)?;
    if count > widen(MOST_PARTS) {
        return Err(too_many());
    }
    let mut numbers = Vec::new();
    for _ in 0..2 * count {
        numbers.push(number(input, &mut read)?);
    }
    let fill = read.next_multiple_of(BLOCK) - read;
    input.read_exact(vec![0; fill].as_mut_slice())?;
    Ok(numbers)
}

fn number(input: &mut dyn Read, read: &mut usize) -> io::Result<u64> {
    let (mut text, mut byte) = (String::new(), [0]);
    loop {
        input.read_exact(&mut byte)?;
        *read += 1;
        match byte {
            [b'\n'] => break,
            [digit @ b'0'..=b'9'] if text.len() < MOST_DIGITS => text.push(char::from(digit)),
            _ => return Err(damaged("its map of holes is damaged")),
        }
    }
    text.parse().map_err(|_| damaged("its map of holes is damaged"))
}

/// A file with its holes.
pub(super) struct Sparse<'a> {
    input: &'a mut dyn Read,
    parts: Vec<(u64, u64)>,
    /// The part that is read, or comes next.
    next: usize,
    at: u64,
    size: u64,
}

impl Sparse<'_> {
    /// The length of the file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

impl Read for Sparse<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.parts.get(self.next).is_some_and(|(offset, length)| self.at >= offset + length) {
            self.next += 1;
        }
        let part = self.parts.get(self.next).copied();
        let (hole, until) = match part {
            Some((offset, length)) if self.at >= offset => (false, offset + length),
            Some((offset, _)) => (true, offset),
            None => (true, self.size),
        };
        let wanted = to_size(until.saturating_sub(self.at)).min(buffer.len());
        let room = buffer.get_mut(..wanted).unwrap_or_default();
        if hole {
            room.fill(0);
            self.at += widen(wanted);
            return Ok(wanted);
        }
        let read = self.input.read(room)?;
        self.at += widen(read);
        if read == 0 && wanted > 0 { Err(Fault::Cut.into()) } else { Ok(read) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn read(entries: &[(&str, &str)], mut contents: &[u8]) -> io::Result<Vec<u8>> {
        let (mut holes, mut all) = (Holes::default(), Vec::new());
        entries.iter().for_each(|(key, value)| holes.take(&format!("GNU.sparse.{key}"), value));
        holes.open(&mut contents)?.read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn a_file_is_as_it_was_by_all_versions_of_the_map() {
        let whole = b"\0\0\0abc\0\0de\0";
        assert_eq!(read(&[("map", "3,3,8,2"), ("size", "11")], b"abcde").unwrap(), whole);
        let numbers = [("size", "11"), ("offset", "3"), ("numbytes", "3"), ("offset", "8"), ("numbytes", "2")];
        assert_eq!(read(&numbers, b"abcde").unwrap(), whole);
        let mut inside = b"3\n3\n3\n8\n2\n11\n0\n".to_vec();
        inside.resize(BLOCK, 0);
        inside.extend(b"abcde");
        let entries = [("major", "1"), ("minor", "0"), ("name", "t.ibd"), ("realsize", "11")];
        assert_eq!(read(&entries, &inside).unwrap(), whole);
        assert!(read(&entries, &inside[..BLOCK + 3]).is_err());
        for wrong in ["3,3,8,9", "3,3,2,2", "3", "18446744073709551615,3", "3,x"] {
            assert!(read(&[("map", wrong), ("size", "11")], b"abcde").is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_map_panics(map in "[0-9\n,x]{0,600}", size in any::<u32>()) {
            let size = size % 100_000;
            let _ = read(&[("map", &map), ("size", &size.to_string())], b"abc");
            let _ = read(&[("major", "1"), ("realsize", &size.to_string())], map.as_bytes());
        }
    }
}
