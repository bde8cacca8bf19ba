//! Refusing to look: no table was looked at.

use std::fmt;
use vouch_report::Code;
use vouch_server::{Fault, ServerError};

/// Why a run did not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: Code,
    /// One sentence.
    pub message: String,
    /// What the user can do.
    pub hint: String,
    /// Whether what is wrong is the server's state now and not what was asked for.
    pub unreachable: bool,
}

/// What to do about an address that leads to several servers.
pub const MOVED: &str = "name the server by an address of its own, not that of a load balancer or virtual IP";

impl Refusal {
    /// A refusal of that kind.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Refusal { code, message: message.into(), hint: hint.into(), unreachable: false }
    }

    /// A server could not be asked.
    pub fn server(error: &ServerError) -> Self {
        let (unreachable, hint) = match error.fault {
            Fault::Refused => (false, "check user and password, and from which hosts the account may connect"),
            Fault::UnknownHost => (false, "check the spelling of the host name"),
            Fault::Tls => (false, "check ssl-mode and the certificates"),
            Fault::Denied => (false, "grant the privilege that the message names"),
            Fault::Moved => (true, MOVED),
            Fault::Session => (true, "reset the variable on the server or in its init_connect"),
            Fault::Lost => (true, "check that the server runs and listens on that address"),
            Fault::Busy => (true, "the server takes no more connections now: try again later"),
            _ => (true, "the message quotes the server"),
        };
        let code = if error.fault == Fault::Moved {
            Code::AddressMoved
        } else if unreachable {
            Code::ConnectionLost
        } else {
            Code::UsageRefused
        };
        Refusal { unreachable, ..Refusal::new(code, format!("the server cannot be asked: {error}"), hint) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
