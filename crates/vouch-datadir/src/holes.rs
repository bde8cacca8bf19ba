//! Parts of files that were never written, and need no reading: [`Holes`].
//!
//! Invariant: a hole is told as the zeros that reading it gives; where the system does not tell, it is read.

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use vouch_convert::{to_size, widen};

/// Bytes of a block, as the system counts them.
const BLOCK: u64 = 512;

/// Pieces of data that are counted: a judgement, one system call each.
const MOST_PIECES: usize = 1 << 20;

/// A file that takes less room than it is long.
#[derive(Debug)]
pub(crate) struct Holes(());

impl Holes {
    /// `None` for a file that has none.
    pub(crate) fn of(file: &File) -> Option<Holes> {
        let data = file.metadata().ok()?;
        (data.blocks().saturating_mul(BLOCK) < data.len()).then_some(Holes(()))
    }

    /// Where the last data of the file ends; `None` where the system does not tell, or the file is in more pieces than
    /// are counted.
    pub(crate) fn data_end(&self, file: &File) -> Option<u64> {
        let length = file.metadata().ok()?.len();
        let mut end = 0;
        for _ in 0..MOST_PIECES {
            let data = match seek(file, SeekFrom::Data(end)) {
                Ok(data) => data,
                Err(Errno::NXIO) => return Some(end),
                Err(_) => return None,
            };
            end = seek(file, SeekFrom::Hole(data)).ok()?;
            if end >= length {
                return Some(length);
            }
        }
        None
    }

    /// How many of `most` bytes from `offset` on are there, all of them in a hole; `None` when not all are.
    pub(crate) fn at(&self, file: &File, offset: u64, most: usize) -> Option<usize> {
        let left = file.metadata().ok()?.len().checked_sub(offset).filter(|left| *left > 0)?;
        let most = to_size(left).min(most);
        match seek(file, SeekFrom::Data(offset)) {
            Ok(data) if data >= offset.saturating_add(widen(most)) => Some(most),
            // There is no data up to the end.
            Err(Errno::NXIO) => Some(most),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Source;
    use std::os::unix::fs::FileExt;

    const MIB: u64 = 1 << 20;

    #[test]
    fn holes_are_told_and_read_as_zeros() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = File::create(&path).unwrap();
        file.write_all_at(b"data", 4 * MIB).unwrap();
        file.set_len(8 * MIB + 100).unwrap();
        file.sync_all().unwrap();
        let file = File::open(&path).unwrap();
        let holes = Holes::of(&file).unwrap();
        assert_eq!(holes.at(&file, 0, 1000), Some(1000));
        assert_eq!(holes.at(&file, 2 * MIB, 3 << 20), None, "it reaches into the data");
        assert_eq!(holes.at(&file, 4 * MIB, 4), None);
        assert_eq!(holes.at(&file, 8 * MIB, 1000), Some(100), "up to the end");
        assert_eq!(holes.at(&file, 9 * MIB, 1000), None, "behind the end");
        assert_eq!(holes.data_end(&file).map(|end| end.div_ceil(MIB)), Some(5));
        let (source, mut read) = (Source::open(&path).unwrap(), vec![7; 2000]);
        assert_eq!(source.read_at(&mut read, MIB).unwrap(), 2000);
        assert_eq!(read, vec![0; 2000]);
        assert_eq!(source.read_at(&mut read, 4 * MIB - 4).unwrap(), 2000);
        assert_eq!(read[..8], *b"\0\0\0\0data");
        std::fs::write(&path, vec![1; 4096]).unwrap();
        assert!(Holes::of(&File::open(&path).unwrap()).is_none());
    }
}
