//! Logs of blocks in a circle, as MySQL up to 8.0.29 and MariaDB up to 10.7 have them, and the copies that
//! backup tools make of them: [`RingLog`].

use super::mysql::{MysqlLog, sound};
use crate::Lsn;
use crate::bytes::Field;

const CHECKPOINTS: [usize; 2] = [512, 1536];
const CHECKPOINT_LSN: usize = 8;
const CHECKPOINT_OFFSET: usize = 16;

/// The head of the first file of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLog {
    /// The newest checkpoint.
    pub checkpoint: Lsn,
    /// Where the log's files have it, were they one file.
    pub offset: u64,
}

impl RingLog {
    /// The head; `None` when it is damaged, has no checkpoint, or is of a format without checksums.
    pub fn read(head: &[u8]) -> Option<RingLog> {
        sound(head.get(..MysqlLog::BLOCK)?)?;
        let checkpoint = |at: usize| {
            let block = head.get(at..at + MysqlLog::BLOCK)?;
            sound(block)?;
            let lsn = Lsn(block.be64(CHECKPOINT_LSN)?);
            (lsn.0 > 0).then_some((lsn, block.be64(CHECKPOINT_OFFSET)?))
        };
        let (checkpoint, offset) = CHECKPOINTS.into_iter().filter_map(checkpoint).max()?;
        Some(RingLog { checkpoint, offset })
    }

    /// Whether the head is that of a log before MySQL 5.7.9 and MariaDB 10.2.2, whose formats bear no number and
    /// whose blocks have checksums of another kind.
    pub fn is_of_old(head: &[u8]) -> bool {
        let formats = head.be32(0) == Some(0);
        formats && head.get(..MysqlLog::BLOCK).is_some_and(|block| sound(block).is_none())
    }

    /// The log as of the block that has the checkpoint: blocks are numbered from there on.
    pub fn from_checkpoint(&self) -> MysqlLog {
        let start = self.checkpoint.0 - self.checkpoint.0 % MysqlLog::BLOCK as u64;
        MysqlLog { start: Lsn(start), checkpoint: Some(self.checkpoint) }
    }

    /// How many blocks behind this one the block with the checkpoint stands, where that can be told.
    pub fn blocks_behind(&self, block: &[u8]) -> Option<u64> {
        sound(block)?;
        let own = u64::from(block.be32(0)? & 0x7fff_ffff).checked_sub(1)?;
        (self.checkpoint.0 / MysqlLog::BLOCK as u64).checked_sub(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::crc32c;
    use proptest::prelude::*;

    fn block(words: &[u64]) -> Vec<u8> {
        let mut block: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        block.resize(508, 0);
        let sum = crc32c(&block);
        block.extend(sum.to_be_bytes());
        block
    }

    #[test]
    fn the_newest_sound_checkpoint_counts() {
        let head = [block(&[1 << 32]), block(&[6, 44_994, 38_338]), vec![0; 512], block(&[5, 44_000, 37_000])].concat();
        let log = RingLog::read(&head).unwrap();
        assert_eq!(log, RingLog { checkpoint: Lsn(44_994), offset: 38_338 });
        assert_eq!(log.from_checkpoint().start, Lsn(44_544));
        assert_eq!(log.blocks_behind(&block(&[(18 | 0x8000_0000) << 32])), Some(70));
        assert_eq!(log.blocks_behind(&block(&[900 << 32])), None);
        let mut damaged = head.clone();
        damaged[520] ^= 1;
        assert_eq!(RingLog::read(&damaged).unwrap().checkpoint, Lsn(44_000));
        damaged[20] ^= 1;
        assert_eq!((RingLog::read(&damaged), RingLog::is_of_old(&damaged)), (None, false));
        assert!(RingLog::is_of_old(&[0; 2048]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2100)) {
            let _ = (RingLog::read(&bytes), RingLog::is_of_old(&bytes));
            let _ = RingLog { checkpoint: Lsn(u64::MAX), offset: 0 }.blocks_behind(&bytes);
        }
    }
}
