//! Records of MySQL's dictionary in a tablespace, and of the table of tables in MariaDB's system tablespace.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_fuzz::laid_out;
use vouch_innodb::{DictTable, SdiRecord};

fuzz_target!(|bytes: &[u8]| {
    for page in [laid_out(bytes, 4096), bytes.to_vec()] {
        let _ = SdiRecord::of_leaf(&page);
        let _ = DictTable::of_leaf(&page);
    }
});
