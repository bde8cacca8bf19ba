//! Folders that hold an instance of their own: [`begins_instance`].
//!
//! A folder of several backups has one instance for each of them, with its own
//! notes, its own log and its own numbers of tablespaces. Invariant: a folder of
//! one database never becomes an instance.

use crate::kind::Kind;
use crate::state::State;
use std::collections::BTreeSet;
use std::path::Path;

/// The folder of MySQL's redo log.
pub(crate) const REDO: &str = "#innodb_redo";
/// The tablespace of MySQL's dictionary.
pub(crate) const DICTIONARY: &str = "mysql.ibd";
/// The first file of the system tablespace, by the name that it has unless a setting says otherwise.
pub(crate) const SYSTEM: &str = "ibdata1";
/// The file that every directory of MariaDB has, and none of MySQL.
pub(crate) const ARIA: &str = "aria_log_control";
/// The file of settings that backup tools leave beside their files.
pub(crate) const SETTINGS: &str = "backup-my.cnf";

/// Folders in which file systems and storage systems show older states of the folder around them. A database of
/// that name would have a folder whose name begins with `@002e`.
const SNAPSHOTS: [&str; 6] = [".snapshot", ".snapshots", ".zfs", "~snapshot", ".ckpt", ".shadow"];

/// Whether a folder of this name shows older states of what is around it.
pub(crate) fn is_snapshots(name: &str) -> bool {
    SNAPSHOTS.contains(&name)
}

/// Whether the folder with these names in it is an instance by itself, inside a folder with the names of `around`.
/// A server may keep its system tablespace or its log in a folder inside its data directory.
pub(crate) fn begins_instance(names: &BTreeSet<String>, around: &BTreeSet<String>) -> bool {
    if is_home(names) {
        return true;
    }
    let part = has_system(names) || names.iter().any(|name| is_redo(name));
    let lacks_its_own = !is_home(around) || has_system(around);
    part && lacks_its_own
}

/// Whether a server or a backup tool has this folder for its home.
fn is_home(names: &BTreeSet<String>) -> bool {
    let is_mark = |name: &String| {
        let bare = crate::packed::bare(name);
        ["auto.cnf", DICTIONARY, ARIA, SETTINGS].contains(&bare) || State::is_note(bare)
    };
    names.iter().any(is_mark)
}

/// Whether a server has this folder for its data directory, and no backup tool has made it.
pub(crate) fn is_of_server(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).exists();
    ["auto.cnf", DICTIONARY, ARIA].into_iter().any(has) && !State::NOTES.into_iter().chain([SETTINGS]).any(has)
}

/// Whether a file of the system tablespace is there, packed or not.
fn has_system(names: &BTreeSet<String>) -> bool {
    names.iter().any(|name| matches!(Kind::of(crate::packed::bare(name)), Kind::System(_)))
}

fn is_redo(name: &str) -> bool {
    name == REDO || matches!(Kind::of(name), Kind::LogFile(_) | Kind::CopiedLog)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn backups_are_instances_and_databases_are_not() {
        let parent = names(&["mon", "tue"]);
        for inside in [
            &["ibdata1", "shop"][..],
            &["xtrabackup_checkpoints", "shop"],
            &["xtrabackup_checkpoints.zst", "shop"],
            &["mysql.ibd"],
            &["#innodb_redo"],
            &["ib_logfile0"],
        ] {
            assert!(begins_instance(&names(inside), &parent), "{inside:?}");
        }
        for inside in [&["t.ibd", "t.frm"][..], &["db.MAI", "db.MAD"], &["undo_001"], &["#ib_redo7"], &[]] {
            assert!(!begins_instance(&names(inside), &parent), "{inside:?}");
        }
    }

    #[test]
    fn a_home_may_keep_its_system_tablespace_in_a_folder() {
        let home = names(&["auto.cnf", "innodb", "shop"]);
        assert!(!begins_instance(&names(&["ibdata1", "ib_logfile0"]), &home));
        assert!(begins_instance(&names(&["ibdata1", "auto.cnf"]), &home), "it has a home of its own");
        let whole = names(&["auto.cnf", "ibdata1", "old"]);
        assert!(begins_instance(&names(&["ibdata1"]), &whole), "a copy in the data directory");
    }
}
