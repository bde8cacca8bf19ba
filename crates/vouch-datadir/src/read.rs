//! Reads files at any place without disturbing anyone: [`Source`].
//!
//! What comes as a stream has no file that could be read again; its [`Source`] refuses.

use crate::cold::Cold;
use crate::holes::Holes;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

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
        let rest = self.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

/// A file that is open for reading.
#[derive(Debug)]
pub(crate) struct Source {
    file: Option<File>,
    cold: Option<Cold>,
    holes: Option<Holes>,
}

impl Drop for Source {
    fn drop(&mut self) {
        if let (Some(file), Some(cold)) = (&self.file, &self.cold) {
            cold.done(file);
        }
    }
}

impl Source {
    /// Opens a file, and tells the system that it is read from start to end.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn open(path: &Path) -> io::Result<Source> {
        Ok(Source::of(File::open(path)?, None))
    }

    /// The same for a file that is read to its end: of one that the system did not have in memory it keeps nothing.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn sparing(path: &Path) -> io::Result<Source> {
        let file = File::open(path)?;
        let cold = Cold::of(&file);
        Ok(Source::of(file, cold))
    }

    fn of(file: File, cold: Option<Cold>) -> Source {
        // Advice that is not taken costs nothing but speed.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        let holes = Holes::of(&file);
        Source { file: Some(file), cold, holes }
    }

    /// What has come as a stream, and is gone.
    pub(crate) fn streamed() -> Source {
        Source { file: None, cold: None, holes: None }
    }

    /// Reads up to the length of `buffer` and returns how much there was: less only at the end of the file.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let Some(file) = &self.file else { return Err(io::Error::other("a stream can be read once")) };
        if let Some(hole) = self.holes.as_ref().and_then(|holes| holes.at(file, offset, buffer.len())) {
            buffer.iter_mut().take(hole).for_each(|byte| *byte = 0);
            return Ok(hole);
        }
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + filled as u64) {
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

    /// Whether the system had nothing of the file in memory.
    #[cfg(test)]
    pub(crate) fn is_cold(&self) -> bool {
        self.cold.is_some()
    }

    /// Whether the file could be read to its end and is all zero.
    pub(crate) fn is_zero(&self) -> bool {
        let mut buffer = vec![0; 1 << 20];
        let mut at = 0;
        loop {
            match self.read_at(&mut buffer, at) {
                Ok(0) => return true,
                Ok(read) if buffer.iter().take(read).all(|byte| *byte == 0) => at += read as u64,
                _ => return false,
            }
        }
    }
}

/// The first bytes of a file.
///
/// # Errors
/// The system refuses.
pub(crate) fn head(path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = vec![0; bytes];
    let read = Source::open(path)?.read_at(&mut head, 0)?;
    head.truncate(read);
    Ok(head)
}
