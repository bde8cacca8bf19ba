//! Compressed nodes made by hand.

use super::*;
use crate::{IndexFacts, Layout, PageSize, PageType};
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

const SIZE: usize = 4096;

fn format() -> SpaceFormat {
    SpaceFormat::plain(PageSize::new(4096).unwrap(), Layout::Zip)
}

/// A stream as servers make it: the description by itself, then the records.
fn stream(described: &[u8], records: &[u8]) -> Vec<u8> {
    let (mut zlib, mut out) = (Compress::new(Compression::default(), true), Vec::with_capacity(SIZE));
    zlib.compress_vec(described, &mut out, FlushCompress::Full).unwrap();
    zlib.compress_vec(records, &mut out, FlushCompress::Finish).unwrap();
    out
}

fn put(page: &mut [u8], at: usize, number: u16) {
    page[at..at + 2].copy_from_slice(&number.to_be_bytes());
}

/// A node with records of four bytes and of `apart` that are not in the stream, and a change of the second.
fn node(level: u8, described: &[u8], apart: &[&[u8]], changed: &[u8; 4]) -> Vec<u8> {
    let width = 9 + apart[0].len();
    let mut page = vec![0; SIZE];
    put(&mut page, SLOTS, 2);
    put(&mut page, HEAP_TOP, u16::try_from(120 + width * apart.len()).unwrap());
    put(&mut page, HEAP_COUNT, COMPACT | u16::try_from(2 + apart.len()).unwrap());
    put(&mut page, RECORDS, u16::try_from(apart.len()).unwrap());
    page[8..16].fill(0xff);
    page[LEVEL + 1] = level;
    let records: Vec<u8> = (1..=apart.len()).flat_map(|key| [0, 0, 0, u8::try_from(key).unwrap()]).collect();
    let stream = stream(described, &records);
    page[DATA..DATA + stream.len()].copy_from_slice(&stream);
    let log = DATA + stream.len();
    page[log] = 2 << 1;
    page[log + 1..log + 5].copy_from_slice(changed);
    let stored = SIZE - 2 * apart.len();
    for (number, bytes) in apart.iter().enumerate() {
        let place = 125 + number * width;
        put(&mut page, SIZE - 2 * (number + 1), u16::try_from(place).unwrap());
        let at = stored - (number + 1) * bytes.len();
        page[at..at + bytes.len()].copy_from_slice(bytes);
    }
    page
}

/// One fixed field of four bytes that is never NULL, and no field that may be.
const FOUR: &[u8] = &[4 << 1 | 1, 0];

fn parent() -> Vec<u8> {
    node(1, FOUR, &[&[0, 0, 0, 17], &[0, 0, 0, 23], &[0, 0, 0, 42]], &[0, 0, 0, 9])
}

fn open(page: &[u8]) -> ZipNode<'_> {
    ZipNode::read(&format(), page).unwrap()
}

#[test]
fn children_are_read_and_the_node_decompresses() {
    let page = parent();
    let node = open(&page);
    assert_eq!(node.check(), Ok(()));
    assert_eq!(node.children(), [PageNo(17), PageNo(23), PageNo(42)]);
    let image = node.inflate().unwrap();
    assert_eq!(IndexFacts::walk(&image), Ok(()));
    assert_eq!(&image[125..133], &[0, 0, 0, 1, 0, 0, 0, 17]);
    assert_eq!(&image[138..146], &[0, 0, 0, 9, 0, 0, 0, 23], "as the log says");
    assert_eq!(image[120] & 0x10, 0x10, "the least record of the level");
}

#[test]
fn transactions_of_a_leaf_are_put_back() {
    let transactions: Vec<[u8; 13]> = (1..=3).map(|byte| [byte; 13]).collect();
    let apart: Vec<&[u8]> = transactions.iter().map(|bytes| &bytes[..]).collect();
    let page = node(0, &[4 << 1 | 1, 13 << 1 | 1, 1], &apart, &[0, 0, 0, 8]);
    let image = open(&page).inflate().unwrap();
    assert_eq!(IndexFacts::walk(&image), Ok(()));
    assert_eq!(open(&page).children(), []);
    assert_eq!((&image[147..151], &image[151..164]), (&[0, 0, 0, 8][..], &[2; 13][..]));
}

/// What was changed, and what is said of it.
type Damage = (fn(&mut Vec<u8>), &'static str);

#[test]
fn each_damage_is_told() {
    let directory: [Damage; 6] = [
        (|page| put(page, SIZE - 2, 126 + 13), "the chain"),
        (|page| put(page, SIZE - 2, 125 + 13), "a record has a heap number"),
        (|page| put(page, SIZE - 2, 125 | 0x4000), "a slot"),
        (|page| put(page, RECORDS, 2), "the list of free records"),
        (|page| put(page, FREE, 125), "the list of free records"),
        (|page| put(page, SIZE - 4, 9), "the chain"),
    ];
    for (damage, told) in directory.into_iter().skip(1) {
        let mut page = parent();
        damage(&mut page);
        let fault = open(&page).check().unwrap_err().to_string();
        assert!(fault.starts_with(told), "{fault}");
    }
    let inside: [Damage; 4] = [
        (|page| page[DATA + 3] ^= 0x55, "the stream"),
        (|page| put(page, SIZE - 2, 126), "records of a compressed page overlap"),
        (|page| put(page, 46, 7), "the records of a compressed page have another length"),
        (|page| put(page, HEAP_TOP, 160), "the records of a compressed page have another length"),
    ];
    for (damage, told) in inside {
        let mut page = parent();
        damage(&mut page);
        let fault = open(&page).inflate().unwrap_err().to_string();
        assert!(fault.starts_with(told), "{fault}");
    }
    let mut page = parent();
    page[LEVEL] = 1;
    assert!(ZipNode::read(&format(), &page).is_none());
}

#[test]
fn lengths_and_nulls_are_read_backwards() {
    // A long one, a short one that may be NULL, a fixed one that may be.
    let shape = shape::Shape::read(&[127, 0, 6 << 1, 0], true).unwrap();
    let spread = |extra: &'static [u8]| shape.spread(|at| extra.get(at).copied());
    let all = spread(&[0, 0x81, 0x02, 9]).unwrap();
    assert_eq!((all.extra, all.data, all.apart.len()), (4, 0x102 + 9 + 6, 0));
    let elsewhere = spread(&[3, 0xc0, 40]).unwrap();
    assert_eq!((elsewhere.extra, elsewhere.data, elsewhere.apart), (3, 40, vec![(20, 20)]));
    assert!(spread(&[3, 0xc0, 4]).is_none());
    assert!(shape::Shape::read(&[], true).is_none() && shape::Shape::read(&[0x85], true).is_none());
}

/// A directory with an entry for the first bytes of the page ended the program when a node was decompressed that had
/// not been checked before. Where sums wrap, its records were looked for behind the end of the page.
#[test]
fn records_in_the_header_are_refused_when_nothing_was_checked_before() {
    let mut page = parent();
    page[LEVEL + 1] = 1;
    page[43] = 7;
    let fault = open(&page).inflate().unwrap_err().to_string();
    assert_eq!(fault, "records of a compressed page overlap each other");
}

proptest! {
    #[test]
    fn no_node_panics(at in 38_usize..SIZE, bytes in prop::collection::vec(any::<u8>(), 1..20), leaf in any::<bool>()) {
        let mut page = parent();
        page[LEVEL + 1] = u8::from(!leaf);
        let end = (at + bytes.len()).min(SIZE);
        page[at..end].copy_from_slice(&bytes[..end - at]);
        if let Some(node) = ZipNode::read(&format(), &page) {
            let _ = (node.check(), node.children(), node.inflate());
        }
        prop_assert!(PageType::INDEX.is_node());
    }

    #[test]
    fn no_bytes_panic(page in prop::collection::vec(any::<u8>(), 0..2048)) {
        if let Some(node) = ZipNode::read(&format(), &page) {
            let _ = (node.check(), node.children(), node.inflate());
        }
    }
}
