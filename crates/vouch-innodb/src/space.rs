//! How the pages of a tablespace are written, as the flags on page 0 tell: [`SpaceFormat`].
//!
//! Invariant: everything behind this file works on the format, and asks neither
//! for a vendor nor for a version.

use crate::PageSize;
use std::fmt;
use vouch_convert::{narrow, to_size};

/// Where the checksum stands and what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// A field at the start and one at the end; MySQL, and MariaDB before 10.5.
    Classic,
    /// One field, at the start: ROW_FORMAT=COMPRESSED.
    Zip,
    /// MariaDB's `full_crc32`: one field at the end, over everything.
    FullCrc32,
}

/// An algorithm that pages are compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// zlib.
    Zlib,
    /// LZ4 blocks.
    Lz4,
    /// LZO1X.
    Lzo,
    /// LZMA in an .xz container.
    Lzma,
    /// bzip2.
    Bzip2,
    /// Snappy.
    Snappy,
}

impl Codec {
    /// MariaDB's number of it.
    pub(crate) fn mariadb(number: u32) -> Option<Codec> {
        [Codec::Zlib, Codec::Lz4, Codec::Lzo, Codec::Lzma, Codec::Bzip2, Codec::Snappy]
            .get(narrow::<usize, _>(number.checked_sub(1)?)?)
            .copied()
    }

    /// MySQL's number of it.
    pub(crate) fn mysql(number: u8) -> Option<Codec> {
        match number {
            1 => Some(Codec::Zlib),
            2 => Some(Codec::Lz4),
            _ => None,
        }
    }

    /// `zlib`, `lz4`, `lzo`, `lzma`, `bzip2`, `snappy`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Zlib => "zlib",
            Codec::Lz4 => "lz4",
            Codec::Lzo => "lzo",
            Codec::Lzma => "lzma",
            Codec::Bzip2 => "bzip2",
            Codec::Snappy => "snappy",
        }
    }
}

/// The format of all pages of a tablespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpaceFormat {
    /// Bytes of a page in the file.
    pub physical: PageSize,
    /// Bytes of a page in memory; larger for ROW_FORMAT=COMPRESSED.
    pub logical: PageSize,
    /// Where checksums stand.
    pub layout: Layout,
    /// MariaDB compresses pages of this space.
    pub page_compressed: bool,
    /// With what, where the flags say so.
    pub codec: Option<Codec>,
    /// MySQL says that the space is encrypted.
    pub encrypted: bool,
    /// The space bears MySQL's serialized dictionary information.
    pub sdi: bool,
}

/// Flags that no server writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatError(
    /// The flags.
    pub u32,
);

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the flags 0x{:x} of page 0 belong to no format", self.0)
    }
}

/// Where extent descriptors begin, and what each has in front of its two bits a page.
const EXTENTS: usize = 150;
const EXTENT_ENTRY: usize = 24;
/// Set in `full_crc32` spaces alone: the sizes that classic flags hold never reach it.
const FULL_CRC32: u32 = 1 << 4;
const ENCRYPTION: u32 = 1 << 13;
const SDI: u32 = 1 << 14;
/// MariaDB's page compression in classic spaces.
const PAGE_COMPRESSION: u32 = 1 << 16;

impl SpaceFormat {
    /// The format that the flags on page 0 describe.
    ///
    /// # Errors
    /// No server writes such flags.
    pub fn from_flags(flags: u32) -> Result<SpaceFormat, FormatError> {
        let format = if flags & FULL_CRC32 != 0 { full_crc32(flags) } else { classic(flags) };
        format.ok_or(FormatError(flags))
    }

    /// A format of pages of this size, without anything special.
    pub fn plain(size: PageSize, layout: Layout) -> SpaceFormat {
        let logical = if layout == Layout::Zip { size.max(PageSize::DEFAULT) } else { size };
        SpaceFormat {
            physical: size,
            logical,
            layout,
            page_compressed: false,
            codec: None,
            encrypted: false,
            sdi: false,
        }
    }

    /// Whether the page of this number holds extent descriptors.
    pub fn is_extent_page(&self, page_no: u32) -> bool {
        page_no.is_multiple_of(self.pages_per_extent_page())
    }

    /// Where the descriptors of a page of extent descriptors end.
    pub(crate) fn extents_end(&self) -> usize {
        let extent_pages = self.logical.extent_pages();
        let entry_bytes = EXTENT_ENTRY + to_size(extent_pages / 4);
        EXTENTS + entry_bytes * to_size(self.pages_per_extent_page() / extent_pages)
    }

    /// Pages that one page of extent descriptors describes.
    pub fn pages_per_extent_page(&self) -> u32 {
        u32::try_from(self.physical.bytes()).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for SpaceFormat {
    /// `16 KiB, full_crc32, page_compressed zlib`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.physical)?;
        match self.layout {
            Layout::Classic => {}
            Layout::Zip => write!(f, ", row format compressed")?,
            Layout::FullCrc32 => write!(f, ", full_crc32")?,
        }
        match self.codec {
            Some(codec) => write!(f, ", page_compressed {}", codec.name())?,
            None if self.page_compressed => write!(f, ", page_compressed")?,
            None => {}
        }
        if self.encrypted { write!(f, ", encrypted") } else { Ok(()) }
    }
}

fn full_crc32(flags: u32) -> Option<SpaceFormat> {
    let size = PageSize::shifted(flags & 0xf).filter(|size| size.bytes() >= 4096)?;
    let algorithm = flags >> 5 & 0x7;
    let codec = if algorithm == 0 { None } else { Some(Codec::mariadb(algorithm)?) };
    let plain = SpaceFormat::plain(size, Layout::FullCrc32);
    (flags >> 8 == 0).then_some(SpaceFormat { page_compressed: codec.is_some(), codec, ..plain })
}

fn classic(flags: u32) -> Option<SpaceFormat> {
    let zip_shift = flags >> 1 & 0xf;
    let logical = match flags >> 6 & 0xf {
        0 => PageSize::DEFAULT,
        5 => return None,
        shift => PageSize::shifted(shift).filter(|size| size.bytes() >= 4096)?,
    };
    let physical = if zip_shift == 0 { logical } else { PageSize::shifted(zip_shift)? };
    if physical > logical || flags >> 17 != 0 || zip_shift > 0 && flags & 1 == 0 {
        return None;
    }
    Some(SpaceFormat {
        physical,
        logical,
        layout: if zip_shift == 0 { Layout::Classic } else { Layout::Zip },
        page_compressed: flags & PAGE_COMPRESSION != 0,
        codec: None,
        encrypted: flags & ENCRYPTION != 0,
        sdi: flags & SDI != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(flags: u32) -> (usize, usize, Layout) {
        let format = SpaceFormat::from_flags(flags).unwrap();
        (format.physical.bytes(), format.logical.bytes(), format.layout)
    }

    #[test]
    fn flags_of_real_files_are_understood() {
        let classic = [(0, 16_384), (0x4021, 16_384), (0x40e1, 4096), (0x4121, 8192), (0x41a1, 32_768)];
        for (flags, size) in classic.into_iter().chain([(0x41e1, 65_536), (0x4800, 16_384), (0x1c0, 65_536)]) {
            assert_eq!(format(flags), (size, size, Layout::Classic), "{flags:x}");
        }
        for (flags, size) in [(0x4023, 1024), (0x4029, 8192), (0x402b, 16_384), (0x4829, 8192)] {
            assert_eq!(format(flags), (size, 16_384, Layout::Zip), "{flags:x}");
        }
        for (flags, size) in [(0x15, 16_384), (0x13, 4096), (0x17, 65_536)] {
            assert_eq!(format(flags), (size, size, Layout::FullCrc32), "{flags:x}");
        }
        assert_eq!(SpaceFormat::from_flags(0x35).unwrap().codec, Some(Codec::Zlib));
        assert!(SpaceFormat::from_flags(0x6021).unwrap().encrypted);
    }

    #[test]
    fn descriptors_end_where_servers_write_on() {
        for (flags, end) in [(0x15, 10_390), (0x4021, 10_390), (0x40e1, 1558), (0x41e1, 41_110), (0x4029, 5270)] {
            assert_eq!(SpaceFormat::from_flags(flags).unwrap().extents_end(), end, "{flags:x}");
        }
    }

    #[test]
    fn flags_that_no_server_writes_are_refused() {
        for flags in [u32::MAX, 0x1f, 0x140, 1 << 17, 0xd | 1, 0xf5, 0x2] {
            assert_eq!(SpaceFormat::from_flags(flags), Err(FormatError(flags)), "{flags:x}");
        }
    }
}
