//! What innochecksum does, in its own words, by the verdicts of vouch: [`innochecksum`].
//!
//! Invariants: the words are those of the tool that comes with the server that wrote the file;
//! nothing is ever written to a file that is checked; a page that could not be verified is reported;
//! the exit code follows from an account of the files.

mod kinds;
mod round;
mod strict;
mod summary;
mod walk;

use round::Round;
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use vouch_report::{Command, Coverage, Debt, Item, ItemKind, Recorder, RunContext, Summary};

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

/// No further page is read: what ended it was reported.
struct Halt;

/// Checks every file until one has more bad pages than are allowed. `input` is what `-` stands for.
pub fn innochecksum(
    options: &InnochecksumOptions,
    input: Option<File>,
    context: &RunContext,
    say: &mut dyn FnMut(Said),
) -> Summary {
    let recorder = Recorder::begin(Command::Innochecksum, context.clone());
    let debts = owe(&recorder, &options.files);
    let mut input = input;
    for (path, debt) in options.files.iter().zip(debts) {
        let from = if path.as_os_str() == "-" { input.take() } else { None };
        if Round::new(options, &recorder, debt, say).of(path, from).is_err() {
            break;
        }
    }
    recorder.finish(Coverage::empty(Command::Innochecksum))
}

/// Every file that is named is owed, and one that is named twice is owed twice.
fn owe(recorder: &Recorder, files: &[PathBuf]) -> Vec<Debt> {
    let mut times: HashMap<&PathBuf, u64> = HashMap::new();
    let mut owed = |path| {
        let times = times.entry(path).or_default();
        *times = times.saturating_add(1);
        let name = path.display().to_string();
        let name = if *times == 1 { name } else { format!("{name} (named {times} times)") };
        recorder.owe(Item::new(ItemKind::File, name))
    };
    files.iter().map(&mut owed).collect()
}
