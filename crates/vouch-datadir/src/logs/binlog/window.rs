//! A file, read forwards through a buffer: [`Window`].

use crate::read::Bytes;
use std::io;
use vouch_convert::narrow;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;

/// The part of a file that was read last.
pub(super) struct Window<'a> {
    source: &'a dyn Bytes,
    buffer: Vec<u8>,
    start: u64,
    filled: usize,
}

impl<'a> Window<'a> {
    pub(super) fn new(source: &'a dyn Bytes) -> Window<'a> {
        Window { source, buffer: vec![0; CHUNK], start: 0, filled: 0 }
    }

    /// The bytes at `offset`, at most `bytes` and at most [`Window::MOST`] of them; less at the end of the file.
    pub(super) fn get(&mut self, offset: u64, bytes: usize) -> io::Result<&[u8]> {
        let bytes = bytes.min(CHUNK);
        let within = |start: u64| offset.checked_sub(start).and_then(narrow::<usize, _>);
        let held = within(self.start).is_some_and(|skip| skip.saturating_add(bytes) <= self.filled);
        if !held {
            self.filled = self.source.read_at(&mut self.buffer, offset)?;
            self.start = offset;
        }
        let skip = within(self.start).unwrap_or(self.filled);
        let end = skip.saturating_add(bytes).min(self.filled);
        Ok(self.buffer.get(skip..end).unwrap_or_default())
    }

    /// The most that can be had at once.
    pub(super) const MOST: usize = CHUNK;
}
