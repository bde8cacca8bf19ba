//! What signals do to a run: the first asks it to stop.

use crate::complaint::Complaint;
use crate::exit::Exit;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use vouch_convert::narrow;
use vouch_report::Stop;

/// A stop that SIGINT and SIGTERM request from now on. The second of them ends the process.
///
/// # Errors
/// The system refused the handlers.
pub fn stop() -> Result<Arc<Stop>, Complaint> {
    requested_by(&[SIGINT, SIGTERM], |signal| Exit::Interrupted(signal).now())
}

/// The same for a run that has to clean up behind itself: the terminal that goes away counts too, and
/// later signals change nothing.
///
/// # Errors
/// The system refused the handlers.
pub fn stop_and_clean_up() -> Result<Arc<Stop>, Complaint> {
    requested_by(&[SIGINT, SIGTERM, SIGHUP], |_| ())
}

fn requested_by(signals: &[i32], later: impl Fn(u8) + Send + 'static) -> Result<Arc<Stop>, Complaint> {
    let stop = Arc::new(Stop::new());
    let mut signals = Signals::new(signals)
        .map_err(|error| Complaint::incomplete(format!("signals could not be handled: {error}")))?;
    let handler = Arc::clone(&stop);
    std::thread::spawn(move || {
        let mut numbers = signals.forever().filter_map(narrow::<u8, _>);
        if let Some(first) = numbers.next() {
            handler.request(first);
        }
        numbers.for_each(later);
    });
    Ok(stop)
}
