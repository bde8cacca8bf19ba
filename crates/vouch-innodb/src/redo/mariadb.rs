//! MariaDB's log since 10.8: one circular file of mini-transactions, [`MariadbLog`].

use super::mtr::Mtr;
use crate::Lsn;
use crate::bytes::{Field, all_zero};
use crate::checksum::crc32c;
use vouch_convert::widen;

const MAGIC: &[u8] = b"Phys";
const MAGIC_ENCRYPTED: &[u8] = b"\xf0\x9f\x97\x9d";
const FIRST_LSN: usize = 8;
/// Who made the file.
const CREATOR: usize = 16;
const BACKUP: &[u8] = b"Backup ";
const HEAD_SUM: usize = 508;
const CHECKPOINTS: [usize; 2] = [4096, 8192];
const CHECKPOINT_SUM: usize = 60;
/// Records begin here.
const START: u64 = 12_288;
/// The length of files that servers make is a multiple of this, and so are the longest blocks that they write.
const BLOCK: u64 = 4096;
/// Of an encrypted mini-transaction.
const NONCE: usize = 8;
/// The only record of the mini-transaction that ends a log: type and length, space 0, page 0, the LSN.
const FILE_CHECKPOINT: u8 = 0xfa;
const MARK_RECORD: usize = 11;

/// The head of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MariadbLog {
    first: Lsn,
    /// The newest checkpoint.
    pub checkpoint: Lsn,
    /// Where the mark of that checkpoint stands.
    pub end: Lsn,
    bytes: u64,
    encrypted: bool,
    by_backup: bool,
}

/// A part of the head of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogHead {
    /// Its first block.
    First,
    /// One of its two checkpoints.
    Checkpoint,
    /// It has no checkpoint at all.
    NoCheckpoint,
}

impl MariadbLog {
    /// Bytes of a log that tell its head.
    pub const HEAD: usize = 12_288;

    /// Whether a file that begins so is such a log.
    pub fn is_log(head: &[u8]) -> bool {
        head.starts_with(MAGIC) || head.starts_with(MAGIC_ENCRYPTED)
    }

    /// Whether the log that begins so was copied by a backup tool: then it begins with its checkpoint, and is no circle.
    pub fn is_copy(head: &[u8]) -> bool {
        is_sound(head, 0, HEAD_SUM) && head.get(CREATOR..).is_some_and(|creator| creator.starts_with(BACKUP))
    }

    /// The head of a log file of `bytes` bytes; `None` when it is of another format, damaged or has no checkpoint,
    /// or when nothing follows.
    pub fn read(head: &[u8], bytes: u64) -> Option<MariadbLog> {
        if !MariadbLog::is_log(head) || !is_sound(head, 0, HEAD_SUM) || bytes <= START {
            return None;
        }
        let first = Lsn(head.be64(FIRST_LSN)?);
        let checkpoint = |at: usize| {
            let lsns = (Lsn(head.be64(at)?), Lsn(head.be64(at + 8)?));
            is_sound(head, at, CHECKPOINT_SUM).then_some(lsns)
        };
        let (checkpoint, end) = CHECKPOINTS.into_iter().filter_map(checkpoint).max()?;
        let encrypted = head.starts_with(MAGIC_ENCRYPTED);
        let by_backup = head.get(CREATOR..)?.starts_with(BACKUP);
        let log = MariadbLog { first, checkpoint, end, bytes, encrypted, by_backup };
        (checkpoint >= first && end >= checkpoint).then_some(log)
    }

    /// Where parts of a head begin that are not sound. A checkpoint that was never written is.
    pub fn bad_heads(head: &[u8]) -> Vec<(u64, LogHead)> {
        let unwritten = |at: usize| head.get(at..at + CHECKPOINT_SUM + 4).is_some_and(all_zero);
        let mut bad = Vec::new();
        if !is_sound(head, 0, HEAD_SUM) {
            bad.push((0, LogHead::First));
        }
        let harmed = CHECKPOINTS.iter().filter(|at| !is_sound(head, **at, CHECKPOINT_SUM) && !unwritten(**at));
        bad.extend(harmed.map(|at| (widen(*at), LogHead::Checkpoint)));
        if CHECKPOINTS.into_iter().all(unwritten) {
            bad.push((widen(CHECKPOINTS[0]), LogHead::NoCheckpoint));
        }
        bad
    }

    /// Whether its records are encrypted, but for their lengths.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Bytes of records that the file has room for, at least one.
    pub fn capacity(&self) -> u64 {
        self.bytes.saturating_sub(START).max(1)
    }

    /// Where an LSN stands in the file, and how many bytes follow until the log goes on at its start.
    pub fn offset_of(&self, lsn: Lsn) -> (u64, u64) {
        let at = lsn.0.saturating_sub(self.first.0) % self.capacity();
        (START + at, self.capacity() - at)
    }

    /// How many bytes behind an LSN the block ends that a server writes with it.
    pub fn until_next_block(&self, lsn: Lsn) -> u64 {
        BLOCK - self.offset_of(lsn).0 % BLOCK
    }

    /// Where records begin: behind its end the log goes on here.
    pub fn start(&self) -> u64 {
        START
    }

    /// Bytes behind the last whole block of a file that a server has made: it was cut.
    pub fn rest(&self) -> u64 {
        if self.by_backup { 0 } else { self.bytes % BLOCK }
    }

    /// The LSN behind the mark of the checkpoint: no log ends before.
    pub fn behind_mark(&self) -> Lsn {
        Lsn(self.end.0.saturating_add(widen(MARK_RECORD + 1 + self.nonce() + 4)))
    }

    /// Whether the log ends with the mark of its checkpoint, so that there is nothing to recover.
    /// `bytes` are those from [`MariadbLog::end`] on.
    pub fn ends_at_checkpoint(&self, bytes: &[u8]) -> bool {
        let Mtr::Whole(length) = self.mtr(self.end, bytes) else { return false };
        let marked = bytes.byte(0) == Some(FILE_CHECKPOINT)
            && (self.encrypted || bytes.be64(3) == Some(self.checkpoint.0))
            && self.end == self.checkpoint
            && self.end.0 + widen(length) == self.behind_mark().0;
        // The server writes a zero behind its last mini-transaction.
        marked && bytes.byte(length) == Some(0)
    }

    /// Bytes between the bit and the checksum of a mini-transaction.
    pub(super) fn nonce(&self) -> usize {
        if self.encrypted { NONCE } else { 0 }
    }

    /// The bit that tells the lap of the log at an LSN.
    pub(super) fn lap_bit(&self, lsn: Lsn) -> u8 {
        let lap = lsn.0.saturating_sub(self.first.0) / self.capacity();
        u8::from(lap.is_multiple_of(2))
    }
}

/// Whether what begins at `at` has its checksum `length` bytes behind.
fn is_sound(head: &[u8], at: usize, length: usize) -> bool {
    let sum = head.get(at..at + length).map(crc32c);
    sum.is_some() && head.be32(at + length) == sum
}

#[cfg(test)]
impl MariadbLog {
    /// A log whose file has so many bytes, and that begins with its checkpoint.
    pub(super) fn for_test(first: Lsn, bytes: u64, encrypted: bool) -> MariadbLog {
        MariadbLog { first, checkpoint: first, end: first, bytes, encrypted, by_backup: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Vec<u8> {
        let mut head = vec![0; MariadbLog::HEAD];
        head[..4].copy_from_slice(MAGIC);
        head[FIRST_LSN..FIRST_LSN + 8].copy_from_slice(&5000_u64.to_be_bytes());
        for (at, lsn) in CHECKPOINTS.into_iter().zip([5100_u64, 5200]) {
            head[at..at + 8].copy_from_slice(&lsn.to_be_bytes());
            head[at + 8..at + 16].copy_from_slice(&(lsn + 50).to_be_bytes());
            seal(&mut head, at, CHECKPOINT_SUM);
        }
        seal(&mut head, 0, HEAD_SUM);
        head
    }

    fn seal(head: &mut [u8], at: usize, length: usize) {
        let sum = crc32c(&head[at..at + length]);
        head[at + length..at + length + 4].copy_from_slice(&sum.to_be_bytes());
    }

    #[test]
    fn a_file_of_another_kind_is_no_log() {
        assert_eq!(MariadbLog::read(&[0; MariadbLog::HEAD], 1 << 20), None);
        assert_eq!(MariadbLog::bad_heads(&[]).len(), 3);
    }

    #[test]
    fn the_newest_sound_checkpoint_counts() {
        let (mut head, bytes) = (head(), 13_288);
        let log = MariadbLog::read(&head, bytes).unwrap();
        assert_eq!((log.checkpoint, log.end, log.rest()), (Lsn(5200), Lsn(5250), 1000));
        assert_eq!(log.offset_of(Lsn(6200)), (START + 200, 800));
        assert_eq!((log.until_next_block(Lsn(6000)), log.until_next_block(Lsn(6200))), (4096, 3896));
        assert_eq!(MariadbLog::bad_heads(&head), []);
        head[8195] ^= 1;
        assert_eq!(MariadbLog::read(&head, bytes).unwrap().checkpoint, Lsn(5100));
        assert_eq!(MariadbLog::bad_heads(&head), [(8192, LogHead::Checkpoint)]);
        head[8192..8256].fill(0);
        assert_eq!(MariadbLog::bad_heads(&head), []);
        head[4096..4160].fill(0);
        assert_eq!(MariadbLog::bad_heads(&head), [(4096, LogHead::NoCheckpoint)]);
        head[30] ^= 1;
        assert_eq!(MariadbLog::bad_heads(&head)[0], (0, LogHead::First));
        assert_eq!(MariadbLog::read(&head, bytes), None);
    }

    #[test]
    fn a_log_that_ends_with_the_mark_of_its_checkpoint_needs_no_recovery() {
        let log = MariadbLog::for_test(Lsn(5000), 13_288, false);
        let mut mark = vec![FILE_CHECKPOINT, 0, 0];
        mark.extend(5000_u64.to_be_bytes());
        let sum = crc32c(&mark);
        mark.push(1);
        mark.extend(sum.to_be_bytes());
        let with = |behind: u8| log.ends_at_checkpoint(&[&mark[..], &[behind]].concat());
        assert_eq!((with(0), with(0x34), log.ends_at_checkpoint(&mark[1..])), (true, false, false));
    }
}
