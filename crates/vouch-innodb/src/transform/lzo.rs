//! LZO1X, which no sound crate under a free enough licence decodes: [`decode`].
//!
//! Instructions copy bytes of the source, or of what was written before.
//! Invariant: no length and no distance reaches out of either.

use vouch_convert::narrow;

/// Instructions below this one depend on what came before.
const FAR: u8 = 16;
const MIDDLE: u8 = 32;
const NEAR: u8 = 64;
const NEAR_LONG: u8 = 128;
/// The first byte of a stream that begins with literals is one of these.
const FIRST_SHORT: u8 = 18;
const FIRST_LONG: u8 = 22;
/// Behind a run of literals that was no part of another instruction.
const AFTER_RUN: u8 = 4;
/// The distance that ends a stream.
const END: usize = 16_384;

/// Decodes `from` so that `to` is filled exactly; `None` when that cannot be.
pub(super) fn decode(from: &[u8], to: &mut [u8]) -> Option<()> {
    let mut stream = Stream { from: from.iter(), to, written: 0 };
    let mut state = stream.begin()?;
    loop {
        let code = stream.byte()?;
        if code < FAR && state == 0 {
            let length = stream.length(code & 0xf, 0xf)?.checked_add(3)?;
            stream.literals(length)?;
            state = AFTER_RUN;
            continue;
        }
        let (length, distance, literals) = stream.reference(code, state)?;
        if code & 0xf0 == FAR && distance == END {
            return (stream.written == stream.to.len()).then_some(());
        }
        stream.repeat(distance, length)?;
        stream.literals(usize::from(literals))?;
        state = literals;
    }
}

struct Stream<'a> {
    from: std::slice::Iter<'a, u8>,
    to: &'a mut [u8],
    written: usize,
}

impl Stream<'_> {
    /// The first byte may be a number of literals. What comes next depends on it.
    fn begin(&mut self) -> Option<u8> {
        let first = *self.from.as_slice().first()?;
        if first < FIRST_SHORT {
            return Some(0);
        }
        let count = self.byte()? - (FIRST_SHORT - 1);
        self.literals(usize::from(count))?;
        Some(if first < FIRST_LONG { count } else { AFTER_RUN })
    }

    /// Length, distance and literals behind it.
    fn reference(&mut self, code: u8, state: u8) -> Option<(usize, usize, u8)> {
        let wide = usize::from(code);
        if code >= NEAR {
            let length = if code < NEAR_LONG { 3 + (wide >> 5 & 1) } else { 5 + (wide >> 5 & 3) };
            let distance = (usize::from(self.byte()?) << 3) + (wide >> 2 & 7) + 1;
            return Some((length, distance, code & 3));
        }
        if code >= FAR {
            let (mask, base) = if code >= MIDDLE { (0x1f, 1) } else { (0x7, END + ((wide & 8) << 11)) };
            let length = self.length(code & mask, mask)?.checked_add(2)?;
            let low = usize::from(self.byte()?);
            let pair = usize::from(self.byte()?) << 8 | low;
            return Some((length, base + (pair >> 2), narrow::<u8, _>(pair & 3)?));
        }
        let (length, base) = if state == AFTER_RUN { (3, 2049) } else { (2, 1) };
        Some((length, (usize::from(self.byte()?) << 2) + (wide >> 2 & 3) + base, code & 3))
    }

    fn byte(&mut self) -> Option<u8> {
        self.from.next().copied()
    }

    /// A length that does not fit the bits of its instruction goes on in bytes, where zeros count 255.
    fn length(&mut self, bits: u8, most: u8) -> Option<usize> {
        if bits != 0 {
            return Some(usize::from(bits));
        }
        let mut length = usize::from(most);
        loop {
            match self.byte()? {
                0 => length = length.checked_add(255)?,
                last => return length.checked_add(usize::from(last)),
            }
        }
    }

    fn literals(&mut self, count: usize) -> Option<()> {
        let (taken, rest) = self.from.as_slice().split_at_checked(count)?;
        self.to.get_mut(self.written..)?.get_mut(..count)?.copy_from_slice(taken);
        self.from = rest.iter();
        self.written += count;
        Some(())
    }

    /// What is repeated may reach into itself.
    fn repeat(&mut self, distance: usize, length: usize) -> Option<()> {
        let start = self.written.checked_sub(distance)?;
        let end = self.written.checked_add(length).filter(|end| *end <= self.to.len())?;
        for at in start..end - distance {
            let byte = *self.to.get(at)?;
            *self.to.get_mut(at + distance)? = byte;
        }
        self.written = end;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_stream_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), length in 0..600_usize) {
            decode(&bytes, &mut vec![0; length]);
        }
    }

    fn decoded(stream: &[u8], length: usize) -> Option<Vec<u8>> {
        let mut to = vec![0; length];
        decode(stream, &mut to).map(|()| to)
    }

    #[test]
    fn literals_and_repetitions_are_followed() {
        let end = [17, 0, 0];
        let stream = |parts: &[&[u8]]| [parts.concat(), end.to_vec()].concat();
        assert_eq!(decoded(&stream(&[&[21], b"abcd"]), 4).unwrap(), b"abcd");
        let run = [&[0, 1][..], b"0123456789abcdefghi"].concat();
        assert_eq!(decoded(&stream(&[&run]), 19).unwrap(), b"0123456789abcdefghi");
        // Two letters, then five bytes from a distance of two, then one literal.
        assert_eq!(decoded(&stream(&[&[19], b"ab", &[0x85, 0], b"z"]), 8).unwrap(), b"abababaz");
        // A long repetition of the last byte.
        assert_eq!(decoded(&stream(&[&[18], b"x", &[32, 0, 9, 0, 0]]), 298).unwrap(), [b'x'; 298]);
    }

    #[test]
    fn what_reaches_out_is_refused() {
        assert_eq!(decoded(&[21, b'a'], 4), None);
        assert_eq!(decoded(&[18, b'a', 0x88, 0, 17, 0, 0], 6), None);
        assert_eq!(decoded(&[18, b'a', 0x80, 0, 17, 0, 0], 3), None);
        assert_eq!(decoded(&[18, b'a', 17, 0, 0], 2), None);
    }
}
