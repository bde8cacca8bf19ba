//! The files of an image, one of which several may be open: [`Image`].

use super::image::{One, unpacked};
use super::layer::{self, Input, Layer};
use super::member;
use super::pipe::{PIECE, Pool};
use super::tarball;
use super::turns::Turns;
use super::xbstream::Chunks;
use crate::discover::{Found, at};
use crate::kind::{Kind, may_be_binlog};
use crate::logs::{self, BINLOG_MAGIC, is_binlog};
use crate::state::State;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use vouch_report::{Code, Failure, Skip};

/// Notes of a backup tool are shorter.
const MOST_NOTE: usize = 64 << 10;
/// Notes that are kept.
const MOST_NOTES: usize = 16;
/// Logs that may be open at a time: each holds a part of itself.
const MOST_LOGS: u64 = 3;

/// What becomes of a file of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its pages are judged.
    Judged(Kind),
    /// It is a log, or may be one by its name.
    Log(Kind),
    /// It tells as of when the others are.
    Note,
    /// Nothing.
    Passed,
}

/// An image that is being read.
pub(super) struct Image<'a> {
    pub(super) one: &'a One<'a>,
    /// Tablespaces and logs so far.
    spaces: AtomicU64,
    logs: AtomicU64,
    /// Logs that are open.
    open_logs: AtomicU64,
    /// The notes of the backup tool: name and text.
    notes: Mutex<Vec<(String, String)>>,
}

impl<'a> Image<'a> {
    pub(super) fn new(one: &'a One<'a>) -> Image<'a> {
        let zero = AtomicU64::default;
        Image { one, spaces: zero(), logs: zero(), open_logs: zero(), notes: Mutex::default() }
    }
}

impl Image<'_> {
    /// Tablespaces so far.
    pub(super) fn spaces(&self) -> u64 {
        self.spaces.load(Ordering::Relaxed)
    }

    /// Whether there was nothing in it to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.spaces() == 0 && self.logs.load(Ordering::Relaxed) == 0
    }

    /// The notes of the backup tool: name and text.
    pub(super) fn notes(&self) -> Vec<(String, String)> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

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
            kind if kind.is_log() => Role::Log(kind),
            Kind::Doublewrite | Kind::Packed | Kind::NotCovered(_) => {
                skip(Code::NotCovered, Kind::of(inner).name());
                Role::Passed
            }
            Kind::Other if State::is_note(inner) => Role::Note,
            Kind::Other if may_be_binlog(inner) => Role::Log(Kind::Other),
            _ => Role::Passed,
        };
        (role, layer)
    }

    /// Files of several inputs are told apart by the input's name.
    fn label(&self, path: &str) -> String {
        let path = path.trim_start_matches("./");
        if self.one.context.options.paths.len() > 1 { format!("{}:{path}", self.one.label()) } else { path.to_owned() }
    }

    fn found(&self, path: &str, kind: Kind) -> Found {
        let (label, root) = (self.label(path), self.one.found.path.clone());
        Found { path: unpacked(Path::new(path.trim_start_matches("./"))), label, kind, bytes: 0, root }
    }

    /// A file of the image, to its end, which is after so many bytes where that is known.
    pub(super) fn member(
        &self,
        path: &str,
        role: Role,
        layer: Option<Layer>,
        input: &mut dyn Read,
        bytes: Option<u64>,
    ) -> io::Result<()> {
        let bytes = bytes.filter(|_| layer.is_none());
        let mut input: Input = match layer {
            Some(layer) => layer.open(Box::new(input))?,
            None => Box::new(input),
        };
        match role {
            Role::Judged(kind) => {
                let (context, found) = (self.one.context, self.found(path, kind));
                self.spaces.fetch_add(1, Ordering::Relaxed);
                member::judge(found, &mut input, &context.known, context.options, self.one.out())
            }
            Role::Log(kind) => self.log(path, kind, &mut input, bytes),
            Role::Note => {
                let text = layer::head(&mut input, MOST_NOTE)?;
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                let note = (layer::stripped(&name).1.to_owned(), String::from_utf8_lossy(&text).into_owned());
                let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
                if notes.len() < MOST_NOTES {
                    notes.push(note);
                }
                drop(notes);
                io::copy(&mut input, &mut io::sink()).map(drop)
            }
            Role::Passed => Ok(()),
        }
    }

    fn log(&self, path: &str, kind: Kind, input: &mut dyn Read, bytes: Option<u64>) -> io::Result<()> {
        let head = layer::head(input, BINLOG_MAGIC)?;
        let kind = match kind {
            Kind::Other if is_binlog(&head) => Kind::Binlog,
            Kind::Other => return Ok(()),
            kind => kind,
        };
        self.logs.fetch_add(1, Ordering::Relaxed);
        if self.open_logs.fetch_add(1, Ordering::AcqRel) >= MOST_LOGS {
            let message = format!("{path}: more than {MOST_LOGS} logs take turns; this one is left out");
            let failure = at(&self.label(path), Failure::new(Code::FileUnreadable, message));
            self.one.out().add().errors.push(failure);
        } else {
            let mut whole = io::Cursor::new(head).chain(input);
            let log = logs::read_stream(self.found(path, kind), &mut whole, bytes);
            log.map(|log| self.one.out().add().logs.push(log))?;
        }
        self.open_logs.fetch_sub(1, Ordering::AcqRel);
        Ok(())
    }

    pub(super) fn tar(&self, input: Input) -> io::Result<()> {
        let input = io::BufReader::with_capacity(PIECE, input);
        tarball::entries(input, |path, bytes, entry| {
            let (role, layer) = self.role(path);
            let outcome = self.member(path, role, layer, entry, Some(bytes));
            if let (Err(error), true) = (&outcome, layer.is_some() && role != Role::Passed) {
                // The archive goes on behind a file that does not unpack.
                self.one.failed(error, Some(path));
                return Ok(());
            }
            outcome
        })
    }

    pub(super) fn xbstream(&self, input: Input) -> io::Result<()> {
        let pool = Pool::default();
        std::thread::scope(|scope| {
            let chunks = Chunks::new(io::BufReader::with_capacity(PIECE / 2, input));
            Turns::new(self, scope, &pool).run(chunks)
        })
    }
}
