//! `ib_logfile0` and its like: which format they have, and how often they are looked at, [`verify`].

use super::look::{Look, settled};
use super::mtrs::Records;
use super::report::{LogReport, Outcome};
use super::{mtrs, ring};
use crate::discover::{Found, unreadable};
use crate::kind::Kind;
use crate::read::{self, Source};
use crate::state::State;
use std::io;
use vouch_innodb::{Lsn, MariadbLog, MysqlLog, RingLog};
use vouch_report::Code;

/// What an empty log is.
pub(super) const EMPTY: &str = "empty, to be made anew";
/// Why a log is not verified.
pub(super) const UNKNOWN_FORMAT: &str =
    "redo log of a format that is not known, as of MySQL 5.6, MariaDB 10.1 or older";

/// The LSN up to which a backup in this state needs its log.
pub(super) fn needed(state: &State) -> Option<Lsn> {
    if let State::Raw(_, end) = state { *end } else { None }
}

/// Verifies the files of one log. The state tells up to where a backup needs it.
pub(super) fn verify(files: &[Found], state: &State, most: usize) -> LogReport {
    let mut report = LogReport::default();
    let mut files = files.to_vec();
    files.sort_by_key(|found| if let Kind::LogFile(number) = found.kind { number } else { 0 });
    let Some(first) = files.first() else { return report };
    if first.kind == Kind::CopiedLog && matches!(state, State::Whole(..)) {
        report.skip(first, "redo log that the backup was prepared from");
        return report;
    }
    let needed = needed(state);
    let looked = settled(|| match judge(&files, needed) {
        Ok(Some(look)) => Ok(look),
        Ok(None) => Err(None),
        Err(failed) => Err(Some(failed)),
    });
    match looked {
        Ok(look) => report.look(look, Code::RedoBlock, most),
        Err(None) => {
            files.iter().for_each(|found| report.skip(found, UNKNOWN_FORMAT));
        }
        // A server makes its log anew when its size is changed.
        Err(Some((_, error))) if error.kind() == io::ErrorKind::NotFound => {}
        Err(Some((found, error))) => report.errors.push(unreadable(&found.label, &error)),
    }
    report
}

/// Looks at all files once; `None` when they are of a format that is not verified.
fn judge(files: &[Found], needed: Option<Lsn>) -> Result<Option<Look>, (Found, io::Error)> {
    let Some(first) = files.first() else { return Ok(Some(Vec::new())) };
    let failed = |found: &Found| {
        let found = found.clone();
        |error| (found, error)
    };
    let head = read::head(&first.path, MysqlLog::HEAD).map_err(failed(first))?;
    if head.is_empty() && needed.is_none() {
        // What preparing a backup leaves.
        let outcome = Outcome { format: EMPTY.to_owned(), ..Outcome::default() };
        return Ok(Some(vec![(first.clone(), outcome)]));
    }
    if MariadbLog::is_log(&head) {
        let bytes = std::fs::metadata(&first.path).map_err(failed(first))?.len();
        let source = Source::open(&first.path).map_err(failed(first))?;
        let walk = mtrs::walk(&source, bytes, needed, Records::Passed).map_err(failed(first))?;
        return Ok(Some(vec![(first.clone(), walk.outcome(needed))]));
    }
    if RingLog::is_unknown(&head) {
        return Ok(None);
    }
    let mut sources = Vec::new();
    for found in files {
        let bytes = std::fs::metadata(&found.path).map_err(failed(found))?.len();
        sources.push((Source::open(&found.path).map_err(failed(found))?, bytes));
    }
    let parts = sources.iter().map(|(source, bytes)| ring::Part { source, bytes: *bytes }).collect::<Vec<_>>();
    let outcomes = ring::verify(&parts, needed).map_err(failed(first))?;
    Ok(Some(files.iter().cloned().zip(outcomes).collect()))
}
