//! Signatures of `ssh-keygen -Y sign`: SSHSIG, version 1.

use super::NAMESPACE;
use super::wire::{self, Wire};
use crate::base;
use crate::key::{Pair, PublicKey, SigningKey};
use ring::digest::{SHA256, SHA512, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA512,
    UnparsedPublicKey,
};

const MAGIC: &[u8] = b"SSHSIG";
const LABEL: &str = "SSH SIGNATURE";

/// The parts of a signature.
pub struct SshSignature {
    key: Vec<u8>,
    namespace: Vec<u8>,
    hash: Vec<u8>,
    algorithm: Vec<u8>,
    bytes: Vec<u8>,
}

/// Reads a signature; `None` when it is not whole or of another version.
pub fn read(text: &str) -> Option<SshSignature> {
    let block = base::pem(text).filter(|block| block.label == LABEL)?;
    let mut wire = Wire(block.bytes.strip_prefix(MAGIC)?);
    let 1 = wire.number()? else { return None };
    let (key, namespace) = (wire.string()?.to_vec(), wire.string()?.to_vec());
    // What is reserved must be ignored, says the format; ours is always empty, and so must this be.
    let b"" = wire.string()? else { return None };
    let hash = wire.string()?.to_vec();
    let mut inner = Wire(wire.string()?);
    wire.end()?;
    let (algorithm, bytes) = (inner.string()?.to_vec(), inner.string()?.to_vec());
    inner.end()?;
    Some(SshSignature { key, namespace, hash, algorithm, bytes })
}

/// What is signed in place of the message.
fn signed(hash: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let digest = match hash {
        b"sha512" => digest(&SHA512, message),
        b"sha256" => digest(&SHA256, message),
        _ => return None,
    };
    let strings = [NAMESPACE.as_bytes(), b"", hash, digest.as_ref()].map(wire::string);
    Some([MAGIC, &strings.concat()].concat())
}

/// Whether `key` made this signature of `message`, for manifests and nothing else.
pub fn verifies(signature: &SshSignature, message: &[u8], key: &PublicKey) -> bool {
    let ours = wire::of_public_key(key).1 == signature.key && signature.namespace == NAMESPACE.as_bytes();
    let Some(signed) = signed(&signature.hash, message).filter(|_| ours) else { return false };
    let verify =
        |algorithm, key: &[u8], bytes: &[u8]| UnparsedPublicKey::new(algorithm, key).verify(&signed, bytes).is_ok();
    match (key, signature.algorithm.as_slice()) {
        (PublicKey::Ed25519(key) | PublicKey::Minisign(_, key), b"ssh-ed25519") => {
            verify(&ED25519, key, &signature.bytes)
        }
        (PublicKey::Rsa(key), b"rsa-sha2-512") => verify(&RSA_PKCS1_2048_8192_SHA512, key, &signature.bytes),
        (PublicKey::Rsa(key), b"rsa-sha2-256") => verify(&RSA_PKCS1_2048_8192_SHA256, key, &signature.bytes),
        (PublicKey::P256(key), b"ecdsa-sha2-nistp256") => {
            numbers(&signature.bytes).is_some_and(|bytes| verify(&ECDSA_P256_SHA256_FIXED, key, &bytes))
        }
        _ => false,
    }
}

/// The two numbers of an ECDSA signature, 32 bytes each.
fn numbers(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut wire = Wire(bytes);
    let mut fixed = || {
        let number = wire.string()?;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        Some([vec![0; 32_usize.checked_sub(number.len())?], number.to_vec()].concat())
    };
    let both = [fixed()?, fixed()?].concat();
    wire.end().map(|()| both)
}

/// Signs for manifests; `None` when the system has no randomness.
pub fn sign(key: &SigningKey, message: &[u8]) -> Option<String> {
    const HASH: &[u8] = b"sha512";
    let signed = signed(HASH, message)?;
    let random = SystemRandom::new();
    let (algorithm, bytes): (&[u8], Vec<u8>) = match &key.pair {
        Pair::Ed25519(pair) => (b"ssh-ed25519", pair.sign(&signed).as_ref().to_vec()),
        Pair::Rsa(pair) => {
            let mut bytes = vec![0; pair.public().modulus_len()];
            pair.sign(&RSA_PKCS1_SHA512, &random, &signed, &mut bytes).ok()?;
            (b"rsa-sha2-512", bytes)
        }
        Pair::P256(_, pair) => {
            let bytes = pair.sign(&random, &signed).ok()?;
            let (r, s) = bytes.as_ref().split_at_checked(32)?;
            (b"ecdsa-sha2-nistp256", [wire::number(r), wire::number(s)].concat())
        }
    };
    let signature = [wire::string(algorithm), wire::string(&bytes)].concat();
    let public = wire::of_public_key(&key.public()).1;
    let strings = [public.as_slice(), NAMESPACE.as_bytes(), b"", HASH, &signature].map(wire::string);
    Some(base::to_pem(LABEL, &[MAGIC, &1_u32.to_be_bytes(), &strings.concat()].concat(), 70))
}
