//! The pace of reading: full speed on an idle source, a share of the time on one
//! that others use, and never more bytes a second than allowed.

use crate::ledger::Ledger;
use crate::options::CompareOptions;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use vouch_report::{Code, Stop};

/// Statements a second of others from which on a source counts as busy.
const BUSY_FROM: f64 = 20.0;

/// Looks in a row that must find it busy: one alone may catch a statement of ours
/// that is counted on one side and not yet on the other, or somebody's short visit.
const BUSY_LOOKS: u32 = 3;

/// How often a reader that rests looks whether the source is still busy.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Longest rest after one chunk.
const LONGEST: Duration = Duration::from_secs(10);

/// The pace of one run.
#[derive(Default)]
pub struct Pace {
    busy: AtomicBool,
    looks: AtomicU32,
}

impl Pace {
    /// Takes in how many statements a second others send to the source.
    pub fn others_send(&self, rate: f64, share: f64, source: &str, ledger: &Ledger<'_>) {
        let busy = self.look(rate) && share < 1.0;
        if busy && !self.busy.swap(busy, Ordering::AcqRel) {
            let percent = share * 100.0;
            let text = format!("others use the source, so rows were read in at most {percent:.0} % of the time");
            ledger.notice(Code::Paced, Some(source), text);
        }
        self.busy.store(busy, Ordering::Release);
    }

    /// Counts one look; true when enough of them in a row found the source busy.
    fn look(&self, rate: f64) -> bool {
        let looks = if rate >= BUSY_FROM { self.looks.load(Ordering::Acquire).saturating_add(1) } else { 0 };
        self.looks.store(looks, Ordering::Release);
        looks >= BUSY_LOOKS
    }

    /// Lets a reader rest after a chunk that took so long and had so many bytes; no
    /// longer than the source stays busy, and until a stop at most.
    pub fn rest(&self, options: &CompareOptions, took: Duration, bytes: u64, stop: &Stop) {
        let began = Instant::now();
        loop {
            let left = self.due(options, took, bytes).saturating_sub(began.elapsed());
            if left.is_zero() || stop.sleep(left.min(LOOK_UP)) {
                return;
            }
        }
    }

    fn due(&self, options: &CompareOptions, took: Duration, bytes: u64) -> Duration {
        let readers = options.readers.max(1) as f64;
        let share = if self.busy.load(Ordering::Acquire) { options.throttle.busy_share } else { 1.0 };
        let bandwidth = options.max_bandwidth.map(|limit| limit.max(1) as f64);
        rest(took, share.clamp(0.01, 1.0), readers, bandwidth.map(|limit| bytes as f64 / limit))
    }
}

/// Each of `readers` has its part of the share. A share of all the time needs no rest.
fn rest(took: Duration, share: f64, readers: f64, bandwidth_s: Option<f64>) -> Duration {
    let took_s = took.as_secs_f64();
    let by_share = if share < 1.0 { took_s * (readers / share - 1.0) } else { 0.0 };
    let by_bandwidth = bandwidth_s.map_or(0.0, |seconds| seconds * readers - took_s);
    Duration::from_secs_f64(by_share.max(by_bandwidth).max(0.0)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_idle_source_is_read_without_rest() {
        assert_eq!(rest(SECOND, 1.0, 2.0, None), Duration::ZERO);
    }

    #[test]
    fn a_busy_source_is_read_a_share_of_the_time_by_all_readers_together() {
        assert_eq!(rest(SECOND, 0.25, 1.0, None), SECOND * 3);
        assert_eq!(rest(SECOND, 0.25, 2.0, None), SECOND * 7);
    }

    #[test]
    fn a_source_is_busy_when_looks_in_a_row_say_so() {
        let pace = Pace::default();
        let looks = [500.0, 500.0, 3.0, 500.0, 500.0, 500.0, 500.0, 3.0].map(|rate| pace.look(rate));
        assert_eq!(looks, [false, false, false, false, false, true, true, false]);
    }

    #[test]
    fn bytes_a_second_are_limited() {
        assert_eq!(rest(SECOND, 1.0, 1.0, Some(3.0)), SECOND * 2);
        assert_eq!(rest(SECOND, 1.0, 2.0, Some(3.0)), SECOND * 5);
    }
}
