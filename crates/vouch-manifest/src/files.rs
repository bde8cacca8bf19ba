//! The files of a backup directory, each with its size and digest.

use crate::digest::Sha256;
use crate::model::BackupFile;
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use vouch_convert::widen;

/// Bytes that are read at once.
const BLOCK: usize = 1 << 20;

/// Every regular file under `folder`, in the order of their paths.
///
/// # Errors
/// Which could not be read, has a name that is no text, or is no regular file, and why. A manifest that left out
/// what a link leads to would be believed about a whole backup.
pub fn files_of(folder: &Path) -> Result<Vec<BackupFile>, String> {
    let Entries { files, others } = entries(folder).map_err(|error| error.to_string())?;
    if let Some((path, what)) = others.first() {
        let name = path.strip_prefix(folder).unwrap_or(path).display();
        return Err(format!("{name} is a {what}, which a manifest cannot list: put the file itself in its place"));
    }
    files.iter().map(|path| file(folder, path)).collect()
}

/// What is under a folder.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Regular files, in order.
    pub files: Vec<PathBuf>,
    /// Everything else but folders, and what it is: links are not followed, since they may lead anywhere.
    pub others: Vec<(PathBuf, &'static str)>,
}

/// Lists everything under `folder`, which may itself be a link.
pub(crate) fn entries(folder: &Path) -> io::Result<Entries> {
    let mut found = Entries::default();
    walk(folder, &mut found)?;
    found.files.sort();
    found.others.sort();
    Ok(found)
}

fn walk(folder: &Path, found: &mut Entries) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), found)?;
        } else if kind.is_file() {
            found.files.push(entry.path());
        } else {
            found.others.push((entry.path(), name_of(kind)));
        }
    }
    Ok(())
}

/// What is neither a regular file nor a folder, in words.
fn name_of(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_symlink() => "symbolic link",
        _ if kind.is_fifo() => "pipe",
        _ if kind.is_socket() => "socket",
        _ => "device",
    }
}

fn file(folder: &Path, path: &Path) -> Result<BackupFile, String> {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let name = relative.to_str().ok_or_else(|| format!("{} is no text", relative.display()))?.to_owned();
    let read = digest(path, &mut |_| true).map_err(|error| format!("{name}: {error}"))?;
    let (size, digest) = read.unwrap_or_default();
    Ok(BackupFile { path: name, size, digest })
}

/// The size and the digest of a file. `goes_on` is told of bytes before they are read; `None` when it ends that.
pub(crate) fn digest(path: &Path, goes_on: &mut dyn FnMut(u64) -> bool) -> io::Result<Option<(u64, String)>> {
    let (mut file, mut block, mut size) = (File::open(path)?, vec![0; BLOCK], 0_u64);
    let mut left = file.metadata()?.len();
    let mut digest = Sha256::default();
    loop {
        let next = left.min(widen(BLOCK));
        if !goes_on(next) {
            return Ok(None);
        }
        let length = file.read(&mut block)?;
        if length == 0 {
            return Ok(Some((size, digest.finish_hex())));
        }
        digest.update(block.get(..length).unwrap_or_default());
        size = size.saturating_add(widen(length));
        left = left.saturating_sub(widen(length));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_file_is_listed_once_below_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/c")).unwrap();
        fs::write(folder.path().join("b/c/x"), b"abc").unwrap();
        fs::write(folder.path().join("a"), b"").unwrap();
        let files = files_of(folder.path()).unwrap();
        let listed: Vec<(&str, u64)> = files.iter().map(|file| (file.path.as_str(), file.size)).collect();
        assert_eq!(listed, [("a", 0), ("b/c/x", 3)]);
        assert!(files[1].digest.starts_with("ba7816bf"));
        assert!(files_of(&folder.path().join("none")).is_err());
    }

    /// A table or a database behind a symbolic link was left out of the manifest without a word. Damage in it would
    /// have passed every check of the backup.
    #[test]
    fn what_is_no_file_is_refused() {
        for target in ["file", "folder", "nowhere"] {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("folder")).unwrap();
            fs::write(folder.path().join("file"), b"x").unwrap();
            std::os::unix::fs::symlink(target, folder.path().join("link")).unwrap();
            let why = files_of(folder.path()).unwrap_err();
            assert!(why.starts_with("link is a symbolic link, which a manifest cannot list"), "{why}");
        }
        let folder = tempfile::tempdir().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s")).unwrap();
        assert!(files_of(folder.path()).unwrap_err().starts_with("s is a socket"));
    }
}
