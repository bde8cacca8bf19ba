//! Files that the tools themselves have packed, appended, padded, cut and changed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::super::fault::Fault;
use super::super::layer::{Aside, Layer, Opening};
use super::super::memory::Memory;
use crate::tools::through;
use std::io::{self, Read};

/// How files are packed: the layer, the tool and its arguments.
const WAYS: [(Layer, &[&str]); 12] = [
    (Layer::Gzip, &["gzip", "-c"]),
    (Layer::Bzip2, &["bzip2", "-c"]),
    (Layer::Xz, &["xz", "-c"]),
    (Layer::Xz, &["xz", "-c", "-0", "-T2", "--block-size=70000", "--check=sha256"]),
    (Layer::Xz, &["xz", "-c", "--x86", "--lzma2=dict=4KiB"]),
    (Layer::Zstd, &["zstd", "-qc"]),
    (Layer::Zstd, &["zstd", "-qc", "--long=31", "-19"]),
    (Layer::Zstd, &["zstd", "-qc", "-1"]),
    (Layer::Zstd, &["pzstd", "-qc", "-p2"]),
    (Layer::Lz4, &["lz4", "-qc"]),
    (Layer::Lz4, &["lz4", "-qc", "-B4", "-BD", "-BX"]),
    (Layer::Lz4, &["lz4", "-qc", "-9", "-B7", "-BI"]),
];

/// Text that repeats, and does not pack to nothing.
fn contents() -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 24
    };
    (0..60_000).flat_map(|at| [b"page"[at % 4], u8::try_from(next() & 15).unwrap(), 0, 0, 1]).collect()
}

fn packed(way: &[&str], contents: &[u8]) -> Vec<u8> {
    through(way, contents)
}

/// Contents that are shown by their length alone where a test fails.
#[derive(Clone, PartialEq, Eq)]
struct Out(Vec<u8>);

impl std::fmt::Debug for Out {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(out, "{} bytes", self.0.len())
    }
}

/// What comes out, and what is told aside.
fn read_with(layer: Layer, bytes: &[u8], memory: &Memory) -> (Result<Out, Fault>, Vec<String>) {
    let with = Opening { key: None, memory, aside: Aside::default() };
    let mut all = Vec::new();
    let read = layer.open(Box::new(bytes), &with).read_to_end(&mut all);
    let read: io::Result<usize> = read;
    (read.map(|_| Out(all)).map_err(|error| Fault::of(&error)), with.aside.take())
}

fn read(layer: Layer, bytes: &[u8]) -> (Result<Out, Fault>, Vec<String>) {
    read_with(layer, bytes, &Memory::default())
}

/// Runs with each way.
fn each(check: impl Fn(Layer, &[&str])) {
    WAYS.iter().for_each(|(layer, way)| check(*layer, way));
}

/// A backup that was packed with lz4 in two frames was read to the end of the first one, and a tape's padding of a
/// gzip file was called damage: half of a backup went unread, or a sound one was thrown away.
#[test]
fn frames_follow_each_other_and_padding_is_passed_over() {
    let contents = Out(contents());
    let twice = Out([&contents.0[..], &contents.0].concat());
    each(|layer, way| {
        let whole = packed(way, &contents.0);
        assert_eq!(read(layer, &whole), (Ok(contents.clone()), vec![]), "{way:?}");
        let appended = [&whole[..], &whole].concat();
        assert_eq!(read(layer, &appended), (Ok(twice.clone()), vec![]), "{way:?} appended");
        for zeros in [1, 512, 300_000] {
            let padded = [&whole[..], &vec![0; zeros]].concat();
            assert_eq!(read(layer, &padded), (Ok(contents.clone()), vec![]), "{way:?} and {zeros} zeros");
            let further = [&padded[..], &whole].concat();
            assert_eq!(read(layer, &further), (Ok(twice.clone()), vec![]), "{way:?}, {zeros} zeros, and again");
        }
        let (out, aside) = read(layer, &[&whole[..], b"\0\0\0junk"].concat());
        assert!(out == Ok(contents.clone()) && aside.len() == 1 && aside[0].contains("4 bytes"), "{way:?}: {aside:?}");
    });
}

/// A file of lz4 that ended inside a frame looked complete when the end was between two blocks.
#[test]
fn every_cut_is_a_cut_and_no_changed_byte_makes_other_contents() {
    let contents = &contents()[..20_000];
    each(|layer, way| {
        let whole = packed(way, contents);
        let step = (whole.len() / 150).max(1);
        let last = whole.len() - 20;
        for end in (0..whole.len()).filter(|at| at % step == 0 || *at < 40 || *at > last) {
            assert_eq!(read(layer, &whole[..end]).0, Err(Fault::Cut), "{way:?} of {} cut at {end}", whole.len());
        }
        for at in (0..whole.len()).filter(|at| at % step == 0 || *at < 40 || *at > last) {
            let mut changed = whole.clone();
            changed[at] ^= 0x20;
            let (out, aside) = read(layer, &changed);
            let is_seen = !aside.is_empty() || out.map_or(true, |out| out.0 == contents);
            assert!(is_seen, "{way:?} changed at {at}");
        }
    });
}

#[test]
fn frames_without_contents_are_passed_over() {
    let contents = Out(contents());
    let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    each(|layer, way| {
        if matches!(layer, Layer::Zstd | Layer::Lz4) {
            let whole = packed(way, &contents.0);
            let around = [&skipped[..], &skipped, &whole, &skipped].concat();
            assert_eq!(read(layer, &around), (Ok(contents.clone()), vec![]), "{way:?}");
            for cut in [1, 4, 10] {
                assert_eq!(read(layer, &around[..around.len() - cut]).0, Err(Fault::Cut), "{way:?} without {cut}");
            }
        }
    });
}

/// Windows cost memory as they fill, so a small file with the largest one is read, and no file takes the machine.
#[test]
fn windows_are_paid_for_as_they_fill() {
    let contents = Out(contents().repeat(10));
    let small = 2 << 20;
    for way in [&["zstd", "-qc", "--long=31"][..], &["zstd", "-qc", "--ultra", "-22", "--long=27"]] {
        let (whole, memory) = (packed(way, &contents.0), Memory::new(1 << 30));
        assert_eq!(read_with(Layer::Zstd, &whole, &memory), (Ok(contents.clone()), vec![]));
        assert_eq!(memory.free(), 1 << 30);
        let (out, _) = read_with(Layer::Zstd, &whole, &Memory::new(small));
        assert!(matches!(&out, Err(Fault::Unsupported(what)) if what.contains("--long=31")), "{out:?}");
    }
    let narrow = packed(&["zstd", "-qc", "-1"], &contents.0);
    assert_eq!(read_with(Layer::Zstd, &narrow, &Memory::new(small)).0, Ok(contents.clone()));
    let (out, _) = read_with(Layer::Xz, &packed(&["xz", "-c", "-6"], &contents.0), &Memory::new(small));
    assert!(matches!(&out, Err(Fault::Unsupported(what)) if what.contains("8 MiB")), "{out:?}");
}

/// What is not read is no damage: a sound backup must not be thrown away for it.
#[test]
fn what_is_not_supported_accuses_nobody() {
    let contents = contents();
    for (layer, way) in
        [(Layer::Lz4, &["lz4", "-qc", "-l"][..]), (Layer::Gzip, &["zstd", "-qc"]), (Layer::Zstd, &["gzip", "-c"])]
    {
        let (out, _) = read(layer, &packed(way, &contents));
        assert!(matches!(out, Err(Fault::Unsupported(_))), "{way:?}: {out:?}");
    }
    assert!(matches!(read(Layer::Gzip, b"plain text").0, Err(Fault::Damaged(_))));
    assert!(matches!(read(Layer::Zstd, b"").0, Err(Fault::Cut)));
}
