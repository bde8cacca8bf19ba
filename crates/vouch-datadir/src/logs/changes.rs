//! What the redo log of a copy does to pages and files: [`Logs`].
//!
//! A log is read only if there are zero pages to explain, and after all pages. Invariant: "created by the log" and
//! "not created" both come from a log that was read from its checkpoint to its end; everything else is an [`Err`]
//! with the reason.

use super::mtrs::Records;
use super::{files, mtrs, ring};
use crate::discover::Found;
use crate::kind::Kind;
use crate::read::{self, Source};
use crate::state::State;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use vouch_convert::widen;
use vouch_innodb::{
    BlockRecords, FileFate, Lsn, MariadbLog, MysqlLog, RecordFormat, RedoBlock, RedoChanges, RingLog, Unread,
};

/// How often a log is read that a server writes on meanwhile.
const LOOKS: usize = 5;
/// Blocks that are read at a time.
const CHUNK: usize = 1 << 20;

/// Bytes that a server may log while it creates one file: a judgement. The checkpoint passes a record that is so new
/// only where nearly all pages are on disk, so the server writes little; 16 MiB are what a slow disk may take a second
/// for.
const MOST_DURING_CREATION: u64 = 16 << 20;

/// What a log does, or why that is not known.
pub(crate) type Changed = Result<LogChanges, String>;

/// What a log does, from its checkpoint to its end.
#[derive(Debug)]
pub(crate) struct LogChanges {
    changes: RedoChanges,
    /// Every page has on disk what was changed before.
    checkpoint: Lsn,
    end: Lsn,
    /// Where the log lies, which names in it are relative to.
    folder: Option<PathBuf>,
    writer: LogWriter,
    /// A backup tool noted where it ends, and copied it for longer than any file.
    is_of_backup: bool,
}

/// Who wrote a log, as far as the order of its records and of files differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogWriter {
    /// MySQL since 8.0.30.
    Mysql,
    /// MariaDB since 10.8.
    Mariadb,
    /// Either of them before.
    Older,
}

impl LogChanges {
    /// What a log does that should reach up to `needed`.
    pub(super) fn up_to(
        writer: LogWriter,
        changes: RedoChanges,
        (checkpoint, end): (Lsn, Lsn),
        needed: Option<Lsn>,
    ) -> Changed {
        if let Some(needed) = needed.filter(|needed| end < *needed) {
            return Err(format!("it ends at LSN {end}, and should reach LSN {needed}"));
        }
        if !changes.is_complete() {
            return Err(format!("it creates more than {} ranges of pages", RedoChanges::MOST));
        }
        Ok(LogChanges { changes, checkpoint, end, folder: None, writer, is_of_backup: false })
    }

    /// The same, by whether a backup tool noted where the log ends.
    pub(super) fn noted(self, is_of_backup: bool) -> LogChanges {
        LogChanges { is_of_backup, ..self }
    }

    /// What it does to pages.
    pub(crate) fn changes(&self) -> &RedoChanges {
        &self.changes
    }

    /// Where it begins and ends.
    pub(crate) fn range(&self) -> (Lsn, Lsn) {
        (self.checkpoint, self.end)
    }

    /// Whether it creates a file, or removes it.
    pub(crate) fn creates_file(&self, found: &Found) -> bool {
        self.changes.file(&self.relative(found)) == FileFate::Created
    }

    /// Whether the file may have been created so late that the log does not show it. MariaDB writes `FILE_CREATE` and
    /// waits for it before it creates a file (`fil_ibd_create`, since 10.6), and MySQL inserts a row into
    /// `innodb_ddl_log` (`dict_build_tablespace`). Neither keeps the checkpoint from passing that record before the
    /// file is written, so a log that is short shows nothing.
    pub(crate) fn may_be_new(&self, found: &Found) -> bool {
        let is_short = self.end.0.saturating_sub(self.checkpoint.0) <= MOST_DURING_CREATION;
        if is_short && !self.is_of_backup {
            return true;
        }
        match self.writer {
            LogWriter::Mysql => self.changes.mentions(&self.relative(found)),
            LogWriter::Mariadb => false,
            LogWriter::Older => true,
        }
    }

    /// The path of a file from where the log lies.
    fn relative(&self, found: &Found) -> String {
        let folder = self.folder.as_deref().unwrap_or(&found.root);
        let path = match found.path.strip_prefix(folder) {
            Ok(path) => path.to_owned(),
            Err(_) => {
                let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
                let path = whole(&found.path);
                path.strip_prefix(whole(folder)).map_or(path.clone(), Path::to_owned)
            }
        };
        // mariabackup names files of tables that were created during the backup so, until it is prepared.
        let path =
            if path.extension().is_some_and(|suffix| suffix == "new") { path.with_extension("ibd") } else { path };
        path.to_string_lossy().trim_start_matches("./").to_owned()
    }
}

/// Why records could not be read.
pub(super) fn unread(why: Unread) -> String {
    match why {
        Unread::Unknown(kind, lsn) => format!("it has a record of type {kind} at LSN {lsn}, which is not known"),
        Unread::Encrypted(lsn) => format!("it is encrypted from LSN {lsn} on"),
    }
}

/// The logs of all instances, each read once.
#[derive(Debug, Default)]
pub(crate) struct Logs(Mutex<HashMap<PathBuf, Arc<Changed>>>);

impl Logs {
    /// What the log does that belongs to the files below `root`.
    pub(crate) fn of(&self, root: &Path, state: &State) -> Arc<Changed> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(root.to_owned()).or_insert_with(|| Arc::new(read(root, files::needed(state)))))
    }

    /// Has them read again: a server has gone on.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A log that has passed in a stream.
    pub(crate) fn passed(&self, root: PathBuf, changed: Changed) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(root, Arc::new(changed));
    }
}

/// Reads the log in a folder, or in the one above it.
fn read(root: &Path, needed: Option<Lsn>) -> Changed {
    // What passed of an image is known.
    if !root.is_dir() {
        return Err("there is none among the files".to_owned());
    }
    let above = match root.canonicalize() {
        Ok(root) => root.parent().map(Path::to_owned),
        // Then there is no log there that could be read.
        Err(_) => None,
    };
    for folder in [Some(root.to_owned()), above].into_iter().flatten() {
        if let Some(changed) = read_in(&folder, needed) {
            return changed.map(|changes| LogChanges { folder: Some(folder), ..changes });
        }
    }
    Err("there is none beside the files".to_owned())
}

/// `None` where there is no log.
fn read_in(folder: &Path, needed: Option<Lsn>) -> Option<Changed> {
    let named = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
    let read = |read: &dyn Fn() -> io::Result<Changed>| read().unwrap_or_else(|error| Err(error.to_string()));
    if let Some(redo) = named("#innodb_redo") {
        return Some(read(&|| mysql(&redo)));
    }
    let copied = named("xtrabackup_logfile").map(|path| vec![path]);
    let parts = || (0..).map_while(|number: u32| named(&format!("ib_logfile{number}"))).collect::<Vec<_>>();
    let parts = copied.unwrap_or_else(parts);
    let first = parts.first()?;
    match read::head(first, MysqlLog::HEAD) {
        Ok(head) if MariadbLog::is_log(&head) => Some(read(&|| mariadb(first, needed))),
        Ok(_) => Some(read(&|| blocks(&parts, needed))),
        Err(error) => Some(Err(error.to_string())),
    }
}

/// MariaDB's log since 10.8. Before a server overwrites what is being read, it moves the checkpoint past it, so a
/// checkpoint after the end of what was read shows that.
fn mariadb(path: &Path, needed: Option<Lsn>) -> io::Result<Changed> {
    let mut changed = Err("a server wrote over it again and again while it was read".to_owned());
    for _ in 0..LOOKS {
        let bytes = fs::metadata(path)?.len();
        let source = Source::open(path)?;
        changed = mtrs::walk(&source, bytes, needed, Records::Read)?.changed(needed, false);
        let now = MariadbLog::read(&read::head(path, MariadbLog::HEAD)?, bytes);
        if changed.as_ref().is_ok_and(|changes| now.is_some_and(|now| now.checkpoint <= changes.end)) {
            break;
        }
    }
    Ok(changed)
}

/// Logs of blocks in a circle.
fn blocks(paths: &[PathBuf], needed: Option<Lsn>) -> io::Result<Changed> {
    let mut changed = Err("a server wrote over it again and again while it was read".to_owned());
    for _ in 0..LOOKS {
        let sources = paths.iter().map(|path| Ok((Source::open(path)?, fs::metadata(path)?.len())));
        let sources = sources.collect::<io::Result<Vec<_>>>()?;
        let parts: Vec<_> = sources.iter().map(|(source, bytes)| ring::Part { source, bytes: *bytes }).collect();
        changed = ring::scan(&parts, Records::Read)?.changed(needed);
        let now = paths.first().map(|path| read::head(path, MysqlLog::HEAD)).transpose()?;
        let now = now.and_then(|head| RingLog::read(&head));
        if changed.as_ref().is_ok_and(|changes| now.is_some_and(|now| now.checkpoint <= changes.end)) {
            break;
        }
    }
    Ok(changed)
}

/// MySQL's log since 8.0.30, in the files of a folder.
fn mysql(folder: &Path) -> io::Result<Changed> {
    let mut changed = Err("a server removed files of it again and again while it was read".to_owned());
    for _ in 0..LOOKS {
        changed = match mysql_files(folder).and_then(|files| mysql_once(&files)) {
            // A server removes files that it has no more use for.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read?,
        };
        let now = mysql_files(folder).map(|files| checkpoint(&files));
        if changed.as_ref().is_ok_and(|changes| now.is_ok_and(|now| now.is_some_and(|now| now <= changes.end))) {
            break;
        }
    }
    Ok(changed)
}

/// One file of the log; no head where that is damaged.
struct LogFile {
    path: PathBuf,
    log: Option<MysqlLog>,
}

fn mysql_files(folder: &Path) -> io::Result<Vec<LogFile>> {
    let mut files = Vec::new();
    for path in read::entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Kind::Redo(number) = Kind::of(&name) {
            let log = MysqlLog::read(&read::head(&path, MysqlLog::HEAD)?);
            files.push((number, LogFile { path, log }));
        }
    }
    files.sort_by_key(|(number, _)| *number);
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

fn checkpoint(files: &[LogFile]) -> Option<Lsn> {
    files.iter().filter_map(|file| file.log?.checkpoint).max()
}

fn mysql_once(files: &[LogFile]) -> io::Result<Changed> {
    if let Some(damaged) = files.iter().find(|file| file.log.is_none()) {
        return Ok(Err(format!("the head of {} is damaged", damaged.path.display())));
    }
    let Some(checkpoint) = checkpoint(files) else { return Ok(Err("it has no checkpoint".to_owned())) };
    if files.iter().any(|file| file.log.is_some_and(|log| log.disabled)) {
        return Ok(Err("the server was told to write none".to_owned()));
    }
    let mut blocks = Blocks::from(checkpoint);
    let logs = files.iter().filter_map(|file| Some((&file.path, file.log?)));
    for (path, log) in logs {
        if !blocks.read(path, &log)? {
            break;
        }
    }
    Ok(blocks.changed(files, checkpoint))
}

/// Blocks of several files that follow each other.
struct Blocks {
    records: BlockRecords,
    /// The LSN of the next block, and up to where the last one is in use.
    next: Lsn,
    end: Lsn,
}

impl Blocks {
    fn from(checkpoint: Lsn) -> Blocks {
        let block = Lsn(checkpoint.0 - checkpoint.0 % widen(MysqlLog::BLOCK));
        Blocks { records: BlockRecords::new(RecordFormat::Mysql, checkpoint), next: block, end: checkpoint }
    }

    /// Reads the blocks of a file that belong here. True where the log may go on in the next one.
    fn read(&mut self, path: &Path, log: &MysqlLog) -> io::Result<bool> {
        let bytes = fs::metadata(path)?.len();
        let Some(mut at) = log.block_of(self.next).filter(|at| *at < bytes) else { return Ok(true) };
        let source = Source::open(path)?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = source.read_at(&mut buffer, at)?;
            for block in buffer.get(..read).unwrap_or_default().chunks_exact(MysqlLog::BLOCK) {
                let number = (at - widen(MysqlLog::HEAD)) / widen(MysqlLog::BLOCK);
                let (RedoBlock::Live(used) | RedoBlock::Unprotected(used)) = log.block(number, block) else {
                    return Ok(false);
                };
                self.records.block(self.next, block);
                self.end = Lsn(self.next.0 + u64::from(used));
                self.next = Lsn(self.next.0 + widen(MysqlLog::BLOCK));
                at += widen(MysqlLog::BLOCK);
            }
            if read < CHUNK {
                return Ok(true);
            }
        }
    }

    /// The log ends where a block is not live, unless a later file has live ones.
    fn changed(self, files: &[LogFile], checkpoint: Lsn) -> Changed {
        let later = files.iter().filter_map(|file| Some((&file.path, file.log?)));
        for (path, log) in later.filter(|(_, log)| log.start > self.next) {
            let head = read::head(path, MysqlLog::HEAD + MysqlLog::BLOCK).map_err(|error| error.to_string())?;
            let first = log.block(0, head.get(MysqlLog::HEAD..).unwrap_or_default());
            if matches!(first, RedoBlock::Live(_) | RedoBlock::Unprotected(_)) {
                return Err(format!("it is damaged at LSN {}", self.next));
            }
        }
        if self.next <= checkpoint {
            return Err(format!("none of its files holds its checkpoint, LSN {checkpoint}"));
        }
        let changes = self.records.finish().map_err(unread)?;
        LogChanges::up_to(LogWriter::Mysql, changes, (checkpoint, self.end), None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// An old file of zeros and one that was just being created look alike once the checkpoint has passed the record
    /// of the latter. A finding would have accused a snapshot that its server recovers.
    #[test]
    fn a_short_log_does_not_show_that_a_file_is_old() {
        let found = Found {
            path: PathBuf::from("d/shop/t.ibd"),
            label: "shop/t.ibd".to_owned(),
            kind: Kind::Tablespace,
            bytes: 0,
            root: PathBuf::from("d"),
        };
        let may_be_new = |writer, bytes, noted| {
            let log = LogChanges::up_to(writer, RedoChanges::default(), (Lsn(100), Lsn(100 + bytes)), None).unwrap();
            log.noted(noted).may_be_new(&found)
        };
        for writer in [LogWriter::Mysql, LogWriter::Mariadb] {
            assert!(may_be_new(writer, MOST_DURING_CREATION, false));
            assert!(!may_be_new(writer, MOST_DURING_CREATION + 1, false));
            assert!(!may_be_new(writer, 1, true), "the tool copied the log for longer than the file");
        }
        assert!(may_be_new(LogWriter::Older, MOST_DURING_CREATION + 1, true));
    }
}
