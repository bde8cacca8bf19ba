//! Files that must be there, and files that nothing knows of: [`Presence`].
//!
//! Invariants: only what the instance says of itself demands a file: its kind,
//! numbers that run on, `backup-my.cnf`, and the lists of tables and tablespaces
//! in its dictionaries. A table is owed at its path, by the number of its
//! tablespace. A file is missing only when it is missing twice, and never when
//! its folder could not be read.

use crate::demands::{Folder, demanded, has, setting};
use crate::discover::{Found, Home, at, unreadable};
use crate::instance::{ARIA, DICTIONARY, REDO, SETTINGS, SYSTEM};
use crate::keyring::BackupKey;
use crate::kind::Kind;
use crate::ledger::{IndexesOfSpaces, Named, SpaceReport};
use crate::listing::Listed;
use crate::names::table_of;
use crate::packed;
use crate::read::{self, Unread};
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vouch_report::{Code, Failure, FilePlace, Finding};

/// The time in which a server has replaced a file.
const PATIENCE: Duration = Duration::from_millis(50);
/// What backup tools leave beside their files.
const NOTES: [&str; 2] = ["xtrabackup_info", "mariadb_backup_info"];
/// Files of a folder that cannot be read which a failure names.
const MOST_NAMED: usize = 5;

/// Whether the file of this name is what a backup tool notes of a backup as a whole.
pub(crate) fn is_info(name: &str) -> bool {
    NOTES.contains(&name)
}

/// The name of a note, and its text where there is one.
type Note = (&'static str, io::Result<Option<String>>);

/// A directory that is checked for the files that must be there.
pub(crate) struct Presence<'a> {
    pub home: &'a Home,
    /// What its tablespaces tell.
    pub known: InFolder<'a>,
    /// Nobody is at work in it.
    pub still: bool,
    /// What its notes may be encrypted with.
    pub key: Option<&'a BackupKey>,
}

/// What the check of a directory has shown.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub findings: Vec<Finding>,
    /// Folders that could not be read, with what is owed in them.
    pub errors: Vec<Failure>,
}

/// What the tablespaces of a run tell of others.
#[derive(Default)]
pub(crate) struct Known {
    tables: Vec<(PathBuf, BTreeMap<String, u32>)>,
    indexes: Vec<(PathBuf, IndexesOfSpaces)>,
    listed: Vec<(PathBuf, Vec<Listed>)>,
    spaces: Vec<Named>,
}

/// The same of one directory.
#[derive(Clone, Default)]
pub(crate) struct InFolder<'a> {
    /// Tables with files of their own, and their tablespaces, by MariaDB's system tablespace.
    pub tables: Option<&'a BTreeMap<String, u32>>,
    /// The indexes of tablespaces, by the same.
    pub indexes: Option<&'a IndexesOfSpaces>,
    /// Tablespaces by MySQL's dictionary.
    pub listed: Option<&'a [Listed]>,
    /// Tablespaces that are there.
    pub spaces: Vec<&'a Named>,
}

impl Known {
    /// What all reports tell.
    pub(crate) fn of(reports: &[SpaceReport]) -> Known {
        let root = |report: &SpaceReport| report.space.as_ref().map(|space| space.root.clone());
        Known {
            tables: reports.iter().filter_map(|report| report.tables.clone()).collect(),
            indexes: reports.iter().filter_map(|report| report.indexes.clone()).collect(),
            listed: reports.iter().filter_map(|report| root(report).zip(report.listed.clone())).collect(),
            spaces: reports.iter().filter_map(|report| report.space.clone()).collect(),
        }
    }

    /// What is told of a directory. Its dictionaries demand files where nobody is at work in it, and it has to have
    /// everything.
    ///
    /// # Errors
    /// The directory, or a note on whether it has everything, could not be read.
    pub(crate) fn in_folder(&self, root: &Path, still: bool, key: Option<&BackupKey>) -> Result<InFolder<'_>, Unread> {
        let spaces = self.spaces.iter().filter(|space| space.root == root).collect();
        let names = listed(root)?;
        let complete = still && is_complete(root, &names, key)?;
        let mariadb = complete && names.contains(ARIA);
        let tables = self.tables.iter().find(|(known, _)| mariadb && known == root);
        let indexes = self.indexes.iter().find(|(known, _)| mariadb && known == root);
        let listed = self.listed.iter().find(|(known, _)| complete && !mariadb && known == root);
        Ok(InFolder {
            tables: tables.map(|(_, tables)| tables),
            indexes: indexes.map(|(_, indexes)| indexes),
            listed: listed.map(|(_, listed)| listed.as_slice()),
            spaces,
        })
    }
}

/// Files that are not there, with why they are owed; and folders that could not be read, with the files owed there.
#[derive(Default)]
struct Missing {
    files: BTreeMap<String, String>,
    /// Files that a server may keep in another folder by its settings.
    elsewhere: BTreeMap<String, String>,
    unreadable: BTreeMap<PathBuf, (String, BTreeSet<String>)>,
    /// What could not be listed, so that nothing is known of what it demands.
    unlisted: Vec<Unread>,
}

impl Missing {
    /// Owes a file of the directory, unless it is there.
    fn owe(&mut self, presence: &Presence, path: &str, why: &str) {
        match presence.has_file(path) {
            Ok(true) => {}
            Ok(false) => {
                self.files.insert(path.to_owned(), why.to_owned());
            }
            Err((folder, error)) => {
                let (_, files) = self.unreadable.entry(folder).or_insert_with(|| (error.to_string(), BTreeSet::new()));
                files.insert(path.to_owned());
            }
        }
    }
}

impl Presence<'_> {
    /// Files that are missing, those that are others than they should be, and those that nothing knows of.
    pub(crate) fn check(&self, files: &[Found]) -> Checked {
        let notes = self.notes();
        let missing = self.missing_twice(files, &notes);
        let told = |(name, why): (&String, &String)| {
            self.finding(Code::FileMissing, name, format!("the file is missing: {why}"))
        };
        let mut findings: Vec<Finding> = missing.files.iter().map(told).collect();
        findings.extend(self.foreign());
        findings.extend(self.strays(files));
        findings.extend(self.unlisted());
        let unread = missing.unreadable.iter().map(|(folder, (why, files))| self.unread(folder, why, files));
        let elsewhere = missing.elsewhere.iter().map(|(name, why)| self.elsewhere(name, why));
        let unlisted = missing.unlisted.iter().map(|unread| self.home.unread(unread));
        Checked { findings, errors: unread.chain(elsewhere).chain(self.unread_notes(&notes)).chain(unlisted).collect() }
    }

    /// What backup tools have noted. Each note is read once: two reads could say two things.
    fn notes(&self) -> Vec<Note> {
        let read = |name| (name, packed::beside(&self.home.root.join(name), self.key));
        NOTES.into_iter().chain([SETTINGS]).map(read).collect()
    }

    /// Notes that are there and cannot be read as such. What they demand of the directory is unknown then. Those that
    /// the account may not open are reported where they are listed.
    fn unread_notes(&self, notes: &[Note]) -> Vec<Failure> {
        // Packed ones that cannot be unpacked are reported with the packed files beside them.
        let is_plain = |name: &str| self.home.root.join(name).symlink_metadata().is_ok();
        let unread = |(name, text): &Note| match text {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            Err(error) if error.raw_os_error().is_some() || is_plain(name) => {
                Some(unreadable(&format!("{}{name}", self.home.label), error))
            }
            _ => None,
        };
        notes.iter().filter_map(unread).collect()
    }

    /// Files that are missing at two times.
    fn missing_twice(&self, files: &[Found], notes: &[Note]) -> Missing {
        let mut missing = self.missing(files, notes);
        if !missing.files.is_empty() {
            std::thread::sleep(PATIENCE);
            let again = self.missing(files, notes);
            missing.files.retain(|name, _| again.files.contains_key(name));
            // What could not be looked for again is neither missing nor there.
            missing.unreadable.extend(again.unreadable);
            missing.unlisted.extend(again.unlisted);
        }
        missing
    }

    fn missing(&self, files: &[Found], notes: &[Note]) -> Missing {
        let mut missing = Missing::default();
        self.demands(files, notes, &mut missing).unwrap_or_else(|unread| missing.unlisted.push(unread));
        self.tables(&mut missing);
        if self.still {
            self.halves(files, &mut missing);
        }
        missing
    }

    /// What the directory itself and its notes demand.
    fn demands(&self, files: &[Found], notes: &[Note], missing: &mut Missing) -> Result<(), Unread> {
        let root = &self.home.root;
        let (names, redo) = (listed(root)?, listed(&root.join(REDO))?);
        let settings = notes.iter().find(|(name, _)| *name == SETTINGS);
        let folder = Folder {
            settings: settings.and_then(|(_, text)| text.as_ref().map_or(None, Option::as_deref)),
            has_sdi: self.known.spaces.iter().any(|space| space.has_sdi),
            has_tables: files.iter().any(|found| found.root == *root && found.kind == Kind::Tablespace),
            ..Folder::of(&names, &redo)
        };
        missing.files = demanded(&folder);
        if !is_backup(&names) {
            self.set_aside(&names, files, missing);
        }
        Ok(())
    }

    /// What its dictionaries demand.
    fn tables(&self, missing: &mut Missing) {
        let root = &self.home.root;
        for (name, _) in self.known.tables.into_iter().flatten().filter(|(name, _)| is_plain(name)) {
            missing.owe(self, &format!("{name}.ibd"), "the system tablespace has a table of this name");
            if let (Ok(true), Some(definition)) = (self.has_file(&format!("{name}.ibd")), definition_of(name)) {
                missing.owe(self, &definition, "the system tablespace has a table of this name");
            }
        }
        let places: HashMap<u32, &Path> =
            self.known.spaces.iter().map(|space| (space.id, space.path.as_path())).collect();
        for listed in self.known.listed.unwrap_or_default().iter().filter(|listed| !listed.discarded) {
            let Some(path) = listed.inside() else { continue };
            let moved = places.get(&listed.space).filter(|there| **there != root.join(path));
            let elsewhere = moved.map(|there| there.strip_prefix(root).unwrap_or(there).display());
            let why = match elsewhere {
                Some(there) => format!("the dictionary has tablespace {} here, which is in {there}", listed.space),
                None => format!("the dictionary has tablespace {} here", listed.space),
            };
            missing.owe(self, path, &why);
        }
    }

    /// A server may keep its system tablespace and its log in other folders, and only its settings say so. Where such a
    /// folder is verified in the same run, nothing is missing. A part of the system tablespace has the others beside it.
    fn set_aside(&self, names: &BTreeSet<String>, files: &[Found], missing: &mut Missing) {
        let is_system = |kind: Kind| matches!(kind, Kind::System(_));
        // The other folders themselves have no dictionary.
        let is_dictionary = |found: &Found| found.path.file_name().is_some_and(|name| name == DICTIONARY);
        if holds_parts_alone(&self.home.root, files) && files.iter().any(is_dictionary) {
            missing.files.remove(DICTIONARY);
        }
        let has_system = names.iter().any(|name| is_system(Kind::of(packed::bare(name))));
        for name in [SYSTEM, REDO, "ib_logfile0"] {
            if name == SYSTEM && has_system {
                continue;
            }
            let Some(why) = missing.files.remove(name) else { continue };
            let is_log = |kind: Kind| matches!(kind, Kind::Redo(_) | Kind::LogFile(_));
            let is_it = |kind: Kind| if name == SYSTEM { is_system(kind) } else { is_log(kind) };
            let mut others = files.iter().filter(|found| found.root != self.home.root && is_it(found.kind));
            if !others.any(|found| holds_parts_alone(&found.root, files)) {
                missing.elsewhere.insert(name.to_owned(), why);
            }
        }
    }

    /// A file that is not here, and may be in another folder.
    fn elsewhere(&self, name: &str, why: &str) -> Failure {
        let label = format!("{}{name}", self.home.label);
        let message = format!("{label} is not there: {why}; the server's settings may keep it in another folder");
        at(&label, Failure::new(Code::FileElsewhere, message))
    }

    /// A table of Aria has two files.
    fn halves(&self, files: &[Found], missing: &mut Missing) {
        for found in files.iter().filter(|found| found.kind == Kind::Aria && found.root == self.home.root) {
            let Some(path) = self.inside(&found.path) else { continue };
            let name = path.rsplit('/').next().unwrap_or(&path);
            let other = if name.ends_with(".MAD") { "MAI" } else { "MAD" };
            if !name.starts_with('#') && matches!(self.has_file(&path), Ok(true)) {
                let other = Path::new(&path).with_extension(other).display().to_string();
                missing.owe(self, &other, &format!("there is {name}"));
            }
        }
    }

    /// Whether a file is there, by itself, packed, or elsewhere by a link of InnoDB.
    ///
    /// # Errors
    /// The folder that cannot be read, and why.
    fn has_file(&self, path: &str) -> Result<bool, (PathBuf, io::Error)> {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.home.root.join(folder);
        if folder.join(file).symlink_metadata().is_ok() {
            return Ok(true);
        }
        let names = names(&folder).map_err(|error| (folder, error))?;
        let link = Path::new(file).with_extension("isl");
        Ok(has(&names, file) || names.contains(&*link.to_string_lossy()))
    }

    /// A folder that cannot be read, in which files are owed.
    fn unread(&self, folder: &Path, why: &str, files: &BTreeSet<String>) -> Failure {
        let label = format!("{}{}", self.home.label, self.inside(folder).unwrap_or_default());
        let named: Vec<&str> = files.iter().take(MOST_NAMED).map(String::as_str).collect();
        let more = files.len().saturating_sub(named.len());
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let cause = why.split(" (os error").next().unwrap_or_default();
        let message =
            format!("{label} could not be read: {cause}; the instance needs {}{rest} in it", named.join(", "));
        at(&label, Failure::new(Code::FileUnreadable, message))
    }

    /// The path below the directory.
    fn inside(&self, path: &Path) -> Option<String> {
        path.strip_prefix(&self.home.root).ok()?.to_str().map(str::to_owned)
    }

    /// Tablespaces at the paths of others.
    fn foreign(&self) -> Vec<Finding> {
        let tables = self.known.tables.into_iter().flatten().filter(|(name, _)| is_plain(name));
        let mut wanted: HashMap<String, u32> = tables.map(|(name, id)| (format!("{name}.ibd"), *id)).collect();
        for listed in self.known.listed.unwrap_or_default().iter().filter(|listed| !listed.discarded) {
            // A server gives its undo tablespaces other numbers when it cuts them.
            if let Some(path) = listed.inside().filter(|path| path.ends_with(".ibd")) {
                wanted.insert(path.to_owned(), listed.space);
            }
        }
        let other = |space: &&&Named| {
            let path = self.inside(&space.path)?;
            let id = wanted.get(&path)?;
            let message = if *id == space.id {
                self.holds_another(space, &path)?
            } else {
                format!("the file is tablespace {}, and the dictionary has tablespace {id} here", space.id)
            };
            Some(self.finding(Code::FileForeign, &path, message))
        };
        self.known.spaces.iter().filter_map(|space| other(&space)).collect()
    }

    /// Whether a tablespace of the right number at the right path has the contents of another one, as a file from
    /// another server may: MySQL's tells by the tables that it describes, MariaDB's by the numbers of its indexes.
    fn holds_another(&self, space: &Named, path: &str) -> Option<String> {
        // A name with a character that is encoded in another way than by its number is not read.
        let own = table_of(Path::new(path)).filter(|name| !name.contains('@'));
        let own = own.map(|name| whole_table(&name).to_lowercase());
        let described = space.tables.iter().map(|name| name.to_lowercase());
        if let (Some(first), Some(own)) = (space.tables.first(), own)
            && described.into_iter().all(|name| name != own)
        {
            return Some(format!("the file describes {first}, and the dictionary has another table here"));
        }
        let listed = self.known.indexes?.get(&space.id)?;
        let foreign = !space.indexes.is_empty() && listed.is_disjoint(&space.indexes);
        foreign.then(|| "the file has none of the indexes that the system tablespace has of this table".to_owned())
    }

    /// Tablespaces that MySQL's dictionary does not know.
    fn unlisted(&self) -> Vec<Finding> {
        let Some(listed) = self.known.listed else { return Vec::new() };
        let known: BTreeSet<u32> = listed.iter().map(|listed| listed.space).collect();
        let owed: BTreeSet<&str> = listed.iter().filter_map(Listed::inside).collect();
        let unknown = self.known.spaces.iter().filter(|space| !known.contains(&space.id));
        let name = |space: &&&Named| {
            let path = self.inside(&space.path)?;
            let plain = !path.split('/').any(|part| part.starts_with('#'));
            (plain && path.ends_with(".ibd") && !owed.contains(path.as_str())).then_some(path)
        };
        let message = "the dictionary has no tablespace of this number, so a server would not use the file";
        let names = unknown.filter_map(|space| name(&space));
        names.map(|name| self.finding(Code::FileStray, &name, message.to_owned())).collect()
    }

    /// Tablespaces of tables that the system tablespace does not name.
    fn strays(&self, files: &[Found]) -> Vec<Finding> {
        let Some(tables) = self.known.tables.filter(|tables| !tables.is_empty()) else { return Vec::new() };
        let name = |found: &Found| {
            let path = found.path.strip_prefix(&self.home.root).ok()?.with_extension("");
            let depth = path.components().count();
            path.to_str().filter(|name| depth == 2 && is_plain(name)).map(str::to_owned)
        };
        let ibd = |found: &&Found| {
            found.kind == Kind::Tablespace && found.path.extension().is_some_and(|extension| extension == "ibd")
        };
        let own = files.iter().filter(|found| found.root == self.home.root);
        let unknown = own.filter(ibd).filter_map(name).filter(|name| !tables.contains_key(name));
        let message = "the system tablespace has no table of this name, so a server would not open the file";
        unknown.map(|name| self.finding(Code::FileStray, &format!("{name}.ibd"), message.to_owned())).collect()
    }

    fn finding(&self, code: Code, name: &str, message: String) -> Finding {
        let mut finding = Finding::new(code, message);
        finding.location.table =
            table_of(Path::new(name)).filter(|_| [".ibd", ".MAI", ".MAD"].iter().any(|end| name.ends_with(end)));
        let file = format!("{}{name}", self.home.label);
        finding.location.file = Some(FilePlace { file, ..FilePlace::default() });
        finding
    }
}

/// Files of an image that must be there, and why: by their paths without what tells how they are packed, and by what
/// its notes say. What a tool writes `by_tool` has all of its notes.
pub(crate) fn of_image(
    paths: &BTreeSet<String>,
    notes: &[(String, String)],
    state: &State,
    by_tool: bool,
) -> BTreeMap<String, String> {
    let mut missing = BTreeMap::new();
    let Some(folder) = instance(paths) else { return missing };
    let below = |folder: &str| -> BTreeSet<String> {
        let names = paths.iter().filter_map(|path| path.strip_prefix(folder)).filter(|name| !name.contains('/'));
        names.map(str::to_owned).collect()
    };
    let (names, redo) = (below(&folder), below(&format!("{folder}{REDO}/")));
    let settings = notes.iter().find(|(name, _)| name == SETTINGS).map(|(_, text)| text.as_str());
    let has_tables = paths.iter().any(|path| path.ends_with(".ibd"));
    missing.extend(demanded(&Folder { settings, has_tables, ..Folder::of(&names, &redo) }));
    missing.extend(notes_and_log(&names, state, by_tool));
    let metas = paths.iter().filter_map(|path| path.strip_prefix(&folder)?.strip_suffix(".delta"));
    let metas = metas.map(|name| format!("{name}.meta")).filter(|meta| !paths.contains(&format!("{folder}{meta}")));
    missing.extend(metas.map(|meta| (meta, "there is its list of changed pages".to_owned())));
    missing.into_iter().map(|(name, why)| (format!("{folder}{name}"), why)).collect()
}

/// The folder of the one instance that there is, with the slash behind it.
fn instance(paths: &BTreeSet<String>) -> Option<String> {
    let split = |path: &String| {
        path.rsplit_once('/')
            .map_or((String::new(), path.clone()), |(folder, name)| (format!("{folder}/"), name.to_owned()))
    };
    let tells = |name: &str| {
        State::is_note(name) || name == SETTINGS || matches!(Kind::of(name.trim_end_matches(".delta")), Kind::System(_))
    };
    let folders: BTreeSet<String> =
        paths.iter().map(split).filter(|(_, name)| tells(name)).map(|(folder, _)| folder).collect();
    folders.first().filter(|_| folders.len() == 1).cloned()
}

/// What backup tools leave with everything that they make.
fn notes_and_log(names: &BTreeSet<String>, state: &State, by_tool: bool) -> BTreeMap<String, String> {
    let mut missing = BTreeMap::new();
    let noted = names.iter().find(|name| State::is_note(name));
    let settings = names.get(SETTINGS);
    let told = names.iter().find(|name| NOTES.contains(&name.as_str())).or(settings);
    if let (true, None, Some(other)) = (by_tool, noted, told) {
        let name = if other.starts_with("mariadb") { "mariadb_backup_checkpoints" } else { "xtrabackup_checkpoints" };
        missing.insert(name.to_owned(), format!("there is {other}, which backup tools write with it"));
    }
    if let (true, Some(noted), None) = (by_tool, noted, settings) {
        missing.insert(SETTINGS.to_owned(), format!("there is {noted}, which backup tools write with it"));
    }
    let is_log = |name: &String| matches!(Kind::of(name), Kind::LogFile(_) | Kind::CopiedLog);
    if noted.is_some() && matches!(state, State::Raw(..)) && !names.iter().any(is_log) {
        let name = if names.contains("mysql.ibd") { "xtrabackup_logfile" } else { "ib_logfile0" };
        missing.insert(name.to_owned(), "the backup is yet to be prepared, and that takes the log".to_owned());
    }
    missing
}

/// Whether backup tools have left their notes: they put everything into one folder.
fn is_backup(names: &BTreeSet<String>) -> bool {
    let is_mark = |name: &str| State::is_note(name) || is_info(name) || name == SETTINGS;
    names.iter().any(|name| is_mark(packed::bare(name)))
}

/// Whether a folder has parts of an instance whose tables are elsewhere.
fn holds_parts_alone(root: &Path, files: &[Found]) -> bool {
    let is_part = |kind: Kind| {
        matches!(kind, Kind::System(_) | Kind::Undo | Kind::Doublewrite | Kind::Redo(_) | Kind::LogFile(_))
    };
    files.iter().filter(|found| found.root == root).all(|found| is_part(found.kind))
}

/// Whether a directory has everything: one that no backup tool has made, or that it says so of.
fn is_complete(root: &Path, names: &BTreeSet<String>, key: Option<&BackupKey>) -> Result<bool, Unread> {
    Ok(!names.iter().any(|name| State::is_note(packed::bare(name))) || is_whole_backup(root, key)?)
}

/// Whether a backup says that it has everything.
fn is_whole_backup(root: &Path, key: Option<&BackupKey>) -> Result<bool, Unread> {
    for name in NOTES {
        let path = root.join(name);
        if let Some(text) = Unread::unless_missing(&path, packed::beside(&path, key))?.flatten() {
            return Ok(setting(&text, "partial") == Some("N"));
        }
    }
    Ok(false)
}

/// The name of a table without that of a partition.
fn whole_table(name: &str) -> &str {
    let ends = ["#p#", "#P#"].iter().filter_map(|mark| name.find(mark)).min();
    ends.and_then(|end| name.get(..end)).unwrap_or(name)
}

/// The file that has MariaDB's definition of a table; tables of words of an index have none.
fn definition_of(name: &str) -> Option<String> {
    let (_, file) = name.rsplit_once('/')?;
    let of_words = file.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("FTS_"));
    (!of_words).then(|| format!("{}.frm", whole_table(name)))
}

/// Tables in the making have names that begin with a mark.
fn is_plain(name: &str) -> bool {
    !name.split('/').any(|part| part.starts_with('#') || part == ".." || part.is_empty()) && name.contains('/')
}

/// The names in a folder that was listed before.
fn listed(folder: &Path) -> Result<BTreeSet<String>, Unread> {
    names(folder).map_err(|error| Unread { path: folder.to_owned(), error })
}

/// The names in a folder; none where there is no such folder.
///
/// # Errors
/// It cannot be read.
fn names(folder: &Path) -> io::Result<BTreeSet<String>> {
    match read::entries(folder) {
        Ok(paths) => {
            let names = paths.iter().filter_map(|path| path.file_name());
            Ok(names.map(|name| name.to_string_lossy().into_owned()).collect())
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(BTreeSet::new())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "presence_tests.rs"]
mod tests;
