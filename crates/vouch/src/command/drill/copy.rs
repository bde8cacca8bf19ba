//! Copying a folder, in a way that a stop interrupts.

use std::fs;
use std::io;
use std::path::Path;
use vouch_report::Stop;

/// Copies every file and folder of `from` into `to`, which is made. Links to tablespaces elsewhere (`.isl`)
/// are left out: the tablespace lies in the backup itself.
pub fn folder(from: &Path, to: &Path, stop: &Stop) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        if stop.requested().is_some() {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "the drill was stopped"));
        }
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            folder(&entry.path(), &target, stop)?;
        } else if kind.is_file() && target.extension().is_none_or(|end| end != "isl") {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_are_copied_whole_unless_stopped() {
        let home = tempfile::tempdir().unwrap();
        let (from, to) = (home.path().join("from"), home.path().join("to"));
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::write(from.join("a/b/x"), b"1").unwrap();
        folder(&from, &to, &Stop::new()).unwrap();
        assert_eq!(fs::read(to.join("a/b/x")).unwrap(), b"1");
        let stop = Stop::new();
        stop.request(15);
        assert!(folder(&from, &home.path().join("other"), &stop).is_err());
    }
}
