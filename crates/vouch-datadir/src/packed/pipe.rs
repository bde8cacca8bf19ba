//! The bytes of one file of an image, from the thread that reads the image to
//! the one that judges the file: [`Piece`], [`Intake`].

use std::fmt;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use vouch_convert::{to_size, widen};

/// Bytes of a piece.
pub(super) const PIECE: usize = 128 << 10;
/// Pieces that wait for the judge at most.
const WAITING: usize = 4;

/// A part of a file.
#[derive(Debug)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    /// So many zeros, which the image leaves out.
    Zeros(u64),
    /// The rest does not come; that is told elsewhere.
    Broken(BrokenOff),
}

/// Why the rest of a file does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokenOff {
    /// The image is damaged there.
    Damaged,
    /// The image could not be read.
    Unread,
}

impl fmt::Display for BrokenOff {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("the rest of the file is missing")
    }
}

impl std::error::Error for BrokenOff {}

/// Buffers that are used again.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<Vec<u8>>>);

impl Pool {
    /// An empty buffer that has room for a piece.
    pub(super) fn take(&self) -> Vec<u8> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| Vec::with_capacity(PIECE))
    }

    /// Takes a buffer back.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < WAITING && buffer.capacity() == PIECE {
            kept.push(buffer);
        }
    }
}

/// The reading end. It ends when the writing end is dropped.
#[derive(Debug)]
pub(super) struct Intake<'a> {
    receiver: Receiver<Piece>,
    pool: &'a Pool,
    current: Vec<u8>,
    at: usize,
    zeros: u64,
    broken: Option<BrokenOff>,
}

/// Both ends of the way of one file.
pub(super) fn pipe(pool: &Pool) -> (SyncSender<Piece>, Intake<'_>) {
    let (sender, receiver) = sync_channel(WAITING);
    (sender, Intake { receiver, pool, current: Vec::new(), at: 0, zeros: 0, broken: None })
}

/// Whether the error says that a file of an image was broken off, which is told elsewhere.
pub(super) fn broken_off(error: &io::Error) -> Option<BrokenOff> {
    error.get_ref()?.downcast_ref().copied()
}

impl Intake<'_> {
    fn refill(&mut self) -> bool {
        self.pool.give(std::mem::take(&mut self.current));
        self.at = 0;
        match self.receiver.recv() {
            Ok(Piece::Bytes(bytes)) => self.current = bytes,
            Ok(Piece::Zeros(count)) => self.zeros = count,
            Ok(Piece::Broken(why)) => self.broken = Some(why),
            Err(_) => return false,
        }
        true
    }
}

impl Read for Intake<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(why) = self.broken {
                return Err(io::Error::new(io::ErrorKind::BrokenPipe, why));
            }
            if self.zeros > 0 {
                let count = buffer.len().min(to_size(self.zeros));
                buffer.get_mut(..count).unwrap_or_default().fill(0);
                self.zeros -= widen(count);
                return Ok(count);
            }
            let mut rest = self.current.get(self.at..).unwrap_or_default();
            if !rest.is_empty() {
                let read = rest.read(buffer)?;
                self.at += read;
                return Ok(read);
            }
            if !self.refill() {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_order_and_end() {
        let pool = Pool::default();
        let (sender, mut intake) = pipe(&pool);
        sender.send(Piece::Bytes(b"ab".to_vec())).unwrap();
        sender.send(Piece::Zeros(2)).unwrap();
        sender.send(Piece::Bytes(b"c".to_vec())).unwrap();
        drop(sender);
        let mut all = Vec::new();
        intake.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"ab\0\0c");
        let (sender, mut intake) = pipe(&pool);
        sender.send(Piece::Broken(BrokenOff::Damaged)).unwrap();
        assert_eq!(broken_off(&intake.read_to_end(&mut all).unwrap_err()), Some(BrokenOff::Damaged));
    }
}
