//! What several targets share: [`standard_input`] verifies bytes as `vouch pages -` would,
//! and [`laid_out`] makes pages of the right size of whatever bytes there are.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;
use vouch_datadir::{Inputs, Level, PagesOptions, StateChoice, verify};
use vouch_innodb::{Codec, Layout, PageSize, SpaceFormat};
use vouch_report::RunContext;

/// Verifies the bytes as they would come through a pipe. Only a panic is a failure.
pub fn standard_input(bytes: &[u8]) {
    let Ok(descriptor) = rustix::fs::memfd_create("input", rustix::fs::MemfdFlags::CLOEXEC) else { return };
    let mut input = File::from(descriptor);
    if input.write_all(bytes).is_err() || input.rewind().is_err() {
        return;
    }
    let options = PagesOptions {
        paths: vec![PathBuf::from("-")],
        level: Level::Full,
        state: StateChoice::Clean,
        backup_key: None,
        keyring: vouch_datadir::Keyring::default(),
        first_method: vouch_datadir::Method::Crc32,
        strict: None,
        threads: 1,
        max_bad_pages: None,
        max_findings: 20,
    };
    let inputs = Inputs { standard_input: Some(input), ..Inputs::default() };
    let _ = verify(&options, inputs, &RunContext::silent());
}

/// A format of pages, told by two bytes.
pub fn format(choice: [u8; 2]) -> Option<SpaceFormat> {
    let size = PageSize::new(1024 << (choice[0] & 7).min(6))?;
    let layout = [Layout::Classic, Layout::Zip, Layout::FullCrc32][usize::from(choice[0] >> 3) % 3];
    let codec = [
        None,
        Some(Codec::Zlib),
        Some(Codec::Lz4),
        Some(Codec::Lzo),
        Some(Codec::Lzma),
        Some(Codec::Bzip2),
        Some(Codec::Snappy),
    ][usize::from(choice[1] & 7) % 7];
    Some(SpaceFormat { codec, encrypted: choice[1] & 8 != 0, ..SpaceFormat::plain(size, layout) })
}

/// The first half of the bytes at the start of a page, the rest at its end, where directories and trailers are.
pub fn laid_out(bytes: &[u8], size: usize) -> Vec<u8> {
    let mut page = vec![0; size];
    let (head, tail) = bytes.split_at(bytes.len().min(size) / 2);
    let tail = &tail[..tail.len().min(size - head.len())];
    page[..head.len()].copy_from_slice(head);
    page[size - tail.len()..].copy_from_slice(tail);
    page
}
