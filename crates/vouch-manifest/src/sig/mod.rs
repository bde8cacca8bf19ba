//! Signatures: reading them whatever their format, verifying, making.
//!
//! Main items: [`Signature`], [`verifies`], [`sign`]. Invariant: a signature is
//! verified over the exact bytes of the file, with the key that is given and
//! never with one that comes along in the signature.

mod minisign;
mod sshsig;
pub(crate) mod wire;

use crate::base;
use crate::key::{Pair, PublicKey, SigningKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use vouch_convert::utf8;

/// What a signature of ours is for: it counts for nothing else, and none for anything else counts here.
pub const NAMESPACE: &str = "vouch-manifest";

/// A signature as it was read.
pub enum Signature {
    /// The bytes that a bare algorithm makes: Ed25519, RSA-SHA256 or ECDSA in DER.
    Plain(Vec<u8>),
    /// Of `ssh-keygen -Y sign`.
    Ssh(sshsig::SshSignature),
    /// Of minisign.
    Minisign(minisign::MiniSignature),
}

impl Signature {
    /// Reads a signature; `None` when it is in no format that is known.
    pub fn read(bytes: &[u8]) -> Option<Signature> {
        let text = utf8(bytes);
        if let Some(text) = text.filter(|text| text.contains("-----BEGIN SSH SIGNATURE-----")) {
            return sshsig::read(text).map(Signature::Ssh);
        }
        if let Some(text) = text.filter(|text| text.starts_with("untrusted comment:")) {
            return minisign::read(text).map(Signature::Minisign);
        }
        let plain = text.and_then(base::decode).unwrap_or_else(|| bytes.to_vec());
        (plain.len() >= 64 && plain.len() <= 1024).then_some(Signature::Plain(plain))
    }

    /// Its format in words.
    pub fn format(&self) -> &'static str {
        match self {
            Signature::Plain(bytes) if bytes.len() == 64 => "Ed25519",
            Signature::Plain(bytes) if bytes.len() >= 256 => "RSA",
            Signature::Plain(_) => "ECDSA",
            Signature::Ssh(_) => "SSH",
            Signature::Minisign(_) => "minisign",
        }
    }

    /// What minisign signed along with the file; empty without.
    pub fn comment(&self) -> &str {
        match self {
            Signature::Minisign(signature) => &signature.comment,
            _ => "",
        }
    }
}

/// Whether `key` made this signature of `message`.
pub fn verifies(signature: &Signature, message: &[u8], key: &PublicKey) -> bool {
    match signature {
        Signature::Plain(bytes) => plain_verifies(bytes, message, key),
        Signature::Ssh(signature) => sshsig::verifies(signature, message, key),
        Signature::Minisign(signature) => minisign::verifies(signature, message, key),
    }
}

fn plain_verifies(signature: &[u8], message: &[u8], key: &PublicKey) -> bool {
    let verified = match key {
        PublicKey::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key.as_slice()).verify(message, signature),
        PublicKey::Rsa(key) => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, signature),
        PublicKey::P256(key) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature),
        PublicKey::Minisign(..) => return false,
    };
    verified.is_ok()
}

/// Formats in which signatures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The bytes of the key's algorithm.
    Raw,
    /// The same as a line of base64.
    Base64,
    /// As `ssh-keygen -Y sign` writes it.
    Ssh,
    /// As minisign writes it.
    Minisign,
}

/// Signs exactly these bytes. `comment` is signed along in the minisign format, and unused elsewhere.
/// `None` when the key cannot sign in that format, or the system has no randomness.
pub fn sign(key: &SigningKey, message: &[u8], format: Format, comment: &str) -> Option<Vec<u8>> {
    match format {
        Format::Raw => raw(key, message),
        Format::Base64 => raw(key, message).map(|bytes| (base::encode(&bytes) + "\n").into_bytes()),
        Format::Ssh => sshsig::sign(key, message).map(String::into_bytes),
        Format::Minisign => minisign::sign(key, message, comment).map(String::into_bytes),
    }
}

fn raw(key: &SigningKey, message: &[u8]) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    match &key.pair {
        Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        Pair::Rsa(pair) => {
            let mut bytes = vec![0; pair.public().modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut bytes).ok()?;
            Some(bytes)
        }
        Pair::P256(pair, _) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
    }
}
