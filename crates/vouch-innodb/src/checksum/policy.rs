//! Which formulas are accepted, where not every one is: [`Strict`].

use super::Method;
use crate::PageVerdict;

/// The one formula that the pages of a file without flags for it may have. Of `full_crc32` files and
/// encrypted pages the file itself says what they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strict {
    /// CRC-32C, on machines of either kind.
    Crc32,
    /// The formula of old.
    Innodb,
    /// No checksum.
    Unprotected,
}

impl Strict {
    /// The name of the formula that a good page has and may not have.
    pub(crate) fn refused(self, verdict: PageVerdict) -> Option<&'static str> {
        match (self, verdict) {
            (_, PageVerdict::Sound(Method::FullCrc32 | Method::Encrypted))
            | (Strict::Crc32, PageVerdict::Sound(Method::Crc32 | Method::Crc32BigEndian))
            | (Strict::Innodb, PageVerdict::Sound(Method::Innodb))
            | (Strict::Unprotected, PageVerdict::Unprotected) => None,
            (_, PageVerdict::Sound(method)) => Some(method.name()),
            (_, PageVerdict::Unprotected) => Some("none"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_takes_its_own_and_what_files_say_themselves() {
        let all = [Strict::Crc32, Strict::Innodb, Strict::Unprotected];
        let by = |verdict| all.map(|strict| strict.refused(verdict));
        assert_eq!(by(PageVerdict::Sound(Method::Crc32)), [None, Some("crc32"), Some("crc32")]);
        assert_eq!(by(PageVerdict::Sound(Method::Innodb)), [Some("innodb"), None, Some("innodb")]);
        assert_eq!(by(PageVerdict::Unprotected), [Some("none"), Some("none"), None]);
        assert_eq!(by(PageVerdict::Sound(Method::FullCrc32)), [None; 3]);
        assert_eq!(by(PageVerdict::Empty), [None; 3]);
    }
}
