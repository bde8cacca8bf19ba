//! Files of Aria that are made here, whole and with damage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::fixture::{findings, run, write};
use vouch_report::{Code, Summary};

const PAGE: usize = 1024;

/// The index file of a table without keys: a head with these options.
fn head(options: u16, kind: u8, extra: u8) -> Vec<u8> {
    let mut head = vec![0; PAGE];
    head[..4].copy_from_slice(&[0xfe, 0xfe, 9, 3]);
    head[4..6].copy_from_slice(&options.to_be_bytes());
    (head[13], head[22], head[91], head[103]) = (239, kind, 4, 4);
    (head[239 + 16 + 6], head[239 + 91], head[239 + 100]) = (4, extra, 4);
    head
}

/// A page that was never written, and one with this sum.
fn data(sum: u32) -> Vec<u8> {
    let mut data = vec![0; 2 * PAGE];
    data[PAGE - 4..PAGE].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff]);
    data[PAGE] = 1;
    data[2 * PAGE - 4..].copy_from_slice(&sum.swap_bytes().to_be_bytes());
    data
}

fn of(index: &[u8], data: &[u8]) -> Summary {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "shop/t.MAI", index);
    write(folder.path(), "shop/t.MAD", data);
    run(folder.path())
}

#[test]
fn what_is_damaged_is_told_with_its_table() {
    let summary = of(&head(0x800, 3, 0), &data(7));
    assert_eq!(findings(&summary), [(Code::AriaPage, "shop/t.MAD".to_owned())]);
    let location = &summary.findings[0].location;
    assert_eq!((location.table.as_deref(), location.file.clone().unwrap().offset), (Some("shop.t"), Some(1024)));
    assert_eq!((summary.coverage.file_list()[0].tally.bad, summary.coverage.file_list()[0].tally.empty), (1, 1));
    let summary = of(&head(0x800, 3, 0), &data(7)[..PAGE + 9]);
    assert!(summary.findings[0].message.contains("9 bytes into a page"), "{:?}", summary.findings);
    let summary = of(b"nothing", &data(7));
    assert_eq!(findings(&summary), [(Code::AriaPage, "shop/t.MAI".to_owned())]);
}

#[test]
fn what_has_no_checksum_is_left_out_and_said() {
    for (options, kind, extra, code, what) in [
        (0, 3, 0, Code::NoChecksums, "PAGE_CHECKSUM=0"),
        (0x800, 0, 0, Code::NoChecksums, "FIXED or DYNAMIC"),
        (0x800, 3, 1, Code::NotCovered, "encrypted"),
    ] {
        let summary = of(&head(options, kind, extra), &data(7));
        assert_eq!(findings(&summary), [], "{what}");
        let left_out = summary.skips.iter().find(|skip| skip.what == "shop/t.MAD").unwrap();
        assert!(left_out.code == code && left_out.reason.contains(what), "{left_out:?}");
    }
    let unmarked = of(&head(0x800, 3, 0), &data(u32::MAX));
    assert_eq!((unmarked.findings.len(), unmarked.errors[0].code), (0, Code::PageUnprotected));
}

#[test]
fn a_lost_half_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "shop/t.MAD", &data(7));
    let summary = run(folder.path());
    assert_eq!(findings(&summary), [(Code::FileMissing, "shop/t.MAI".to_owned())]);
    assert_eq!(summary.skips.len(), 1);
}
