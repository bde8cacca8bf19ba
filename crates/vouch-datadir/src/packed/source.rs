//! The bytes below a decoder, of which it may see the next ones before it takes them: [`Source`].

use super::layer::Input;
use std::io::{self, BufRead, ErrorKind, Read};

const BUFFER: usize = 128 << 10;

/// A buffered stream. Whoever reads of it takes no byte more than was asked for.
pub(super) struct Source<'a> {
    input: Input<'a>,
    buffer: Vec<u8>,
    /// The part of the buffer that is yet to be taken.
    from: usize,
    until: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(input: Input<'a>) -> Source<'a> {
        Source { input, buffer: vec![0; BUFFER], from: 0, until: 0 }
    }

    /// The next `count` bytes, or as many as there are. They stay.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.until - self.from < count && self.from > 0 {
            self.buffer.copy_within(self.from..self.until, 0);
            (self.from, self.until) = (0, self.until - self.from);
        }
        while self.until - self.from < count.min(BUFFER) {
            if self.read_more()? == 0 {
                break;
            }
        }
        let held = self.held();
        Ok(held.get(..count).unwrap_or(held))
    }

    /// Leaves out `count` bytes. False when the stream ends before that.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<bool> {
        Ok(io::copy(&mut self.by_ref().take(count), &mut io::sink())? == count)
    }

    /// Leaves out zeros.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub(super) fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let held = self.fill_buf()?;
            let zeros = held.iter().take_while(|byte| **byte == 0).count();
            let goes_on = zeros == held.len() && zeros > 0;
            self.consume(zeros);
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn held(&self) -> &[u8] {
        self.buffer.get(self.from..self.until).unwrap_or_default()
    }

    fn read_more(&mut self) -> io::Result<usize> {
        loop {
            let room = self.buffer.get_mut(self.until..).unwrap_or_default();
            match self.input.read(room) {
                Ok(read) => {
                    self.until += read;
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.until {
            (self.from, self.until) = (0, 0);
            self.read_more()?;
        }
        Ok(self.held())
    }

    fn consume(&mut self, count: usize) {
        self.from = (self.from + count).min(self.until);
    }
}
