//! Runs a job whose statements are killed on the servers when a stop is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vouch_report::Stop;
use vouch_server::Registry;

/// Time that a stop gives the servers to end our statements.
const KILL_WITHIN: Duration = Duration::from_millis(500);

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
        killer.join().ok();
        done
    })
}
