//! The types of pages as innochecksum knows them, and the line for each page: [`Kind`], [`dump_line`].

use super::Dialect;
use vouch_innodb::{FilHeader, IndexFacts, PageType, UndoFacts};

/// A type of page that is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Index,
    SdiIndex,
    Undo,
    Inode,
    BufferFree,
    Allocated,
    BufferBitmap,
    System,
    Transactions,
    SpaceHeader,
    Extents,
    Blob,
    ZipBlob,
    LaterZipBlob,
    SdiBlob,
    SdiZipBlob,
    Compressed,
    CompressedEncrypted,
    Other,
}

impl Kind {
    /// Those that a summary lists, in its order.
    pub(super) fn listed(dialect: Dialect) -> impl Iterator<Item = Kind> {
        use Kind::*;
        let all = [
            Index,
            SdiIndex,
            Undo,
            Inode,
            BufferFree,
            Allocated,
            BufferBitmap,
            System,
            Transactions,
            SpaceHeader,
            Extents,
            Blob,
            ZipBlob,
            LaterZipBlob,
            SdiBlob,
            SdiZipBlob,
            Compressed,
            CompressedEncrypted,
            Other,
        ];
        let of_the_other: &[Kind] = match dialect {
            Dialect::Mysql => &[Compressed, CompressedEncrypted],
            Dialect::Mariadb => &[SdiIndex, LaterZipBlob, SdiBlob, SdiZipBlob],
        };
        all.into_iter().filter(|kind| !of_the_other.contains(kind))
    }

    /// The kind of a page of this type.
    pub(super) fn of(page_type: PageType, dialect: Dialect) -> Kind {
        let mysql = dialect == Dialect::Mysql;
        match page_type.0 {
            17_855 => Kind::Index,
            17_853 if mysql => Kind::SdiIndex,
            2 => Kind::Undo,
            3 => Kind::Inode,
            4 => Kind::BufferFree,
            0 => Kind::Allocated,
            5 => Kind::BufferBitmap,
            6 => Kind::System,
            7 => Kind::Transactions,
            8 => Kind::SpaceHeader,
            9 => Kind::Extents,
            10 => Kind::Blob,
            11 => Kind::ZipBlob,
            12 if mysql => Kind::LaterZipBlob,
            12 => Kind::ZipBlob,
            18 if mysql => Kind::SdiBlob,
            19 if mysql => Kind::SdiZipBlob,
            34_354 if !mysql => Kind::Compressed,
            37_401 if !mysql => Kind::CompressedEncrypted,
            _ => Kind::Other,
        }
    }

    /// As a summary calls it.
    pub(super) fn counted_as(self) -> &'static str {
        match self {
            Kind::BufferBitmap => "Insert buffer bitmap",
            other => other.label().0,
        }
    }

    /// As a dump calls it, and the tabs that fill the column.
    fn label(self) -> (&'static str, &'static str) {
        match self {
            Kind::Index => ("Index page", "\t\t\t"),
            Kind::SdiIndex => ("SDI Index page", "\t\t\t"),
            Kind::Undo => ("Undo log page", "\t\t\t"),
            Kind::Inode => ("Inode page", "\t\t\t"),
            Kind::BufferFree => ("Insert buffer free list page", "\t"),
            Kind::Allocated => ("Freshly allocated page", "\t\t"),
            Kind::BufferBitmap => ("Insert Buffer Bitmap", "\t\t"),
            Kind::System => ("System page", "\t\t\t"),
            Kind::Transactions => ("Transaction system page", "\t\t"),
            Kind::SpaceHeader => ("File Space Header", "\t\t"),
            Kind::Extents => ("Extent descriptor page", "\t\t"),
            Kind::Blob => ("BLOB page", "\t\t\t"),
            Kind::ZipBlob => ("Compressed BLOB page", "\t\t"),
            Kind::LaterZipBlob => ("Subsequent Compressed BLOB page", "\t"),
            Kind::SdiBlob => ("SDI BLOB page", "\t\t\t"),
            Kind::SdiZipBlob => ("Compressed SDI BLOB page", "\t"),
            Kind::Compressed => ("Page compressed page", "\t"),
            Kind::CompressedEncrypted => ("Page compressed encrypted page", "\t"),
            Kind::Other => ("Other type of page", "\t\t"),
        }
    }
}

/// What stands above the lines of a file.
pub(super) fn dump_head(file: &str) -> String {
    let rule = "=".repeat(78);
    format!("\n\nFilename::{file}\n{rule}\n\tPAGE_NO\t\t|\t\tPAGE_TYPE\t\t\t|\tEXTRA INFO\n{rule}\n")
}

/// The line of a page. `key_version` is that of a page that MariaDB has encrypted, or 0.
pub(super) fn dump_line(dialect: Dialect, no: u32, page: &[u8], key_version: u32, in_doublewrite: bool) -> String {
    let page_type = FilHeader::read(page).map_or(PageType::ALLOCATED, |header| header.page_type);
    let kind = Kind::of(page_type, dialect);
    let last = if in_doublewrite { "Double_write_buffer" } else { "-" };
    let number = match dialect {
        Dialect::Mysql => format!("#::{no:8}"),
        Dialect::Mariadb => format!("#::{no}"),
    };
    let (label, tabs) = kind.label();
    if kind == Kind::Index && key_version > 0 {
        return format!("{number}\t\t|\t\tEncrypted {label}{tabs}|\tkey_version {key_version},{last}\n");
    }
    let extra = match kind {
        Kind::Index | Kind::SdiIndex => index_extra(page),
        Kind::Undo => undo_extra(dialect, page),
        Kind::Other => format!("\ttype {} ({}), ", page_type.0, page_type.name()),
        _ => "\t".to_owned(),
    };
    format!("{number}\t\t|\t\t{label}{tabs}|{extra}{last}\n")
}

fn index_extra(page: &[u8]) -> String {
    let Some(facts) = IndexFacts::read(page) else { return "\t".to_owned() };
    let (index, level, records) = (facts.index, facts.level, facts.records);
    let garbage = IndexFacts::garbage(page).unwrap_or(0);
    format!("\tindex id={index}, page level={level}, No. of records={records}, garbage={garbage}, ")
}

fn undo_extra(dialect: Dialect, page: &[u8]) -> String {
    let Some(facts) = UndoFacts::read(page) else { return "\t".to_owned() };
    let kind = match (dialect, facts.kind) {
        (Dialect::Mariadb, _) => "",
        (Dialect::Mysql, 1) => "\tInsert Undo log page",
        (Dialect::Mysql, 2) => "\tUpdate undo log page",
        (Dialect::Mysql, _) => "\t",
    };
    let state = match facts.state {
        1 => ", Undo log of an active transaction, ",
        2 => ", Page is cached for quick reuse, ",
        3 if dialect == Dialect::Mysql => ", Insert undo segment that can be freed, ",
        4 => ", Will be freed in purge when all undodata in it is removed, ",
        5 => ", Undo log of a prepared transaction, ",
        _ => ", ",
    };
    format!("{kind}{state}")
}
