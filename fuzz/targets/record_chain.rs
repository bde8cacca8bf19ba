//! The inside of nodes: header, directory, chain of records, free list; and what they say of their tree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_fuzz::laid_out;
use vouch_innodb::{FilHeader, Forest, IndexFacts, Link, PageNo};

fuzz_target!(|pages: Vec<(u32, Vec<u8>)>| {
    let mut forest = Forest::default();
    for (no, bytes) in pages.iter().take(64) {
        let page = laid_out(bytes, 4096);
        let _ = IndexFacts::walk(&page);
        let _ = IndexFacts::walk(bytes);
        if let (Some(header), Some(facts)) = (FilHeader::read(&page), IndexFacts::read(&page)) {
            forest.add(&Link { page: PageNo(*no), prev: header.prev, next: header.next, facts });
        }
    }
    let _ = forest.faults();
});
