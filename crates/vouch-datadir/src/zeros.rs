//! Pages and files that are all zero: which of them should not be.
//!
//! A page that is in use by the tablespace's own records was written at least once. In consistent files a zero page
//! in use is lost. In files that are yet to be recovered it is sound where the redo log creates it. Everything that
//! was changed before the log's checkpoint is on disk, so a page that no record from there on initialises must be in
//! the file. Invariant: a log that cannot be read makes such pages a failure, never a finding and never clean.

use crate::discover::{Found, at};
use crate::kind::Kind;
use crate::ledger::SpaceReport;
use crate::logs::{Changed, LogChanges};
use crate::read;
use crate::space::Space;
use crate::state::State;
use crate::unit::{Job, Seen};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vouch_convert::to_size;
use vouch_innodb::{ExtentMap, Fate, Lsn, PageNo};
use vouch_report::{Code, Failure, FilePlace, Finding, PageClass};

/// Pages that are in use by the tablespace's own records and all zero, in their order. The first page is always in
/// use.
pub(crate) fn zeros_in_use(job: &Job, seen: &Seen) -> Vec<PageNo> {
    let space = &job.space;
    let Some(header) = space.header else {
        let lost = space.first() == 0 && seen.facts.first().is_some_and(|fact| fact.class == PageClass::Empty);
        return if lost { vec![PageNo(0)] } else { Vec::new() };
    };
    // What no key lets be known is told elsewhere.
    let Some(fillers) = &space.fillers else { return Vec::new() };
    let extents = job.extents();
    let in_use = |no: PageNo| extents.in_use(no).unwrap_or_else(|| space.format.is_extent_page(no.0));
    let empty = seen.facts.iter().zip(space.first()..header.free_limit);
    let empty = empty.filter(|(fact, _)| fact.class == PageClass::Empty).map(|(_, no)| PageNo(no));
    empty.filter(|no| in_use(*no) && !fillers.contains(no)).collect()
}

/// Judges zero pages by as of when the files are, and by what the redo log does.
pub(crate) fn judge_zeros(
    job: &Job,
    state: &State,
    log: impl FnOnce() -> Arc<Changed>,
    seen: &mut Seen,
    report: &mut SpaceReport,
) {
    let mut zeros = zeros_in_use(job, seen);
    match state {
        State::Whole(..) => lose(job, &zeros, LOST, seen),
        // A tablespace without its first page is none, unless that page is in the log.
        State::Unknown => {
            zeros.retain(|no| *no != PageNo(0));
            unproven(job, &zeros, "nothing tells whether they are to be recovered from one", report);
        }
        State::Raw(..) if zeros.is_empty() => {}
        State::Raw(..) => match log().as_ref() {
            Ok(log) => judge_raw(job, log, zeros, seen, report),
            Err(why) => unproven(job, &zeros, why, report),
        },
    }
}

/// What is said of a lost page.
pub(crate) const LOST: &str = "the page is in use, and all zero";

fn lose(job: &Job, pages: &[PageNo], message: &str, seen: &mut Seen) {
    for page in pages {
        seen.lose(*page, PageNo(job.space.first()), message);
    }
}

fn judge_raw(job: &Job, log: &LogChanges, zeros: Vec<PageNo>, seen: &mut Seen, report: &mut SpaceReport) {
    let Some(id) = job.space.id else { return unproven(job, &zeros, "the tablespace has no number", report) };
    let (mut lost, mut unclear, mut newer) = (Vec::new(), Vec::new(), Vec::new());
    let (checkpoint, end) = log.range();
    let extents = job.extents();
    for no in zeros {
        match log.changes().page(id, no, &extents) {
            Fate::Created | Fate::Unfinished => {}
            _ if is_settled(&job.space, no, &extents) => {}
            _ if noted_at(job, seen, no, &extents) > end => newer.push(no),
            Fate::Unclear => unclear.push(no),
            Fate::Untouched => lost.push(no),
        }
    }
    drop(extents);
    if job.space.kind == Kind::Undo && is_being_truncated(&job.space.root) {
        unproven(job, &std::mem::take(&mut lost), "undo tablespaces were being truncated, which is not logged", report);
    }
    let message = format!("{LOST}; the redo log, LSN {checkpoint} to {end}, does not create it");
    lose(job, &lost, &message, seen);
    unproven(job, &unclear, "an index was being built whose pages are not logged", report);
    unproven(job, &newer, "it ends before the tablespace's newest changes", report);
}

/// MySQL re-creates an undo tablespace without logging it, and keeps a marker file until the new one is on disk.
/// Recovery truncates it again.
fn is_being_truncated(root: &Path) -> bool {
    let is_mark = |name: &str| name.starts_with("undo_") && name.ends_with("_trunc.log");
    // A folder that cannot be read has failed before.
    let Ok(paths) = read::entries(root) else { return true };
    paths.iter().filter_map(|path| path.file_name()).any(|name| is_mark(&name.to_string_lossy()))
}

/// The LSN as of which it is noted whether the page is in use.
fn noted_at(job: &Job, seen: &Seen, no: PageNo, extents: &ExtentMap) -> Lsn {
    let place = extents.bitmap_of(no).map_or(no, |(page, ..)| page);
    let index = to_size(place.0.saturating_sub(job.space.first()));
    seen.facts.get(index).map_or(Lsn(0), |fact| fact.lsn)
}

/// Whether a running server has written or freed the page since it was read.
fn is_settled(space: &Space, no: PageNo, extents: &ExtentMap) -> bool {
    let mut page = vec![0; space.page_size().bytes()];
    if space.read_page(no, &mut page).is_none() {
        return false;
    }
    if page.iter().any(|byte| *byte != 0) {
        return true;
    }
    let Some((map, ..)) = extents.bitmap_of(no).filter(|(map, ..)| *map != no) else { return false };
    if space.read_page(map, &mut page).is_none() {
        return false;
    }
    let mut now = ExtentMap::new(&space.format);
    if let Some(image) = space.checker().check(map, &page).image {
        now.add(&space.format, map, image);
    }
    now.in_use(no) == Some(false)
}

fn unproven(job: &Job, pages: &[PageNo], why: &str, report: &mut SpaceReport) {
    let (Some(first), Some(part)) = (pages.first(), job.space.parts.first()) else { return };
    let what = match pages.len() {
        1 => format!("page {first} is in use and all zero; whether the redo log creates it"),
        count => {
            format!("{count} pages are in use and all zero, page {first} first; whether the redo log creates them")
        }
    };
    report.doubts.push(ZeroDoubt::new(&part.found, what, why));
}

/// Zero pages of a file, or a file of zeros, of which nothing shows whether the redo log creates them.
#[derive(Debug)]
pub(crate) struct ZeroDoubt {
    root: PathBuf,
    /// The file, by its name in the report.
    pub label: String,
    what: String,
    why: String,
}

impl ZeroDoubt {
    fn new(found: &Found, what: String, why: &str) -> ZeroDoubt {
        ZeroDoubt { root: found.root.clone(), label: found.label.clone(), what, why: why.to_owned() }
    }
}

/// Files that a failure names.
const MOST_NAMED: usize = 3;

/// One failure for each cause in each instance: a copy may have hundreds of such files.
pub(crate) fn failures(doubts: &[ZeroDoubt]) -> Vec<Failure> {
    let mut causes: BTreeMap<(&Path, &str), Vec<&ZeroDoubt>> = BTreeMap::new();
    for doubt in doubts {
        causes.entry((&doubt.root, &doubt.why)).or_default().push(doubt);
    }
    causes.into_iter().filter_map(|((_, why), of)| failure(why, of)).collect()
}

fn failure(why: &str, mut doubts: Vec<&ZeroDoubt>) -> Option<Failure> {
    doubts.sort_by_key(|doubt| &doubt.label);
    let first = *doubts.first()?;
    let what = match doubts.len() {
        1 => first.what.clone(),
        count => {
            let named: Vec<&str> = doubts.iter().take(MOST_NAMED).map(|doubt| doubt.label.as_str()).collect();
            let more = count.saturating_sub(named.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let named = named.join(", ");
            format!("{count} files have zero pages in use ({named}{more}); whether the redo log creates them")
        }
    };
    Some(at(&first.label, Failure::new(Code::ZeroUnproven, format!("{what} is not known: {why}"))))
}

/// What a file without any byte but zeros comes to, in a copy that is yet to be recovered.
pub(crate) enum ZeroFile {
    /// The log creates it.
    Created,
    Lost(Box<Finding>),
    Unproven(ZeroDoubt),
}

/// Judges a file that is all zero.
pub(crate) fn judge_zero_file(found: &Found, log: &Changed) -> ZeroFile {
    match log {
        Ok(log) if log.creates_file(found) => ZeroFile::Created,
        Ok(log) => {
            let (checkpoint, end) = log.range();
            if found.bytes <= NEW_FILE && log.may_be_new(found) {
                return unproven_file(found, "it may be of a table that was just being created");
            }
            let message = format!(
                "all {} bytes of the file are zero; the redo log, LSN {checkpoint} to {end}, does not create it",
                found.bytes
            );
            let mut finding = Finding::new(Code::PageLost, message);
            finding.location.file = Some(FilePlace { file: found.label.clone(), ..FilePlace::default() });
            ZeroFile::Lost(Box::new(finding))
        }
        Err(why) => unproven_file(found, why),
    }
}

/// MySQL creates a file of seven pages and logs that once its first page is written. Until then the file is empty or
/// all zero, and only a row that has its path shows that it is new.
const NEW_FILE: u64 = 7 * 65_536;

fn unproven_file(found: &Found, why: &str) -> ZeroFile {
    let what = if found.bytes == 0 { "empty" } else { "all zero" };
    let what = format!("the file is {what}; whether the redo log creates it");
    ZeroFile::Unproven(ZeroDoubt::new(found, what, why))
}
