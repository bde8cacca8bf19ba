//! What can go wrong between us and a server, sorted by what the caller should do.

use mysql_common::proto::codec::error::PacketCodecError;
use std::fmt;
use std::io::ErrorKind;

/// A failure of a session or a statement, with the server it happened on.
#[derive(Clone, Debug)]
pub struct ServerError {
    /// The server's name.
    pub server: String,
    /// What kind of failure, which decides what to do about it.
    pub fault: Fault,
    /// What the server or the library said, in its own words.
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

    /// Sorts what the wire library reports.
    pub(crate) fn from_mysql(server: &str, error: &mysql::Error) -> Self {
        let (fault, message) = match error {
            mysql::Error::MySqlError(e) => (fault_of_code(e.code), format!("{} ({})", e.message, e.code)),
            mysql::Error::IoError(e) if e.kind() == ErrorKind::FileTooLarge => (Fault::Other, TOO_LARGE.to_owned()),
            mysql::Error::IoError(e) if e.kind() == ErrorKind::NotADirectory => (Fault::Tls, NO_KEY.to_owned()),
            mysql::Error::IoError(e) => (fault_of_transport(&e.to_string()), e.to_string()),
            mysql::Error::DriverError(e) => fault_of_driver(e),
            mysql::Error::TlsError(e) => (Fault::Tls, e.to_string()),
            mysql::Error::CodecError(PacketCodecError::PacketTooLarge) => (Fault::Other, TOO_LARGE.to_owned()),
            mysql::Error::CodecError(e) => (fault_of_transport(&e.to_string()), e.to_string()),
            other => (Fault::Other, other.to_string()),
        };
        let code = match error {
            mysql::Error::MySqlError(e) => Some(e.code),
            _ => None,
        };
        ServerError { code, wire: wire_of(error), ..ServerError::new(server, fault, message) }
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

/// What is said where a password would be encrypted with a key that the server sends ([`crate::Target`]).
const NO_KEY: &str = "the password would be sent encrypted with a key that the server sends, which an impostor can \
    send too; let the server offer TLS, name its key with server-public-key-path, or accept any with \
    get-server-public-key=1";

const TOO_LARGE: &str = "it sends a packet that is longer than twice its max_allowed_packet";

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

/// A handshake of TLS that fails looks like a broken connection, but for its words.
fn fault_of_transport(text: &str) -> Fault {
    match text {
        _ if text.contains("failed to lookup address") => Fault::UnknownHost,
        _ if text.contains("invalid peer certificate") => Fault::Tls,
        _ => Fault::Lost,
    }
}

fn wire_of(error: &mysql::Error) -> Option<Wire> {
    use mysql::DriverError::{ConnectTimeout, CouldNotConnect, PacketOutOfSync, PacketTooLarge, Protocol41NotSet};
    use mysql::DriverError::{Timeout, UnexpectedPacket, UnsupportedProtocol};
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    match error {
        mysql::Error::IoError(e) if e.kind() == ErrorKind::NotADirectory => None,
        mysql::Error::IoError(e) if matches!(e.kind(), ConnectionRefused | NotFound) => Some(Wire::Refused),
        mysql::Error::DriverError(ConnectTimeout) => Some(Wire::NoAnswer),
        mysql::Error::DriverError(CouldNotConnect(Some((_, _, kind)))) => Some(wire_of_connect(*kind)),
        mysql::Error::DriverError(CouldNotConnect(None)) => Some(Wire::Refused),
        mysql::Error::DriverError(Timeout) => Some(Wire::Silent),
        mysql::Error::DriverError(
            PacketOutOfSync | PacketTooLarge | Protocol41NotSet | UnexpectedPacket | UnsupportedProtocol(_),
        ) => Some(Wire::Broken),
        mysql::Error::IoError(_) | mysql::Error::CodecError(_) | mysql::Error::TlsError(_) => {
            Some(if is_timeout(error) { Wire::Silent } else { Wire::Broken })
        }
        _ => None,
    }
}

fn wire_of_connect(kind: std::io::ErrorKind) -> Wire {
    use std::io::ErrorKind::{HostUnreachable, NetworkUnreachable, TimedOut, WouldBlock};
    match kind {
        HostUnreachable | NetworkUnreachable | TimedOut | WouldBlock => Wire::NoAnswer,
        _ => Wire::Refused,
    }
}

/// Whether a wait for bytes ran into its limit, however deep the library has wrapped that.
fn is_timeout(error: &mysql::Error) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|e| matches!(e.kind(), TimedOut | WouldBlock)) {
            return true;
        }
        cause = error.source();
    }
    let text = error.to_string();
    text.contains("temporarily unavailable") || text.contains("timed out")
}

fn fault_of_driver(error: &mysql::DriverError) -> (Fault, String) {
    let text = error.to_string();
    let fault = match error {
        mysql::DriverError::TlsNotSupported => Fault::Tls,
        _ if text.contains("lookup address") || text.contains("could not resolve") => Fault::UnknownHost,
        mysql::DriverError::ConnectTimeout | mysql::DriverError::CouldNotConnect(_) | mysql::DriverError::Timeout => {
            Fault::Lost
        }
        mysql::DriverError::PacketOutOfSync | mysql::DriverError::UnexpectedPacket => Fault::Lost,
        _ => Fault::Other,
    };
    (fault, text)
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
