//! Heads and pages of Aria as they are, and with damage.

use super::*;
use proptest::prelude::*;

const PAGE: usize = 1024;
const BASE: usize = 239;

/// The head of a table whose rows are in pages.
fn head(transactional: bool) -> Vec<u8> {
    let mut head = vec![0; PAGE];
    head[..4].copy_from_slice(&[0xfe, 0xfe, 9, 3]);
    head[OPTIONS..OPTIONS + 2].copy_from_slice(&CHECKSUMS.to_be_bytes());
    head[BASE_AT + 1] = u8::try_from(BASE).unwrap();
    head[DATA_KIND] = ROWS_IN_PAGES;
    head[DATA_LENGTH + 6] = 8;
    head[BASE + BASE_KEYS + 6] = 4;
    head[BASE + BASE_PAGE] = 4;
    head[BASE + BASE_TRANSACTIONAL] = u8::from(transactional);
    head
}

fn sealed(no: u32, covered: usize, mut page: Vec<u8>) -> Vec<u8> {
    let sum = sum_of(no, &page[..covered]).swap_bytes().to_be_bytes();
    page[PAGE - SUM..].copy_from_slice(&sum);
    page
}

fn rows(no: u32) -> Vec<u8> {
    sealed(no, PAGE - SUM, (0..PAGE).map(|at| u8::try_from(at % 251).unwrap()).collect())
}

/// A page of keys of which 100 bytes are in use.
fn keys(no: u32, used_at: usize) -> Vec<u8> {
    let mut page: Vec<u8> = (0..PAGE).map(|at| u8::try_from(at % 241).unwrap()).collect();
    page[used_at..used_at + 2].copy_from_slice(&100_u16.to_be_bytes());
    sealed(no, 100, page)
}

#[test]
fn the_sum_goes_on_from_the_number() {
    assert_eq!(sum_of(0, b"123456789"), 0xcbf4_3926);
    assert_eq!(sum_of(5, b"123456789"), 0x8163_7c69);
}

#[test]
fn a_head_tells_how_the_table_is_written() {
    let table = AriaTable::read(&head(true)).unwrap();
    assert_eq!((table.page_bytes, table.head_bytes, table.data_bytes), (PAGE, PAGE as u64, 2048));
    assert!(table.rows_in_pages && table.checksums && table.closed && !table.encrypted);
    for (at, byte) in [(2, 7), (BASE + BASE_PAGE, 3), (BASE + BASE_PAGE, 0), (BASE + BASE_KEYS, 1), (BASE_AT, 200)] {
        let mut other = head(true);
        other[at] = byte;
        assert_eq!(AriaTable::read(&other), None, "{at}");
    }
}

#[test]
fn every_byte_of_a_page_of_rows_is_covered() {
    let table = AriaTable::read(&head(true)).unwrap();
    let page = rows(7);
    assert_eq!(table.data_page(7, &page), AriaPage::Sound);
    assert!(matches!(table.data_page(8, &page), AriaPage::Bad { .. }), "the place counts");
    for at in 0..PAGE {
        let mut damaged = page.clone();
        damaged[at] ^= 4;
        assert!(matches!(table.data_page(7, &damaged), AriaPage::Bad { .. }), "{at}");
    }
}

#[test]
fn a_page_of_keys_is_covered_as_far_as_it_is_in_use() {
    for (transactional, used_at) in [(true, USED_TRANSACTIONAL), (false, USED_PLAIN)] {
        let table = AriaTable::read(&head(transactional)).unwrap();
        let page = keys(3, used_at);
        assert_eq!(table.index_page(3, &page), AriaPage::Sound);
        for at in 0..PAGE {
            let mut damaged = page.clone();
            damaged[at] ^= 0x40;
            let covered = !(100..PAGE - SUM).contains(&at);
            assert_eq!(table.index_page(3, &damaged) != AriaPage::Sound, covered, "{at}");
        }
    }
}

#[test]
fn a_page_says_that_it_was_never_written_or_has_no_sum() {
    let table = AriaTable::read(&head(true)).unwrap();
    let mut page = vec![0; PAGE];
    assert_eq!(table.data_page(1, &page), AriaPage::Empty);
    page[PAGE - SUM..].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff]);
    assert_eq!(table.data_page(1, &page), AriaPage::Empty);
    page[9] = 1;
    assert_eq!(table.data_page(1, &page), AriaPage::Unprotected);
    page[PAGE - SUM] = 0xfd;
    assert!(matches!(table.data_page(1, &page), AriaPage::Bad { .. }));
}

#[test]
fn a_map_tells_which_pages_are_in_use() {
    let table = AriaTable::read(&head(true)).unwrap();
    let mut map = vec![0; PAGE];
    (map[0], map[1], map[6]) = (0b0000_1000, 0b0000_0001, 0b0000_0111);
    let used: Vec<u32> = (1..3000).filter(|no| table.in_use(&map, *no) && !table.is_map(*no)).collect();
    // 170 groups of 16 pages, and the map itself.
    let behind_the_next = [2, 3, 17].map(|no| no + 2721);
    assert_eq!(used, [[2, 3, 17], behind_the_next].concat());
    assert!(table.is_map(0) && table.is_map(2721) && !table.is_map(2720));
}

#[test]
fn both_parts_of_the_control_file_are_covered() {
    let mut file = vec![0; 52];
    file[..4].copy_from_slice(&[0xfe, 0xfe, 12, 1]);
    (file[20], file[22], file[40]) = (30, 22, 9);
    let sum = sum_of(0, &file[..26]).swap_bytes().to_be_bytes();
    file[26..30].copy_from_slice(&sum);
    let sum = sum_of(0, &file[34..]).swap_bytes().to_be_bytes();
    file[30..34].copy_from_slice(&sum);
    assert_eq!(AriaControl::bad_parts(&file), [] as [usize; 0]);
    for at in 0..52 {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        let bad = AriaControl::bad_parts(&damaged);
        let wrong = if at < 30 { bad.contains(&0) } else { bad == [30] };
        assert!(wrong, "{at}: {bad:?}");
    }
    assert_eq!(AriaControl::bad_parts(&file[..51]), [0]);
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..1200), no in any::<u32>()) {
        let mut head = head(true);
        let length = bytes.len().min(PAGE - 4);
        head[4..4 + length].copy_from_slice(&bytes[..length]);
        if let Some(table) = AriaTable::read(&head) {
            table.data_page(no, &bytes);
            table.index_page(no, &bytes);
        }
        AriaTable::read(&bytes);
        AriaControl::bad_parts(&bytes);
    }
}
