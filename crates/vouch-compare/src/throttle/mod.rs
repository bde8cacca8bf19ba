//! The throttle: holds readers back while a server has better things to do.
//!
//! A gate per server. A monitor reads the signals and closes gates with a
//! reason; readers pass a gate before each chunk.

pub mod monitor;
pub mod pace;
pub mod signal;

use crate::ledger::Ledger;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use vouch_convert::{millis, unix_ms};
use vouch_report::{Pause, Stop};

/// Why a gate is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// In words, with the figures.
    pub text: String,
    /// Whether a chunk may slip through from time to time: where the signal may
    /// never get better by our waiting.
    pub trickles: bool,
}

#[derive(Default)]
struct Door {
    closed: Option<(Pause, Instant, bool)>,
    was_set: bool,
    last_passed: Option<Instant>,
}

/// The gate of one server.
pub struct Gate {
    server: String,
    door: Mutex<Door>,
    changed: Condvar,
}

/// How long a gate that trickles holds a reader at most.
const TRICKLE: Duration = Duration::from_secs(5);

impl Gate {
    /// An open gate.
    pub fn new(server: impl Into<String>) -> Self {
        Gate { server: server.into(), door: Mutex::default(), changed: Condvar::new() }
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the gate for `reason`, or opens it.
    pub fn set(&self, reason: Option<Reason>, ledger: &Ledger<'_>) {
        let mut door = self.door();
        door.was_set = true;
        match (reason, &door.closed) {
            (Some(reason), None) => {
                let pause =
                    Pause { server: self.server.clone(), reason: reason.text, started_ms: unix_ms(), paused_ms: 0 };
                ledger.paused(pause.clone());
                door.closed = Some((pause, Instant::now(), reason.trickles));
            }
            (None, Some(_)) => {
                if let Some((mut pause, since, _)) = door.closed.take() {
                    pause.paused_ms = millis(since.elapsed());
                    ledger.let_go(pause);
                }
                self.changed.notify_all();
            }
            _ => {}
        }
    }

    /// Whether anybody has looked yet at what may close it.
    pub fn was_set(&self) -> bool {
        self.door().was_set
    }

    /// Whether the gate is closed.
    pub fn is_closed(&self) -> bool {
        self.door().closed.is_some()
    }

    /// Waits until the gate is open, or lets one reader slip through a gate that
    /// trickles. False when a stop was asked for.
    pub fn pass(&self, stop: &Stop) -> bool {
        let arrived = Instant::now();
        let mut door = self.door();
        loop {
            if stop.requested().is_some() {
                return false;
            }
            let Some((_, since, trickles)) = &door.closed else { break };
            let waited_from = door.last_passed.unwrap_or(arrived).max(*since);
            if *trickles && waited_from.elapsed() >= TRICKLE {
                break;
            }
            let nap = Duration::from_millis(100);
            door = self.changed.wait_timeout(door, nap).unwrap_or_else(PoisonError::into_inner).0;
        }
        door.last_passed = Some(Instant::now());
        true
    }
}
