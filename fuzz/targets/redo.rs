//! Heads and blocks of both vendors' redo logs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_innodb::{Lsn, MariadbLog, MysqlLog};

fuzz_target!(|input: (u64, Vec<u8>, Vec<u8>)| {
    let (number, head, rest) = input;
    if let Some(log) = MysqlLog::read(&head) {
        let _ = (MysqlLog::bad_heads(&head), log.block(number, &rest), log.lsn_of(number));
        let _ = (log.ends_in(&rest, Lsn(number)), log.block_of(Lsn(number)));
    }
    let mut long = vec![0; MariadbLog::HEAD];
    for (place, bytes) in [(0, &head), (4096, &rest), (8192, &head)] {
        let count = bytes.len().min(4096);
        long[place..place + count].copy_from_slice(&bytes[..count]);
    }
    if let Some(log) = MariadbLog::read(&long, number) {
        let _ = (log.offset_of(Lsn(number)), log.start(), log.ends_at_checkpoint(&rest));
    }
});
