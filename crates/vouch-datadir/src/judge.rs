//! Judges the pages of one part of a file: [`Judge`].
//!
//! A bad page is read again before it is accused: on a server that runs, it
//! may have been read while it was written.

use crate::discover::unreadable;
use crate::facts::{Content, PageFact};
use crate::kind::Kind;
use crate::options::{Level, PagesOptions};
use crate::space::Space;
use crate::unit::{BadPage, Seen, UNIT_BYTES, Unit};
use std::borrow::Cow;
use std::time::Duration;
use vouch_convert::to_size;
use vouch_innodb::{
    Checked, Checker, DictIndex, DictTable, ExtentMap, Fault, FilHeader, INDEXES_INDEX, IndexFacts, IndexFault, Lack,
    Layout, LobFacts, NO_PAGE, PageNo, PageType, PageVerdict, SdiRecord, SpaceFormat, TABLES_INDEX, ZipNode,
    lengths_fit,
};
use vouch_report::{Code, PageClass};

/// How often a bad page is read again.
const LOOKS: usize = 3;
/// The time in which a write of a page is over.
const PATIENCE: Duration = Duration::from_millis(20);
/// Bad pages of a tablespace that are waited for; with more of them it is no write in flight.
const WAITED_FOR: u64 = 32;

/// Judges parts; one for each thread.
pub(crate) struct Judge<'a> {
    options: &'a PagesOptions,
    buffer: Vec<u8>,
    again: Vec<u8>,
    checker: Option<(usize, Checker)>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(options: &'a PagesOptions) -> Judge<'a> {
        let bytes = to_size(UNIT_BYTES);
        Judge { options, buffer: vec![0; bytes], again: Vec::new(), checker: None }
    }

    /// Judges the pages of `unit`, which belongs to the job of this number.
    pub(crate) fn judge(&mut self, number: usize, unit: Unit) -> Seen {
        let mut seen = Seen::default();
        if self.options.max_bad_pages.is_some_and(|limit| unit.job.bad_pages() > limit) {
            seen.abandoned = true;
            return seen;
        }
        let size = unit.job.space.page_size();
        let bytes = size.bytes() * to_size(unit.count);
        let offset = u64::from(unit.first - unit.part.first) * size.bytes_u64();
        let mut buffer = std::mem::take(&mut self.buffer);
        let wanted = buffer.get_mut(..bytes).unwrap_or_default();
        let read = match unit.part.source.read_at(wanted, offset) {
            Ok(read) if read == bytes => read,
            Ok(read) => {
                let shrunk = std::io::Error::other("it became shorter while it was read");
                seen.failures.push(unreadable(&unit.part.found.label, &shrunk));
                read
            }
            Err(error) => {
                seen.failures.push(unreadable(&unit.part.found.label, &error));
                0
            }
        };
        let bad_before = unit.job.bad_pages();
        let pages = wanted.get(..read).unwrap_or_default();
        self.pages(number, &Run { space: &unit.job.space, bad_before }, unit.first, pages, &mut seen);
        self.buffer = buffer;
        seen
    }

    /// Judges pages that were read, from page `first` on. `number` tells tablespaces apart.
    pub(crate) fn pages(&mut self, number: usize, run: &Run, first: u32, bytes: &[u8], seen: &mut Seen) {
        let mut checker = match self.checker.take() {
            Some((known, checker)) if known == number => checker,
            _ => self.checker(run.space),
        };
        let pages = bytes.chunks_exact(run.space.page_size().bytes());
        seen.facts.reserve(pages.len());
        for (page, no) in pages.zip(first..) {
            self.page(&mut checker, run, PageNo(no), page, seen);
        }
        self.checker = Some((number, checker));
    }

    fn checker(&self, space: &Space) -> Checker {
        space.checker().with_policy(self.options.first_method, self.options.strict)
    }

    fn page(&mut self, checker: &mut Checker, run: &Run, no: PageNo, page: &[u8], seen: &mut Seen) {
        if run.space.doublewrite.is_some_and(|area| area.holds(no)) {
            seen.tally.count(PageClass::Copy);
            seen.facts.push(PageFact { class: PageClass::Copy, ..PageFact::default() });
            return;
        }
        let checked = checker.check(no, page);
        if !matches!(checked.verdict, PageVerdict::Bad(_)) {
            return note(run.space, self.options.level, no, &checked, seen);
        }
        let mut again = std::mem::take(&mut self.again);
        again.resize(page.len(), 0);
        let patient = run.bad_before + seen.tally.bad < WAITED_FOR;
        let mut looks = Looks::default();
        loop {
            if looks.taken > 0 && patient {
                std::thread::sleep(PATIENCE);
            }
            let read = read_again(run.space, no, &mut again);
            if !read {
                again.copy_from_slice(page);
            }
            let checked = checker.check(no, &again);
            if looks.is_last(checked.verdict, patient) || !read {
                note(run.space, self.options.level, no, &checked, seen);
                break;
            }
        }
        self.again = again;
    }
}

/// Looks at a page that was damaged when it was read first.
#[derive(Default)]
struct Looks {
    taken: usize,
    was_empty: bool,
}

impl Looks {
    /// Whether a reading with this verdict decides what the page is.
    fn is_last(&mut self, verdict: PageVerdict, patient: bool) -> bool {
        self.taken += 1;
        match verdict {
            PageVerdict::Bad(_) => self.taken >= LOOKS || !patient,
            // It was damaged and is all zero now: given back, or this read has failed. The next one decides.
            PageVerdict::Empty => std::mem::replace(&mut self.was_empty, true),
            _ => true,
        }
    }
}

/// The tablespace that pages are of.
pub(crate) struct Run<'a> {
    pub space: &'a Space,
    /// Bad pages of it that were met before.
    pub bad_before: u64,
}

/// What has come as a stream cannot be read again.
fn read_again(space: &Space, no: PageNo, page: &mut [u8]) -> bool {
    space.read_page(no, page).is_some()
}

/// Takes down what a page came to.
pub(crate) fn note(space: &Space, level: Level, no: PageNo, checked: &Checked, seen: &mut Seen) {
    let header = checked.image.and_then(FilHeader::read).unwrap_or(checked.header);
    let mut fact = PageFact { page_type: header.page_type, lsn: header.lsn, ..PageFact::default() };
    fact.class = match checked.verdict {
        PageVerdict::Sound(method) => {
            seen.methods.add(method);
            PageClass::Sound
        }
        PageVerdict::Unprotected => PageClass::Unprotected,
        PageVerdict::Empty => PageClass::Empty,
        PageVerdict::Unverified(Lack::Key) => {
            seen.encrypted += 1;
            PageClass::Unverified
        }
        PageVerdict::Bad(fault) => {
            seen.bad.push(BadPage { page: no, code: code_of(&fault), message: fault.to_string(), index: None });
            if says_that_it_is_encrypted(space, no, &checked.header) {
                seen.sealed.insert(no);
            } else if checked.is_mixed {
                seen.mixed.insert(no);
            }
            PageClass::Bad
        }
    };
    match checked.image {
        Some(image) => look_inside(space, level, no, &header, image, &mut fact, seen),
        None => seen.dark |= fact.class > PageClass::Empty,
    }
    if fact.class > PageClass::Empty {
        seen.types.add(fact.page_type);
        if fact.class != PageClass::Bad {
            seen.lsn_max = seen.lsn_max.max(header.lsn);
        }
    }
    seen.tally.count(fact.class);
    seen.facts.push(fact);
}

/// Whether a page says that MySQL has encrypted it, in a tablespace of which page 0 says nothing of that.
fn says_that_it_is_encrypted(space: &Space, no: PageNo, header: &FilHeader) -> bool {
    let is_own = header.page_no == no && space.id.is_none_or(|id| id == header.space);
    is_own && header.page_type.is_mysql_encrypted() && !space.format.encrypted
}

fn look_inside(
    space: &Space,
    level: Level,
    no: PageNo,
    header: &FilHeader,
    image: &[u8],
    fact: &mut PageFact,
    seen: &mut Seen,
) {
    let format = &space.format;
    if format.is_extent_page(no.0) {
        if !ExtentMap::is_sound(format, image) {
            let message = "an extent descriptor has a state that does not exist".to_owned();
            seen.bad.push(BadPage { page: no, code: Code::ExtentMap, message, index: None });
            fact.class = PageClass::Bad;
        }
        seen.extent_pages.push((no, image.to_vec()));
    }
    if !header.is_node(format) {
        if level >= Level::Tree {
            seen.kept.look(no, header.page_type, image);
            if let Some(lob) = LobFacts::read(format, image) {
                (fact.index, fact.next) = (lob.length.unwrap_or_default().into(), lob.next);
                fact.content = Content::Part;
            }
        }
        return;
    }
    if level < Level::Page {
        return;
    }
    let Some(facts) = IndexFacts::read(image) else { return };
    (fact.index, fact.level, fact.records) = (facts.index, facts.level, facts.records);
    (fact.prev, fact.next, fact.content) = (header.prev, header.next, Content::Node);
    if header.prev == NO_PAGE && header.next == NO_PAGE {
        seen.kept.root(no, image);
    }
    let node = match opened(format, level, header.page_type, image) {
        Ok(Some(node)) => node,
        Ok(None) => return,
        Err(message) => {
            seen.bad.push(BadPage { page: no, code: Code::IndexPage, message, index: Some(facts.index) });
            fact.class = PageClass::Bad;
            return;
        }
    };
    if matches!(space.kind, Kind::System(_)) && facts.index == TABLES_INDEX && facts.level == 0 {
        seen.tables.extend(DictTable::of_leaf(&node));
    } else if matches!(space.kind, Kind::System(_)) && facts.index == INDEXES_INDEX && facts.level == 0 {
        seen.indexes.extend(DictIndex::of_leaf(&node));
    } else if header.page_type == PageType::SDI && facts.level == 0 {
        seen.objects.add(no, SdiRecord::of_leaf(&node));
    }
}

/// A node as a server has it in memory, when nothing is wrong inside; `None` for one that is not decompressed.
fn opened<'a>(
    format: &SpaceFormat,
    level: Level,
    page_type: PageType,
    image: &'a [u8],
) -> Result<Option<Cow<'a, [u8]>>, String> {
    if format.layout != Layout::Zip {
        IndexFacts::walk(image).map_err(|fault| fault.to_string())?;
        if level >= Level::Full && lengths_fit(image) == Some(false) {
            return Err("the records have another length than the header says, or overlap".to_owned());
        }
        return Ok(Some(Cow::Borrowed(image)));
    }
    let node = ZipNode::read(format, image).ok_or(IndexFault::Header);
    let node = node.and_then(|node| node.check().map(|()| node)).map_err(|fault| fault.to_string())?;
    if level < Level::Full && page_type != PageType::SDI {
        return Ok(None);
    }
    let page = node.inflate().map_err(|fault| fault.to_string())?;
    IndexFacts::walk(&page).map_err(|fault| fault.to_string())?;
    Ok(Some(Cow::Owned(page)))
}

fn code_of(fault: &Fault) -> Code {
    match fault {
        Fault::Checksum { .. } => Code::PageChecksum,
        Fault::Torn { .. } => Code::PageTorn,
        Fault::Misplaced(_) => Code::PageMisplaced,
        Fault::Foreign(_) => Code::PageForeign,
        Fault::Algorithm(_) => Code::PageAlgorithm,
        Fault::Undecodable(_) => Code::PageUndecodable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouch_innodb::Method;

    /// A damaged page counted as one that is not in use when one more read of it returned zeros: no finding was left.
    #[test]
    fn zeros_in_the_place_of_a_damaged_page_are_read_once_more() {
        let (bad, empty) = (PageVerdict::Bad(Fault::Undecodable("x")), PageVerdict::Empty);
        let looks = |verdicts: &[PageVerdict], patient| {
            let mut looks = Looks::default();
            verdicts.iter().position(|verdict| looks.is_last(*verdict, patient))
        };
        assert_eq!(looks(&[empty, empty], true), Some(1), "it was given back");
        assert_eq!(looks(&[empty, bad, bad], true), Some(2));
        assert_eq!(looks(&[bad, bad, empty, bad], true), Some(3));
        assert_eq!(looks(&[empty, bad], false), Some(1));
        assert_eq!(looks(&[bad], false), Some(0));
        assert_eq!(looks(&[bad, PageVerdict::Sound(Method::Crc32)], true), Some(1));
    }
}
