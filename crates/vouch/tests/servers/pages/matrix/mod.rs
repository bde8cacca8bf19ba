//! The matrix of damages: every damage that has a name, in every format that it can occur in, and a snapshot of
//! exactly what is said, beside what the server's own innochecksum says of the same file.
//!
//! Invariant: what is not seen is listed in `uncovered.rs` with the reason, or a test fails.

mod bench;
mod case;
mod damages;
mod theirs;
mod uncovered;
pub mod words;

use bench::Bench;
use case::Format;
use vouch_testkit::Dist;
use vouch_testkit::damage::Seal;

/// Formats of one server, in the order of its tables.
type Formats = &'static [Format];

const MYSQL: Formats = &[
    Format::plain("crc32", "", Seal::Crc32),
    Format { zip: true, ..Format::plain("zip8", "ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8", Seal::Zip).of_size(8192) },
    Format { compressed: true, ..Format::plain("zlib", "COMPRESSION='zlib'", Seal::Crc32) },
    Format { compressed: true, ..Format::plain("lz4", "COMPRESSION='lz4'", Seal::Crc32) },
    Format { encrypted: true, ..Format::plain("encrypted", "ENCRYPTION='Y'", Seal::Crc32) },
];

const MARIADB: Formats = &[
    Format::plain("full_crc32", "", Seal::FullCrc32),
    Format { zip: true, ..Format::plain("zip8", "ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8", Seal::Zip).of_size(8192) },
    Format { compressed: true, ..Format::plain("page_compressed", "PAGE_COMPRESSED=1", Seal::FullCrc32) },
    Format { encrypted: true, ..Format::plain("encrypted", "ENCRYPTED=YES", Seal::FullCrc32) },
];

const MARIADB_CRC32: Formats = &[
    Format::plain("crc32", "", Seal::Crc32),
    Format { compressed: true, ..Format::plain("page_compressed", "PAGE_COMPRESSED=1", Seal::Crc32) },
    Format { encrypted: true, ..Format::plain("encrypted", "ENCRYPTED=YES", Seal::Crc32) },
];

const MYSQL_4K: Formats = &[Format::plain("crc32", "", Seal::Crc32).of_size(4096)];

const INNODB: Formats = &[Format::plain("innodb", "", Seal::Innodb)];

const NONE: Formats = &[Format::plain("none", "", Seal::Nothing)];

#[test]
fn of_mysql() {
    Bench::mysql("mysql", 16, MYSQL).snapshots();
}

#[test]
fn of_mysql_with_pages_of_4_kib() {
    Bench::mysql("mysql-4k", 4, MYSQL_4K).snapshots();
}

#[test]
fn of_mariadb() {
    Bench::mariadb("mariadb", &Dist::mariadb().unwrap(), &[], MARIADB).snapshots();
}

#[test]
fn of_mariadb_with_crc32() {
    let crc32 = &["--innodb-checksum-algorithm=crc32"];
    Bench::mariadb("mariadb-crc32", &Dist::mariadb().unwrap(), crc32, MARIADB_CRC32).snapshots();
}

#[test]
fn of_mariadb_10_5_with_innodb() {
    let innodb = &["--innodb-checksum-algorithm=innodb"];
    Bench::mariadb("mariadb-10.5-innodb", &Dist::mariadb_10_5().unwrap(), innodb, INNODB).snapshots();
}

#[test]
fn of_mariadb_10_5_with_none() {
    let none = &["--innodb-checksum-algorithm=none"];
    Bench::mariadb("mariadb-10.5-none", &Dist::mariadb_10_5().unwrap(), none, NONE).snapshots();
}
