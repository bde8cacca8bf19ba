//! A library that spoils the n-th read, entry of a folder or look at a file of a process: [`Shim`].
//!
//! It is C, compiled when a test asks for it and loaded by `LD_PRELOAD`: real files,
//! the real program, and a disk that lies once.

use crate::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// A read returns half of what was asked for.
    Short,
    /// It fails with an I/O error.
    Fail,
    /// It returns zeros.
    Zeros,
    /// It returns another page of the file.
    Other,
    /// The list of a folder is without one of its entries.
    Unlisted,
    /// Listing a folder fails with an I/O error on the way.
    Broken,
    /// Opening a file, or asking about it, fails with an I/O error.
    Refused,
}

impl ReadFault {
    /// The ways in which a call can be spoilt.
    pub const ALL: [ReadFault; 7] = [
        ReadFault::Short,
        ReadFault::Fail,
        ReadFault::Zeros,
        ReadFault::Other,
        ReadFault::Unlisted,
        ReadFault::Broken,
        ReadFault::Refused,
    ];

    fn name(self) -> &'static str {
        match self {
            ReadFault::Short => "short",
            ReadFault::Fail => "fail",
            ReadFault::Zeros => "zeros",
            ReadFault::Other => "other",
            ReadFault::Unlisted => "unlisted",
            ReadFault::Broken => "broken",
            ReadFault::Refused => "refused",
        }
    }
}

/// Calls of a process below the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Reads of files.
    pub reads: u64,
    /// Entries of folders.
    pub entries: u64,
    /// Opening files, as far as it goes through libc, and asking about them.
    pub looks: u64,
    /// One of them was spoilt.
    pub spoilt: bool,
}

impl Calls {
    /// Those to which a fault can happen.
    pub fn of(&self, fault: ReadFault) -> u64 {
        match fault {
            ReadFault::Short | ReadFault::Fail | ReadFault::Zeros | ReadFault::Other => self.reads,
            ReadFault::Unlisted | ReadFault::Broken => self.entries,
            ReadFault::Refused => self.looks,
        }
    }
}

/// The compiled library.
pub struct Shim {
    folder: TempDir,
}

impl Shim {
    /// Compiles it.
    ///
    /// Errors: there is no C compiler, or it refuses.
    pub fn build() -> Result<Shim> {
        let folder = TempDir::new().map_err(Error::io("a folder for the shim"))?;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/readfault.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-shared", "-fPIC", "-o"]).arg(folder.path().join("shim.so")).arg(source).arg("-ldl");
        let said = compiler.output().map_err(Error::io("starting cc"))?;
        if !said.status.success() {
            let said = String::from_utf8_lossy(&said.stderr).into_owned();
            return Err(Error::Tool { what: "cc".to_owned(), said });
        }
        Ok(Shim { folder })
    }

    fn count_file(&self) -> PathBuf {
        self.folder.path().join("count")
    }

    /// The variables of a process whose `number`-th call below `under` is spoilt, from 1; 0 for none.
    pub fn variables(&self, under: &Path, number: u64, fault: ReadFault) -> [(&'static str, String); 5] {
        [
            ("LD_PRELOAD", self.folder.path().join("shim.so").display().to_string()),
            ("SHIM_UNDER", under.display().to_string()),
            ("SHIM_AT", number.to_string()),
            ("SHIM_FAULT", fault.name().to_owned()),
            ("SHIM_COUNT", self.count_file().display().to_string()),
        ]
    }

    /// The calls of the last process.
    ///
    /// Errors: it has left no count.
    pub fn counted(&self) -> Result<Calls> {
        let text = fs::read_to_string(self.count_file()).map_err(Error::io("reading the shim's count"))?;
        let numbers: std::result::Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
        match numbers.as_deref() {
            Ok([reads, entries, looks, spoilt]) => {
                Ok(Calls { reads: *reads, entries: *entries, looks: *looks, spoilt: *spoilt == 1 })
            }
            _ => Err(Error::Unfit(format!("the shim's count is {text:?}"))),
        }
    }
}
