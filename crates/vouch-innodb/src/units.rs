//! Numbers that must not be mixed up: [`PageSize`], [`PageNo`], [`SpaceId`], [`Lsn`].

use std::fmt;
use vouch_convert::to_size;

/// Bytes of a page: a power of two from 1024 to 65536.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageSize(u32);

impl PageSize {
    /// The size of most servers' pages.
    pub const DEFAULT: PageSize = PageSize(16_384);

    /// A size that InnoDB has.
    pub fn new(bytes: u32) -> Option<PageSize> {
        (bytes.is_power_of_two() && (1024..=65_536).contains(&bytes)).then_some(PageSize(bytes))
    }

    /// The size that flags write as `512 << shift`.
    pub(crate) fn shifted(shift: u32) -> Option<PageSize> {
        512_u32.checked_shl(shift).and_then(PageSize::new)
    }

    /// In bytes.
    pub fn bytes(self) -> usize {
        to_size(self.0)
    }

    /// In bytes.
    pub fn bytes_u64(self) -> u64 {
        u64::from(self.0)
    }

    /// Pages of an extent, for a logical page of this size.
    pub fn extent_pages(self) -> u32 {
        match self.0 {
            ..=4096 => 256,
            8192 => 128,
            _ => 64,
        }
    }
}

impl fmt::Display for PageSize {
    /// `16 KiB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB", self.0 / 1024)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The number of a page in its tablespace, from 0.
    PageNo u32
}
number! {
    /// The number of a tablespace in its instance.
    SpaceId u32
}
number! {
    /// A log sequence number: a byte of the redo log since the instance was made.
    Lsn u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sizes_that_exist_are_taken() {
        for bytes in [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536] {
            assert_eq!(PageSize::new(bytes).map(PageSize::bytes), Some(bytes as usize));
        }
        for bytes in [0, 512, 1000, 131_072] {
            assert_eq!(PageSize::new(bytes), None);
        }
        assert_eq!(PageSize::shifted(40), None);
    }
}
