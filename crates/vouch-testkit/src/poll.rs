//! Waiting for something to come true, with a deadline: [`until`].
//!
//! Invariant: no wait of the kit is without an end.

use crate::{Error, Result};
use std::thread;
use std::time::{Duration, Instant};

/// Asks `probe` every `every` until it returns a value, for at most `within`.
///
/// The probe is asked at least once, and once more at the deadline.
/// Errors: [`Error::Timeout`] that names `what`.
pub fn until<T>(within: Duration, every: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    try_until(within, every, what, || Ok(probe()))
}

/// The same with a probe that may fail, which ends the wait at once.
pub fn try_until<T>(
    within: Duration,
    every: Duration,
    what: &str,
    mut probe: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + within;
    loop {
        let late = Instant::now() >= deadline;
        if let Some(value) = probe()? {
            return Ok(value);
        }
        if late {
            return Err(Error::Timeout { what: what.to_owned(), within });
        }
        thread::sleep(every.min(deadline.saturating_duration_since(Instant::now())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_the_wait() {
        let mut asked = 0;
        let value = until(Duration::from_secs(5), Duration::from_millis(1), "three", || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert!(matches!(value, Ok(3)));
    }

    #[test]
    fn the_deadline_ends_it_too() {
        let value = until(Duration::from_millis(20), Duration::from_millis(5), "never", || None::<()>);
        assert!(matches!(value, Err(Error::Timeout { what, .. }) if what == "never"));
    }
}
