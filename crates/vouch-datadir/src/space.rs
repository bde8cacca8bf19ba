//! A tablespace of one or more files, opened: [`Space`].

use crate::discover::{Found, unreadable};
use crate::kind::Kind;
use crate::read::Source;
use std::path::PathBuf;
use vouch_innodb::{
    Checker, FspHeader, Guess, Layout, LegacyDoublewrite, PageNo, PageSize, SpaceFormat, SpaceId, Verdict, guess,
};
use vouch_report::Failure;

/// Bytes of a file by which its format is found out when page 0 does not tell.
const SAMPLE: usize = 4 << 20;
/// The largest page.
const LARGEST: usize = 65_536;

/// One file of a tablespace.
#[derive(Debug)]
pub(crate) struct Part {
    pub found: Found,
    pub source: Source,
    /// The number of its first page.
    pub first: u32,
    /// Whole pages.
    pub pages: u32,
    /// Bytes behind the last whole page.
    pub rest: u64,
}

/// An opened tablespace.
#[derive(Debug)]
pub(crate) struct Space {
    pub parts: Vec<Part>,
    pub kind: Kind,
    /// Where the instance lies that it belongs to.
    pub root: PathBuf,
    pub format: SpaceFormat,
    pub id: Option<SpaceId>,
    /// Page 0, when it can be believed.
    pub header: Option<FspHeader>,
    pub doublewrite: Option<LegacyDoublewrite>,
    /// Pages that are in use and never written; `None` when they are not known.
    pub fillers: Option<Vec<PageNo>>,
}

/// Why a tablespace could not be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// A file could not be read.
    Unreadable(Box<Failure>),
    /// No page of it is one of any format.
    Unrecognised(Vec<Found>),
    /// It is all zero.
    Unwritten(Vec<Found>),
}

/// Opens the files of one tablespace, in their order. `known` are formats of other files of the instance.
///
/// # Errors
/// A file cannot be read, or is no tablespace.
pub(crate) fn open(files: Vec<Found>, known: &[SpaceFormat]) -> Result<Space, OpenError> {
    let mut sources = Vec::new();
    for found in files {
        let source = Source::open(&found.path).map_err(|error| refused(&found, &error))?;
        sources.push((found, source));
    }
    let Some((first, source)) = sources.first() else { return Err(OpenError::Unrecognised(Vec::new())) };
    let (kind, root) = (first.kind, first.root.clone());
    let head = read_head(source, LARGEST).map_err(|error| refused(first, &error))?;
    let told = told_by_page_0(&head);
    let (format, id) = match &told {
        Some((format, header)) => (*format, Some(header.space)),
        None => {
            let sample = read_head(source, SAMPLE).map_err(|error| refused(first, &error))?;
            match found_out(&sample, known) {
                Some(guess) => (guess.format, guess.space),
                None => return Err(formless(sources)),
            }
        }
    };
    let parts = parts(sources, &format);
    let system = parts.first().filter(|_| matches!(kind, Kind::System(_)));
    let doublewrite = system.and_then(|part| doublewrite(part, &format));
    let fillers = match system.zip(doublewrite) {
        Some((part, area)) => fillers(part, &format, &area),
        None => Some(Vec::new()),
    };
    let header = told.map(|(_, header)| header);
    Ok(Space { parts, kind, root, format, id, header, doublewrite, fillers })
}

/// Files without any page of a known format.
fn formless(sources: Vec<(Found, Source)>) -> OpenError {
    let zero = sources.iter().all(|(found, source)| found.bytes > 0 && source.is_zero());
    let files = sources.into_iter().map(|(found, _)| found).collect();
    if zero { OpenError::Unwritten(files) } else { OpenError::Unrecognised(files) }
}

fn refused(found: &Found, error: &std::io::Error) -> OpenError {
    OpenError::Unreadable(Box::new(unreadable(&found.label, error)))
}

fn read_head(source: &Source, bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut head = vec![0; bytes];
    let read = source.read_at(&mut head, 0)?;
    head.truncate(read);
    Ok(head)
}

/// The format and the header of page 0, when the page is sound under the format that it tells.
fn told_by_page_0(head: &[u8]) -> Option<(SpaceFormat, FspHeader)> {
    let header = FspHeader::read(head)?;
    let format = header.format().ok()?;
    let page = head.get(..format.physical.bytes())?;
    let sound = matches!(
        Checker::new(format, Some(header.space)).check(PageNo(0), page).verdict,
        Verdict::Sound(_) | Verdict::Unprotected
    );
    sound.then_some((format, header))
}

/// What the flags of a damaged page 0 say is tried first.
fn found_out(sample: &[u8], known: &[SpaceFormat]) -> Option<Guess> {
    let own = FspHeader::read(sample).and_then(|header| header.format().ok());
    let candidates: Vec<SpaceFormat> = own.into_iter().chain(known.iter().copied()).collect();
    guess(sample, &candidates)
}

fn parts(sources: Vec<(Found, Source)>, format: &SpaceFormat) -> Vec<Part> {
    let mut first = 0_u32;
    let mut parts = Vec::new();
    for (found, source) in sources {
        let size = format.physical.bytes_u64();
        let pages = u32::try_from(found.bytes / size).unwrap_or(u32::MAX);
        let rest = found.bytes % size;
        first = begins_at(&found, &source, format, first);
        parts.push(Part { found, source, first, pages, rest });
        first = first.saturating_add(pages);
    }
    parts
}

/// The number of the first page of a file: that of the files before it together. A later file of the
/// system tablespace that is looked at without them tells by its own pages.
fn begins_at(found: &Found, source: &Source, format: &SpaceFormat, first: u32) -> u32 {
    if first > 0 || !matches!(found.kind, Kind::System(number) if number > 1) {
        return first;
    }
    let size = format.physical.bytes();
    let head = read_head(source, SAMPLE).unwrap_or_default();
    let told = head.chunks_exact(size).zip(0_u32..).find_map(|(page, at)| {
        let header = vouch_innodb::FilHeader::read(page).filter(|_| page.iter().any(|byte| *byte != 0))?;
        header.page_no.0.checked_sub(at)
    });
    told.unwrap_or(first)
}

/// The doublewrite area of ibdata1; the usual one when the page that tells of it is damaged.
fn doublewrite(part: &Part, format: &SpaceFormat) -> Option<LegacyDoublewrite> {
    if part.first > 0 || format.layout == Layout::Zip {
        return None;
    }
    let no = LegacyDoublewrite::TOLD_BY;
    let page = read_page(part, format, no)?;
    let verdict = Checker::new(*format, None).check(no, &page).verdict;
    match verdict {
        Verdict::Bad(_) => Some(LegacyDoublewrite::usual(format)),
        _ => LegacyDoublewrite::read(&page, format),
    }
}

fn fillers(part: &Part, format: &SpaceFormat, area: &LegacyDoublewrite) -> Option<Vec<PageNo>> {
    let page = read_page(part, format, area.inode_page()?)?;
    Some(area.fillers(&page))
}

/// A page of the first file.
fn read_page(part: &Part, format: &SpaceFormat, no: PageNo) -> Option<Vec<u8>> {
    let mut page = vec![0; format.physical.bytes()];
    let read = part.source.read_at(&mut page, u64::from(no.0) * format.physical.bytes_u64()).ok()?;
    (read == page.len()).then_some(page)
}

impl Space {
    /// Pages of all files together.
    pub(crate) fn pages(&self) -> u32 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.pages))
    }

    /// Bytes of a page.
    pub(crate) fn page_size(&self) -> PageSize {
        self.format.physical
    }

    /// The file that holds a page.
    pub(crate) fn part_of(&self, no: PageNo) -> Option<&Part> {
        self.parts.iter().find(|part| (part.first..part.first.saturating_add(part.pages)).contains(&no.0))
    }

    /// Where a page begins in its file.
    pub(crate) fn offset_of(&self, no: PageNo) -> Option<(&Part, u64)> {
        let part = self.part_of(no)?;
        Some((part, u64::from(no.0 - part.first) * self.page_size().bytes_u64()))
    }
}
