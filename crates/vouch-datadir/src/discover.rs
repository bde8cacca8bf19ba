//! Which files there are, and whose: [`Discovered`].
//!
//! Invariants: every entry below what was asked for is a file to verify, a skip
//! with a reason, or a failure. What is reached by two paths is there once.

use crate::disguise::{self, disguised, disguised_contents, encoded, is_apple_double, is_plain};
use crate::instance::{SETTINGS, begins_instance, is_snapshots};
use crate::kind::{Kind, may_be_binlog};
use crate::presence::is_info;
use crate::read::{self, Unread};
use crate::state::State;
use crate::{logs, packed};
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use vouch_report::{Code, Failure, FilePlace, Skip};

/// Nobody has folders in folders deeper than this. What lies deeper is a failure.
const DEPTH: usize = 64;

/// The path of standard input.
pub(crate) const INPUT: &str = "-";

/// A file that is to be verified.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in the report.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub bytes: u64,
    /// The folder of its instance, or the folder that it stands in.
    pub root: PathBuf,
}

/// A folder that must have certain files: one that was asked for, or an instance below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub root: PathBuf,
    /// How the names of files in it begin in the report.
    pub label: String,
}

impl Home {
    /// What could not be read in it, or is the directory itself.
    pub(crate) fn unread(&self, unread: &Unread) -> Failure {
        match unread.path.strip_prefix(&self.root) {
            Ok(inside) if !inside.as_os_str().is_empty() || !self.label.is_empty() => {
                let label = format!("{}{}", self.label, inside.display());
                unreadable(label.trim_end_matches('/'), &unread.error)
            }
            _ => unread_at(unread),
        }
    }
}

/// What could not be read, by its path: it is in no directory that was asked for.
pub(crate) fn unread_at(Unread { path, error }: &Unread) -> Failure {
    unreadable(&path.display().to_string(), error)
}

/// What there is.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    pub files: Vec<Found>,
    pub homes: Vec<Home>,
    pub skips: Vec<Skip>,
    pub errors: Vec<Failure>,
    /// Several directories were asked for: names alone would not tell them apart.
    several: bool,
    /// Folders that were walked, by device and inode. Links may lead to each of them again.
    folders: HashSet<(u64, u64)>,
    /// Where files are once links are resolved. Two hard links are two files: backups share files so.
    reached: HashSet<PathBuf>,
}

/// A folder that is walked.
struct Folder<'a> {
    /// What was asked for.
    asked: &'a Path,
    /// The folder of the instance.
    root: &'a Path,
    path: &'a Path,
    /// Where it is once links are resolved.
    resolved: &'a Path,
    depth: usize,
}

/// Lists everything that was asked for. A folder comes before what lies in it, whatever their order was.
pub(crate) fn discover(paths: &[PathBuf]) -> Discovered {
    let mut found = Discovered { several: paths.len() > 1, ..Discovered::default() };
    let mut asked: Vec<(&PathBuf, Option<PathBuf>)> =
        paths.iter().map(|path| (path, path.canonicalize().ok().filter(|_| path.as_os_str() != INPUT))).collect();
    asked.sort_by_key(|(_, resolved)| resolved.as_ref().map_or(0, |resolved| resolved.components().count()));
    for (path, resolved) in asked {
        found.asked(path, resolved.as_deref().unwrap_or(path));
    }
    found
}

impl Discovered {
    fn asked(&mut self, path: &Path, resolved: &Path) {
        if path.as_os_str() == INPUT {
            return self.given(path);
        }
        match fs::metadata(path) {
            Err(error) => self.unreadable(path, path, &error),
            Ok(data) if data.is_dir() => self.asked_folder(path, resolved, &data),
            Ok(_) if self.reached.contains(resolved) => self.reached_again(path.display().to_string()),
            Ok(data) if data.is_file() => {
                self.reached.insert(resolved.to_owned());
                self.named(path, data.len());
            }
            Ok(data) => {
                let error = io::Error::other(format!("it is a {}", read::name_of(data.file_type())));
                self.unreadable(path, path, &error);
            }
        }
    }

    fn asked_folder(&mut self, path: &Path, resolved: &Path, data: &Metadata) {
        if !self.folders.insert((data.dev(), data.ino())) {
            return self.reached_again(path.display().to_string());
        }
        let (files, errors) = (self.files.len(), self.errors.len());
        self.home(path, path);
        self.walk(&Folder { asked: path, root: path, path, resolved, depth: 0 }, &BTreeSet::new());
        self.files.get_mut(files..).unwrap_or_default().sort_by(|a, b| a.label.cmp(&b.label));
        if self.files.len() == files && self.errors.len() == errors {
            let message = format!("there is no file of InnoDB under {}", path.display());
            self.errors.push(at(&path.display().to_string(), Failure::new(Code::NothingFound, message)));
        }
    }

    fn home(&mut self, asked: &Path, root: &Path) {
        let label = if asked == root && !self.several { String::new() } else { self.label(asked, root) + "/" };
        self.homes.push(Home { root: root.to_owned(), label });
    }

    /// Lists a folder. `around` are the names in the folder above, where that belongs to the request.
    fn walk(&mut self, folder: &Folder, around: &BTreeSet<String>) {
        let (paths, failed) = read::list(folder.path);
        if let Some(error) = failed {
            self.unreadable(folder.asked, folder.path, &error);
        }
        let names: BTreeSet<String> =
            paths.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
        let own = folder.depth > 0 && begins_instance(&names, around);
        let root = if own { folder.path } else { folder.root };
        if own {
            self.home(folder.asked, root);
        }
        for path in paths {
            self.entry(&Folder { root, ..*folder }, &path, &names);
        }
    }

    fn entry(&mut self, folder: &Folder, path: &Path, names: &BTreeSet<String>) {
        let looked = fs::symlink_metadata(path).and_then(|link| Ok((link.is_symlink(), fs::metadata(path)?)));
        let (is_link, data) = match looked {
            Ok(looked) => looked,
            Err(error) if error.kind() != io::ErrorKind::NotFound || fs::symlink_metadata(path).is_ok() => {
                return self.unreadable(folder.asked, path, &error);
            }
            // A table was dropped, or its file renamed. Whoever needs it demands it.
            Err(_) => return,
        };
        let resolved = if is_link {
            match path.canonicalize() {
                Ok(resolved) => resolved,
                Err(error) => return self.unreadable(folder.asked, path, &error),
            }
        } else {
            folder.resolved.join(path.file_name().unwrap_or_default())
        };
        if data.is_dir() {
            let inner = Folder { path, resolved: &resolved, depth: folder.depth + 1, ..*folder };
            return self.folder(&inner, (data.dev(), data.ino()), names);
        }
        if !self.reached.insert(resolved) {
            return self.reached_again(self.label(folder.asked, path));
        }
        if data.is_file() {
            return self.file(folder, path, data.len());
        }
        self.special(folder, path, read::name_of(data.file_type()));
    }

    /// A folder that was found in another one.
    fn folder(&mut self, folder: &Folder, id: (u64, u64), around: &BTreeSet<String>) {
        let name = folder.path.file_name().unwrap_or_default().to_string_lossy();
        if is_snapshots(&name) {
            let label = self.label(folder.asked, folder.path);
            return self.skip(Code::SnapshotFolder, label, "a folder of snapshots: pass its path to have one verified");
        }
        if folder.depth > DEPTH {
            let error = io::Error::other("it lies too many folders deep");
            return self.unreadable(folder.asked, folder.path, &error);
        }
        // No folder of a database has such a name: a server writes it in another way.
        if matches!(Kind::of(&name), Kind::Tablespace | Kind::System(_) | Kind::Undo) {
            self.unreadable(folder.asked, folder.path, &io::Error::other("it is a directory"));
        }
        if self.folders.insert(id) {
            self.walk(folder, around);
        }
    }

    /// A file that was found in a folder.
    fn file(&mut self, folder: &Folder, path: &Path, bytes: u64) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (kind, label) = (Kind::of(&name), self.label(folder.asked, path));
        let kind = if kind == Kind::Other && begins_log(path, &name) { Kind::Binlog } else { kind };
        if name.starts_with("._") && read::head(path, 4).is_ok_and(|head| is_apple_double(&head)) {
            return self.skip(Code::AppleDouble, label, "a file that macOS keeps beside another one");
        }
        match kind {
            Kind::Temporary => self.skip(Code::TemporaryFile, label, kind.name()),
            Kind::NoChecksums(what) => self.skip(Code::NoChecksums, label, what),
            Kind::NotCovered(what) => self.skip(Code::NotCovered, label, what),
            Kind::Sealed(what) => self.opaque(&label, &format!("it is a {what}")),
            Kind::Other => self.other(path, &name, label),
            _ => {
                let root = folder.root.to_owned();
                self.files.push(Found { path: path.to_owned(), label, kind, bytes, root });
            }
        }
    }

    /// A file of no known kind: left out, unless it may hold a tablespace.
    fn other(&mut self, path: &Path, name: &str, label: String) {
        let doubt = match disguised(name) {
            Some(doubt) => Some(doubt),
            None => match read::head(path, disguise::HEAD) {
                Ok(head) => disguised_contents(name, &head),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                Err(_) if is_plain(name) && !is_noted(name) => None,
                Err(error) => return self.errors.push(unreadable(&label, &error)),
            },
        };
        if let Some(doubt) = doubt {
            self.opaque(&label, &doubt);
        } else if is_plain(name) {
            self.skip(Code::NoPages, label, "a file without pages, such as settings, notes or a text");
        } else {
            self.skip(Code::UnknownFile, label, "a file of an unknown kind");
        }
    }

    /// An entry that is neither a file nor a folder. Nothing waits for it.
    fn special(&mut self, folder: &Folder, path: &Path, what: &str) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kind = Kind::of(&name);
        if kind == Kind::Other && disguised(&name).is_none() && !is_noted(&name) {
            let label = self.label(folder.asked, path);
            return self.skip(Code::NoPages, label, what);
        }
        self.unreadable(folder.asked, path, &io::Error::other(format!("it is a {what}")));
    }

    /// A file that was asked for by its name: it is a tablespace unless its name says something else.
    fn named(&mut self, path: &Path, bytes: u64) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let label = path.display().to_string();
        // What cannot be read is reported as a tablespace that cannot.
        let head = || read::head(path, disguise::HEAD).unwrap_or_else(|_| Vec::new());
        let kind = match Kind::of(&name) {
            _ if name.starts_with("._") && is_apple_double(&head()) => {
                return self.refused(&label, "file that macOS keeps beside another one");
            }
            Kind::Other if begins_log(path, &name) => Kind::Binlog,
            Kind::Other | Kind::Temporary if packed::is_packed_so(&head()) => Kind::Packed,
            Kind::Other | Kind::Temporary => match encoded(&name, &head()) {
                Some(doubt) => return self.opaque(&label, &doubt),
                None => Kind::Tablespace,
            },
            Kind::NoChecksums(what) | Kind::NotCovered(what) => return self.refused(&label, what),
            Kind::Sealed(what) => return self.opaque(&label, &format!("it is a {what}")),
            kind => kind,
        };
        // What is in an image is of its own moment.
        let root = match (kind, path.parent()) {
            (Kind::Packed, _) => path.to_owned(),
            (_, Some(folder)) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        self.files.push(Found { path: path.to_owned(), label, kind, bytes, root });
    }

    fn given(&mut self, path: &Path) {
        let (label, root) = (INPUT.to_owned(), path.to_owned());
        if self.files.iter().any(|found| found.path == path) {
            return self.reached_again(label);
        }
        self.files.push(Found { path: path.to_owned(), label, kind: Kind::Packed, bytes: 0, root });
    }

    fn label(&self, asked: &Path, path: &Path) -> String {
        let short = path.strip_prefix(asked).unwrap_or(path);
        if self.several { path } else { short }.display().to_string()
    }

    fn skip(&mut self, code: Code, what: String, reason: &str) {
        self.skips.push(Skip { code, what, reason: reason.to_owned() });
    }

    /// A file that may hold pages, and is not read.
    fn opaque(&mut self, label: &str, doubt: &str) {
        let message = format!("{label} was not verified: {doubt}");
        self.errors.push(at(label, Failure::new(Code::FileOpaque, message)));
    }

    fn reached_again(&mut self, label: String) {
        self.skip(Code::ReachedAgain, label, "it was reached by another path already, and is verified there");
    }

    /// What was asked for by name and cannot be verified is no skip: nobody chose that.
    fn refused(&mut self, label: &str, what: &str) {
        let message = format!("{label} is a {what}, which vouch pages does not verify");
        let hint = "name a data directory, a backup directory or a tablespace";
        self.errors.push(at(label, Failure::new(Code::NothingFound, message).with_hint(hint)));
    }

    fn unreadable(&mut self, asked: &Path, path: &Path, error: &io::Error) {
        let label = if asked == path { path.display().to_string() } else { self.label(asked, path) };
        self.errors.push(unreadable(&label, error));
    }
}

/// Whether the file of this name tells what the files beside it are, and which of them there must be.
fn is_noted(name: &str) -> bool {
    let bare = packed::bare(name);
    State::is_note(bare) || bare == SETTINGS || is_info(bare)
}

fn begins_log(path: &Path, name: &str) -> bool {
    may_be_binlog(name) && read::head(path, logs::BINLOG_MAGIC).is_ok_and(|head| logs::is_binlog(&head))
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

/// The failure, about a file.
pub(crate) fn at(label: &str, mut failure: Failure) -> Failure {
    failure.location.file = Some(FilePlace { file: label.to_owned(), ..FilePlace::default() });
    failure
}

#[cfg(test)]
#[path = "discover_tests.rs"]
mod tests;
