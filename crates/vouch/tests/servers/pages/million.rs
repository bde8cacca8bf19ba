//! A million changes of one byte each, over pages of every format that servers have written: each is
//! seen, or is in bytes that the format leaves uncovered, which are counted by region.

use super::{filled, pages};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use vouch_innodb::{Checker, FspHeader, Layout, PageNo, PageType, PageVerdict, SpaceFormat, SpaceId};
use vouch_testkit::damage::{Pages, Seal};
use vouch_testkit::{Flavor, Server, spaces};

const CHANGES: u64 = 1_000_000;

/// A stream of numbers that is the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// A tablespace in memory.
struct Space {
    name: String,
    format: SpaceFormat,
    id: SpaceId,
    bytes: Vec<u8>,
    checker: Checker,
}

impl Space {
    fn read(path: &Path) -> Space {
        let bytes = fs::read(path).unwrap();
        let header = FspHeader::read(&bytes).unwrap();
        let (format, id) = (header.format().unwrap(), header.space);
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Space { name, format, id, bytes, checker: Checker::new(format, Some(id)) }
    }

    fn pages(&self) -> usize {
        self.bytes.len() / self.format.physical.bytes()
    }

    /// Where in the file the doublewrite area lies, whose pages belong to other tablespaces.
    fn is_copy(&self, page: usize) -> bool {
        self.id.0 == 0 && (64..192).contains(&page)
    }

    /// Changes one byte and takes it back. Where it is not seen, the region of the byte.
    fn change(&mut self, page: usize, at: usize, mask: u8) -> Option<&'static str> {
        let size = self.format.physical.bytes();
        let bytes = &mut self.bytes[page * size..(page + 1) * size];
        let no = PageNo(u32::try_from(page).unwrap());
        bytes[at] ^= mask;
        let checked = self.checker.check(no, bytes);
        let (verdict, image) = (checked.verdict, checked.image.map(<[u8]>::to_vec));
        bytes[at] ^= mask;
        match verdict {
            PageVerdict::Bad(_) => return None,
            PageVerdict::Unverified(_) => return Some("of a page that needs a key, and is told as unverified"),
            _ => {}
        }
        // A reference of a compressed stream to the same bytes elsewhere.
        let mut same = || image.is_some() && self.checker.check(no, bytes).image.map(<[u8]>::to_vec) == image;
        let region = region(&self.format, bytes, at).or_else(|| same().then_some("of a stream that says the same"));
        assert!(region.is_some(), "{}: byte {at} of page {page} changed by {mask:#x}: {verdict:?}", self.name);
        region
    }
}

/// Bytes that no checksum covers, and that mean nothing by themselves. `page` is as the server wrote it.
fn region(format: &SpaceFormat, page: &[u8], at: usize) -> Option<&'static str> {
    let number = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    let page_type = PageType(u16::try_from(number(24)).unwrap());
    match format.layout {
        Layout::Zip if (16..24).contains(&at) => Some("the LSN of ROW_FORMAT=COMPRESSED"),
        // MariaDB's key version.
        Layout::Zip if number(26) | number(28) != 0 && at < 4 => Some("the checksum under the encryption"),
        Layout::Classic | Layout::Zip if (26..34).contains(&at) => Some("the flush LSN"),
        Layout::Classic if page_type == PageType::MYSQL_COMPRESSED && at >= 38 + number(32) => {
            Some("the hole behind a compressed page")
        }
        Layout::FullCrc32 if number(24) & 0x8000 != 0 && at >= (number(24) & 0x7fff) << 8 => {
            Some("the hole behind a compressed page")
        }
        _ => None,
    }
}

/// The tablespaces of a server that was shut down.
fn spaces_of(server: &Server) -> Vec<Space> {
    let data = server.data();
    let tables = fs::read_dir(data.join(spaces::DATABASE)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = tables.filter(|path| path.extension().is_some_and(|end| end == "ibd")).collect();
    paths.extend(
        ["ibdata1", "undo_001", "undo001", "mysql.ibd"]
            .map(|name| data.join(name))
            .into_iter()
            .filter(|path| path.exists()),
    );
    paths.sort();
    paths.iter().map(|path| Space::read(path)).collect()
}

#[test]
#[allow(clippy::print_stdout)] // The counts are what one would like to see.
fn of_pages() {
    let mut numbers = Numbers(1);
    let mut unseen: BTreeMap<&str, u64> = BTreeMap::new();
    for flavor in Flavor::ALL {
        let server = filled(flavor, 16, &[]);
        server.stop().unwrap();
        let mut spaces = spaces_of(&server);
        assert!(spaces.len() > 15, "{}", spaces.len());
        for _ in 0..CHANGES / 2 {
            let count = spaces.len();
            let space = &mut spaces[numbers.below(count)];
            let page = numbers.below(space.pages());
            if space.is_copy(page) {
                continue;
            }
            let (at, mask) = (numbers.below(space.format.physical.bytes()), numbers.below(255) + 1);
            if let Some(region) = space.change(page, at, u8::try_from(mask).unwrap()) {
                *unseen.entry(region).or_default() += 1;
            }
        }
    }
    println!("of {CHANGES} changes, not seen: {unseen:#?}");
    let uncovered: u64 = unseen.iter().filter(|(region, _)| !region.contains("key")).map(|(_, count)| count).sum();
    assert!(uncovered < CHANGES / 20, "{unseen:#?}");
}

/// The format is read from page 0 before page 0 is judged: changes there take the way of a whole run.
#[test]
fn of_page_0() {
    let mut numbers = Numbers(2);
    let forms = [
        (Flavor::Mysql, "dynamic", 16_384, Seal::Crc32),
        (Flavor::Mysql, "zip8", 8192, Seal::Zip),
        (Flavor::Mariadb, "dynamic", 16_384, Seal::FullCrc32),
    ];
    let folder = tempfile::TempDir::new().unwrap();
    for flavor in Flavor::ALL {
        let server = filled(flavor, 16, &[]);
        server.stop().unwrap();
        for (_, table, size, seal) in forms.into_iter().filter(|form| form.0 == flavor) {
            let path = folder.path().join(format!("{table}.ibd"));
            let healthy =
                Pages::read(&server.data().join(spaces::DATABASE).join(format!("{table}.ibd")), size, seal).unwrap();
            // The header of the space, where flags and sizes stand, and some bytes of all the rest.
            let others: Vec<usize> = (0..50).map(|_| numbers.below(size)).collect();
            for at in (0..150).chain(others) {
                let mut file = healthy.clone();
                file.page(0)[at] ^= u8::try_from(numbers.below(255) + 1).unwrap();
                file.write_to(&path).unwrap();
                let code = pages(&path, &["--state", "clean"]).code;
                let uncovered =
                    seal != Seal::FullCrc32 && (26..34).contains(&at) || seal == Seal::Zip && (16..24).contains(&at);
                assert!(code == 1 || uncovered && code == 0, "{} {table}, byte {at}: exit code {code}", flavor.name());
            }
        }
    }
}
