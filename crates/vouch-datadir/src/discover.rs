//! Which files there are: [`Discovered`].
//!
//! Invariant: every regular file below what was asked for is looked at, skipped
//! with a reason, or counted as something else; one that cannot be looked at is
//! a failure.

use crate::kind::{Kind, may_be_binlog};
use crate::{logs, packed, read};
use std::collections::HashSet;
use std::fs::{self, FileType};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use vouch_report::{Code, Failure, FilePlace, Skip};

/// Nobody has folders in folders deeper than this; what lies there is told, and not looked at.
const DEPTH: usize = 64;

/// The path of standard input.
pub(crate) const INPUT: &str = "-";

/// A file that is to be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in the report.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub bytes: u64,
    /// The directory that it was found under, or that it stands in.
    pub root: PathBuf,
}

/// What there is.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    pub files: Vec<Found>,
    pub skips: Vec<Skip>,
    pub errors: Vec<Failure>,
    /// Several directories were asked for: names alone would not tell them apart.
    several: bool,
    /// Folders that were looked into since the last path that was asked for, by device and number: links may lead
    /// to each of them again.
    folders: HashSet<(u64, u64)>,
}

/// Looks at everything that was asked for.
pub(crate) fn discover(paths: &[PathBuf]) -> Discovered {
    let mut found = Discovered { several: paths.len() > 1, ..Discovered::default() };
    for path in paths {
        let before = found.files.len();
        if path.as_os_str() == INPUT {
            found.given(path);
            continue;
        }
        match fs::metadata(path) {
            Err(error) => found.unreadable(path, path, &error),
            Ok(data) if data.is_dir() => {
                found.folders.clear();
                found.folders.insert((data.dev(), data.ino()));
                found.walk(path, path, 0);
                found.files.get_mut(before..).unwrap_or_default().sort_by(|a, b| a.label.cmp(&b.label));
                found.nothing_under(path, before);
            }
            Ok(data) if data.is_file() => found.named(path, data.len()),
            Ok(data) => {
                let error = io::Error::other(format!("it is a {}", kind_of(data.file_type())));
                found.unreadable(path, path, &error);
            }
        }
    }
    found
}

impl Discovered {
    fn walk(&mut self, root: &Path, folder: &Path, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(root, folder, &error),
        };
        for entry in entries {
            let path = entry.map(|entry| entry.path()).map_err(|error| (folder.to_owned(), error));
            let data = path
                .and_then(|path| fs::metadata(&path).map(|data| (path.clone(), data)).map_err(|error| (path, error)));
            match data {
                Err((path, error))
                    if error.kind() != io::ErrorKind::NotFound || fs::symlink_metadata(&path).is_ok() =>
                {
                    self.unreadable(root, &path, &error);
                }
                // A table was dropped, or its file renamed.
                Err(_) => {}
                Ok((path, data)) if data.is_dir() => self.folder(root, &path, (data.dev(), data.ino()), depth + 1),
                Ok((path, data)) if data.is_file() => self.file(root, &path, data.len()),
                Ok(_) => {}
            }
        }
    }

    /// A folder that was found.
    fn folder(&mut self, root: &Path, path: &Path, id: (u64, u64), depth: usize) {
        if depth > DEPTH {
            return self.unreadable(root, path, &io::Error::other("it lies too many folders deep"));
        }
        if self.folders.insert(id) {
            self.walk(root, path, depth);
        }
    }

    /// A file that was found.
    fn file(&mut self, root: &Path, path: &Path, bytes: u64) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (kind, label) = (Kind::of(&name), self.label(root, path));
        let kind = if kind == Kind::Other && begins_log(path, &name) { Kind::Binlog } else { kind };
        match kind {
            Kind::Temporary => self.skip(Code::TemporaryFile, label, kind.name()),
            Kind::NoChecksums(what) => self.skip(Code::NoChecksums, label, what),
            Kind::NotCovered(what) => self.skip(Code::NotCovered, label, what),
            Kind::Other => {}
            _ => self.files.push(Found { path: path.to_owned(), label, kind, bytes, root: root.to_owned() }),
        }
    }

    /// A file that was asked for by its name: it is a tablespace unless its name says something else.
    fn named(&mut self, path: &Path, bytes: u64) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let label = path.display().to_string();
        let kind = match Kind::of(&name) {
            Kind::Other if begins_log(path, &name) => Kind::Binlog,
            Kind::Other | Kind::Temporary if begins_packed(path) => Kind::Packed,
            Kind::Other | Kind::Temporary => Kind::Tablespace,
            Kind::NoChecksums(what) | Kind::NotCovered(what) => return self.refused(&label, what),
            kind => kind,
        };
        // What is in an image is of its own moment.
        let root = match (kind, path.parent()) {
            (Kind::Packed, _) => path.to_owned(),
            (_, Some(folder)) => folder.to_owned(),
            (_, None) => PathBuf::from("."),
        };
        self.files.push(Found { path: path.to_owned(), label, kind, bytes, root });
    }

    fn given(&mut self, path: &Path) {
        let (label, root) = (INPUT.to_owned(), path.to_owned());
        self.files.push(Found { path: path.to_owned(), label, kind: Kind::Packed, bytes: 0, root });
    }

    fn label(&self, root: &Path, path: &Path) -> String {
        let short = path.strip_prefix(root).unwrap_or(path);
        if self.several { path } else { short }.display().to_string()
    }

    fn skip(&mut self, code: Code, what: String, reason: &str) {
        self.skips.push(Skip { code, what, reason: reason.to_owned() });
    }

    /// What was asked for by name and cannot be verified is no skip: nobody chose that.
    fn refused(&mut self, label: &str, what: &str) {
        let message = format!("{label} is a {what}, which vouch pages does not verify");
        let hint = "name a data directory, a backup directory or a tablespace";
        self.errors.push(at(label, Failure::new(Code::NothingFound, message).with_hint(hint)));
    }

    fn unreadable(&mut self, root: &Path, path: &Path, error: &io::Error) {
        let label = if root == path { path.display().to_string() } else { self.label(root, path) };
        self.errors.push(unreadable(&label, error));
    }

    fn nothing_under(&mut self, path: &Path, before: usize) {
        if self.files.len() == before && self.errors.is_empty() {
            let message = format!("there is no file of InnoDB under {}", path.display());
            let label = path.display().to_string();
            self.errors.push(at(&label, Failure::new(Code::NothingFound, message)));
        }
    }
}

fn begins_log(path: &Path, name: &str) -> bool {
    may_be_binlog(name) && read::head(path, logs::BINLOG_MAGIC).is_ok_and(|head| logs::is_binlog(&head))
}

fn begins_packed(path: &Path) -> bool {
    read::head(path, packed::HEAD).is_ok_and(|head| packed::is_packed_so(&head))
}

/// A failure to read a file.
pub(crate) fn unreadable(label: &str, error: &io::Error) -> Failure {
    let said = error.to_string();
    let cause = said.split(" (os error").next().unwrap_or_default();
    let failure = Failure::new(Code::FileUnreadable, format!("{label} could not be read: {cause}"));
    let hint = match error.kind() {
        io::ErrorKind::NotFound => Some("look at the path"),
        io::ErrorKind::PermissionDenied => Some("run vouch as the account of the server, or as root"),
        io::ErrorKind::Other if cause == PIPE => Some("vouch pages - reads what comes through a pipe"),
        io::ErrorKind::Other => Some("name a data directory, a backup directory or a tablespace"),
        _ => None,
    };
    at(label, hint.into_iter().fold(failure, |failure, hint| failure.with_hint(hint)))
}

/// What is said of a pipe that has a name.
const PIPE: &str = "it is a pipe";

/// What neither a file nor a directory is.
fn kind_of(file: FileType) -> &'static str {
    match file {
        _ if file.is_fifo() => "pipe",
        _ if file.is_socket() => "socket",
        _ => "device",
    }
}

/// The failure, about a file.
pub(crate) fn at(label: &str, mut failure: Failure) -> Failure {
    failure.location.file = Some(FilePlace { file: label.to_owned(), ..FilePlace::default() });
    failure
}
