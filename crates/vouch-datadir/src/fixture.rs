//! Tablespaces made in code, and runs over them, for tests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::{BackupKey, Inputs, Level, PagesOptions, StateChoice, verify};
use std::path::Path;
use vouch_innodb::crc32c;
use vouch_report::{Code, RunContext, Summary};

/// Bytes of a page.
pub(crate) const PAGE: usize = 16_384;

/// A page of a tablespace with checksums of `crc32`, sealed.
pub(crate) fn page(space: u32, no: u32, page_type: u16, lsn: u64) -> Vec<u8> {
    let mut page = vec![0; PAGE];
    page[4..8].copy_from_slice(&no.to_be_bytes());
    page[8..16].fill(0xff);
    page[16..24].copy_from_slice(&lsn.to_be_bytes());
    page[24..26].copy_from_slice(&page_type.to_be_bytes());
    page[34..38].copy_from_slice(&space.to_be_bytes());
    seal(&mut page);
    page
}

/// Writes the checksum, and the LSN's copy.
pub(crate) fn seal(page: &mut [u8]) {
    let low: [u8; 4] = page[20..24].try_into().unwrap();
    page[PAGE - 4..].copy_from_slice(&low);
    let sum = (crc32c(&page[4..26]) ^ crc32c(&page[38..PAGE - 8])).to_be_bytes();
    page[..4].copy_from_slice(&sum);
    page[PAGE - 8..PAGE - 4].copy_from_slice(&sum);
}

/// Page 0 of a tablespace of so many pages, all in use.
pub(crate) fn first_page(space: u32, pages: u32, flags: u32, lsn: u64) -> Vec<u8> {
    let mut first = page(space, 0, 8, lsn);
    first[38..42].copy_from_slice(&space.to_be_bytes());
    first[46..50].copy_from_slice(&pages.to_be_bytes());
    first[50..54].copy_from_slice(&pages.to_be_bytes());
    first[54..58].copy_from_slice(&flags.to_be_bytes());
    // One extent, whose single pages are handed out, and one page of inodes.
    first[58..62].copy_from_slice(&pages.min(64).to_be_bytes());
    [62, 94, 118].into_iter().for_each(|at| list(&mut first, at, None));
    list(&mut first, 78, Some((0, 158)));
    first[110..118].copy_from_slice(&2_u64.to_be_bytes());
    list(&mut first, 134, Some((2, 38)));
    [158, 164].into_iter().for_each(|at| place(&mut first, at, None));
    first[150 + 23] = 2;
    first[150 + 24..150 + 40].fill(0xff);
    for no in 0..usize::try_from(pages).unwrap().min(64) {
        first[150 + 24 + no / 4] &= !(1 << (no % 4 * 2));
    }
    seal(&mut first);
    first
}

/// Page 2 of a tablespace of so many pages: one segment, which has all pages behind this one.
pub(crate) fn inodes(space: u32, pages: u32, lsn: u64) -> Vec<u8> {
    let mut page = page(space, 2, 3, lsn);
    [38, 44].into_iter().for_each(|at| place(&mut page, at, None));
    page[50..58].copy_from_slice(&1_u64.to_be_bytes());
    [62, 78, 94].into_iter().for_each(|at| list(&mut page, at, None));
    page[110..114].copy_from_slice(&97_937_874_u32.to_be_bytes());
    page[114..242].fill(0xff);
    for (at, no) in (114..242).step_by(4).zip(3..pages) {
        page[at..at + 4].copy_from_slice(&no.to_be_bytes());
    }
    seal(&mut page);
    page
}

/// Where a list leads: a page and a byte in it.
fn place(page: &mut [u8], at: usize, place: Option<(u32, u16)>) {
    let (no, byte) = place.unwrap_or((u32::MAX, 0));
    page[at..at + 4].copy_from_slice(&no.to_be_bytes());
    page[at + 4..at + 6].copy_from_slice(&byte.to_be_bytes());
}

/// A list of one node, or none.
fn list(page: &mut [u8], at: usize, node: Option<(u32, u16)>) {
    page[at..at + 4].copy_from_slice(&u32::from(node.is_some()).to_be_bytes());
    place(page, at + 4, node);
    place(page, at + 10, node);
}

/// A tablespace of pages whose last changes are of these LSNs.
pub(crate) fn tablespace(space: u32, lsns: &[u64]) -> Vec<u8> {
    let pages = u32::try_from(lsns.len()).unwrap();
    let mut bytes = first_page(space, pages, 0x21, lsns[0]);
    for (no, lsn) in (0..).zip(lsns).skip(1) {
        bytes.extend(match no {
            1 => page(space, no, 5, *lsn),
            2 => inodes(space, pages, *lsn),
            _ => page(space, no, 6, *lsn),
        });
    }
    bytes
}

/// Verifies what lies in a folder, or a file.
pub(crate) fn run(folder: &Path) -> Summary {
    run_with_key(folder, None)
}

/// The same with a key of encrypted backups.
pub(crate) fn run_with_key(folder: &Path, backup_key: Option<BackupKey>) -> Summary {
    run_paths(&[folder], backup_key)
}

/// Verifies all that is named.
pub(crate) fn run_paths(paths: &[&Path], backup_key: Option<BackupKey>) -> Summary {
    let options = PagesOptions {
        backup_key,
        keyring: vouch_innodb::Keyring::default(),
        first_method: vouch_innodb::Method::Crc32,
        strict: None,
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        level: Level::Tree,
        state: StateChoice::Auto,
        threads: 2,
        max_bad_pages: None,
        max_findings: 100,
    };
    verify(&options, Inputs::default(), &RunContext::silent()).unwrap()
}

/// Code and file of each finding.
pub(crate) fn findings(summary: &Summary) -> Vec<(Code, String)> {
    let named = |finding: &vouch_report::Finding| (finding.code, finding.location.file.clone().unwrap().file);
    summary.findings.iter().map(named).collect()
}

/// Writes a file, with its folders.
pub(crate) fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A leaf of SDI with one record, which fits one byte of length or two.
pub(crate) fn sdi_leaf(space: u32, no: u32, lsn: u64, packed: &[u8], length: usize) -> Vec<u8> {
    let mut leaf = node(space, no, 17_853, u64::MAX, lsn);
    let (at, stored) = (140, u16::try_from(packed.len()).unwrap().to_be_bytes());
    leaf[97..99].copy_from_slice(&u16::try_from(at - 99).unwrap().to_be_bytes());
    (leaf[at - 6], leaf[at - 7]) = (0x80 | stored[0], stored[1]);
    // Heap number 2 of an ordinary record, and the way to supremum.
    leaf[at - 4..at - 2].copy_from_slice(&(2_u16 << 3).to_be_bytes());
    leaf[at - 2..at].copy_from_slice(&(112_u16.wrapping_sub(140)).to_be_bytes());
    leaf[112 - 5] = 2;
    leaf[at..at + 4].copy_from_slice(&1_u32.to_be_bytes());
    leaf[at + 4..at + 12].copy_from_slice(&7_u64.to_be_bytes());
    leaf[at + 25..at + 29].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
    leaf[at + 29..at + 33].copy_from_slice(&u32::try_from(packed.len()).unwrap().to_be_bytes());
    leaf[at + 33..at + 33 + packed.len()].copy_from_slice(packed);
    let top = u16::try_from(at + 33 + packed.len()).unwrap();
    leaf[40..42].copy_from_slice(&top.to_be_bytes());
    leaf[42..44].copy_from_slice(&0x8003_u16.to_be_bytes());
    leaf[54..56].copy_from_slice(&1_u16.to_be_bytes());
    seal(&mut leaf);
    leaf
}

/// An empty leaf of an index, which is also its root.
pub(crate) fn node(space: u32, no: u32, page_type: u16, index: u64, lsn: u64) -> Vec<u8> {
    let mut node = page(space, no, page_type, lsn);
    node[38..40].copy_from_slice(&2_u16.to_be_bytes());
    node[40..42].copy_from_slice(&120_u16.to_be_bytes());
    node[42..44].copy_from_slice(&0x8002_u16.to_be_bytes());
    node[66..74].copy_from_slice(&index.to_be_bytes());
    [78, 88].into_iter().for_each(|at| place(&mut node, at, Some((2, 50))));
    // Infimum, which leads to supremum; each owns itself.
    node[94..99].copy_from_slice(&[1, 0, 2, 0, 13]);
    node[99..107].copy_from_slice(b"infimum\0");
    node[107..112].copy_from_slice(&[1, 0, 11, 0, 0]);
    node[112..120].copy_from_slice(b"supremum");
    node[PAGE - 10..PAGE - 8].copy_from_slice(&99_u16.to_be_bytes());
    node[PAGE - 12..PAGE - 10].copy_from_slice(&112_u16.to_be_bytes());
    seal(&mut node);
    node
}

/// What is so many bytes long, with its checksum behind it.
pub(crate) fn sealed(mut block: Vec<u8>, length: usize) -> Vec<u8> {
    block.resize(length, 0);
    let sum = crc32c(&block);
    block.extend(sum.to_be_bytes());
    block
}

/// A copy of MariaDB's log with so many mini-transactions, and where each begins.
pub(crate) fn copied_log(first: u64, count: usize) -> (Vec<u8>, Vec<usize>) {
    let mut head = b"Phys\0\0\0\0".to_vec();
    head.extend(first.to_be_bytes());
    head.extend(b"Backup 11");
    let mut bytes = sealed(head, 508);
    bytes.resize(4096, 0);
    let mark = [first.to_be_bytes(), first.to_be_bytes()].concat();
    bytes.extend(sealed(mark, 60));
    bytes.resize(vouch_innodb::MariadbLog::HEAD, 0);
    let mut places = Vec::new();
    for number in 0..count {
        places.push(bytes.len());
        // Page `number` of the system tablespace is initialised. Then a record whose length stands in a byte of its
        // own, and the bit of the first lap.
        let small = u8::try_from(number % 100).unwrap();
        let mut records = vec![0x12, 0, small, 0x30, 0x80, 0x03 + small];
        let length = 128 + 3 + number % 100 + 15;
        records.resize(3 + 1 + length, 0x61);
        let sum = crc32c(&records);
        bytes.extend(&records);
        bytes.push(1);
        bytes.extend(sum.to_be_bytes());
    }
    (bytes, places)
}
