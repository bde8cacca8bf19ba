//! What the format of a file is when its page 0 does not tell: [`guess`].
//!
//! Page numbers stand in clear text in every format, and a checksum formula
//! fits by chance almost never: the format under which most pages are sound is
//! the file's.

use crate::bytes::all_zero;
use crate::{Checker, FilHeader, Layout, PageNo, PageSize, PageVerdict, SpaceFormat, SpaceId};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Pages of a candidate that are looked at.
const PAGES: usize = 64;

/// A format, and what speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The format.
    pub format: SpaceFormat,
    /// The tablespace that most pages name.
    pub space: Option<SpaceId>,
    /// Pages that are sound, or bear the right number, under this format.
    pub votes: u32,
}

/// The format of a file that begins with `sample`, tried on all pages but the first. The formats of `known`
/// come first when there is a tie. `None` when no page fits any format.
pub fn guess(sample: &[u8], known: &[SpaceFormat]) -> Option<Guess> {
    best(known, |format| vote(sample, format, 0, 1))
}

/// The same for a part of a tablespace that begins with any of its pages: with the one that most pages of the part
/// tell. Returns that page's number as well.
pub fn guess_part(sample: &[u8], known: &[SpaceFormat]) -> Option<(Guess, PageNo)> {
    let guess = best(known, |format| vote(sample, format, first_page(sample, &format).0, 0))?;
    Some((guess, first_page(sample, &guess.format)))
}

/// The number of the page with which a part of a tablespace begins, as most of its pages tell; 0 when none does.
pub fn first_page(sample: &[u8], format: &SpaceFormat) -> PageNo {
    let pages = sample.chunks_exact(format.physical.bytes()).zip(0_u32..);
    let mut told: HashMap<u32, u32> = HashMap::new();
    for (page, at) in pages.filter(|(page, _)| !all_zero(page)) {
        let first = FilHeader::read(page).and_then(|header| header.page_no.0.checked_sub(at));
        first.into_iter().for_each(|first| *told.entry(first).or_default() += 1);
    }
    told.into_iter()
        .max_by_key(|(first, count)| (*count, Reverse(*first)))
        .map_or(PageNo(0), |(first, _)| PageNo(first))
}

fn best(known: &[SpaceFormat], vote: impl Fn(SpaceFormat) -> Guess) -> Option<Guess> {
    let mut best: Option<Guess> = None;
    for format in known.iter().copied().chain(candidates()) {
        let guess = vote(format);
        if guess.votes > best.map_or(0, |best| best.votes) {
            best = Some(guess);
        }
    }
    best
}

/// The usual sizes first.
fn candidates() -> impl Iterator<Item = SpaceFormat> {
    let sizes = |sizes: &'static [u32], layout| {
        sizes.iter().filter_map(|&size| PageSize::new(size)).map(move |size| SpaceFormat::plain(size, layout))
    };
    let whole: &[u32] = &[16_384, 4096, 8192, 32_768, 65_536];
    let zip: &[u32] = &[8192, 4096, 2048, 1024, 16_384];
    sizes(whole, Layout::Classic).chain(sizes(whole, Layout::FullCrc32)).chain(sizes(zip, Layout::Zip))
}

/// A page that is sound counts for more than one that has its number alone.
fn vote(sample: &[u8], format: SpaceFormat, first: u32, skip: usize) -> Guess {
    let mut spaces: HashMap<SpaceId, u32> = HashMap::new();
    let mut checker = Checker::new(SpaceFormat { encrypted: true, ..format }, None);
    let (mut votes, mut encrypted) = (0, false);
    for (no, page) in (first..).zip(sample.chunks_exact(format.physical.bytes())).skip(skip).take(PAGES) {
        if all_zero(page) {
            continue;
        }
        let checked = checker.check(PageNo(no), page);
        votes += match checked.verdict {
            PageVerdict::Sound(_) => 4,
            PageVerdict::Unprotected | PageVerdict::Unverified(_) => 2,
            PageVerdict::Bad(_) | PageVerdict::Empty => 0,
        };
        encrypted |= matches!(checked.verdict, PageVerdict::Unverified(_));
        if checked.header.page_no == PageNo(no) {
            *spaces.entry(checked.header.space).or_default() += 1;
        }
    }
    let space = spaces.into_iter().max_by_key(|(space, count)| (*count, space.0)).map(|(space, _)| space);
    Guess { format: SpaceFormat { encrypted: encrypted || format.encrypted, ..format }, space, votes }
}
