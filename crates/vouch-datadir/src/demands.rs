//! Files that the names around them demand: [`demanded`].
//!
//! Invariant: a folder that is no home of an instance demands nothing but what its own numbers skip.

use crate::instance::{ARIA, DICTIONARY, REDO, SETTINGS, SYSTEM};
use crate::kind::Kind;
use crate::packed::bare;
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet};
use vouch_convert::parse;

/// What is known of a folder, in which files are demanded.
#[derive(Debug)]
pub(crate) struct Folder<'a> {
    /// The names in it.
    pub names: &'a BTreeSet<String>,
    /// The names in the folder of MySQL's redo log.
    pub redo: &'a BTreeSet<String>,
    /// What backup tools have noted of the server's settings.
    pub settings: Option<&'a str>,
    /// A tablespace in it is of MySQL since 8.0.
    pub has_sdi: bool,
    /// There are tablespaces in it.
    pub has_tables: bool,
}

impl<'a> Folder<'a> {
    /// A folder of which the names alone are known.
    pub(crate) fn of(names: &'a BTreeSet<String>, redo: &'a BTreeSet<String>) -> Folder<'a> {
        Folder { names, redo, settings: None, has_sdi: false, has_tables: false }
    }
}

/// Files that are missing, and why they must be there.
pub(crate) fn demanded(folder: &Folder) -> BTreeMap<String, String> {
    let mut missing = numbered(folder.names);
    missing.extend(redo_files(folder.redo));
    if let Some(settings) = folder.settings {
        missing.extend(system_files(settings, folder.names));
    }
    for (name, why) in folder.of_home() {
        missing.entry(name).or_insert(why);
    }
    missing
}

/// The server that a folder is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vendor {
    /// MySQL since 8.0, which has a dictionary of its own.
    Mysql,
    Mariadb,
    /// MySQL up to 5.7, or nothing tells.
    Other,
}

impl Folder<'_> {
    fn has(&self, name: &str) -> bool {
        has(self.names, name)
    }

    fn bare_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| bare(name))
    }

    /// Whether the home of an instance is here, and not only its undo tablespaces, its log or one database.
    fn is_home(&self) -> bool {
        let strong =
            |name: &str| ["auto.cnf", DICTIONARY, ARIA, SETTINGS, "ib_buffer_pool", "#innodb_temp"].contains(&name);
        let parts = [
            self.bare_names().any(State::is_note),
            self.has_system(),
            self.has_redo(),
            self.bare_names().any(|name| Kind::of(name) == Kind::Undo),
            self.names.contains("mysql"),
        ];
        self.bare_names().any(strong) || parts.into_iter().filter(|there| *there).count() > 1
    }

    fn vendor(&self) -> Vendor {
        let mysql = |name: &str| [DICTIONARY, REDO, "#innodb_temp", "undo_001", "undo_002"].contains(&name);
        let mariadb = |name: &str| name == ARIA || name.starts_with("mariadb_");
        if self.bare_names().any(mariadb) {
            Vendor::Mariadb
        } else if self.has_sdi || self.bare_names().any(mysql) {
            Vendor::Mysql
        } else {
            Vendor::Other
        }
    }

    fn has_system(&self) -> bool {
        self.bare_names().any(|name| matches!(Kind::of(name.trim_end_matches(".delta")), Kind::System(_)))
    }

    fn has_redo(&self) -> bool {
        let is_log = |name: &str| matches!(Kind::of(name), Kind::LogFile(_) | Kind::CopiedLog);
        self.redo.iter().any(|name| matches!(Kind::of(bare(name)), Kind::Redo(_))) || self.bare_names().any(is_log)
    }

    /// Whether there is anything of InnoDB, which a server of MariaDB may do without.
    fn has_innodb(&self) -> bool {
        self.has_tables || self.has_system() || self.has_redo() || self.has("ib_buffer_pool")
    }

    /// What every instance has.
    fn of_home(&self) -> Vec<(String, String)> {
        let mut missing = Vec::new();
        if !self.is_home() || !self.has_innodb() {
            return missing;
        }
        let mut demand = |name: &str, why: &str| missing.push((name.to_owned(), why.to_owned()));
        let named = self.settings.and_then(|settings| setting(settings, DATA_FILES));
        if named.is_none() && !self.has_system() {
            demand(SYSTEM, "every instance of InnoDB has a system tablespace");
        }
        let vendor = self.vendor();
        if vendor == Vendor::Mysql && !self.has(DICTIONARY) {
            demand(DICTIONARY, "MySQL has its dictionary in it");
        }
        if vendor != Vendor::Other && !self.has_redo() {
            let name = if vendor == Vendor::Mysql { REDO } else { "ib_logfile0" };
            demand(name, "a server does not start without its redo log");
        }
        missing
    }
}

/// The setting that names the files of the system tablespace.
const DATA_FILES: &str = "innodb_data_file_path";

/// Whether a file is there, by itself, packed or as what changed in it.
pub(crate) fn has(names: &BTreeSet<String>, name: &str) -> bool {
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
    if has(names, "ibdata2") {
        demand(SYSTEM.to_owned(), "ibdata2");
    }
    for (name, other) in [("undo_001", "undo_002"), ("undo_002", "undo_001")] {
        if has(names, other) && has(names, DICTIONARY) {
            demand(name.to_owned(), other);
        }
    }
    let undo = |name: &str| parse::<u32>(bare(name).strip_prefix("undo").filter(|rest| rest.len() == 3)?);
    if let Some((last, name)) = names.iter().filter_map(|name| Some((undo(name)?, name))).max() {
        (1..last).for_each(|number| demand(format!("undo{number:03}"), name));
    }
    missing
}

/// Files of the system tablespace that a backup tool has noted.
fn system_files(text: &str, names: &BTreeSet<String>) -> BTreeMap<String, String> {
    let files = setting(text, DATA_FILES).unwrap_or_default().split(';');
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
    let number = |name: &String| if let Kind::Redo(number) = Kind::of(bare(name)) { Some(number) } else { None };
    let numbers: BTreeSet<u64> = names.iter().filter_map(number).collect();
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
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn missing(there: &[&str], redo: &[&str]) -> Vec<String> {
        let (there, redo) = (names(there), names(redo));
        let folder = Folder { has_tables: true, ..Folder::of(&there, &redo) };
        demanded(&folder).into_keys().collect()
    }

    /// A data directory without its system tablespace, its dictionary or its log was clean, and no server starts on
    /// it.
    #[test]
    fn a_home_has_a_system_tablespace_a_dictionary_and_a_log() {
        let mysql = ["auto.cnf", "ibdata1", "mysql.ibd", "undo_001", "undo_002", REDO, "shop"];
        let without = |name: &str| mysql.into_iter().filter(|other| *other != name).collect::<Vec<_>>();
        assert_eq!(missing(&mysql, &["#ib_redo7"]), [] as [&str; 0]);
        assert_eq!(missing(&without("ibdata1"), &["#ib_redo7"]), ["ibdata1"]);
        assert_eq!(missing(&without("mysql.ibd"), &["#ib_redo7"]), ["mysql.ibd"]);
        assert_eq!(missing(&without(REDO), &[]), [REDO]);
        assert_eq!(missing(&mysql, &["#ib_redo8_tmp"]), [REDO], "spare files are no log");
        let mariadb = [ARIA, "ibdata1", "ib_logfile0", "undo001", "mysql"];
        let without = |name: &str| mariadb.into_iter().filter(|other| *other != name).collect::<Vec<_>>();
        assert_eq!(missing(&mariadb, &[]), [] as [&str; 0]);
        assert_eq!(missing(&without("ibdata1"), &[]), ["ibdata1"]);
        assert_eq!(missing(&without("ib_logfile0"), &[]), ["ib_logfile0"]);
        let packed = ["mariadb_backup_checkpoints.qp", "ibdata1.delta.qp", "ib_logfile0.qp"];
        assert_eq!(missing(&packed, &[]), [] as [&str; 0]);
    }

    #[test]
    fn a_part_of_an_instance_demands_nothing() {
        for part in [&["t.ibd", "t.frm"][..], &["undo_001", "undo_002"], &["ibdata1"], &["ib_logfile0"], &["db.MAI"]] {
            assert_eq!(missing(part, &[]), [] as [&str; 0], "{part:?}");
        }
        assert_eq!(missing(&[REDO], &["#ib_redo7"]), [] as [&str; 0]);
        let (aria, none) = (names(&[ARIA, "mysql"]), BTreeSet::new());
        assert!(demanded(&Folder::of(&aria, &none)).is_empty(), "a server without InnoDB");
    }

    #[test]
    fn other_names_of_the_system_tablespace_are_those_of_the_settings() {
        let (there, redo) = (names(&[SETTINGS, "ib_logfile0", ARIA]), BTreeSet::new());
        let settings = Some("innodb_data_file_path=system1:12M;/raw/two:1G\n");
        let folder = Folder { settings, has_tables: true, ..Folder::of(&there, &redo) };
        assert_eq!(demanded(&folder).into_keys().collect::<Vec<_>>(), ["system1"]);
    }
}
