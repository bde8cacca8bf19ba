//! Pages of a tablespace held against each other: [`faults`].
//!
//! All of this holds in a tablespace as of one moment alone. Invariant: what may follow from a page that is damaged
//! or not known is not told.

mod children;
mod kept;
mod lobs;
mod maps;
mod order;
mod trees;

pub(crate) use kept::Kept;

use crate::facts::{Content, PageFact};
use crate::options::Level;
use crate::sdi::Names;
use crate::unit::{BadPage, Job, Seen};
use vouch_innodb::{ExtentMap, Link, PageNo};
use vouch_report::PageClass;

/// What is known of a tablespace whose pages were all looked at.
struct Known<'a> {
    job: &'a Job,
    facts: &'a [PageFact],
    kept: &'a Kept,
    extents: &'a ExtentMap,
    first: u32,
    /// Nothing is damaged or not known.
    whole: bool,
}

/// Everything that does not fit between pages.
pub(crate) fn faults(job: &Job, seen: &mut Seen, level: Level, names: &Names) -> Vec<BadPage> {
    let first = job.space.first();
    let doubtful = |class| matches!(class, PageClass::Bad | PageClass::Unverified | PageClass::NotRun);
    let all = first == 0 && !job.space.broken_off && !seen.dark;
    let whole = all && !seen.facts.iter().any(|fact| doubtful(fact.class));
    let extents = job.extents();
    retire(&mut seen.facts, first, &extents);
    let known = Known { job, facts: &seen.facts, kept: &seen.kept, extents: &extents, first, whole };
    let mut faults = trees::faults(&known);
    if whole {
        if faults.is_empty() {
            faults.extend(children::faults(&known));
        }
        faults.extend(maps::faults(&known));
        faults.extend(lobs::faults(&known));
        if level >= Level::Full && faults.is_empty() {
            faults.extend(order::faults(&known, names));
        }
    }
    faults
}

/// Tells nodes that were given back from those that are in use, once for all that ask.
fn retire(facts: &mut [PageFact], first: u32, extents: &ExtentMap) {
    for (fact, page) in facts.iter_mut().zip(first..).filter(|(fact, _)| fact.content == Content::Node) {
        if extents.in_use(PageNo(page)) != Some(true) {
            fact.content = Content::Former;
        }
    }
}

impl<'a> Known<'a> {
    fn fact(&self, page: PageNo) -> Option<&'a PageFact> {
        self.facts.get(usize::try_from(page.0.checked_sub(self.first)?).ok()?)
    }

    /// A page that is sound and in use.
    fn used(&self, page: PageNo) -> Option<&'a PageFact> {
        self.fact(page).filter(|fact| fact.class != PageClass::Bad && self.extents.in_use(page) == Some(true))
    }

    /// A node that is sound and in use.
    fn node(&self, page: PageNo) -> Option<Link> {
        let fact = self.fact(page)?;
        fact.link(page).filter(|link| fact.class != PageClass::Bad && !link.facts.is_change_buffer())
    }

    /// All such nodes in the order of their pages.
    fn nodes(&self) -> impl Iterator<Item = Link> {
        (self.first..).zip(self.facts).filter_map(|(page, _)| self.node(PageNo(page)))
    }
}
