//! Runs a job whose statements are killed on the servers when a stop is asked for.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;
use vouch_report::Stop;
use vouch_server::Registry;

/// Time that a stop gives the servers to end our statements.
const KILL_WITHIN: Duration = Duration::from_millis(500);

/// What a thread returned. Its panic goes on here: a thread that is gone must not leave behind a run that looks complete.
pub fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Runs `job` with a registry of connections; a stop kills what runs on them.
pub fn supervise<T>(stop: &Stop, job: impl FnOnce(&Arc<Registry>) -> T) -> T {
    let registry = Arc::new(Registry::default());
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            stop.sleep_unless(Duration::MAX, || finished.load(Ordering::Acquire));
            if stop.requested().is_some() {
                registry.kill_all(KILL_WITHIN);
            }
        });
        let done = job(&registry);
        finished.store(true, Ordering::Release);
        stop.wake();
        joined(killer);
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resolver that panicked was joined in silence: its rows were neither findings nor unproven, and the run ended
    /// as if it had decided them.
    #[test]
    #[should_panic(expected = "the resolver is gone")]
    fn the_panic_of_a_thread_goes_on() {
        std::thread::scope(|scope| joined(scope.spawn(|| panic!("the resolver is gone"))));
    }
}
