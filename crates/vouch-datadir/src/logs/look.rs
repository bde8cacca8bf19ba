//! Logs that a server may be writing are looked at until they hold still: [`settled`].
//!
//! Invariant: what is accused was seen at the same place in every look.

use super::report::{Outcome, persistent};
use super::{LOOKS, PATIENCE};
use crate::discover::Found;

/// What one look at the files of a log came to, file by file.
pub(super) type Look = Vec<(Found, Outcome)>;

/// Looks until nothing is wrong, or often enough. Faults that did not stay were writes in flight.
///
/// # Errors
/// That of a look, which ends them.
pub(super) fn settled<E>(mut look: impl FnMut() -> Result<Look, E>) -> Result<Look, E> {
    let mut seen = look()?;
    for _ in 1..LOOKS {
        if seen.iter().all(|(_, outcome)| outcome.faults.is_empty()) {
            break;
        }
        std::thread::sleep(PATIENCE);
        let mut now = look()?;
        for (found, outcome) in &mut now {
            let known = seen.iter().find(|(known, _)| known.path == found.path);
            persistent(known.map_or(&[], |(_, outcome)| outcome.faults.as_slice()), &mut outcome.faults);
        }
        seen = now;
    }
    Ok(seen)
}
