//! What can go wrong between us and a server, sorted by what the caller should do.

use crate::wire::WireError;
use std::fmt;
use std::io::{self, ErrorKind};

/// A failure of a session or a statement, with the server it happened on.
#[derive(Clone, Debug)]
pub struct ServerError {
    /// The server's name.
    pub server: String,
    /// What kind of failure, which decides what to do about it.
    pub fault: Fault,
    /// What the server or the connection said.
    pub message: String,
    /// The server's error number, where the server itself answered.
    pub code: Option<u16>,
    /// How the connection failed, where it did.
    pub wire: Option<Wire>,
}

/// Ways in which a connection fails, as seen from the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// The address refuses connections.
    Refused,
    /// Nothing at the address answers.
    NoAnswer,
    /// The connection stands and nothing comes.
    Silent,
    /// The connection was closed, or what came makes no sense.
    Broken,
}

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Account or password refused, or the account may not connect from here. Do not retry.
    Refused,
    /// The host name does not resolve. Do not retry.
    UnknownHost,
    /// TLS could not be agreed on, or the certificate is not trusted. Do not retry.
    Tls,
    /// Nobody answers, the connection broke, or the server is starting or stopping. Retry for a while.
    Lost,
    /// Too many connections, or the host is blocked. Retry for a while.
    Busy,
    /// A privilege is missing. Do without it, or report it.
    Denied,
    /// The table, database or column is not there. Look at the definition again.
    Missing,
    /// The table's definition changed under the statement. Run it again.
    Changed,
    /// The statement ran into a time limit or a lock wait limit. Make it smaller or try later.
    Timeout,
    /// The statement was killed. Stop.
    Killed,
    /// The session cannot be given the settings that its answers rest on. Do not use it.
    Session,
    /// The address leads to another server than before. End the run.
    Moved,
    /// The statement is not known to this server or makes no sense to it.
    Unsupported,
    /// Anything else.
    Other,
}

impl Fault {
    /// Whether it stays until somebody changes an account, an address or a setting.
    pub fn is_lasting(self) -> bool {
        matches!(self, Fault::Refused | Fault::UnknownHost | Fault::Tls | Fault::Denied)
    }

    /// What to do about it when nothing could be asked.
    pub fn hint(self) -> &'static str {
        match self {
            Fault::Refused => "check user and password, and from which hosts the account may connect",
            Fault::UnknownHost => "check the spelling of the host name",
            Fault::Tls => "check ssl-mode and the certificates",
            Fault::Denied => "grant the privilege that the message names",
            Fault::Moved => "name each server by an address of its own, not that of a load balancer or virtual IP",
            Fault::Session => "reset the variable on the server or in its init_connect",
            Fault::Lost => "check that the server runs and listens on that address",
            Fault::Busy => "the server takes no more connections now: try again later",
            _ => "the message quotes the server",
        }
    }
}

impl ServerError {
    /// A failure of that kind on `server`.
    pub fn new(server: &str, fault: Fault, message: impl Into<String>) -> Self {
        ServerError { server: server.to_owned(), fault, message: message.into(), code: None, wire: None }
    }

    /// Sorts what a connection reports.
    pub(crate) fn from_wire(server: &str, error: &WireError) -> Self {
        let (fault, wire) = match error {
            WireError::Refused(refusal) => return ServerError::from_code(server, refusal.code, &refusal.message),
            WireError::UnknownHost(_) => (Fault::UnknownHost, Some(Wire::Refused)),
            WireError::NoConnection(cause) => (Fault::Lost, Some(wire_of_connect(cause.kind()))),
            WireError::ConnectTimeout => (Fault::Lost, Some(Wire::NoAnswer)),
            WireError::HandshakeTimeout => (Fault::Lost, Some(Wire::Silent)),
            WireError::NoTls | WireError::NoServerKey | WireError::KeyFile(..) => (Fault::Tls, None),
            WireError::Tls(_) => (Fault::Tls, Some(Wire::Broken)),
            WireError::Plugin(_) => (Fault::Refused, None),
            WireError::TooLong => (Fault::Other, Some(Wire::Broken)),
            WireError::Nonsense(_) => (Fault::Lost, Some(Wire::Broken)),
            WireError::Io(cause) => (Fault::Lost, Some(wire_of_bytes(cause))),
        };
        ServerError { wire, ..ServerError::new(server, fault, error.to_string()) }
    }

    /// What a warning of the server says, as an error.
    pub(crate) fn from_code(server: &str, code: u16, message: &str) -> Self {
        let message = format!("{message} ({code})");
        ServerError { code: Some(code), ..ServerError::new(server, fault_of_code(code), message) }
    }

    /// Whether a new connection may help.
    pub fn is_transient(&self) -> bool {
        matches!(self.fault, Fault::Lost | Fault::Busy)
    }
}

/// Server error numbers (MySQL and MariaDB share those named here).
fn fault_of_code(code: u16) -> Fault {
    match code {
        1044 | 1045 | 1698 | 1130 | 1820 | 1862 | 3118 | 3955 | 4151 => Fault::Refused,
        1040 | 1129 | 1203 | 1226 => Fault::Busy,
        1053 | 1077 | 1078 | 1079 | 1152 | 1158..=1161 | 1184 | 1927 | 2002..=2013 | 3169 | 4031 => Fault::Lost,
        1142 | 1143 | 1227 | 1370 | 1419 => Fault::Denied,
        1049 | 1051 | 1054 | 1109 | 1146 | 1176 | 1932 => Fault::Missing,
        1412 | 1615 | 1072 => Fault::Changed,
        1205 | 1213 | 3024 | 1969 | 3572 | 4119 => Fault::Timeout,
        1317 => Fault::Killed,
        1064 | 1193 | 1305 | 1235 | 1289 => Fault::Unsupported,
        _ => Fault::Other,
    }
}

fn wire_of_connect(kind: ErrorKind) -> Wire {
    use ErrorKind::{HostUnreachable, NetworkUnreachable, TimedOut, WouldBlock};
    match kind {
        HostUnreachable | NetworkUnreachable | TimedOut | WouldBlock => Wire::NoAnswer,
        _ => Wire::Refused,
    }
}

/// Whether a wait for bytes ran into its limit, or the connection broke.
fn wire_of_bytes(error: &io::Error) -> Wire {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Wire::Silent,
        _ => Wire::Broken,
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Fault::Refused => write!(f, "{} refuses the account: {}", self.server, self.message),
            Fault::UnknownHost => write!(f, "the host of {} is unknown: {}", self.server, self.message),
            Fault::Tls => write!(f, "no TLS with {}: {}", self.server, self.message),
            Fault::Lost => write!(f, "no connection to {}: {}", self.server, self.message),
            Fault::Session => write!(f, "{} cannot be trusted to answer in full: {}", self.server, self.message),
            _ => write!(f, "{}: {}", self.server, self.message),
        }
    }
}

impl std::error::Error for ServerError {}
