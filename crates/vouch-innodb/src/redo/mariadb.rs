//! MariaDB's log since 10.8: one circular file of mini-transactions, [`MariadbLog`].

use crate::Lsn;
use crate::bytes::Field;
use crate::checksum::crc32c;

const MAGIC: &[u8] = b"Phys";
const FIRST_LSN: usize = 8;
const HEAD_SUM: usize = 508;
const CHECKPOINTS: [usize; 2] = [4096, 8192];
const CHECKPOINT_SUM: usize = 60;
/// Records begin here.
const START: u64 = 12_288;
/// The only record of the mini-transaction that ends a log: type and length, space 0, page 0, the LSN.
const FILE_CHECKPOINT: u8 = 0xfa;
const MARK_BYTES: usize = 16;

/// The head of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MariadbLog {
    first: Lsn,
    /// The newest checkpoint.
    pub checkpoint: Lsn,
    /// Where the mark of that checkpoint stands.
    pub end: Lsn,
    bytes: u64,
}

impl MariadbLog {
    /// Bytes of a log that tell its head.
    pub const HEAD: usize = 12_288;

    /// The head of a log file of `bytes` bytes; `None` when it is of another format or has no checkpoint.
    pub fn read(head: &[u8], bytes: u64) -> Option<MariadbLog> {
        if !head.starts_with(MAGIC) || head.be32(HEAD_SUM)? != crc32c(head.get(..HEAD_SUM)?) || bytes <= START {
            return None;
        }
        let first = Lsn(head.be64(FIRST_LSN)?);
        let checkpoint = |at: usize| {
            let block = head.get(at..at + CHECKPOINT_SUM + 4)?;
            let sound = block.be32(CHECKPOINT_SUM)? == crc32c(block.get(..CHECKPOINT_SUM)?);
            sound.then_some((Lsn(block.be64(0)?), Lsn(block.be64(8)?)))
        };
        let (checkpoint, end) = CHECKPOINTS.into_iter().filter_map(checkpoint).max()?;
        (checkpoint >= first && end >= checkpoint).then_some(MariadbLog { first, checkpoint, end, bytes })
    }

    fn capacity(&self) -> u64 {
        self.bytes - START
    }

    /// Where an LSN stands in the file, and how many bytes follow until the log goes on at its start.
    pub fn offset_of(&self, lsn: Lsn) -> (u64, u64) {
        let at = lsn.0.saturating_sub(self.first.0) % self.capacity();
        (START + at, self.capacity() - at)
    }

    /// Where records begin: behind its end the log goes on here.
    pub fn start(&self) -> u64 {
        START
    }

    /// Whether the log ends with the mark of its checkpoint, so that there is nothing to recover.
    /// `bytes` are those from [`MariadbLog::end`] on.
    pub fn ends_at_checkpoint(&self, bytes: &[u8]) -> bool {
        let marked = bytes.byte(0) == Some(FILE_CHECKPOINT)
            && bytes.be64(3) == Some(self.checkpoint.0)
            && self.end == self.checkpoint
            && self.transaction(bytes, self.end) == Some(MARK_BYTES);
        let behind = Lsn(self.end.0.saturating_add(MARK_BYTES as u64));
        marked && self.transaction(bytes.get(MARK_BYTES..).unwrap_or_default(), behind).is_none()
    }

    /// The length of the mini-transaction that begins at `lsn`; `None` when there is none.
    fn transaction(&self, bytes: &[u8], lsn: Lsn) -> Option<usize> {
        let mut at = 0;
        while bytes.byte(at)? > 1 {
            at = at.checked_add(record(bytes.get(at..)?)?)?;
        }
        let lap = lsn.0.checked_add(at as u64)?.checked_sub(self.first.0)? / self.capacity();
        let bit = u8::from(lap % 2 == 0);
        let sound = at > 0 && bytes.byte(at)? == bit && bytes.be32(at + 1)? == crc32c(bytes.get(..at)?);
        sound.then_some(at + 5)
    }
}

/// The length of a record: in the low half of its first byte, or behind it.
fn record(bytes: &[u8]) -> Option<usize> {
    match usize::from(bytes.byte(0)? & 0xf) {
        0 => variable(bytes.get(1..)?)?.checked_add(16),
        short => Some(short + 1),
    }
}

/// A number of one to five bytes; each length begins where the one before ends.
fn variable(bytes: &[u8]) -> Option<usize> {
    let first = usize::from(bytes.byte(0)?);
    let (length, mask, from) = match first {
        0..0x80 => (1, 0x7f, 0),
        0x80..0xc0 => (2, 0x3f, 1 << 7),
        0xc0..0xe0 => (3, 0x1f, (1 << 7) + (1 << 14)),
        0xe0..0xf0 => (4, 0x0f, (1 << 7) + (1 << 14) + (1 << 21)),
        _ => return None,
    };
    let rest = bytes.get(1..length)?.iter().fold(first & mask, |value, byte| value << 8 | usize::from(*byte));
    rest.checked_add(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_records_are_read() {
        assert_eq!(record(&[0xfa]), Some(11));
        assert_eq!(record(&[0xb0, 0x03]), Some(19));
        assert_eq!(record(&[0xb0, 0x80, 0x01]), Some(16 + 129));
        assert_eq!(record(&[0xb0]), None);
    }

    #[test]
    fn a_file_of_another_kind_is_no_log() {
        assert_eq!(MariadbLog::read(&[0; MariadbLog::HEAD], 1 << 20), None);
    }
}
