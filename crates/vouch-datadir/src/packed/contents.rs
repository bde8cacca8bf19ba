//! The files of an image, one of which several may be open: [`Image`].

use super::delta;
use super::image::{One, unpacked};
use super::layer::{self, Input, Layer};
use super::member;
use super::pipe::{PIECE, Pool};
use super::tarball;
use super::turns::Turns;
use super::xbstream::Chunks;
use crate::discover::{Found, at};
use crate::instance::SETTINGS;
use crate::kind::{Kind, may_be_binlog};
use crate::logs::{self, BINLOG_MAGIC, is_binlog};
use crate::presence;
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use vouch_innodb::DeltaMeta;
use vouch_report::{Code, Failure, Skip};

/// Notes of a backup tool are shorter.
pub(super) const MOST_NOTE: usize = 64 << 10;
/// Names that are kept.
const MOST_PATHS: usize = 1 << 20;
/// What an image of a backup tool is called.
pub(super) const XBSTREAM: &str = "xbstream";
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
    /// What changed in a tablespace since the backup before.
    Delta,
    /// What is noted of such a file.
    Meta,
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
    /// The paths of all files, without what tells how they are packed.
    paths: Mutex<BTreeSet<String>>,
    /// What is noted of files of an incremental backup, by the tablespace's path.
    metas: Mutex<BTreeMap<String, DeltaMeta>>,
}

/// Whether the file of this name is a note about the changed pages of a tablespace.
fn is_meta(name: &str) -> bool {
    let kind = name.strip_suffix(".meta").map(Kind::of);
    matches!(kind, Some(Kind::Tablespace | Kind::System(_) | Kind::Undo))
}

/// A path as the others are.
fn clean(path: &str) -> &str {
    path.trim_start_matches("./")
}

impl<'a> Image<'a> {
    pub(super) fn new(one: &'a One<'a>) -> Image<'a> {
        let zero = AtomicU64::default;
        Image {
            one,
            spaces: zero(),
            logs: zero(),
            open_logs: zero(),
            notes: Mutex::default(),
            paths: Mutex::default(),
            metas: Mutex::default(),
        }
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
    pub(super) fn role(&self, path: &str) -> (Role, Vec<Layer>) {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        if paths.len() <= MOST_PATHS {
            paths.insert(layer::bare(clean(path)).to_owned());
        }
        drop(paths);
        let name = path.rsplit('/').next().unwrap_or_default();
        let (layers, inner) = layer::layers(name);
        let skip = |code, reason: &str| {
            let skip = Skip { code, what: self.label(path), reason: reason.to_owned() };
            self.one.out().add().skips.push(skip);
        };
        let role = match Kind::of(inner) {
            kind @ (Kind::Tablespace | Kind::System(_) | Kind::Undo) => Role::Judged(kind),
            Kind::Delta => Role::Delta,
            Kind::Other if is_meta(inner) => Role::Meta,
            Kind::Temporary => {
                skip(Code::TemporaryFile, Kind::Temporary.name());
                Role::Passed
            }
            Kind::NoChecksums(what) => {
                skip(Code::NoChecksums, what);
                Role::Passed
            }
            kind if kind.is_log() => Role::Log(kind),
            Kind::Doublewrite | Kind::Aria | Kind::AriaControl | Kind::Packed | Kind::NotCovered(_) => {
                skip(Code::NotCovered, Kind::of(inner).name());
                Role::Passed
            }
            Kind::Other if State::is_note(inner) || inner == SETTINGS => Role::Note,
            Kind::Other if may_be_binlog(inner) => Role::Log(Kind::Other),
            _ => Role::Passed,
        };
        (role, layers)
    }

    /// Files of several inputs are told apart by the input's name.
    fn label(&self, path: &str) -> String {
        let path = clean(path);
        if self.one.context.options.paths.len() > 1 { format!("{}:{path}", self.one.label()) } else { path.to_owned() }
    }

    fn found(&self, path: &str, kind: Kind) -> Found {
        let (label, root) = (self.label(path), self.one.found.path.clone());
        Found { path: unpacked(Path::new(clean(path))), label, kind, bytes: 0, root }
    }

    /// A file of the image, to its end, which is after so many bytes where that is known.
    pub(super) fn member(
        &self,
        path: &str,
        role: Role,
        layers: &[Layer],
        input: &mut dyn Read,
        bytes: Option<u64>,
    ) -> io::Result<()> {
        let (bytes, key) = (bytes.filter(|_| layers.is_empty()), self.one.context.options.backup_key.as_ref());
        let mut input: Input = Box::new(input);
        for layer in layers {
            input = layer.open(input, key)?;
        }
        match role {
            Role::Judged(kind) => {
                let (context, found) = (self.one.context, self.found(path, kind));
                self.spaces.fetch_add(1, Ordering::Relaxed);
                member::judge(found, &mut input, &context.known, context.options, self.one.out())
            }
            Role::Log(kind) => self.log(path, kind, &mut input, bytes),
            Role::Delta => self.delta(path, &mut input),
            Role::Meta => {
                let text = layer::head(&mut input, MOST_NOTE)?;
                self.meta(layer::bare(path), &text);
                io::copy(&mut input, &mut io::sink()).map(drop)
            }
            Role::Note => {
                let text = layer::head(&mut input, MOST_NOTE)?;
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                let note = (layer::bare(&name).to_owned(), String::from_utf8_lossy(&text).into_owned());
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

    /// What is noted of a file of an incremental backup, as it lies in the image.
    pub(super) fn meta(&self, path: &str, bytes: &[u8]) {
        let (layers, bare) = layer::layers(clean(path));
        let mut input: Input = Box::new(bytes);
        for layer in layers {
            match layer.open(input, self.one.context.options.backup_key.as_ref()) {
                Ok(opened) => input = opened,
                Err(_) => return,
            }
        }
        // What cannot be unpacked is no other than its file of pages, which says so.
        let Ok(text) = layer::head(&mut input, MOST_NOTE) else { return };
        let mut metas = self.metas.lock().unwrap_or_else(PoisonError::into_inner);
        match DeltaMeta::read(&String::from_utf8_lossy(&text)) {
            Some(meta) if metas.len() < MOST_PATHS => {
                metas.insert(bare.trim_end_matches(".meta").to_owned(), meta);
            }
            Some(_) => {}
            None => {
                let message = "it names no tablespace and no size of pages".to_owned();
                self.one.out().damage(Code::DeltaDamaged, &self.label(bare), None, message);
            }
        }
    }

    fn delta(&self, path: &str, input: &mut dyn Read) -> io::Result<()> {
        self.spaces.fetch_add(1, Ordering::Relaxed);
        let tablespace = layer::bare(clean(path)).trim_end_matches(".delta");
        let meta = self.metas.lock().unwrap_or_else(PoisonError::into_inner).get(tablespace).copied();
        let (context, found) = (self.one.context, self.found(path, Kind::Delta));
        let delta = delta::read(found, meta, input, &context.known.all(), context.options)?;
        self.one.out().add().deltas.push(delta);
        Ok(())
    }

    /// Tells of files that must be there by what the others say, once all were seen.
    pub(super) fn missing(&self, state: &State, format: &str) {
        let paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        if paths.len() > MOST_PATHS {
            return;
        }
        let by_tool = format == XBSTREAM;
        for (name, why) in presence::of_image(&paths, &self.notes(), state, by_tool) {
            self.one.out().damage(Code::FileMissing, &self.label(&name), None, format!("the file is missing: {why}"));
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
            self.open_logs.fetch_sub(1, Ordering::AcqRel);
            self.one.out().add().logs.push(log?);
            return Ok(());
        }
        self.open_logs.fetch_sub(1, Ordering::AcqRel);
        Ok(())
    }

    pub(super) fn tar(&self, input: Input) -> io::Result<()> {
        let input = io::BufReader::with_capacity(PIECE, input);
        tarball::entries(input, |path, bytes, entry| {
            let (role, layers) = self.role(path);
            let outcome = self.member(path, role, &layers, entry, Some(bytes));
            if let (Err(error), true) = (&outcome, !layers.is_empty() && role != Role::Passed) {
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
