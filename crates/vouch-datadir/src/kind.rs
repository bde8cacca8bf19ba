//! What a file is, by its name: [`Kind`].

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
        by_prefix(name).or_else(|| by_suffix(name)).unwrap_or(Kind::Other)
    }

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Tablespace => "tablespace",
            Kind::System(_) => "system tablespace",
            Kind::Undo => "undo tablespace",
            Kind::Doublewrite => "doublewrite copies",
            Kind::Temporary => "temporary tablespace",
            Kind::NoChecksums(what) | Kind::NotCovered(what) => what,
            Kind::Other => "file",
        }
    }
}

fn by_prefix(name: &str) -> Option<Kind> {
    let numbered = |prefix: &str| {
        let digits = name.strip_prefix(prefix)?;
        digits.parse::<u32>().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
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
    if numbered("ib_logfile").is_some() || name.starts_with("#ib_redo") {
        return Some(Kind::NotCovered("redo log"));
    }
    if name.starts_with("aria_log") {
        return Some(Kind::NotCovered("Aria log"));
    }
    None
}

fn by_suffix(name: &str) -> Option<Kind> {
    let (_, suffix) = name.rsplit_once('.')?;
    Some(match suffix {
        "ibd" => Kind::Tablespace,
        "ibu" => Kind::Undo,
        "ibt" => Kind::Temporary,
        "dblwr" => Kind::Doublewrite,
        "bdblwr" => Kind::NoChecksums("list of page numbers"),
        "frm" => Kind::NoChecksums("table definition"),
        "par" => Kind::NoChecksums("list of partitions"),
        "MYD" | "MYI" => Kind::NoChecksums("MyISAM table"),
        "CSV" | "CSM" => Kind::NoChecksums("CSV table"),
        "ARZ" | "ARM" => Kind::NoChecksums("archive table"),
        "MAD" | "MAI" => Kind::NotCovered("Aria table"),
        "delta" => Kind::NotCovered("incremental backup"),
        "qp" | "lz4" | "zst" | "xbcrypt" => Kind::NotCovered("compressed or encrypted backup file"),
        "xbstream" | "mbstream" | "mbi" => Kind::NotCovered("backup image"),
        _ => return None,
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
            ("ib_logfile0", Kind::NotCovered("redo log")),
            ("auto.cnf", Kind::Other),
            ("undo+1", Kind::Other),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }
}
