//! Names of MariaDB's tables and indexes, from the system tablespace beside a file: [`names`].
//!
//! It is read only when there is something to be told. Invariant: it tells nothing at all when a page of its lists
//! is damaged or cannot be read.

use crate::discover::Found;
use crate::kind::Kind;
use crate::names::{named, table_of};
use crate::sdi::Index;
use crate::space::{self, Space};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use vouch_innodb::{
    Checker, DictIndex, DictRoots, DictTable, FilHeader, INDEXES_INDEX, IndexFacts, Keyring, NO_PAGE, NodePointers,
    PageNo, PageType, PageVerdict, TABLES_INDEX,
};

/// The first file of the system tablespace.
const FIRST: &str = "ibdata1";
/// Deeper trees do not exist.
const MOST_LEVELS: u16 = 64;

/// The indexes of a tablespace by their numbers, as the system tablespace in its folder or in the one above has
/// them. That of another instance does not know the tablespace by its number and by the name of its file.
pub(crate) fn names(asked: &Space, keyring: &Keyring) -> Option<HashMap<u64, Index>> {
    let folder = &asked.root;
    let own = asked.parts.first().filter(|_| asked.kind == Kind::Tablespace);
    let own = own.map(|part| table_of(&part.found.path));
    let above = folder.canonicalize().ok()?.parent()?.to_owned();
    let home = [folder.to_owned(), above].into_iter().find(|folder| folder.join(FIRST).is_file())?;
    let mut reader = Reader::open(&home, keyring)?;
    let roots = DictRoots::read(&reader.page(DictRoots::TOLD_BY)?)?;
    let mut tables = HashMap::new();
    reader.leaves(roots.tables, TABLES_INDEX, &mut |page| {
        tables.extend(DictTable::of_leaf(page).into_iter().map(|table| (table.id, named(&table.name))));
    })?;
    let mut indexes = HashMap::new();
    reader.leaves(roots.indexes, INDEXES_INDEX, &mut |page| {
        let known = DictIndex::of_leaf(page).into_iter().filter_map(|index| {
            let table: String = tables.get(&index.table).cloned()?;
            let here = asked.id == Some(index.space) && own.as_ref().is_none_or(|own| own.as_ref() == Some(&table));
            here.then_some(())?;
            Some((index.id, Index { table, name: index.name, root: None, key: None }))
        });
        indexes.extend(known);
    })?;
    Some(indexes)
}

/// Reads pages of the system tablespace.
struct Reader {
    space: Space,
    checker: Checker,
}

impl Reader {
    fn open(home: &Path, keyring: &Keyring) -> Option<Reader> {
        let file = |number: u32| {
            let path: PathBuf = home.join(format!("ibdata{number}"));
            let bytes = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?.len();
            let label = path.display().to_string();
            Some(Found { path, label, kind: Kind::System(number), bytes, root: home.to_owned() })
        };
        let space = space::open((1..).map_while(file).collect(), &[], keyring).ok()?;
        let checker = space.checker();
        Some(Reader { space, checker })
    }

    /// A page that is sound.
    fn page(&mut self, no: PageNo) -> Option<Vec<u8>> {
        let mut page = vec![0; self.space.page_size().bytes()];
        self.space.read_page(no, &mut page)?;
        let checked = self.checker.check(no, &page);
        let sound = matches!(checked.verdict, PageVerdict::Sound(_) | PageVerdict::Unprotected);
        checked.image.filter(|_| sound).map(<[u8]>::to_vec)
    }

    /// Shows all leaves of an index, from left to right.
    fn leaves(&mut self, root: PageNo, index: u64, show: &mut dyn FnMut(&[u8])) -> Option<()> {
        let mut no = root;
        for _ in 0..MOST_LEVELS {
            let page = self.node(no, index)?;
            if IndexFacts::read(&page)?.level == 0 {
                break;
            }
            no = NodePointers::read(&self.space.format, &page, PageType::INDEX)?.child(0)?;
        }
        for _ in 0..self.space.pages() {
            let page = self.node(no, index)?;
            show(&page);
            match FilHeader::read(&page)?.next {
                NO_PAGE => return Some(()),
                next => no = PageNo(next),
            }
        }
        None
    }

    fn node(&mut self, no: PageNo, index: u64) -> Option<Vec<u8>> {
        let page = self.page(no)?;
        let facts = IndexFacts::read(&page).filter(|facts| facts.index == index)?;
        (facts.level < MOST_LEVELS && IndexFacts::walk(&page).is_ok()).then_some(page)
    }
}
