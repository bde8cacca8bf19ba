//! Why a stream could not be unpacked: [`Fault`].
//!
//! Invariant: a decoder says "these bytes are wrong" or "I do not read such bytes",
//! and the two are never confused: the first is a finding, the second an error.

use std::fmt;
use std::io::{self, ErrorKind};

/// What a decoder has to say instead of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The stream ends before it is complete.
    Cut,
    /// The stream contradicts itself; how.
    Damaged(String),
    /// The stream may be sound, and has something that is not read here; what.
    Unsupported(String),
    /// The stream is sound as far as it shows, and its contents are encrypted; how far it was verified.
    Locked(String),
}

impl Fault {
    /// What an error of a decoder means. What nobody has classified could not be read, which accuses nobody.
    pub(super) fn of(error: &io::Error) -> Fault {
        if let Some(fault) = Fault::inside(error) {
            return fault.clone();
        }
        match error.kind() {
            ErrorKind::UnexpectedEof => Fault::Cut,
            ErrorKind::InvalidData => Fault::Damaged(error.to_string()),
            _ => Fault::Unsupported(error.to_string()),
        }
    }

    /// The fault that an error carries, when it was made by a decoder.
    pub(super) fn inside(error: &io::Error) -> Option<&Fault> {
        error.get_ref()?.downcast_ref()
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Fault::Cut => ErrorKind::UnexpectedEof,
            Fault::Damaged(_) => ErrorKind::InvalidData,
            Fault::Unsupported(_) => ErrorKind::Unsupported,
            Fault::Locked(_) => ErrorKind::PermissionDenied,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::Cut => out.write_str("it ends before it is complete"),
            Fault::Damaged(what) | Fault::Unsupported(what) | Fault::Locked(what) => out.write_str(what),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> io::Error {
        io::Error::new(fault.kind(), fault)
    }
}

/// The bytes are wrong.
pub(super) fn damaged(what: impl Into<String>) -> io::Error {
    Fault::Damaged(what.into()).into()
}

/// The bytes may be right.
pub(super) fn unsupported(what: impl Into<String>) -> io::Error {
    Fault::Unsupported(what.into()).into()
}
