//! Archives that GNU tar itself has written, appended, padded, cut and changed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use std::path::Path;
use std::process::Command;

type Files = Vec<(String, Vec<u8>)>;

/// All that a walk tells.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    files: Files,
    absent: Vec<(String, Absent)>,
    damaged: Vec<String>,
    aside: Vec<String>,
}

impl Visitor for Told {
    fn file(&mut self, path: &str, _: u64, input: &mut dyn Read) -> io::Result<()> {
        let mut all = Vec::new();
        input.read_to_end(&mut all)?;
        self.files.push((path.to_owned(), all));
        Ok(())
    }

    fn absent(&mut self, path: &str, why: &Absent) {
        self.absent.push((path.to_owned(), why.clone()));
    }

    fn damaged(&mut self, _: u64, what: String) {
        self.damaged.push(what);
    }

    fn aside(&mut self, what: String) {
        self.aside.push(what);
    }
}

fn read(bytes: &[u8]) -> (Told, Result<(), Fault>) {
    let mut told = Told::default();
    let outcome = walk(&mut &*bytes, &mut told).map_err(|error| Fault::of(&error));
    (told, outcome)
}

/// Files of a folder as the walk should find them.
fn sources() -> Files {
    let long = format!("{}/{}", "a folder with a long name ".repeat(7).trim_end(), "t.ibd".repeat(40));
    let big: Vec<u8> = (0..70_000_u32).flat_map(u32::to_be_bytes).collect();
    let mut holes = vec![0; 3 << 20];
    [0, 700_000, 2 << 20].into_iter().for_each(|at| holes[at..at + 5_000].fill(b'x'));
    [("db/t.ibd", big), ("empty", vec![]), (&long, b"pages".to_vec()), ("holes.ibd", holes)]
        .map(|(path, contents)| (path.to_owned(), contents))
        .into()
}

fn archive(options: &[&str], files: &Files) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, contents).unwrap();
        if contents.len() > 1 << 20 {
            assert!(Command::new("fallocate").arg("-d").arg(&path).status().unwrap().success());
        }
    }
    let names = files.iter().map(|(path, _)| Path::new(path));
    let mut tar = Command::new("tar");
    tar.args(options).arg("-cf").arg("-").arg("-C").arg(folder.path()).args(names);
    let output = tar.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

const FORMATS: [&[&str]; 8] = [
    &["--format=gnu"],
    &["--format=pax"],
    &["--format=gnu", "-S"],
    &["--format=pax", "-S"],
    &["--format=pax", "-S", "--sparse-version=0.0"],
    &["--format=pax", "-S", "--sparse-version=0.1"],
    &["--format=gnu", "-V", "label"],
    &["--format=pax", "--pax-option=comment:=backup"],
];

/// A backup of two archives, one behind the other, was read to the end of the first one: a damaged table in the
/// second would have been restored.
#[test]
fn archives_follow_each_other_and_padding_is_passed_over() {
    let files = sources();
    let twice: Files = files.iter().chain(&files).cloned().collect();
    for options in FORMATS {
        let whole = archive(options, &files);
        let told = |files: &Files| Told { files: files.clone(), ..Told::default() };
        assert_eq!(read(&whole), (told(&files), Ok(())), "{options:?}");
        assert_eq!(read(&[&whole[..], &whole].concat()), (told(&twice), Ok(())), "{options:?} twice");
        for zeros in [1, 512, 100_000] {
            let padded = [&whole[..], &vec![0; zeros]].concat();
            assert_eq!(read(&padded), (told(&files), Ok(())), "{options:?} and {zeros} zeros");
        }
        for (junk, bytes) in [(&b"junk"[..], 4), (&[7; 3000], 3000)] {
            let (told, outcome) = read(&[&whole[..], junk].concat());
            assert!(outcome.is_ok() && told.files == files && told.damaged.is_empty());
            assert!(told.aside.len() == 1 && told.aside[0].contains(&format!("{bytes} bytes")), "{:?}", told.aside);
        }
        let (told, outcome) = read(&[&whole[..], &[7; 1024], &whole].concat());
        assert!(outcome.is_ok() && told.files == twice && told.aside.len() == 1, "{:?}", told.aside);
    }
}

#[test]
fn cuts_and_changed_bytes_of_headers_are_seen() {
    let files: Files = sources().into_iter().filter(|(_, contents)| contents.len() < 1000).collect();
    for options in FORMATS {
        let whole = archive(options, &files);
        let used = whole.iter().rposition(|byte| *byte != 0).unwrap() / BLOCK * BLOCK + BLOCK;
        for end in (0..used + BLOCK).step_by(101) {
            assert_eq!(read(&whole[..end]).1, Err(Fault::Cut), "{options:?} cut at {end} of {used}");
        }
        assert_eq!(read(&whole[..used + BLOCK]).1, Ok(()));
        // The sum of a header covers all of it.
        for at in (0..whole.len()).filter(|at| at % BLOCK < 500) {
            let block = at / BLOCK * BLOCK;
            if whole[block + 257..].starts_with(b"ustar") {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                let (told, outcome) = read(&changed);
                assert!(outcome.is_err() || told.damaged.len() == 1, "{options:?} at {at}: {told:?} {outcome:?}");
            }
        }
    }
}

#[test]
fn the_walk_goes_on_after_a_damaged_header() {
    let files = sources();
    let mut whole = archive(&["--format=gnu"], &files);
    whole[3] ^= 1;
    let (told, outcome) = read(&whole);
    assert_eq!((outcome, &told.files[..]), (Ok(()), &files[1..]));
    let bytes = BLOCK + files[0].1.len().next_multiple_of(BLOCK);
    let expected = format!("no file begins at byte 0; {bytes} bytes up to {bytes} are not verified");
    assert_eq!(told.damaged, [expected]);
}

/// A table whose data is elsewhere is not in the archive, though a member of its name is.
#[test]
fn what_has_no_contents_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("t.ibd"), "pages").unwrap();
    std::fs::hard_link(path("t.ibd"), path("u.ibd")).unwrap();
    std::os::unix::fs::symlink("/elsewhere/v.ibd", path("v.ibd")).unwrap();
    assert!(Command::new("mkfifo").arg(path("w.ibd")).status().unwrap().success());
    let output = Command::new("tar")
        .args(["-cf", "-", "-C"])
        .arg(folder.path())
        .args(["t.ibd", "u.ibd", "v.ibd", "w.ibd", "."])
        .output()
        .unwrap();
    let (told, outcome) = read(&output.stdout);
    assert!(outcome.is_ok() && told.files == [("t.ibd".to_owned(), b"pages".to_vec())], "{told:?}");
    let absent = |name: &str| told.absent.iter().find(|(known, _)| known == name).map(|(_, why)| why.clone());
    assert_eq!(absent("u.ibd"), Some(Absent::HardLink("t.ibd".to_owned())));
    assert_eq!(absent("v.ibd"), Some(Absent::SymbolicLink("/elsewhere/v.ibd".to_owned())));
    assert_eq!(absent("w.ibd"), Some(Absent::Device));
}

/// A header of an archive.
fn header(name: &str, kind: u8, bytes: u64) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{bytes:011o}").as_bytes());
    block[148..156].fill(b' ');
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

/// An archive of 3 MB that named a header of 700 MB took 2 GB of memory, and with it the server beside it.
#[test]
fn a_header_that_is_too_long_is_damage_and_is_not_held() {
    let bytes = 700 << 20;
    for kind in [b'L', b'K', b'x'] {
        let (begin, file) = (header("long", kind, bytes), header("t.ibd", b'0', 5));
        let contents = io::repeat(b'a').take(bytes);
        let end = [&file[..], b"pages", &[0; BLOCK - 5], &[0; 2 * BLOCK]].concat();
        let mut told = Told::default();
        let before = peak();
        walk(&mut begin.chain(contents).chain(&end[..]), &mut told).unwrap();
        assert!(peak() - before < 8 << 20, "{} bytes more", peak() - before);
        assert_eq!(told.files, [("t.ibd".to_owned(), b"pages".to_vec())]);
        assert!(told.damaged.len() == 1 && told.damaged[0].contains("734003200 bytes"), "{:?}", told.damaged);
    }
}

#[test]
fn a_header_is_too_long_from_64_kib_on_and_a_map_of_holes_is_not_damage() {
    let archive = |text: &[u8]| {
        let head = header("x", b'x', text.len() as u64);
        let pad = vec![0; (BLOCK - text.len() % BLOCK) % BLOCK];
        let file = header("t.ibd", b'0', 5);
        [&head[..], text, &pad, &file, b"pages", &[0; BLOCK - 5], &[0; 2 * BLOCK]].concat()
    };
    let entry = |key: &str, bytes: usize| {
        let length = bytes + key.len() + 3 + bytes.to_string().len();
        let length = length + usize::from(length.to_string().len() > bytes.to_string().len());
        format!("{length} {key}={}\n", "a".repeat(bytes)).into_bytes()
    };
    let (told, _) = read(&archive(&entry("comment", 60_000)));
    assert_eq!((told.damaged.len(), told.files.len()), (0, 1));
    let (told, _) = read(&archive(&entry("comment", 70_000)));
    assert!(told.damaged.len() == 1 && told.damaged[0].contains("which cannot be"), "{:?}", told.damaged);
    let (told, outcome) = read(&archive(&entry("GNU.sparse.map", 70_000)));
    assert_eq!((told.damaged, told.files), (vec![], vec![]));
    assert!(matches!(outcome, Err(Fault::Unsupported(what)) if what.contains("map of holes")));
}

/// The most memory that the process has held.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn types_that_are_not_known_are_told() {
    let bytes = [header("t.ibd", b'q', 600), vec![7; 1024], vec![0; 2 * BLOCK]].concat();
    let (told, outcome) = read(&bytes);
    assert_eq!((outcome, told.absent), (Ok(()), vec![("t.ibd".to_owned(), Absent::Unknown(b'q'))]));
}
