//! What is not seen, and why nobody could see it: the bytes that a format leaves uncovered, and what needs a key.

use super::case::Format;
use vouch_testkit::Flavor;
use vouch_testkit::damage::Seal;

/// Why this damage is not seen in a file of that format; `None` where it has to be seen.
pub fn uncovered(format: &Format, flavor: Flavor, keyless: bool, damage: &str) -> Option<&'static str> {
    if damage == "a stale leaf, of before its rows were changed" {
        return Some("the page was right when it was written, and still fits its neighbours");
    }
    match format {
        _ if format.zip => in_bytes(&ZIP, damage),
        Format { encrypted: true, .. } => sealed(format, flavor, keyless, damage),
        Format { compressed: true, .. } => compressed(format, flavor, damage),
        Format { seal: Seal::Nothing, .. } => in_bytes(&NONE, damage),
        Format { seal: Seal::Crc32 | Seal::Innodb, .. } => in_bytes(&CLASSIC, damage),
        _ => None,
    }
}

/// Damages that are not seen, and why.
type Region = (&'static str, &'static [&'static str]);

fn in_bytes(regions: &[Region], damage: &str) -> Option<&'static str> {
    let what = damage.strip_prefix("a bit of ").unwrap_or(damage);
    regions.iter().find(|(_, damages)| damages.contains(&what)).map(|(why, _)| *why)
}

const FLUSH: &[&str] = &["byte 26", "byte 27", "byte 28", "byte 29", "byte 30", "byte 31", "byte 32", "byte 33"];

const CLASSIC: [Region; 1] = [("the flush LSN, which no checksum covers and nobody reads", FLUSH)];

const ZIP: [Region; 2] = [
    ("the flush LSN, which no checksum covers and nobody reads", FLUSH),
    ("the LSN, which the checksum of ROW_FORMAT=COMPRESSED leaves out", &["the LSN"]),
];

const NONE: [Region; 3] = [
    ("the flush LSN, which nobody reads", FLUSH),
    ("nothing protects the page", &["the LSN", "a record", "a bit in the middle"]),
    ("nothing protects page 0", &["page 0, in the header of the tablespace", "page 0, in the flags"]),
];

fn sealed(format: &Format, flavor: Flavor, keyless: bool, damage: &str) -> Option<&'static str> {
    match (flavor, format.seal, keyless) {
        (Flavor::Mysql, _, true) => mysql_without_key(damage),
        (Flavor::Mysql, _, false) => in_bytes(&MYSQL_ENCRYPTED, damage),
        (_, Seal::FullCrc32, true) => in_bytes(&BEHIND_A_KEY, damage).or(in_bytes(&FULL_BEHIND_A_KEY, damage)),
        (_, Seal::FullCrc32, false) => None,
        (_, _, true) => in_bytes(&BEHIND_A_KEY, damage).or(in_bytes(&MARIADB_BEHIND_A_KEY, damage)),
        (_, _, false) => in_bytes(&MARIADB_ENCRYPTED, damage),
    }
}

const MYSQL_ENCRYPTED: [Region; 1] = [(
    "what is left of the flush LSN, which no checksum covers and nobody reads",
    &["byte 26", "byte 27", "byte 30", "byte 31", "byte 32", "byte 33"],
)];

const VERSION: Region =
    ("the version of the key, which no checksum covers", &["byte 26", "byte 27", "byte 28", "byte 29"]);

const MARIADB_ENCRYPTED: [Region; 1] = [VERSION];

const MARIADB_BEHIND_A_KEY: [Region; 2] =
    [VERSION, ("the checksum of what is encrypted", &["the checksum", "the trailer's first half"])];

const FULL_BEHIND_A_KEY: [Region; 1] = [("the tablespace is encrypted with the page", &["a leaf of another table"])];

/// What lies on disk is as it was written.
const BEHIND_A_KEY: [Region; 1] = [(
    "it needs the key",
    &[
        "a stale leaf, of before it was split",
        "a leaf on another level",
        "two children exchanged",
        "a leaf that is free by the map of extents",
        "one more single page in use",
        "one more extent in a list",
        "a list of extents that ends in itself",
        "the mark of an inode",
        "a page of two segments",
        "a long value whose part is its own successor",
        "a part of a long value that is longer than a page",
    ],
)];

/// Nothing protects what MySQL has encrypted but what is inside.
fn mysql_without_key(damage: &str) -> Option<&'static str> {
    const SEEN: &[&str] = &[
        "the page number",
        "the page type",
        "the tablespace",
        "a leaf of another table",
        "another tablespace named, and sealed",
        "two leaves in each other's place",
        "a cycle of neighbours",
        "a slot of the directory",
        "one slot less in the directory",
        "a loop in the chain of records",
        "one record more in the heap",
        "a record of the dictionary",
    ];
    let what = damage.strip_prefix("a bit of ").unwrap_or(damage);
    let seen = SEEN.contains(&what) || ["page 0", "zeros", "file"].iter().any(|word| what.contains(word));
    (!seen).then_some("it needs the key")
}

fn compressed(format: &Format, flavor: Flavor, damage: &str) -> Option<&'static str> {
    let hole = match (flavor, format.table) {
        (Flavor::Mysql, "lz4") => &HOLE[..3],
        _ => HOLE,
    };
    let inside = flavor == Flavor::Mariadb && format.seal == Seal::Crc32;
    let version = || in_bytes(&COMPRESSION, damage).filter(|_| flavor == Flavor::Mysql);
    let twice = inside.then(|| in_bytes(&TWICE, damage)).flatten();
    twice.or_else(version).or_else(|| in_bytes(&[("the hole behind a compressed page", hole)], damage))
}

/// A server takes a page with another version for what it is.
const COMPRESSION: [Region; 1] = [("the version of the compression, which nobody reads", &["byte 26"])];

const HOLE: &[&str] = &[
    "the page directory",
    "the trailer's first half",
    "the trailer's second half",
    "a bit in the middle",
    "a leaf torn in half",
];

/// MariaDB compresses the header too and reads that one.
const TWICE: [Region; 1] = [(
    "the header of a page stands in its compressed data again, and that one is read",
    &[
        "the checksum",
        "the link to the left",
        "the link to the right",
        "the LSN",
        "the tablespace",
        "byte 26",
        "byte 27",
        "byte 28",
        "byte 29",
        "byte 30",
        "byte 31",
    ],
)];
