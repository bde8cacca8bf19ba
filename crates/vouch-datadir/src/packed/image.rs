//! Packed files and images, one after the other or side by side: [`read_all`].

use super::layer::{self, Container, Input, Layer};
use super::member::{self, Known};
use super::meter::{Meter, Tap};
use super::outcome::{Collected, Streamed};
use super::pipe::{self, PIECE, Pool};
use super::tarball;
use super::turns::Turns;
use super::xbstream::Chunks;
use crate::discover::{Found, INPUT, at, unreadable};
use crate::kind::Kind;
use crate::options::{PagesOptions, Runtime};
use crate::state::State;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use vouch_report::{Code, Failure, FileCoverage, FileState, PageTally, Skip};

/// Notes of a backup tool are shorter.
const MOST_NOTE: usize = 64 << 10;

/// What all inputs of a run share.
struct Context<'a> {
    options: &'a PagesOptions,
    runtime: &'a Runtime<'a>,
    known: Known,
    out: Collected,
}

/// Looks at all packed files and images.
pub(crate) fn read_all(files: Vec<Found>, options: &PagesOptions, runtime: &Runtime) -> Streamed {
    let context = Context { options, runtime, known: Known::default(), out: Collected::default() };
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, files.len().max(1)) {
            scope.spawn(|| {
                while let Some(found) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if (runtime.stopped)().is_none() {
                        One { context: &context, found, meter: Meter::default() }.read();
                    }
                }
            });
        }
    });
    context.out.into_inner()
}

/// One input.
pub(super) struct One<'a> {
    context: &'a Context<'a>,
    found: &'a Found,
    meter: Meter,
}

impl One<'_> {
    pub(super) fn label(&self) -> &str {
        &self.found.label
    }

    pub(super) fn out(&self) -> &Collected {
        &self.context.out
    }

    pub(super) fn is_stopped(&self) -> bool {
        (self.context.runtime.stopped)().is_some()
    }

    /// Damage of the input itself.
    pub(super) fn damage(&self, code: Code, offset: Option<u64>, message: String) {
        self.out().damage(code, self.label(), offset, message);
    }

    fn read(&self) {
        let outcome = match self.input() {
            Ok(input) => self.unpack(input),
            Err(error) => return self.out().add().errors.push(unreadable(self.label(), &error)),
        };
        if let Err(error) = outcome {
            self.failed(&error, None);
        }
    }

    fn input(&self) -> io::Result<Input<'_>> {
        let runtime = self.context.runtime;
        let (file, meter) = (self.label(), &self.meter);
        if self.found.path == Path::new(INPUT) {
            let input = runtime.input.as_ref().ok_or_else(|| io::Error::other("there is no standard input"))?;
            return Ok(Box::new(Tap { input, file, meter, runtime, told: 0 }));
        }
        let input = File::open(&self.found.path)?;
        // Advice that is not taken costs nothing but speed.
        let _ = rustix::fs::fadvise(&input, 0, None, rustix::fs::Advice::Sequential);
        Ok(Box::new(Tap { input, file, meter, runtime, told: 0 }))
    }

    /// A failure that ends the input, or the file `of` in it: the system's, or damage.
    pub(super) fn failed(&self, error: &io::Error, of: Option<&str>) {
        if self.is_stopped() || pipe::is_broken_off(error) {
            return;
        }
        if let Some(refused) = self.meter.refusal() {
            return self.out().add().errors.push(unreadable(self.label(), &refused));
        }
        let cut = error.kind() == ErrorKind::UnexpectedEof;
        let code = if cut { Code::ImageCut } else { Code::ImageDamaged };
        let what = if cut { "it ends before it is complete".to_owned() } else { error.to_string() };
        match of {
            Some(path) => self.damage(code, None, format!("{path}: {what}; what follows in that file is not verified")),
            None => {
                let bytes = self.meter.bytes();
                self.damage(
                    code,
                    Some(bytes),
                    format!("{what}; up to byte {bytes} was read, nothing behind is verified"),
                );
            }
        }
    }

    fn unpack(&self, input: Input) -> io::Result<()> {
        let opened = layer::open(input)?;
        let name = self.found.path.file_name().unwrap_or_default().to_string_lossy();
        if opened.head.starts_with(b"XBCRYP0") {
            let message = format!("{} is encrypted by xbcrypt: decrypt it on the way in", self.label());
            self.out().add().errors.push(at(self.label(), Failure::new(Code::PageEncrypted, message)));
            return Ok(());
        }
        match opened.container.or_else(|| layer::container(&name)) {
            Some(Container::Xbstream) => self.image("xbstream", |image| image.xbstream(opened.input)),
            Some(Container::Tar) => self.image("tar", |image| image.tar(opened.input)),
            None => self.single(&name, opened.input),
        }
    }

    /// A tablespace by itself.
    fn single(&self, name: &str, mut input: Input) -> io::Result<()> {
        let kind = match Kind::of(layer::stripped(name).1) {
            kind @ (Kind::System(_) | Kind::Undo) => kind,
            _ => Kind::Tablespace,
        };
        let found = Found { kind, bytes: 0, path: unpacked(&self.found.path), ..self.found.clone() };
        member::judge(found, &mut input, &self.context.known, self.context.options, self.out())
    }

    fn image(&self, format: &str, read: impl FnOnce(&Image) -> io::Result<()>) -> io::Result<()> {
        let image = Image { one: self, names: Mutex::default(), note: Mutex::default() };
        let outcome = read(&image);
        if let Err(error) = &outcome {
            self.failed(error, None);
        }
        let names = image.names.into_inner().unwrap_or_else(PoisonError::into_inner);
        let note = image.note.into_inner().unwrap_or_else(PoisonError::into_inner);
        let state = State::noted(note.as_ref(), self.context.options.state);
        let mut out = self.out().add();
        let damaged = out
            .findings
            .iter()
            .any(|finding| finding.location.file.as_ref().is_some_and(|file| file.file == self.found.label));
        out.states.push((self.found.path.clone(), state));
        if names == 0 && !damaged {
            let message = format!("there is no file of InnoDB in {}", self.label());
            out.errors.push(at(self.label(), Failure::new(Code::NothingFound, message)));
        }
        out.files.push(FileCoverage {
            state: if damaged { FileState::Damaged } else { FileState::Sound },
            format: format!("{format}, {names} tablespaces"),
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
fn unpacked(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(layer::stripped(&name).1)
}

/// What becomes of a file of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its pages are judged.
    Judged(Kind),
    /// It tells as of when the others are.
    Note,
    /// Nothing.
    Passed,
}

/// An image that is being read.
pub(super) struct Image<'a> {
    pub(super) one: &'a One<'a>,
    /// Tablespaces so far.
    names: Mutex<u64>,
    /// The notes of the backup tool: name and text.
    note: Mutex<Option<(String, String)>>,
}

impl Image<'_> {
    /// What a file of this path is for. What is not verified is told.
    pub(super) fn role(&self, path: &str) -> (Role, Option<Layer>) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let (layer, inner) = layer::stripped(name);
        let skip = |code, reason: &str| {
            let skip = Skip { code, what: self.label(path), reason: reason.to_owned() };
            self.one.out().add().skips.push(skip);
        };
        let role = match Kind::of(inner) {
            kind @ (Kind::Tablespace | Kind::System(_) | Kind::Undo) => Role::Judged(kind),
            Kind::Temporary => {
                skip(Code::TemporaryFile, Kind::Temporary.name());
                Role::Passed
            }
            Kind::NoChecksums(what) => {
                skip(Code::NoChecksums, what);
                Role::Passed
            }
            Kind::Doublewrite
            | Kind::Redo(_)
            | Kind::LogFile(_)
            | Kind::CopiedLog
            | Kind::Binlog
            | Kind::Packed
            | Kind::NotCovered(_) => {
                skip(Code::NotCovered, Kind::of(inner).name());
                Role::Passed
            }
            Kind::Other if State::is_note(inner) => Role::Note,
            Kind::Other => Role::Passed,
        };
        (role, layer)
    }

    /// Files of several inputs are told apart by the input's name.
    fn label(&self, path: &str) -> String {
        let path = path.trim_start_matches("./");
        if self.one.context.options.paths.len() > 1 { format!("{}:{path}", self.one.label()) } else { path.to_owned() }
    }

    fn found(&self, path: &str, kind: Kind) -> Found {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let (label, root) = (self.label(path), self.one.found.path.clone());
        Found { path: unpacked(Path::new(path.trim_start_matches("./"))), label, kind, bytes: 0, root }
    }

    /// A file of the image, to its end.
    pub(super) fn member(&self, path: &str, role: Role, layer: Option<Layer>, input: &mut dyn Read) -> io::Result<()> {
        let mut input: Input = match layer {
            Some(layer) => layer.open(Box::new(input))?,
            None => Box::new(input),
        };
        match role {
            Role::Judged(kind) => {
                let (context, found) = (self.one.context, self.found(path, kind));
                member::judge(found, &mut input, &context.known, context.options, &context.out)
            }
            Role::Note => {
                let text = layer::head(&mut input, MOST_NOTE)?;
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                let note = (layer::stripped(&name).1.to_owned(), String::from_utf8_lossy(&text).into_owned());
                *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(note);
                io::copy(&mut input, &mut io::sink()).map(drop)
            }
            Role::Passed => Ok(()),
        }
    }

    fn tar(&self, input: Input) -> io::Result<()> {
        let input = io::BufReader::with_capacity(PIECE, input);
        tarball::entries(input, |path, entry| {
            let (role, layer) = self.role(path);
            let outcome = self.member(path, role, layer, entry);
            if let (Err(error), true) = (&outcome, layer.is_some() && role != Role::Passed) {
                // The archive goes on behind a file that does not unpack.
                self.one.failed(error, Some(path));
                return Ok(());
            }
            outcome
        })
    }

    fn xbstream(&self, input: Input) -> io::Result<()> {
        let pool = Pool::default();
        std::thread::scope(|scope| {
            let chunks = Chunks::new(io::BufReader::with_capacity(PIECE / 2, input));
            Turns::new(self, scope, &pool).run(chunks)
        })
    }
}
