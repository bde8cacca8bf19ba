//! Tablespaces that come as streams: packed files, backup images, standard input.
//!
//! Start at [`read_all`]. Invariants: nothing is unpacked to the disk; memory
//! does not grow with what a stream says of itself; whatever is not looked at
//! to its end is a finding or a failure.

mod contents;
mod delta;
mod fault;
mod frames;
mod image;
mod layer;
mod member;
mod memory;
mod meter;
mod note;
mod objects;
mod outcome;
mod pipe;
mod qpress;
mod source;
mod sparse;
mod systems;
mod tape;
mod tar_header;
mod tarball;
mod turns;
mod window;
mod xbcrypt;
mod xbstream;

pub(crate) use delta::Delta;
pub(crate) use image::read_all;
pub(crate) use layer::{Layer, bare, is_image, is_packed_so};
pub(crate) use note::beside;
pub(crate) use outcome::{Fate, Member, Streamed};
pub(crate) use tape::Tape;

/// Reads until `buffer` is full or the stream ends; returns the bytes read.
///
/// # Errors
/// Those of the stream, but for an interruption.
fn read_full(input: &mut impl std::io::Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
