//! A tablespace of one or more files, opened: [`Space`].

use crate::discover::{Found, unreadable};
use crate::kind::Kind;
use crate::read::Source;
use std::path::PathBuf;
use std::sync::Arc;
use vouch_convert::narrow;
use vouch_innodb::{
    Access, Checker, FspHeader, Guess, Keyring, Layout, LegacyDoublewrite, PageNo, PageSize, PageVerdict, SpaceFormat,
    SpaceId, first_page, guess, guess_part, tells_of_key,
};
use vouch_report::Failure;

/// Bytes of a file by which its format is found out when page 0 does not tell.
pub(crate) const SAMPLE: usize = 4 << 20;
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
    /// Pages behind those, in a hole up to the end of the file and behind all that the tablespace counts. Nothing is
    /// kept of them: a file may be a terabyte of nothing.
    pub tail: u32,
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
    /// What may be done about encrypted pages.
    pub access: Access,
    /// Why nothing can be done about them, although there are keys.
    pub locked: Option<String>,
    /// It came as a stream that did not come to its end, which is told elsewhere.
    pub broken_off: bool,
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
pub(crate) fn open(files: Vec<Found>, known: &[SpaceFormat], keyring: &Keyring) -> Result<Space, OpenError> {
    let mut sources = Vec::new();
    for found in files {
        let source = Source::sparing(&found.path).map_err(|error| refused(&found, &error))?;
        sources.push((found, source));
    }
    let Some((first, source)) = sources.first() else { return Err(OpenError::Unrecognised(Vec::new())) };
    let mut head = read_head(source, LARGEST).map_err(|error| refused(first, &error))?;
    if needs_sample(first, &head, keyring) {
        head = read_head(source, SAMPLE).map_err(|error| refused(first, &error))?;
    }
    let Some(space) = of_head(first, &head, known, keyring) else { return Err(formless(sources)) };
    // A running server may have made a file longer since it was listed. Page 0 counts no page in use that is not
    // there, so the length is asked for once that page was read.
    for (found, source) in &mut sources {
        found.bytes = source.length().map_err(|error| refused(found, &error))?;
    }
    let mut parts = parts(sources, &space.format, &head);
    if let Some(last) = parts.last_mut() {
        last.cut_tail(&space.format, space.header.map_or(0, |header| header.size));
    }
    Ok(Space { parts, ..space })
}

/// The tablespace that begins with `head`, which is all of its file or [`SAMPLE`] bytes, with no file in it
/// yet. `None` when no page there is one of any format.
fn of_head(first: &Found, head: &[u8], known: &[SpaceFormat], keyring: &Keyring) -> Option<Space> {
    let told = told_by_page_0(head);
    let (format, id) = match &told {
        Some((format, header)) => (*format, Some(header.space)),
        None => found_out(first, head, known).map(|guess| (guess.format, guess.space))?,
    };
    let (access, locked) = access(keyring, told.as_ref(), head);
    let begins = begins_at(first, head, &format, 0) == 0;
    let system = matches!(first.kind, Kind::System(_)) && begins;
    let doublewrite = Some(head).filter(|_| system).and_then(|head| doublewrite(head, &format));
    let fillers = match doublewrite {
        Some(area) => fillers(head, &format, &access, &area),
        None => Some(Vec::new()),
    };
    let header = told.map(|(_, header)| header);
    let root = first.root.clone();
    Some(Space {
        parts: Vec::new(),
        kind: first.kind,
        root,
        format,
        id,
        header,
        doublewrite,
        fillers,
        access,
        locked,
        broken_off: false,
    })
}

/// Opens a tablespace of one file that comes as a stream and begins with `head`, which is all of it or
/// [`SAMPLE`] bytes. Until [`Space::ended`] it has no pages.
///
/// # Errors
/// No page there is one of any format.
pub(crate) fn streamed(found: Found, head: &[u8], known: &[SpaceFormat], keyring: &Keyring) -> Result<Space, Found> {
    let Some(space) = of_head(&found, head, known, keyring) else { return Err(found) };
    let first = begins_at(&found, head, &space.format, 0);
    let part = Part { found, source: Source::streamed(), first, pages: 0, rest: 0, tail: 0 };
    Ok(Space { parts: vec![part], ..space })
}

/// A tablespace of which a file has pages that are not those of their places, in this format or a like one.
pub(crate) fn of_delta(found: &Found, format: SpaceFormat) -> Space {
    let name = found.path.file_stem().unwrap_or_default().to_string_lossy();
    Space {
        parts: Vec::new(),
        kind: Kind::of(&name),
        root: found.root.clone(),
        format,
        id: None,
        header: None,
        doublewrite: None,
        fillers: None,
        access: Access::Unasked,
        locked: None,
        broken_off: false,
    }
}

/// Learns from page 0 what it tells.
pub(crate) fn learn(space: &mut Space, page: &[u8], keyring: &Keyring) {
    let told = told_by_page_0(page);
    if let Some((format, header)) = &told {
        (space.format, space.header, space.id) = (*format, Some(*header), space.id.or(Some(header.space)));
        (space.access, space.locked) = access(keyring, told.as_ref(), page);
    }
}

/// Whether the first page tells the format of the file that begins with `head`.
pub(crate) fn tells(head: &[u8]) -> bool {
    told_by_page_0(head).is_some()
}

/// Whether more than the first page has to be known of the file that begins with `head`.
pub(crate) fn needs_sample(found: &Found, head: &[u8], keyring: &Keyring) -> bool {
    match told_by_page_0(head) {
        Some((format, _)) => {
            matches!(found.kind, Kind::System(_)) || !keyring.is_empty() && tells_of_key(head, &format)
        }
        None => true,
    }
}

/// Bytes of the largest page that InnoDB has.
const LARGEST_PAGE: usize = 65_536;

/// Whether page 0 of a tablespace says that its pages are encrypted with a key.
///
/// # Errors
/// The file cannot be read.
pub fn is_encrypted(path: &std::path::Path) -> std::io::Result<bool> {
    let head = read_head(&Source::open(path)?, LARGEST_PAGE)?;
    Ok(told_by_page_0(&head).is_some_and(|(format, _)| tells_of_key(&head, &format)))
}

/// What may be done about encrypted pages, and why not, where there are keys.
fn access(keyring: &Keyring, told: Option<&(SpaceFormat, FspHeader)>, head: &[u8]) -> (Access, Option<String>) {
    if keyring.is_empty() {
        return (Access::Unasked, None);
    }
    let locked = |why: String| (Access::Locked, Some(why));
    let Some((format, header)) = told else {
        return locked("page 0, which tells of their key, is damaged".to_owned());
    };
    match keyring.open(head, format, header.space, head) {
        Some(Ok(key)) => (Access::Open(Arc::new(key)), None),
        Some(Err(why)) => locked(why.to_string()),
        None => locked("page 0 tells of no key".to_owned()),
    }
}

/// Files without any page of a known format.
fn formless(sources: Vec<(Found, Source)>) -> OpenError {
    let zero = sources.iter().all(|(_, source)| source.is_zero());
    let files = sources.into_iter().map(|(found, _)| found).collect();
    if zero { OpenError::Unwritten(files) } else { OpenError::Unrecognised(files) }
}

/// What has become of a file that was all zero.
pub(crate) enum Since {
    /// It is as it was, or cannot be read.
    Same,
    /// It is a tablespace now.
    Written(Box<Space>),
    /// Its table was dropped.
    Removed,
}

/// Looks again at a file that was all zero.
pub(crate) fn written_since(found: &Found, keyring: &Keyring) -> Since {
    let bytes = match std::fs::metadata(&found.path) {
        Ok(data) => data.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Since::Removed,
        Err(_) => return Since::Same,
    };
    match open(vec![Found { bytes, ..found.clone() }], &[], keyring) {
        Ok(space) => Since::Written(Box::new(space)),
        Err(_) => Since::Same,
    }
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
        PageVerdict::Sound(_) | PageVerdict::Unprotected
    );
    sound.then_some((format, header))
}

/// What the flags of a damaged page 0 say is tried first.
fn found_out(found: &Found, sample: &[u8], known: &[SpaceFormat]) -> Option<Guess> {
    if is_later(found) {
        return guess_part(sample, known).map(|(guess, _)| guess);
    }
    let own = FspHeader::read(sample).and_then(|header| header.format().ok());
    let candidates: Vec<SpaceFormat> = own.into_iter().chain(known.iter().copied()).collect();
    guess(sample, &candidates)
}

fn parts(sources: Vec<(Found, Source)>, format: &SpaceFormat, head: &[u8]) -> Vec<Part> {
    let mut first = 0_u32;
    let mut parts = Vec::new();
    for (found, source) in sources {
        let (pages, rest) = whole_pages(found.bytes, format);
        first = begins_at(&found, head, format, first);
        parts.push(Part { found, source, first, pages, rest, tail: 0 });
        first = first.saturating_add(pages);
    }
    parts
}

/// Tails of fewer pages are judged like all others.
const LEAST_TAIL: u32 = 1 << 16;

impl Part {
    /// Takes the hole at the end of the last file off, behind the pages that the tablespace counts; behind all data
    /// where page 0 does not tell how many.
    fn cut_tail(&mut self, format: &SpaceFormat, counted: u32) {
        let Some(end) = self.source.data_end() else { return };
        let data = u32::try_from(end.div_ceil(format.physical.bytes_u64())).unwrap_or(u32::MAX);
        let tail = self.pages.saturating_sub(data.max(counted.saturating_sub(self.first)));
        if tail >= LEAST_TAIL {
            (self.pages, self.tail) = (self.pages - tail, tail);
        }
    }
}

/// Whole pages of a file, and the bytes behind them.
fn whole_pages(bytes: u64, format: &SpaceFormat) -> (u32, u64) {
    let size = format.physical.bytes_u64();
    (u32::try_from(bytes / size).unwrap_or(u32::MAX), bytes % size)
}

/// The number of the first page of a file: that of the files before it together. A later file of the
/// system tablespace that is looked at without them tells by its own pages.
fn begins_at(found: &Found, head: &[u8], format: &SpaceFormat, first: u32) -> u32 {
    if first > 0 || !is_later(found) { first } else { first_page(head, format).0 }
}

/// Whether it is a file of the system tablespace that begins in the middle of it.
fn is_later(found: &Found) -> bool {
    matches!(found.kind, Kind::System(number) if number > 1)
}

/// The doublewrite area of ibdata1; the usual one when the page that tells of it is damaged.
fn doublewrite(head: &[u8], format: &SpaceFormat) -> Option<LegacyDoublewrite> {
    if format.layout == Layout::Zip {
        return None;
    }
    let no = LegacyDoublewrite::TOLD_BY;
    let page = page_of(head, format, no)?;
    let verdict = Checker::new(*format, None).check(no, page).verdict;
    match verdict {
        PageVerdict::Bad(_) => Some(LegacyDoublewrite::usual(format)),
        _ => LegacyDoublewrite::read(page, format),
    }
}

/// `None` when the page that tells is encrypted and there is no key.
fn fillers(head: &[u8], format: &SpaceFormat, access: &Access, area: &LegacyDoublewrite) -> Option<Vec<PageNo>> {
    let no = area.inode_page()?;
    let page = page_of(head, format, no)?;
    Checker::new(*format, None).with_access(access.clone()).check(no, page).image.map(|page| area.fillers(page))
}

/// A page of the first file.
fn page_of<'a>(head: &'a [u8], format: &SpaceFormat, no: PageNo) -> Option<&'a [u8]> {
    head.chunks_exact(format.physical.bytes()).nth(narrow::<usize, _>(no.0)?)
}

impl Space {
    /// The stream has ended after so many bytes.
    pub(crate) fn ended(&mut self, bytes: u64) {
        let (pages, rest) = whole_pages(bytes, &self.format);
        if let Some(part) = self.parts.first_mut() {
            (part.pages, part.rest, part.found.bytes) = (pages, rest, bytes);
        }
    }

    /// The number of the first page.
    pub(crate) fn first(&self) -> u32 {
        self.parts.first().map_or(0, |part| part.first)
    }

    /// The number behind the last page.
    pub(crate) fn behind(&self) -> u32 {
        self.first().saturating_add(self.pages())
    }

    /// Adds a file that follows, of which this is all that is known: how long it is.
    pub(crate) fn extend(&mut self, found: Found) {
        let ((pages, rest), first) = (whole_pages(found.bytes, &self.format), self.behind());
        self.parts.push(Part { found, source: Source::streamed(), first, pages, rest, tail: 0 });
    }

    /// Puts pages of zeros in front of the first one, in bytes; they are whole pages.
    pub(crate) fn precede(&mut self, zeros: u64) -> u32 {
        let (pages, _) = whole_pages(zeros, &self.format);
        let Some(part) = self.parts.first_mut() else { return 0 };
        let pages = pages.min(part.first);
        part.first -= pages;
        pages
    }

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

    /// Reads a page, which has the length of `page`; `None` where not all of it can be read.
    pub(crate) fn read_page(&self, no: PageNo, page: &mut [u8]) -> Option<()> {
        let (part, offset) = self.offset_of(no)?;
        let read = part.source.read_at(page, offset).ok()?;
        (read == page.len()).then_some(())
    }

    /// Reads a page that was read before; what cannot be read now is a failure that names its file. `None` for a
    /// stream, of which there is no second reading.
    pub(crate) fn read_again(&self, no: PageNo, page: &mut [u8]) -> Option<Result<(), Failure>> {
        let (part, offset) = self.offset_of(no)?;
        if part.source.is_streamed() {
            return None;
        }
        Some(match part.source.read_at(page, offset) {
            Ok(read) if read == page.len() => Ok(()),
            Ok(_) => Err(unreadable(&part.found.label, &std::io::Error::other("it became shorter while it was read"))),
            Err(error) => Err(unreadable(&part.found.label, &error)),
        })
    }

    /// Judges its pages, and decrypts them where there is a key.
    pub(crate) fn checker(&self) -> Checker {
        Checker::new(self.format, self.id).with_access(self.access.clone())
    }
}
