//! The files of a directory held against those that a manifest lists: [`Held`].
//!
//! Invariant: a file that could not be read is a failure, and never one that was changed.

use crate::files::{Entries, digest, entries};
use crate::model::BackupFile;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use vouch_report::{Code, Failure, FilePlace, Finding, Location};

/// A directory that is held against a list.
#[derive(Debug)]
pub struct Held<'a> {
    wanted: &'a [BackupFile],
    /// What is there, by the path in the directory; names that are no text are shown as well as they can be.
    there: BTreeMap<String, PathBuf>,
    /// What is there and no regular file, by the path in the directory; what it is.
    others: BTreeMap<String, &'static str>,
}

/// What holding a directory against a list has come to.
#[derive(Debug, Default)]
pub struct Compared {
    /// Files that are missing, changed, or there besides.
    pub findings: Vec<Finding>,
    /// Files that could not be read.
    pub failures: Vec<Failure>,
}

/// Asked before so many bytes of the file of this name are read; false ends everything.
pub type GoesOn<'a> = &'a (dyn Fn(&str, u64) -> bool + Sync);

impl<'a> Held<'a> {
    /// Lists the files under `folder`, but for those of `except`, such as the manifest itself.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn list(folder: &Path, wanted: &'a [BackupFile], except: &[PathBuf]) -> io::Result<Held<'a>> {
        let except: Vec<PathBuf> = except.iter().filter_map(|path| path.canonicalize().ok()).collect();
        let is_excepted = |path: &Path| path.canonicalize().is_ok_and(|path| except.contains(&path));
        let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
        let Entries { files, others } = entries(folder)?;
        let there = files.into_iter().filter(|path| !is_excepted(path)).map(|path| (name(&path), path)).collect();
        let others = others.into_iter().filter(|(path, _)| !is_excepted(path));
        Ok(Held { wanted, there, others: others.map(|(path, what)| (name(&path), what)).collect() })
    }

    /// Bytes that are read at most.
    pub fn bytes(&self) -> u64 {
        self.wanted.iter().filter(|file| self.there.contains_key(&file.path)).map(|file| file.size).sum()
    }

    /// Compares with so many threads. A file of another size than it should have is not read.
    pub fn compare(&self, threads: usize, goes_on: GoesOn) -> Compared {
        let (next, all) = (AtomicUsize::new(0), Mutex::new(Compared::default()));
        std::thread::scope(|scope| {
            for _ in 0..threads.clamp(1, self.wanted.len().max(1)) {
                scope.spawn(|| {
                    while let Some(file) = self.wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let found = self.file(file, goes_on);
                        all.lock().unwrap_or_else(PoisonError::into_inner).add(found);
                    }
                });
            }
        });
        let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.findings.extend(self.extra());
        all.failures.extend(self.unlisted());
        all.findings.sort_by_key(|finding| finding.location.file.as_ref().map(|file| file.file.clone()));
        all
    }

    fn file(&self, wanted: &BackupFile, goes_on: GoesOn) -> Result<Option<Finding>, Box<Failure>> {
        let Some(path) = self.there.get(&wanted.path) else {
            if let Some(what) = self.others.get(&wanted.path) {
                let why = format!("it is a {what}, and was a file when the manifest was made");
                return Ok(Some(finding(Code::BackupFileChanged, &wanted.path, why)));
            }
            let why = "the manifest has it, and the backup does not".to_owned();
            return Ok(Some(finding(Code::BackupFileMissing, &wanted.path, why)));
        };
        let unreadable = |error: io::Error| {
            let failure = Failure::new(
                Code::FileUnreadable,
                format!("{} could not be read: {error}", wanted.path.escape_debug()),
            );
            Box::new(Failure { location: place(&wanted.path), ..failure })
        };
        let size = path.metadata().map_err(unreadable)?.len();
        if size != wanted.size {
            let why = format!("it has {size} bytes, and should have {}", wanted.size);
            return Ok(Some(finding(Code::BackupFileChanged, &wanted.path, why)));
        }
        let read = digest(path, &mut |bytes| goes_on(&wanted.path, bytes)).map_err(unreadable)?;
        let changed = read.is_some_and(|(_, digest)| digest != wanted.digest);
        let why = "its contents are not those that the manifest was made with".to_owned();
        Ok(changed.then(|| finding(Code::BackupFileChanged, &wanted.path, why)))
    }

    /// What no manifest can list: nothing shows what is behind it.
    fn unlisted(&self) -> impl Iterator<Item = Failure> {
        let wanted: BTreeSet<&str> = self.wanted.iter().map(|file| file.path.as_str()).collect();
        let others = self.others.iter().filter(move |(path, _)| !wanted.contains(path.as_str()));
        others.map(|(path, what)| {
            let message = format!("{} is a {what}, which no manifest lists", path.escape_debug());
            Failure { location: place(path), ..Failure::new(Code::FileUnreadable, message) }
        })
    }

    fn extra(&self) -> impl Iterator<Item = Finding> {
        let wanted: BTreeSet<&str> = self.wanted.iter().map(|file| file.path.as_str()).collect();
        let extra = self.there.keys().filter(move |path| !wanted.contains(path.as_str()));
        extra.map(|path| finding(Code::BackupFileExtra, path, "the manifest does not name it".to_owned()))
    }
}

impl Compared {
    fn add(&mut self, found: Result<Option<Finding>, Box<Failure>>) {
        match found {
            Ok(finding) => self.findings.extend(finding),
            Err(failure) => self.failures.push(*failure),
        }
    }
}

fn finding(code: Code, path: &str, message: String) -> Finding {
    Finding { location: place(path), ..Finding::new(code, message) }
}

fn place(path: &str) -> Location {
    Location { file: Some(FilePlace { file: path.to_owned(), ..FilePlace::default() }), ..Location::default() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::files_of;
    use std::fs;

    fn told(folder: &Path, wanted: &[BackupFile]) -> Vec<(&'static str, String)> {
        let held = Held::list(folder, wanted, &[folder.join("list.json")]).unwrap();
        let compared = held.compare(2, &|_, _| true);
        assert!(compared.failures.is_empty(), "{:?}", compared.failures);
        let name = |finding: &Finding| (finding.code.name(), finding.location.file.clone().unwrap().file);
        compared.findings.iter().map(name).collect()
    }

    #[test]
    fn what_is_missing_changed_or_besides_is_told_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir(folder.join("db")).unwrap();
        for name in ["a", "db/b", "db/c", "db/d"] {
            fs::write(folder.join(name), name.repeat(9)).unwrap();
        }
        let wanted = files_of(folder).unwrap();
        fs::write(folder.join("list.json"), "{}").unwrap();
        assert_eq!(told(folder, &wanted), []);
        assert_eq!(Held::list(folder, &wanted, &[]).unwrap().bytes(), 9 + 3 * 36);
        fs::remove_file(folder.join("a")).unwrap();
        fs::write(folder.join("db/b"), "db/B".repeat(9)).unwrap();
        fs::write(folder.join("db/c"), "shorter").unwrap();
        fs::write(folder.join("db/e"), "").unwrap();
        let expected = [
            ("backup-file-missing", "a"),
            ("backup-file-changed", "db/b"),
            ("backup-file-changed", "db/c"),
            ("backup-file-extra", "db/e"),
        ];
        assert_eq!(told(folder, &wanted), expected.map(|(code, name)| (code, name.to_owned())));
    }

    /// A file that was replaced by a link counted as missing, and an extra link was not seen at all.
    #[test]
    fn links_are_never_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::write(folder.join("a"), "x").unwrap();
        fs::write(folder.join("b"), "x").unwrap();
        let wanted = files_of(folder).unwrap();
        fs::remove_file(folder.join("a")).unwrap();
        std::os::unix::fs::symlink("b", folder.join("a")).unwrap();
        assert_eq!(told(folder, &wanted), [("backup-file-changed", "a".to_owned())]);
        std::os::unix::fs::symlink("/nowhere", folder.join("c")).unwrap();
        let compared = Held::list(folder, &wanted, &[]).unwrap().compare(1, &|_, _| true);
        assert_eq!(compared.failures.len(), 1);
        assert!(compared.failures[0].message.starts_with("c is a symbolic link"), "{:?}", compared.failures);
    }

    #[test]
    fn a_stop_accuses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "x").unwrap();
        let wanted = [BackupFile { path: "a".to_owned(), size: 1, digest: "0".repeat(64) }];
        let held = Held::list(folder.path(), &wanted, &[]).unwrap();
        assert!(held.compare(1, &|_, _| false).findings.is_empty());
        assert_eq!(held.compare(1, &|_, _| true).findings.len(), 1);
    }
}
