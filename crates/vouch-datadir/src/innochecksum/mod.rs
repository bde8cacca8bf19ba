//! What innochecksum does, in its own words, by the verdicts of vouch: [`innochecksum`].
//!
//! Invariants: the words are those of the tool that comes with the server that wrote the file;
//! nothing is ever written to a file that is looked at; a page that could not be verified is told.

mod kinds;
mod round;
mod strict;
mod summary;
mod walk;

use round::Round;
use std::fs::File;
use std::path::PathBuf;

/// Whose words are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL's innochecksum.
    Mysql,
    /// MariaDB's innochecksum.
    Mariadb,
}

/// A checksum algorithm that pages are asked to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// crc32.
    Crc32,
    /// The formula of old.
    Innodb,
    /// Checksums turned off.
    None,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct InnochecksumOptions {
    /// Files, in their order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Whose words; by each file where it is not given.
    pub dialect: Option<Dialect>,
    /// Only count pages.
    pub count: bool,
    /// The first page that is looked at.
    pub start: u32,
    /// The last page that is looked at.
    pub end: Option<u32>,
    /// Whether checksums are verified.
    pub verify: bool,
    /// Bad pages that are put up with.
    pub allowed: u64,
    /// Warn of pages with another algorithm.
    pub strict: Option<Algorithm>,
    /// Count pages by their type.
    pub summary: bool,
    /// Tell each page's type.
    pub dump: bool,
    /// Tell each page on standard output.
    pub details: bool,
    /// Leave pages out that the tablespace does not use.
    pub skip_freed: bool,
    /// Tell what was seen of each page in the log.
    pub log: bool,
    /// Tell how far it is.
    pub verbose: bool,
}

/// Something that is said, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Standard output, as it is.
    Out(String),
    /// A line on standard error.
    Err(String),
    /// The file of page types, as it is.
    Dump(String),
    /// A line of the log.
    Log(String),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No more bad pages than allowed.
    Well,
    /// More bad pages than allowed, or a file that could not be looked at.
    Badly,
    /// The signal of this number came.
    Stopped(u8),
}

/// Why no further page is looked at.
enum Halt {
    Badly,
    Stopped(u8),
}

/// Looks at every file until one has more bad pages than are allowed. `input` is what `-` stands for.
pub fn innochecksum(
    options: &InnochecksumOptions,
    input: Option<File>,
    stopped: &dyn Fn() -> Option<u8>,
    say: &mut dyn FnMut(Said),
) -> Ended {
    let mut input = input;
    for path in &options.files {
        let from = if path.as_os_str() == "-" { input.take() } else { None };
        match Round::new(options, stopped, say).of(path, from) {
            Ok(()) => {}
            Err(Halt::Badly) => return Ended::Badly,
            Err(Halt::Stopped(signal)) => return Ended::Stopped(signal),
        }
    }
    Ended::Well
}
