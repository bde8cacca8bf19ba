//! TLS of a connection: the modes of the mysql client, and their meaning here.
//!
//! [`Tls`] is complete and checked once it is part of a target.

use std::path::PathBuf;

/// How much TLS a connection asks for, as `--ssl-mode` of the mysql client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disabled,
    /// Where the server offers it; nothing is verified.
    #[default]
    Preferred,
    /// Always; nothing is verified.
    Required,
    /// Always; the certificate must be signed by the given authority, or by a public one where none is given.
    VerifyCa,
    /// As [`TlsMode::VerifyCa`], and the certificate must be made out to the host's name.
    VerifyIdentity,
}

impl TlsMode {
    /// Every mode.
    pub const ALL: [TlsMode; 5] =
        [TlsMode::Disabled, TlsMode::Preferred, TlsMode::Required, TlsMode::VerifyCa, TlsMode::VerifyIdentity];

    /// `disabled`, `preferred`, `required`, `verify-ca`, `verify-identity`.
    pub fn name(self) -> &'static str {
        match self {
            TlsMode::Disabled => "disabled",
            TlsMode::Preferred => "preferred",
            TlsMode::Required => "required",
            TlsMode::VerifyCa => "verify-ca",
            TlsMode::VerifyIdentity => "verify-identity",
        }
    }

    /// The mode of that name, in any case, with `_` for `-`.
    pub fn from_name(name: &str) -> Option<TlsMode> {
        let name = name.to_ascii_lowercase().replace('_', "-");
        TlsMode::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Whether certificates are verified.
    pub fn verifies(self) -> bool {
        matches!(self, TlsMode::VerifyCa | TlsMode::VerifyIdentity)
    }
}

/// The TLS settings of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The mode.
    pub mode: TlsMode,
    /// PEM file of the certificate authorities to trust.
    pub ca: Option<PathBuf>,
    /// PEM files of the client's certificate chain and its private key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again_in_any_case() {
        for mode in TlsMode::ALL {
            assert_eq!(TlsMode::from_name(&mode.name().to_uppercase().replace('-', "_")), Some(mode));
        }
        assert_eq!(TlsMode::from_name("verify"), None);
    }
}
