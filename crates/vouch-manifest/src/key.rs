//! Keys: [`PublicKey`] verifies, [`SigningKey`] signs; and the files that they come in.
//!
//! Invariant: a key that is read is one of Ed25519, RSA of 2048 to 8192 bits, or ECDSA P-256.

use crate::base;
use crate::der::{self, BIT_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE};
use crate::digest::Sha256;
use crate::sig::wire;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use vouch_convert::array;

const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const NULL: [u8; 2] = [5, 0];

/// A key that signatures are verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// 32 bytes.
    Ed25519([u8; 32]),
    /// As minisign keeps it: its own id, and an Ed25519 key.
    Minisign([u8; 8], [u8; 32]),
    /// Modulus and exponent as DER.
    Rsa(Vec<u8>),
    /// An uncompressed point of P-256.
    P256([u8; 65]),
}

impl PublicKey {
    /// Reads a key of PEM (SPKI), of OpenSSH (`ssh-ed25519 AAAA…`), or of minisign.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<PublicKey, &'static str> {
        if let Some(block) = base::pem(text) {
            return match block.label.as_str() {
                "PUBLIC KEY" => of_spki(&block.bytes).ok_or("it is no Ed25519, RSA or P-256 key"),
                label if label.contains("PRIVATE") => Err("it is a private key"),
                _ => Err("it is no public key"),
            };
        }
        let line =
            text.lines().map(str::trim).rfind(|line| !line.is_empty() && !line.starts_with("untrusted comment:"));
        let line = line.ok_or("it is empty")?;
        let blob = line.split_ascii_whitespace().find_map(|word| base::decode(word).filter(|blob| blob.len() > 40));
        let blob = blob.ok_or("it is in no format that is known")?;
        of_minisign(&blob).or_else(|| wire::public_key(&blob)).ok_or("it is no Ed25519, RSA or P-256 key")
    }

    /// The Ed25519 key in it.
    pub(crate) fn ed25519(&self) -> Option<&[u8; 32]> {
        match self {
            PublicKey::Ed25519(key) | PublicKey::Minisign(_, key) => Some(key),
            _ => None,
        }
    }

    /// The id by which minisign knows it; for a key that is not minisign's own, made of its digest.
    pub(crate) fn minisign_id(&self) -> Option<[u8; 8]> {
        match self {
            PublicKey::Minisign(id, _) => Some(*id),
            PublicKey::Ed25519(key) => Sha256::of(key).first_chunk().copied(),
            _ => None,
        }
    }

    /// `ed25519`, `rsa`, `ecdsa-p256`.
    pub fn algorithm(&self) -> &'static str {
        match self {
            PublicKey::Ed25519(_) | PublicKey::Minisign(..) => "ed25519",
            PublicKey::Rsa(_) => "rsa",
            PublicKey::P256(_) => "ecdsa-p256",
        }
    }

    /// As PEM (SPKI), which `openssl` reads.
    pub fn to_pem(&self) -> String {
        let with_parameters = |oid: &[u8], parameters: &[u8]| [der::element(OID, oid), parameters.to_vec()].concat();
        let (algorithm, key) = match self {
            PublicKey::Ed25519(key) | PublicKey::Minisign(_, key) => (der::element(OID, OID_ED25519), key.to_vec()),
            PublicKey::Rsa(key) => (with_parameters(OID_RSA, &NULL), key.clone()),
            PublicKey::P256(key) => (with_parameters(OID_EC, &der::element(OID, OID_P256)), key.to_vec()),
        };
        let bits = der::element(BIT_STRING, &[vec![0], key].concat());
        base::to_pem("PUBLIC KEY", &der::element(SEQUENCE, &[der::element(SEQUENCE, &algorithm), bits].concat()), 64)
    }

    /// As a line that `ssh-keygen` takes in a file of allowed signers, without the principal.
    pub fn to_ssh(&self) -> String {
        let (name, blob) = wire::of_public_key(self);
        format!("{name} {}", base::encode(&blob))
    }

    /// As `minisign` keeps it; `None` for a key that is not Ed25519.
    pub fn to_minisign(&self) -> Option<String> {
        let (id, key) = (self.minisign_id()?, self.ed25519()?);
        Some(base::encode(&[b"Ed".as_slice(), &id, key].concat()))
    }

    /// SHA-256 of the key as `ssh-keygen` knows it, in 64 hexadecimal digits: the same whatever file it came in.
    pub fn fingerprint(&self) -> String {
        crate::digest::sha256_hex(&wire::of_public_key(self).1)
    }
}

fn of_minisign(blob: &[u8]) -> Option<PublicKey> {
    let rest = blob.strip_prefix(b"Ed").filter(|rest| rest.len() == 40)?;
    let (id, key) = rest.split_at_checked(8)?;
    Some(PublicKey::Minisign(array(id)?, array(key)?))
}

fn of_spki(bytes: &[u8]) -> Option<PublicKey> {
    let (spki, []) = der::take(bytes, SEQUENCE)? else { return None };
    let (algorithm, rest) = der::take(spki, SEQUENCE)?;
    let (bits, []) = der::take(rest, BIT_STRING)? else { return None };
    let key = bits.strip_prefix(&[0])?;
    let (oid, parameters) = der::take(algorithm, OID)?;
    match oid {
        OID_ED25519 => Some(PublicKey::Ed25519(array(key)?)),
        OID_RSA => rsa(key),
        OID_EC if der::take(parameters, OID)?.0 == OID_P256 => Some(PublicKey::P256(array(key)?)),
        _ => None,
    }
}

/// An RSA key in DER, if its modulus has 2048 to 8192 bits.
pub(crate) fn rsa(key: &[u8]) -> Option<PublicKey> {
    let (inner, []) = der::take(key, SEQUENCE)? else { return None };
    let (modulus, rest) = der::take(inner, INTEGER)?;
    let (_, []) = der::take(rest, INTEGER)? else { return None };
    let bytes = modulus.iter().skip_while(|&&byte| byte == 0).count();
    (256..=1024).contains(&bytes).then(|| PublicKey::Rsa(key.to_vec()))
}

/// A key that signs.
pub struct SigningKey {
    pub(crate) pair: Pair,
}

/// What signs.
pub(crate) enum Pair {
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    /// Made twice, for signatures in DER and in two numbers of 32 bytes.
    P256(Box<EcdsaKeyPair>, Box<EcdsaKeyPair>),
}

impl SigningKey {
    /// A new Ed25519 key, and the PEM (PKCS#8) to keep it in; `None` when the system has no randomness.
    pub fn generate() -> Option<(SigningKey, String)> {
        let mut seed = [0_u8; 32];
        SystemRandom::new().fill(&mut seed).ok()?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        Some((SigningKey { pair: Pair::Ed25519(pair) }, base::to_pem("PRIVATE KEY", &ed25519_pkcs8(&seed), 64)))
    }

    /// Reads a private key of PEM: PKCS#8, RSA, EC or OpenSSH, without a passphrase.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<SigningKey, &'static str> {
        let block = base::pem(text).ok_or("it is no PEM")?;
        let pair = match block.label.as_str() {
            "PRIVATE KEY" => of_pkcs8(&block.bytes),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&block.bytes).ok().map(Pair::Rsa),
            "EC PRIVATE KEY" => of_pkcs8(&ec_pkcs8(&block.bytes)),
            "OPENSSH PRIVATE KEY" => wire::private_seed(&block.bytes).and_then(|seed| of_pkcs8(&ed25519_pkcs8(&seed))),
            "ENCRYPTED PRIVATE KEY" => return Err("it is encrypted; decrypt it with `openssl pkey` first"),
            label if label.contains("ENCRYPTED") => return Err("it is encrypted; sign with the tool that made it"),
            _ => return Err("it is no private key"),
        };
        pair.map(|pair| SigningKey { pair })
            .ok_or("it is no Ed25519, RSA (2048 bit or more) or P-256 key without a passphrase")
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        match &self.pair {
            Pair::Ed25519(pair) => PublicKey::Ed25519(pair.public_key().as_ref().try_into().unwrap_or([0; 32])),
            Pair::Rsa(pair) => PublicKey::Rsa(pair.public_key().as_ref().to_vec()),
            Pair::P256(pair, _) => PublicKey::P256(pair.public_key().as_ref().try_into().unwrap_or([0; 65])),
        }
    }
}

fn of_pkcs8(bytes: &[u8]) -> Option<Pair> {
    let random = SystemRandom::new();
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes) {
        return Some(Pair::Ed25519(pair));
    }
    if let Ok(pair) = RsaKeyPair::from_pkcs8(bytes) {
        return Some(Pair::Rsa(pair));
    }
    let pair = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, bytes, &random).ok().map(Box::new);
    Some(Pair::P256(pair(&ECDSA_P256_SHA256_ASN1_SIGNING)?, pair(&ECDSA_P256_SHA256_FIXED_SIGNING)?))
}

fn pkcs8(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let parts = [der::integer(&[]), der::element(SEQUENCE, algorithm), der::element(OCTET_STRING, key)];
    der::element(SEQUENCE, &parts.concat())
}

fn ed25519_pkcs8(seed: &[u8; 32]) -> Vec<u8> {
    pkcs8(&der::element(OID, OID_ED25519), &der::element(OCTET_STRING, seed))
}

/// The curve stands in the key itself there; outside P-256 the key does not fit, and is refused.
fn ec_pkcs8(sec1: &[u8]) -> Vec<u8> {
    pkcs8(&[der::element(OID, OID_EC), der::element(OID, OID_P256)].concat(), sec1)
}
