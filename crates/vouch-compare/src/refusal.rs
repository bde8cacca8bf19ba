//! Refusing to start: nothing was looked at.

use crate::ledger::Ledger;
use std::fmt;
use vouch_report::{Code, Failure};
use vouch_server::{Fault, Registry, ServerError};

/// Which exit code a refusal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Arguments, account or configuration are wrong: exit code 2.
    Usage,
    /// A server cannot be reached now: exit code 3.
    Unreachable,
    /// There is no replica: exit code 2.
    NoReplicas,
    /// Another process is at the same work: exit code 3.
    AlreadyRunning,
}

/// Why a comparison did not start.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// One sentence that names the cause.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
    /// The exit code.
    pub exit: RefusalKind,
}

/// What to do about an address that leads to several servers.
const MOVED: &str = "name each server by an address of its own, not that of a load balancer or virtual IP";

/// Reports that an address led to another server than before, if one did: whoever noticed it.
pub fn report_moved(registry: &Registry, ledger: &Ledger<'_>) {
    if let Some(error) = registry.moved() {
        let failure = Failure::new(Code::AddressMoved, error.to_string());
        ledger.failure(failure.at(None, Some(&error.server)).with_hint(MOVED));
    }
}

impl Refusal {
    /// A refusal because of wrong arguments.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Refusal { message: message.into(), hint: Some(hint.into()), exit: RefusalKind::Usage }
    }

    /// A refusal because there is nobody to hold the source against.
    pub fn no_replicas(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Refusal { exit: RefusalKind::NoReplicas, ..Refusal::usage(message, hint) }
    }

    /// A refusal because another process is at the same work.
    pub fn already_running(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Refusal { exit: RefusalKind::AlreadyRunning, ..Refusal::usage(message, hint) }
    }

    /// A refusal because a server could not be asked.
    pub fn server(role: &str, error: &ServerError) -> Self {
        let (exit, hint) = match error.fault {
            Fault::Refused => {
                (RefusalKind::Usage, "check user and password, and from which hosts the account may connect")
            }
            Fault::UnknownHost => (RefusalKind::Usage, "check the spelling of the host name"),
            Fault::Tls => (RefusalKind::Usage, "check ssl-mode and the certificates"),
            Fault::Denied => (RefusalKind::Usage, "grant the privilege that the message names"),
            Fault::Moved => (RefusalKind::Unreachable, MOVED),
            Fault::Session => (RefusalKind::Unreachable, "reset the variable on the server or in its init_connect"),
            Fault::Lost => (RefusalKind::Unreachable, "check that the server runs and listens on that address"),
            Fault::Busy => (RefusalKind::Unreachable, "the server takes no more connections now: try again later"),
            _ => (RefusalKind::Unreachable, "the message quotes the server"),
        };
        Refusal { message: format!("the {role} cannot be asked: {error}"), hint: Some(hint.to_owned()), exit }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
