//! Proving a difference by a shared lock on the rows, which keeps the source still
//! for less than a second. Only when asked for: otherwise nothing is ever locked.

use crate::encode;
use crate::facts::{self, Scope};
use crate::fence::{Fence, Fenced};
use crate::link::Link;
use crate::plan::TablePlan;
use crate::sandwich::Layers;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use vouch_report::Stop;
use vouch_server::{Bound, Position, Reading, Result};

/// How long a shared lock may be held.
const LOCK_FOR: Duration = Duration::from_millis(800);

/// What is to be proven under a lock.
pub struct LockTask<'a> {
    /// The table.
    pub plan: &'a TablePlan,
    /// What is read on the replica.
    pub reading: &'a Reading,
    /// What a sandwich saw.
    pub layers: &'a Layers,
    /// The keys of the rows that differ.
    pub keys: &'a [Bound],
    /// The run's salt.
    pub salt: u64,
}

/// Which of the rows are proven to differ while a shared lock keeps the source
/// still: those whose source and replica are as the sandwich saw them.
///
/// # Errors
/// Those of the servers; a row that is locked by somebody else proves nothing.
pub fn by_lock(
    source: &mut Link<'_>,
    replica: &mut Link<'_>,
    task: &LockTask<'_>,
    fence: &Fence,
    stop: &Stop,
) -> Result<HashSet<Vec<u8>>> {
    let started = Instant::now();
    let Ok((held, position)) = lock(source, task, fence) else {
        source.ask(|session| session.release())?;
        return Ok(HashSet::new());
    };
    let short = Fence { wait_timeout: LOCK_FOR / 2, ..fence.clone() };
    let theirs = short.wait(replica, &position, stop).and_then(|fenced| match fenced {
        Fenced::TooLate => Ok(None),
        Fenced::Reached => {
            let scope = Scope::Keys(task.keys.to_vec());
            replica.ask(|s| facts::read(s, task.plan, task.reading, &scope, task.salt, false)).map(Some)
        }
    });
    source.ask(|session| session.release())?;
    let Some(theirs) = theirs?.filter(|_| started.elapsed() <= LOCK_FOR) else { return Ok(HashSet::new()) };
    let same = |identity: &Vec<u8>| {
        let mark = |facts: &facts::Facts| facts.get(identity).map(facts::RowFacts::mark);
        mark(&held) == mark(&task.layers.after) && mark(&theirs) == mark(&task.layers.replica)
    };
    Ok(task.keys.iter().map(encode::encode).filter(same).collect())
}

/// Takes the lock and reads under it, then the position. The lock lasts until the
/// session is released.
fn lock(source: &mut Link<'_>, task: &LockTask<'_>, fence: &Fence) -> Result<(facts::Facts, Position)> {
    source.ask(|session| {
        let facts = facts::read_locked(session, task.plan, task.keys, task.salt)?;
        Ok((facts, session.source_position(fence.kind)?))
    })
}
