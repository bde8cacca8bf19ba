//! Pages whose checksum is of another algorithm than asked for: [`other_algorithm`].

use super::Algorithm;
use vouch_innodb::{Method, PageVerdict};

impl Algorithm {
    /// As `innodb_checksum_algorithm` has it.
    fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "crc32",
            Algorithm::Innodb => "innodb",
            Algorithm::None => "none",
        }
    }
}

/// The algorithm of a sound page, where it is not the one that was asked for.
pub(super) fn other_algorithm(asked: Algorithm, verdict: &PageVerdict) -> Option<(&'static str, &'static str)> {
    let found = match verdict {
        PageVerdict::Sound(Method::Crc32 | Method::Crc32BigEndian) => Algorithm::Crc32.name(),
        PageVerdict::Sound(Method::Innodb) => Algorithm::Innodb.name(),
        PageVerdict::Sound(other) => other.name(),
        PageVerdict::Unprotected => Algorithm::None.name(),
        _ => return None,
    };
    (found != asked.name()).then_some((asked.name(), found))
}
