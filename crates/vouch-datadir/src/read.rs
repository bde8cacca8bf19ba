//! Reads files at any place without disturbing anyone: [`Source`].
//!
//! What comes as a stream has no file that could be read again; its [`Source`] refuses.

use crate::cold::Cold;
use crate::holes::Holes;
use rustix::fs::OFlags;
use rustix::process::{Resource, getrlimit};
use std::collections::BTreeSet;
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use vouch_convert::widen;

/// What can be read at any place.
pub(crate) trait Bytes {
    /// Reads up to the length of `buffer` and returns how much there was: less only at the end.
    ///
    /// # Errors
    /// The system refuses.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Bytes for Source {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Source::read_at(self, buffer, offset)
    }
}

#[cfg(test)]
impl Bytes for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.get(vouch_convert::to_size(offset)..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

/// What the system did not let be read, and why.
#[derive(Debug)]
pub(crate) struct Unread {
    pub path: PathBuf,
    pub error: io::Error,
}

impl Unread {
    /// What was read at a path; `None` where nothing of the kind is there, which is no refusal of the system.
    ///
    /// # Errors
    /// The system refuses. Whoever takes that for an answer takes "could not ask" for "no".
    pub(crate) fn unless_missing<T>(path: &Path, read: io::Result<T>) -> Result<Option<T>, Unread> {
        use io::ErrorKind::{NotADirectory, NotFound};
        match read {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.raw_os_error().is_none() || matches!(error.kind(), NotFound | NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(Unread { path: path.to_owned(), error }),
        }
    }
}

/// Files that the process needs beside the tablespaces that it keeps open: logs, images, folders, reports.
const RESERVED: u64 = 64;
/// The most files that are kept open where the system sets no limit: a judgement, more than any instance has.
const MOST_KEPT: usize = 1 << 20;

/// A file that is read at any place.
#[derive(Debug)]
pub(crate) struct Source {
    handle: Handle,
    cold: Option<Cold>,
    holes: Option<Holes>,
}

#[derive(Debug)]
enum Handle {
    /// It came as a stream, and is gone.
    Passed,
    /// It stays open.
    Kept(File, Slot),
    /// There are more files than may be open, so it is opened for each read. It must stay the same file.
    Closed(PathBuf, (u64, u64)),
}

/// The right to keep one file open.
#[derive(Debug)]
struct Slot;

impl Slot {
    /// Files that may still be kept open, of those that the system lets this process have.
    fn free() -> &'static AtomicUsize {
        static FREE: OnceLock<AtomicUsize> = OnceLock::new();
        FREE.get_or_init(|| {
            let limit = getrlimit(Resource::Nofile).current.map_or(u64::MAX, |limit| limit.saturating_sub(RESERVED));
            AtomicUsize::new(usize::try_from(limit).unwrap_or(MOST_KEPT).min(MOST_KEPT))
        })
    }

    fn take() -> Option<Slot> {
        let taken = Slot::free().fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        // Not `then_some`: a slot that was made and dropped would count as given back.
        taken.is_ok().then(|| Slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        Slot::free().fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some(cold) = &self.cold {
            // What cannot be opened any more has nothing in memory that matters.
            let given_back = self.with_file(|file| {
                cold.done(file);
                Ok(())
            });
            drop(given_back);
        }
    }
}

impl Source {
    /// Opens a file, and tells the system that it is read from start to end.
    ///
    /// # Errors
    /// The system refuses, or it is no regular file.
    pub(crate) fn open(path: &Path) -> io::Result<Source> {
        Source::of(path, open_regular(path)?, None)
    }

    /// The same for a file that is read to its end: of one that the system did not have in memory it keeps nothing.
    ///
    /// # Errors
    /// The system refuses, or it is no regular file.
    pub(crate) fn sparing(path: &Path) -> io::Result<Source> {
        let file = open_regular(path)?;
        let cold = Cold::of(&file);
        Source::of(path, file, cold)
    }

    fn of(path: &Path, file: File, cold: Option<Cold>) -> io::Result<Source> {
        // Advice that is not taken costs nothing but speed.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        let holes = Holes::of(&file);
        let handle = match Slot::take() {
            Some(slot) => Handle::Kept(file, slot),
            None => Handle::Closed(path.to_owned(), identity(&file)?),
        };
        Ok(Source { handle, cold, holes })
    }

    /// What has come as a stream, and is gone.
    pub(crate) fn streamed() -> Source {
        Source { handle: Handle::Passed, cold: None, holes: None }
    }

    /// Whether it came as a stream, and is gone.
    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self.handle, Handle::Passed)
    }

    fn with_file<T>(&self, read: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        match &self.handle {
            Handle::Passed => Err(io::Error::other("a stream can be read once")),
            Handle::Kept(file, _) => read(file),
            Handle::Closed(path, id) => {
                let file = open_regular(path)?;
                if identity(&file)? != *id {
                    return Err(io::Error::other("another file took its place while files were read"));
                }
                read(&file)
            }
        }
    }

    /// Reads up to the length of `buffer` and returns how much there was: less only at the end of the file.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with_file(|file| self.read_of(file, buffer, offset))
    }

    fn read_of(&self, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if let Some(hole) = self.holes.as_ref().and_then(|holes| holes.at(file, offset, buffer.len())) {
            buffer.iter_mut().take(hole).for_each(|byte| *byte = 0);
            return Ok(hole);
        }
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + widen(filled)) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(cold) = &self.cold {
            cold.read_up_to(file, offset);
        }
        Ok(filled)
    }

    /// Bytes that the file has now.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn length(&self) -> io::Result<u64> {
        self.with_file(|file| Ok(file.metadata()?.len()))
    }

    /// Whether the system had nothing of the file in memory.
    #[cfg(test)]
    pub(crate) fn is_cold(&self) -> bool {
        self.cold.is_some()
    }

    /// Where the last data ends of a file with holes, as far as the system tells. What follows is a hole.
    pub(crate) fn data_end(&self) -> Option<u64> {
        let holes = self.holes.as_ref()?;
        self.with_file(|file| Ok(holes.data_end(file))).unwrap_or(None)
    }

    /// Whether the file could be read to its end and is all zero.
    pub(crate) fn is_zero(&self) -> bool {
        if self.data_end() == Some(0) {
            return true;
        }
        let mut buffer = vec![0; 1 << 20];
        let mut at = 0;
        loop {
            match self.read_at(&mut buffer, at) {
                Ok(0) => return true,
                Ok(read) if buffer.iter().take(read).all(|byte| *byte == 0) => at += widen(read),
                _ => return false,
            }
        }
    }
}

/// The paths of what is in a folder, and why not all of it could be listed. A list that lacks an entry ends as cleanly
/// as a whole one, so the folder is listed twice, and what either list has is there.
pub(crate) fn list(folder: &Path) -> (BTreeSet<PathBuf>, Option<io::Error>) {
    let (mut paths, mut failed) = (BTreeSet::new(), None);
    for is_again in [false, true] {
        match fs::read_dir(folder) {
            Ok(entries) => entries.for_each(|entry| match entry {
                Ok(entry) => drop(paths.insert(entry.path())),
                Err(error) => failed = Some(error),
            }),
            // A server has dropped the database since.
            Err(error) if is_again && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => failed = Some(error),
        }
    }
    (paths, failed)
}

/// The paths of all that is in a folder.
///
/// # Errors
/// It could not be listed as a whole.
pub(crate) fn entries(folder: &Path) -> io::Result<BTreeSet<PathBuf>> {
    match list(folder) {
        (paths, None) => Ok(paths),
        (_, Some(error)) => Err(error),
    }
}

/// Opens a regular file. A pipe, a socket or a device is never waited for.
///
/// # Errors
/// The system refuses, or it is no regular file.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?);
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    Err(io::Error::other(format!("it is a {}", name_of(kind))))
}

/// What is no regular file, in a word.
pub(crate) fn name_of(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_fifo() => "pipe",
        _ if kind.is_socket() => "socket",
        _ if kind.is_dir() => "directory",
        _ => "device",
    }
}

/// Device and inode.
fn identity(file: &File) -> io::Result<(u64, u64)> {
    let data = file.metadata()?;
    Ok((data.dev(), data.ino()))
}

/// The first bytes of a file.
///
/// # Errors
/// The system refuses, or it is no regular file.
pub(crate) fn head(path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    open_regular(path)?.take(widen(bytes)).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// With 100,000 tablespaces and a limit of 1,024 open files, 99,000 of them could not be opened.
    #[test]
    fn a_file_that_is_not_kept_open_is_opened_again_and_must_be_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.ibd");
        std::fs::write(&path, b"pages").unwrap();
        let id = identity(&open_regular(&path).unwrap()).unwrap();
        let source = Source { handle: Handle::Closed(path.clone(), id), cold: None, holes: None };
        let mut buffer = [0; 3];
        assert_eq!((source.read_at(&mut buffer, 2).unwrap(), &buffer), (3, b"ges"));
        let other = folder.path().join("other");
        std::fs::write(&other, b"other").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(source.read_at(&mut buffer, 0).unwrap_err().to_string().contains("another file"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(source.read_at(&mut buffer, 0).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn nothing_but_a_file_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(open_regular(&pipe).unwrap_err().to_string(), "it is a pipe");
    }
}
