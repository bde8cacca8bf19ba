//! MySQL's log since 8.0.30: files of blocks of 512 bytes, [`MysqlLog`].

use crate::Lsn;
use crate::bytes::Field;
use crate::checksum::crc32c;

const START_LSN: usize = 8;
const CHECKPOINTS: [usize; 2] = [512, 1536];
const CHECKPOINT_LSN: usize = 8;
const SUM: usize = 508;
const DATA_LENGTH: usize = 4;
/// Numbers of blocks run from 1 and begin again behind this.
const NUMBERS: u64 = 0x3fff_ffff;
/// Set in the number of a block with which a write began.
const FLUSH: u32 = 0x8000_0000;

/// The head of one file of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MysqlLog {
    /// The LSN of its first block.
    pub start: Lsn,
    /// The newest checkpoint in its head.
    pub checkpoint: Option<Lsn>,
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
        Some(MysqlLog { start: Lsn(head.be64(START_LSN)?), checkpoint })
    }

    /// Where the block that holds an LSN begins in the file; `None` for one before the file.
    pub fn block_of(&self, lsn: Lsn) -> Option<u64> {
        let block = MysqlLog::BLOCK as u64;
        let blocks = lsn.0.checked_sub(self.start.0)? / block;
        blocks.checked_mul(block)?.checked_add(MysqlLog::HEAD as u64)
    }

    /// Whether `block` is the block that holds an LSN, and its data ends there.
    pub fn ends_in(&self, block: &[u8], lsn: Lsn) -> bool {
        let length = MysqlLog::BLOCK as u64;
        let number = 1 + lsn.0 / length % NUMBERS;
        let named = block.be32(0).map(|named| u64::from(named & !FLUSH)) == Some(number);
        let ends = block.be16(DATA_LENGTH).map(u64::from) == Some(lsn.0 % length);
        named && ends && sound(block).is_some()
    }
}

/// Something, when the block's checksum holds.
fn sound(block: &[u8]) -> Option<()> {
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
        let log = MysqlLog { start: Lsn(75_327_488), checkpoint: None };
        let lsn = Lsn(76_206_269);
        assert_eq!(log.block_of(lsn), Some(2048 + (76_206_269 - 75_327_488) / 512 * 512));
        assert!(log.ends_in(&block(148_841, 189), lsn));
        assert!(!log.ends_in(&block(148_841, 512), lsn), "the log goes on");
        assert!(!log.ends_in(&block(148_840, 189), lsn), "an old block");
        assert_eq!(log.block_of(Lsn(1)), None);
    }

    #[test]
    fn a_file_of_another_kind_is_no_log() {
        assert_eq!(MysqlLog::read(&[1; MysqlLog::HEAD]), None);
        assert_eq!(MysqlLog::read(&[]), None);
    }
}
