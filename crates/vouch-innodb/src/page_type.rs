//! What a page is for: [`PageType`].

use std::borrow::Cow;

/// The type field of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageType(pub u16);

impl PageType {
    /// Freshly allocated, or of an old version.
    pub const ALLOCATED: PageType = PageType(0);
    /// Descriptions of segments.
    pub const INODES: PageType = PageType(3);
    /// Page 0.
    pub const FSP_HEADER: PageType = PageType(8);
    /// A later page of extent descriptors.
    pub const EXTENTS: PageType = PageType(9);
    /// A part of a long value.
    pub const BLOB: PageType = PageType(10);
    /// A part of a compressed long value.
    pub const ZBLOB: PageType = PageType(11);
    /// A later part of one.
    pub const ZBLOB_NEXT: PageType = PageType(12);
    /// A part of compressed dictionary information.
    pub const SDI_ZBLOB: PageType = PageType(19);
    /// More of the index of a long value.
    pub const LOB_INDEX: PageType = PageType(22);
    /// A part of a long value that is in its index.
    pub const LOB_DATA: PageType = PageType(23);
    /// The first part of a long value, with its index.
    pub const LOB_FIRST: PageType = PageType(24);
    /// The first part of a long value of ROW_FORMAT=COMPRESSED, with its index.
    pub const ZLOB_FIRST: PageType = PageType(25);
    /// Parts of such a value.
    pub const ZLOB_DATA: PageType = PageType(26);
    /// Small parts of such a value.
    pub const ZLOB_FRAGMENTS: PageType = PageType(28);
    /// Transparently compressed by MySQL.
    pub const MYSQL_COMPRESSED: PageType = PageType(14);
    /// Encrypted by MySQL.
    pub const MYSQL_ENCRYPTED: PageType = PageType(15);
    /// Compressed, then encrypted by MySQL.
    pub const MYSQL_COMPRESSED_ENCRYPTED: PageType = PageType(16);
    /// An R-tree page encrypted by MySQL.
    pub const MYSQL_ENCRYPTED_RTREE: PageType = PageType(17);
    /// MariaDB's clustered root after an instant ALTER; MySQL's BLOB of SDI.
    pub const INSTANT: PageType = PageType(18);
    /// A node of the tree of serialized dictionary information.
    pub const SDI: PageType = PageType(17_853);
    /// A node of a spatial index.
    pub const RTREE: PageType = PageType(17_854);
    /// A node of a B-tree.
    pub const INDEX: PageType = PageType(17_855);
    /// Compressed by MariaDB, outside `full_crc32`.
    pub const MARIADB_COMPRESSED: PageType = PageType(34_354);
    /// The same, encrypted.
    pub const MARIADB_COMPRESSED_ENCRYPTED: PageType = PageType(37_401);

    /// Whether the page is a node of a B-tree or R-tree that is always laid out as one.
    pub fn is_node(self) -> bool {
        matches!(self, PageType::INDEX | PageType::RTREE | PageType::SDI)
    }

    /// Whether the body stands there encrypted, by MySQL.
    pub fn is_mysql_encrypted(self) -> bool {
        matches!(
            self,
            PageType::MYSQL_ENCRYPTED | PageType::MYSQL_COMPRESSED_ENCRYPTED | PageType::MYSQL_ENCRYPTED_RTREE
        )
    }

    /// A word for people.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self.0 {
            0 => "allocated",
            2 => "undo",
            3 => "inode",
            4 => "insert buffer free list",
            5 => "insert buffer bitmap",
            6 => "system",
            7 => "transaction system",
            8 => "space header",
            9 => "extent descriptor",
            10 => "blob",
            11 | 12 => "compressed blob",
            13 => "unknown",
            14 => "compressed",
            15 | 17 => "encrypted",
            16 => "compressed and encrypted",
            18 => "sdi blob or instant root",
            19 => "compressed sdi blob",
            21 => "rollback segment array",
            22 => "lob index",
            23 => "lob data",
            24 => "lob first",
            25..=29 => "compressed lob",
            17_853 => "sdi",
            17_854 => "r-tree",
            17_855 => "index",
            34_354 => "page_compressed",
            37_401 => "page_compressed and encrypted",
            0x8000..=0x80ff => "page_compressed",
            other => return Cow::Owned(format!("type {other}")),
        })
    }
}
