//! The decoders behind one door: [`decode`].

use super::{TransformError, lzo};
use crate::Codec;
use std::io::Read;

const DAMAGED: TransformError = TransformError("the compressed data is damaged");
const LENGTH: TransformError = TransformError("it decompresses to another length");

/// Decodes `from` so that `to` is filled exactly.
///
/// # Errors
/// The data is damaged.
pub(super) fn decode(codec: Codec, from: &[u8], to: &mut [u8]) -> Result<(), TransformError> {
    match codec {
        Codec::Zlib => zlib(from, to),
        Codec::Lz4 => {
            let written = lz4_flex::block::decompress_into(from, to).map_err(|_| DAMAGED)?;
            if written == to.len() { Ok(()) } else { Err(LENGTH) }
        }
        Codec::Lzo => lzo::decode(from, to).ok_or(DAMAGED),
        Codec::Lzma => filled(lzma_rust2::XzReader::new(from, false), to),
        Codec::Bzip2 => filled(bzip2::read::BzDecoder::new(from), to),
        Codec::Snappy => {
            if snap::raw::decompress_len(from).map_err(|_| DAMAGED)? != to.len() {
                return Err(LENGTH);
            }
            snap::raw::Decoder::new().decompress(from, to).map(drop).map_err(|_| DAMAGED)
        }
    }
}

fn zlib(from: &[u8], to: &mut [u8]) -> Result<(), TransformError> {
    let mut inflater = flate2::Decompress::new(true);
    let status = inflater.decompress(from, to, flate2::FlushDecompress::Finish).map_err(|_| DAMAGED)?;
    let full = usize::try_from(inflater.total_out()) == Ok(to.len());
    if full && status == flate2::Status::StreamEnd { Ok(()) } else { Err(LENGTH) }
}

/// Reads until `to` is full. What follows in the source is the rest of a block of the disk.
fn filled(mut from: impl Read, to: &mut [u8]) -> Result<(), TransformError> {
    from.read_exact(to).map_err(|_| DAMAGED)
}
