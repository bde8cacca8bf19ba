//! As of when the files of an archive are that no backup tool has written notes about: [`state_of`].
//!
//! Invariant: an archive of a directory that a server was writing to is never
//! consistent. Its files were read one after the other, and nothing shows that
//! the log among them covers what changed meanwhile.

use crate::state::State;
use crate::unit::Job;
use std::path::Path;
use vouch_convert::array;
use vouch_innodb::Lsn;
use vouch_report::{FileCoverage, FileState};

/// Where page 0 of the system tablespace has the LSN up to which everything was written at the last shutdown.
const FLUSHED: std::ops::Range<usize> = 26..34;

/// The state of the files under `root`, with the redo logs among them. What has no log tells nothing.
pub(crate) fn state_of(root: &Path, jobs: &[Job], logs: &[&FileCoverage]) -> State {
    let Some(end) = logs.iter().map(|log| log.lsn_max).max() else { return State::Unknown };
    let spaces = || jobs.iter().filter(|job| job.space.root == root);
    let flushed = spaces().filter(|job| job.space.id.is_some_and(|id| id.0 == 0)).find_map(flushed).unwrap_or_default();
    // A log of mini-transactions ends with the mark of its checkpoint alone, one of blocks where everything was
    // written.
    let closed = |log: &&FileCoverage| if log.page_bytes == 0 { log.tally.sound <= 1 } else { log.lsn_max <= flushed };
    let newest = spaces().map(|job| job.seen().lsn_max.0).max().unwrap_or_default();
    if logs.iter().all(closed) && newest <= end {
        return State::shut_down(Lsn(end));
    }
    State::of_running_server()
}

/// The file whose pages are the newest, and where the redo log among the files ends, if that is before. A log that is
/// damaged or could not be verified tells nothing, and is reported itself.
pub(crate) fn newer_than_log<'a>(files: &[&'a FileCoverage]) -> Option<(&'a FileCoverage, Lsn)> {
    let end = end_of(files.iter().filter(|file| file.kind == FileCoverage::REDO_LOG))?;
    let others = files.iter().filter(|file| file.kind != FileCoverage::REDO_LOG);
    others.max_by_key(|file| file.lsn_max).filter(|newest| newest.lsn_max > end.0).map(|newest| (*newest, end))
}

/// The same of an archive: the LSN of the newest page, and where its log ends.
pub(crate) fn archive_newer_than_log(root: &Path, jobs: &[Job], logs: &[&FileCoverage]) -> Option<(Lsn, Lsn)> {
    let end = end_of(logs.iter())?;
    let spaces = jobs.iter().filter(|job| job.space.root == root);
    let newest = spaces.map(|job| job.seen().lsn_max).max()?;
    (newest > end).then_some((newest, end))
}

fn end_of<'a, 'b: 'a>(logs: impl Iterator<Item = &'a &'b FileCoverage> + Clone) -> Option<Lsn> {
    let sound = logs.clone().all(|log| log.state == FileState::Sound);
    logs.map(|log| log.lsn_max).max().filter(|end| sound && *end > 0).map(Lsn)
}

fn flushed(job: &Job) -> Option<u64> {
    let seen = job.seen();
    let page = seen.kept.first_page.as_ref()?;
    Some(u64::from_be_bytes(array(page.get(FLUSHED)?)?))
}
