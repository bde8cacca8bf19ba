//! Keys of indexes held against their order, as far as they can be compared byte by byte: [`faults`].
//!
//! Every level is read once more from left to right.

use super::Known;
use super::children::{heads, to_the_right};
use crate::listing::MYSQL_DICTIONARY;
use crate::sdi::Names;
use crate::unit::BadPage;
use std::borrow::Cow;
use vouch_innodb::{Checker, KeyPrefix, Layout, PageNo, ZipNode};
use vouch_report::Code;

/// The first page of each level on which a key is not behind the one before it. Pages fit together otherwise.
pub(super) fn faults(known: &Known, names: &Names) -> Vec<BadPage> {
    // An upgrade of MySQL makes tables of its own dictionary anew and may leave the descriptions as they were.
    if known.job.space.id == Some(MYSQL_DICTIONARY) {
        return Vec::new();
    }
    let mut checker = known.job.space.checker();
    let levels = heads(known).into_iter();
    let levels = levels.filter_map(|((index, _), head)| Some((index, names.of(index)?.key?, head)));
    levels.filter_map(|(index, key, head)| level_fault(known, &mut checker, index, key, head)).collect()
}

fn level_fault(known: &Known, checker: &mut Checker, index: u64, key: KeyPrefix, head: PageNo) -> Option<BadPage> {
    let format = known.job.space.format;
    let (mut page, mut last) = (vec![0; known.job.space.page_size().bytes()], Vec::new());
    for node in to_the_right(known, head) {
        known.read_again(node.page, &mut page)?;
        let image = checker.check(node.page, &page).image?;
        let image = match format.layout {
            Layout::Zip => Cow::Owned(ZipNode::read(&format, image)?.inflate().ok()?),
            _ => Cow::Borrowed(image),
        };
        if let Some(at) = key.disorder(&image, &mut last) {
            let message = format!("the key of the record at byte {at} is not behind the one before it");
            return Some(BadPage { page: node.page, code: Code::IndexOrder, message, index: Some(index) });
        }
    }
    None
}
