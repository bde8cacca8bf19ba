//! Which servers are believed to be who they say they are: the modes of TLS, for the library that speaks it.

use crate::tls::{Tls, TlsMode};
use crate::wire::error::{Result, WireError};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CipherSuite, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

/// What TLS is to do in `tls.mode`.
///
/// # Errors
/// [`WireError::KeyFile`] for a file that cannot be read, or holds nothing of its kind.
pub fn config(tls: &Tls) -> Result<Arc<ClientConfig>> {
    let mut provider = rustls::crypto::ring::default_provider();
    // As sound for this, and a fifth cheaper on both sides.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let provider = Arc::new(provider);
    let verifier = verifier(tls, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(WireError::Tls)?.dangerous().with_custom_certificate_verifier(verifier);
    let config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
            builder.with_client_auth_cert(certificates(chain)?, key).map_err(WireError::Tls)?
        }
    };
    Ok(Arc::new(config))
}

fn verifier(tls: &Tls, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    let algorithms = provider.signature_verification_algorithms;
    Ok(match tls.mode {
        // Below verify-ca the file of authorities is not even opened, as in the mysql client.
        TlsMode::Disabled | TlsMode::Preferred | TlsMode::Required => Arc::new(AnyName { roots: None, algorithms }),
        TlsMode::VerifyCa => Arc::new(AnyName { roots: Some(roots(tls)?), algorithms }),
        TlsMode::VerifyIdentity => {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(tls)?), Arc::clone(provider));
            builder.build().map_err(|error| WireError::Tls(Error::General(error.to_string())))?
        }
    })
}

/// The given authorities; where none are given, the public ones.
fn roots(tls: &Tls) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match &tls.ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| unusable(path, &error))?;
            }
        }
    }
    Ok(roots)
}

/// The certificates of a file in PEM, or the one of a file in DER.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = std::fs::read(path).map_err(|error| unusable(path, &error))?;
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<std::result::Result<Vec<_>, pem::Error>>();
    match found {
        Ok(found) if found.is_empty() => Ok(vec![CertificateDer::from(bytes)]),
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(path, &error)),
    }
}

fn unusable(path: &Path, error: &impl ToString) -> WireError {
    WireError::KeyFile(path.to_owned(), error.to_string())
}

/// Takes certificates whatever name they are made out to: those of the authorities, or any.
#[derive(Debug)]
struct AnyName {
    /// `None` takes any certificate: what is sent is hidden from those who listen, not from those who answer in the
    /// server's place. A signature by a key that anybody can have proves nothing then, and is not verified either, for
    /// old servers have certificates of a form that cannot be read.
    roots: Option<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        match self.roots {
            Some(_) => verify_tls12_signature(message, certificate, signed, &self.algorithms),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        match self.roots {
            Some(_) => verify_tls13_signature(message, certificate, signed, &self.algorithms),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let old = [SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy, SignatureScheme::ED448];
        let old = old.into_iter().filter(|_| self.roots.is_none());
        self.algorithms.supported_schemes().into_iter().chain(old).collect()
    }
}
