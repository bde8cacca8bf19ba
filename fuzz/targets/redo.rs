//! Heads, blocks and mini-transactions of both vendors' redo logs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vouch_innodb::{BlockRecords, Lsn, MariadbLog, Mtr, MysqlLog, RecordFormat, RedoChanges, RingLog, Search};

fuzz_target!(|input: (u64, Vec<u8>, Vec<u8>)| {
    let (number, head, rest) = input;
    if let Some(log) = MysqlLog::read(&head) {
        let _ = (MysqlLog::bad_heads(&head), log.block(number, &rest), log.lsn_of(number));
        let _ = (log.ends_in(&rest, Lsn(number)), log.block_of(Lsn(number)));
    }
    if let Some(log) = RingLog::read(&head) {
        let _ = (log.blocks_behind(&rest), log.from_checkpoint().block(number, &rest));
    }
    let mut long = vec![0; MariadbLog::HEAD];
    for (place, bytes) in [(0, &head), (4096, &rest), (8192, &head)] {
        let count = bytes.len().min(4096);
        long[place..place + count].copy_from_slice(&bytes[..count]);
    }
    if let Some(log) = MariadbLog::read(&long, number) {
        let _ = (log.offset_of(Lsn(number)), log.start(), log.ends_at_checkpoint(&rest));
        let _ = (MariadbLog::bad_heads(&long), log.rest(), log.behind_mark());
        mini_transactions(&log, Lsn(number), &rest);
        let _ = log.changes(&rest, &mut RedoChanges::default());
    }
    for format in [RecordFormat::Mysql, RecordFormat::Mariadb] {
        let mut records = BlockRecords::new(format, Lsn(number));
        records.block(Lsn(number), &head);
        rest.chunks(512).for_each(|block| records.block(Lsn(number), block));
        let _ = records.finish().map(|changes| changes.file("a/b.ibd"));
    }
});

/// Walks what there is, and looks for more behind it.
fn mini_transactions(log: &MariadbLog, lsn: Lsn, bytes: &[u8]) {
    let mut at = 0;
    while let Mtr::Whole(length) = log.mtr(Lsn(lsn.0.saturating_add(at as u64)), &bytes[at..]) {
        at += length;
    }
    let _ = Search::default().seek(log, lsn, bytes, lsn.0 % 2 == 0);
}
