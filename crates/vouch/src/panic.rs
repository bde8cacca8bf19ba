//! A panic is a bug in vouch, and says so.

use crate::complaint::printable;
use crate::exit::Exit;
use crate::terminal::say;

/// Makes any panic, of any thread, end the process with [`Exit::Bug`]: a thread that
/// is gone must not leave behind a run that looks complete.
pub fn install() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let said = text.unwrap_or("no message");
        say(&format!("vouch: this is a bug in vouch {}: {} ({place})", env!("CARGO_PKG_VERSION"), printable(said)));
        say("hint: please report it with the command line; nothing was written to any server");
        Exit::Bug.now();
    }));
}
