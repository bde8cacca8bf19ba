//! The checksum formulas of pages, and which of them holds: [`Method`].
//!
//! A file may mix formulas, since a page keeps the one that it was written
//! with: whichever fits is taken. Invariant: a page is accepted only when every
//! field that its formula writes is right.

mod classic;
mod full_crc32;
mod policy;
mod zip;

pub(crate) use full_crc32::compressed_length;
pub use policy::Strict;

use crate::Layout;

/// What stands in a checksum field when checksums are turned off.
pub(crate) const NO_CHECKSUM: u32 = 0xdead_beef;

/// The formula that a page was found to be sound by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// CRC-32C over two ranges.
    Crc32,
    /// The same as big-endian machines wrote it.
    Crc32BigEndian,
    /// The formula of old, by name `innodb`.
    Innodb,
    /// CRC-32C over everything.
    FullCrc32,
    /// CRC-32C over the page as MariaDB encrypted it.
    Encrypted,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 5] =
        [Method::Crc32, Method::Crc32BigEndian, Method::Innodb, Method::FullCrc32, Method::Encrypted];

    /// The name, as `innodb_checksum_algorithm` has it where it has one.
    pub fn name(self) -> &'static str {
        match self {
            Method::Crc32 => "crc32",
            Method::Crc32BigEndian => "crc32 big-endian",
            Method::Innodb => "innodb",
            Method::FullCrc32 => "full_crc32",
            Method::Encrypted => "crc32 of the encrypted page",
        }
    }
}

/// What the checksum fields of a page say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    Holds(Method),
    TurnedOff,
    Fails { stored: u32, computed: u32 },
}

/// Holds a page's checksum fields against every formula of the layout, `hint` first.
pub(crate) fn sum(page: &[u8], layout: Layout, hint: Method) -> Sum {
    let sum = match layout {
        Layout::Classic => classic::sum(page, hint),
        Layout::Zip => zip::sum(page),
        Layout::FullCrc32 => full_crc32::sum(page),
    };
    sum.unwrap_or(Sum::Fails { stored: 0, computed: 0 })
}

/// Whether MariaDB's checksum of an encrypted page, classic or zip, holds.
pub(crate) fn encrypted_holds(page: &[u8], layout: Layout) -> bool {
    match layout {
        Layout::Classic => classic::encrypted_holds(page),
        Layout::Zip => zip::encrypted_holds(page),
        Layout::FullCrc32 => false,
    }
}

/// CRC-32C of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}
