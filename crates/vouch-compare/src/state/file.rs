//! Where states lie: a folder for each run that nobody else can read, and its file.
//!
//! Invariant: nothing below the state folder is reached through a symbolic link. Another
//! account that may write to the folder could point such a link at a file of its choice.

use rusqlite::{Connection, OpenFlags};
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Keys and values of rows are in the state: for its owner alone.
const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

const NAME: &str = "state.sqlite";

/// Creates the folder and the empty file of a new run.
pub fn create(dir: &Path, id: &str) -> io::Result<PathBuf> {
    let runs = runs(dir)?;
    let folder = runs.join(id);
    DirBuilder::new().mode(FOLDER).create(&folder)?;
    let file = folder.join(NAME);
    // `create_new` follows no link: whatever is there under this name is an error.
    OpenOptions::new().write(true).create_new(true).mode(FILE).open(&file)?;
    Ok(file)
}

/// The file of an earlier run; `None` when there is no such run.
pub fn find(dir: &Path, id: &str) -> io::Result<Option<PathBuf>> {
    // An id is a file name: it must not lead anywhere else.
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') || !dir.join("runs").exists() {
        return Ok(None);
    }
    let folder = runs(dir)?.join(id);
    let file = folder.join(NAME);
    if !is_there(&folder)? || !is_there(&file)? {
        return Ok(None);
    }
    refuse_links(&folder, fs::FileType::is_dir)?;
    refuse_links(&file, fs::FileType::is_file)?;
    // Earlier versions left both open to everybody.
    fs::set_permissions(&folder, Permissions::from_mode(FOLDER))?;
    fs::set_permissions(&file, Permissions::from_mode(FILE))?;
    Ok(Some(file))
}

/// The id of the latest run, since ids begin with the time of their start.
pub fn latest(dir: &Path) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(dir.join("runs")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let mut latest = None;
    for entry in entries {
        // A name that is not text is no id.
        if let Ok(name) = entry?.file_name().into_string() {
            latest = latest.max(Some(name));
        }
    }
    Ok(latest)
}

/// Opens the file of a run, for this process alone.
pub fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(std::time::Duration::ZERO)?;
    // WAL with relaxed syncing outlives a kill of the process; a power cut may cost
    // the last chunks, which are then read again.
    db.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         BEGIN EXCLUSIVE; COMMIT;",
    )?;
    Ok(db)
}

/// The folder of all runs. The way to the state folder is the user's own and may have
/// links; from there on there are none.
fn runs(dir: &Path) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(dir)?;
    let runs = fs::canonicalize(dir)?.join("runs");
    DirBuilder::new().recursive(true).mode(FOLDER).create(&runs)?;
    refuse_links(&runs, fs::FileType::is_dir)?;
    Ok(runs)
}

fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn refuse_links(path: &Path, is_right: fn(&fs::FileType) -> bool) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if is_right(&kind) {
        return Ok(());
    }
    let what = if kind.is_symlink() { "is a symbolic link" } else { "is of another kind" };
    Err(io::Error::other(format!("{} {what}", path.display())))
}
