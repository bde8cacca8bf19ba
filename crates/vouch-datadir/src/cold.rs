//! Files that the system did not have in memory before they were read, and has not afterwards: [`Cold`].
//!
//! A server's memory for files is for what it reads often. Invariant: what was in
//! memory before stays there.

use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::fs::File;
use std::io::IoSliceMut;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files that are shorter do not matter, and may be in memory because their first pages were looked at.
const LEAST: u64 = 8 << 20;
/// Places of a file that are asked for.
const PROBES: u64 = 16;
/// Bytes after which those that were read before are given back: the reading of threads overlaps.
const STEP: u64 = 16 << 20;

/// A file of which nothing was in memory.
#[derive(Debug)]
pub(crate) struct Cold {
    given_back: AtomicU64,
}

impl Cold {
    /// `None` for a file of which something is in memory, or where the system does not tell. To ask brings in the
    /// pages that are asked for, so it is asked once, and not for those around them.
    pub(crate) fn of(file: &File) -> Option<Cold> {
        let bytes = file.metadata().ok().map(|data| data.len()).filter(|bytes| *bytes >= LEAST)?;
        fadvise(file, 0, None, Advice::Random).ok()?;
        let away = |probe: u64| {
            let mut byte = [0];
            let offset = bytes / (PROBES + 1) * probe;
            preadv2(file, &mut [IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT) == Err(Errno::AGAIN)
        };
        (1..=PROBES).all(away).then_some(Cold { given_back: AtomicU64::new(0) })
    }

    /// Gives back what lies well in front of a place up to which the file was read.
    pub(crate) fn read_up_to(&self, file: &File, offset: u64) {
        let from = self.given_back.load(Ordering::Relaxed);
        let to = offset.saturating_sub(STEP);
        if to < from.saturating_add(STEP) {
            return;
        }
        let claimed = self.given_back.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        if let (Ok(_), Some(length)) = (claimed, NonZeroU64::new(to - from)) {
            // Advice that is not taken costs nothing but memory.
            let _ = fadvise(file, from, Some(length), Advice::DontNeed);
        }
    }

    /// Gives back all of it.
    pub(crate) fn done(&self, file: &File) {
        let _ = fadvise(file, 0, None, Advice::DontNeed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::read::Source;
    use std::io::Write;
    use std::path::{Path, PathBuf};

    /// A file that was written, and given back, as far as the system does that.
    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("file");
        let mut file = File::create(&path).unwrap();
        file.write_all(&vec![7; 64 << 20]).unwrap();
        file.sync_all().unwrap();
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
        path
    }

    /// Whether the file was taken for a cold one.
    fn read(path: &Path) -> bool {
        let (source, mut buffer) = (Source::sparing(path).unwrap(), vec![0; 1 << 20]);
        let mut at = 0;
        while let read @ 1.. = source.read_at(&mut buffer, at).unwrap() {
            at += read as u64;
        }
        assert_eq!(at, 64 << 20);
        source.is_cold()
    }

    #[test]
    fn what_was_not_in_memory_is_not_afterwards_and_what_was_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        // Where the system keeps files in memory alone, or does not tell, nothing is given back.
        let told = read(&path);
        assert_eq!(Cold::of(&File::open(&path).unwrap()).is_some(), told);
        std::io::copy(&mut File::open(&path).unwrap(), &mut std::io::sink()).unwrap();
        assert!(!read(&path));
        assert!(Cold::of(&File::open(&path).unwrap()).is_none());
    }
}
