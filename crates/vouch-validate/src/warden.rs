//! Looks after the workers on a session of its own: ends what takes too long, what an
//! applier waits for, and the run when the replica falls behind.

use crate::pool::{Abort, Shared, Why};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};
use vouch_server::{Blocking, Fault, Result, Session};

const TICK: Duration = Duration::from_millis(100);
/// How often replication is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Watches until all answers are there or the run is to end.
pub fn watch(shared: &Shared) {
    let connector = shared.connector.brisk();
    let mut session: Option<Session> = None;
    let mut looked: Option<Instant> = None;
    while !shared.done.load(Ordering::Acquire) && shared.ended().is_none() {
        if session.is_none() {
            session = connector.open_once().ok();
        }
        if let Some(open) = &mut session {
            let due = looked.is_none_or(|looked| looked.elapsed() >= LOOK);
            let mut outcome = end_late(open, shared);
            if due {
                looked = Some(Instant::now());
                outcome = outcome.and_then(|()| look(open, shared));
            }
            if outcome.is_err() {
                session = None;
            }
        }
        thread::sleep(TICK);
    }
}

/// Marks and ends the statements of these connections that `which` picks.
fn end(session: &mut Session, shared: &Shared, why: Why, which: impl Fn(u32, Duration) -> bool) -> Result<()> {
    let chosen: Vec<u32> = {
        let mut in_flight = shared.in_flight();
        let picked = in_flight.iter_mut().filter(|(id, one)| one.ended.is_none() && which(**id, one.since.elapsed()));
        picked
            .map(|(id, one)| {
                one.ended = Some(why);
                *id
            })
            .collect()
    };
    chosen.into_iter().try_for_each(|id| session.kill_query(id))
}

fn end_late(session: &mut Session, shared: &Shared) -> Result<()> {
    end(session, shared, Why::Deadline, |_, took| took >= shared.effort.table_timeout)
}

fn look(session: &mut Session, shared: &Shared) -> Result<()> {
    if let Some(limit) = shared.effort.max_lag {
        let channels = match session.replica_status() {
            // An account without the privilege is told so before the run.
            Err(error) if error.fault == Fault::Denied => Vec::new(),
            // Anything else may hide that the limit is exceeded: the next round asks on a new connection.
            asked => asked?,
        };
        let behind = channels.into_iter().filter_map(|status| status.behind_s).max();
        if let Some(behind) = behind.filter(|&behind| Duration::from_secs(behind) > limit) {
            shared.end(Abort::Lag(format!(
                "the replica is {behind} s behind, and --max-lag is {} s",
                limit.as_secs_f64()
            )));
            return Ok(());
        }
    }
    if !shared.effort.guard {
        return Ok(());
    }
    match session.blocking_an_applier()? {
        Blocking::Nobody => Ok(()),
        Blocking::These(ids) => end(session, shared, Why::GaveWay, |id, _| ids.contains(&id)),
        Blocking::Somebody => end(session, shared, Why::GaveWay, |_, _| true),
    }
}
