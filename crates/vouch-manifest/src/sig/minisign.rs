//! Signatures of minisign: Ed25519 over BLAKE2b-512 of the file, and a comment that is signed too.

use crate::base;
use crate::key::{Pair, PublicKey, SigningKey};
use blake2::{Blake2b512, Digest};
use ring::signature::{ED25519, UnparsedPublicKey};
use vouch_convert::array;

const PREHASHED: &[u8] = b"ED";
const LEGACY: &[u8] = b"Ed";
const TRUSTED: &str = "trusted comment: ";

/// The parts of a signature.
pub struct MiniSignature {
    prehashed: bool,
    key: [u8; 8],
    bytes: [u8; 64],
    /// The trusted comment; to be believed once the signature is verified.
    pub comment: String,
    over_comment: [u8; 64],
}

/// Reads a signature; `None` when it is not whole.
pub fn read(text: &str) -> Option<MiniSignature> {
    let mut lines = text.lines();
    lines.next()?;
    let blob = base::decode(lines.next()?)?;
    let comment = lines.next()?.strip_prefix(TRUSTED)?.trim_end_matches('\r').to_owned();
    let over_comment = array(&base::decode(lines.next()?)?)?;
    if lines.any(|line| !line.trim().is_empty()) || blob.len() != 74 {
        return None;
    }
    let (algorithm, rest) = blob.split_at_checked(2)?;
    let (key, bytes) = rest.split_at_checked(8)?;
    let prehashed = match algorithm {
        PREHASHED => true,
        LEGACY => false,
        _ => return None,
    };
    Some(MiniSignature { prehashed, key: array(key)?, bytes: array(bytes)?, comment, over_comment })
}

/// Whether `key` made this signature of `message`, and signed its comment.
pub fn verifies(signature: &MiniSignature, message: &[u8], key: &PublicKey) -> bool {
    let (Some(id), Some(public)) = (key.minisign_id(), key.ed25519()) else { return false };
    let signed = if signature.prehashed { Blake2b512::digest(message).to_vec() } else { message.to_vec() };
    let verify = |message: &[u8], bytes: &[u8]| UnparsedPublicKey::new(&ED25519, public).verify(message, bytes).is_ok();
    id == signature.key
        && verify(&signed, &signature.bytes)
        && verify(&[&signature.bytes, signature.comment.as_bytes()].concat(), &signature.over_comment)
}

/// Signs; `None` for a key that is not Ed25519, and for a comment of several lines.
pub fn sign(key: &SigningKey, message: &[u8], comment: &str) -> Option<String> {
    let Pair::Ed25519(pair) = &key.pair else { return None };
    if comment.contains(['\n', '\r']) {
        return None;
    }
    let id = key.public().minisign_id()?;
    let bytes = pair.sign(&Blake2b512::digest(message));
    let over_comment = pair.sign(&[bytes.as_ref(), comment.as_bytes()].concat());
    Some(format!(
        "untrusted comment: signature of vouch\n{}\n{TRUSTED}{comment}\n{}\n",
        base::encode(&[PREHASHED, &id, bytes.as_ref()].concat()),
        base::encode(over_comment.as_ref())
    ))
}
