//! Records that stretch over blocks, and logs that end inside one.

use super::*;
use crate::{ExtentMap, Fate, Layout, PageNo, PageSize, SpaceFormat, SpaceId};

/// Blocks with these records from LSN 5120 on, whose first mini-transaction begins `first` bytes into them.
fn blocks(records: &[u8], first: u16) -> Vec<Vec<u8>> {
    let parts = records.chunks(usize::try_from(ROOM).unwrap()).enumerate();
    let block = |(number, part): (usize, &[u8])| {
        let mut block = vec![0; 512];
        let used = u16::try_from(part.len() + 12).unwrap();
        block[4..6].copy_from_slice(&if used == 508 { 512 } else { used }.to_be_bytes());
        block[6..8].copy_from_slice(&if number == 0 { 12 + first } else { 0 }.to_be_bytes());
        block[12..12 + part.len()].copy_from_slice(part);
        block
    };
    parts.map(block).collect()
}

fn read(format: RecordFormat, checkpoint: u64, blocks: &[Vec<u8>]) -> Result<RedoChanges, Unread> {
    let mut records = BlockRecords::new(format, Lsn(checkpoint));
    for (block, lsn) in blocks.iter().zip((5120..).step_by(512)) {
        records.block(Lsn(lsn), block);
    }
    records.finish()
}

fn created(changes: &RedoChanges, page: u32) -> bool {
    let extents = ExtentMap::new(&SpaceFormat::plain(PageSize::DEFAULT, Layout::Classic));
    changes.page(SpaceId(7), PageNo(page), &extents) == Fate::Created
}

/// Page 3 by itself, a long string, then pages 4 and 5 in one mini-transaction, page 6 in one that is not complete.
fn mysql_records() -> Vec<u8> {
    let string = [&[30 | 0x80, 7, 3, 0, 99, 4, 0][..], &[0xee; 1024]].concat();
    [&[59 | 0x80, 7, 3][..], &string, &[59, 7, 4, 59, 7, 5, 31, 59, 7, 6]].concat()
}

#[test]
fn records_go_on_from_block_to_block() {
    let changes = read(RecordFormat::Mysql, 5120, &blocks(&mysql_records(), 0)).unwrap();
    assert_eq!([3, 4, 5, 6].map(|page| created(&changes, page)), [true, true, true, false]);
}

#[test]
fn what_is_in_front_of_the_checkpoint_does_not_count() {
    let changes = read(RecordFormat::Mysql, 5120 + 12 + 3, &blocks(&mysql_records(), 0)).unwrap();
    assert_eq!([3, 4].map(|page| created(&changes, page)), [false, true]);
    let with_tail = [&[1, 2, 3][..], &mysql_records()].concat();
    let changes = read(RecordFormat::Mysql, 5120, &blocks(&with_tail, 3)).unwrap();
    assert_eq!([3, 4].map(|page| created(&changes, page)), [true, true]);
}

#[test]
fn an_unknown_record_is_told_with_its_place() {
    let unknown = [&[59 | 0x80, 7, 3][..], &[100, 7, 7]].concat();
    assert_eq!(
        read(RecordFormat::Mysql, 5120, &blocks(&unknown, 0)).unwrap_err(),
        Unread::Unknown(100, Lsn(5120 + 12 + 3))
    );
    let mut blocks = blocks(&mysql_records(), 0);
    blocks[1][4] |= 0x80;
    assert_eq!(read(RecordFormat::Mysql, 5120, &blocks).unwrap_err(), Unread::Encrypted(Lsn(5632)));
}

#[test]
fn a_zero_ends_a_mini_transaction_of_mariadb() {
    let write = [&[0x30, 96, 7, 3][..], &[1; 108]].concat();
    let records = [&[0x12, 7, 3, 0][..], &write, &[0, 0x12, 7, 4, 0x12, 7, 5, 0, 0x12, 7, 6]].concat();
    let changes = read(RecordFormat::Mariadb, 5120, &blocks(&records, 0)).unwrap();
    assert_eq!([3, 4, 5, 6].map(|page| created(&changes, page)), [true, true, true, false]);
}
