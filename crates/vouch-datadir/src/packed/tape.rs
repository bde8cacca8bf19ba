//! A stream that is read as if it were a file, forwards: [`Tape`].
//!
//! Invariant: no more than [`MOST`] bytes of it are held, however long it is.
//! What was let go cannot be read again; that it was asked for is remembered.

use crate::read::Bytes;
use std::cell::RefCell;
use std::io::{self, Read};
use vouch_convert::{to_size, widen};

/// Bytes that are held at most: a file that is no longer can be read at any place.
const MOST: usize = 24 << 20;
/// Bytes in front of the last one that was read which are held at least.
const KEPT: usize = 18 << 20;
const STEP: usize = 256 << 10;

/// A stream of which the last part is held.
pub(crate) struct Tape<'a>(RefCell<Reel<'a>>);

struct Reel<'a> {
    input: &'a mut dyn Read,
    held: Vec<u8>,
    /// Where the part begins that is held.
    from: u64,
    ended: bool,
    missed: bool,
}

impl<'a> Tape<'a> {
    /// Reads as much as is held at once, so that a short stream is held as a whole.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub(crate) fn new(input: &'a mut dyn Read) -> io::Result<Tape<'a>> {
        let mut reel = Reel { input, held: Vec::new(), from: 0, ended: false, missed: false };
        reel.reach(widen(MOST))?;
        Ok(Tape(RefCell::new(reel)))
    }

    /// The length of the stream, once it was read to its end.
    pub(crate) fn length(&self) -> Option<u64> {
        let reel = self.0.borrow();
        reel.ended.then(|| reel.end())
    }

    /// Whether all of the stream is held.
    pub(crate) fn is_whole(&self) -> bool {
        let reel = self.0.borrow();
        reel.ended && reel.from == 0
    }

    /// Whether something was asked for that was let go.
    pub(crate) fn missed(&self) -> bool {
        self.0.borrow().missed
    }

    /// Goes on to the end and returns the length.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub(crate) fn finish(&self) -> io::Result<u64> {
        let mut reel = self.0.borrow_mut();
        reel.reach(u64::MAX)?;
        Ok(reel.end())
    }
}

impl Reel<'_> {
    fn end(&self) -> u64 {
        self.from + widen(self.held.len())
    }

    /// Reads on until the byte in front of `offset` is held, or the stream ends.
    fn reach(&mut self, offset: u64) -> io::Result<()> {
        while self.end() < offset && !self.ended {
            if self.held.len() >= MOST {
                let gone = self.held.len() - KEPT;
                self.held.drain(..gone);
                self.from += widen(gone);
            }
            let wanted = widen(STEP.min(MOST - self.held.len()));
            let read = self.input.take(wanted).read_to_end(&mut self.held)?;
            self.ended = widen(read) < wanted;
        }
        Ok(())
    }
}

impl Bytes for Tape<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut reel = self.0.borrow_mut();
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(widen(filled));
            let part = rest.len().min(STEP);
            reel.reach(at.saturating_add(widen(part)))?;
            let Some(skip) = at.checked_sub(reel.from) else {
                reel.missed = true;
                break;
            };
            let held = reel.held.get(to_size(skip)..).unwrap_or_default();
            let length = held.len().min(part);
            if length == 0 {
                break;
            }
            for (to, from) in rest.iter_mut().zip(held.iter().take(length)) {
                *to = *from;
            }
            filled += length;
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_short_stream_is_held_as_a_whole() {
        let mut input: &[u8] = b"0123456789";
        let tape = Tape::new(&mut input).unwrap();
        let mut buffer = [0; 4];
        assert_eq!((tape.is_whole(), tape.length()), (true, Some(10)));
        assert_eq!((tape.read_at(&mut buffer, 8).unwrap(), &buffer[..2]), (2, &b"89"[..]));
        assert_eq!((tape.read_at(&mut buffer, 1).unwrap(), &buffer), (4, b"1234"));
        assert_eq!((tape.read_at(&mut buffer, u64::MAX).unwrap(), tape.missed()), (0, false));
    }

    #[test]
    fn of_a_long_stream_the_last_part_is_held() {
        let length = 3 * MOST as u64 + 5;
        let mut input = io::repeat(7).take(length);
        let tape = Tape::new(&mut input).unwrap();
        let mut buffer = vec![0; 1 << 20];
        assert_eq!((tape.is_whole(), tape.length(), tape.0.borrow().held.len()), (false, None, MOST));
        let mut at = 0;
        while at < length {
            at += tape.read_at(&mut buffer, at).unwrap() as u64;
            assert!(tape.0.borrow().held.len() <= MOST);
            let again = at.saturating_sub(16 << 20);
            assert!(tape.read_at(&mut buffer[..10], again).unwrap() > 0, "{again} of {at}");
        }
        assert_eq!((tape.missed(), tape.finish().unwrap()), (false, length));
        assert_eq!((tape.read_at(&mut buffer, 0).unwrap(), tape.missed(), tape.is_whole()), (0, true, false));
    }
}
