//! A page of any format: judged, and walked where it is a node.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_fuzz::{format, laid_out};
use vouch_innodb::{Checker, IndexFacts, PageNo, PageType, SpaceId};

fuzz_target!(|input: (u32, [u8; 2], Vec<u8>)| {
    let (no, choice, bytes) = input;
    let Some(format) = format(choice) else { return };
    let page = laid_out(&bytes, format.physical.bytes());
    let mut checker = Checker::new(format, Some(SpaceId(7)));
    let checked = checker.check(PageNo(no), &page);
    if let Some(image) = checked.image
        && checked.header.page_type == PageType::INDEX
    {
        let _ = IndexFacts::walk(image);
    }
    Checker::new(format, None).check(PageNo(no), &bytes);
});
