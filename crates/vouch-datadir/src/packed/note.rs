//! Notes of backup tools beside their files, packed as those are: [`beside`].
//!
//! Invariant: a note that is there and cannot be read is never taken for one that is not there.

use super::fault::Fault;
use super::layer::{self, Aside, Opening};
use super::memory::Memory;
use super::outcome::Collected;
use crate::instance::SETTINGS;
use crate::keyring::BackupKey;
use crate::kind::packed_names;
use crate::read::open_regular;
use crate::state::State;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use vouch_report::Code;

/// Notes are shorter.
pub(super) const MOST: usize = 64 << 10;

/// The text of a note, which may be packed; `None` where there is none.
///
/// # Errors
/// It cannot be read or unpacked.
pub(crate) fn beside(path: &Path, key: Option<&BackupKey>) -> io::Result<Option<String>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for name in packed_names(&name) {
        match open_regular(&path.with_file_name(name)) {
            Ok(file) => return text(file, key).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn text(file: File, key: Option<&BackupKey>) -> io::Result<String> {
    let memory = Memory::default();
    let with = Opening { key, memory: &memory, aside: Aside::default() };
    let mut input = layer::open(Box::new(file), &with)?.input;
    let text = layer::head(&mut input, MOST)?;
    // The sums of what is packed stand at its end.
    if io::copy(&mut input, &mut io::sink())? > 0 {
        return Err(io::Error::other("it is longer than such a note is"));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Says of the notes of these directories which cannot be read: without them nobody knows the state of the files.
pub(super) fn check<'a>(roots: impl Iterator<Item = &'a Path>, key: Option<&BackupKey>, out: &Collected) {
    let roots: BTreeSet<&Path> = roots.filter(|root| root.is_dir()).collect();
    for root in roots {
        for name in State::NOTES.into_iter().chain([SETTINGS]) {
            if let Err(error) = beside(&root.join(name), key) {
                refused(name, &error, out);
            }
        }
    }
}

/// A note that cannot be read.
pub(super) fn refused(name: &str, error: &io::Error, out: &Collected) {
    match Fault::of(error) {
        Fault::Cut => out.damage(Code::ImageCut, name, None, Fault::Cut.to_string()),
        Fault::Damaged(what) => out.damage(Code::ImageDamaged, name, None, what),
        Fault::Locked(how) => {
            out.unproven(name, Code::PageEncrypted, format!("{name} is encrypted: {how}"));
        }
        Fault::Unsupported(what) => {
            out.unproven(name, Code::FileUnreadable, format!("{name} could not be read: {what}"));
        }
    }
}
