//! MariaDB's page_compressed, in both layouts. The whole page was compressed,
//! its header too.

use super::codec::decode;
use super::{CUT, TransformError};
use crate::Codec;
use crate::bytes::Field;
use crate::checksum::compressed_length;

const CLASSIC_CODEC: usize = 32;
const CLASSIC_SIZE: usize = 38;
const CLASSIC_PAYLOAD: usize = 40;
const ENCRYPTED_CODEC: usize = 40;
const ENCRYPTED_PAYLOAD: usize = 42;
const FULL_PAYLOAD: usize = 26;
/// The checksum, and before it the low byte of the exact length.
const FULL_CHECKSUM: usize = 4;

/// Writes the page that `page` was made of to `to`: the classic layout, where nothing protects it on disk.
///
/// # Errors
/// Control information or data are damaged.
pub(crate) fn inflate_classic(page: &[u8], to: &mut [u8]) -> Result<(), TransformError> {
    let codec = page.be16(CLASSIC_CODEC).and_then(|number| Codec::mariadb(u32::from(number)));
    let codec = codec.ok_or(TransformError("it names no algorithm"))?;
    let size = page.be16(CLASSIC_SIZE).map(usize::from).ok_or(CUT)?;
    let payload = page.get(CLASSIC_PAYLOAD..).and_then(|rest| rest.get(..size)).ok_or(CUT)?;
    decode(codec, payload, to)
}

/// Where a page ends that was compressed and encrypted, outside `full_crc32`.
pub(crate) fn encrypted_end(page: &[u8]) -> Option<usize> {
    page.be16(CLASSIC_SIZE).map(|size| ENCRYPTED_PAYLOAD + usize::from(size))
}

/// The same for a page that was encrypted and has been decrypted: its algorithm stands behind its length.
///
/// # Errors
/// Control information or data are damaged.
pub(crate) fn inflate_classic_encrypted(page: &[u8], to: &mut [u8]) -> Result<(), TransformError> {
    let codec = page.be16(ENCRYPTED_CODEC).and_then(|number| Codec::mariadb(u32::from(number)));
    let codec = codec.ok_or(TransformError("it names no algorithm"))?;
    let size = page.be16(CLASSIC_SIZE).map(usize::from).ok_or(CUT)?;
    let payload = page.get(ENCRYPTED_PAYLOAD..).and_then(|rest| rest.get(..size)).ok_or(CUT)?;
    decode(codec, payload, to)
}

/// The same for `full_crc32`, whose checksum has been verified.
///
/// # Errors
/// Control information or data are damaged.
pub(crate) fn inflate_full(page: &[u8], codec: Codec, to: &mut [u8]) -> Result<(), TransformError> {
    let length = compressed_length(page).ok_or(CUT)?;
    let end = match codec {
        Codec::Lz4 | Codec::Lzo | Codec::Snappy => exact_end(page, length).ok_or(CUT)?,
        _ => length.checked_sub(FULL_CHECKSUM).ok_or(CUT)?,
    };
    decode(codec, page.get(FULL_PAYLOAD..end).ok_or(CUT)?, to)
}

/// These algorithms need their exact length, whose low byte stands before the checksum.
fn exact_end(page: &[u8], length: usize) -> Option<usize> {
    let low = usize::from(page.byte(length.checked_sub(FULL_CHECKSUM + 1)?)?);
    let end = if low == 0 { length } else { length.checked_sub(256)?.checked_add(low)? };
    end.checked_sub(FULL_CHECKSUM + 1)
}
