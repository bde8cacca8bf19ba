//! What a page came to: [`PageVerdict`].

use crate::{Lsn, Method, PageNo, SpaceId};
use std::fmt;

/// The judgement on one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageVerdict {
    /// Its checksum holds, and it is where it says that it is.
    Sound(Method),
    /// It bears the mark of `innodb_checksum_algorithm=none`: nothing protects it.
    Unprotected,
    /// All zero: never written, or freed.
    Empty,
    /// What could be looked at is right; the rest needs something that is not here.
    Unverified(Lack),
    /// It is damaged.
    Bad(Fault),
}

/// What is needed to verify a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The key that it is encrypted with.
    Key,
}

impl Lack {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Lack::Key => "they are encrypted, and there is no key",
        }
    }
}

/// What is wrong with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No checksum formula fits.
    Checksum {
        /// What stands there.
        stored: u32,
        /// What the usual formula of the format gives.
        computed: u32,
    },
    /// The LSN at the start and the one at the end are not of one write.
    Torn {
        /// The LSN at the start.
        head: Lsn,
        /// The low half of the LSN at the end.
        tail: u32,
    },
    /// It is another page, in the wrong place.
    Misplaced(PageNo),
    /// It is a page of another tablespace.
    Foreign(SpaceId),
    /// It is sound by this formula, which the policy does not accept.
    Algorithm(&'static str),
    /// It does not decompress to a page.
    Undecodable(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Checksum { stored, computed } => {
                write!(f, "the checksum is 0x{stored:08x}, the contents have 0x{computed:08x}")
            }
            Fault::Torn { head, tail } => {
                write!(f, "the page was written in part: LSN {head} at its start, …{tail:08x} (low half) at its end")
            }
            Fault::Misplaced(page) => write!(f, "the page says that it is page {page}"),
            Fault::Foreign(space) => write!(f, "the page says that it belongs to tablespace {space}"),
            Fault::Algorithm(name) => write!(f, "the page has a checksum by {name}, which --algorithm does not accept"),
            Fault::Undecodable(why) => write!(f, "the page does not decompress: {why}"),
        }
    }
}
