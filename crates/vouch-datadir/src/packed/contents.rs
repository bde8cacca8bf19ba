//! The files of an image, one of which several may be open: [`Image`].

use super::delta;
use super::delta::WRONG_NOTE;
use super::fault::{Fault, unsupported};
use super::image::{One, unpacked};
use super::layer::{self, Aside, Input, Layer};
use super::member;
use super::note::MOST as MOST_NOTE;
use super::objects::{Backup, OBJECTS};
use super::outcome::Fate;
use super::pipe::{PIECE, Pool};
use super::tarball::{self, Absent, Visitor};
use super::turns::Turns;
use super::xbstream::Chunks;
use crate::discover::Found;
use crate::disguise::{disguised, is_plain};
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
use vouch_report::{Code, Skip};

/// Names that are kept, and their bytes.
const MOST_PATHS: usize = 1 << 20;
const MOST_PATH_BYTES: usize = 64 << 20;
/// Linux ends names at 4096 bytes; of a longer one so many characters are shown.
const MOST_PATH: usize = 4096;
const SHOWN: usize = 200;
/// What an image of a backup tool is called.
pub(super) const XBSTREAM: &str = "xbstream";
/// What anybody may have put together.
pub(super) const TAR: &str = "tar";
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
    /// It is left out by its kind.
    Excluded(Code),
    /// It should be verified, and is not read; why.
    Unread(&'static str),
    /// It is of no kind that is known.
    Unknown,
}

impl Role {
    /// Whether nothing of it is read.
    pub(super) fn is_passed(self) -> bool {
        matches!(self, Role::Excluded(_) | Role::Unread(_) | Role::Unknown)
    }
}

/// The paths of all files, without what tells how they are packed.
#[derive(Debug, Default)]
struct Paths {
    names: BTreeSet<String>,
    bytes: usize,
    /// There were more than are kept.
    more: bool,
}

impl Paths {
    fn add(&mut self, path: &str) {
        self.more |= self.names.len() >= MOST_PATHS || self.bytes >= MOST_PATH_BYTES;
        if !self.more && self.names.insert(path.to_owned()) {
            self.bytes += path.len();
        }
    }
}

/// An image that is being read.
pub(super) struct Image<'a> {
    pub(super) one: &'a One<'a>,
    /// Tablespaces and logs so far.
    spaces: AtomicU64,
    logs: AtomicU64,
    /// Logs that are open.
    open_logs: AtomicU64,
    /// The notes of the backup tool: path and text.
    notes: Mutex<Vec<(String, String)>>,
    /// Files of kinds that are not known.
    others: AtomicU64,
    paths: Mutex<Paths>,
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
            others: zero(),
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

    /// Files of kinds that are not known.
    pub(super) fn others(&self) -> u64 {
        self.others.load(Ordering::Relaxed)
    }

    /// Whether there was nothing in it to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.spaces() == 0 && self.logs.load(Ordering::Relaxed) == 0
    }

    /// The notes of the backup tool: name and text.
    pub(super) fn notes(&self) -> Vec<(String, String)> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        notes.iter().map(|(path, text)| (name(path), text.clone())).collect()
    }

    /// What a file of this path is for. What is not verified is told.
    pub(super) fn role(&self, path: &str) -> (Role, Vec<Layer>) {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).add(layer::bare(clean(path)));
        let name = path.rsplit('/').next().unwrap_or_default();
        let (layers, inner) = layer::layers(name);
        let role = match Kind::of(inner) {
            kind @ (Kind::Tablespace | Kind::System(_) | Kind::Undo) => Role::Judged(kind),
            Kind::Delta => Role::Delta,
            Kind::Other if is_meta(inner) => Role::Meta,
            kind @ Kind::Temporary => self.exclude(path, Code::TemporaryFile, kind),
            kind @ Kind::NoChecksums(_) => self.exclude(path, Code::NoChecksums, kind),
            kind @ (Kind::Redo(_) | Kind::LogFile(_) | Kind::CopiedLog | Kind::Binlog) => Role::Log(kind),
            kind @ (Kind::Doublewrite | Kind::Aria | Kind::AriaControl | Kind::NotCovered(_)) => {
                self.exclude(path, Code::NotCovered, kind)
            }
            Kind::Packed => Role::Unread("it is an archive in an archive"),
            Kind::CloudObject => Role::Unread("it is an object of xbcloud in an archive"),
            Kind::Sealed(what) => Role::Unread(what),
            Kind::Other if State::is_note(inner) || inner == SETTINGS => Role::Note,
            Kind::Other if may_be_binlog(inner) => Role::Log(Kind::Other),
            Kind::Other if disguised(inner).is_some() => Role::Unread("by its name it may hold a tablespace"),
            Kind::Other => Role::Unknown,
        };
        if role.is_passed() {
            self.passed(path, role);
        }
        (role, layers)
    }

    fn exclude(&self, path: &str, code: Code, kind: Kind) -> Role {
        let skip = Skip { code, what: self.label(path), reason: kind.name().to_owned() };
        self.one.out().add().skips.push(skip);
        Role::Excluded(code)
    }

    /// What becomes of a file that is not read.
    fn passed(&self, path: &str, role: Role) {
        let label = self.label(path);
        let fate = match role {
            Role::Excluded(code) => Fate::Excluded(code),
            Role::Unread(what) => {
                let message = format!("{label} is not read: {what}");
                self.one.unproven(&label, Code::ImageUnsupported, message)
            }
            _ => self.other(path),
        };
        self.one.member(&label, fate);
    }

    /// A file without pages, or of a kind that is not known.
    fn other(&self, path: &str) -> Fate {
        self.others.fetch_add(1, Ordering::Relaxed);
        let name = path.rsplit('/').next().unwrap_or_default();
        Fate::Excluded(if is_plain(layer::bare(name)) { Code::NoPages } else { Code::UnknownFile })
    }

    /// Files of several inputs are told apart by the input's name.
    pub(super) fn label(&self, path: &str) -> String {
        let (path, paths) = (clean(path), &self.one.context.options.paths);
        let asked_for = |asked: &Path| asked == self.one.found.path || asked.join(OBJECTS) == self.one.found.path;
        let is_alone = paths.len() == 1 && paths.first().is_some_and(|path| asked_for(path));
        if is_alone { path.to_owned() } else { format!("{}:{path}", self.one.label()) }
    }

    fn found(&self, path: &str, kind: Kind) -> Found {
        let (label, root) = (self.label(path), self.one.found.path.clone());
        Found { path: unpacked(Path::new(clean(path))), label, kind, bytes: 0, root }
    }

    /// A file of the image, to its end, which is after so many bytes where that is known.
    pub(super) fn member(&self, path: &str, role: Role, layers: &[Layer], input: &mut dyn Read, bytes: Option<u64>) {
        let (aside, label) = (Aside::default(), self.label(path));
        let fate = match self.unpacked(path, role, layers, input, bytes, &aside) {
            Ok(fate) => fate,
            // The image says so of itself.
            Err(error) if layers.is_empty() && Fault::of(&error) == Fault::Cut => Fate::Damaged,
            Err(error) => self.one.failed(&error, Some(&label)),
        };
        let behind = self.one.behind(&label, &aside);
        self.one.member(&label, behind.unwrap_or(fate));
    }

    fn unpacked(
        &self,
        path: &str,
        role: Role,
        layers: &[Layer],
        input: &mut dyn Read,
        bytes: Option<u64>,
        aside: &Aside,
    ) -> io::Result<Fate> {
        let (bytes, with) = (bytes.filter(|_| layers.is_empty()), self.one.opening(aside));
        let mut input: Input = Box::new(input);
        for layer in layers {
            input = layer.open(input, &with);
        }
        let fate = self.read(path, role, &mut input, bytes)?;
        // The sums of what is packed stand at its end.
        io::copy(&mut input, &mut io::sink())?;
        Ok(fate)
    }

    fn read(&self, path: &str, role: Role, input: &mut dyn Read, bytes: Option<u64>) -> io::Result<Fate> {
        match role {
            Role::Judged(kind) => {
                let (context, found) = (self.one.context, self.found(path, kind));
                self.spaces.fetch_add(1, Ordering::Relaxed);
                member::judge(found, input, &context.known, context.options, self.one.out())?;
            }
            Role::Log(kind) => return self.log(path, kind, input, bytes),
            Role::Delta => self.delta(path, input)?,
            Role::Meta => {
                let text = layer::head(input, MOST_NOTE)?;
                self.meta(layer::bare(clean(path)), &text);
                return Ok(Fate::Noted);
            }
            Role::Note => {
                let text = layer::head(input, MOST_NOTE)?;
                self.note(path, String::from_utf8_lossy(&text).into_owned())?;
                return Ok(Fate::Noted);
            }
            Role::Excluded(code) => return Ok(Fate::Excluded(code)),
            Role::Unread(_) => return Ok(Fate::Unproven(Code::ImageUnsupported)),
            Role::Unknown => return Ok(self.other(path)),
        }
        Ok(Fate::Read)
    }

    /// Keeps a note. Of two with one path the later one holds, as it would where the archive is unpacked.
    fn note(&self, path: &str, text: String) -> io::Result<()> {
        let path = layer::bare(clean(path)).to_owned();
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.retain(|(known, _)| *known != path);
        if notes.len() >= MOST_NOTES {
            return Err(unsupported("it is one of too many notes"));
        }
        notes.push((path, text));
        Ok(())
    }

    /// What is noted of a file of an incremental backup that is not packed, or was unpacked.
    fn meta(&self, path: &str, text: &[u8]) {
        let mut metas = self.metas.lock().unwrap_or_else(PoisonError::into_inner);
        match DeltaMeta::read(&String::from_utf8_lossy(text)) {
            Some(meta) if metas.len() < MOST_PATHS => {
                metas.insert(path.trim_end_matches(".meta").to_owned(), meta);
            }
            Some(_) => {}
            None => self.one.out().damage(Code::DeltaDamaged, &self.label(path), None, WRONG_NOTE.to_owned()),
        }
    }

    /// A file of the image that was kept until it was complete.
    pub(super) fn kept(&self, path: &str, role: Role, layers: &[Layer], bytes: &[u8]) {
        self.member(path, role, layers, &mut &*bytes, None);
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
        if paths.more {
            let label = self.one.label();
            let message = format!("{label} has more files than are kept; whether one is missing was not checked");
            self.one.unproven(label, Code::ImageUnsupported, message);
            return;
        }
        let by_tool = format != TAR;
        for (name, why) in presence::of_image(&paths.names, &self.notes(), state, by_tool) {
            self.one.out().damage(Code::FileMissing, &self.label(&name), None, format!("the file is missing: {why}"));
        }
    }

    fn log(&self, path: &str, kind: Kind, input: &mut dyn Read, bytes: Option<u64>) -> io::Result<Fate> {
        let head = layer::head(input, BINLOG_MAGIC)?;
        let kind = match kind {
            Kind::Other if is_binlog(&head) => Kind::Binlog,
            Kind::Other => return Ok(self.other(path)),
            kind => kind,
        };
        self.logs.fetch_add(1, Ordering::Relaxed);
        let open = Open::new(&self.open_logs);
        if open.before >= MOST_LOGS {
            let label = self.label(path);
            let message = format!("{label}: more than {MOST_LOGS} logs take turns; this one is left out");
            return Ok(self.one.unproven(&label, Code::FileUnreadable, message));
        }
        let mut whole = io::Cursor::new(head).chain(input);
        let log = logs::read_stream(self.found(path, kind), &mut whole, bytes)?;
        self.one.out().add().logs.push(log);
        Ok(Fate::Read)
    }

    pub(super) fn tar(&self, input: Input, aside: &Aside) -> io::Result<()> {
        let mut input = io::BufReader::with_capacity(PIECE, input);
        tarball::walk(&mut input, &mut Entries { image: self, aside })
    }

    /// A file whose contents are not in the archive: one that should be verified could not be.
    fn absent(&self, path: &str, why: &Absent) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let label = self.label(path);
        let kind = Kind::of(name);
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).add(layer::bare(clean(path)));
        let what = match why {
            Absent::HardLink(to) if self.has(to) => return self.one.member(&label, Fate::Excluded(Code::ReachedAgain)),
            Absent::HardLink(to) => format!("it is another name of {to}, which is not in the archive"),
            Absent::SymbolicLink(to) => format!("it is a link to {to}; the archive does not have its contents"),
            Absent::Device => "it is a device or a pipe".to_owned(),
            Absent::Continued => "it begins in another volume of the archive".to_owned(),
            Absent::Unknown(kind) => format!("the archive has it as type {kind}, which is not known"),
        };
        let is_known = !matches!(why, Absent::Unknown(_));
        let fate = if is_known && !kind.is_owed() {
            self.other(path)
        } else {
            self.one.unproven(&label, Code::ImageUnsupported, format!("{label} is not verified: {what}"))
        };
        self.one.member(&label, fate);
    }

    /// Whether a file of this path was met.
    fn has(&self, path: &str) -> bool {
        let paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        paths.names.contains(layer::bare(clean(path)))
    }

    pub(super) fn xbstream(&self, input: Input) -> io::Result<()> {
        let pool = Pool::default();
        std::thread::scope(|scope| {
            let chunks = Chunks::new(io::BufReader::with_capacity(PIECE / 2, input));
            Turns::new(self, scope, &pool).run(chunks)
        })
    }

    /// The objects of a bucket, file after file.
    pub(super) fn objects(&self, backup: &Backup) -> io::Result<()> {
        let pool = Pool::default();
        std::thread::scope(|scope| {
            let mut turns = Turns::new(self, scope, &pool);
            backup.files.iter().for_each(|file| file.read(self, &mut turns));
        });
        Ok(())
    }
}

/// One of the logs that are open.
struct Open<'a> {
    count: &'a AtomicU64,
    /// Those that were open before.
    before: u64,
}

impl<'a> Open<'a> {
    fn new(count: &'a AtomicU64) -> Open<'a> {
        Open { count, before: count.fetch_add(1, Ordering::AcqRel) }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The files of a tar archive.
struct Entries<'a, 'b> {
    image: &'a Image<'b>,
    aside: &'a Aside,
}

impl Entries<'_, '_> {
    /// A name that no file can have is damage; a part of it is shown.
    fn path<'p>(&self, path: &'p str) -> std::borrow::Cow<'p, str> {
        if path.len() <= MOST_PATH {
            return path.into();
        }
        let shown: String = path.chars().take(SHOWN).collect();
        let message = format!("the name of a file has {} bytes: {shown}…", path.len());
        self.image.one.damage(Code::ImageDamaged, None, message);
        shown.into()
    }
}

impl Visitor for Entries<'_, '_> {
    fn file(&mut self, path: &str, bytes: u64, input: &mut dyn Read) -> io::Result<()> {
        let path = self.path(path);
        let (role, layers) = self.image.role(&path);
        if !role.is_passed() {
            // The archive goes on after a file that cannot be read, and says so itself where it cannot.
            self.image.member(&path, role, &layers, input, Some(bytes));
        }
        Ok(())
    }

    fn absent(&mut self, path: &str, why: &Absent) {
        let path = self.path(path);
        self.image.absent(&path, why);
    }

    fn damaged(&mut self, at: u64, what: String) {
        self.image.one.damage(Code::ImageDamaged, Some(at), what);
    }

    fn aside(&mut self, what: String) {
        self.aside.say(what);
    }
}
