//! tar archives: their files one after the other, [`entries`].

use super::sparse::Holes;
use std::io::{self, ErrorKind, Read};
use std::sync::atomic::{AtomicU64, Ordering};

/// Blocks of an archive.
const BLOCK: u64 = 512;

/// A stream that counts what was read of it.
struct Counted<'a, R> {
    input: R,
    bytes: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// A file of an archive, which ends only where it should.
struct Whole<'a> {
    input: &'a mut dyn Read,
    left: u64,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        if read == 0 && self.left > 0 && !buffer.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
    }
}

/// Hands every regular file of an archive to `each`, with its path and its length.
///
/// # Errors
/// The archive cannot be read, is damaged, or has no end; or `each` fails.
pub(super) fn entries(
    input: impl Read,
    mut each: impl FnMut(&str, u64, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    let (bytes, end) = (AtomicU64::new(0), AtomicU64::new(BLOCK));
    let outcome = walk(tar::Archive::new(Counted { input, bytes: &bytes }), &end, &mut each);
    // The end of an archive is marked, so that one that was cut off can be told.
    if bytes.load(Ordering::Relaxed) < end.load(Ordering::Relaxed) {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    outcome
}

/// `end` is where the mark of the end of what was seen so far ends at least.
fn walk<R: Read>(
    mut archive: tar::Archive<R>,
    end: &AtomicU64,
    each: &mut impl FnMut(&str, u64, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    for entry in archive.entries()? {
        let mut entry = entry?;
        let (at, length) = (entry.raw_file_position(), entry.header().entry_size()?);
        let behind = at.saturating_add(length.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX));
        end.store(behind.saturating_add(BLOCK), Ordering::Relaxed);
        if entry.header().entry_type().is_file() || entry.header().entry_type().is_gnu_sparse() {
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let left = entry.size();
            match holes(&mut entry)? {
                Some(mut holes) => {
                    let path = holes.name.take().unwrap_or(path);
                    let mut file = holes.open(&mut entry)?;
                    each(&path, file.size(), &mut file)?;
                }
                None => each(&path, left, &mut Whole { input: &mut entry, left })?,
            }
        }
    }
    Ok(())
}

/// What the entry's extended header says of holes in the file.
fn holes<R: Read>(entry: &mut tar::Entry<R>) -> io::Result<Option<Holes>> {
    let Some(extensions) = entry.pax_extensions()? else { return Ok(None) };
    let (mut holes, mut any) = (Holes::default(), false);
    for extension in extensions.flatten() {
        let value = String::from_utf8_lossy(extension.value_bytes());
        any |= holes.take(&String::from_utf8_lossy(extension.key_bytes()), &value);
    }
    Ok(any.then_some(holes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, text) in [("db/t.ibd", "pages"), ("notes", "")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            builder.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<(String, String)>> {
        let mut all = Vec::new();
        entries(bytes, |path, _, input| {
            let mut text = String::new();
            input.read_to_string(&mut text)?;
            all.push((path.to_owned(), text));
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn files_are_read_and_a_cut_is_seen() {
        let whole = archive();
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        assert_eq!(read(&whole).unwrap(), [file("db/t.ibd", "pages"), file("notes", "")]);
        for bytes in [0, 100, 512, 514, 600, 1024, 1536] {
            assert!(read(&whole[..bytes]).is_err(), "{bytes}");
        }
        assert!(read(b"x".repeat(2048).as_slice()).is_err());
    }
}
