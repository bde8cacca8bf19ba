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
const MARK_RECORD: usize = 11;
const MARK_BYTES: usize = MARK_RECORD + 5;

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
            && self.is_mark(bytes);
        // The server writes a zero behind its last mini-transaction.
        marked && bytes.byte(MARK_BYTES) == Some(0)
    }

    /// Whether the mark is whole: a bit that tells the lap of the log, and a checksum.
    fn is_mark(&self, bytes: &[u8]) -> bool {
        let lap = self.end.0.saturating_sub(self.first.0).saturating_add(MARK_RECORD as u64) / self.capacity();
        let sum = bytes.get(..MARK_RECORD).map(crc32c);
        bytes.byte(MARK_RECORD) == Some(u8::from(lap.is_multiple_of(2)))
            && sum.is_some()
            && bytes.be32(MARK_RECORD + 1) == sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_kind_is_no_log() {
        assert_eq!(MariadbLog::read(&[0; MariadbLog::HEAD], 1 << 20), None);
    }
}
