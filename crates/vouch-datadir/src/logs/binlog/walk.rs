//! From event to event: [`walk`].

use super::event::{Event, HEADER, MAGIC_BYTES, SUM, Sums, is_binlog, is_encrypted};
use super::window::Window;
use crate::logs::report::Fault;
use crate::read::Bytes;
use std::io;
use vouch_convert::{to_size, widen};

/// Bytes behind damage in which the next whole event is looked for.
const MOST_SEARCHED: u64 = 16 << 20;
/// Events of this length at most are found so, and so many places are tried.
const MOST_FOUND: u64 = 64 << 10;
const MOST_TRIED: u32 = 20_000;
/// Bytes that are searched at a time.
const SEARCHED: usize = 64 << 10;
/// Behind the last type of event that servers write.
const TYPES_END: u8 = 0xb0;

/// The length of a log that comes as a stream.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// What was seen in a log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    pub faults: Vec<Fault>,
    /// Events whose checksum holds.
    pub sound: u64,
    /// Events without a checksum.
    pub unprotected: u64,
    /// Where an event begins that is not whole, at the end of a log that was not closed.
    pub tail: Option<u64>,
    /// Where the part begins that is encrypted.
    pub encrypted: Option<u64>,
    /// The server that wrote the log.
    pub version: Option<String>,
}

/// A log that is being walked.
struct Walker<'a> {
    window: Window<'a>,
    bytes: u64,
    sums: Sums,
    /// Nothing says that the log was closed.
    open: bool,
    walk: Walk,
}

/// Walks a log of so many bytes, or of [`UNKNOWN`]. A relay log is never closed by a mark.
///
/// # Errors
/// The file cannot be read.
pub(super) fn walk(source: &dyn Bytes, bytes: u64, relay: bool) -> io::Result<Walk> {
    let mut walker =
        Walker { window: Window::new(source), bytes, sums: Sums::Crc32, open: relay, walk: Walk::default() };
    walker.all()?;
    Ok(walker.walk)
}

impl Walker<'_> {
    fn all(&mut self) -> io::Result<()> {
        let magic = self.window.get(0, MAGIC_BYTES)?;
        if is_encrypted(magic) {
            self.walk.encrypted = Some(0);
            return Ok(());
        }
        if magic.is_empty() {
            self.fault(0, "the file is empty".to_owned());
            return Ok(());
        }
        if !is_binlog(magic) {
            self.fault(0, "the file does not begin as a binary log does".to_owned());
        }
        let mut at = widen(MAGIC_BYTES);
        while at < self.bytes && !self.is_over(at)? {
            match self.event(at)? {
                Some(next) => at = next,
                None => break,
            }
        }
        Ok(())
    }

    /// Whether a log whose length is not known ends here; if so its length is known from now on.
    fn is_over(&mut self, at: u64) -> io::Result<bool> {
        let header = to_size(HEADER);
        if self.bytes == UNKNOWN {
            let there = self.window.get(at, header)?.len();
            if there < header {
                self.bytes = at + widen(there);
            }
        }
        Ok(at >= self.bytes)
    }

    /// Judges the event at `at` and returns where the next one begins, if one can be found.
    fn event(&mut self, at: u64) -> io::Result<Option<u64>> {
        let left = self.bytes - at;
        let event = Event::read(&mut self.window, at)?;
        let Some(event) = event.filter(|event| event.size >= HEADER && event.size <= left) else {
            let said = event.map_or(HEADER, |event| event.size);
            let message = format!("an event of {said} bytes cannot be where {left} bytes are left");
            return self.broken(at, None, message);
        };
        if event.is_description() || at == widen(MAGIC_BYTES) {
            self.description(&event, at)?;
        }
        if self.sums == Sums::None {
            self.walk.unprotected += 1;
            return Ok(Some(at + event.size));
        }
        if let Some((stored, computed)) = self.contradiction(&event, at)? {
            let message = format!("the checksum is 0x{stored:08x}, the contents have 0x{computed:08x}");
            return self.broken(at, Some(at + event.size), message);
        }
        self.walk.sound += 1;
        let next = at + event.size;
        if event.begins_encryption() && next < self.bytes {
            self.walk.encrypted = Some(next);
            return Ok(None);
        }
        Ok(Some(next))
    }

    fn contradiction(&mut self, event: &Event, at: u64) -> io::Result<Option<(u32, u32)>> {
        if event.size < HEADER + SUM {
            return Ok(Some((0, 0)));
        }
        event.contradiction(&mut self.window, at)
    }

    /// Learns the checksums of the events behind a description. One that is damaged is believed only where
    /// no event behind it has a checksum that holds.
    fn description(&mut self, event: &Event, at: u64) -> io::Result<()> {
        if at == widen(MAGIC_BYTES) {
            self.open |= event.is_in_use() || event.is_relayed();
        }
        let described = event.describe(&mut self.window, at)?;
        let whole = event.is_description() && self.contradiction(event, at)?.is_none();
        self.sums = if whole {
            described.sums
        } else if described.sums == Sums::None && self.search(at + 1)?.is_none() {
            Sums::None
        } else {
            Sums::Crc32
        };
        if whole || self.sums == Sums::None {
            self.walk.version = Some(described.server);
        }
        Ok(())
    }

    /// Whether an event of at most `most` bytes begins at `at` whose checksum holds.
    fn is_whole(&mut self, at: u64, most: u64) -> io::Result<bool> {
        match Event::read(&mut self.window, at)? {
            Some(event) if event.size >= HEADER + SUM && event.size <= most.min(self.bytes.saturating_sub(at)) => {
                Ok(event.contradiction(&mut self.window, at)?.is_none())
            }
            _ => Ok(false),
        }
    }

    /// Something at `at` is no whole event; by its own length the next one begins at `end`. Where none follows
    /// and the log was not closed, it ends there.
    fn broken(&mut self, at: u64, end: Option<u64>, message: String) -> io::Result<Option<u64>> {
        let next = match end {
            _ if self.sums == Sums::None => None,
            Some(end) if self.is_whole(end, u64::MAX)? => Some(end),
            _ => self.search(at + 1)?,
        };
        if next.is_none() && self.open {
            self.walk.tail = Some(at);
            return Ok(None);
        }
        let rest = if next.is_none() { "; nothing behind it is verified" } else { "" };
        self.fault(at, format!("{message}{rest}"));
        Ok(next)
    }

    /// The next place at which a whole event begins.
    fn search(&mut self, from: u64) -> io::Result<Option<u64>> {
        let (to, mut tried) = (self.bytes.min(from.saturating_add(MOST_SEARCHED)), 0);
        let mut at = from;
        while at + HEADER + SUM <= to && tried < MOST_TRIED {
            let piece = self.window.get(at, SEARCHED)?;
            let Some(last) = piece.len().checked_sub(to_size(HEADER)) else { return Ok(None) };
            let (bytes, from) = (self.bytes, at);
            let likely = (0..=last).find(|skip| piece.get(*skip..).is_some_and(|head| is_likely(head, bytes - from)));
            at += widen(likely.unwrap_or(last + 1));
            if likely.is_some() {
                if self.is_whole(at, MOST_FOUND)? {
                    return Ok(Some(at));
                }
                tried += 1;
                at += 1;
            }
        }
        Ok(None)
    }

    fn fault(&mut self, offset: u64, message: String) {
        self.walk.faults.push(Fault { offset, count: 1, message });
    }
}

/// Whether an event may begin so, where so many bytes are left.
fn is_likely(head: &[u8], left: u64) -> bool {
    let known = head.get(4).is_some_and(|kind| (1..TYPES_END).contains(kind));
    // Flags have two bytes, and servers use the lower ten bits.
    known
        && head.get(18).is_some_and(|flags| *flags < 4)
        && Event::of(head).is_some_and(|event| (HEADER + SUM..=MOST_FOUND.min(left)).contains(&event.size))
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
