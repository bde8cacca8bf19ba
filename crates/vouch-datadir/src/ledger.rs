//! What a finished tablespace has to say: [`report`] makes findings, failures
//! and coverage of what was seen.

use crate::catalog;
use crate::copies::Copies;
use crate::discover::{at, unreadable};
use crate::facts::{self, Content};
use crate::far;
use crate::kind::Kind;
use crate::listing::{Listed, MYSQL_DICTIONARY, listing};
use crate::logs::Changed;
use crate::names::table_of;
use crate::options::{Level, PagesOptions};
use crate::packed::bare;
use crate::sdi::{Index, Names, Objects};
use crate::space::{Part, Space};
use crate::state::State;
use crate::structure;
use crate::unit::{BadPage, Job, Seen};
use crate::zeros::{self, ZeroDoubt, judge_zeros};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vouch_convert::{narrow, to_size, widen};
use vouch_innodb::{DictIndex, DictTable, Lsn, PageNo, PageType};
use vouch_report::{Code, Failure, FileCoverage, FilePlace, FileState, Finding, MapCell, PageClass, PageTally};

/// What a tablespace came to.
#[derive(Debug, Default)]
pub(crate) struct SpaceReport {
    pub files: Vec<FileCoverage>,
    pub findings: Vec<Finding>,
    pub errors: Vec<Failure>,
    /// Zero pages that nothing explains, which are reported together with those of other files.
    pub doubts: Vec<ZeroDoubt>,
    /// The instance and the file, where a server wrote it while it was read.
    pub changed: Option<(PathBuf, String)>,
    /// Tables with files of their own and the numbers of their tablespaces, and where: told by a system tablespace
    /// that is whole and of one moment.
    pub tables: Option<(PathBuf, BTreeMap<String, u32>)>,
    /// The numbers of the indexes in each tablespace, by the same system tablespace.
    pub indexes: Option<(PathBuf, IndexesOfSpaces)>,
    /// Tablespaces that MySQL's dictionary knows, where that is whole and of one moment.
    pub listed: Option<Vec<Listed>>,
    /// The tablespace itself, where page 0 tells.
    pub space: Option<Named>,
}

/// Numbers of indexes by the numbers of their tablespaces.
pub(crate) type IndexesOfSpaces = BTreeMap<u32, BTreeSet<u64>>;

/// A tablespace by its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    pub root: PathBuf,
    pub id: u32,
    pub path: PathBuf,
    /// It describes its own tables, as tablespaces of MySQL do since 8.0.
    pub has_sdi: bool,
    /// `db.table` of all tables that it describes, where it is of one table and of one moment.
    pub tables: Vec<String>,
    /// The numbers of the indexes that it has pages of, under the same conditions, where it describes nothing.
    pub indexes: BTreeSet<u64>,
}

/// Holds the pages of a tablespace against each other and makes a report of all that was seen.
pub(crate) fn report(
    job: &Job,
    options: &PagesOptions,
    state: &State,
    copies: &Copies,
    log: impl FnOnce() -> Arc<Changed>,
) -> SpaceReport {
    let mut seen = std::mem::take(&mut *job.seen());
    let pages = to_size(job.space.pages());
    seen.facts.resize(pages, facts::PageFact::default());
    let mut report = SpaceReport::default();
    let (mut names, objects) = names(job, options, state, &mut seen);
    sizes(job, &names, state, &mut report);
    excuse_growth(&job.space, &mut report);
    if !matches!(state, State::Whole(..)) {
        seen.excuse_sealed(PageNo(job.space.first()));
    }
    if state.is_of_running_server() {
        excuse_changes(&job.space, &mut seen, &mut report);
    }
    if let Some(end) = state.end() {
        future_pages(&job.space, end, &mut seen);
    }
    if !matches!(state, State::Raw(..)) {
        lost_first_page(&job.space, &mut seen);
    }
    judge_zeros(job, state, log, &mut seen, &mut report);
    if options.level >= Level::Tree && !matches!(state, State::Raw(..)) {
        structure(job, state, options.level, &names, &mut seen, &mut report);
    }
    if seen.bad.iter().any(|bad| bad.index.is_some_and(|index| names.of(index).is_none())) && !job.space.format.sdi {
        names.complete(catalog::names(&job.space, &options.keyring).unwrap_or_default());
    }
    findings(job, &names, options, &mut seen, copies, &mut report);
    failures(&job.space, &seen, &mut report);
    if let State::Whole(..) = state {
        let indexes = std::mem::take(&mut seen.indexes);
        report.tables = tables(&job.space, &mut seen);
        report.indexes = report.tables.as_ref().map(|(root, _)| (root.clone(), by_space(indexes)));
    }
    if matches!(state, State::Whole(..)) && report.findings.is_empty() && report.errors.is_empty() {
        report.listed = listing(job, &objects, &seen.facts);
    }
    report.space = named(&job.space).map(|named| match state {
        State::Whole(..) => named.with_contents(&job.space, &names, &seen),
        _ => named,
    });
    report.files = job.space.parts.iter().map(|part| coverage(job, part, &names, &seen, &report)).collect();
    report
}

fn named(space: &Space) -> Option<Named> {
    let (id, part) = (space.header?.space, space.parts.first()?);
    let (root, path) = (space.root.clone(), part.found.path.clone());
    Some(Named { root, id: id.0, path, has_sdi: space.format.sdi, ..Named::default() })
}

fn by_space(indexes: Vec<DictIndex>) -> IndexesOfSpaces {
    let mut spaces = IndexesOfSpaces::new();
    for index in indexes {
        spaces.entry(index.space.0).or_default().insert(index.id);
    }
    spaces
}

/// The flag of a tablespace that may hold several tables (MySQL).
const SHARED: u32 = 1 << 11;

impl Named {
    /// Adds what shows whose pages these are. A tablespace of which not all could be read shows nothing.
    fn with_contents(mut self, space: &Space, names: &Names, seen: &Seen) -> Named {
        let shared = space.header.is_none_or(|header| self.has_sdi && header.flags & SHARED > 0);
        let whole = seen.bad.is_empty() && seen.encrypted == 0 && !seen.dark && !seen.abandoned;
        if shared || !whole || space.kind != Kind::Tablespace {
            return self;
        }
        if self.has_sdi {
            self.tables.clone_from(&names.tables);
        } else {
            let nodes = seen.facts.iter().filter(|fact| fact.content == Content::Node);
            self.indexes = nodes.map(|fact| fact.index).collect();
        }
        self
    }
}

/// Names by what the tablespace says of its tables, which is held against its pages.
fn names(job: &Job, options: &PagesOptions, state: &State, seen: &mut Seen) -> (Names, Objects) {
    let mut objects = std::mem::take(&mut seen.objects);
    let certain = matches!(state, State::Whole(..));
    objects.fetch(|away| far::text(job, &seen.facts, away).filter(|text| certain || text.is_ok()));
    let (names, mut bad) = Names::read(&objects);
    if matches!(state, State::Whole(..)) && options.level >= Level::Page {
        bad.extend(names.all().into_iter().filter_map(|(id, index)| no_root(&job.space, id, index, seen)));
    }
    for bad in bad {
        if let Some(fact) = seen.facts.get_mut(to_size(bad.page.0.saturating_sub(job.space.first()))) {
            fact.class = PageClass::Bad;
        }
        seen.tally.bad += 1;
        seen.bad.push(bad);
    }
    (names, objects)
}

/// The page that should be the root of an index and is sound, but none of its nodes.
fn no_root(space: &Space, id: u64, index: &Index, seen: &Seen) -> Option<BadPage> {
    // An upgrade of MySQL makes tables of its own dictionary anew and may leave the descriptions as they were.
    let (_, page) = index.root.filter(|(owner, _)| space.id == Some(*owner) && *owner != MYSQL_DICTIONARY)?;
    let fact = seen.facts.get(narrow::<usize, _>(page.0.checked_sub(space.first())?)?)?;
    let judged = matches!(fact.class, PageClass::Sound | PageClass::Unprotected);
    let message = format!("by the dictionary it is the root of {}, and it is no page of that index", index.name);
    let bad = BadPage { page, code: Code::SdiRecord, message, index: Some(id) };
    (judged && !(fact.content == Content::Node && fact.index == id)).then_some(bad)
}

fn tables(space: &Space, seen: &mut Seen) -> Option<(PathBuf, BTreeMap<String, u32>)> {
    let whole = space.first() == 0 && seen.bad.is_empty() && seen.encrypted == 0 && !seen.abandoned;
    let known = matches!(space.kind, Kind::System(_)) && whole && !seen.tables.is_empty();
    let tables = std::mem::take(&mut seen.tables).into_iter().filter(DictTable::has_file);
    let tables = tables.map(|table| (table.name, table.space.0));
    known.then(|| (space.root.clone(), tables.collect()))
}

/// Files that are too short.
fn sizes(job: &Job, names: &Names, state: &State, report: &mut SpaceReport) {
    let space = &job.space;
    if space.broken_off {
        return;
    }
    for part in space.parts.iter().filter(|part| part.rest > 0) {
        let message = format!("the file ends {} bytes into page {}", part.rest, part.first.saturating_add(part.pages));
        report.findings.push(of_file(space, part, names, Code::FileCut, message));
    }
    let (Some(header), Some(last)) = (space.header, space.parts.last()) else { return };
    let whole = space.parts.first().is_some_and(|part| part.first == 0);
    if whole && header.size > space.pages() && !is_part_of_several(space) {
        if matches!(space.kind, Kind::System(_)) && !matches!(state, State::Raw(..)) {
            return report.findings.push(of_file(
                space,
                last,
                names,
                Code::FileTruncated,
                short_system(space, header.size),
            ));
        }
        // A server counts pages in before it makes the file longer, and may never do so.
        let Some(lost) = missing_page(job, header.size.min(header.free_limit)) else { return };
        let (said, there) = (header.size, space.pages());
        let message = format!("page 0 says that there are {said} pages, the file has {there}; page {lost} was in use");
        report.findings.push(of_file(space, last, names, Code::FileTruncated, message));
    }
}

/// A file that has become longer since its length was asked for is being written. That it seemed too short is no damage
/// then, and of its end nothing is known.
fn excuse_growth(space: &Space, report: &mut SpaceReport) {
    let too_short = |finding: &Finding| matches!(finding.code, Code::FileCut | Code::FileTruncated);
    if !report.findings.iter().any(too_short) {
        return;
    }
    let has_grown = |part: &&Part| part.source.length().is_ok_and(|now| now > part.found.bytes);
    if let Some(grown) = space.parts.iter().find(has_grown) {
        report.findings.retain(|finding| !too_short(finding));
        let longer = std::io::Error::other("it became longer while it was read");
        report.errors.push(unreadable(&grown.found.label, &longer));
    }
}

/// The system tablespace of a server that was shut down has all pages that it counts, in one file or several.
fn short_system(space: &Space, said: u32) -> String {
    let (there, files) = (space.pages(), space.parts.len());
    let next = files.saturating_add(1);
    format!(
        "page 0 says that there are {said} pages, its {files} files have {there}: ibdata{next} is missing, or this one is cut"
    )
}

/// The first page behind the end of the file that is in use, or whose descriptor is missing too.
fn missing_page(job: &Job, end: u32) -> Option<PageNo> {
    let extents = job.extents();
    (job.space.pages()..end).map(PageNo).find(|no| extents.in_use(*no) != Some(false))
}

/// A file of the system tablespace that was asked for by its own name may have others beside it.
fn is_part_of_several(space: &Space) -> bool {
    let by_name = |part: &Part| {
        let folder = part.found.path.parent().unwrap_or(Path::new("."));
        // Files of images have no folder either, and the image for their root.
        let is_current = folder.as_os_str().is_empty() && space.root == Path::new(".");
        let is_own = is_current || folder == space.root || folder == Path::new(".");
        part.found.path.as_os_str() == part.found.label.as_str() && is_own
    };
    // A packed file that was asked for is an instance by itself.
    let packed =
        space.root.file_name().is_some_and(|name| matches!(Kind::of(bare(&name.to_string_lossy())), Kind::System(_)));
    matches!(space.kind, Kind::System(_)) && (packed || space.parts.iter().all(by_name))
}

fn of_file(space: &Space, part: &Part, names: &Names, code: Code, message: String) -> Finding {
    let mut finding = Finding::new(code, message);
    finding.location.table = table(space, part, names);
    finding.location.file = Some(place(space, part, None));
    finding
}

/// The table as the tablespace says itself, or as its path does, which tells partitions apart.
fn table(space: &Space, part: &Part, names: &Names) -> Option<String> {
    let by_path = matches!(space.kind, Kind::Tablespace).then(|| table_of(&part.found.path)).flatten();
    let own = names.table.as_ref().filter(|own| !by_path.as_ref().is_some_and(|path| path.starts_with(own.as_str())));
    own.cloned().or(by_path)
}

fn place(space: &Space, part: &Part, pages: Option<(u32, u32)>) -> FilePlace {
    FilePlace {
        file: part.found.label.clone(),
        space: space.id.map(|id| id.0),
        pages,
        offset: pages.and_then(|(first, _)| space.offset_of(PageNo(first))).map(|(_, offset)| offset),
        index: None,
    }
}

/// A tablespace without its first page is none. In a raw copy the page may be in the redo log alone.
fn lost_first_page(space: &Space, seen: &mut Seen) {
    if space.parts.first().is_some_and(|part| part.first == 0)
        && seen.facts.first().is_some_and(|fact| fact.class == PageClass::Empty)
    {
        seen.lose(PageNo(0), PageNo(0), zeros::LOST);
    }
}

/// What an archiver does to a file that a server writes: pages and sizes of two moments are not damage of the server.
fn excuse_changes(space: &Space, seen: &mut Seen, report: &mut SpaceReport) {
    let before = report.findings.len();
    report.findings.retain(|finding| !matches!(finding.code, Code::FileCut | Code::FileTruncated));
    let has_mixed = seen.excuse_mixed(PageNo(space.first()));
    let Some(part) = space.parts.first() else { return };
    if has_mixed || report.findings.len() < before {
        report.changed = Some((space.root.clone(), part.found.label.clone()));
    }
}

/// Pages that were changed behind the end of the log, so that no recovery knows of it.
fn future_pages(space: &Space, end: Lsn, seen: &mut Seen) {
    let Seen { facts, bad, tally, .. } = seen;
    for (fact, page) in facts.iter_mut().zip(space.first()..) {
        let judged = !matches!(fact.class, PageClass::NotRun | PageClass::Empty | PageClass::Copy | PageClass::Bad);
        if judged && fact.lsn > end {
            fact.class = PageClass::Bad;
            tally.bad += 1;
            let message = format!("its last change is of LSN {}, and the log ends at LSN {end}", fact.lsn);
            bad.push(BadPage { page: PageNo(page), code: Code::PageFuture, message, index: None });
        }
    }
}

/// Holds pages against each other.
fn structure(job: &Job, state: &State, level: Level, names: &Names, seen: &mut Seen, report: &mut SpaceReport) {
    seen.kept.sort();
    let faults = structure::faults(job, seen, level, names);
    let Some(first) = faults.first() else { return };
    if let (State::Unknown, Some(part)) = (state, job.space.parts.first()) {
        let of_index = first.index.map(|index| format!(" of index {index}")).unwrap_or_default();
        let (page, why, count) = (first.page, &first.message, faults.len());
        let message = format!("page {page}{of_index}: {why} ({count} such contradictions)");
        report.errors.push(at(&part.found.label, Failure::new(Code::TreeUnjudged, message)));
        return;
    }
    seen.bad.extend(faults);
}

/// Findings of pages in their order; neighbours with the same code are one finding.
fn findings(
    job: &Job,
    names: &Names,
    options: &PagesOptions,
    seen: &mut Seen,
    copies: &Copies,
    report: &mut SpaceReport,
) {
    let space = &job.space;
    seen.bad.sort_by_key(|bad| bad.page);
    let mut runs: Vec<&[BadPage]> = seen.bad.chunk_by(|a, b| neighbours(space, a, b)).collect();
    let beyond = runs.split_off(options.max_findings.min(runs.len()));
    report.findings.extend(runs.iter().filter_map(|run| finding(space, names, run, copies)));
    let rest: u64 = beyond.iter().map(|run| widen(run.len())).sum();
    if let (Some(last), true) = (report.findings.last_mut(), rest > 0) {
        last.message.push_str(&format!("; {rest} more bad pages of this file are counted and not listed"));
        last.count = last.count.saturating_add(rest);
    }
}

fn neighbours(space: &Space, a: &BadPage, b: &BadPage) -> bool {
    let of_page = !matches!(a.code, Code::IndexPage | Code::IndexTree);
    let same_file = || space.part_of(a.page).map(|part| part.first) == space.part_of(b.page).map(|part| part.first);
    of_page && a.code == b.code && a.page.0.checked_add(1) == Some(b.page.0) && same_file()
}

fn finding(space: &Space, names: &Names, run: &[BadPage], copies: &Copies) -> Option<Finding> {
    let (first, last) = (run.first()?, run.last()?);
    let part = space.part_of(first.page)?;
    let mut message = first.message.clone();
    if run.len() > 1 {
        message = format!("{message} (the first of {} pages in a row)", run.len());
    }
    if let Some(recovered) = recovery(space, run, copies) {
        message = format!("{message}; {recovered}");
    }
    let mut finding = of_file(space, part, names, first.code, message);
    let mut spot = place(space, part, Some((first.page.0, last.page.0)));
    spot.index = first.index.map(|index| match names.of(index) {
        Some(named) => format!("{} (index {index})", named.name),
        None => format!("index {index}"),
    });
    if let Some(named) = first.index.and_then(|index| names.of(index)).filter(|_| names.table.is_none()) {
        finding.location.table = Some(named.table.clone());
    }
    finding.location.file = Some(spot);
    finding.count = widen(run.len());
    Some(finding)
}

/// Which of the pages have a sound copy.
fn recovery(space: &Space, run: &[BadPage], copies: &Copies) -> Option<String> {
    let good: Vec<_> = run.iter().filter_map(|bad| copies.of(space, bad.page)).collect();
    let first = good.first()?;
    let of_all = if run.len() > 1 { format!(" of {} of them", good.len()) } else { String::new() };
    Some(format!("a good copy{of_all} as of LSN {} is in {} at byte {}", first.lsn, first.file, first.offset))
}

/// What could not be verified.
fn failures(space: &Space, seen: &Seen, report: &mut SpaceReport) {
    report.errors.extend(seen.failures.iter().cloned());
    let Some(part) = space.parts.first() else { return };
    let mut push = |code, message: String| report.errors.push(at(&part.found.label, Failure::new(code, message)));
    if seen.encrypted > 0 {
        let why = space.locked.as_deref().unwrap_or("no key");
        push(Code::PageEncrypted, format!("{} encrypted pages, and {why}", seen.encrypted));
    }
    if seen.tally.unprotected > 0 {
        push(Code::PageUnprotected, format!("{} pages without a checksum", seen.tally.unprotected));
    }
    if seen.abandoned {
        push(Code::FileAbandoned, format!("{} bad pages, so the rest was left out", seen.tally.bad));
    }
}

fn coverage(job: &Job, part: &Part, names: &Names, seen: &Seen, report: &SpaceReport) -> FileCoverage {
    let space = &job.space;
    let before = space.parts.first().map_or(0, |first| first.first);
    let from = to_size(part.first.saturating_sub(before));
    let count = to_size(part.pages);
    let own = seen.facts.get(from..).and_then(|rest| rest.get(..count)).unwrap_or_default();
    let mut tally = PageTally::default();
    own.iter().for_each(|fact| tally.count(fact.class));
    let here = |file: Option<&FilePlace>| file.is_some_and(|file| file.file == part.found.label);
    let state = if report.findings.iter().any(|finding| here(finding.location.file.as_ref())) {
        FileState::Damaged
    } else if tally.seen() < u64::from(part.pages) {
        FileState::NotRun
    } else if report.errors.iter().any(|error| here(error.location.file.as_ref()))
        || !report.doubts.is_empty()
        || report.changed.is_some()
    {
        FileState::Unverified
    } else {
        FileState::Sound
    };
    let mut map = facts::map(own, part.first);
    if part.tail > 0 {
        tally.empty += u64::from(part.tail);
        let first = part.first.saturating_add(part.pages);
        let page_type = PageType::default().name().into_owned();
        map.push(MapCell { first, pages: part.tail, class: PageClass::Empty, page_type });
    }
    FileCoverage {
        file: part.found.label.clone(),
        kind: space.kind.name(),
        table: table(space, part, names),
        format: space.format.to_string(),
        space: space.id.map(|id| id.0),
        bytes: part.found.bytes,
        page_bytes: space.page_size().bytes_u64(),
        pages: u64::from(part.pages) + u64::from(part.tail),
        tally,
        methods: seen.methods.ranked(|method| method.name().to_owned()),
        types: seen.types.ranked(|page_type| page_type.name().into_owned()),
        lsn_max: seen.lsn_max.0,
        state,
        map,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;
    use crate::discover::discover;
    use crate::fixture::{PAGE, tablespace};
    use crate::space;
    use std::fs;
    use vouch_innodb::Keyring;

    /// A table that a server made longer between the listing of its directory and the reading of page 0 was called
    /// truncated: a healthy server that was running was accused.
    #[test]
    fn a_file_that_grows_while_it_is_read_is_not_called_truncated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.ibd");
        let (bytes, half) = (tablespace(7, &[50; 12]), 6 * PAGE);
        let sizes_of = |job: &Job| {
            let mut report = SpaceReport::default();
            sizes(job, &Names::default(), &State::Unknown, &mut report);
            excuse_growth(&job.space, &mut report);
            let errors: Vec<Code> = report.errors.iter().map(|error| error.code).collect();
            (report.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), errors)
        };
        fs::write(&path, &bytes[..half]).unwrap();
        let listed = discover(std::slice::from_ref(&path)).files;
        fs::write(&path, &bytes).unwrap();
        let open = || Job::new(space::open(listed.clone(), &[], &Keyring::default()).unwrap());
        let job = open();
        assert_eq!((job.space.pages(), sizes_of(&job)), (12, (vec![], vec![])), "longer when page 0 was read");
        fs::write(&path, &bytes[..half]).unwrap();
        let job = open();
        assert_eq!(sizes_of(&job), (vec![Code::FileTruncated], vec![]), "short, and nobody writes");
        fs::write(&path, &bytes).unwrap();
        assert_eq!(sizes_of(&job), (vec![], vec![Code::FileUnreadable]), "longer since");
        fs::write(&path, &bytes[..half + 100]).unwrap();
        let job = open();
        assert_eq!(sizes_of(&job).0, [Code::FileCut, Code::FileTruncated]);
    }
}
