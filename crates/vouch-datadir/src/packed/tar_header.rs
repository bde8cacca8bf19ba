//! The blocks of a tar archive that are no contents: [`Header`], [`extended`], [`SparseBlock`].
//!
//! Layout of a header (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar's `src/tar.h` for what GNU adds):
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 100 | name |
//! | 100 | 24 | mode, owner, group |
//! | 124 | 12 | bytes of contents, in octal digits, or with the first bit set as a number |
//! | 136 | 12 | time |
//! | 148 | 8 | sum of all bytes of the header, these being spaces |
//! | 156 | 1 | type |
//! | 157 | 100 | name of what a link leads to |
//! | 257 | 8 | `ustar`, NUL, `00`; of GNU `ustar`, two spaces, NUL |
//! | 265 | 80 | names of owner and group, devices |
//! | 345 | 155 | what stands in front of the name, of POSIX alone |
//! | 386 | 4 × 24 | of GNU: parts of a file with holes, each an offset and a length |
//! | 482 | 1 | of GNU: more such parts follow in a block of their own |
//! | 483 | 12 | of GNU: the length of the file with its holes |
//!
//! A block of more parts has 21 of them, and at byte 504 whether another block follows.

use vouch_convert::{array, parse, utf8};

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

const NAME: Field = Field(0, 100);
const SIZE: Field = Field(NAME.end() + 24, 12);
const SUM: Field = Field(SIZE.end() + 12, 8);
const TYPE: usize = SUM.end();
const LINK: Field = Field(TYPE + 1, 100);
const MAGIC: Field = Field(LINK.end(), 8);
const PREFIX: Field = Field(MAGIC.end() + 80, 155);
const PARTS: Field = Field(386, 4 * PART);
const MORE: usize = PARTS.end();
const REAL_SIZE: Field = Field(MORE + 1, 12);
/// A part between holes: its offset and its length.
const PART: usize = 24;
const PARTS_OF_BLOCK: Field = Field(0, 21 * PART);

/// Where a field begins, and its bytes.
#[derive(Clone, Copy)]
struct Field(usize, usize);

impl Field {
    const fn end(self) -> usize {
        self.0 + self.1
    }

    fn of(self, block: &[u8]) -> &[u8] {
        block.get(self.0..self.end()).unwrap_or_default()
    }
}

/// A header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub name: String,
    pub link: String,
    /// Bytes of contents that follow.
    pub bytes: u64,
    pub kind: u8,
    /// It names its format, which a block of contents does not do by chance.
    pub is_named: bool,
}

impl Header {
    /// A block as a header; `None` when it is none.
    pub(super) fn read(block: &[u8; BLOCK]) -> Option<Header> {
        let magic = MAGIC.of(block);
        let is_named = magic.starts_with(b"ustar");
        if !sum_holds(block) {
            return None;
        }
        let prefix = if magic.starts_with(b"ustar\0") { text(PREFIX.of(block)) } else { String::new() };
        let name = text(NAME.of(block));
        let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = block.get(TYPE).copied()?;
        Some(Header { name, link: text(LINK.of(block)), bytes: number(SIZE.of(block))?, kind, is_named })
    }
}

/// Archivers of old took bytes for signed numbers.
fn sum_holds(block: &[u8; BLOCK]) -> bool {
    let Some(noted) = number(SUM.of(block)) else { return false };
    let counted = |at: usize, byte: u8| if (SUM.0..SUM.end()).contains(&at) { b' ' } else { byte };
    let bytes = || block.iter().enumerate().map(|(at, byte)| counted(at, *byte));
    let unsigned: u64 = bytes().map(u64::from).sum();
    let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
    noted == unsigned || i64::try_from(noted) == Ok(signed)
}

/// What stands in front of the first NUL.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// A number in octal digits, between spaces and NULs; or in binary, behind a byte with the first bit set.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        let (high, low) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
        let is_small = first & 0x7f == 0 && high.iter().all(|byte| *byte == 0);
        return is_small.then(|| array(low))?.map(u64::from_be_bytes);
    }
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    let is_over = rest.iter().all(|byte| matches!(byte, 0 | b' '));
    let add = |sum: u64, byte: &u8| {
        let digit = (b'0'..=b'7').contains(byte).then(|| byte - b'0')?;
        sum.checked_mul(8)?.checked_add(u64::from(digit))
    };
    digits.iter().try_fold(0, add).filter(|_| is_over)
}

/// Parts of a file with holes, as GNU notes them in its old format.
#[derive(Debug, Default)]
pub(super) struct SparseBlock {
    /// Offsets and lengths, taking turns.
    pub numbers: Vec<u64>,
    /// A block with more of them follows.
    pub more: bool,
}

impl SparseBlock {
    /// Those of a header, and the length of the file.
    pub(super) fn of_header(block: &[u8; BLOCK]) -> Option<(SparseBlock, u64)> {
        Some((SparseBlock::of(PARTS.of(block), block.get(MORE).copied()?)?, number(REAL_SIZE.of(block))?))
    }

    /// Those of a block behind the header.
    pub(super) fn read(block: &[u8; BLOCK]) -> Option<SparseBlock> {
        SparseBlock::of(PARTS_OF_BLOCK.of(block), block.get(PARTS_OF_BLOCK.end()).copied()?)
    }

    fn of(parts: &[u8], more: u8) -> Option<SparseBlock> {
        let mut numbers = Vec::new();
        for part in parts.chunks_exact(PART) {
            let (offset, length) = part.split_at(PART / 2);
            if length.first() == Some(&0) {
                break;
            }
            numbers.extend([number(offset)?, number(length)?]);
        }
        Some(SparseBlock { numbers, more: more != 0 })
    }
}

/// The entries of an extended header, `length key=value` and a line feed each; `None` where it is damaged.
pub(super) fn extended(mut bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let length: usize = parse(utf8(bytes.get(..space)?)?)?;
        let (entry, rest) = bytes.split_at_checked(length)?;
        let entry = entry.get(space + 1..)?.strip_suffix(b"\n")?;
        let equals = entry.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (entry.get(..equals)?, entry.get(equals + 1..)?);
        entries.push((String::from_utf8_lossy(key).into_owned(), value.to_vec()));
        bytes = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        let number = |field: &[u8]| super::number(field);
        assert_eq!((number(b"00000000644\0"), number(b"   644 \0")), (Some(0o644), Some(0o644)));
        assert_eq!((number(b"\0\0\0"), number(b"12x\0"), number(b"12\x004")), (Some(0), None, None));
        let mut binary = [0; 12];
        binary[0] = 0x80;
        binary[6] = 2;
        assert_eq!((number(&binary), number(&[0xff; 12])), (Some(2 << 40), None));
    }

    #[test]
    fn entries_of_extended_headers() {
        let entries = extended(b"12 path=a/b\n13 size=1234\n").unwrap();
        assert_eq!(entries, [("path".to_owned(), b"a/b".to_vec()), ("size".to_owned(), b"1234".to_vec())]);
        for wrong in [&b"13 path=a/b\n"[..], b"12 path=a/b", b"x path=a/b\n", b"0 a=b\n", b"5 ab\n"] {
            assert_eq!(extended(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_block_panics(bytes in prop::collection::vec(any::<u8>(), BLOCK), text in "[0-9 =a\n]{0,60}") {
            let block: [u8; BLOCK] = bytes.try_into().unwrap();
            let _ = (Header::read(&block), SparseBlock::of_header(&block), SparseBlock::read(&block));
            let _ = extended(text.as_bytes());
        }
    }
}
