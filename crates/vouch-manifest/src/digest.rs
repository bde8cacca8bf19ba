//! SHA-256, of bytes that are at hand and of bytes as they come.

use ring::digest::{Context, SHA256, digest};

/// SHA-256 of bytes as they come.
pub struct Sha256(Context);

impl Default for Sha256 {
    fn default() -> Self {
        Sha256(Context::new(&SHA256))
    }
}

impl Sha256 {
    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest in 64 hexadecimal digits.
    pub fn finish_hex(self) -> String {
        hex(&self.finish())
    }

    /// The digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finish().as_ref().try_into().unwrap_or([0; 32])
    }

    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> [u8; 32] {
        digest(&SHA256, bytes).as_ref().try_into().unwrap_or([0; 32])
    }
}

/// The SHA-256 of `bytes` in 64 hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = Vec::with_capacity(bytes.len().saturating_mul(2));
    push_hex(bytes, &mut digits);
    digits.into_iter().map(char::from).collect()
}

/// Appends `bytes` as hexadecimal digits in lower case.
pub(crate) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digit =
        |half: u8| if half < 10 { b'0'.saturating_add(half) } else { b'a'.saturating_add(half).saturating_sub(10) };
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

/// The bytes of hexadecimal digits in lower case; `None` for anything else.
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit.saturating_sub(b'0')),
        b'a'..=b'f' => Some(digit.saturating_sub(b'a').saturating_add(10)),
        _ => None,
    };
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(value(high)? << 4 | value(low)?);
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sha_256() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut parts = Sha256::default();
        parts.update(b"a");
        parts.update(b"bc");
        assert_eq!((sha256_hex(b"abc").as_str(), parts.finish_hex().as_str()), (of_abc, of_abc));
        assert_eq!(hex(&Sha256::of(b"abc")), of_abc);
        assert_eq!(unhex(of_abc).as_deref(), Some(&Sha256::of(b"abc")[..]));
        assert_eq!((unhex("0"), unhex("0G"), unhex("AB"), unhex("")), (None, None, None, Some(Vec::new())));
    }
}
