//! Asking a run to stop, and waiting in a way that a stop interrupts.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A request to stop, shared by all threads of a run.
#[derive(Default)]
pub struct Stop {
    signal: Mutex<Option<u8>>,
    changed: Condvar,
}

impl Stop {
    /// Nothing is asked yet.
    pub fn new() -> Self {
        Stop::default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<u8>> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the run to stop because of `signal` (2 for SIGINT, 15 for SIGTERM). The first one counts.
    pub fn request(&self, signal: u8) {
        self.lock().get_or_insert(signal);
        self.changed.notify_all();
    }

    /// The signal by which the run was asked to stop.
    pub fn requested(&self) -> Option<u8> {
        *self.lock()
    }

    /// Sleeps for `time`, or less when a stop is asked for. True when it was.
    pub fn sleep(&self, time: Duration) -> bool {
        self.sleep_unless(time, || false)
    }

    /// Sleeps for `time`, or less when a stop is asked for or `over` holds, which is looked at anew
    /// whenever somebody calls [`Stop::wake`]. True when it was less.
    pub fn sleep_unless(&self, time: Duration, over: impl Fn() -> bool) -> bool {
        let until = Instant::now().checked_add(time);
        let mut signal = self.lock();
        while signal.is_none() && !over() {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            signal = self.changed.wait_timeout(signal, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Lets everybody who sleeps look whether it is over.
    pub fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }
}
