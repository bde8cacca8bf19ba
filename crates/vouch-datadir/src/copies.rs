//! Copies of pages in doublewrite files and areas: [`Copies`].
//!
//! They are never judged themselves: a slot that was being written when the
//! server stopped is no damage.

use crate::discover::Found;
use crate::read::Source;
use crate::space::Space;
use vouch_convert::{parse, to_size, widen};
use vouch_innodb::{Checker, FilHeader, Lsn, PageNo, PageVerdict, SpaceId};
use vouch_report::PageTally;

/// Bytes that are read at a time.
const CHUNK: u64 = 1 << 20;

/// A slot that holds a page.
#[derive(Debug)]
struct Slot {
    source: usize,
    offset: u64,
    space: SpaceId,
    page: PageNo,
}

/// All copies of an instance.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    sources: Vec<(String, Source)>,
    slots: Vec<Slot>,
}

/// A copy that is sound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GoodCopy {
    /// The file that it is in.
    pub file: String,
    /// Where in the file.
    pub offset: u64,
    /// As of when.
    pub lsn: Lsn,
}

impl Copies {
    /// Takes the slots of a doublewrite file, whose name says how long they are.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn add_file(&mut self, found: &Found) -> std::io::Result<(u64, PageTally)> {
        let size = page_bytes(&found.label).unwrap_or(16_384);
        let source = Source::open(&found.path)?;
        let mut tally = PageTally::default();
        let mut buffer = vec![0; to_size(CHUNK)];
        let number = self.sources.len();
        for at in (0..found.bytes).step_by(to_size(CHUNK)) {
            let read = source.read_at(&mut buffer, at)?;
            let pages = buffer.get(..read).unwrap_or_default().chunks_exact(size);
            for (page, offset) in pages.zip((at..).step_by(size)) {
                tally.copies += 1;
                self.slots.extend(slot(page, number, offset));
            }
        }
        self.sources.push((found.label.clone(), source));
        Ok((widen(size), tally))
    }

    /// Takes the slots of the doublewrite area inside a system tablespace. What cannot be read there
    /// is told when the tablespace itself is read.
    pub(crate) fn add_area(&mut self, space: &Space) {
        let Some(area) = space.doublewrite else { return };
        let mut page = vec![0; space.page_size().bytes()];
        for no in area.slots() {
            let Some((part, offset)) = space.offset_of(no) else { continue };
            if part.source.read_at(&mut page, offset).is_ok_and(|read| read == page.len()) {
                let number = self.source_of(part.found.label.as_str(), &part.found.path);
                self.slots.extend(number.and_then(|number| slot(&page, number, offset)));
            }
        }
    }

    fn source_of(&mut self, label: &str, path: &std::path::Path) -> Option<usize> {
        if let Some(number) = self.sources.iter().position(|(known, _)| known == label) {
            return Some(number);
        }
        self.sources.push((label.to_owned(), Source::open(path).ok()?));
        Some(self.sources.len() - 1)
    }

    /// The newest sound copy of a page.
    pub(crate) fn of(&self, of: &Space, page: PageNo) -> Option<GoodCopy> {
        let space = of.id?;
        let slots = self.slots.iter().filter(|slot| slot.space == space && slot.page == page);
        slots.filter_map(|slot| self.good(of, slot)).max_by_key(|copy| copy.lsn)
    }

    fn good(&self, of: &Space, slot: &Slot) -> Option<GoodCopy> {
        let (file, source) = self.sources.get(slot.source)?;
        let mut page = vec![0; of.page_size().bytes()];
        source.read_at(&mut page, slot.offset).ok().filter(|read| *read == page.len())?;
        let mut checker = Checker::new(of.format, Some(slot.space)).with_access(of.access.clone());
        let checked = checker.check(slot.page, &page);
        let sound = matches!(checked.verdict, PageVerdict::Sound(_) | PageVerdict::Unprotected);
        sound.then(|| GoodCopy { file: file.clone(), offset: slot.offset, lsn: checked.header.lsn })
    }
}

/// What a slot holds; `None` for an empty one.
fn slot(page: &[u8], source: usize, offset: u64) -> Option<Slot> {
    let header = FilHeader::read(page).filter(|header| header.lsn.0 > 0)?;
    Some(Slot { source, offset, space: header.space, page: header.page_no })
}

/// `#ib_16384_0.dblwr` has slots of 16384 bytes.
fn page_bytes(label: &str) -> Option<usize> {
    let name = label.rsplit('/').next()?.strip_prefix("#ib_")?;
    let bytes: u32 = parse(name.split('_').next()?)?;
    vouch_innodb::PageSize::new(bytes).map(vouch_innodb::PageSize::bytes)
}
