//! Parts of long values held against each other: [`faults`].
//!
//! A server that crashes while it frees a value leaves its index behind, with parts freed from the first one on:
//! what an index says is believed behind a part that is there.

use super::Known;
use crate::facts::{Content, PageFact};
use crate::unit::BadPage;
use vouch_convert::{narrow, to_size};
use vouch_innodb::{Claim, LobFacts, NO_PAGE, PageNo, PageType};
use vouch_report::Code;

/// What does not fit between parts of long values.
pub(super) fn faults(known: &Known) -> Vec<BadPage> {
    let mut faults = chains(known);
    if !known.kept.left_out {
        faults.extend(indexes(known));
    }
    faults
}

fn fault(page: u32, message: String) -> BadPage {
    BadPage { page: PageNo(page), code: Code::LobChain, message, index: None }
}

/// A page that is a part of a chain, with the page of the next part.
fn chained<'a>(known: &Known<'a>, page: u32) -> Option<&'a PageFact> {
    let chained = |fact: &&PageFact| fact.content == Content::Part && LobFacts::is_chained(fact.page_type);
    known.used(PageNo(page)).filter(chained)
}

/// Values whose parts name the next part.
fn chains(known: &Known) -> Vec<BadPage> {
    let parts = || (known.first..).zip(known.facts).filter_map(|(no, _)| Some((no, chained(known, no)?)));
    if parts().next().is_none() {
        return Vec::new();
    }
    let room = u64::from(LobFacts::room(&known.job.space.format));
    let (mut faults, mut followed) = (Vec::new(), vec![false; known.facts.len()]);
    for (no, fact) in parts() {
        if fact.has_length() && !(1..=room).contains(&fact.index) {
            faults.push(fault(no, format!("the page says that {} bytes of a long value stand on it", fact.index)));
        }
        if fact.next == NO_PAGE {
            continue;
        }
        let next = fact.next;
        let slot = next.checked_sub(known.first).and_then(|at| followed.get_mut(narrow::<usize, _>(at)?));
        match (chained(known, next).filter(|other| follows(fact.page_type, other.page_type)), slot) {
            (Some(_), Some(slot)) if *slot => {
                faults
                    .push(fault(no, format!("page {next}, with the next part of its value, is one of another value")));
            }
            (Some(_), Some(slot)) => *slot = true,
            _ => faults.push(fault(no, format!("page {next}, with the next part of its value, is no such page"))),
        }
    }
    faults.extend(circle(known, parts(), &followed));
    faults
}

fn follows(part: PageType, next: PageType) -> bool {
    let zip = [PageType::ZBLOB, PageType::ZBLOB_NEXT];
    part == next || zip.contains(&part) && zip.contains(&next)
}

/// A page of a chain that has no beginning.
fn circle<'a>(known: &Known, parts: impl Iterator<Item = (u32, &'a PageFact)>, followed: &[bool]) -> Option<BadPage> {
    let at = |no: u32| to_size(no - known.first);
    let all: Vec<(u32, &PageFact)> = parts.collect();
    let mut met = vec![false; followed.len()];
    for (no, _) in all.iter().filter(|(no, _)| followed.get(at(*no)) == Some(&false)) {
        let mut page = Some(*no);
        while let Some(no) = page {
            let Some(slot) = met.get_mut(at(no)).filter(|slot| !**slot) else { break };
            *slot = true;
            page = chained(known, no).map(|fact| fact.next).filter(|next| chained(known, *next).is_some());
        }
    }
    let (no, _) = all.iter().find(|(no, _)| met.get(at(*no)) == Some(&false))?;
    Some(fault(*no, "the parts of its value lead around in a circle".to_owned()))
}

/// Values with an index of their parts.
fn indexes(known: &Known) -> Vec<BadPage> {
    let mut faults = Vec::new();
    let mut claimed = vec![false; if known.kept.claims.is_empty() { 0 } else { known.facts.len() }];
    for run in known.kept.claims.chunk_by(|a, b| a.owner == b.owner) {
        let Some(owner) = run.first().map(|claim| claim.owner).filter(|owner| known.used(*owner).is_some()) else {
            continue;
        };
        let mut begun = false;
        for claim in run {
            let first = claim.page == owner;
            let fits = is_part(known, claim);
            let taken = narrow::<usize, _>(claim.page.0).and_then(|at| claimed.get_mut(at));
            let alone = claim.length.is_some();
            let twice = fits && alone && taken.is_some_and(|taken| std::mem::replace(taken, true));
            if begun && (!fits || twice) {
                let (page, what) = (claim.page, if twice { "is one of another value" } else { "is no such part" });
                let held = claim.length.map_or("a part".to_owned(), |length| format!("{length} bytes"));
                let message = format!("page {page}, which its index says to hold {held}, {what}");
                faults.push(fault(owner.0, message));
            }
            begun |= fits && !first;
        }
    }
    faults
}

/// Whether a page is the part that an index says it is.
fn is_part(known: &Known, claim: &Claim) -> bool {
    let Some(length) = claim.length else { return is_zip_part(known, claim) };
    let expected = if claim.page == claim.owner { PageType::LOB_FIRST } else { PageType::LOB_DATA };
    let of_kind = |fact: &&PageFact| fact.content == Content::Part && fact.page_type == expected;
    known.used(claim.page).filter(of_kind).is_some_and(|fact| fact.index == u64::from(length))
}

/// Small parts of one value share pages.
fn is_zip_part(known: &Known, claim: &Claim) -> bool {
    let kinds = [PageType::ZLOB_DATA, PageType::ZLOB_FRAGMENTS];
    known.used(claim.page).is_some_and(|fact| claim.page == claim.owner || kinds.contains(&fact.page_type))
}
