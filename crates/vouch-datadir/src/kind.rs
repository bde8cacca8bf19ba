//! What a file is, by its name: [`Kind`]. The list of suffixes of packed files is here, and only here.

use crate::packed::Layer;
use vouch_convert::parse;
use vouch_report::FileCoverage;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A tablespace of one or more tables.
    Tablespace,
    /// A part of the system tablespace, by its number.
    System(u32),
    /// An undo tablespace.
    Undo,
    /// Copies of pages.
    Doublewrite,
    /// A file of MySQL's redo log, by its number.
    Redo(u64),
    /// A file of the redo log of MariaDB, or of MySQL up to 8.0.29, by its number.
    LogFile(u32),
    /// The redo log as a backup tool has copied it.
    CopiedLog,
    /// A binary log or a relay log.
    Binlog,
    /// What changed in a tablespace since the backup before.
    Delta,
    /// A file of a table of Aria.
    Aria,
    /// The file by which Aria finds its log.
    AriaControl,
    /// A tablespace or several, packed: they are judged as they come out.
    Packed,
    /// An object of a bucket that xbcloud filled: a part of a backup image.
    CloudObject,
    /// A tablespace, a log or an image in a wrapping that is not read; which one.
    Sealed(&'static str),
    /// A temporary tablespace.
    Temporary,
    /// A file whose format has no checksums; what it is.
    NoChecksums(&'static str),
    /// A file with checksums of another kind; what it is.
    NotCovered(&'static str),
    /// Nothing of the kind.
    Other,
}

impl Kind {
    /// What the file of this name is.
    pub(crate) fn of(name: &str) -> Kind {
        if cloud_object(name).is_some() {
            return Kind::CloudObject;
        }
        by_prefix(name).or_else(|| by_suffix(name)).or_else(|| packed(name)).unwrap_or(Kind::Other)
    }

    /// Whether a file of it has pages, events or blocks that a run has to verify wherever it finds them.
    pub(crate) fn is_owed(self) -> bool {
        let owed = matches!(self, Kind::Tablespace | Kind::System(_) | Kind::Undo | Kind::Delta | Kind::Packed);
        owed || self.is_log()
    }

    /// Whether it is a log.
    pub(crate) fn is_log(self) -> bool {
        matches!(self, Kind::Redo(_) | Kind::LogFile(_) | Kind::CopiedLog | Kind::Binlog)
    }

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Tablespace => "tablespace",
            Kind::System(_) => "system tablespace",
            Kind::Undo => "undo tablespace",
            Kind::Doublewrite => "doublewrite copies",
            Kind::Redo(_) | Kind::LogFile(_) | Kind::CopiedLog => FileCoverage::REDO_LOG,
            Kind::Binlog => FileCoverage::BINARY_LOG,
            Kind::Delta => "incremental backup",
            Kind::Aria => "Aria table",
            Kind::AriaControl => "Aria control file",
            Kind::Packed => "packed file",
            Kind::CloudObject => "object of xbcloud",
            Kind::Temporary => "temporary tablespace",
            Kind::Sealed(what) | Kind::NoChecksums(what) | Kind::NotCovered(what) => what,
            Kind::Other => "file",
        }
    }
}

fn by_prefix(name: &str) -> Option<Kind> {
    let numbered = |prefix: &str| {
        let digits = name.strip_prefix(prefix)?;
        parse::<u32>(digits).filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if let Some(number) = numbered("ibdata") {
        return Some(Kind::System(number));
    }
    if numbered("ibtmp").is_some() {
        return Some(Kind::Temporary);
    }
    if numbered("undo_").or_else(|| numbered("undo")).is_some() {
        return Some(Kind::Undo);
    }
    if let Some(rest) = name.strip_prefix("#ib_redo") {
        let number = parse(rest).filter(|_| rest.bytes().all(|byte| byte.is_ascii_digit()));
        return Some(number.map_or(Kind::NotCovered("spare file of the redo log"), Kind::Redo));
    }
    if let Some(number) = numbered("ib_logfile") {
        // A log in the making bears the number 101.
        return Some(if number < 101 { Kind::LogFile(number) } else { Kind::NotCovered("redo log in the making") });
    }
    if name == "xtrabackup_logfile" {
        return Some(Kind::CopiedLog);
    }
    if name == "aria_log_control" {
        return Some(Kind::AriaControl);
    }
    if name.starts_with("aria_log") {
        return Some(Kind::NotCovered("Aria log"));
    }
    None
}

fn by_suffix(name: &str) -> Option<Kind> {
    let (stem, suffix) = name.rsplit_once('.')?;
    Some(match suffix {
        number if is_log_number(number) && (stem.contains("bin") || stem.contains("relay")) => Kind::Binlog,
        // mariabackup names what was made while it ran so, and gives it its name when it prepares.
        "ibd" | "new" => Kind::Tablespace,
        "ibu" => Kind::Undo,
        "ibt" => Kind::Temporary,
        "dblwr" => Kind::Doublewrite,
        "bdblwr" => Kind::NoChecksums("list of page numbers"),
        "frm" => Kind::NoChecksums("table definition"),
        "par" => Kind::NoChecksums("list of partitions"),
        "MYD" | "MYI" => Kind::NoChecksums("MyISAM table"),
        "CSV" | "CSM" => Kind::NoChecksums("CSV table"),
        "ARZ" | "ARM" => Kind::NoChecksums("archive table"),
        "MAD" | "MAI" => Kind::Aria,
        "delta" => Kind::Delta,
        "mbi" => Kind::NotCovered("backup image of MySQL Enterprise Backup"),
        _ => return None,
    })
}

/// Whether the name may be that of a binary log: they may be called as one likes, and are numbered.
pub(crate) fn may_be_binlog(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, suffix)| is_log_number(suffix))
}

fn is_log_number(suffix: &str) -> bool {
    suffix.len() >= 6 && suffix.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a suffix says about how a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// It is unpacked while it is read.
    Layer(Layer),
    /// It cannot be unpacked here; what it is.
    Sealed(&'static str),
}

/// Suffixes of packed and encrypted files. One that is missing here makes a table vanish from the account.
const WRAPPINGS: [(&str, Wrapping); 26] = [
    ("gz", Wrapping::Layer(Layer::Gzip)),
    ("zst", Wrapping::Layer(Layer::Zstd)),
    ("lz4", Wrapping::Layer(Layer::Lz4)),
    ("xz", Wrapping::Layer(Layer::Xz)),
    ("bz2", Wrapping::Layer(Layer::Bzip2)),
    ("qp", Wrapping::Layer(Layer::Qpress)),
    ("xbcrypt", Wrapping::Layer(Layer::Xbcrypt)),
    ("zstd", Wrapping::Layer(Layer::Zstd)),
    ("gzip", Wrapping::Layer(Layer::Gzip)),
    ("enc", Wrapping::Sealed("file encrypted by OpenSSL")),
    ("gpg", Wrapping::Sealed("file encrypted by GnuPG")),
    ("pgp", Wrapping::Sealed("file encrypted by PGP")),
    ("asc", Wrapping::Sealed("file encrypted by PGP")),
    ("age", Wrapping::Sealed("file encrypted by age")),
    ("aes", Wrapping::Sealed("file encrypted by AES")),
    ("crypt", Wrapping::Sealed("file encrypted by crypt")),
    ("zip", Wrapping::Sealed("zip archive")),
    ("7z", Wrapping::Sealed("7-Zip archive")),
    ("rar", Wrapping::Sealed("RAR archive")),
    ("cpio", Wrapping::Sealed("cpio archive")),
    ("Z", Wrapping::Sealed("file packed by compress")),
    ("lzma", Wrapping::Sealed("file packed by lzma")),
    ("lzo", Wrapping::Sealed("file packed by lzop")),
    ("lz", Wrapping::Sealed("file packed by lzip")),
    ("br", Wrapping::Sealed("file packed by Brotli")),
    ("sz", Wrapping::Sealed("file packed by Snappy")),
];

/// What the last suffix of a name says, and the name without it.
pub(crate) fn wrapping(name: &str) -> Option<(Wrapping, &str)> {
    let (inner, suffix) = name.rsplit_once('.')?;
    let known = WRAPPINGS.iter().find(|(known, _)| *known == suffix)?;
    Some((known.1, inner))
}

/// The same whatever the case of the suffix, for names that people gave.
pub(crate) fn wrapping_of_any_case(name: &str) -> Option<(Wrapping, &str)> {
    let (inner, suffix) = name.rsplit_once('.')?;
    let known = WRAPPINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(suffix))?;
    Some((known.1, inner))
}

impl Wrapping {
    /// What such a file is, in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Wrapping::Sealed(what) => what,
            Wrapping::Layer(Layer::Gzip) => "file packed by gzip",
            Wrapping::Layer(Layer::Zstd) => "file packed by zstd",
            Wrapping::Layer(Layer::Lz4) => "file packed by lz4",
            Wrapping::Layer(Layer::Xz) => "file packed by xz",
            Wrapping::Layer(Layer::Bzip2) => "file packed by bzip2",
            Wrapping::Layer(Layer::Qpress) => "file packed by qpress",
            Wrapping::Layer(Layer::Xbcrypt) => "file encrypted by xtrabackup",
        }
    }
}

/// The names that a file may have once it is packed by a layer, its own first.
pub(crate) fn packed_names(name: &str) -> Vec<String> {
    let layers = WRAPPINGS.iter().filter(|(_, wrapping)| matches!(wrapping, Wrapping::Layer(_)));
    let once: Vec<String> = layers.map(|(suffix, _)| format!("{name}.{suffix}")).collect();
    // xtrabackup encrypts what it has compressed.
    let twice: Vec<String> = once.iter().map(|name| format!("{name}.xbcrypt")).collect();
    [name.to_owned()].into_iter().chain(once).chain(twice).collect()
}

/// Digits of the number that xbcloud puts behind a name.
const OBJECT_DIGITS: usize = 20;

/// The name and the number of an object of xbcloud.
pub(crate) fn cloud_object(name: &str) -> Option<(&str, u64)> {
    let (of, number) = name.rsplit_once('.')?;
    let is_number = number.len() == OBJECT_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| parse(number))?.map(|number| (of, number))
}

/// A packed file counts as what is in it, where that is no tablespace.
fn packed(name: &str) -> Option<Kind> {
    if crate::packed::is_image(name) {
        return Some(Kind::Packed);
    }
    let (wrapping, inner) = wrapping(name)?;
    Some(match (Kind::of(inner), wrapping) {
        (Kind::Sealed(what), _) => Kind::Sealed(what),
        (kind, Wrapping::Sealed(what)) if kind.is_owed() => Kind::Sealed(what),
        (kind, Wrapping::Layer(_)) if kind.is_owed() => Kind::Packed,
        (Kind::Doublewrite, _) => Kind::NotCovered("packed doublewrite copies"),
        (Kind::Aria | Kind::AriaControl, _) => Kind::NotCovered("packed Aria table"),
        (other, _) => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_file_is() {
        for (name, kind) in [
            ("t.ibd", Kind::Tablespace),
            ("t#P#p0.ibd", Kind::Tablespace),
            ("ibdata1", Kind::System(1)),
            ("ibdata12", Kind::System(12)),
            ("ibdata", Kind::Other),
            ("undo_001", Kind::Undo),
            ("undo002", Kind::Undo),
            ("u.ibu", Kind::Undo),
            ("#ib_16384_0.dblwr", Kind::Doublewrite),
            ("ibtmp1", Kind::Temporary),
            ("temp_1.ibt", Kind::Temporary),
            ("t.frm", Kind::NoChecksums("table definition")),
            ("ib_logfile0", Kind::LogFile(0)),
            ("ib_logfile101", Kind::NotCovered("redo log in the making")),
            ("xtrabackup_logfile", Kind::CopiedLog),
            ("#ib_redo12", Kind::Redo(12)),
            ("#ib_redo12_tmp", Kind::NotCovered("spare file of the redo log")),
            ("mysql-bin.000012", Kind::Binlog),
            ("relay.1000000", Kind::Binlog),
            ("aria_log.00000001", Kind::NotCovered("Aria log")),
            ("aria_log_control", Kind::AriaControl),
            ("db.MAI", Kind::Aria),
            ("db.MAD.qp", Kind::NotCovered("packed Aria table")),
            ("binlog.000001.gz", Kind::Packed),
            ("binlog.index", Kind::Other),
            ("archive.20260101", Kind::Other),
            ("auto.cnf", Kind::Other),
            ("t.ibd.qp", Kind::Packed),
            ("backup.mbstream", Kind::Packed),
            ("backup.xbstream.zst", Kind::Packed),
            ("t.ibd.delta", Kind::Delta),
            ("t.ibd.delta.qp", Kind::Packed),
            ("t.ibd.zst.xbcrypt", Kind::Packed),
            ("t.ibd.meta", Kind::Other),
            ("t.frm.qp", Kind::NoChecksums("table definition")),
            ("error.log.gz", Kind::Other),
            ("t.ibd.xz", Kind::Packed),
            ("t.ibd.delta.bz2", Kind::Packed),
            ("t.ibd.gz.gpg", Kind::Sealed("file encrypted by GnuPG")),
            ("backup.xbstream.enc", Kind::Sealed("file encrypted by OpenSSL")),
            ("backup.tar.zip", Kind::Sealed("zip archive")),
            ("t.frm.gpg", Kind::NoChecksums("table definition")),
            ("error.log.zip", Kind::Other),
            ("t.ibd.00000000000000000007", Kind::CloudObject),
            ("xtrabackup_binlog_info.00000000000000000000", Kind::CloudObject),
            ("binlog.0000000000000000000", Kind::Binlog),
            ("undo+1", Kind::Other),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }
}
