//! What a backup is, before anything of it is copied.
//!
//! Main function: [`inspect`]. Invariant: a backup that passes names no file outside
//! itself in its settings, links or `.isl` files, and needs no step that a drill
//! does not have.

use std::fs::{self, FileType};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use vouch_report::{Code, Refusal};

/// What tells how far a backup is.
pub const CHECKPOINTS: [&str; 2] = ["mariadb_backup_checkpoints", "xtrabackup_checkpoints"];

/// The notes of a backup tool on the server's settings.
pub const SETTINGS: &str = "backup-my.cnf";

/// What a file of a backup is packed or encrypted by, by the end of its name.
const PACKED: [&str; 8] = [".qp", ".zst", ".lz4", ".gz", ".xz", ".bz2", ".xbcrypt", ".xbstream"];

/// Settings that place files, and so may place them outside.
const FOLDERS: [&str; 3] = ["innodb_data_home_dir", "innodb_undo_directory", "innodb_log_group_home_dir"];

/// Refuses a backup that a drill cannot restore, or that leads outside itself.
///
/// # Errors
/// One sentence with the first reason, and what to do.
pub fn inspect(backup: &Path, keyring: Option<&Path>) -> Result<(), Refusal> {
    let mut seen = Seen::default();
    walk(backup, backup, &mut seen)?;
    if let Some(first) = seen.packed.first() {
        let count = seen.packed.len();
        let message = format!("{count} files of the backup are packed or encrypted, such as {}", first.display());
        return Err(refused(
            message,
            "unpack them first: xtrabackup --decompress, --decrypt, or the program that packed them",
        ));
    }
    if let Some(delta) = seen.deltas.first() {
        let message = format!("the backup is incremental: {} holds changed pages alone", delta.display());
        return Err(refused(message, "apply it to its full backup (--prepare --incremental-dir), then drill that"));
    }
    if let Some(link) = seen.remote.iter().find(|link| !link.with_extension("ibd").exists()) {
        let target = fs::read_to_string(link).unwrap_or_else(|error| format!("({error})"));
        let message = format!(
            "{} leads to a tablespace outside the backup, {}, and the backup has no copy of it",
            link.display(),
            target.trim()
        );
        return Err(refused(message, "back the table up: without its .ibd file the backup is not complete"));
    }
    if keyring.is_none() {
        without_key(&seen.tablespaces)?;
    }
    settings(backup)
}

/// Refuses tablespaces that no server could read without a key.
fn without_key(tablespaces: &[PathBuf]) -> Result<(), Refusal> {
    for path in tablespaces {
        let encrypted = vouch_datadir::is_encrypted(path)
            .map_err(|error| refused(format!("{} cannot be read: {error}", path.display()), "check its permissions"))?;
        if encrypted {
            let message = format!("{} is encrypted, and no key is given", path.display());
            let hint = "name MariaDB's file of keys with --keyring; restore a backup of MySQL on a server that has \
                        its keyring, then use vouch validate";
            return Err(refused(message, hint));
        }
    }
    Ok(())
}

/// What stands out in a backup.
#[derive(Default)]
struct Seen {
    packed: Vec<PathBuf>,
    deltas: Vec<PathBuf>,
    remote: Vec<PathBuf>,
    tablespaces: Vec<PathBuf>,
}

fn refused(message: impl Into<String>, hint: &str) -> Refusal {
    Refusal::new(Code::BackupRefused, message, hint)
}

fn walk(backup: &Path, folder: &Path, seen: &mut Seen) -> Result<(), Refusal> {
    let unread = |error: std::io::Error| {
        refused(format!("{} cannot be read: {error}", folder.display()), "check its permissions")
    };
    for entry in fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unread)?);
        if kind.is_dir() {
            walk(backup, &path, seen)?;
        } else if kind.is_file() {
            note(path, seen);
        } else {
            special(backup, &path, kind)?;
        }
    }
    Ok(())
}

fn note(path: PathBuf, seen: &mut Seen) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if PACKED.iter().any(|end| name.ends_with(end)) {
        seen.packed.push(path);
    } else if name.ends_with(".delta") {
        seen.deltas.push(path);
    } else if name.ends_with(".isl") {
        seen.remote.push(path);
    } else if name.ends_with(".ibd") {
        seen.tablespaces.push(path);
    }
}

/// What is neither a file nor a folder. A socket is what a stopped server left; it is not copied.
fn special(backup: &Path, path: &Path, kind: FileType) -> Result<(), Refusal> {
    let name = path.strip_prefix(backup).unwrap_or(path).display();
    if kind.is_symlink() {
        let target = fs::read_link(path).map_or_else(|error| format!("({error})"), |to| to.display().to_string());
        let message = format!("{name} is a symbolic link to {target}, which may lie outside the backup");
        return Err(refused(message, "copy what it leads to into the backup, in its place"));
    }
    if kind.is_socket() {
        return Ok(());
    }
    Err(refused(format!("{name} is a pipe or a device"), "a backup has files alone: remove it"))
}

/// Settings that lead outside.
fn settings(backup: &Path) -> Result<(), Refusal> {
    let path = backup.join(SETTINGS);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(format!("{} cannot be read: {error}", path.display()), "check the file")),
    };
    for (name, value) in text.lines().filter_map(setting) {
        let outside = match name {
            "innodb_data_file_path" => value.split(';').map(file_of_data).find(|file| leads_outside(file)),
            name if FOLDERS.contains(&name) && has_own(backup, name) => None,
            name if FOLDERS.contains(&name) => Some(value).filter(|folder| !is_here(folder)),
            _ => None,
        };
        if let Some(outside) = outside {
            let message = format!("{SETTINGS} sets {name} to {value}, and {outside} lies outside the backup");
            return Err(refused(message, "put the files into the backup's own folder and correct the setting"));
        }
    }
    Ok(())
}

/// `name=value`, in the spelling with underscores.
pub fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    Some((name.trim(), value.trim().trim_matches('"')))
}

/// The file of one part of `innodb_data_file_path`: `ibdata1:12M:autoextend`.
fn file_of_data(part: &str) -> &str {
    part.split(':').next().unwrap_or_default().trim()
}

/// Whether a file lies elsewhere than in the folder itself.
fn leads_outside(file: &str) -> bool {
    file.is_empty() || file.strip_prefix("./").unwrap_or(file).contains('/') || file == ".."
}

fn is_here(folder: &str) -> bool {
    folder.split('/').all(|part| part.is_empty() || part == ".") && !folder.starts_with('/')
}

/// Whether the backup has the files of that folder in its own, as backup tools put them there.
fn has_own(backup: &Path, setting: &str) -> bool {
    let names: &[&str] = match setting {
        "innodb_undo_directory" => &["undo001", "undo_001"],
        "innodb_data_home_dir" => &["ibdata1"],
        _ => &["ib_logfile0", "#innodb_redo", "xtrabackup_logfile"],
    };
    names.iter().any(|name| backup.join(name).exists())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn backup(make: impl FnOnce(&Path)) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("app")).unwrap();
        fs::write(folder.path().join("ibdata1"), "x").unwrap();
        fs::write(folder.path().join("app/t.ibd"), "x").unwrap();
        make(folder.path());
        inspect(folder.path(), None).map_err(|refusal| refusal.message)
    }

    fn with_setting(line: &str) -> Result<(), String> {
        backup(|folder| fs::write(folder.join(SETTINGS), format!("[mysqld]\n{line}\n")).unwrap())
    }

    #[test]
    fn a_backup_that_keeps_to_itself_passes() {
        backup(|_| ()).unwrap();
        for line in [
            "innodb_data_file_path=ibdata1:12M:autoextend",
            "innodb_data_file_path=ibdata1:12M;./ibdata2:12M:autoextend",
            "innodb_undo_directory=./",
            "innodb_undo_directory=.//",
            "innodb_data_home_dir=",
            "innodb_data_home_dir=/var/lib/mysql",
        ] {
            with_setting(line).unwrap();
        }
        // A tool that follows the link has put the tablespace beside it.
        backup(|folder| fs::write(folder.join("app/t.isl"), "/elsewhere/app/t.ibd").unwrap()).unwrap();
    }

    #[test]
    fn a_backup_that_leads_outside_is_refused() {
        for line in [
            "innodb_data_file_path=../ibdata1:12M:autoextend",
            "innodb_data_file_path=ibdata1:12M;/prod/ibdata2:12M",
            "innodb_undo_directory=/prod/undo",
            "innodb_undo_directory=../undo",
        ] {
            assert!(with_setting(line).unwrap_err().contains("outside"), "{line}");
        }
        let link = backup(|folder| fs::write(folder.join("app/far.isl"), "/prod/app/far.ibd").unwrap());
        assert!(link.unwrap_err().contains("/prod/app/far.ibd"));
        let link = backup(|folder| std::os::unix::fs::symlink("/prod", folder.join("shop")).unwrap());
        assert!(link.unwrap_err().contains("symbolic link to /prod"));
    }

    #[test]
    fn what_a_drill_has_no_step_for_is_refused() {
        for (name, word) in [("app/t.ibd.zst", "packed"), ("app/t.ibd.delta", "incremental")] {
            assert!(backup(|folder| fs::write(folder.join(name), "x").unwrap()).unwrap_err().contains(word));
        }
    }
}
