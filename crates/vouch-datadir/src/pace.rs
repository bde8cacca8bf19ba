//! How fast is read, over all threads together: [`Pace`].

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest sleep, behind which a signal is looked for.
const NAP: Duration = Duration::from_millis(100);

/// Bytes a second that are read at most.
#[derive(Debug, Default)]
pub struct Pace {
    bytes_per_second: Option<u64>,
    /// When all that was read so far has had its time.
    free: Mutex<Option<Instant>>,
}

impl Pace {
    /// So many bytes a second; `None` for as fast as it goes.
    pub fn new(bytes_per_second: Option<u64>) -> Pace {
        Pace { bytes_per_second, free: Mutex::new(None) }
    }

    /// Waits until so many bytes may be read, or `stopped` says that nothing is to be read any more.
    pub(crate) fn wait(&self, bytes: u64, stopped: &dyn Fn() -> bool) {
        let Some(rate) = self.bytes_per_second.filter(|rate| *rate > 0) else { return };
        let begins = self.reserve(Duration::from_secs_f64(bytes as f64 / rate as f64), Instant::now());
        loop {
            let left = begins.saturating_duration_since(Instant::now());
            if left.is_zero() || stopped() {
                return;
            }
            std::thread::sleep(left.min(NAP));
        }
    }

    /// When what takes so long may begin. What was not used before is gone.
    fn reserve(&self, time: Duration, now: Instant) -> Instant {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = free.map_or(now, |free| free.max(now));
        *free = begins.checked_add(time).or(Some(begins));
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_follow_each_other_at_the_pace() {
        let (pace, now) = (Pace::new(Some(1_000)), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(pace.reserve(second, now), now, "the first one at once");
        assert_eq!(pace.reserve(second, now), now + second);
        assert_eq!(pace.reserve(second, now + second * 9), now + second * 9, "time that passed is not made up for");
    }

    #[test]
    fn a_stop_ends_the_wait() {
        let pace = Pace::new(Some(1));
        pace.wait(u64::from(u32::MAX), &|| true);
        pace.wait(1, &|| true);
        Pace::new(None).wait(u64::MAX, &|| false);
    }
}
