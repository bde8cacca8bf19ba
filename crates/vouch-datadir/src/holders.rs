//! Which servers have files open that are looked at: [`ask`].
//!
//! Invariant: no lock is asked for and no process touched; what /proc tells is read, and where it
//! tells nothing, nothing is said.

use crate::discover::Found;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use vouch_convert::{hex, narrow, parse};

/// A process that has files open.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its number.
    pub pid: u32,
    /// Files of those that were asked about.
    pub files: usize,
    /// The first of them.
    pub first: String,
}

/// A question that is being answered.
pub(crate) struct Asked(Option<JoinHandle<Vec<Holder>>>);

impl Asked {
    /// The answer, by the numbers of processes; nothing where the system had no thread for it.
    pub(crate) fn told(self) -> Vec<Holder> {
        let asked = self.0.map(|asking| asking.join().unwrap_or_else(|panic| resume_unwind(panic)));
        asked.unwrap_or_default()
    }
}

/// Asks who has these files open, beside the reading of them: a system takes its time to list its locks.
pub(crate) fn ask(files: Vec<Found>) -> Asked {
    Asked(thread::Builder::new().spawn(move || holders(&files)).ok())
}

/// The processes that have locked one of the files, and servers that have one open, by their numbers.
fn holders(files: &[Found]) -> Vec<Holder> {
    let mut known: HashMap<(u64, u64), &str> = HashMap::new();
    for file in files {
        known.extend(fs::metadata(&file.path).map(|data| (inode(&data), file.label.as_str())));
    }
    let mut open: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    let locks = known_to_the_system("/proc/locks");
    for (pid, place) in locks.lines().filter_map(lock) {
        open.entry(pid).or_default().extend(known.get(&place).copied());
    }
    for pid in servers() {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let inodes = descriptors.filter_map(|entry| fs::metadata(entry.path()).ok()).map(|data| inode(&data));
        open.entry(pid).or_default().extend(inodes.filter_map(|inode| known.get(&inode).copied()));
    }
    let holder = |(pid, mut labels): (u32, Vec<&str>)| {
        labels.sort_unstable();
        labels.dedup();
        let first = labels.first()?;
        (pid != std::process::id()).then(|| Holder { pid, files: labels.len(), first: (*first).to_owned() })
    };
    open.into_iter().filter_map(holder).collect()
}

fn inode(data: &fs::Metadata) -> (u64, u64) {
    (data.dev(), data.ino())
}

/// The process, and the device and the inode, of a line such as `1: POSIX  ADVISORY  WRITE 4242 08:01:131074 0 EOF`.
fn lock(line: &str) -> Option<(u32, (u64, u64))> {
    let mut words = line.split_whitespace().skip_while(|word| !matches!(*word, "READ" | "WRITE")).skip(1);
    let pid = parse(words.next()?).filter(|pid| *pid > 0)?;
    let mut place = words.next()?.split(':');
    let mut part = || narrow::<u32, _>(hex(place.next()?)?);
    let device = rustix::fs::makedev(part()?, part()?);
    Some((pid, (device, parse(place.next()?)?)))
}

/// Processes by the names that servers have.
fn servers() -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let server = |path: &PathBuf| {
        let command = known_to_the_system(path.join("comm"));
        let loaded = || known_to_the_system(path.join("cmdline"));
        let names = ["mysqld", "mariadbd"];
        names.contains(&command.trim())
            || command.starts_with("ld-linux") && names.iter().any(|name| loaded().contains(name))
    };
    let number = |path: PathBuf| parse(path.file_name()?.to_str()?);
    processes.filter(|path| number(path.clone()).is_some_and(|_: u32| server(path))).filter_map(number).collect()
}

/// What /proc has there; nothing where the process is gone or the account may not see it. Who holds a file is a hint
/// beside the verdict: it is never what makes one clean.
fn known_to_the_system(path: impl AsRef<Path>) -> String {
    fs::read(path).map_or_else(|_| String::new(), |text| String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_tells_its_process_and_its_file() {
        assert_eq!(
            lock("1: POSIX  ADVISORY  WRITE 4242 08:01:131074 0 EOF"),
            Some((4242, (rustix::fs::makedev(8, 1), 131_074)))
        );
        assert_eq!(lock("1: -> POSIX  ADVISORY  READ 7 00:2d:9 0 EOF"), Some((7, (rustix::fs::makedev(0, 0x2d), 9))));
        assert_eq!(lock("2: OFDLCK ADVISORY  WRITE -1 08:01:131074 0 EOF"), None, "of no process");
        assert_eq!(lock("3: FLOCK"), None);
    }
}
