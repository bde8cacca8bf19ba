//! As of when the files of an instance are: [`State`].
//!
//! Pages may contradict each other in a backup that is yet to be recovered, and
//! must not in one that is done. Invariant: a state is only told from what was
//! written for that purpose.

use crate::keyring::BackupKey;
use crate::options::StateChoice;
use crate::packed;
use crate::read::{self, Source};
use std::fs;
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
    pub(crate) fn of(root: &Path, choice: StateChoice, key: Option<&BackupKey>) -> State {
        State::chosen(choice).unwrap_or_else(|| {
            let above = root.canonicalize().ok().and_then(|root| root.parent().map(Path::to_owned));
            let state = told_in(root, key);
            if state != State::Unknown { state } else { above.map_or(State::Unknown, |above| told_in(&above, key)) }
        })
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
    pub(crate) fn since(root: &Path, key: Option<&BackupKey>) -> Option<Lsn> {
        State::NOTES.iter().find_map(|name| since(&noted_in(root, name, key)?))
    }

    /// The state once files have been read: those of one moment must not have gone on since then.
    pub(crate) fn confirmed(&self, root: &Path, choice: StateChoice, key: Option<&BackupKey>) -> State {
        match self {
            // What lies in an image does not go on.
            State::Whole(..) if root.is_dir() && State::of(root, choice, key) != *self => {
                State::Raw("a server went on writing while the files were read".to_owned(), None)
            }
            state => state.clone(),
        }
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

/// A note of a backup tool. One that cannot be read is told where the packed files beside it are read.
fn noted_in(folder: &Path, name: &str, key: Option<&BackupKey>) -> Option<String> {
    packed::beside(&folder.join(name), key).unwrap_or(None)
}

fn told_in(folder: &Path, key: Option<&BackupKey>) -> State {
    State::NOTES
        .iter()
        .find_map(|name| backup(name, &noted_in(folder, name, key)?))
        .or_else(|| mysql(folder))
        .or_else(|| mariadb(folder))
        .or_else(|| ring(folder))
        .unwrap_or(State::Unknown)
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
fn mysql(folder: &Path) -> Option<State> {
    let files = fs::read_dir(folder.join("#innodb_redo")).ok()?.filter_map(|file| Some(file.ok()?.path()));
    let logs: Vec<(PathBuf, MysqlLog)> = files
        .filter_map(|path| read::head(&path, MysqlLog::HEAD).ok().and_then(|head| Some((path, MysqlLog::read(&head)?))))
        .collect();
    let checkpoint = logs.iter().filter_map(|(_, log)| log.checkpoint).max()?;
    let ends = flushed(folder)? == checkpoint && logs.iter().any(|(path, log)| ends_at(path, log, checkpoint));
    Some(shut_down(ends, checkpoint))
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
fn flushed(folder: &Path) -> Option<Lsn> {
    let first = read::head(&folder.join("ibdata1"), 64).ok()?;
    Some(Lsn(u64::from_be_bytes(array(first.get(26..34)?)?)))
}

/// The same of MySQL up to 8.0.29 and MariaDB up to 10.7, whose files are one circle.
fn ring(folder: &Path) -> Option<State> {
    let file = |number: u64| folder.join(format!("ib_logfile{number}"));
    let head = read::head(&file(0), MysqlLog::HEAD).ok()?;
    let log = RingLog::read(&head)?;
    let bytes = fs::metadata(file(0)).ok()?.len();
    let (number, offset) = (log.offset.checked_div(bytes)?, log.offset.checked_rem(bytes)?);
    let mut blocks = [0; 2 * MysqlLog::BLOCK];
    let begins = offset - offset % widen(MysqlLog::BLOCK);
    Source::open(&file(number)).and_then(|source| source.read_at(&mut blocks, begins)).ok()?;
    let (block, next) = blocks.split_at(MysqlLog::BLOCK);
    let clean = flushed(folder)? == log.checkpoint;
    let blocks = log.from_checkpoint();
    if !RingLog::is_encrypted(&head) {
        return Some(shut_down(clean && blocks.ends_in(block, log.checkpoint), log.checkpoint));
    }
    // Where an encrypted log ends in its last block, its key alone tells.
    let goes_on = !clean || !matches!(blocks.block(1, next), RedoBlock::Empty | RedoBlock::Old);
    goes_on.then(|| shut_down(false, log.checkpoint))
}

/// Whether the log ends with the block that holds this LSN.
fn ends_at(path: &Path, log: &MysqlLog, lsn: Lsn) -> bool {
    let mut block = [0; MysqlLog::BLOCK];
    let Some(offset) = log.block_of(lsn) else { return false };
    let read = Source::open(path).and_then(|source| source.read_at(&mut block, offset));
    read.is_ok_and(|read| read == block.len()) && log.ends_in(&block, lsn)
}

/// MariaDB's log says it by itself: it ends with the mark of the checkpoint.
fn mariadb(folder: &Path) -> Option<State> {
    let path = folder.join("ib_logfile0");
    let bytes = fs::metadata(&path).ok()?.len();
    let log = MariadbLog::read(&read::head(&path, MariadbLog::HEAD).ok()?, bytes)?;
    let source = Source::open(&path).ok()?;
    let (offset, until_turn) = log.offset_of(log.end);
    let mut tail = vec![0; TAIL.min(usize::try_from(bytes - log.start()).unwrap_or(TAIL))];
    let turn = to_size(until_turn).min(tail.len());
    let (first, second) = tail.split_at_mut(turn);
    source.read_at(first, offset).ok()?;
    source.read_at(second, log.start()).ok()?;
    Some(shut_down(log.ends_at_checkpoint(&tail), log.checkpoint))
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
