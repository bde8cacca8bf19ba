//! The inside of nodes: header, directory, chain of records, free list; and what they say of their tree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_fuzz::laid_out;
use vouch_innodb::{
    FilHeader, Forest, IndexFacts, KeyPrefix, Layout, Link, NodePointers, PageNo, PageSize, PageType, SpaceFormat,
    lengths_fit,
};

fuzz_target!(|pages: Vec<(u32, Vec<u8>)>| {
    let mut forest = Forest::default();
    let format = SpaceFormat::plain(PageSize::DEFAULT, Layout::Classic);
    let mut last = Vec::new();
    for (no, bytes) in pages.iter().take(64) {
        let page = laid_out(bytes, 4096);
        let _ = IndexFacts::walk(&page);
        let _ = IndexFacts::walk(bytes);
        let key = KeyPrefix { bytes: usize::from(*no as u16 & 0xff), unique: no & 0x100 != 0 };
        let _ = (lengths_fit(&page), key.disorder(&page, &mut last));
        if let Some(pointers) = NodePointers::read(&format, &page, PageType::INDEX) {
            let children = (0..pointers.count()).filter(|number| pointers.may_be(*number, PageNo(*no)));
            let _ = children.count();
        }
        if let (Some(header), Some(facts)) = (FilHeader::read(&page), IndexFacts::read(&page)) {
            forest.add(&Link { page: PageNo(*no), prev: header.prev, next: header.next, facts });
        }
    }
    let _ = forest.faults();
});
