//! Letters that could not be delivered, kept for the next run: [`Spool`].
//!
//! Invariants: a letter's file is readable by its owner alone, for addresses and
//! keys are secrets. Letters leave in the order in which they came. There are
//! never more than [`KEPT_MAX`]; the oldest give way.

use super::letter::Letter;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Most letters that are kept.
const KEPT_MAX: usize = 200;
/// Longest file that is taken for a letter, in bytes.
const LETTER_MAX: u64 = 4 << 20;

/// A folder of letters.
pub struct Spool(PathBuf);

/// Makes a folder, and those above it, that only its owner may look into.
pub fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file whole or not at all, for its owner alone.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, path)
}

impl Spool {
    /// The spool in that folder, which need not be there yet.
    pub fn new(folder: PathBuf) -> Spool {
        Spool(folder)
    }

    /// The right to deliver what is kept, until it is dropped; `None` while somebody else has it, or
    /// where nothing was ever kept.
    pub fn claim(&self) -> io::Result<Option<File>> {
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.0.with_extension("lock"));
        let lock = match lock {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            lock => lock?,
        };
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Keeps a letter behind all others; `name` is unique and sorts by time.
    pub fn keep(&self, name: &str, letter: &Letter) -> io::Result<()> {
        make_folder(&self.0)?;
        write_whole(&self.0.join(format!("{name}.letter")), &letter.to_text())?;
        let all = self.files()?;
        all.iter().take(all.len().saturating_sub(KEPT_MAX)).for_each(|file| drop(fs::remove_file(file)));
        Ok(())
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let named = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "letter");
        let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
        let mut files: Vec<PathBuf> = paths?.into_iter().filter(named).collect();
        files.sort();
        Ok(files)
    }

    /// All letters, the oldest first, with their files.
    pub fn letters(&self) -> io::Result<Vec<(PathBuf, Letter)>> {
        let read = |file: PathBuf| {
            let small = fs::metadata(&file).is_ok_and(|facts| facts.len() <= LETTER_MAX);
            let letter = small.then(|| fs::read_to_string(&file).ok()).flatten();
            let letter = letter.and_then(|text| Letter::from_text(&text))?;
            Some((file, letter))
        };
        Ok(self.files()?.into_iter().filter_map(read).collect())
    }

    /// Forgets a letter. Another run may have done so already.
    pub fn forget(&self, file: &Path) {
        fs::remove_file(file).ok();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn letters_stay_in_order_and_the_oldest_give_way() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("a/b"));
        assert!(spool.letters().unwrap().is_empty());
        for n in 0..KEPT_MAX + 5 {
            let letter = Letter { url: format!("http://h/{n}"), headers: Vec::new(), body: String::new() };
            spool.keep(&format!("{n:09}"), &letter).unwrap();
        }
        let kept = spool.letters().unwrap();
        assert_eq!((kept.len(), kept[0].1.url.as_str()), (KEPT_MAX, "http://h/5"));
        assert_eq!(fs::metadata(&kept[0].0).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(folder.path().join("a/b/0.letter"), b"\xff damaged").unwrap();
        assert_eq!(spool.letters().unwrap().len(), KEPT_MAX);
    }

    #[test]
    fn one_run_at_a_time_delivers_what_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, other) = (Spool::new(folder.path().join("spool")), Spool::new(folder.path().join("spool")));
        let claim = spool.claim().unwrap();
        assert!(claim.is_some() && other.claim().unwrap().is_none());
        drop(claim);
        assert!(other.claim().unwrap().is_some());
        assert!(Spool::new(folder.path().join("never/spool")).claim().unwrap().is_none());
    }
}
