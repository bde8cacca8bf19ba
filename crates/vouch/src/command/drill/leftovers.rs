//! Copies and servers of drills that were killed.
//!
//! Main items: [`Claim`], [`remove`]. A drill holds a lock on a file in its folder as
//! long as it lives; a folder whose lock is free belongs to nobody.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vouch_convert::{narrow, parse};

/// What the names of folders of drills begin with.
pub const PREFIX: &str = "vouch-drill-";

/// The file that is locked.
const LOCK: &str = "lock";

/// A folder without a lock is one that is just being made, unless it is older than this.
const YOUNG: Duration = Duration::from_secs(60);

/// A drill's hold on its folder; it ends with the process, however that ends.
pub struct Claim {
    _lock: File,
}

impl Claim {
    /// Takes hold of a folder that was just made.
    ///
    /// # Errors
    /// The system refuses.
    pub fn on(folder: &Path) -> io::Result<Claim> {
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(LOCK))?;
        lock.lock()?;
        Ok(Claim { _lock: lock })
    }
}

/// Removes what killed drills left in `scratch`, with the servers that still run there.
/// Returns the folders that were removed, and what could not be, with the reason.
pub fn remove(scratch: &Path) -> (Vec<PathBuf>, Vec<String>) {
    let (mut removed, mut failed) = (Vec::new(), Vec::new());
    // A scratch folder that cannot be listed is told of when the copy is made there.
    let Ok(entries) = fs::read_dir(scratch) else { return (removed, failed) };
    for entry in entries {
        let outcome = entry.map(|entry| entry.path()).and_then(|folder| Ok((is_left(&folder)?, folder)));
        match outcome {
            Ok((false, _)) => {}
            Ok((true, folder)) => match end_servers(&folder).and_then(|()| fs::remove_dir_all(&folder)) {
                Ok(()) => removed.push(folder),
                Err(error) => failed.push(format!("{}: {error}", folder.display())),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => failed.push(format!("{}: {error}", scratch.display())),
        }
    }
    (removed, failed)
}

/// Whether a folder is of a drill of this user that is no more.
fn is_left(folder: &Path) -> io::Result<bool> {
    let named = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
    if !named {
        return Ok(false);
    }
    let about = fs::symlink_metadata(folder)?;
    if !about.is_dir() || about.uid() != rustix::process::geteuid().as_raw() {
        return Ok(false);
    }
    // Never through a link: the scratch folder may be one that everybody writes to.
    let lock = match fs::symlink_metadata(folder.join(LOCK)) {
        Ok(about) if about.is_file() => File::open(folder.join(LOCK))?,
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(about.modified()?.elapsed().is_ok_and(|age| age > YOUNG));
        }
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Kills every process that was started with an option that names a file in the folder, as a server is
/// by `--datadir=`, and waits for its end.
fn end_servers(folder: &Path) -> io::Result<()> {
    let mut inside = vec![b'='];
    inside.extend(folder.as_os_str().as_encoded_bytes());
    inside.push(b'/');
    let mut waited = 0;
    loop {
        let running = processes_naming(&inside)?;
        if running.is_empty() {
            return Ok(());
        }
        for pid in running {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                match rustix::process::kill_process(pid, rustix::process::Signal::KILL) {
                    Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        waited += 1;
        if waited > 200 {
            return Err(io::Error::other("its server cannot be ended"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn processes_naming(inside: &[u8]) -> io::Result<Vec<i32>> {
    let own = narrow::<i32, _>(std::process::id());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(parse::<i32>).filter(|pid| Some(*pid) != own) else {
            continue;
        };
        // A process that ended meanwhile has none; one that is a zombie has an empty one.
        let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { continue };
        if line.windows(inside.len()).any(|part| part == inside) {
            found.push(pid);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_without_an_owner_goes_and_one_with_an_owner_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let folder = scratch.path().join(name);
            fs::create_dir(&folder).unwrap();
            folder
        };
        let (left, held, young, other) =
            (make("vouch-drill-a"), make("vouch-drill-b"), make("vouch-drill-c"), make("somebody"));
        drop(Claim::on(&left).unwrap());
        let claim = Claim::on(&held).unwrap();
        std::os::unix::fs::symlink(&other, scratch.path().join("vouch-drill-link")).unwrap();
        assert_eq!(remove(scratch.path()), (vec![left.clone()], Vec::new()));
        assert!(!left.exists() && held.exists() && young.exists() && other.exists());
        drop(claim);
        assert_eq!(remove(scratch.path()).0, vec![held]);
    }
}
