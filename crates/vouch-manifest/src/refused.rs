//! Why a manifest is not believed: [`Refused`]. Nothing was looked at.

use std::fmt;
use vouch_report::{Code, Refusal};

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no signature, or none that could be read.
    Unsigned,
    /// No trusted key made this signature of these bytes.
    BadSignature,
    /// The key that signed is revoked, expired, not yet valid, or not for this cluster.
    Key,
    /// The keyring or a key cannot be read.
    Keyring,
    /// The bytes are signed but are no manifest, or it contradicts itself.
    Malformed,
    /// It is a flat map, and a manifest is required.
    Flat,
    /// The manifest is past its time.
    Expired,
    /// An older manifest than the last one accepted.
    Rollback,
    /// It is about another cluster.
    Cluster,
}

impl Reason {
    /// The code in results.
    pub fn code(self) -> Code {
        match self {
            Reason::Unsigned => Code::Unsigned,
            Reason::BadSignature => Code::BadSignature,
            Reason::Key => Code::KeyRefused,
            Reason::Keyring => Code::KeyringRefused,
            Reason::Malformed => Code::ManifestMalformed,
            Reason::Flat => Code::ManifestFlat,
            Reason::Expired => Code::ManifestExpired,
            Reason::Rollback => Code::ManifestRollback,
            Reason::Cluster => Code::ManifestCluster,
        }
    }
}

/// A refusal: the reason, a sentence and what the user can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The kind.
    pub reason: Reason,
    /// One sentence.
    pub message: String,
    /// What the user can do.
    pub hint: String,
}

impl Refused {
    pub(crate) fn new(reason: Reason, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Refused { reason, message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Refusal::new(refused.reason.code(), refused.message, refused.hint)
    }
}
