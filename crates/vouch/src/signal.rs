//! SIGINT and SIGTERM: the first asks a run to stop, the second ends the process.

use crate::complaint::Complaint;
use crate::exit::Exit;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use vouch_compare::Stop;

/// A stop that the signals of this process request from now on.
///
/// # Errors
/// The system refused the handlers.
pub fn stop() -> Result<Arc<Stop>, Complaint> {
    let stop = Arc::new(Stop::new());
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Complaint::incomplete(format!("signals could not be handled: {error}")))?;
    let handler = Arc::clone(&stop);
    std::thread::spawn(move || {
        let mut numbers = signals.forever().filter_map(|signal| u8::try_from(signal).ok());
        if let Some(first) = numbers.next() {
            handler.request(first);
        }
        if let Some(second) = numbers.next() {
            Exit::Interrupted(second).now();
        }
    });
    Ok(stop)
}
