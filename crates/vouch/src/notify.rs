//! Tells systemd how a daemon is: ready, reloading, stopping, alive.
//!
//! Without `NOTIFY_SOCKET` all of it does nothing.

use crate::environment::Environment;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;
use vouch_convert::parse;

/// The way to the service manager.
pub struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that the daemon is alive; `None` when it does not.
    pub watchdog: Option<Duration>,
}

impl Notify {
    /// As the environment says.
    pub fn of(variables: &Environment) -> Notify {
        let address = variables.text("NOTIFY_SOCKET").and_then(|path| match path.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name).ok(),
            None => SocketAddr::from_pathname(path).ok(),
        });
        let socket = address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        let micros = variables.text("WATCHDOG_USEC").and_then(parse);
        // Half of what is allowed, as its manual advises.
        Notify { socket, watchdog: micros.map(|micros| Duration::from_micros(micros) / 2) }
    }

    /// Sends a state such as `READY=1`. Nobody can be told when that fails.
    pub fn send(&self, state: &str) {
        if let Some((socket, address)) = &self.socket {
            let _ = socket.send_to_addr(state.as_bytes(), address);
        }
    }
}
