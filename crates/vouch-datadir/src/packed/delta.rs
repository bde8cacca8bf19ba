//! The pages that an incremental backup has of one tablespace: [`read`] judges
//! them as they pass, [`Delta::report`] once it is known of when the backup is.
//!
//! Each page is held against itself, its number, its tablespace and the time of
//! the backup; what most of them point at is in the backup before. Invariant: a
//! page is accused only when it is damaged under every format that its size
//! leaves open.

use crate::discover::Found;
use crate::facts::PageFact;
use crate::judge::note;
use crate::kind::Kind;
use crate::ledger::SpaceReport;
use crate::names::table_of;
use crate::options::{Level, PagesOptions};
use crate::space::Space;
use crate::state::State;
use crate::structure::Kept;
use crate::unit::{BadPage, Seen};
use crate::{discover, space};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use vouch_convert::widen;
use vouch_innodb::{
    Checker, DeltaList, DeltaMeta, FilHeader, Layout, LegacyDoublewrite, Lsn, PageNo, PageSize, PageVerdict,
    SpaceFormat,
};
use vouch_report::{Code, Failure, FileCoverage, FilePlace, FileState, Finding, PageClass};

/// Why the note must be there.
pub(super) const NO_NOTE: &str =
    "the file is missing: the pages beside it cannot be applied without knowing their tablespace";
/// What is wrong with one that does not say what it is for.
pub(super) const WRONG_NOTE: &str = "it names no tablespace and no size of pages";
/// Bytes of the start of a file that tell the size of its pages.
const HEAD: usize = 4 * 65_536;

/// Changed pages of a tablespace, judged.
#[derive(Debug)]
pub(crate) struct Delta {
    found: Found,
    space: Option<Space>,
    /// Where runs of pages begin in the file: the first one's place among all, and its offset.
    runs: Vec<(usize, u64)>,
    numbers: Vec<PageNo>,
    seen: Seen,
    /// Nothing tells the size of its pages.
    sizeless: bool,
    /// What is wrong with the file itself, and where.
    faults: Vec<(u64, String)>,
}

/// A file that is being read.
struct Reader<'a> {
    input: &'a mut dyn Read,
    at: u64,
    size: usize,
    /// The number of the page with which the file of the tablespace begins: lists count from there.
    base: u32,
    /// Formats that the pages may have; the first one is that of the page before.
    formats: Vec<SpaceFormat>,
    options: &'a PagesOptions,
    checker: Option<Checker>,
    delta: Delta,
}

/// Judges a file to its end. `known` are formats that were met.
///
/// # Errors
/// The stream cannot be read to its end.
pub(super) fn read(
    found: Found,
    meta: Option<DeltaMeta>,
    input: &mut dyn Read,
    known: &[SpaceFormat],
    options: &PagesOptions,
) -> io::Result<Delta> {
    let mut head = Vec::new();
    input.take(widen(HEAD)).read_to_end(&mut head)?;
    let told = meta.map(|meta| meta.page).or_else(|| DeltaList::page_size(&head));
    let mut delta = Delta {
        found,
        space: None,
        runs: Vec::new(),
        numbers: Vec::new(),
        seen: Seen::default(),
        sizeless: false,
        faults: Vec::new(),
    };
    let Some(size) = told else {
        let rest = io::copy(input, &mut io::sink())?;
        delta.found.bytes = widen(head.len()) + rest;
        // A list of no pages is as long as one page.
        match DeltaList::read(&head) {
            None => delta.faults.push((0, "it does not begin with a list of pages that follow".to_owned())),
            Some(list) => delta.sizeless = !list.pages.is_empty(),
        }
        return Ok(delta);
    };
    let formats = formats(size, meta.as_ref(), known);
    let mut space =
        space::of_delta(&delta.found, *formats.first().unwrap_or(&SpaceFormat::plain(size, Layout::Classic)));
    space.id = meta.map(|meta| meta.space);
    first_page(&mut space, &head, size, options);
    let formats = if space.header.is_some() { vec![space.format] } else { formats };
    let space_kind = space.kind;
    delta.space = Some(space);
    let base = if matches!(space_kind, Kind::System(2..)) { base(&head, size) } else { 0 };
    let mut whole = io::Cursor::new(head).chain(input);
    let mut reader =
        Reader { input: &mut whole, at: 0, size: size.bytes(), base, formats, options, checker: None, delta };
    reader.lists()?;
    Ok(reader.delta)
}

/// What page 0 tells, where it is among them; it is the first one then.
fn first_page(space: &mut Space, head: &[u8], size: PageSize, options: &PagesOptions) {
    let list = head.get(..size.bytes()).and_then(DeltaList::read);
    let pages = head.get(size.bytes()..).unwrap_or_default();
    if list.is_some_and(|list| list.pages.first() == Some(&PageNo(0))) {
        space::learn(space, pages.get(..size.bytes()).unwrap_or_default(), &options.keyring);
    }
}

/// By how much the numbers that pages bear are ahead of those in the list, for most of them.
fn base(head: &[u8], size: PageSize) -> u32 {
    let list = head.get(..size.bytes()).and_then(DeltaList::read).map(|list| list.pages).unwrap_or_default();
    let pages = head.chunks_exact(size.bytes()).skip(1);
    let ahead = list.iter().zip(pages).filter_map(|(no, page)| FilHeader::read(page)?.page_no.0.checked_sub(no.0));
    let mut told: BTreeMap<u32, u32> = BTreeMap::new();
    ahead.for_each(|ahead| *told.entry(ahead).or_default() += 1);
    told.into_iter().max_by_key(|(_, count)| *count).map_or(0, |(ahead, _)| ahead)
}

/// Formats of pages of this size.
fn formats(size: PageSize, meta: Option<&DeltaMeta>, known: &[SpaceFormat]) -> Vec<SpaceFormat> {
    let layouts: &[Layout] = match meta.map(|meta| meta.zip) {
        Some(true) => &[Layout::Zip],
        Some(false) => &[Layout::Classic, Layout::FullCrc32],
        None => &[Layout::Classic, Layout::FullCrc32, Layout::Zip],
    };
    let possible = |format: &SpaceFormat| format.physical == size && layouts.contains(&format.layout);
    // Pages say themselves that they are encrypted, where nothing else does.
    let plain = layouts.iter().map(|layout| SpaceFormat { encrypted: true, ..SpaceFormat::plain(size, *layout) });
    let noted = meta.and_then(|meta| meta.format);
    noted.into_iter().chain(known.iter().copied().filter(possible)).chain(plain).collect()
}

impl Reader<'_> {
    /// All lists, each with its pages.
    fn lists(&mut self) -> io::Result<()> {
        let mut page = Vec::new();
        loop {
            let at = self.at;
            let read = self.page(&mut page)?;
            let list = Some(read).filter(|read| *read == self.size).and_then(|_| DeltaList::read(&page));
            let Some(list) = list else {
                let message =
                    if read == 0 { "it ends without its last list of pages" } else { "no list of pages stands there" };
                self.delta.faults.push((at, format!("{message}; what follows is not verified")));
                return self.rest();
            };
            self.numbers(&list, at);
            self.delta.runs.push((self.delta.numbers.len(), self.at));
            for no in &list.pages {
                let read = self.page(&mut page)?;
                if read < self.size {
                    self.delta.faults.push((self.at, format!("it ends where page {no} should follow")));
                    return self.rest();
                }
                self.judge(*no, &page);
            }
            if list.last {
                let end = self.at;
                self.rest()?;
                if self.delta.found.bytes > end {
                    self.delta.faults.push((end, "bytes follow its last page".to_owned()));
                }
                return Ok(());
            }
        }
    }

    /// Numbers ascend over the whole file.
    fn numbers(&mut self, list: &DeltaList, at: u64) {
        let before = self.delta.numbers.last().map(|no| PageNo(no.0.saturating_sub(self.base)));
        let mut all = before.iter().chain(&list.pages).zip(before.iter().chain(&list.pages).skip(1));
        if let Some((a, b)) = all.find(|(a, b)| a >= b) {
            self.delta.faults.push((at, format!("its list has page {b} behind page {a}")));
        }
    }

    /// The next page, or as much as there is of it.
    fn page(&mut self, page: &mut Vec<u8>) -> io::Result<usize> {
        page.clear();
        let read = self.input.take(widen(self.size)).read_to_end(page)?;
        self.at += widen(read);
        Ok(read)
    }

    fn rest(&mut self) -> io::Result<()> {
        self.at += io::copy(&mut self.input, &mut io::sink())?;
        self.delta.found.bytes = self.at;
        Ok(())
    }

    fn judge(&mut self, no: PageNo, page: &[u8]) {
        let no = PageNo(no.0.saturating_add(self.base));
        self.delta.numbers.push(no);
        let Some(space) = &mut self.delta.space else { return };
        let seen = &mut self.delta.seen;
        let area = LegacyDoublewrite::usual(&space.format);
        if matches!(space.kind, Kind::System(1)) && area.holds(no) {
            seen.tally.count(PageClass::Copy);
            seen.facts.push(PageFact { class: PageClass::Copy, ..PageFact::default() });
            return;
        }
        let make = |space: &Space, format: SpaceFormat| {
            let checker = Checker::new(format, space.id).with_access(space.access.clone());
            checker.with_policy(self.options.first_method, self.options.strict)
        };
        let mut checker = self.checker.take().unwrap_or_else(|| make(space, space.format));
        if matches!(checker.check(no, page).verdict, PageVerdict::Bad(_)) {
            let fits =
                |format: &&SpaceFormat| !matches!(make(space, **format).check(no, page).verdict, PageVerdict::Bad(_));
            if let Some(format) = self.formats.iter().find(fits) {
                space.format = *format;
                checker = make(space, *format);
            }
        }
        note(space, self.options.level.min(Level::Page), no, &checker.check(no, page), seen);
        self.checker = Some(checker);
        // Nothing is held against other pages.
        (seen.kept, seen.objects) = (Kept::default(), Default::default());
        seen.extent_pages.clear();
        seen.tables.clear();
    }
}

impl Delta {
    /// What it comes to in a backup of this state, which has what changed since `from`. Of more than `most` bad
    /// pages the rest is counted in the last one.
    pub(crate) fn report(mut self, state: &State, from: Option<Lsn>, most: usize) -> SpaceReport {
        let mut report = SpaceReport::default();
        self.times(state.end(), from);
        let faults: Vec<(u64, String)> = std::mem::take(&mut self.faults);
        report
            .findings
            .extend(faults.into_iter().map(|(at, message)| self.finding(Code::DeltaDamaged, Some(at), None, message)));
        let mut bad = std::mem::take(&mut self.seen.bad);
        bad.sort_by_key(|bad| bad.page);
        let beyond = widen(bad.split_off(most.min(bad.len())).len());
        report.findings.extend(bad.iter().map(|bad| {
            let mut finding = self.finding(bad.code, self.offset_of(bad.page), Some(bad.page), bad.message.clone());
            if let (Some(file), Some(index)) = (&mut finding.location.file, bad.index) {
                file.index = Some(format!("index {index}"));
            }
            finding
        }));
        if let (Some(last), true) = (report.findings.last_mut(), beyond > 0) {
            last.message.push_str(&format!("; {beyond} more bad pages of this file are counted and not listed"));
            last.count = last.count.saturating_add(beyond);
        }
        let mut push = |code, message: String| {
            report.errors.push(discover::at(&self.found.label, Failure::new(code, message)));
        };
        if self.seen.encrypted > 0 {
            push(
                Code::PageEncrypted,
                format!("{} encrypted pages, and no key that page 0 would tell of", self.seen.encrypted),
            );
        }
        if self.sizeless {
            push(
                Code::FileUnreadable,
                "its pages are not verified: nothing in front of it tells their size".to_owned(),
            );
        }
        if self.seen.tally.unprotected > 0 {
            push(Code::PageUnprotected, format!("{} pages without a checksum", self.seen.tally.unprotected));
        }
        report.files.push(self.coverage(&report));
        report
    }

    /// Pages that are older than the backup before, or newer than this one's log.
    fn times(&mut self, end: Option<Lsn>, from: Option<Lsn>) {
        let Seen { facts, bad, tally, .. } = &mut self.seen;
        for (fact, page) in facts.iter_mut().zip(&self.numbers) {
            if !matches!(fact.class, PageClass::Sound | PageClass::Unprotected | PageClass::Unverified) {
                continue;
            }
            let old = from.filter(|from| fact.lsn < *from && page.0 > 0);
            let new = end.filter(|end| fact.lsn > *end);
            let (code, message) = match (old, new) {
                (Some(from), _) => (
                    Code::DeltaDamaged,
                    format!("its last change is of LSN {}, and the backup has what changed since LSN {from}", fact.lsn),
                ),
                (_, Some(end)) => {
                    (Code::PageFuture, format!("its last change is of LSN {}, and the log ends at LSN {end}", fact.lsn))
                }
                _ => continue,
            };
            fact.class = PageClass::Bad;
            tally.bad += 1;
            bad.push(BadPage { page: *page, code, message, index: None });
        }
    }

    /// Where a page stands in the file.
    fn offset_of(&self, page: PageNo) -> Option<u64> {
        let at = self.numbers.binary_search(&page).ok()?;
        let (first, offset) = *self.runs.get(self.runs.partition_point(|(first, _)| *first <= at).checked_sub(1)?)?;
        Some(offset + widen(at - first) * self.space.as_ref()?.page_size().bytes_u64())
    }

    fn finding(&self, code: Code, offset: Option<u64>, page: Option<PageNo>, message: String) -> Finding {
        let mut finding = Finding::new(code, message);
        finding.location.table = self.table();
        let space = self.space.as_ref().and_then(|space| space.id).map(|id| id.0);
        let pages = page.map(|page| (page.0, page.0));
        finding.location.file = Some(FilePlace { file: self.found.label.clone(), space, pages, offset, index: None });
        finding
    }

    /// `db/t.ibd.delta` is of `db.t`.
    fn table(&self) -> Option<String> {
        let inner = self.found.path.with_extension("");
        table_of(&inner).filter(|_| inner.extension().is_some_and(|extension| extension == "ibd"))
    }

    fn coverage(&self, report: &SpaceReport) -> FileCoverage {
        let seen = &self.seen;
        let state = if !report.findings.is_empty() {
            FileState::Damaged
        } else if !report.errors.is_empty() {
            FileState::Unverified
        } else {
            FileState::Sound
        };
        let format = self.space.as_ref().map(|space| space.format.to_string());
        FileCoverage {
            file: self.found.label.clone(),
            kind: Kind::Delta.name(),
            table: self.table(),
            format: format.filter(|_| !self.numbers.is_empty()).unwrap_or_default(),
            space: self.space.as_ref().and_then(|space| space.id).map(|id| id.0),
            bytes: self.found.bytes,
            page_bytes: self.space.as_ref().map_or(0, |space| space.page_size().bytes_u64()),
            pages: widen(self.numbers.len()),
            tally: seen.tally,
            methods: seen.methods.ranked(|method| method.name().to_owned()),
            types: seen.types.ranked(|page_type| page_type.name().into_owned()),
            lsn_max: seen.lsn_max.0,
            state,
            map: Vec::new(),
        }
    }

    /// Where the backup lies.
    pub(crate) fn root(&self) -> &Path {
        &self.found.root
    }
}
