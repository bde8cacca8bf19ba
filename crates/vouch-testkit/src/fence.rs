//! What a server on somebody's backup may touch: [`Fence`].
//!
//! A backup names files: in its settings, in `.isl` files, in its dictionaries and
//! in its redo log. A name may lead to the production server's own file. The fence
//! is the kernel's (Landlock, Linux 5.13 and later): what it does not name can be
//! neither read nor written by the process and all that it starts.

use crate::{Dist, Error, Result};
use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, path_beneath_rules};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

/// The rights that are asked for; an older kernel grants what it knows.
const RIGHTS: ABI = ABI::V3;

/// Where programs, libraries and settings of the system lie.
const SYSTEM: [&str; 9] = ["/usr", "/lib", "/lib64", "/bin", "/sbin", "/opt", "/etc", "/proc", "/sys"];

/// Devices such as `/dev/null` are written, too.
const DEVICES: &str = "/dev";

/// Folders that a process may read, and folders that it may change.
#[derive(Clone, Debug)]
pub struct Fence {
    readable: Vec<PathBuf>,
    writable: Vec<PathBuf>,
}

impl Fence {
    /// Around a server of `dist`: it may change what is below `folder` alone, and read it, its own
    /// programs, the system's, and `more`.
    pub fn around(dist: &Dist, folder: &Path, more: &[PathBuf]) -> Fence {
        let system = SYSTEM.iter().map(PathBuf::from);
        let readable = system.chain(dist.home().map(Path::to_owned)).chain(more.iter().cloned()).collect();
        Fence { readable, writable: vec![folder.to_owned(), PathBuf::from(DEVICES)] }
    }

    /// Puts the calling thread, and every process that it starts from now on, inside.
    /// False when the kernel has no such fence.
    ///
    /// Errors: [`Error::Tool`] when the kernel has one and refuses it.
    pub(crate) fn enter(&self) -> Result<bool> {
        let refused = |error: landlock::RulesetError| Error::Tool {
            what: "fencing a process in".to_owned(),
            said: error.to_string(),
        };
        let status = Ruleset::default()
            .handle_access(AccessFs::from_all(RIGHTS))
            .and_then(Ruleset::create)
            .and_then(|rules| rules.add_rules(path_beneath_rules(&self.readable, AccessFs::from_read(RIGHTS))))
            .and_then(|rules| rules.add_rules(path_beneath_rules(&self.writable, AccessFs::from_all(RIGHTS))))
            .and_then(landlock::RulesetCreated::restrict_self)
            .map_err(refused)?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }

    /// Whether the kernel can hold a process inside.
    pub fn is_supported(&self) -> bool {
        let inside = thread::scope(|scope| scope.spawn(|| self.enter()).join());
        matches!(inside, Ok(Ok(true)))
    }

    /// Runs a program inside to its end.
    ///
    /// Errors: [`Error::Io`] when it cannot be started, and those of the fence.
    pub fn run(&self, command: &mut Command) -> Result<Output> {
        let inside = thread::scope(|scope| {
            let program = scope.spawn(|| {
                self.enter()?;
                command.output().map_err(Error::io(format!("starting {}", command.get_program().display())))
            });
            program.join()
        });
        inside.unwrap_or_else(|_| Err(Error::Unfit("the thread that started a program ended".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_inside_reaches_what_is_named_and_nothing_else() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        let writable = vec![inside.path().to_owned(), PathBuf::from(DEVICES)];
        let fence = Fence { readable: SYSTEM.map(PathBuf::from).to_vec(), writable };
        if !fence.is_supported() {
            return;
        }
        let shell = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script, "sh"]).arg(inside.path()).arg(outside.path());
            fence.run(&mut command).unwrap().status.success()
        };
        assert!(shell("echo a > $1/a && cat $1/a > /dev/null"));
        assert!(!shell("cat $2/secret"));
        assert!(!shell("echo b > $2/secret"));
        assert!(std::fs::read(outside.path().join("secret")).is_ok(), "the thread outside is not inside");
    }
}
