//! A file of one format that is about to be damaged: [`Case`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use vouch_innodb::{Access, Checker, FspHeader, PageNo};
use vouch_testkit::damage::{Pages, Seal};

/// A format, by the table that is written in it.
#[derive(Clone, Copy)]
pub struct Format {
    pub table: &'static str,
    /// What stands behind the table's columns.
    pub options: &'static str,
    /// Bytes of a page in the file.
    pub size: usize,
    /// How pages that are neither compressed nor encrypted are sealed.
    pub seal: Seal,
    /// ROW_FORMAT=COMPRESSED.
    pub zip: bool,
    /// Pages are compressed as wholes.
    pub compressed: bool,
    pub encrypted: bool,
}

impl Format {
    pub const fn plain(table: &'static str, options: &'static str, seal: Seal) -> Format {
        Format { table, options, size: 16_384, seal, zip: false, compressed: false, encrypted: false }
    }

    pub const fn of_size(self, size: usize) -> Format {
        Format { size, ..self }
    }
}

/// Pages by what they are, since their numbers are the server's own matter.
#[derive(Clone, Default)]
pub struct Roles {
    pub leaf: usize,
    pub next_leaf: usize,
    pub root: usize,
    /// The leaf that was the last one when the stale copy was taken.
    pub once_last: usize,
    /// The leaf whose rows were changed since.
    pub updated: usize,
    /// The page that a long value begins on, or one of its parts that is chained to another.
    pub value: usize,
    names: Vec<(usize, &'static str)>,
}

impl Roles {
    fn of(plain: &mut Pages, stale: &mut Pages) -> Roles {
        let leaves = plain.nodes(0);
        assert!(leaves.len() > 15, "{leaves:?} of {}", plain.path().display());
        let stale_leaves = stale.nodes(0);
        let once_last = *stale_leaves.last().unwrap();
        let links = |file: &mut Pages, no: usize| file.page(no)[8..16].to_vec();
        let updated = leaves.iter().copied().find(|leaf| {
            let stayed = stale_leaves.contains(leaf) && links(plain, *leaf) == links(stale, *leaf);
            stayed && plain.page(*leaf)[38..] != stale.page(*leaf)[38..]
        });
        let (leaf, next_leaf, updated) = (leaves[3], leaves[4], updated.unwrap());
        let root = plain.nodes(1)[0];
        let value = plain.chained_part().or_else(|| plain.indexed_value()).or_else(|| plain.chained_zip_part());
        let mut names = vec![
            (leaf, "LEAF"),
            (next_leaf, "NEXT LEAF"),
            (root, "ROOT"),
            (once_last, "ONCE LAST LEAF"),
            (updated, "CHANGED LEAF"),
            (0, "0"),
            (1, "1"),
            (2, "2"),
            (3, "3"),
        ];
        names.extend(value.map(|value| (value, "VALUE")));
        Roles { leaf, next_leaf, root, once_last, updated, value: value.unwrap_or_default(), names }
    }

    /// What stands for the number of a page.
    pub fn name(&self, page: usize) -> &str {
        self.names.iter().find(|(no, _)| *no == page).map_or("N", |(_, name)| name)
    }
}

/// A file, and what it may be damaged with.
#[derive(Clone)]
pub struct Case {
    pub format: Format,
    pub file: Pages,
    /// The same file with every page as the server sees it.
    pub plain: Pages,
    /// The file of another table of the same format.
    pub other: Pages,
    /// The same file before the table was changed.
    pub stale: Pages,
    pub roles: Arc<Roles>,
}

impl Case {
    pub fn new(format: Format, file: impl Fn(&str) -> PathBuf, stale: &Path, keyring: &Path) -> Case {
        let read = |path: &Path| Pages::read(path, format.size, format.seal).unwrap();
        let (plain_of, file, stale) =
            (|pages: &Pages| plain(pages, format, keyring), read(&file(format.table)), read(stale));
        let other = read(&file_of_other(&file, format));
        let (mut plain, mut stale_plain) = (plain_of(&file), plain_of(&stale));
        let roles = Arc::new(Roles::of(&mut plain, &mut stale_plain));
        Case { format, file, plain, other, stale, roles }
    }

    /// Puts a page there as the server sees it, neither compressed nor encrypted, which servers do too.
    fn open(&mut self, no: usize) {
        if !(self.format.compressed || self.format.encrypted) {
            return;
        }
        let page = self.plain.page(no).to_vec();
        let lsn = u64::from_be_bytes(page[16..24].try_into().unwrap());
        self.file.page(no).copy_from_slice(&page);
        // Versions of keys, and notes about what was compressed.
        self.file.page(no)[26..34].fill(0);
        self.file.stamp(no, lsn);
    }

    /// Changes pages as they are behind compression and encryption.
    pub fn inside(&mut self, pages: &[usize], change: impl FnOnce(&mut Pages)) {
        pages.iter().for_each(|no| self.open(*no));
        change(&mut self.file);
    }
}

fn file_of_other(file: &Pages, format: Format) -> PathBuf {
    file.path().with_file_name(format!("{}_other.ibd", format.table))
}

/// Every page as the server sees it, where that can be had.
fn plain(file: &Pages, format: Format, keyring: &Path) -> Pages {
    let mut plain = file.clone();
    if !(format.compressed || format.encrypted) {
        return plain;
    }
    let header = FspHeader::read(file.bytes()).unwrap();
    let space = header.format().unwrap();
    let mut checker = Checker::new(space, Some(header.space));
    if format.encrypted {
        let keys = vouch_datadir::read_keyring(keyring, None).unwrap();
        let key = keys.open(file.bytes(), &space, header.space, file.bytes()).unwrap().unwrap();
        checker = checker.with_access(Access::Open(Arc::new(key)));
    }
    for (no, page) in file.bytes().chunks_exact(format.size).enumerate() {
        if let Some(image) = checker.check(PageNo(u32::try_from(no).unwrap()), page).image {
            plain.page(no).copy_from_slice(image);
        }
    }
    plain
}
