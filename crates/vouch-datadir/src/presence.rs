//! Files that must be there, and files that nothing knows of: [`Presence`].
//!
//! Invariants: only what the instance says of itself demands a file: numbers
//! that run on, `backup-my.cnf`, the lists of tables in MariaDB's system tablespace
//! and of tablespaces in MySQL's dictionary;
//! a file is missing only when it is missing twice.

use crate::discover::Found;
use crate::hint::SETTINGS;
use crate::kind::Kind;
use crate::ledger::{Named, SpaceReport};
use crate::listing::Listed;
use crate::names::table_of;
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vouch_report::{Code, FilePlace, Finding};

/// The time in which a server has replaced a file.
const PATIENCE: Duration = Duration::from_millis(50);
/// What every directory of MariaDB has, and none of MySQL.
const MARIADB: &str = "aria_log_control";
/// What backup tools leave beside their files.
const NOTES: [&str; 2] = ["xtrabackup_info", "mariadb_backup_info"];

/// The folder of MySQL's redo log.
const REDO: &str = "#innodb_redo";

/// A directory whose files are held against what must be there.
pub(crate) struct Presence<'a> {
    pub root: &'a Path,
    /// How names of files in it begin in the report.
    pub label: String,
    /// What its tablespaces tell, where they are of one moment.
    pub known: InFolder<'a>,
    /// Nobody is at work in it.
    pub still: bool,
}

/// What the tablespaces of a run tell of others.
#[derive(Default)]
pub(crate) struct Known {
    tables: Vec<(PathBuf, BTreeSet<String>)>,
    listed: Vec<(PathBuf, Vec<Listed>)>,
    spaces: Vec<Named>,
}

/// The same of one directory.
#[derive(Clone, Default)]
pub(crate) struct InFolder<'a> {
    /// Tables with files of their own, by MariaDB's system tablespace.
    pub tables: Option<&'a BTreeSet<String>>,
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
            listed: reports.iter().filter_map(|report| root(report).zip(report.listed.clone())).collect(),
            spaces: reports.iter().filter_map(|report| report.space.clone()).collect(),
        }
    }

    /// What is told of a directory, where that has to have everything.
    pub(crate) fn in_folder(&self, root: &Path) -> InFolder<'_> {
        let names = names(root);
        let mariadb = demands_tables(root);
        let mysql = !names.contains(MARIADB) && is_complete(root, &names);
        let tables = self.tables.iter().find(|(known, _)| mariadb && known == root);
        let listed = self.listed.iter().find(|(known, _)| mysql && known == root);
        let spaces = self.spaces.iter().filter(|space| space.root == root);
        InFolder {
            tables: tables.map(|(_, tables)| tables),
            listed: listed.map(|(_, listed)| listed.as_slice()),
            spaces: spaces.collect(),
        }
    }
}

impl Presence<'_> {
    /// Files that are missing, and those that nothing knows of.
    pub(crate) fn check(&self, files: &[Found]) -> Vec<Finding> {
        let mut missing = self.missing(files);
        if !missing.is_empty() {
            std::thread::sleep(PATIENCE);
            let again = self.missing(files);
            missing.retain(|name, _| again.contains_key(name));
        }
        let mut findings: Vec<Finding> = missing
            .iter()
            .map(|(name, why)| self.finding(Code::FileMissing, name, format!("the file is missing: {why}")))
            .collect();
        findings.extend(self.strays(files));
        findings.extend(self.unlisted());
        findings
    }

    fn missing(&self, files: &[Found]) -> BTreeMap<String, String> {
        let names = names(self.root);
        let mut missing = numbered(&names);
        if let Ok(text) = std::fs::read_to_string(self.root.join(SETTINGS)) {
            missing.extend(system_files(&text, &names));
        }
        missing.extend(redo_files(&self::names(&self.root.join(REDO))));
        missing.extend(self.table_files());
        missing.extend(self.listed_files());
        missing.extend(self.halves(files).into_iter().flatten());
        missing
    }

    /// A table of Aria has two files.
    fn halves(&self, files: &[Found]) -> Option<BTreeMap<String, String>> {
        let half = |found: &Found| {
            let path = found.path.strip_prefix(self.root).ok()?;
            let name = path.file_name()?.to_str().filter(|name| !name.starts_with('#'))?;
            let other = path.with_extension(if name.ends_with(".MAD") { "MAI" } else { "MAD" });
            let there = names(found.path.parent()?);
            let missing = there.contains(name) && !has(&there, other.file_name()?.to_str()?);
            missing.then(|| (other.display().to_string(), format!("there is {name}")))
        };
        let aria = files.iter().filter(|found| found.kind == Kind::Aria && found.path.starts_with(self.root));
        self.still.then(|| aria.filter_map(half).collect())
    }

    fn table_files(&self) -> BTreeMap<String, String> {
        let there = |name: &str| self.has_file(&format!("{name}.ibd"));
        let tables = self.known.tables.into_iter().flatten().filter(|name| is_plain(name) && !there(name));
        tables
            .map(|name| (format!("{name}.ibd"), "the system tablespace has a table of this name".to_owned()))
            .collect()
    }

    /// Whether a file is there, by itself, packed, or elsewhere by a link of MariaDB.
    fn has_file(&self, path: &str) -> bool {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.root.join(folder);
        if folder.join(file).exists() {
            return true;
        }
        let names = names(&folder);
        let link = Path::new(file).with_extension("isl");
        has(&names, file) || names.contains(&*link.to_string_lossy())
    }

    /// A server finds a tablespace by its number, whatever its file is called.
    fn listed_files(&self) -> BTreeMap<String, String> {
        let there: BTreeSet<u32> = self.known.spaces.iter().map(|space| space.id).collect();
        let lost = |listed: &&Listed| !listed.discarded && !there.contains(&listed.space);
        let paths = self.known.listed.unwrap_or_default().iter().filter(lost).filter_map(Listed::inside);
        let lost = paths.filter(|path| !self.has_file(path));
        lost.map(|path| (path.to_owned(), "the dictionary has a tablespace of this name".to_owned())).collect()
    }

    /// Tablespaces that MySQL's dictionary does not know.
    fn unlisted(&self) -> Vec<Finding> {
        let Some(listed) = self.known.listed else { return Vec::new() };
        let known: BTreeSet<u32> = listed.iter().map(|listed| listed.space).collect();
        let unknown = self.known.spaces.iter().filter(|space| !known.contains(&space.id));
        let name = |space: &&&Named| {
            let path = space.path.strip_prefix(self.root).ok()?;
            let plain = !path.components().any(|part| part.as_os_str().to_string_lossy().starts_with('#'));
            path.to_str().filter(|name| plain && name.ends_with(".ibd")).map(str::to_owned)
        };
        let message = "the dictionary has no tablespace of this number, so a server would not use the file";
        let names = unknown.filter_map(|space| name(&space));
        names.map(|name| self.finding(Code::FileStray, &name, message.to_owned())).collect()
    }

    /// Tablespaces of tables that the system tablespace does not name.
    fn strays(&self, files: &[Found]) -> Vec<Finding> {
        let Some(tables) = self.known.tables.filter(|tables| !tables.is_empty()) else { return Vec::new() };
        let name = |found: &Found| {
            let path = found.path.strip_prefix(self.root).ok()?.with_extension("");
            let depth = path.components().count();
            path.to_str().filter(|name| depth == 2 && is_plain(name)).map(str::to_owned)
        };
        let ibd = |found: &&Found| {
            found.kind == Kind::Tablespace && found.path.extension().is_some_and(|extension| extension == "ibd")
        };
        let unknown = files.iter().filter(ibd).filter_map(name).filter(|name| !tables.contains(name));
        let message = "the system tablespace has no table of this name, so a server would not open the file";
        unknown.map(|name| self.finding(Code::FileStray, &format!("{name}.ibd"), message.to_owned())).collect()
    }

    fn finding(&self, code: Code, name: &str, message: String) -> Finding {
        let mut finding = Finding::new(code, message);
        finding.location.table =
            table_of(Path::new(name)).filter(|_| [".ibd", ".MAI", ".MAD"].iter().any(|end| name.ends_with(end)));
        let file = format!("{}{name}", self.label);
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
    let names = below(&folder);
    missing.extend(numbered(&names));
    if let Some((_, text)) = notes.iter().find(|(name, _)| name == SETTINGS) {
        missing.extend(system_files(text, &names));
    }
    missing.extend(redo_files(&below(&format!("{folder}{REDO}/"))));
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

/// Whether the list of tables of a directory demands files: that of MariaDB does, in a backup that has everything.
/// MySQL 5.7 has tablespaces of several tables.
fn demands_tables(root: &Path) -> bool {
    let names = names(root);
    names.contains(MARIADB) && is_complete(root, &names)
}

/// Whether a directory has everything: one that no backup tool has made, or that it says so of.
fn is_complete(root: &Path, names: &BTreeSet<String>) -> bool {
    !names.iter().any(|name| State::is_note(name)) || is_whole_backup(root)
}

/// Whether a backup says that it has everything.
fn is_whole_backup(root: &Path) -> bool {
    let text = NOTES.iter().find_map(|name| std::fs::read_to_string(root.join(name)).ok());
    text.is_some_and(|text| setting(&text, "partial") == Some("N"))
}

/// Tables in the making have names that begin with a mark.
fn is_plain(name: &str) -> bool {
    !name.split('/').any(|part| part.starts_with('#') || part == ".." || part.is_empty()) && name.contains('/')
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Whether a file is there, by itself, packed or as what changed in it.
fn has(names: &BTreeSet<String>, name: &str) -> bool {
    let packed = |there: &String| there.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    names.contains(name) || names.iter().any(packed)
}

/// Files whose numbers run from the first one on.
fn numbered(names: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut missing = BTreeMap::new();
    let mut demand = |name: String, because: &str| {
        if !has(names, &name) {
            missing.insert(name, format!("there is {because}"));
        }
    };
    if names.contains("ibdata2") {
        demand("ibdata1".to_owned(), "ibdata2");
    }
    for (name, other) in [("undo_001", "undo_002"), ("undo_002", "undo_001")] {
        if names.contains(other) && names.contains("mysql.ibd") {
            demand(name.to_owned(), other);
        }
    }
    let undo = |name: &str| name.strip_prefix("undo").filter(|rest| rest.len() == 3)?.parse::<u32>().ok();
    if let Some((last, name)) = names.iter().filter_map(|name| Some((undo(name)?, name))).max() {
        (1..last).for_each(|number| demand(format!("undo{number:03}"), name));
    }
    missing
}

/// Files of the system tablespace that a backup tool has noted.
fn system_files(text: &str, names: &BTreeSet<String>) -> BTreeMap<String, String> {
    let files = setting(text, "innodb_data_file_path").unwrap_or_default().split(';');
    let files = files.filter_map(|file| file.split(':').next()).map(|file| file.trim_start_matches("./"));
    let missing = files.filter(|file| !file.is_empty() && !file.contains('/') && !has(names, file));
    missing.map(|file| (file.to_owned(), format!("{SETTINGS} names it"))).collect()
}

/// The value of a setting, in a file of `name = value` lines.
pub(crate) fn setting<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let values = text.lines().filter_map(|line| line.split_once('='));
    values.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().trim_matches('"')).next_back()
}

/// Numbers of the redo log's files that are left out between the first and the last one.
fn redo_files(names: &BTreeSet<String>) -> BTreeMap<String, String> {
    let numbers: BTreeSet<u64> = names
        .iter()
        .filter_map(|name| if let Kind::Redo(number) = Kind::of(name) { Some(number) } else { None })
        .collect();
    let mut missing = BTreeMap::new();
    for (before, after) in numbers.iter().zip(numbers.iter().skip(1)) {
        if after - before > 1 {
            let name = format!("{REDO}/#ib_redo{}", before + 1);
            let last = after - 1;
            let more = if last > before + 1 { format!(", as are those up to #ib_redo{last}") } else { String::new() };
            missing.insert(name, format!("there are #ib_redo{before} and #ib_redo{after}{more}"));
        }
    }
    missing
}

#[cfg(test)]
#[path = "presence_tests.rs"]
mod tests;
