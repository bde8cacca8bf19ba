//! Tablespaces that come as streams: packed files, backup images, standard input.
//!
//! Start at [`read_all`]. Invariants: nothing is unpacked to the disk; memory
//! does not grow with what a stream says of itself; whatever is not looked at
//! to its end is a finding or a failure.

mod contents;
mod delta;
mod image;
mod layer;
mod member;
mod meter;
mod outcome;
mod pipe;
mod qpress;
mod sparse;
mod systems;
mod tape;
mod tarball;
mod turns;
mod xbcrypt;
mod xbstream;

pub(crate) use delta::Delta;
pub(crate) use image::read_all;
pub(crate) use layer::{bare, inner, is_image, is_packed_so};
pub(crate) use outcome::Streamed;
pub(crate) use tape::Tape;
