//! MySQL's transparent compression: the header stays, the rest of the page is
//! inflated with its trailer.

use super::codec::decode;
use super::{CUT, TransformError};
use crate::Codec;
use crate::bytes::Field;
use crate::fil::{HEADER, TYPE};

const ALGORITHM: usize = 27;
const ORIGINAL_TYPE: usize = 28;
const ORIGINAL_SIZE: usize = 30;
const COMPRESSED_SIZE: usize = 32;

/// Writes the page that `page` was made of to `to`, which has the same length.
///
/// # Errors
/// Control information or data are damaged.
pub(crate) fn inflate(page: &[u8], to: &mut [u8]) -> Result<(), TransformError> {
    let codec = page.byte(ALGORITHM).and_then(Codec::mysql);
    let codec = codec.ok_or(TransformError("it names no algorithm"))?;
    let size = |at| page.be16(at).map(usize::from).ok_or(CUT);
    let (original, compressed) = (size(ORIGINAL_SIZE)?, size(COMPRESSED_SIZE)?);
    let payload = page.get(HEADER..).and_then(|rest| rest.get(..compressed)).ok_or(CUT)?;
    let (header, body) = to.split_at_mut_checked(HEADER).ok_or(CUT)?;
    if original != body.len() {
        return Err(CUT);
    }
    decode(codec, payload, body)?;
    header.copy_from_slice(page.get(..HEADER).ok_or(CUT)?);
    let page_type = page.get(ORIGINAL_TYPE..ORIGINAL_TYPE + 2).ok_or(CUT)?;
    header.get_mut(TYPE..TYPE + 2).ok_or(CUT)?.copy_from_slice(page_type);
    Ok(())
}
