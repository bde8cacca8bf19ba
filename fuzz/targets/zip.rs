//! Nodes of ROW_FORMAT=COMPRESSED: their directory, and what they decompress to.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_fuzz::{format, laid_out};
use vouch_innodb::{IndexFacts, NodePointers, PageType, ZipNode};

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (size, bytes) = input;
    // The layout of such pages.
    let Some(format) = format([size & 7 | 1 << 3, 0]) else { return };
    for page in [laid_out(&bytes, format.physical.bytes()), bytes] {
        let _ = NodePointers::read(&format, &page, PageType::INDEX).map(|pointers| pointers.count());
        let Some(node) = ZipNode::read(&format, &page) else { continue };
        let _ = (node.check(), node.children());
        if let Ok(page) = node.inflate() {
            let _ = IndexFacts::walk(&page);
        }
    }
});
