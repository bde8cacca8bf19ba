//! As of when the files of an instance are: [`State`].
//!
//! Pages may contradict each other in a backup that is yet to be recovered, and
//! must not in one that is done. Invariant: a state is only told from what was
//! written for that purpose.

use crate::keyring::BackupKey;
use crate::options::StateChoice;
use crate::packed;
use crate::read::{self, Source, Unread};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use vouch_convert::{array, parse, to_size, widen};
use vouch_innodb::{Lsn, MariadbLog, MysqlLog, RedoBlock, RingLog};

/// Bytes behind the checkpoint that are looked at.
const TAIL: usize = 64;

const SHUTDOWN: &str = "clean shutdown";
const RUNNING: &str = "an archive of files that a server was writing, without notes of a backup tool";

/// As of when files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Of one moment; how that is known, and the LSN at which its log ends.
    Whole(&'static str, String, Option<Lsn>),
    /// Of several moments; how that is known, and the LSN at which its log ends.
    Raw(String, Option<Lsn>),
    /// Nothing tells.
    Unknown,
}

impl State {
    /// What backup tools write beside the files.
    pub(crate) const NOTES: [&'static str; 2] = ["xtrabackup_checkpoints", "mariadb_backup_checkpoints"];

    /// The state of the instance that lies in `root`, or in the folder above it.
    ///
    /// # Errors
    /// A file that shows it could not be read.
    pub(crate) fn of(root: &Path, choice: StateChoice, key: Option<&BackupKey>) -> Result<State, Unread> {
        if let Some(chosen) = State::chosen(choice) {
            return Ok(chosen);
        }
        let state = state_in(root, key)?;
        let above = root.canonicalize().ok().and_then(|root| root.parent().map(Path::to_owned));
        match above.filter(|_| state == State::Unknown).map(|above| state_in(&above, key)) {
            // The folder above may be of somebody else.
            Some(Err(unread)) if unread.error.kind() != io::ErrorKind::PermissionDenied => Err(unread),
            Some(Ok(above)) => Ok(above),
            _ => Ok(state),
        }
    }

    /// Whether both say the same of files, for whatever reason.
    fn agrees(&self, other: &State) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.end() == other.end()
    }

    /// The state that was asked for, whatever the files say.
    fn chosen(choice: StateChoice) -> Option<State> {
        match choice {
            StateChoice::Clean => Some(State::Whole("of one moment", "--state clean".to_owned(), None)),
            StateChoice::Raw => Some(State::Raw("--state raw".to_owned(), None)),
            StateChoice::Auto => None,
        }
    }

    /// Whether the file of this name is the note of a backup tool about what it has made.
    pub(crate) fn is_note(name: &str) -> bool {
        State::NOTES.contains(&name)
    }

    /// The state of the files of an image, with the names and the texts of the backup tool's notes.
    pub(crate) fn noted(notes: &[(String, String)], choice: StateChoice) -> State {
        State::chosen(choice).unwrap_or_else(|| {
            let states: Vec<State> = notes.iter().filter_map(|(name, text)| backup(name, text)).collect();
            // Notes of several backups that disagree do not say which files they are about.
            let first = states.first().filter(|first| states.iter().all(|state| state.agrees(first)));
            first.cloned().unwrap_or(State::Unknown)
        })
    }

    /// The LSN since which an incremental backup has what changed, by the notes of its tool.
    pub(crate) fn noted_since(notes: &[(String, String)]) -> Option<Lsn> {
        notes.iter().find_map(|(name, text)| State::is_note(name).then(|| since(text))?)
    }

    /// The same of a directory.
    ///
    /// # Errors
    /// A note could not be read.
    pub(crate) fn since(root: &Path, key: Option<&BackupKey>) -> Result<Option<Lsn>, Unread> {
        for name in State::NOTES {
            if let Some(since) = noted_in(root, name, key)?.as_deref().and_then(since) {
                return Ok(Some(since));
            }
        }
        Ok(None)
    }

    /// The state once files have been read: those of one moment must not have gone on since then.
    ///
    /// # Errors
    /// A file that shows it could not be read.
    pub(crate) fn confirmed(&self, root: &Path, choice: StateChoice, key: Option<&BackupKey>) -> Result<State, Unread> {
        // What lies in an image does not go on.
        if matches!(self, State::Whole(..)) && root.is_dir() && State::of(root, choice, key)? != *self {
            let why = "a server went on writing while the files were read".to_owned();
            return Ok(State::Raw(why, None));
        }
        Ok(self.clone())
    }

    /// The state of files whose log ends where everything was written.
    pub(crate) fn shut_down(end: Lsn) -> State {
        shut_down(true, end)
    }

    /// The state of an archive that was made of the files of a running server.
    pub(crate) fn of_running_server() -> State {
        State::Raw(RUNNING.to_owned(), None)
    }

    /// Whether the files were read one after the other while a server wrote them.
    pub(crate) fn is_of_running_server(&self) -> bool {
        matches!(self, State::Raw(why, None) if why == RUNNING)
    }

    /// The LSN behind which no page can have been changed.
    pub(crate) fn end(&self) -> Option<Lsn> {
        match self {
            State::Whole(.., end) | State::Raw(_, end) => *end,
            State::Unknown => None,
        }
    }

    /// Whether the files are as a server left them when it was shut down.
    pub(crate) fn is_shutdown(&self) -> bool {
        matches!(self, State::Whole(SHUTDOWN, ..))
    }

    /// In words, with what tells so.
    pub(crate) fn describe(&self) -> String {
        match self {
            State::Whole(what, why, _) => format!("{what} ({why})"),
            State::Raw(why, _) => format!("raw ({why})"),
            State::Unknown => "unknown".to_owned(),
        }
    }
}

/// A note of a backup tool. One that cannot be unpacked is reported where the packed files beside it are read.
fn noted_in(folder: &Path, name: &str, key: Option<&BackupKey>) -> Result<Option<String>, Unread> {
    let path = folder.join(name);
    let text = packed::beside(&path, key);
    Ok(Unread::unless_missing(&path, text)?.flatten())
}

fn state_in(folder: &Path, key: Option<&BackupKey>) -> Result<State, Unread> {
    for name in State::NOTES {
        if let Some(state) = noted_in(folder, name, key)?.and_then(|text| backup(name, &text)) {
            return Ok(state);
        }
    }
    for read_state in [mysql, mariadb, ring] {
        if let Some(state) = read_state(folder)? {
            return Ok(state);
        }
    }
    Ok(State::Unknown)
}

/// The first bytes of a file, where there is one.
fn head(path: &Path, bytes: usize) -> Result<Option<Vec<u8>>, Unread> {
    Unread::unless_missing(path, read::head(path, bytes))
}

/// Fills the buffers from places of a file; false where there is none, or it ends before.
fn filled(path: &Path, places: &mut [(&mut [u8], u64)]) -> Result<bool, Unread> {
    let read = Source::open(path).and_then(|source| {
        let mut whole = true;
        for (buffer, offset) in places {
            whole &= source.read_at(buffer, *offset)? == buffer.len();
        }
        Ok(whole)
    });
    Ok(Unread::unless_missing(path, read)?.unwrap_or(false))
}

/// Bytes of a file, where there is one.
fn length(path: &Path) -> Result<Option<u64>, Unread> {
    Unread::unless_missing(path, fs::metadata(path).map(|data| data.len()))
}

fn since(text: &str) -> Option<Lsn> {
    value(text, "backup_type").filter(|kind| *kind == "incremental")?;
    parse(value(text, "from_lsn")?).map(Lsn)
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut values = text.lines().filter_map(|line| line.split_once('='));
    values.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// What a backup tool has noted.
fn backup(name: &str, text: &str) -> Option<State> {
    let kind = value(text, "backup_type")?;
    let why = format!("{name}: {kind}");
    Some(match kind {
        // Preparing rolls back what was not committed, and that changes pages behind the end of the copied log.
        "log-applied" | "full-prepared" => State::Whole("prepared backup", why, None),
        // Pages are copied before the end of the log is, so none can be newer.
        _ => State::Raw(why, value(text, "last_lsn").and_then(parse).map(Lsn).filter(|lsn| lsn.0 > 0)),
    })
}

/// MySQL writes where the log ended to the system tablespace when it shuts down, and recovers when
/// the log's checkpoint is another.
fn mysql(folder: &Path) -> Result<Option<State>, Unread> {
    let redo = folder.join("#innodb_redo");
    let paths = read::entries(&redo);
    let mut logs: Vec<(PathBuf, MysqlLog)> = Vec::new();
    for path in Unread::unless_missing(&redo, paths)?.into_iter().flatten() {
        let log = head(&path, MysqlLog::HEAD)?.and_then(|head| MysqlLog::read(&head));
        logs.extend(log.map(|log| (path, log)));
    }
    let Some(checkpoint) = logs.iter().filter_map(|(_, log)| log.checkpoint).max() else { return Ok(None) };
    let Some(flushed) = flushed(folder)? else { return Ok(None) };
    let mut ends = false;
    for (path, log) in logs.iter().filter(|_| flushed == checkpoint) {
        ends |= ends_at(path, log, checkpoint)?;
    }
    Ok(Some(shut_down(ends, checkpoint)))
}

fn shut_down(clean: bool, checkpoint: Lsn) -> State {
    if clean {
        let why = format!("the redo log ends at the checkpoint, LSN {checkpoint}");
        State::Whole(SHUTDOWN, why, Some(checkpoint))
    } else {
        State::Raw(format!("the redo log goes on behind the checkpoint, LSN {checkpoint}"), None)
    }
}

/// Where the log ended when the server was shut down last, by the system tablespace.
fn flushed(folder: &Path) -> Result<Option<Lsn>, Unread> {
    let first = head(&folder.join("ibdata1"), 64)?;
    Ok(first.as_deref().and_then(|first| array(first.get(26..34)?)).map(|bytes| Lsn(u64::from_be_bytes(bytes))))
}

/// The same of MySQL up to 8.0.29 and MariaDB up to 10.7, whose files are one circle.
fn ring(folder: &Path) -> Result<Option<State>, Unread> {
    let file = |number: u64| folder.join(format!("ib_logfile{number}"));
    let Some(head) = head(&file(0), MysqlLog::HEAD)? else { return Ok(None) };
    let (log, bytes) = (RingLog::read(&head), length(&file(0))?);
    let place = log
        .as_ref()
        .zip(bytes)
        .and_then(|(log, bytes)| Some((log.offset.checked_div(bytes)?, log.offset.checked_rem(bytes)?)));
    let (Some(log), Some((number, offset)), Some(flushed)) = (log, place, flushed(folder)?) else { return Ok(None) };
    let mut blocks = [0; 2 * MysqlLog::BLOCK];
    let begins = offset - offset % widen(MysqlLog::BLOCK);
    // The last block of the file has none behind it.
    if length(&file(number))?.is_none() {
        return Ok(None);
    }
    filled(&file(number), &mut [(&mut blocks, begins)])?;
    let (block, next) = blocks.split_at(MysqlLog::BLOCK);
    let clean = flushed == log.checkpoint;
    let blocks = log.from_checkpoint();
    if !RingLog::is_encrypted(&head) {
        return Ok(Some(shut_down(clean && blocks.ends_in(block, log.checkpoint), log.checkpoint)));
    }
    // Where an encrypted log ends in its last block, its key alone tells.
    let goes_on = !clean || !matches!(blocks.block(1, next), RedoBlock::Empty | RedoBlock::Old);
    Ok(goes_on.then(|| shut_down(false, log.checkpoint)))
}

/// Whether the log ends with the block that holds this LSN.
fn ends_at(path: &Path, log: &MysqlLog, lsn: Lsn) -> Result<bool, Unread> {
    let mut block = [0; MysqlLog::BLOCK];
    let Some(offset) = log.block_of(lsn) else { return Ok(false) };
    Ok(filled(path, &mut [(&mut block, offset)])? && log.ends_in(&block, lsn))
}

/// MariaDB's log says it by itself: it ends with the mark of the checkpoint.
fn mariadb(folder: &Path) -> Result<Option<State>, Unread> {
    let path = folder.join("ib_logfile0");
    let (Some(bytes), Some(head)) = (length(&path)?, head(&path, MariadbLog::HEAD)?) else { return Ok(None) };
    let Some(log) = MariadbLog::read(&head, bytes) else { return Ok(None) };
    let (offset, until_turn) = log.offset_of(log.end);
    let mut tail = vec![0; TAIL.min(usize::try_from(bytes - log.start()).unwrap_or(TAIL))];
    let turn = to_size(until_turn).min(tail.len());
    let (first, second) = tail.split_at_mut(turn);
    filled(&path, &mut [(first, offset), (second, log.start())])?;
    Ok(Some(shut_down(log.ends_at_checkpoint(&tail), log.checkpoint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str = "backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = 100\nlast_lsn = 4711\n";

    #[test]
    fn a_backup_that_is_not_prepared_ends_where_its_log_does() {
        let state = backup("xtrabackup_checkpoints", NOTE).unwrap();
        assert_eq!((matches!(state, State::Raw(..)), state.end()), (true, Some(Lsn(4711))));
        let state = backup("xtrabackup_checkpoints", &NOTE.replace("full-backuped", "incremental")).unwrap();
        assert_eq!(state.end(), Some(Lsn(4711)));
        let state = backup("xtrabackup_checkpoints", &NOTE.replace("full-backuped", "full-prepared")).unwrap();
        assert_eq!((matches!(state, State::Whole(..)), state.end()), (true, None));
    }

    /// A note that could not be read counted as one that says nothing: pages newer than the backup had no finding.
    #[test]
    #[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn what_cannot_be_read_is_not_taken_for_silence() {
        for name in ["xtrabackup_checkpoints", "ib_logfile0", "#innodb_redo"] {
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(State::of(folder.path(), StateChoice::Auto, None).unwrap(), State::Unknown, "nothing is there");
            // A link to itself cannot be read by anybody, root included.
            std::os::unix::fs::symlink(name, folder.path().join(name)).unwrap();
            let unread = State::of(folder.path(), StateChoice::Auto, None).unwrap_err();
            assert_eq!(unread.path, folder.path().join(name));
        }
    }

    #[test]
    fn an_incremental_backup_has_what_changed_since() {
        let note = |text: String| State::noted_since(&[("xtrabackup_checkpoints".to_owned(), text)]);
        assert_eq!(note(NOTE.replace("full-backuped", "incremental").replace("= 0", "= 80")), Some(Lsn(80)));
        assert_eq!(note(NOTE.to_owned()), None);
    }

    #[test]
    fn what_the_note_does_not_say_is_not_known() {
        for (from, to) in [("last_lsn", "other"), ("4711", "x"), ("4711", "0"), ("4711", "99999999999999999999")] {
            assert_eq!(backup("n", &NOTE.replace(from, to)).unwrap().end(), None, "{from} {to}");
        }
        assert_eq!(backup("n", "last_lsn = 4711"), None);
        assert_eq!(State::Unknown.end(), None);
    }
}
