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
use vouch_report::FileCoverage;

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
    State::Raw("an archive of files that a server was writing, without notes of a backup tool".to_owned(), None)
}

fn flushed(job: &Job) -> Option<u64> {
    let seen = job.seen();
    let page = seen.kept.first_page.as_ref()?;
    Some(u64::from_be_bytes(array(page.get(FLUSHED)?)?))
}
