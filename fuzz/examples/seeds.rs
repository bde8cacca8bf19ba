//! Makes inputs that targets begin with of files that servers have written, since no fuzzer finds a page by itself:
//! `cargo run --example seeds -- FILE…`, from the folder of this workspace.
//!
//! Of a tablespace, the first page of each type; of a redo log, its head and what follows; of anything else, such as
//! an image of a backup, its beginning.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use vouch_innodb::{FspHeader, Layout, PageType, SpaceFormat};

/// What an input may have at most, by script/fuzz.
const LONGEST: usize = 65_536;

/// Bytes as `arbitrary` reads a list: each behind the word that there is one more.
fn list(bytes: &[u8]) -> Vec<u8> {
    let taken = &bytes[..bytes.len().min(LONGEST / 4)];
    taken.iter().flat_map(|byte| [1, *byte]).chain([0]).collect()
}

fn keep(target: &str, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let folder = Path::new("corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), parts.concat())
}

/// The two bytes that [`vouch_fuzz::format`] turns into that format.
fn choice(format: &SpaceFormat) -> [u8; 2] {
    let size = u8::try_from(format.physical.bytes().ilog2().saturating_sub(10)).unwrap_or_default();
    let layout = match format.layout {
        Layout::Classic => 0,
        Layout::Zip => 1,
        Layout::FullCrc32 => 2,
    };
    [size | layout << 3, u8::from(format.codec.is_some()) | u8::from(format.encrypted) << 3]
}

fn tablespace(name: &str, bytes: &[u8], header: &FspHeader, format: &SpaceFormat) -> io::Result<()> {
    let mut seen = BTreeSet::new();
    for (no, page) in (0_u32..).zip(bytes.chunks_exact(format.physical.bytes())) {
        let page_type = u16::from_be_bytes([page[24], page[25]]);
        if !seen.insert(page_type) {
            continue;
        }
        let name = format!("{name}-{page_type}");
        let number = no.to_le_bytes();
        keep("page", &name, &[&number, &choice(format), &list(page)])?;
        keep("flags", &name, &[&header.flags.to_le_bytes(), &number, &list(page)])?;
        keep("sdi", &name, &[page])?;
        if page_type == PageType::INDEX.0 {
            keep("record_chain", &name, &[&[1], &number, &list(page), &[0]])?;
        }
    }
    Ok(())
}

fn other(name: &str, bytes: &[u8]) -> io::Result<()> {
    let rest = bytes.get(12_288..).unwrap_or_default();
    keep("redo", name, &[&0_u64.to_le_bytes(), &list(&bytes[..bytes.len().min(4096)]), &list(rest)])?;
    keep("xbstream", name, &[&[0], &list(bytes)])
}

fn main() -> io::Result<()> {
    for path in std::env::args_os().skip(1) {
        let bytes = fs::read(&path)?;
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let begins = bytes.get(24..26) == Some(&PageType::FSP_HEADER.0.to_be_bytes());
        let header = FspHeader::read(&bytes).filter(|_| begins);
        match header.as_ref().and_then(|header| Some((header, header.format().ok()?))) {
            Some((header, format)) => tablespace(&name, &bytes, header, &format)?,
            None => other(&name, &bytes)?,
        }
    }
    Ok(())
}
