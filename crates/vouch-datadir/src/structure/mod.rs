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
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;
use vouch_convert::narrow;
use vouch_innodb::{ExtentMap, Link, PageNo};
use vouch_report::{Failure, PageClass};

/// Pages of a tablespace from which on a thread is worth its start.
const MANY_PAGES: usize = 16 << 10;

/// What is known of a tablespace whose pages were all looked at.
struct Known<'a> {
    job: &'a Job,
    facts: &'a [PageFact],
    kept: &'a Kept,
    extents: &'a ExtentMap,
    first: u32,
    /// Nothing is damaged or not known.
    whole: bool,
    /// The first page that could not be read once more: what it would have shown is not known.
    unread: Mutex<Option<Failure>>,
}

/// Everything that does not fit between pages.
pub(crate) fn faults(job: &Job, seen: &mut Seen, level: Level, names: &Names) -> Vec<BadPage> {
    let first = job.space.first();
    let doubtful = |class| matches!(class, PageClass::Bad | PageClass::Unverified | PageClass::NotRun);
    let all = first == 0 && !job.space.broken_off && !seen.dark;
    let whole = all && !seen.facts.iter().any(|fact| doubtful(fact.class));
    let extents = job.extents();
    retire(&mut seen.facts, first, &extents);
    let unread = Mutex::new(None);
    let known = Known { job, facts: &seen.facts, kept: &seen.kept, extents: &extents, first, whole, unread };
    if !whole {
        return trees::faults(&known);
    }
    let (mut faults, others) = both(known.facts.len(), || of_trees(&known), || of_places(&known));
    faults.extend(others);
    if level >= Level::Full && faults.is_empty() {
        faults.extend(order::faults(&known, names));
    }
    let unread = known.unread.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.failures.extend(unread);
    faults
}

fn of_trees(known: &Known) -> Vec<BadPage> {
    let faults = trees::faults(known);
    if faults.is_empty() { children::faults(known) } else { faults }
}

fn of_places(known: &Known) -> Vec<BadPage> {
    let mut faults = maps::faults(known);
    faults.extend(lobs::faults(known));
    faults
}

/// Does both, at the same time in a tablespace of many pages: no other thread has work while the last one is
/// finished.
fn both<A, B: Send>(pages: usize, one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    if pages < MANY_PAGES {
        return (one(), other());
    }
    thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        (one, other.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
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
    /// Reads a page once more; that it cannot be read is kept for the report.
    fn read_again(&self, no: PageNo, page: &mut [u8]) -> Option<()> {
        match self.job.space.read_again(no, page)? {
            Ok(()) => Some(()),
            Err(failure) => {
                self.unread.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
                None
            }
        }
    }

    fn fact(&self, page: PageNo) -> Option<&'a PageFact> {
        self.facts.get(narrow::<usize, _>(page.0.checked_sub(self.first)?)?)
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
