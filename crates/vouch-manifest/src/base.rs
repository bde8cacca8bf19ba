//! Base64 and PEM, strictly: one text for each sequence of bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The bytes of a base64 text. White space at the ends and between lines is allowed, nothing else is.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let joined: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(joined).ok().filter(|bytes| !bytes.is_empty())
}

/// One line of base64.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A block of PEM.
pub struct Pem {
    /// What stands behind BEGIN.
    pub label: String,
    /// The bytes in it.
    pub bytes: Vec<u8>,
}

/// The first block of PEM in a text; `None` when there is none, or it is not whole.
pub fn pem(text: &str) -> Option<Pem> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    // Old kinds of encryption say so in headers, which are no base64.
    Some(Pem { label: label.to_owned(), bytes: decode(body)? })
}

/// Bytes as a block of PEM with lines of `width` characters.
pub fn to_pem(label: &str, bytes: &[u8], width: usize) -> String {
    let text = encode(bytes);
    let lines: Vec<_> = text.as_bytes().chunks(width.max(1)).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pem_reads_back() {
        let bytes: Vec<u8> = (0..200).collect();
        let text = format!("noise\n{}noise", to_pem("PUBLIC KEY", &bytes, 64));
        let block = pem(&text).unwrap();
        assert_eq!((block.label.as_str(), block.bytes), ("PUBLIC KEY", bytes));
        assert!(pem("-----BEGIN X-----\nAAAA\n-----END Y-----\n").is_none());
    }

    #[test]
    fn bits_that_mean_nothing_must_be_zero() {
        assert_eq!(decode("QQ=="), Some(b"A".to_vec()));
        assert_eq!((decode("QR=="), decode("QQ"), decode("")), (None, None, None));
    }
}
