//! MySQL's log since 8.0.30: files of blocks of 512 bytes, [`MysqlLog`].

use crate::Lsn;
use crate::bytes::{Field, all_zero};
use crate::checksum::crc32c;
use vouch_convert::widen;

const START_LSN: usize = 8;
const FLAGS: usize = 48;
/// The server writes no log, or has been killed while it wrote none.
const DISABLED: u32 = 0b11;
const CHECKPOINTS: [usize; 2] = [512, 1536];
const CHECKPOINT_LSN: usize = 8;
const SUM: usize = 508;
const DATA_LENGTH: usize = 4;
/// The data length of a full block: [`MysqlLog::BLOCK`].
const FULL: u16 = 512;
/// Numbers of blocks run from 1 and begin again behind this.
const NUMBERS: u64 = 0x4000_0000;
/// In place of the checksum where the server was told to write none.
const NO_SUM: u32 = 0xdead_beef;
/// Set in the number of a block with which a write began.
const FLUSH: u32 = 0x8000_0000;
/// Set in the length of a block whose data is encrypted.
const ENCRYPTED: u16 = 0x8000;

/// What a block is, in a file whose head tells where its log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedoBlock {
    /// Whole, and of the log that begins with the file; how many of its bytes are in use.
    Live(u16),
    /// Of the log that begins with the file, and written without a checksum; how many of its bytes are in use.
    Unprotected(u16),
    /// Whole, and of what was in the file before.
    Old,
    /// All zero.
    Empty,
    /// Encrypted, and with no checksum that could be held against it.
    Encrypted,
    /// Its checksum does not fit.
    Bad {
        /// What stands there.
        stored: u32,
        /// What the contents have.
        computed: u32,
    },
}

/// The head of one file of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MysqlLog {
    /// The LSN of its first block.
    pub start: Lsn,
    /// The newest checkpoint in its head.
    pub checkpoint: Option<Lsn>,
    /// Changes were made that are not in it (ALTER INSTANCE DISABLE INNODB REDO_LOG).
    pub disabled: bool,
    /// Blocks are encrypted but for their numbers and checksums, which are of what lies on disk: MariaDB.
    pub(super) sealed: bool,
}

impl MysqlLog {
    /// Bytes of a file before its first block.
    pub const HEAD: usize = 2048;
    /// Bytes of a block.
    pub const BLOCK: usize = 512;

    /// The head of a file; `None` when it is damaged, or none.
    pub fn read(head: &[u8]) -> Option<MysqlLog> {
        sound(head.get(..MysqlLog::BLOCK)?)?;
        let checkpoint = |at: usize| {
            let block = head.get(at..at + MysqlLog::BLOCK)?;
            sound(block)?;
            Some(Lsn(block.be64(CHECKPOINT_LSN)?)).filter(|lsn| lsn.0 > 0)
        };
        let checkpoint = CHECKPOINTS.into_iter().filter_map(checkpoint).max();
        Some(MysqlLog {
            start: Lsn(head.be64(START_LSN)?),
            checkpoint,
            disabled: head.be32(FLAGS)? & DISABLED > 0,
            sealed: false,
        })
    }

    /// Where the block that holds an LSN begins in the file; `None` for one before the file.
    pub fn block_of(&self, lsn: Lsn) -> Option<u64> {
        let block = widen(MysqlLog::BLOCK);
        let blocks = lsn.0.checked_sub(self.start.0)? / block;
        blocks.checked_mul(block)?.checked_add(widen(MysqlLog::HEAD))
    }

    /// The LSN with which the block of this number in the file begins.
    pub fn lsn_of(&self, number: u64) -> Lsn {
        Lsn(self.start.0.saturating_add(number.saturating_mul(widen(MysqlLog::BLOCK))))
    }

    /// The numbers of the blocks of a head whose checksums do not fit. Those that were never written have none.
    pub fn bad_heads(head: &[u8]) -> Vec<usize> {
        let bad = |number: &usize| {
            let from = number * MysqlLog::BLOCK;
            match head.get(from..from + MysqlLog::BLOCK) {
                Some(block) => sound(block).is_none() && (*number == 0 || !all_zero(block)),
                None => *number == 0 || head.len() > from,
            }
        };
        (0..MysqlLog::HEAD / MysqlLog::BLOCK).filter(bad).collect()
    }

    /// What the block of this number behind the head is.
    pub fn block(&self, number: u64, block: &[u8]) -> RedoBlock {
        if all_zero(block) {
            return RedoBlock::Empty;
        }
        let (stored, computed) = (block.be32(SUM).unwrap_or(0), crc32c(block.get(..SUM).unwrap_or(block)));
        // How much of an encrypted block is used, the key alone tells.
        let length = if self.sealed { FULL } else { block.be16(DATA_LENGTH).unwrap_or(0) };
        if stored == NO_SUM && stored != computed && self.names(number, block) {
            return RedoBlock::Unprotected(length & !ENCRYPTED);
        }
        if stored != computed {
            let encrypted = length & ENCRYPTED != 0 && self.names(number, block);
            return if encrypted { RedoBlock::Encrypted } else { RedoBlock::Bad { stored, computed } };
        }
        if self.names(number, block) { RedoBlock::Live(length & !ENCRYPTED) } else { RedoBlock::Old }
    }

    /// Whether a block bears the number that its place has.
    fn names(&self, number: u64, block: &[u8]) -> bool {
        let expected = 1 + self.lsn_of(number).0 / widen(MysqlLog::BLOCK) % NUMBERS;
        block.be32(0).map(|named| u64::from(named & !FLUSH)) == Some(expected)
    }

    /// Whether `block` is the block that holds an LSN, and its data ends there.
    pub fn ends_in(&self, block: &[u8], lsn: Lsn) -> bool {
        let length = widen(MysqlLog::BLOCK);
        let number = 1 + lsn.0 / length % NUMBERS;
        let named = block.be32(0).map(|named| u64::from(named & !FLUSH)) == Some(number);
        let ends = block.be16(DATA_LENGTH).map(u64::from) == Some(lsn.0 % length);
        named && ends && sound(block).is_some()
    }
}

/// Something, when the block's checksum holds.
pub(super) fn sound(block: &[u8]) -> Option<()> {
    (crc32c(block.get(..SUM)?) == block.be32(SUM)?).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u32, length: u16) -> Vec<u8> {
        let mut block = vec![0; MysqlLog::BLOCK];
        block[..4].copy_from_slice(&number.to_be_bytes());
        block[4..6].copy_from_slice(&length.to_be_bytes());
        let sum = crc32c(&block[..SUM]);
        block[SUM..].copy_from_slice(&sum.to_be_bytes());
        block
    }

    #[test]
    fn a_log_ends_where_its_last_block_says() {
        let log = MysqlLog { start: Lsn(75_327_488), checkpoint: None, disabled: false, sealed: false };
        let lsn = Lsn(76_206_269);
        assert_eq!(log.block_of(lsn), Some(2048 + (76_206_269 - 75_327_488) / 512 * 512));
        assert!(log.ends_in(&block(148_841, 189), lsn));
        assert!(!log.ends_in(&block(148_841, 512), lsn), "the log goes on");
        assert!(!log.ends_in(&block(148_840, 189), lsn), "an old block");
        assert_eq!(log.block_of(Lsn(1)), None);
    }

    #[test]
    fn a_block_is_of_the_log_by_its_number_and_its_checksum() {
        let log = MysqlLog { start: Lsn(75_327_488), checkpoint: None, disabled: false, sealed: false };
        let number = (148_841 - 1) - 75_327_488 / 512;
        let live = block(148_841 | FLUSH, 189);
        assert_eq!(log.block(number, &live), RedoBlock::Live(189));
        assert_eq!(log.block(number + 1, &live), RedoBlock::Old);
        assert_eq!(log.block(number, &[0; 512]), RedoBlock::Empty);
        let mut encrypted = block(148_841, 512 | ENCRYPTED);
        assert_eq!(log.block(number, &encrypted), RedoBlock::Live(512));
        encrypted[100] ^= 1;
        assert_eq!(log.block(number, &encrypted), RedoBlock::Encrypted);
        assert!(matches!(log.block(number + 1, &encrypted), RedoBlock::Bad { .. }));
        for at in 0..MysqlLog::BLOCK {
            let mut damaged = live.clone();
            damaged[at] ^= 0x10;
            assert!(matches!(log.block(number, &damaged), RedoBlock::Bad { .. }), "{at}");
        }
        assert!(matches!(log.block(number, &live[..7]), RedoBlock::Bad { .. }));
    }

    #[test]
    fn numbers_begin_again_and_checksums_may_be_left_out() {
        let log = MysqlLog { start: Lsn(512 * 0x3fff_fffe), checkpoint: None, disabled: false, sealed: false };
        for (number, named) in [(0, 0x3fff_ffff), (1, 0x4000_0000), (2, 1), (3, 2)] {
            assert_eq!(log.block(number, &block(named, 512)), RedoBlock::Live(512), "{number}");
        }
        let mut bare = block(1, 60);
        bare[SUM..].copy_from_slice(&NO_SUM.to_be_bytes());
        assert_eq!(log.block(2, &bare), RedoBlock::Unprotected(60));
        assert!(matches!(log.block(3, &bare), RedoBlock::Bad { .. }));
    }

    #[test]
    fn blocks_of_the_head_are_sound_or_were_never_written() {
        let head = [block(6, 0), block(0, 0), vec![0; 512], block(0, 0)].concat();
        assert_eq!(MysqlLog::bad_heads(&head), [] as [usize; 0]);
        let mut damaged = head.clone();
        damaged[600] = 1;
        damaged[1100] = 1;
        assert_eq!(MysqlLog::bad_heads(&damaged), [1, 2]);
        assert_eq!(MysqlLog::bad_heads(&[0; MysqlLog::HEAD]), [0]);
        assert_eq!((MysqlLog::bad_heads(&[]), MysqlLog::bad_heads(&head[..700])), (vec![0], vec![1]));
    }

    #[test]
    fn a_block_of_a_log_that_is_sealed_as_a_whole_is_damaged_where_its_checksum_is_wrong() {
        let log = MysqlLog { start: Lsn(5120), checkpoint: None, disabled: false, sealed: true };
        let mut block = [0xee; MysqlLog::BLOCK];
        block[..4].copy_from_slice(&11_u32.to_be_bytes());
        let sum = crc32c(&block[..SUM]);
        block[SUM..].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(log.block(0, &block), RedoBlock::Live(512));
        block[100] ^= 1;
        assert!(matches!(log.block(0, &block), RedoBlock::Bad { .. }));
        assert_eq!(MysqlLog { sealed: false, ..log }.block(0, &block), RedoBlock::Encrypted);
    }

    #[test]
    fn a_file_of_another_kind_is_no_log() {
        assert_eq!(MysqlLog::read(&[1; MysqlLog::HEAD]), None);
        assert_eq!(MysqlLog::read(&[]), None);
    }
}
