//! Packed files and images, one after the other or side by side: [`read_all`].

use super::contents::{Image, XBSTREAM};
use super::delta;
use super::layer::{self, Container, Input};
use super::member::{self, Known};
use super::meter::{Meter, Tap};
use super::outcome::{Collected, Streamed};
use super::pipe;
use super::systems;
use super::xbcrypt;
use crate::discover::{Found, INPUT, at, unreadable};
use crate::kind::{Kind, may_be_binlog};
use crate::logs::{self, BINLOG_MAGIC, is_binlog};
use crate::options::{PagesOptions, Runtime};
use crate::state::State;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use vouch_report::{Code, Failure, FileCoverage, FilePlace, FileState, PageTally};

/// What all inputs of a run share.
pub(super) struct Context<'a> {
    pub options: &'a PagesOptions,
    runtime: &'a Runtime<'a>,
    pub known: Known,
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
    let mut streamed = context.out.into_inner();
    systems::join(&mut streamed);
    streamed
}

/// One input.
pub(super) struct One<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) found: &'a Found,
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

    /// Whether something is wrong with the input itself.
    fn is_damaged(&self) -> bool {
        let here = |file: &FilePlace| file.file == self.found.label;
        self.out().add().findings.iter().any(|finding| finding.location.file.as_ref().is_some_and(here))
    }

    /// A failure that ends the input, or the file `of` in it: the system's, or damage.
    pub(super) fn failed(&self, error: &io::Error, of: Option<&str>) {
        if self.is_stopped() || pipe::is_broken_off(error) {
            return;
        }
        if let Some(refused) = self.meter.refusal() {
            return self.out().add().errors.push(unreadable(self.label(), &refused));
        }
        if xbcrypt::is_locked(error) {
            let label = of.unwrap_or(self.label());
            let failure = Failure::new(Code::PageEncrypted, format!("{label} is encrypted: {error}"));
            return self.out().add().errors.push(at(label, failure));
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
        let opened = layer::open(input, self.context.options.backup_key.as_ref())?;
        let name = self.found.path.file_name().unwrap_or_default().to_string_lossy();
        match opened.container.or_else(|| layer::container(&name)) {
            Some(Container::Xbstream) => self.image(XBSTREAM, |image| image.xbstream(opened.input)),
            Some(Container::Tar) => self.image("tar", |image| image.tar(opened.input)),
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
            return Ok(());
        }
        member::judge(found, &mut input, &self.context.known, self.context.options, self.out())
    }

    /// What changed in a tablespace, with the note beside it.
    fn delta(&self, mut input: impl Read) -> io::Result<()> {
        let (path, context) = (unpacked(&self.found.path), self.context);
        let note = path.with_extension("meta");
        let meta = delta::noted(&note, context.options.backup_key.as_ref());
        if meta.is_none() {
            let label = Path::new(self.label()).with_file_name(note.file_name().unwrap_or_default());
            self.out().damage(Code::FileMissing, &label.display().to_string(), None, delta::NO_NOTE.to_owned());
        }
        let found = Found { path, bytes: 0, ..self.found.clone() };
        let delta = delta::read(found, meta, &mut input, &context.known.all(), context.options)?;
        self.out().add().deltas.push(delta);
        Ok(())
    }

    fn image(&self, format: &str, read: impl FnOnce(&Image) -> io::Result<()>) -> io::Result<()> {
        let image = Image::new(self);
        let outcome = read(&image);
        if let Err(error) = &outcome {
            self.failed(error, None);
        }
        let spaces = image.spaces();
        let state = State::noted(&image.notes(), self.context.options.state);
        if outcome.is_ok() && !self.is_stopped() && !self.is_damaged() {
            image.missing(&state, format);
        }
        let damaged = self.is_damaged();
        let mut out = self.out().add();
        out.states.push((self.found.path.clone(), state));
        out.since.extend(State::noted_since(&image.notes()).map(|since| (self.found.path.clone(), since)));
        if image.is_empty() && !damaged {
            let message = format!("there is no file of InnoDB in {}", self.label());
            out.errors.push(at(self.label(), Failure::new(Code::NothingFound, message)));
        }
        out.files.push(FileCoverage {
            state: if damaged { FileState::Damaged } else { FileState::Sound },
            format: format!("{format}, {spaces} tablespaces"),
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
