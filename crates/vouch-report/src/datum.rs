//! A value of a row, with its type: [`Datum`].
//!
//! Invariant: two values that differ never print alike as a type with its content, whatever characters or bytes they
//! hold: NULL is not the text `NULL`, and bytes are not the text that spells them.

use std::fmt;

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Datum {
    /// NULL.
    Null,
    /// A text, or a number or a time as it is written.
    Text(String),
    /// Bytes that are not printable text.
    Bytes(Vec<u8>),
    /// A value too long to be kept in full; never one of a key.
    Excerpt {
        /// How it begins.
        start: String,
        /// Its length.
        bytes: u64,
        /// XXH3 of the whole value, 128 bits in hexadecimal digits.
        xxh3: String,
    },
}

/// As one line of text, which types share: `NULL`, the text itself, `0x…`.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Null => f.write_str("NULL"),
            Datum::Text(text) => f.write_str(text),
            Datum::Bytes(bytes) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
            Datum::Excerpt { start, bytes, xxh3 } => write!(f, "{start}… ({bytes} bytes, XXH3 {xxh3})"),
        }
    }
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Datum::Text(text.to_owned())
    }
}

impl From<String> for Datum {
    fn from(text: String) -> Self {
        Datum::Text(text)
    }
}
