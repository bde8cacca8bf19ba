//! Files of Aria: the head of a table, pages of rows and keys, the control file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_innodb::{AriaControl, AriaTable};

fuzz_target!(|input: (u32, Vec<u8>, Vec<u8>)| {
    let (no, head, page) = input;
    let mut file = vec![0; AriaTable::HEAD];
    let count = head.len().min(file.len());
    file[..count].copy_from_slice(&head[..count]);
    for head in [&head, &file] {
        if let Some(table) = AriaTable::read(head) {
            let _ = (table.data_page(no, &page), table.index_page(no, &page));
            let _ = (table.is_map(no), table.in_use(&page, no));
        }
    }
    let _ = AriaControl::bad_parts(&head);
});
