//! Why a manifest is not believed: [`Refused`]. Nothing was looked at.

use std::fmt;

/// What kind of refusal it is; its name is public.
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
    /// The name in results: `unsigned`, `bad-signature` and so on.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Unsigned => "unsigned",
            Reason::BadSignature => "bad-signature",
            Reason::Key => "key-refused",
            Reason::Keyring => "keyring",
            Reason::Malformed => "manifest-malformed",
            Reason::Flat => "manifest-flat",
            Reason::Expired => "manifest-expired",
            Reason::Rollback => "manifest-rollback",
            Reason::Cluster => "manifest-cluster",
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
