//! Records of MySQL's dictionaries, in a tablespace and its own, and of the tables of tables and of indexes in
//! MariaDB's system tablespace.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_fuzz::laid_out;
use vouch_innodb::{Column, DictIndex, DictRoots, DictTable, SdiRecord, rows};

fuzz_target!(|bytes: &[u8]| {
    for page in [laid_out(bytes, 4096), bytes.to_vec()] {
        let _ = SdiRecord::of_leaf(&page);
        let _ = (DictTable::of_leaf(&page), DictIndex::of_leaf(&page), DictRoots::read(&page));
        let columns =
            [Column::Fixed(8), Column::Text { most: 64, nullable: true }, Column::Text { most: 4096, nullable: false }];
        let _ = rows(&page, &columns);
    }
});
