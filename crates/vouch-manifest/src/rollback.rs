//! Anti-rollback: the serial of the last manifest of each cluster that was accepted.
//!
//! Main type: [`Serials`], a folder with a small file for each cluster. What is in
//! it is no secret, but whoever may write there may roll back.

use crate::digest::sha256_hex;
use crate::refused::{Reason, Refused};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use vouch_convert::parse;

/// Where the serials are kept.
#[derive(Clone, Debug)]
pub struct Serials {
    folder: PathBuf,
}

/// The last manifest of a cluster that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its serial.
    pub serial: u64,
    /// SHA-256 of its bytes.
    pub digest: String,
}

impl Serials {
    /// Serials in `folder`, which is made when one is first kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Serials { folder: folder.into() }
    }

    /// A cluster's name may be anything, a file's may not.
    fn file(&self, cluster: &str) -> PathBuf {
        self.folder.join(format!("{}.serial", sha256_hex(cluster.as_bytes())))
    }

    /// What was accepted last; `None` when nothing was.
    ///
    /// # Errors
    /// The file cannot be read or makes no sense: then nothing may be accepted.
    pub fn standing(&self, cluster: &str) -> Result<Option<Standing>, Refused> {
        let file = self.file(cluster);
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&file, &error.to_string())),
            Ok(text) => text,
        };
        let parsed = text
            .trim_end()
            .split_once(' ')
            .and_then(|(serial, digest)| Some(Standing { serial: parse(serial)?, digest: digest.to_owned() }));
        parsed.map(Some).ok_or_else(|| unreadable(&file, "it makes no sense"))
    }

    /// Refuses a manifest that is older than the last one accepted, or another one of the same serial.
    ///
    /// # Errors
    /// [`Reason::Rollback`].
    pub fn check(&self, cluster: &str, serial: u64, digest: &str) -> Result<(), Refused> {
        let refuse = |message: String| {
            Err(Refused::new(
                Reason::Rollback,
                message,
                "use the newest manifest; to look at an older backup on purpose, say --allow-older",
            ))
        };
        match self.standing(cluster)? {
            Some(last) if serial < last.serial => {
                refuse(format!("the manifest has serial {serial}, and {} was accepted before it", last.serial))
            }
            Some(last) if serial == last.serial && digest != last.digest => {
                refuse(format!("another manifest of serial {serial} was accepted before it"))
            }
            _ => Ok(()),
        }
    }

    /// Keeps a manifest as the last one accepted, unless a newer one was.
    ///
    /// # Errors
    /// The system's.
    pub fn keep(&self, cluster: &str, serial: u64, digest: &str) -> io::Result<()> {
        if self.standing(cluster).ok().flatten().is_some_and(|last| last.serial >= serial) {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let file = self.file(cluster);
        let partial = file.with_extension(format!("{}.partial", std::process::id()));
        let mut out = fs::File::create(&partial)?;
        out.write_all(format!("{serial} {digest}\n").as_bytes())?;
        out.sync_all()?;
        fs::rename(&partial, &file)
    }
}

fn unreadable(file: &Path, why: &str) -> Refused {
    Refused::new(
        Reason::Rollback,
        format!("the last serial could not be read from {}: {why}", file.display()),
        "mend the file or its permissions; without it an older manifest could pass",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_older_one_and_another_one_of_the_same_serial_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let serials = Serials::new(folder.path().join("new"));
        serials.check("prod", 5, "a").unwrap();
        serials.keep("prod", 5, "a").unwrap();
        serials.check("prod", 5, "a").unwrap();
        serials.check("prod", 6, "b").unwrap();
        serials.check("other", 1, "b").unwrap();
        assert_eq!(serials.check("prod", 4, "b").unwrap_err().reason, Reason::Rollback);
        assert_eq!(serials.check("prod", 5, "b").unwrap_err().reason, Reason::Rollback);
        serials.keep("prod", 4, "c").unwrap();
        assert_eq!(serials.standing("prod").unwrap().unwrap().serial, 5);
        fs::write(serials.file("prod"), "nonsense").unwrap();
        assert!(serials.check("prod", 9, "z").is_err());
    }
}
