//! What the format of a file is when its page 0 does not tell: [`guess`].
//!
//! Page numbers stand in clear text in every format, and a checksum formula
//! fits by chance almost never: the format under which most pages are sound is
//! the file's.

use crate::bytes::all_zero;
use crate::{Checker, Layout, PageNo, PageSize, SpaceFormat, SpaceId, Verdict};
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
    let mut best: Option<Guess> = None;
    for format in known.iter().copied().chain(candidates()) {
        let guess = vote(sample, format);
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
fn vote(sample: &[u8], format: SpaceFormat) -> Guess {
    let mut spaces: HashMap<SpaceId, u32> = HashMap::new();
    let mut checker = Checker::new(SpaceFormat { encrypted: true, ..format }, None);
    let (mut votes, mut encrypted) = (0, false);
    for (no, page) in (0_u32..).zip(sample.chunks_exact(format.physical.bytes())).skip(1).take(PAGES) {
        if all_zero(page) {
            continue;
        }
        let checked = checker.check(PageNo(no), page);
        votes += match checked.verdict {
            Verdict::Sound(_) => 4,
            Verdict::Unprotected | Verdict::Unverified(_) => 2,
            Verdict::Bad(_) | Verdict::Empty => 0,
        };
        encrypted |= matches!(checked.verdict, Verdict::Unverified(_));
        if checked.header.page_no == PageNo(no) {
            *spaces.entry(checked.header.space).or_default() += 1;
        }
    }
    let space = spaces.into_iter().max_by_key(|(space, count)| (*count, space.0)).map(|(space, _)| space);
    Guess { format: SpaceFormat { encrypted: encrypted || format.encrypted, ..format }, space, votes }
}
