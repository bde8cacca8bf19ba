//! Flags and headers of page 0, the map of extents, and the guess where page 0 is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_fuzz::laid_out;
use vouch_innodb::{ExtentMap, FspHeader, LegacyDoublewrite, PageNo, SpaceFormat, guess};

fuzz_target!(|input: (u32, u32, Vec<u8>)| {
    let (flags, no, bytes) = input;
    let known: Vec<SpaceFormat> = SpaceFormat::from_flags(flags).into_iter().collect();
    if let Some(header) = FspHeader::read(&bytes) {
        let _ = header.format();
    }
    let _ = guess(&bytes, &known);
    for format in &known {
        let page = laid_out(&bytes, format.physical.bytes());
        let mut map = ExtentMap::new(format);
        map.add(format, PageNo(no), &page);
        let _ = map.in_use(PageNo(no));
        if let Some(area) = LegacyDoublewrite::read(&page, format) {
            let _ = (area.holds(PageNo(no)), area.inode_page(), area.slots().take(1000).count(), area.fillers(&page));
        }
    }
});
