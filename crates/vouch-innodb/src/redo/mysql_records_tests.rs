//! Records of MySQL's log, written out byte by byte.

use super::*;
use proptest::prelude::*;

const SPACE: SpaceId = SpaceId(7);

fn read(bytes: &[u8]) -> Result<MysqlRecord, Stop> {
    record(bytes, true)
}

fn change(bytes: &[u8]) -> Option<Change> {
    read(bytes).unwrap().change
}

#[test]
fn a_page_is_initialised() {
    let init = read(&[59 | SINGLE, 7, 0x81, 0x00, 99]).unwrap();
    assert_eq!(init, MysqlRecord { length: 4, part: Part::Whole, change: Some(Change::Page(SPACE, PageNo(256))) });
    assert_eq!(read(&[59, 7, 3]).unwrap().part, Part::Some);
    assert_eq!(read(&[59, 7]), Err(Stop::Short));
    assert_eq!(read(&[31]).unwrap().part, Part::End);
    assert_eq!((record(&[32], true).unwrap().part, record(&[32], false).unwrap().part), (Part::Whole, Part::Some));
}

#[test]
fn numbers_are_compressed_by_their_size() {
    let read = |bytes: &[u8]| Body { bytes, at: 0 }.number();
    assert_eq!(read(&[0x7f]), Ok(0x7f));
    assert_eq!(read(&[0xbf, 0xff]), Ok(0x3fff));
    assert_eq!(read(&[0xc1, 0x02, 0x03]), Ok(0x1_0203));
    assert_eq!(read(&[0xe1, 2, 3, 4]), Ok(0x0102_0304));
    assert_eq!(read(&[0xf0, 0x12, 0x34, 0x56, 0x78]), Ok(0x1234_5678));
    assert_eq!(read(&[0xfb, 0xff]), Ok(NULL));
    assert_eq!(read(&[0xfb, 0xfe]), Ok(0xffff_fffe));
    assert_eq!(read(&[0xfc, 0, 1]), Ok(0xfffe_0001));
    assert_eq!(read(&[0xfe, 0, 0, 1]), Ok(0xff00_0001));
    assert_eq!(read(&[0xfb]), Err(Stop::Short));
}

#[test]
fn only_what_may_describe_extents_is_kept_of_writes() {
    let bits = Change::Bits { space: SPACE, page: PageNo(0), at: 300, bytes: [0xfe, 0, 0, 0], count: 1 };
    assert_eq!(change(&[1, 7, 0, 1, 44, 0x80, 0xfe]), Some(bits));
    let bits = Change::Bits { space: SPACE, page: PageNo(0), at: 300, bytes: [0xff; 4], count: 4 };
    assert_eq!(change(&[4, 7, 0, 1, 44, 0xfb, 0xff]), Some(bits));
    assert_eq!(change(&[1, 7, 0, 0, 50, 1]), None, "the header of the tablespace");
    assert_eq!(change(&[1, 7, 5, 1, 44, 1]), None, "another page");
}

#[test]
fn files_are_created_renamed_and_deleted() {
    let name = [0, 8, b'.', b'/', b't', b'.', b'i', b'b', b'd', 0];
    let created = [&[33, 7, 0, 0, 0, 0, 0][..], &name].concat();
    assert_eq!(change(&created), Some(Change::Create(SPACE, "./t.ibd".to_owned())));
    assert_eq!(read(&created[..9]), Err(Stop::Short));
    let renamed = [&[34, 7, 0, 0, 2, b'a', 0][..], &name].concat();
    assert_eq!(change(&renamed), Some(Change::Name(SPACE, "./t.ibd".to_owned())));
    assert_eq!(change(&[&[35, 7, 0][..], &name].concat()), Some(Change::Delete(SPACE)));
    assert_eq!(change(&[61, 7, 4, 0, 0, 0, 0, 0, 0, 0, 9]), Some(Change::Loaded(SPACE)));
}

#[test]
fn records_are_as_long_as_their_bodies_say() {
    // An insert: description of two compact fields, offset, an end segment of three bytes with its header.
    let insert = [67, 7, 4, 1, 1, 0, 2, 0, 1, 0x80, 4, 0x7f, 0xff, 0, 99, 7, 0, 5, 0, 1, 2, 3];
    assert_eq!(read(&insert).unwrap().length, insert.len());
    assert_eq!(read(&insert[..insert.len() - 1]), Err(Stop::Short));
    // The same of a table with a field that was added and one that was dropped.
    let versioned = [69, 7, 4, 1, 3, 0, 1, 0, 1, 0, 4, 0, 2, 0, 1, 0x80, 1, 1, 0, 2, 0xc0, 2, 1, 3, 0, 99];
    assert_eq!(read(&versioned).unwrap().length, versioned.len());
    // An update of two fields, one to NULL.
    let update = [70, 7, 4, 1, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 9, 0, 120, 0, 2, 1, 2, 8, 9, 3, 0xfb, 0xff];
    assert_eq!(read(&update).unwrap().length, update.len());
    let counter = [62 | SINGLE, 0x83, 0xff, 5, 2, 0xff, 1, 2];
    assert_eq!(read(&counter).unwrap().length, counter.len());
}

#[test]
fn an_unknown_type_ends_the_reading() {
    assert_eq!(read(&[66, 7, 4]), Err(Stop::Unknown(66)));
    assert_eq!(read(&[100, 7, 4, 1]), Err(Stop::Unknown(100)));
    assert_eq!(read(&[67, 7, 4, 0]), Err(Stop::Unknown(0)), "the description of MySQL 8.0.29");
    assert_eq!(read(&[71, 7, 4, 1, 0, 0xff, 0, 0, 0]), Err(Stop::Unknown(0)), "a length that no page has");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), first: bool) {
        if let Ok(record) = record(&bytes, first) {
            prop_assert!(record.length > 0 && record.length <= bytes.len());
        }
    }
}
