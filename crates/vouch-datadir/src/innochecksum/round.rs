//! One file, page by page: [`Round`].

use super::kinds::{dump_head, dump_line};
use super::strict::other_algorithm;
use super::summary::{Counted, Of};
use super::walk::{PageFile, Refused};
use super::{Dialect, Halt, InnochecksumOptions, Said};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};
use vouch_innodb::{
    Checker, ExtentMap, FilHeader, Layout, NO_PAGE, PageNo, PageType, PageVerdict, mariadb_key_version,
};
use vouch_report::{Code, Debt, ExcludedBy, Failure, FilePlace, Finding, Item, ItemKind, Outcome, Recorder};

/// Time between two words on how far it is.
const EVERY: Duration = Duration::from_secs(5);
/// How often a bad page is read again, and the time in which a write of a page is over.
const LOOKS: usize = 3;
const PATIENCE: Duration = Duration::from_millis(20);
/// Bad pages that are waited for; with more of them it is no write in flight.
const WAITED_FOR: u64 = 32;

/// A look at one file.
pub(super) struct Round<'a> {
    options: &'a InnochecksumOptions,
    recorder: &'a Recorder,
    debt: Debt,
    say: &'a mut dyn FnMut(Said),
    dialect: Dialect,
    bad: u64,
    sound: u64,
    /// Pages that are all zero and in use.
    zeros: u64,
    unverified: BTreeMap<&'static str, u64>,
    counted: Counted,
    told: Instant,
}

impl<'a> Round<'a> {
    pub(super) fn new(
        options: &'a InnochecksumOptions,
        recorder: &'a Recorder,
        debt: Debt,
        say: &'a mut dyn FnMut(Said),
    ) -> Round<'a> {
        let (dialect, counted) = (options.dialect.unwrap_or(Dialect::Mysql), Counted::default());
        Round {
            options,
            recorder,
            debt,
            say,
            dialect,
            bad: 0,
            sound: 0,
            zeros: 0,
            unverified: BTreeMap::new(),
            counted,
            told: Instant::now(),
        }
    }

    /// Looks at the file.
    pub(super) fn of(mut self, path: &Path, input: Option<File>) -> Result<(), Halt> {
        let name = printable(path);
        let file = PageFile::open(path, input).map_err(|why| self.refuse(&refusal(&name, &why)))?;
        self.dialect = self.options.dialect.unwrap_or_else(|| dialect_of(&file));
        if self.options.count {
            return self.count(&file, &name);
        }
        self.in_range(&file)?;
        self.heads(&name);
        self.pages(&file, &name)?;
        self.settle(&name);
        if self.options.summary {
            (self.say)(Said::Out(self.counted.text(self.dialect, &name)));
        }
        Ok(())
    }

    /// Settles the file once all its pages were read.
    fn settle(&mut self, name: &str) {
        if !self.options.verify {
            return self.recorder.settle(self.debt, Outcome::verified_by("pages by their type"));
        }
        let part = |what: String| Item::new(ItemKind::File, what);
        for (lack, pages) in std::mem::take(&mut self.unverified) {
            let what = format!("{pages} pages of {name} were not verified: {lack}");
            (self.say)(Said::Err(format!("Warning: {what}")));
            if self.sound == 0 {
                self.recorder.error(self.debt, Failure::new(Code::PageEncrypted, what));
                continue;
            }
            let outcome = Outcome::Excluded { by: ExcludedBy::Default, code: Code::PageEncrypted };
            self.recorder.settled(part(format!("{pages} pages of {name}: {lack}")), outcome);
        }
        if self.bad > 0 {
            let outcome = Outcome::excluded_by_option(Code::FilteredOut);
            self.recorder.settled(part(format!("{} bad pages of {name}", self.bad)), outcome);
        }
        if self.zeros > 0 {
            let what = format!("{} pages of {name} are in use and all zero", self.zeros);
            (self.say)(Said::Err(format!("Warning: {what}")));
            self.recorder.error(self.debt, Failure::new(Code::ZeroUnproven, what));
        }
        self.recorder.settle(self.debt, Outcome::verified_by("page checksums"));
    }

    fn refuse(&mut self, why: &str) -> Halt {
        (self.say)(Said::Err(format!("Error: {why}")));
        self.recorder.error(self.debt, Failure::new(Code::FileUnreadable, why));
        Halt
    }

    fn count(&mut self, file: &PageFile, name: &str) -> Result<(), Halt> {
        let pages = match file.pages() {
            Some(pages) => pages,
            None => {
                let mut pages = 0;
                let each = &mut |_, page: &[u8]| -> Result<(), Halt> {
                    pages += u64::from(page.len() == file.page_bytes());
                    Ok(())
                };
                file.each(0, None, each).map_err(|error| self.refuse(&format!("{name}: {error}")))??;
                pages
            }
        };
        (self.say)(Said::Out(format!("Number of pages:{pages}\n")));
        self.recorder.settle(self.debt, Outcome::verified_by("pages counted"));
        Ok(())
    }

    /// A range in which there is no page would be passed as sound.
    fn in_range(&mut self, file: &PageFile) -> Result<(), Halt> {
        let (start, last) = (self.options.start, file.pages().map(|pages| pages.saturating_sub(1)));
        if self.options.end.is_some_and(|end| end < start) {
            return Err(self.refuse(&format!("the last page comes before the first one, {start}")));
        }
        match last {
            Some(last) if last < u64::from(start) => {
                Err(self.refuse(&format!("page {start} is behind the last page, {last}")))
            }
            _ => Ok(()),
        }
    }

    fn heads(&mut self, name: &str) {
        if self.options.log {
            (self.say)(Said::Log(format!("InnoDB File Checksum Utility.\nFilename = {name}")));
        }
        if self.options.dump {
            (self.say)(Said::Dump(dump_head(name)));
        }
    }

    fn pages(&mut self, file: &PageFile, name: &str) -> Result<(), Halt> {
        let mut checker = Checker::new(file.space.format, file.space.id);
        let mut extents = ExtentMap::new(&file.space.format);
        if file.space.first() == 0 {
            extents.add(&file.space.format, PageNo(0), file.first_page());
        }
        let size = file.page_bytes();
        let options = self.options;
        let mut seen: u64 = 0;
        let read = file.each(options.start, options.end, &mut |place, page| {
            seen = seen.saturating_add(1);
            if self.recorder.context().stopped().is_some() {
                return Err(Halt);
            }
            if page.len() != size {
                let why = format!("bytes read ({}) doesn't match page size ({size})", page.len());
                return Err(self.refuse(&why));
            }
            self.page(file, &mut checker, &mut extents, place, page)
        });
        read.map_err(|error| self.refuse(&format!("{name}: {error}")))??;
        let start = u64::from(options.start);
        let last = options.end.map_or(u64::MAX, u64::from);
        let owed = file.pages().map_or(1, |pages| pages.min(last.saturating_add(1)).saturating_sub(start)).max(1);
        match seen {
            0 => Err(self.refuse(&format!("there is no page {start} in {name}"))),
            seen if seen < owed => Err(self.refuse(&format!("{seen} of {owed} pages of {name} were read"))),
            _ => Ok(()),
        }
    }

    fn page(
        &mut self,
        file: &PageFile,
        checker: &mut Checker,
        extents: &mut ExtentMap,
        place: u32,
        page: &[u8],
    ) -> Result<(), Halt> {
        let no = PageNo(place.saturating_add(file.space.first()));
        // A page of zeros takes nothing back that was read before.
        if file.space.format.is_extent_page(no.0) && page.iter().any(|byte| *byte != 0) {
            extents.add(&file.space.format, no, page);
        }
        let freed = || extents.in_use(no) == Some(false) && page.iter().any(|byte| *byte != 0);
        if self.options.skip_freed && freed() {
            return Ok(());
        }
        self.progress(file, place);
        let copy = file.space.doublewrite.is_some_and(|area| area.holds(no));
        if self.options.verify && !copy {
            self.verify(file, checker, extents, place, page)?;
        }
        let compressed = FilHeader::read(page).is_some_and(|header| header.page_type == PageType::MYSQL_COMPRESSED);
        // MySQL tells such pages by what is in them.
        let image = if compressed && !copy { checker.check(no, page).image } else { None };
        let freed = self.options.summary && freed();
        self.tell(file, no, image.unwrap_or(page), copy, freed);
        Ok(())
    }

    fn progress(&mut self, file: &PageFile, place: u32) {
        if self.options.verbose && self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let share = file.pages().map(|pages| 100.0 * f64::from(place) / pages.max(1) as f64);
            let share = share.map(|share| format!(": {share:.3}% done")).unwrap_or_default();
            (self.say)(Said::Err(format!("page {place} okay{share}")));
        }
    }

    fn verify(
        &mut self,
        file: &PageFile,
        checker: &mut Checker,
        extents: &ExtentMap,
        place: u32,
        page: &[u8],
    ) -> Result<(), Halt> {
        let no = PageNo(place.saturating_add(file.space.first()));
        let zero_in_use = |verdict: &PageVerdict| matches!(verdict, PageVerdict::Empty) && is_in_use(file, extents, no);
        let doubtful = |verdict: &PageVerdict| matches!(verdict, PageVerdict::Bad(_)) || zero_in_use(verdict);
        let mut verdict = checker.check(no, page).verdict;
        let mut again = if doubtful(&verdict) { page.to_vec() } else { Vec::new() };
        let mut was_empty = matches!(verdict, PageVerdict::Empty);
        for look in 1..=LOOKS {
            let is_empty = matches!(verdict, PageVerdict::Empty);
            // A page that was damaged and is all zero now was given back, or this read has failed: the next one decides.
            let emptied = is_empty && !std::mem::replace(&mut was_empty, is_empty);
            if !emptied && (look == LOOKS || !doubtful(&verdict))
                || self.bad.saturating_add(self.zeros) >= WAITED_FOR
                || !file.again(place, &mut again)
            {
                break;
            }
            std::thread::sleep(PATIENCE);
            verdict = checker.check(no, &again).verdict;
        }
        self.log(no, page, &verdict);
        match verdict {
            PageVerdict::Bad(_) => return self.fail(file, no),
            PageVerdict::Unverified(lack) => *self.unverified.entry(lack.words()).or_default() += 1,
            verdict if zero_in_use(&verdict) => self.zeros = self.zeros.saturating_add(1),
            sound => {
                self.sound = self.sound.saturating_add(1);
                self.strictly(no, &sound);
            }
        }
        Ok(())
    }

    fn strictly(&mut self, no: PageNo, verdict: &PageVerdict) {
        let other = self.options.strict.and_then(|asked| other_algorithm(asked, verdict));
        if let Some((asked, found)) = other {
            let what = format!("page {no} has a valid checksum \"{found}\" and not \"{asked}\"");
            (self.say)(Said::Err(format!("[WARNING] innochecksum: {what}. Accepting the page as valid.")));
        }
    }

    fn fail(&mut self, file: &PageFile, no: PageNo) -> Result<(), Halt> {
        self.bad += 1;
        let (dialect, bad, allowed) = (self.dialect, self.bad, self.options.allowed);
        let mark = if dialect == Dialect::Mysql { " " } else { "::" };
        (self.say)(Said::Err(format!("Fail: page{mark}{no} invalid")));
        if bad <= allowed {
            return Ok(());
        }
        let counts = match dialect {
            Dialect::Mysql => format!("{allowed}"),
            Dialect::Mariadb => format!("{bad} current::{allowed}"),
        };
        (self.say)(Said::Err(format!("Exceeded the maximum allowed checksum mismatch count::{counts}")));
        let message = format!("more bad pages than the {allowed} that are allowed, page {no} among them");
        let mut finding = Finding::new(Code::PageChecksum, message);
        finding.count = bad;
        let label = file.space.parts.first().map(|part| part.found.label.clone()).unwrap_or_default();
        finding.location.file = Some(FilePlace { file: label, pages: Some((no.0, no.0)), ..FilePlace::default() });
        self.recorder.finding(self.debt, finding);
        self.recorder.settle(self.debt, Outcome::Differs);
        Err(Halt)
    }

    fn log(&mut self, no: PageNo, page: &[u8], verdict: &PageVerdict) {
        let Some(header) = FilHeader::read(page).filter(|_| self.options.log) else { return };
        let (lsn, seen) = (header.lsn, header.space);
        (self.say)(Said::Log(format!("space::{seen} page::{no}; log sequence number = {lsn}")));
        (self.say)(Said::Log(match verdict {
            PageVerdict::Sound(method) => format!("page::{no}; {} holds", method.name()),
            PageVerdict::Unprotected => format!("page::{no}; written without a checksum"),
            PageVerdict::Empty => format!("page::{no} is empty and uncorrupted"),
            PageVerdict::Unverified(lack) => format!("page::{no}; not verified: {}", lack.words()),
            PageVerdict::Bad(fault) => format!("Fail; page::{no} invalid ({fault})"),
        }));
    }

    fn tell(&mut self, file: &PageFile, no: PageNo, page: &[u8], copy: bool, freed: bool) {
        let format = &file.space.format;
        let key_version = if self.dialect == Dialect::Mariadb { mariadb_key_version(format, page) } else { 0 };
        let mut details = if self.options.details { format!("page {no} ") } else { String::new() };
        if self.options.summary {
            let of = Of { dialect: self.dialect, page_bytes: format.logical.bytes() };
            let line = self.counted.add(&of, no.0, page, key_version > 0, freed);
            details.extend(line.filter(|_| self.options.details));
        }
        if !details.is_empty() {
            (self.say)(Said::Out(details));
        }
        if self.options.dump {
            (self.say)(Said::Dump(dump_line(self.dialect, no.0, page, key_version, copy)));
        }
    }
}

/// Whether the tablespace uses the page by its own records. The first page is always in use; of a file without a
/// header nothing more is known.
fn is_in_use(file: &PageFile, extents: &ExtentMap, no: PageNo) -> bool {
    let space = &file.space;
    if no == PageNo(0) {
        return true;
    }
    let (Some(header), Some(fillers)) = (space.header, &space.fillers) else { return false };
    let used = || extents.in_use(no).unwrap_or_else(|| space.format.is_extent_page(no.0));
    no.0 < header.free_limit && !fillers.contains(&no) && used()
}

/// The name of a file, without what a terminal would act upon.
fn printable(path: &Path) -> String {
    let name = path.to_string_lossy();
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    name.chars().map(shown).collect()
}

fn refusal(name: &str, why: &Refused) -> String {
    match why {
        Refused::Missing => format!("{name} cannot be found"),
        Refused::Unreadable(error) => format!("{name} cannot be read: {error}"),
        Refused::Short(bytes) => {
            format!("Was not able to read the minimum page size of 1024 bytes. Bytes read was {bytes}")
        }
        Refused::Formless => format!("nothing in {name} is a page of a format that InnoDB has"),
    }
}

/// MySQL leaves its version in page 0 where MariaDB says that there is no neighbour.
fn dialect_of(file: &PageFile) -> Dialect {
    let format = &file.space.format;
    let stamp = FilHeader::read(file.first_page()).map_or(0, |header| header.prev);
    let mariadb = format.layout == Layout::FullCrc32 || format.page_compressed || stamp == NO_PAGE;
    if mariadb { Dialect::Mariadb } else { Dialect::Mysql }
}
