//! What is to be read, cut into parts that are judged one by one: [`Job`], [`Board`].

use crate::counts::Counts;
use crate::discover::Found;
use crate::facts::PageFact;
use crate::sdi::Objects;
use crate::space::{Part, Space};
use crate::structure::Kept;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vouch_convert::{narrow, to_size, widen};
use vouch_innodb::{DictIndex, DictTable, ExtentMap, Lsn, Method, PageNo, PageType};
use vouch_report::{Code, Failure, PageClass, PageTally};

/// Bytes that are read and judged at a time.
pub(crate) const UNIT_BYTES: u64 = 256 << 10;

/// What is known of so many pages of zeros.
fn empty(pages: u32) -> Vec<PageFact> {
    vec![PageFact { class: PageClass::Empty, ..PageFact::default() }; to_size(pages)]
}

/// A page that something is wrong with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadPage {
    pub page: PageNo,
    pub code: Code,
    pub message: String,
    pub index: Option<u64>,
}

/// What was seen so far of a tablespace, or what one part of it adds.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub facts: Vec<PageFact>,
    pub bad: Vec<BadPage>,
    /// Those of them that may have been read while a server wrote them.
    pub mixed: BTreeSet<PageNo>,
    /// Those of them that say that MySQL has encrypted them, in a tablespace of which page 0 says nothing of that.
    pub sealed: BTreeSet<PageNo>,
    pub tally: PageTally,
    pub methods: Counts<Method>,
    pub types: Counts<PageType>,
    pub encrypted: u64,
    pub lsn_max: Lsn,
    pub failures: Vec<Failure>,
    /// Pages of extent descriptors, as the server sees them.
    pub extent_pages: Vec<(PageNo, Vec<u8>)>,
    /// What is kept to hold pages against each other.
    pub kept: Kept,
    /// Tables that the system tablespace names.
    pub tables: Vec<DictTable>,
    /// Their indexes.
    pub indexes: Vec<DictIndex>,
    /// What the tablespace says of its tables.
    pub objects: Objects,
    pub abandoned: bool,
    /// The contents of a page could not be seen.
    pub dark: bool,
}

/// A tablespace that is being looked at.
#[derive(Debug)]
pub(crate) struct Job {
    pub space: Space,
    units: u64,
    left: AtomicU64,
    bad: AtomicU64,
    seen: Mutex<Seen>,
    extents: Mutex<ExtentMap>,
}

/// A part of a file: `count` pages from page `first` of the tablespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit<'a> {
    pub job: &'a Job,
    pub part: &'a Part,
    pub first: u32,
    pub count: u32,
}

impl Job {
    pub(crate) fn new(space: Space) -> Job {
        let per_unit = pages_per_unit(&space);
        let units = space.parts.iter().map(|part| u64::from(part.pages.div_ceil(per_unit))).sum();
        let extents = Mutex::new(ExtentMap::new(&space.format));
        let (left, bad, seen) = (AtomicU64::new(units), AtomicU64::new(0), Mutex::new(Seen::default()));
        Job { space, units, left, bad, seen, extents }
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which pages are in use, as far as was seen.
    pub(crate) fn extents(&self) -> MutexGuard<'_, ExtentMap> {
        self.extents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bad pages so far.
    pub(crate) fn bad_pages(&self) -> u64 {
        self.bad.load(Ordering::Relaxed)
    }

    /// Where the facts of the part's pages stand; parts of a broken file may overlap, and do no harm.
    fn index_of(&self, no: u32) -> usize {
        to_size(no.saturating_sub(self.space.first()))
    }

    /// Adds what a unit has shown. True when it was the last one.
    pub(crate) fn absorb(&self, first: u32, part: Seen) -> bool {
        self.bad.fetch_add(part.tally.bad, Ordering::Relaxed);
        let mut extents = self.extents();
        for (no, page) in &part.extent_pages {
            extents.add(&self.space.format, *no, page);
        }
        drop(extents);
        let mut seen = self.seen();
        let at = self.index_of(first);
        // A stream tells only at its end how many pages there are.
        let known = to_size(self.space.pages()).max(at.saturating_add(part.facts.len()));
        if seen.facts.len() < known {
            seen.facts.resize(known, PageFact::default());
        }
        if let Some(slots) = seen.facts.get_mut(at..).and_then(|rest| rest.get_mut(..part.facts.len())) {
            slots.copy_from_slice(&part.facts);
        }
        seen.add(part);
        drop(seen);
        self.left.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Joins what was seen of the file that follows.
    pub(crate) fn append(&mut self, other: Job) {
        let Job { space, seen, extents, .. } = other;
        let mut seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let extents = extents.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.extents.get_mut().unwrap_or_else(PoisonError::into_inner).merge(extents);
        seen.facts.resize(to_size(space.pages()), PageFact::default());
        self.append_facts(std::mem::take(&mut seen.facts));
        self.bad.fetch_add(seen.tally.bad, Ordering::Relaxed);
        self.space.broken_off |= space.broken_off;
        self.space.parts.extend(space.parts);
        self.seen().add(seen);
    }

    /// Joins a file that follows, of nothing but zeros.
    pub(crate) fn append_zeros(&mut self, found: Found) {
        let before = self.space.pages();
        self.append_facts(Vec::new());
        self.space.extend(found);
        let zeros = self.space.pages().saturating_sub(before);
        self.seen().facts.extend(empty(zeros));
        self.seen().tally.empty += u64::from(zeros);
    }

    /// `space` has not grown yet.
    fn append_facts(&mut self, facts: Vec<PageFact>) {
        let known = to_size(self.space.pages());
        let mut seen = self.seen();
        seen.facts.resize(known, PageFact::default());
        seen.facts.extend(facts);
    }

    /// Counts so many pages of zeros from page `first` on.
    pub(crate) fn zeros(&self, first: u32, pages: u32) {
        let mut part = Seen { facts: empty(pages), ..Seen::default() };
        part.tally.empty = u64::from(pages);
        self.absorb(first, part);
    }

    /// The part of this number.
    fn unit(&self, number: u64) -> Option<Unit<'_>> {
        let per_unit = pages_per_unit(&self.space);
        let mut number = number;
        for part in &self.space.parts {
            let units = u64::from(part.pages.div_ceil(per_unit));
            if number < units {
                let skipped = narrow::<u32, _>(number)?.checked_mul(per_unit)?;
                let count = per_unit.min(part.pages - skipped);
                return Some(Unit { job: self, part, first: part.first.saturating_add(skipped), count });
            }
            number -= units;
        }
        None
    }
}

impl Seen {
    /// A page that was taken for empty should have been written.
    pub(crate) fn lose(&mut self, page: PageNo, first: PageNo, message: &str) {
        let index = page.0.checked_sub(first.0).and_then(narrow::<usize, _>);
        if let Some(fact) = index.and_then(|index| self.facts.get_mut(index)) {
            fact.class = PageClass::Bad;
        }
        self.tally.empty = self.tally.empty.saturating_sub(1);
        self.tally.bad += 1;
        self.bad.push(BadPage { page, code: Code::PageLost, message: message.to_owned(), index: None });
    }

    /// Takes damage back that reading pages while a server writes them explains. True where there was any.
    pub(crate) fn excuse_mixed(&mut self, first: PageNo) -> bool {
        let mixed = std::mem::take(&mut self.mixed);
        self.excuse(&mixed, first) > 0
    }

    /// Counts pages as encrypted that say so themselves. MySQL encrypts a tablespace while it is in use, and on disk
    /// page 0 may be older than the pages that were encrypted. What is under the checksum shows with the key alone.
    pub(crate) fn excuse_sealed(&mut self, first: PageNo) {
        let sealed = std::mem::take(&mut self.sealed);
        self.encrypted += self.excuse(&sealed, first);
    }

    /// Counts bad pages as unverified ones.
    fn excuse(&mut self, pages: &BTreeSet<PageNo>, first: PageNo) -> u64 {
        let before = self.bad.len();
        self.bad.retain(|bad| !pages.contains(&bad.page));
        for page in pages {
            let index = page.0.checked_sub(first.0).and_then(narrow::<usize, _>);
            if let Some(fact) = index.and_then(|index| self.facts.get_mut(index)) {
                fact.class = PageClass::Unverified;
            }
            self.tally.bad = self.tally.bad.saturating_sub(1);
            self.tally.unverified += 1;
        }
        widen(before.saturating_sub(self.bad.len()))
    }

    fn add(&mut self, part: Seen) {
        self.bad.extend(part.bad);
        self.mixed.extend(part.mixed);
        self.sealed.extend(part.sealed);
        self.tally.add(&part.tally);
        self.methods.merge(part.methods);
        self.types.merge(part.types);
        self.encrypted += part.encrypted;
        self.lsn_max = self.lsn_max.max(part.lsn_max);
        self.failures.extend(part.failures);
        self.kept.merge(part.kept);
        self.tables.extend(part.tables);
        self.indexes.extend(part.indexes);
        self.objects.merge(part.objects);
        self.abandoned |= part.abandoned;
        self.dark |= part.dark;
    }
}

fn pages_per_unit(space: &Space) -> u32 {
    u32::try_from(UNIT_BYTES / space.page_size().bytes_u64()).unwrap_or(1).max(1)
}

/// All parts of all tablespaces, handed out in order.
pub(crate) struct Board {
    jobs: Vec<Job>,
    /// The number of each job's first unit.
    starts: Vec<u64>,
    next: AtomicU64,
}

impl Board {
    pub(crate) fn new(jobs: Vec<Job>) -> Board {
        let starts = jobs.iter().scan(0, |next, job| {
            let start = *next;
            *next += job.units;
            Some(start)
        });
        let starts = starts.collect();
        Board { jobs, starts, next: AtomicU64::new(0) }
    }

    /// The tablespaces.
    pub(crate) fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The next part, and the place of its tablespace among the jobs.
    pub(crate) fn take(&self) -> Option<(usize, Unit<'_>)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let at = self.starts.partition_point(|start| *start <= number).checked_sub(1)?;
        let unit = self.jobs.get(at)?.unit(number.checked_sub(*self.starts.get(at)?)?)?;
        Some((at, unit))
    }
}
