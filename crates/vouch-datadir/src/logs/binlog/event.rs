//! One event: its header, its checksum, and what a format description says of those behind it.

use super::window::Window;
use crc_fast::{CrcAlgorithm, Digest};
use std::io;
use vouch_convert::{array, low32, to_size, widen};

/// Bytes by which a binary log is known.
pub(crate) const MAGIC_BYTES: usize = 4;
const MAGIC: [u8; MAGIC_BYTES] = [0xfe, b'b', b'i', b'n'];
const MAGIC_ENCRYPTED: [u8; MAGIC_BYTES] = [0xfd, b'b', b'i', b'n'];

pub(super) const HEADER: u64 = 19;
pub(super) const SUM: u64 = 4;
const TYPE: usize = 4;
const SIZE: usize = 9;
const FLAGS: usize = 17;
/// The log was not closed; it is not part of the checksum.
const IN_USE: u8 = 1;
/// Written by the thread that receives events from a source.
const RELAY: u8 = 0x40;

const FORMAT_DESCRIPTION: u8 = 15;
const START_ENCRYPTION: u8 = 164;
/// The version of the server stands behind the version of the format.
const SERVER: usize = 21;
const SERVER_BYTES: usize = 50;

/// Whether a file that begins so is a binary log, encrypted or not.
pub(crate) fn is_binlog(head: &[u8]) -> bool {
    head.starts_with(&MAGIC) || is_encrypted(head)
}

/// Whether the log that begins so is encrypted as a whole.
pub(super) fn is_encrypted(head: &[u8]) -> bool {
    head.starts_with(&MAGIC_ENCRYPTED)
}

/// The header of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    kind: u8,
    /// All of its bytes.
    pub size: u64,
    flags: u8,
}

impl Event {
    /// The header at a place; `None` when there are too few bytes.
    pub(super) fn read(window: &mut Window, offset: u64) -> io::Result<Option<Event>> {
        let head = window.get(offset, to_size(HEADER))?;
        Ok(Event::of(head))
    }

    /// The header that `head` begins with.
    pub(super) fn of(head: &[u8]) -> Option<Event> {
        let size = array(head.get(SIZE..SIZE + 4)?).map(u32::from_le_bytes)?;
        Some(Event { kind: *head.get(TYPE)?, size: u64::from(size), flags: *head.get(FLAGS)? })
    }

    /// Whether it describes the events behind it.
    pub(super) fn is_description(&self) -> bool {
        self.kind == FORMAT_DESCRIPTION
    }

    /// Whether everything behind it is encrypted.
    pub(super) fn begins_encryption(&self) -> bool {
        self.kind == START_ENCRYPTION
    }

    /// Whether the log that begins with it was not closed.
    pub(super) fn is_in_use(&self) -> bool {
        self.flags & IN_USE != 0
    }

    /// Whether it was written to a relay log.
    pub(super) fn is_relayed(&self) -> bool {
        self.flags & RELAY != 0
    }

    /// Whether its last four bytes are the CRC-32 of the others: `None`, or what stands there and what was computed.
    pub(super) fn contradiction(&self, window: &mut Window, offset: u64) -> io::Result<Option<(u32, u32)>> {
        let (computed, stored) = self.sums(window, offset, false)?;
        if stored == computed || !self.is_description() {
            return Ok((stored != computed).then_some((stored, computed)));
        }
        let (unused, _) = self.sums(window, offset, true)?;
        Ok((stored != unused).then_some((stored, unused)))
    }

    /// The checksum of the event, with the mark of a log in use or without it, and the one that stands there.
    fn sums(&self, window: &mut Window, offset: u64, without_mark: bool) -> io::Result<(u32, u32)> {
        let end = offset + self.size.saturating_sub(SUM);
        let (mut at, mut digest) = (offset, Digest::new(CrcAlgorithm::Crc32IsoHdlc));
        if without_mark {
            let mut head = window.get(offset, FLAGS + 1)?.to_vec();
            head.iter_mut().skip(FLAGS).for_each(|flags| *flags &= !IN_USE);
            digest.update(&head);
            at += widen(head.len());
        }
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(Window::MOST);
            let piece = window.get(at, wanted)?;
            if piece.is_empty() {
                break;
            }
            digest.update(piece);
            at += widen(piece.len());
        }
        let stored = array(window.get(end, 4)?).map_or(0, u32::from_le_bytes);
        Ok((low32(digest.finalize()), stored))
    }

    /// What a format description says: the server, and the checksums of the events behind it.
    pub(super) fn describe(&self, window: &mut Window, offset: u64) -> io::Result<Description> {
        let version = window.get(offset + widen(SERVER), SERVER_BYTES)?;
        let text: Vec<u8> = version.iter().copied().take_while(|byte| *byte != 0).collect();
        let server = String::from_utf8_lossy(&text).into_owned();
        let algorithm = window.get(offset + self.size.saturating_sub(SUM + 1), 1)?.first().copied();
        let sums = match algorithm {
            _ if !knows_checksums(&server) => Sums::None,
            Some(0) => Sums::None,
            _ => Sums::Crc32,
        };
        Ok(Description { server, sums })
    }
}

/// What a format description says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub server: String,
    pub sums: Sums,
}

/// The checksums of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    /// There are none.
    None,
    /// CRC-32 behind every event.
    Crc32,
}

/// MySQL has checksums since 5.6.1, MariaDB since 5.3.
fn knows_checksums(server: &str) -> bool {
    let mut numbers = server.split(|char: char| !char.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let version = (next(), next(), next());
    version >= (5, 6, 1) || version >= (5, 3, 0) && server.contains("MariaDB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_old_have_no_checksums() {
        for (server, knows) in [
            ("9.7.4", true),
            ("10.11.19-MariaDB-log", true),
            ("5.6.0-m4", false),
            ("5.5.62-log", false),
            ("5.5.68-MariaDB", true),
            ("", false),
        ] {
            assert_eq!(knows_checksums(server), knows, "{server}");
        }
    }
}
