//! One snapshot for several sessions, and the position that belongs to it.
//!
//! MariaDB tells the place in its binlog that a snapshot shows, so sessions are
//! opened anew until all show the same. MySQL does not: there the snapshots are
//! opened between two looks at a log that must not have moved, the first of them
//! at a moment when nothing is half committed.

use std::time::{Duration, Instant};
use vouch_manifest::PositionFacts;
use vouch_report::RunContext;
use vouch_server::{Fault, Flavor, LogPlace, Result, Session};

/// Between two tries.
const BETWEEN: Duration = Duration::from_millis(2);
/// How long a log must lie still where its server does not tell what is half committed.
const STILL: Duration = Duration::from_millis(50);

/// Opens a snapshot on every session such that all show the same. `None` when no moment for
/// it was found in `timeout`.
///
/// # Errors
/// Those of the server.
pub fn open_all(
    control: &mut Session,
    sessions: &mut [Session],
    timeout: Duration,
    context: &RunContext,
) -> Result<Option<PositionFacts>> {
    let begun = Instant::now();
    let labelled = labels_tell(control)?;
    loop {
        let found = match labelled {
            true => by_label(control, sessions)?,
            false => between_looks(control, sessions)?,
        };
        match found {
            Some(facts) => {
                sessions.iter_mut().try_for_each(Session::mark_snapshot)?;
                return Ok(Some(PositionFacts { taken_ms: (context.now_ms)(), ..facts }));
            }
            None if begun.elapsed() >= timeout || context.stopped().is_some() => return Ok(None),
            None => std::thread::sleep(BETWEEN),
        }
    }
}

/// Whether the place in the binlog tells snapshots apart: everything that changes data is written there.
fn labels_tell(control: &mut Session) -> Result<bool> {
    if control.identity().flavor != Flavor::Mariadb || !on(control, "log_bin")? {
        return Ok(false);
    }
    if on(control, "log_slave_updates")? {
        return Ok(true);
    }
    Ok(control.replica_status().is_ok_and(|channels| channels.is_empty()))
}

fn on(control: &mut Session, variable: &str) -> Result<bool> {
    Ok(control.variable(variable)?.is_some_and(|value| value == "ON"))
}

/// The snapshots are opened one right after the other, and only then asked what they show.
fn by_label(control: &mut Session, sessions: &mut [Session]) -> Result<Option<PositionFacts>> {
    sessions.iter_mut().try_for_each(Session::open_snapshot)?;
    let labels = sessions.iter_mut().map(Session::snapshot_place).collect::<Result<Vec<_>>>()?;
    let Some(Some(place)) = labels.first().cloned() else { return Ok(None) };
    if labels.iter().any(|label| label.as_ref() != Some(&place)) {
        return Ok(None);
    }
    let gtid = control.gtids_at(&place)?.unwrap_or_default();
    let LogPlace { file, offset } = place;
    Ok(Some(PositionFacts { gtid, file, offset, taken_ms: 0, method: "snapshot".to_owned() }))
}

/// What a server says of where it stands.
#[derive(PartialEq, Eq)]
struct Look {
    gtid: String,
    place: Option<LogPlace>,
}

fn look(control: &mut Session) -> Result<Look> {
    let place = match control.log_place() {
        Ok(place) => Some(place),
        Err(error) if matches!(error.fault, Fault::Denied | Fault::Unsupported) => None,
        Err(error) => return Err(error),
    };
    Ok(Look { gtid: control.gtids_here()?, place })
}

/// A look at a moment when nothing is half committed, where the server can tell.
fn settled(control: &mut Session) -> Result<Option<Look>> {
    if control.identity().flavor != Flavor::Mysql {
        return Ok(None);
    }
    match control.log_status() {
        Ok(status) if !status.place.file.is_empty() => Ok(Some(Look { gtid: status.gtid, place: Some(status.place) })),
        Ok(_) => Ok(None),
        Err(error) if error.is_transient() => Err(error),
        Err(_) => Ok(None),
    }
}

fn between_looks(control: &mut Session, sessions: &mut [Session]) -> Result<Option<PositionFacts>> {
    let first = settled(control)?;
    let (before, exact) = match first {
        Some(look) => (look, true),
        None => (look(control)?, false),
    };
    for session in sessions.iter_mut() {
        session.open_snapshot()?;
    }
    if look(control)? != before {
        return Ok(None);
    }
    if !exact {
        std::thread::sleep(STILL);
        if look(control)? != before {
            return Ok(None);
        }
    }
    let known = !before.gtid.is_empty() || before.place.is_some();
    let method = match (known, exact) {
        (false, _) => "none",
        (true, true) => "log-status",
        (true, false) => "unmoved",
    };
    let (file, offset) = before.place.map(|place| (place.file, place.offset)).unwrap_or_default();
    Ok(Some(PositionFacts { gtid: before.gtid, file, offset, taken_ms: 0, method: method.to_owned() }))
}
