//! What can go wrong on a connection.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Result of anything on a connection.
pub type Result<T> = std::result::Result<T, WireError>;

/// A failure of a connection, or the server's refusal of a statement.
#[derive(Debug)]
pub enum WireError {
    /// The server refused, and the connection is as good as before.
    Refused(Refusal),
    /// The host name does not resolve.
    UnknownHost(io::Error),
    /// Nothing takes connections at the address.
    NoConnection(io::Error),
    /// Nothing answered within the time to connect.
    ConnectTimeout,
    /// The handshake did not end in time.
    HandshakeTimeout,
    /// TLS is asked for, and the server offers none.
    NoTls,
    /// TLS could not be agreed on.
    Tls(rustls::Error),
    /// A file of a certificate or a key cannot be used; a sentence.
    KeyFile(PathBuf, String),
    /// The password would have to be encrypted with a key that anybody could have sent.
    NoServerKey,
    /// The server asks for a way to prove the password that is not known here, or not safe.
    Plugin(String),
    /// A packet is longer than any that the server allows.
    TooLong,
    /// What the server sent makes no sense; a sentence.
    Nonsense(&'static str),
    /// The connection broke, or was silent for too long.
    Io(io::Error),
}

/// The error that a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its number.
    pub code: u16,
    /// Its words.
    pub message: String,
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::FileTooLarge => WireError::TooLong,
            _ => WireError::Io(error),
        }
    }
}

impl WireError {
    /// The same for one that came before a statement: what TLS does not like then, it will never like. Later that is
    /// a connection that broke.
    pub fn of_handshake(self) -> Self {
        match self {
            WireError::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(cause) => WireError::Tls(cause.clone()),
                None => WireError::Io(error),
            },
            other => other,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Refused(refusal) => write!(f, "{} ({})", refusal.message, refusal.code),
            WireError::UnknownHost(error) | WireError::NoConnection(error) | WireError::Io(error) => error.fmt(f),
            WireError::ConnectTimeout => f.write_str("nothing answers within the time to connect"),
            WireError::HandshakeTimeout => f.write_str("the handshake did not end in time"),
            WireError::NoTls => f.write_str("the server offers no TLS"),
            WireError::Tls(error) => error.fmt(f),
            WireError::KeyFile(path, cause) => write!(f, "{}: {cause}", path.display()),
            WireError::NoServerKey => f.write_str(NO_SERVER_KEY),
            WireError::Plugin(name) => write!(
                f,
                "its plugin {name} is not supported; use an account with caching_sha2_password, ed25519 or \
                 mysql_native_password"
            ),
            WireError::TooLong => f.write_str("it sends a packet that is longer than twice its max_allowed_packet"),
            WireError::Nonsense(sentence) => f.write_str(sentence),
        }
    }
}

const NO_SERVER_KEY: &str = "the password would be sent encrypted with a key that the server sends, which an impostor \
    can send too; let the server offer TLS, name its key with server-public-key-path, or accept any with \
    get-server-public-key=1";
