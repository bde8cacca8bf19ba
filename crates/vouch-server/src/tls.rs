//! TLS of a connection: the modes of the mysql client, and their meaning here.
//!
//! [`Tls`] is complete and checked once it is part of a target.

use mysql::{ClientIdentity, SslOpts};
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
    /// Always; the certificate must be signed by the given CA (or a public one).
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

impl Tls {
    /// What the wire library is to do once TLS is used.
    pub(crate) fn ssl_opts(&self) -> SslOpts {
        let identity = self.identity.clone().map(|(cert, key)| ClientIdentity::new(cert, key));
        // Below verify-ca the CA file is not even opened, as in the mysql client.
        let ca = self.ca.clone().filter(|_| self.mode.verifies());
        SslOpts::default()
            .with_client_identity(identity)
            .with_root_cert_path(ca)
            .with_danger_skip_domain_validation(self.mode != TlsMode::VerifyIdentity)
            .with_danger_accept_invalid_certs(!self.mode.verifies())
    }
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

    #[test]
    fn only_the_verifying_modes_verify() {
        for mode in TlsMode::ALL {
            let opts = Tls { mode, ca: Some("ca.pem".into()), identity: None }.ssl_opts();
            assert_eq!(opts.accept_invalid_certs(), !mode.verifies(), "{}", mode.name());
            assert_eq!(opts.root_cert_path().is_some(), mode.verifies(), "{}", mode.name());
            assert_eq!(opts.skip_domain_validation(), mode != TlsMode::VerifyIdentity);
        }
    }
}
