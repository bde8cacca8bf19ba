//! Files that are no tablespace by their names: which may hold one all the same, [`disguised`], and which are
//! known to have no pages, [`is_plain`].
//!
//! Invariant: a file that may hold pages is never taken for one without them. A doubt is an error item, and a
//! file of which nothing is known is counted.

use crate::kind::{Kind, wrapping_of_any_case};
use crate::packed;
use crate::space;

/// The first bytes by which a file's contents are recognised: the largest page.
pub(crate) const HEAD: usize = 65_536;

/// AppleDouble, which macOS writes to other file systems as `._NAME` beside each file NAME. RFC 1740: a magic
/// number of 4 bytes, then a version.
const APPLE_DOUBLE: [u8; 4] = [0x00, 0x05, 0x16, 0x07];
/// How `openssl enc` begins its output.
const OPENSSL: &[u8] = b"Salted__";

/// Suffixes of text and of other files without pages.
const PLAIN: [&str; 33] = [
    "cnf", "pem", "pid", "lock", "index", "err", "log", "sdi", "opt", "TRG", "TRN", "isl", "cfg", "cfp", "meta",
    "info", "flag", "sql", "txt", "md", "json", "xml", "html", "csv", "tsv", "sh", "py", "yml", "yaml", "ini", "sock",
    "state", "dat",
];

/// Names of files of servers and backup tools without pages.
const PLAIN_NAMES: [&str; 14] = [
    "ib_buffer_pool",
    "ib_lru_dump",
    "mysql_upgrade_info",
    "mysql_upgrade_history",
    "mariadb_upgrade_info",
    "xtrabackup_info",
    "xtrabackup_checkpoints",
    "xtrabackup_binlog_info",
    "xtrabackup_slave_info",
    "xtrabackup_galera_info",
    "mariadb_backup_info",
    "mariadb_backup_checkpoints",
    "mariadb_backup_binlog_info",
    "mariadb_backup_galera_info",
];

/// Whether a file begins as one that macOS keeps beside another one.
pub(crate) fn is_apple_double(head: &[u8]) -> bool {
    head.starts_with(&APPLE_DOUBLE)
}

/// Why the name of a file of no known kind lets expect a tablespace, a log or a backup inside.
pub(crate) fn disguised(name: &str) -> Option<String> {
    let (how, inner) = unpacked(name);
    if covered(inner) {
        return Some(how.map_or_else(|| format!("it is {inner} under another name"), |how| format!("it is a {how}")));
    }
    if let Some(original) = renamed(name) {
        return Some(format!("it is {original} under another name"));
    }
    how.filter(|_| !is_plain(inner)).map(|how| format!("it is a {how}, and its name does not tell what is inside"))
}

/// Why the first bytes of such a file do.
pub(crate) fn disguised_contents(name: &str, head: &[u8]) -> Option<String> {
    if space::tells(head) {
        return Some("its first page is that of a tablespace".to_owned());
    }
    if head.starts_with(OPENSSL) {
        return Some("it is encrypted by openssl".to_owned());
    }
    let packed = packed::is_packed_so(head) && !is_plain(unpacked(name).1);
    packed.then(|| "it is packed, and its name does not tell what is inside".to_owned())
}

/// Why a file cannot be read although its path was passed: it is encoded in a way that is not read here.
pub(crate) fn encoded(name: &str, head: &[u8]) -> Option<String> {
    if space::tells(head) {
        return None;
    }
    if head.starts_with(OPENSSL) {
        return Some("it is encrypted by openssl".to_owned());
    }
    unpacked(name).0.map(|how| format!("it is a {how}"))
}

/// Whether a file of this name has no pages: settings, notes and texts of a server, a backup tool or a person.
pub(crate) fn is_plain(name: &str) -> bool {
    let numbered = name.rsplit_once('.').filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
    let name = numbered.map_or(name, |(stem, _)| stem);
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    PLAIN_NAMES.contains(&name) || PLAIN.contains(&suffix)
}

/// How a name says that the file is packed, the outermost way first, and the name without all of them.
fn unpacked(name: &str) -> (Option<&'static str>, &str) {
    let (mut first, mut inner) = (None, name);
    while let Some((wrapping, stem)) = wrapping_of_any_case(inner) {
        first.get_or_insert(wrapping.words());
        inner = stem;
    }
    (first, inner)
}

/// The name of a covered file that this one is called after: `t.ibd.bak`, `ibdata1.old`, `.t.ibd.Xw3f` of rsync,
/// `T.IBD`. Names that end as other files of InnoDB do are not meant, such as `t.ibd.meta`.
fn renamed(name: &str) -> Option<&str> {
    if is_plain(name) {
        return None;
    }
    if covered(&name.to_ascii_lowercase()) {
        return Some(name);
    }
    let bare = name.trim_start_matches(['.', '#', '~', '_']);
    let ends = bare.char_indices().filter(|(_, char)| !char.is_ascii_alphanumeric()).map(|(at, _)| at);
    let mut candidates = ends.chain([bare.len()]).filter_map(|at| bare.get(..at)).filter(|stem| !stem.is_empty());
    candidates.rfind(|stem| covered(&stem.to_ascii_lowercase()))
}

/// Whether a file of this name is verified.
fn covered(name: &str) -> bool {
    let kind = Kind::of(name);
    kind.is_log() || matches!(kind, Kind::Tablespace | Kind::System(_) | Kind::Undo | Kind::Delta | Kind::Packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_hold_a_tablespace_are_doubted() {
        for name in [
            "t.ibd.gpg",
            "t.ibd.enc",
            "t.ibd.zip",
            "t.ibd.bak",
            "t.ibd.gz.enc",
            "t.ibd~",
            "t.ibd (copy)",
            "t.ibd-old",
            ".t.ibd.Xw3fQa",
            "T.IBD",
            "t.Ibd",
            "IBDATA1",
            "ibdata1.old",
            "undo_001.bak",
            "binlog.000001.gpg",
            "ib_logfile0.bak",
            "backup.tar.enc",
            "backup.xbstream.age",
            "shop.zip",
            "full.gz",
            "t.ibd.delta.enc",
        ] {
            assert!(matches!(Kind::of(name), Kind::Other | Kind::Sealed(_)), "{name}");
            assert!(disguised(name).is_some(), "{name}");
        }
    }

    #[test]
    fn names_of_other_files_are_not() {
        for name in [
            "auto.cnf",
            "ib_buffer_pool",
            "t.ibd.meta",
            "ibdata1.meta",
            "t.isl",
            "t.cfg",
            "error.log.gz",
            "error.log.1",
            "dump.sql.gz.gpg",
            "binlog.index",
            "readme",
            "xtrabackup_info",
            "ca-key.pem",
            "mysql.sock",
            "db.opt",
        ] {
            assert_eq!(disguised(name), None, "{name}");
        }
        assert!(is_plain("error.log.1") && is_plain("db.opt") && !is_plain("readme") && !is_plain("t.ibd"));
    }

    #[test]
    fn contents_tell_too() {
        assert!(disguised_contents("shop", &crate::fixture::tablespace(7, &[1, 2, 3])).is_some());
        assert!(disguised_contents("shop", b"Salted__12345678").is_some());
        assert!(disguised_contents("shop", &[0x1f, 0x8b, 8, 0]).is_some());
        assert_eq!(disguised_contents("error.log", &[0x1f, 0x8b, 8, 0]), None);
        assert_eq!(disguised_contents("shop", b"some text"), None);
        assert!(is_apple_double(&[0, 5, 0x16, 7, 0, 2, 0, 0]) && !is_apple_double(b""));
    }
}
