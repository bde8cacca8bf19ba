//! A server's RSA key, and a password encrypted with it.
//!
//! ```text
//! DER inside of PEM (RFC 5280, SubjectPublicKeyInfo; RFC 8017, RSAPublicKey); each item is a tag, a length, and
//! that many bytes:
//!   30 sequence
//!     30 sequence     which algorithm
//!     03 bits         0, the number of bits left over, and then:
//!       30 sequence
//!         02 integer  modulus
//!         02 integer  exponent
//! ```

use mysql_common::crypto::rsa::{GetRandom, Pkcs1OaepPadding, PublicKey};
use mysql_common::num_bigint::BigUint;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use vouch_convert::widen;

const SEQUENCE: u8 = 0x30;
const BITS: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// Bytes of a block that OAEP with SHA-1 takes for itself: two hashes and two more.
const PADDING: u64 = 42;

/// Bits of the keys that are taken: what servers make, and what can still be computed with.
const SIZES: std::ops::RangeInclusive<u64> = 1024..=16384;

/// `text` encrypted with the key in `pem`; `None` when that is no RSA key, or too short for the text.
pub fn encrypt(pem: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).ok()?;
    let (modulus, exponent) = numbers(der.as_ref())?;
    let (modulus, exponent) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
    let bits = modulus.bits();
    let room = (bits / 8).checked_sub(PADDING)?;
    let usable = SIZES.contains(&bits) && exponent.bits() <= 64 && widen(text.len()) < room;
    usable.then(|| PublicKey::new(modulus, exponent).encrypt_block(text, Pkcs1OaepPadding::new(GetRandom)))
}

/// Modulus and exponent.
fn numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, _) = item(der, SEQUENCE)?;
    let (_algorithm, rest) = item(key, SEQUENCE)?;
    let (bits, _) = item(rest, BITS)?;
    let (numbers, _) = item(bits.strip_prefix(&[0])?, SEQUENCE)?;
    let (modulus, rest) = item(numbers, INTEGER)?;
    let (exponent, _) = item(rest, INTEGER)?;
    Some((modulus, exponent))
}

/// The bytes of an item with that tag, and what stands behind it.
fn item(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (length, rest) = match rest {
        [0x81, length, rest @ ..] => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        [length @ 0..=0x7F, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA6zBrsHtfhOYwVZ85TdYm\n\
AAfuz0oJS/AKS1x9/FyM6M9Nz3zGeo4dDiNzjteqquKmj8roiz8blpzxxrKnqGe5\n\
ERWvhs73N/HSIL/wW5ctkosD2KbdnhYWd2SfyIAjGSVxfLXF1kdEn+IdlTpggMmT\n\
0/btFhuolAyX4X2ih83a11KNp9UGTkgvutpb79zn8DgI0g+KtUiilzOT2YXO7nF2\n\
DFgtK9Fi+FPmBctDNSAJL3AMdjhy/1BI2cTqVUyDMD9XInxS+40y4m87yEjSNzXW\n\
r9/l78oHT44tTTOCuy8B1U2AnLZUcTcCy/fdA7mE3lLUJ4p2x+FDKn4EnTPOQUTL\n\
VwIDAQAB\n\
-----END PUBLIC KEY-----";

    #[test]
    fn a_password_is_encrypted_into_one_block() {
        assert_eq!(encrypt(KEY.as_bytes(), b"s3cret\0").unwrap().len(), 256);
        assert_eq!(encrypt(KEY.as_bytes(), &[1; 300]), None);
        assert_eq!(encrypt(b"", b"s3cret"), None);
    }

    proptest! {
        #[test]
        fn a_damaged_key_is_none_or_another_and_never_a_panic(at in 0_usize..294, byte: u8) {
            let mut der = SubjectPublicKeyInfoDer::from_pem_slice(KEY.as_bytes()).unwrap().to_vec();
            der[at] = byte;
            let _ = numbers(&der);
            let _ = numbers(&der[..at]);
        }
    }
}
