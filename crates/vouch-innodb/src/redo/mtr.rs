//! Mini-transactions of MariaDB's log: [`Mtr`].
//!
//! Records follow each other, each with its length, up to a byte that tells the
//! lap of the log, and the checksum of the records. Invariant: the work that
//! bytes can cause is bounded by [`Search::EFFORT`], whatever they say.

use super::changes::RedoChanges;
use super::mariadb::MariadbLog;
use crate::Lsn;
use crate::bytes::Field;
use crate::checksum::crc32c;
use vouch_convert::{narrow, widen};

/// Bytes of records that a server writes at most.
const MOST: usize = 1 << 20;
const SUM: usize = 4;

/// What begins at a place of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mtr {
    /// A mini-transaction of so many bytes.
    Whole(usize),
    /// One of so many bytes that an earlier lap has left there.
    Old(usize),
    /// What a server writes behind its last one.
    End,
    /// One whose checksum does not fit.
    Bad {
        /// What stands there.
        stored: u32,
        /// What the contents have.
        computed: u32,
    },
    /// None.
    None,
    /// More bytes are needed to tell.
    Short,
}

/// A search for the next mini-transaction behind damage.
#[derive(Debug)]
pub struct Search {
    left: u64,
}

/// What a search has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// The next one begins so many bytes further on.
    At(usize),
    /// None begins in the first so many bytes.
    NotIn(usize),
    /// The bytes make the search too expensive.
    GivenUp,
}

impl Default for Search {
    fn default() -> Self {
        Search { left: Search::EFFORT }
    }
}

impl Search {
    /// Records that are looked at in one search.
    pub const EFFORT: u64 = 1 << 29;

    /// Looks for the next mini-transaction of the lap in `bytes`, which stand at `lsn`. `last`: no more bytes follow.
    pub fn seek(&mut self, log: &MariadbLog, lsn: Lsn, bytes: &[u8], last: bool) -> Sought {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let idle = rest.iter().take_while(|byte| **byte <= 1).count();
            if idle > 0 {
                at += idle;
                continue;
            }
            match judge(log, Lsn(lsn.0.saturating_add(widen(at))), rest, &mut self.left) {
                Mtr::Whole(_) => return Sought::At(at),
                Mtr::Old(length) => at += length,
                Mtr::Short if !last => return Sought::NotIn(at),
                _ if self.left == 0 => return Sought::GivenUp,
                _ => at += 1,
            }
        }
        Sought::NotIn(bytes.len())
    }
}

impl MariadbLog {
    /// Bytes within which every mini-transaction ends.
    pub const MOST_MTR: usize = 2 * MOST + 64;

    /// What begins with `bytes`, which stand at `lsn`.
    pub fn mtr(&self, lsn: Lsn, bytes: &[u8]) -> Mtr {
        let mut effort = Search::EFFORT;
        judge(self, lsn, bytes, &mut effort)
    }

    /// Takes over what the whole mini-transaction that `bytes` begin with does to pages and files. False where a
    /// record of it is not known.
    pub fn changes(&self, bytes: &[u8], changes: &mut RedoChanges) -> bool {
        changes.add_mariadb(bytes)
    }
}

fn judge(log: &MariadbLog, lsn: Lsn, bytes: &[u8], effort: &mut u64) -> Mtr {
    let at = match records(bytes, effort) {
        Records::End(0) => return Mtr::End,
        Records::End(at) => at,
        Records::Short => return Mtr::Short,
        Records::Endless => return Mtr::None,
    };
    let (Some(bit), Some(nonce)) = (bytes.byte(at), bytes.get(at + 1..at + 1 + log.nonce())) else { return Mtr::Short };
    let sum_at = at + 1 + log.nonce();
    let (Some(stored), Some(records)) = (bytes.be32(sum_at), bytes.get(..at)) else { return Mtr::Short };
    *effort = effort.saturating_sub(widen(at) / 16);
    // The nonce of an encrypted log is part of the checksum, the bit is not.
    let computed = if nonce.is_empty() { crc32c(records) } else { crc32c(&[records, nonce].concat()) };
    let own = bit == log.lap_bit(Lsn(lsn.0.saturating_add(widen(at))));
    match (stored == computed, own) {
        (true, true) => Mtr::Whole(sum_at + SUM),
        (true, false) => Mtr::Old(sum_at + SUM),
        (false, true) => Mtr::Bad { stored, computed },
        (false, false) => Mtr::None,
    }
}

enum Records {
    /// They end here.
    End(usize),
    Short,
    /// No mini-transaction is as long.
    Endless,
}

fn records(bytes: &[u8], effort: &mut u64) -> Records {
    let (mut at, mut left) = (0_usize, *effort);
    let end = loop {
        let Some(first) = bytes.byte(at) else { break Records::Short };
        if first <= 1 {
            break Records::End(at);
        }
        if at >= MOST || left == 0 {
            break Records::Endless;
        }
        left -= 1;
        let length = match first & 0xf {
            0 => match long(bytes.get(at + 1..).unwrap_or_default()) {
                Long::Bytes(length) => length,
                Long::Short => break Records::Short,
                Long::None => break Records::Endless,
            },
            short => usize::from(short),
        };
        at += 1 + length;
    };
    *effort = left;
    end
}

pub(super) enum Long {
    Bytes(usize),
    Short,
    None,
}

/// The length of a record that does not fit its first byte: in one to four bytes, each length beginning where the
/// one before has ended.
pub(super) fn long(bytes: &[u8]) -> Long {
    const TWO: u32 = 1 << 7;
    const THREE: u32 = TWO + (1 << 14);
    const FOUR: u32 = THREE + (1 << 21);
    let Some(first) = bytes.byte(0) else { return Long::Short };
    let second = || bytes.byte(1).map(u32::from);
    let value = match first {
        0..0x80 => Some(u32::from(first)),
        0x80..0xc0 => bytes.be16(0).map(|value| TWO + u32::from(value & 0x3fff)),
        0xc0..0xe0 => second()
            .zip(bytes.byte(2))
            .map(|(second, third)| THREE + (u32::from(first & 0x1f) << 16 | second << 8 | u32::from(third))),
        0xe0..0xf0 => bytes.be32(0).map(|value| FOUR.saturating_add(value & 0x0fff_ffff)),
        _ => return Long::None,
    };
    match value.and_then(narrow::<usize, _>) {
        Some(value) if value <= MOST => Long::Bytes(value + 15),
        Some(_) => Long::None,
        None => Long::Short,
    }
}

#[cfg(test)]
#[path = "mtr_tests.rs"]
mod tests;
