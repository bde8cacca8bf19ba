//! The encoding of OpenSSH: strings with their length, and the keys made of them.

use crate::der;
use crate::key::{self, PublicKey};
use vouch_convert::{array, narrow};

/// Reads strings one after the other.
pub struct Wire<'a>(pub &'a [u8]);

impl<'a> Wire<'a> {
    /// A number of 4 bytes.
    pub fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    /// A string.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = narrow::<usize, _>(self.number()?)?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    /// The end of what is read.
    pub fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// `contents` with its length in front.
pub fn string(contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), contents].concat()
}

/// A positive number of any size, from its magnitude.
pub fn number(magnitude: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = magnitude.iter().copied().skip_while(|&digit| digit == 0).collect();
    if digits.first().is_some_and(|&first| first >= 0x80) {
        digits.insert(0, 0);
    }
    string(&digits)
}

/// A public key; `None` for other algorithms and for what is not whole.
pub fn public_key(blob: &[u8]) -> Option<PublicKey> {
    let mut wire = Wire(blob);
    let key = match wire.string()? {
        b"ssh-ed25519" => PublicKey::Ed25519(array(wire.string()?)?),
        b"ssh-rsa" => {
            let (exponent, modulus) = (wire.string()?, wire.string()?);
            key::rsa(&der::element(der::SEQUENCE, &[der::integer(modulus), der::integer(exponent)].concat()))?
        }
        b"ecdsa-sha2-nistp256" if wire.string()? == b"nistp256" => PublicKey::P256(array(wire.string()?)?),
        _ => return None,
    };
    wire.end().map(|()| key)
}

/// A public key's name and blob.
pub fn of_public_key(key: &PublicKey) -> (&'static str, Vec<u8>) {
    match key {
        PublicKey::Ed25519(key) | PublicKey::Minisign(_, key) => {
            ("ssh-ed25519", [string(b"ssh-ed25519"), string(key)].concat())
        }
        PublicKey::Rsa(key) => {
            let numbers = rsa_numbers(key).unwrap_or_default();
            ("ssh-rsa", [string(b"ssh-rsa"), number(numbers.1), number(numbers.0)].concat())
        }
        PublicKey::P256(key) => {
            let parts = [string(b"ecdsa-sha2-nistp256"), string(b"nistp256"), string(key)];
            ("ecdsa-sha2-nistp256", parts.concat())
        }
    }
}

/// Modulus and exponent.
fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inner, _) = der::take(key, der::SEQUENCE)?;
    let (modulus, rest) = der::take(inner, der::INTEGER)?;
    Some((modulus, der::take(rest, der::INTEGER)?.0))
}

/// The seed of an Ed25519 key in a private key file of OpenSSH without a passphrase.
pub fn private_seed(bytes: &[u8]) -> Option<[u8; 32]> {
    let mut wire = Wire(bytes.strip_prefix(b"openssh-key-v1\0")?);
    if (wire.string()?, wire.string()?) != (b"none", b"none") {
        return None;
    }
    wire.string()?;
    let (1, _public) = (wire.number()?, wire.string()?) else { return None };
    let mut inner = Wire(wire.string()?);
    if inner.number()? != inner.number()? || inner.string()? != b"ssh-ed25519" {
        return None;
    }
    inner.string()?;
    inner.string()?.first_chunk().copied()
}
