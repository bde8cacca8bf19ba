//! What frames of zstd and xz say about the memory that unpacking them takes: [`of`].
//!
//! A frame of zstd (RFC 8878, 3.1.1):
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic, 0xFD2FB528, least significant byte first |
//! | 4 | 1 | bits 7-6 size of the content size, 5 single segment, 3 reserved, 2 checksum, 1-0 size of the dictionary id |
//! | 5 | 0 or 1 | window, absent in a single segment: bits 7-3 exponent, 2-0 mantissa |
//! | … | 0, 1, 2, 4 | dictionary id |
//! | … | 0, 1, 2, 4, 8 | content size; the window of a single segment |
//!
//! A stream of xz (the .xz file format 1.2.1, 2.1 and 3.1): 12 bytes of header, then the header of the first
//! block: its size / 4 - 1, flags, sizes, and filters, of which the last one is LZMA2: 0x21, 1, dictionary size.

use super::fault::{Fault, unsupported};
use super::layer::Family;
use std::io;

const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const ZSTD_RESERVED: u8 = 0x08;
const XZ_HEADER: usize = 12;
/// The filter LZMA2, and the length of its properties.
const LZMA2: [u8; 2] = [0x21, 1];
const XZ_CRC: usize = 4;
/// The code of a dictionary of 4 GiB less one byte, the largest there is.
const XZ_LARGEST: u8 = 40;

const LZ4_BLOCK: u64 = 64 << 10;
const LZ4_SMALLEST: u8 = 4;
const LZ4_LARGEST: u8 = 7;

/// Whether a frame of zstd begins so.
pub(super) fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(&ZSTD)
}

/// Bytes that the frame that begins so may refer back to.
///
/// # Errors
/// The head is not complete, or needs a dictionary.
pub(super) fn of(family: Family, head: &[u8]) -> io::Result<u64> {
    match family {
        Family::ZstdOrLz4 if is_zstd(head) => zstd(head),
        Family::ZstdOrLz4 => Ok(lz4(head)),
        Family::Xz => Ok(xz(head)),
        // Less than 8 MiB, whatever the frame says.
        Family::Gzip | Family::Bzip2 => Ok(0),
    }
}

fn zstd(head: &[u8]) -> io::Result<u64> {
    let byte = |at: usize| head.get(at).copied().ok_or(Fault::Cut);
    let flags = byte(4)?;
    if flags & ZSTD_RESERVED != 0 {
        return Err(unsupported("its zstd data is not read: a flag is set that does not exist yet"));
    }
    let is_single = flags & 0x20 != 0;
    let mut at = 5;
    let window = if is_single { 0 } else { window(byte(at)?) };
    at += usize::from(!is_single);
    let dictionary_bytes = match flags & 3 {
        0 => 0,
        1 => 1,
        2 => 2,
        _ => 4,
    };
    for step in 0..dictionary_bytes {
        if byte(at + step)? != 0 {
            return Err(unsupported("its zstd data is not read: it needs a dictionary"));
        }
    }
    at += dictionary_bytes;
    if !is_single {
        return Ok(window);
    }
    let size_bytes = 1_usize << (flags >> 6);
    let mut size = 0;
    for step in (0..size_bytes).rev() {
        size = size << 8 | u64::from(byte(at + step)?);
    }
    // Two bytes begin to count where one ends.
    Ok(if size_bytes == 2 { size + 256 } else { size })
}

fn window(code: u8) -> u64 {
    let base = 1_u64 << (10 + u32::from(code >> 3));
    base + base / 8 * u64::from(code & 7)
}

/// The frame's blocks, one packed and two unpacked: the largest size stands in bits 6-4 of the sixth byte
/// (`doc/lz4_Frame_format.md`), 4 for 64 KiB and four times as much for each one more.
fn lz4(head: &[u8]) -> u64 {
    let code = head.get(5).map_or(LZ4_LARGEST, |byte| byte >> 4 & 7);
    3 * (LZ4_BLOCK << (2 * u32::from(code.saturating_sub(LZ4_SMALLEST))))
}

/// What is not found is left to the decoder, which is limited then by the largest that there is.
fn xz(head: &[u8]) -> u64 {
    let bytes = head.get(XZ_HEADER).map_or(0, |size| (usize::from(*size) + 1) * 4);
    let end = (XZ_HEADER + bytes).saturating_sub(XZ_CRC).min(head.len());
    let block = head.get(XZ_HEADER..end).unwrap_or_default();
    let last = block.windows(3).rev().find(|window| window.starts_with(&LZMA2));
    match last.and_then(|filter| filter.last().copied()) {
        Some(code) if code < XZ_LARGEST => (2 | u64::from(code & 1)) << (u32::from(code) / 2 + 11),
        _ => u64::from(u32::MAX),
    }
}

/// Why a frame is not read to its end.
pub(super) fn too_large(family: Family, window: u64) -> io::Error {
    let mib = window.div_ceil(1 << 20);
    let (needs, tool) = match family {
        Family::Xz => ("a dictionary", "xz -dc"),
        _ => ("--long=31", "zstd -dc --long=31"),
    };
    let most = super::memory::MOST >> 20;
    unsupported(format!(
        "it needs {needs} with {mib} MiB of memory, and all that vouch unpacks may hold {most} MiB; \
         run `{tool} FILE | vouch pages -`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_tell_the_window() {
        let frame = |rest: &[u8]| zstd(&[&ZSTD, rest].concat()).map_err(|error| Fault::of(&error));
        assert_eq!(frame(&[0, 0xa8]), Ok(1 << 31));
        assert_eq!(frame(&[0, 0x0b]), Ok(2048 + 3 * 256));
        assert_eq!(frame(&[0x20, 77]), Ok(77));
        assert_eq!(frame(&[0x60, 1, 1]), Ok(513));
        assert_eq!(frame(&[0xe0, 0, 0, 0, 0, 1, 0, 0, 0]), Ok(1 << 32));
        assert_eq!(frame(&[0x01, 0, 0]), Ok(1024), "no dictionary");
        assert!(matches!(frame(&[0x01, 0, 5]), Err(Fault::Unsupported(_))));
        assert!(matches!(frame(&[0x08, 0]), Err(Fault::Unsupported(_))));
        assert_eq!((frame(&[]), frame(&[0x60, 1])), (Err(Fault::Cut), Err(Fault::Cut)));
        let stream = |code: u8| [&[0; XZ_HEADER][..], &[2, 0, 0x21, 1, code, 0, 0, 0, 9, 9, 9, 9]].concat();
        assert_eq!((xz(&stream(22)), xz(&stream(0)), xz(&stream(28))), (8 << 20, 4096, 64 << 20));
        assert_eq!(xz(&[0; 40]), u64::from(u32::MAX));
    }
}
