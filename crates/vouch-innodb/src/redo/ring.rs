//! Logs of blocks in a circle, as MySQL up to 8.0.29 and MariaDB up to 10.7 have them, and the copies that
//! backup tools make of them: [`RingLog`].

use super::block_records::RecordFormat;
use super::mysql::{MysqlLog, sound};
use crate::Lsn;
use crate::bytes::{Field, all_zero};
use std::ops::RangeInclusive;
use vouch_convert::widen;

const CHECKPOINTS: [usize; 2] = [512, 1536];
const CHECKPOINT_LSN: usize = 8;
const CHECKPOINT_OFFSET: usize = 16;
/// Formats of MySQL, and the first one of MariaDB.
const KNOWN: RangeInclusive<u32> = 1..=6;
/// Those of MariaDB 10.3, 10.4 and 10.5.
const MARIADB: [u32; 3] = [103, 104, u32::from_be_bytes(*b"PHYS")];
const ENCRYPTED: u32 = 0x8000_0000;

/// The head of the first file of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLog {
    /// The newest checkpoint.
    pub checkpoint: Lsn,
    /// Where the log's files have it, were they one file.
    pub offset: u64,
    encrypted: bool,
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
        Some(RingLog { checkpoint, offset, encrypted: RingLog::is_encrypted(head) })
    }

    /// Whether the blocks are encrypted, and with them how much of each is used.
    pub fn is_encrypted(head: &[u8]) -> bool {
        head.be32(0).is_some_and(|format| format & ENCRYPTED != 0)
    }

    /// Whose records the blocks have, where these are known and not encrypted: MySQL's since 8.0, MariaDB's since 10.5.
    pub fn records(head: &[u8]) -> Option<RecordFormat> {
        match head.be32(0)? {
            2..=6 => Some(RecordFormat::Mysql),
            format if format == u32::from_be_bytes(*b"PHYS") => Some(RecordFormat::Mariadb),
            _ => None,
        }
    }

    /// Whether a head that is sound is of another format: none of those before MySQL 5.7.9 and MariaDB 10.2.2 bears
    /// a number or a checksum.
    pub fn is_unknown(head: &[u8]) -> bool {
        let Some(format) = head.be32(0) else { return false };
        let known = KNOWN.contains(&(format & !ENCRYPTED)) || MARIADB.contains(&(format & !ENCRYPTED));
        let sound = head.get(..MysqlLog::BLOCK).is_some_and(|block| sound(block).is_some());
        !known && (sound || format == 0 && !all_zero(head))
    }

    /// The log as of the block that has the checkpoint: blocks are numbered from there on.
    pub fn from_checkpoint(&self) -> MysqlLog {
        let start = self.checkpoint.0 - self.checkpoint.0 % widen(MysqlLog::BLOCK);
        MysqlLog { start: Lsn(start), checkpoint: Some(self.checkpoint), disabled: false, sealed: self.encrypted }
    }

    /// How many blocks behind this one the block with the checkpoint stands, where that can be told.
    pub fn blocks_behind(&self, block: &[u8]) -> Option<u64> {
        sound(block)?;
        let own = u64::from(block.be32(0)? & 0x7fff_ffff).checked_sub(1)?;
        (self.checkpoint.0 / widen(MysqlLog::BLOCK)).checked_sub(own)
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
        assert_eq!(log, RingLog { checkpoint: Lsn(44_994), offset: 38_338, encrypted: false });
        assert_eq!(log.from_checkpoint().start, Lsn(44_544));
        assert_eq!(log.blocks_behind(&block(&[(18 | 0x8000_0000) << 32])), Some(70));
        assert_eq!(log.blocks_behind(&block(&[900 << 32])), None);
        let mut damaged = head.clone();
        damaged[520] ^= 1;
        assert_eq!(RingLog::read(&damaged).unwrap().checkpoint, Lsn(44_000));
        damaged[20] ^= 1;
        assert_eq!((RingLog::read(&damaged), RingLog::is_unknown(&damaged)), (None, false));
        assert!(!RingLog::is_unknown(&[0; 2048]) && !RingLog::is_unknown(&head));
        let of = |format: u64| RingLog::is_unknown(&block(&[format << 32]));
        assert_eq!([1, 6, 104, 0xd048_5953, 7, 0xf09f_979d].map(of), [false, false, false, false, true, true]);
        assert!(RingLog::is_unknown(&[&[0; 9][..], &[1; 503]].concat()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2100)) {
            let _ = (RingLog::read(&bytes), RingLog::is_unknown(&bytes));
            let _ = RingLog { checkpoint: Lsn(u64::MAX), offset: 0, encrypted: false }.blocks_behind(&bytes);
        }
    }
}
