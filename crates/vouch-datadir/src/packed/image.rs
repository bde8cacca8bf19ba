//! Packed files and images, one after the other or side by side: [`read_all`].

use super::contents::{Image, TAR, XBSTREAM};
use super::delta;
use super::fault::Fault;
use super::layer::{self, Aside, Container, Input, Opening};
use super::member::{self, Known};
use super::memory::Memory;
use super::meter::{InputEnd, Meter, Tap};
use super::note;
use super::objects::{self, Backup};
use super::outcome::{Collected, Fate, Streamed};
use super::pipe::{self, BrokenOff};
use super::systems;
use crate::books::Books;
use crate::discover::{Found, INPUT, unreadable};
use crate::kind::{Kind, may_be_binlog};
use crate::logs::{self, BINLOG_MAGIC, is_binlog};
use crate::options::PagesOptions;
use crate::state::State;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use vouch_innodb::DeltaMeta;
use vouch_report::{Code, Failure, FileCoverage, FileState, PageTally};

/// What all inputs of a run share.
pub(super) struct Context<'a> {
    pub options: &'a PagesOptions,
    books: &'a Books<'a>,
    pub known: Known,
    /// What all decoders may hold.
    pub memory: Memory,
    out: Collected,
}

/// Looks at all packed files and images.
pub(crate) fn read_all(files: Vec<Found>, options: &PagesOptions, books: &Books) -> Streamed {
    let (known, memory, out) = (Known::default(), Memory::default(), Collected::default());
    let context = Context { options, books, known, memory, out };
    note::check(files.iter().map(|file| file.root.as_path()), options.backup_key.as_ref(), &context.out);
    let (files, backups) = objects::gather(files);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, (files.len() + backups.len()).max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    match (files.get(at), backups.get(at.saturating_sub(files.len()))) {
                        _ if books.is_stopped() => break,
                        (Some(found), _) => One::new(&context, found).read(),
                        (None, Some(backup)) => One::new(&context, &backup.found).objects(backup),
                        (None, None) => break,
                    }
                }
            });
        }
    });
    let mut streamed = context.out.into_inner();
    systems::join(&mut streamed);
    streamed
}

/// One input.
pub(super) struct One<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) found: &'a Found,
    meter: Meter,
    /// It is damaged where it holds no pages.
    damaged: AtomicBool,
    /// Something of it could not be verified.
    unproven: AtomicBool,
}

impl<'a> One<'a> {
    pub(super) fn new(context: &'a Context<'a>, found: &'a Found) -> One<'a> {
        let no = AtomicBool::default;
        One { context, found, meter: Meter::default(), damaged: no(), unproven: no() }
    }

    /// What unpacking needs; what there is to say beside it goes to `aside`.
    pub(super) fn opening(&self, aside: &Aside) -> Opening<'a> {
        let key = self.context.options.backup_key.as_ref();
        Opening { key, memory: &self.context.memory, aside: aside.clone() }
    }
}

impl One<'_> {
    pub(super) fn label(&self) -> &str {
        &self.found.label
    }

    pub(super) fn out(&self) -> &Collected {
        &self.context.out
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.context.books.is_stopped()
    }

    /// Something that could not be verified, of the input or a file in it.
    pub(super) fn unproven(&self, label: &str, code: Code, message: String) -> Fate {
        self.unproven.store(true, Ordering::Relaxed);
        self.out().unproven(label, code, message)
    }

    /// Keeps what became of a file.
    pub(super) fn member(&self, label: &str, fate: Fate) {
        self.out().member(label, fate);
    }

    /// Damage of the input itself.
    pub(super) fn damage(&self, code: Code, offset: Option<u64>, message: String) {
        self.damaged.store(true, Ordering::Relaxed);
        self.out().damage(code, self.label(), offset, message);
    }

    /// Damage of a file that is not the input itself.
    pub(super) fn damage_of(&self, label: &str, code: Code, message: String) {
        self.damaged.store(true, Ordering::Relaxed);
        self.out().damage(code, label, None, message);
    }

    /// A part of the input that the system does not give.
    pub(super) fn unread(&self, failure: Failure) {
        self.unproven.store(true, Ordering::Relaxed);
        self.out().add().errors.push(failure);
    }

    fn read(&self) {
        let aside = Aside::default();
        let outcome = self.input().map(|input| self.unpack(input, &aside));
        let fate = match outcome {
            Err(error) => {
                self.out().add().errors.push(unreadable(self.label(), &error));
                Fate::Unproven(Code::FileUnreadable)
            }
            Ok(Err(error)) => self.failed(&error, None),
            Ok(Ok(())) => Fate::Read,
        };
        let behind = self.behind(self.label(), &aside);
        self.member(self.label(), behind.unwrap_or(fate));
    }

    /// What follows the end of a file.
    pub(super) fn behind(&self, label: &str, aside: &Aside) -> Option<Fate> {
        let told = aside.take().into_iter();
        told.map(|what| self.unproven(label, Code::ImageTrailing, format!("{label}: {what}"))).last()
    }

    /// The objects of a bucket, which together are an image.
    fn objects(&self, backup: &Backup) {
        let outcome = self.image("xbcloud", |image| image.objects(backup));
        let fate = outcome.map_or_else(|error| self.failed(&error, None), |()| Fate::Read);
        self.member(self.label(), fate);
    }

    /// A file of the input, measured.
    pub(super) fn tap(&self, input: File) -> Input<'_> {
        // Advice that is not taken costs nothing but speed.
        let _ = rustix::fs::fadvise(&input, 0, None, rustix::fs::Advice::Sequential);
        let (file, meter, books) = (self.label(), &self.meter, self.context.books);
        Box::new(Tap { input, file, meter, books, reported: 0 })
    }

    fn input(&self) -> io::Result<Input<'_>> {
        let books = self.context.books;
        let (file, meter) = (self.label(), &self.meter);
        if self.found.path == Path::new(INPUT) {
            let input = books.standard_input().ok_or_else(|| io::Error::other("there is no standard input"))?;
            return Ok(Box::new(Tap { input, file, meter, books, reported: 0 }));
        }
        Ok(self.tap(File::open(&self.found.path)?))
    }

    /// Whether something is wrong with the input itself.
    fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// A failure that ends the input, or the file `of` in it: the system's, damage, or a format that is not read.
    pub(super) fn failed(&self, error: &io::Error, of: Option<&str>) -> Fate {
        if self.is_stopped() {
            return Fate::Unproven(Code::FileUnreadable);
        }
        match pipe::broken_off(error) {
            None => {}
            Some(BrokenOff::Damaged) => return Fate::Damaged,
            Some(BrokenOff::Unread) => return Fate::Unproven(Code::FileUnreadable),
        }
        match self.meter.refusal() {
            InputEnd::None => {}
            InputEnd::Now(refused) => {
                self.unread(unreadable(self.label(), &refused));
                return Fate::Unproven(Code::FileUnreadable);
            }
            InputEnd::Before => return Fate::Unproven(Code::FileUnreadable),
        }
        let label = of.unwrap_or(self.label());
        match Fault::of(error) {
            Fault::Locked(how) => self.unproven(label, Code::PageEncrypted, format!("{label} is encrypted: {how}")),
            Fault::Unsupported(what) => self.unproven(label, Code::ImageUnsupported, format!("{label}: {what}")),
            fault @ Fault::Cut => self.broken(Code::ImageCut, &fault, of),
            fault @ Fault::Damaged(_) => self.broken(Code::ImageDamaged, &fault, of),
        }
    }

    fn broken(&self, code: Code, what: &Fault, of: Option<&str>) -> Fate {
        let bytes = self.meter.bytes();
        match of {
            Some(path) => self.damage(code, None, format!("{path}: {what}; the rest of that file is not verified")),
            None => {
                let message = format!("{what}; {bytes} bytes were read, and nothing after them is verified");
                self.damage(code, Some(bytes), message);
            }
        }
        Fate::Damaged
    }

    fn unpack(&self, input: Input, aside: &Aside) -> io::Result<()> {
        let opened = layer::open(input, &self.opening(aside))?;
        let name = self.found.path.file_name().unwrap_or_default().to_string_lossy();
        match opened.container.or_else(|| layer::container(&name)) {
            Some(Container::Xbstream) => self.image(XBSTREAM, |image| image.xbstream(opened.input)),
            Some(Container::Tar) => self.image(TAR, |image| image.tar(opened.input, aside)),
            None => self.single(&name, opened.input),
        }
    }

    /// A tablespace or a log by itself.
    fn single(&self, name: &str, mut input: Input) -> io::Result<()> {
        let inner = layer::bare(name);
        let first = layer::head(&mut input, BINLOG_MAGIC)?;
        if Kind::of(inner) == Kind::Delta {
            return self.delta(io::Cursor::new(first).chain(input));
        }
        let named_so = may_be_binlog(inner) && is_binlog(&first);
        let kind = match Kind::of(inner) {
            kind @ (Kind::System(_) | Kind::Undo) => kind,
            kind if kind.is_log() => kind,
            _ if named_so => Kind::Binlog,
            _ => Kind::Tablespace,
        };
        let mut input = std::io::Cursor::new(first).chain(input);
        let found = Found { kind, bytes: 0, path: unpacked(&self.found.path), ..self.found.clone() };
        if kind.is_log() {
            let log = logs::read_stream(found, &mut input, None)?;
            self.out().add().logs.push(log);
            return io::copy(&mut input, &mut io::sink()).map(drop);
        }
        member::judge(found, &mut input, &self.context.known, self.context.options, self.out())?;
        // The sums of what is packed stand at its end.
        io::copy(&mut input, &mut io::sink()).map(drop)
    }

    /// What changed in a tablespace, with the note beside it.
    fn delta(&self, mut input: impl Read) -> io::Result<()> {
        let (path, context) = (unpacked(&self.found.path), self.context);
        let note = path.with_extension("meta");
        let label = Path::new(self.label()).with_file_name(note.file_name().unwrap_or_default());
        let meta = self.meta(&note, &label.display().to_string());
        let found = Found { path, bytes: 0, ..self.found.clone() };
        let delta = delta::read(found, meta, &mut input, &context.known.all(), context.options)?;
        self.out().add().deltas.push(delta);
        Ok(())
    }

    /// What the note beside changed pages says about them.
    fn meta(&self, note: &Path, label: &str) -> Option<DeltaMeta> {
        match note::beside(note, self.context.options.backup_key.as_ref()) {
            Ok(Some(text)) => {
                let meta = DeltaMeta::read(&text);
                if meta.is_none() {
                    self.out().damage(Code::DeltaDamaged, label, None, delta::WRONG_NOTE.to_owned());
                }
                return meta;
            }
            Ok(None) => self.out().damage(Code::FileMissing, label, None, delta::NO_NOTE.to_owned()),
            Err(error) => note::refused(label, &error, self.out()),
        }
        None
    }

    fn image(&self, format: &str, read: impl FnOnce(&Image) -> io::Result<()>) -> io::Result<()> {
        let image = Image::new(self);
        let outcome = read(&image);
        if let Err(error) = &outcome {
            self.failed(error, None);
        }
        let (spaces, others) = (image.spaces(), image.others());
        let state = State::noted(&image.notes(), self.context.options.state);
        if outcome.is_ok() && !self.is_stopped() && !self.is_damaged() {
            image.missing(&state, format);
        }
        let damaged = self.is_damaged();
        if image.is_empty() && !damaged {
            let message = format!("there is no file of InnoDB in {}", self.label());
            self.unproven(self.label(), Code::NothingFound, message);
        }
        let unproven = self.unproven.load(Ordering::Relaxed);
        let mut out = self.out().add();
        out.states.push((self.found.path.clone(), state));
        out.since.extend(State::noted_since(&image.notes()).map(|since| (self.found.path.clone(), since)));
        let others = if others == 0 { String::new() } else { format!(", {others} files of other kinds") };
        out.files.push(FileCoverage {
            state: match (damaged, unproven) {
                (true, _) => FileState::Damaged,
                (false, true) => FileState::Unverified,
                (false, false) => FileState::Sound,
            },
            format: format!("{format}, {spaces} tablespaces{others}"),
            ..bare(self.label(), self.meter.bytes())
        });
        Ok(())
    }
}

/// What is told of an image itself.
fn bare(label: &str, bytes: u64) -> FileCoverage {
    FileCoverage {
        file: label.to_owned(),
        kind: FileCoverage::IMAGE,
        table: None,
        format: String::new(),
        space: None,
        bytes,
        page_bytes: 0,
        pages: 0,
        tally: PageTally::default(),
        methods: Vec::new(),
        types: Vec::new(),
        lsn_max: 0,
        state: FileState::Sound,
        map: Vec::new(),
    }
}

/// The path without the suffix of its layer.
pub(super) fn unpacked(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(layer::bare(&name))
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
