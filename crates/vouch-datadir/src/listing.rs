//! Which tablespaces MySQL's dictionary knows, from the tablespace that it lies in: [`listing`].
//!
//! What the records look like is told by the description of the dictionary's
//! own tables. Invariant: a list that cannot be read to its end is none.

use crate::facts::{Content, PageFact};
use crate::kind::Kind;
use crate::sdi::{Objects, private_value};
use crate::unit::Job;
use serde_json::Value as Json;
use std::collections::HashMap;
use vouch_convert::{array, narrow, parse, utf8};
use vouch_innodb::{Column, NO_PAGE, PageNo, SpaceId, Value, rows};
use vouch_report::PageClass;

/// The tablespace of MySQL's own dictionary.
pub(crate) const MYSQL_DICTIONARY: SpaceId = SpaceId(0xffff_fffe);
/// The dictionary's tables, and the columns of them that are asked for.
const SPACES: (&str, [&str; 3]) = ("tablespaces", ["id", "engine", "se_private_data"]);
const FILES: (&str, [&str; 3]) = ("tablespace_files", ["tablespace_id", "file_name", "file_name"]);

/// A tablespace that the dictionary knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub space: u32,
    /// As the server opens it: relative to its directory, or elsewhere.
    pub path: String,
    /// It has no file on purpose.
    pub discarded: bool,
}

/// The list. `facts` are those of the pages of `job`, which must be sound and of one moment.
pub(crate) fn listing(job: &Job, objects: &Objects, facts: &[PageFact]) -> Option<Vec<Listed>> {
    (job.space.id == Some(MYSQL_DICTIONARY) && job.space.format.sdi).then_some(())?;
    let (spaces, files) = (Table::find(objects, &SPACES)?, Table::find(objects, &FILES)?);
    let mut paths: HashMap<u64, String> = HashMap::new();
    files.each(job, facts, |[id, path, _]| {
        let path = utf8(path?)?.to_owned();
        paths.insert(number(id?)?, path);
        Some(())
    })?;
    let mut listed = Vec::new();
    spaces.each(job, facts, |[id, engine, private]| {
        let path = paths.remove(&number(id?)?)?;
        if engine? == b"InnoDB" {
            listed.push(Listed::of(path, utf8(private?)?)?);
        }
        Some(())
    })?;
    // A list without the tablespace that it stands in is another one.
    listed.iter().any(|listed| listed.space == MYSQL_DICTIONARY.0).then_some(listed)
}

fn number(bytes: &[u8]) -> Option<u64> {
    array(bytes).map(u64::from_be_bytes)
}

impl Listed {
    /// `id=7;state=normal;`, and others.
    fn of(path: String, private: &str) -> Option<Listed> {
        let value = |name: &str| private_value(private, name);
        let discarded = value("state") == Some("discarded");
        Some(Listed { space: parse(value("id")?)?, path, discarded })
    }

    /// The path below the directory of the instance, where it is there and is not temporary.
    pub(crate) fn inside(&self) -> Option<&str> {
        let path = self.path.strip_prefix("./").unwrap_or(&self.path);
        let plain = |part: &str| !part.is_empty() && part != ".." && part != "." && !part.starts_with('#');
        let name = path.rsplit('/').next().unwrap_or(path);
        let kept = matches!(Kind::of(name), Kind::Tablespace | Kind::Undo | Kind::System(_));
        (kept && path.split('/').all(plain)).then_some(path)
    }
}

/// A table of the dictionary.
struct Table {
    index: u64,
    columns: Vec<Column>,
    /// Where the columns are that are asked for.
    wanted: [usize; 3],
}

impl Table {
    fn find(objects: &Objects, (name, wanted): &(&str, [&str; 3])) -> Option<Table> {
        let described = objects.tables().filter(|text| text.contains(name));
        let mut parsed = described.filter_map(|text| serde_json::from_str::<Json>(text).ok());
        parsed.find_map(|described| {
            let table = described.get("dd_object")?;
            let is = |key: &str, value: &str| table.get(key).and_then(Json::as_str) == Some(value);
            (is("name", name) && is("schema_ref", "mysql")).then_some(())?;
            Table::read(table, wanted)
        })
    }

    /// The clustered index is the first one.
    fn read(table: &Json, wanted: &[&str; 3]) -> Option<Table> {
        let columns = table.get("columns")?.as_array()?;
        let index = table.get("indexes")?.as_array()?.first()?;
        let private = index.get("se_private_data")?.as_str()?;
        let id = parse(private_value(private, "id")?)?;
        let opx = |element: &Json| element.get("column_opx")?.as_u64().and_then(narrow::<usize, _>);
        let ordered: Option<Vec<&Json>> =
            index.get("elements")?.as_array()?.iter().map(|element| columns.get(opx(element)?)).collect();
        let ordered = ordered?;
        let named = |name: &str| ordered.iter().position(|column| text(column, "name") == Some(name));
        let [first, second, third] = wanted.map(named);
        let columns: Option<Vec<Column>> = ordered.iter().map(|column| self::column(column)).collect();
        Some(Table { index: id, columns: columns?, wanted: [first?, second?, third?] })
    }

    /// Hands on the columns of every record, from the first leaf to the last one.
    fn each(
        &self,
        job: &Job,
        facts: &[PageFact],
        mut take: impl FnMut([Option<&[u8]>; 3]) -> Option<()>,
    ) -> Option<()> {
        let space = &job.space;
        let mut checker = space.checker();
        let mut page = vec![0; space.page_size().bytes()];
        let mut no = self.first_leaf(job, facts)?;
        for _ in 0..facts.len() {
            let fact = facts.get(narrow::<usize, _>(no)?).filter(|fact| self.is_leaf(fact))?;
            space.read_page(PageNo(no), &mut page)?;
            for row in rows(checker.check(PageNo(no), &page).image?, &self.columns)? {
                take(self.wanted.map(|at| match row.get(at) {
                    Some(Value::Here(bytes)) => Some(*bytes),
                    _ => None,
                }))?;
            }
            no = fact.next;
            if no == NO_PAGE {
                return Some(());
            }
        }
        None
    }

    fn is_leaf(&self, fact: &PageFact) -> bool {
        let sound = matches!(fact.class, PageClass::Sound | PageClass::Unprotected);
        sound && fact.content == Content::Node && fact.index == self.index && fact.level == 0
    }

    /// The one leaf without a neighbour on the left; pages that were given back keep what they had.
    fn first_leaf(&self, job: &Job, facts: &[PageFact]) -> Option<u32> {
        let extents = job.extents();
        let first = |(no, fact): &(u32, &PageFact)| {
            self.is_leaf(fact) && fact.prev == NO_PAGE && extents.in_use(PageNo(*no)) == Some(true)
        };
        let mut leaves = (0..).zip(facts).filter(first);
        leaves.next().filter(|_| leaves.next().is_none()).map(|(no, _)| no)
    }
}

fn text<'a>(column: &'a Json, name: &str) -> Option<&'a str> {
    column.get(name)?.as_str()
}

/// What a column's values look like; `None` for those that the dictionary's tables never had.
fn column(column: &Json) -> Option<Column> {
    let kind = text(column, "column_type_utf8")?;
    let nullable = column.get("is_nullable")?.as_bool()?;
    let fixed = match (text(column, "name")?, kind) {
        ("DB_TRX_ID", _) => Some(6),
        ("DB_ROLL_PTR", _) => Some(7),
        (_, "bigint unsigned") => Some(8),
        (_, "int unsigned") => Some(4),
        _ => None,
    };
    if let Some(bytes) = fixed {
        return (!nullable).then_some(Column::Fixed(bytes));
    }
    let known = kind.starts_with("varchar(") || ["text", "mediumtext", "longtext", "json"].contains(&kind);
    let most = column.get("char_length")?.as_u64()?;
    known.then_some(Column::Text { most: if kind.starts_with("varchar(") { most } else { u64::MAX }, nullable })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use serde_json::json;

    #[test]
    fn records_look_as_the_description_says() {
        let column = |name: &str, kind: &str, length: u64, nullable: bool| json!({ "name": name, "column_type_utf8": kind, "char_length": length, "is_nullable": nullable });
        let table = json!({
            "columns": [column("tablespace_id", "bigint unsigned", 20, false),
                        column("file_name", "varchar(512)", 1536, false),
                        column("se_private_data", "mediumtext", 16_777_215, true),
                        column("DB_TRX_ID", "", 6, false)],
            "indexes": [{ "se_private_data": "id=88;root=93;",
                          "elements": [{ "column_opx": 0 }, { "column_opx": 3 }, { "column_opx": 1 }, { "column_opx": 2 }] }]
        });
        let read = Table::read(&table, &FILES.1).unwrap();
        assert_eq!((read.index, read.wanted), (88, [0, 2, 2]));
        let text = |most, nullable| Column::Text { most, nullable };
        assert_eq!(read.columns, [Column::Fixed(8), Column::Fixed(6), text(1536, false), text(u64::MAX, true)]);
        let other = json!({ "columns": [column("x", "point", 1, false)], "indexes": table["indexes"] });
        assert!(Table::read(&other, &FILES.1).is_none());
    }

    #[test]
    fn only_files_of_tables_in_the_directory_are_demanded() {
        let listed = |path: &str, private: &str| Listed::of(path.to_owned(), private);
        for (path, inside) in [
            ("./shop/a.ibd", Some("shop/a.ibd")),
            ("g.ibd", Some("g.ibd")),
            ("/data/shop/a.ibd", None),
            ("../shop/a.ibd", None),
            ("./shop/../a.ibd", None),
            ("./shop/#sql-1.ibd", None),
            ("./undo_001", Some("undo_001")),
            ("more.ibu", Some("more.ibu")),
            ("ibtmp1", None),
        ] {
            assert_eq!(listed(path, "flags=1;id=7;state=normal;").unwrap().inside(), inside, "{path}");
        }
        assert!(listed("a", "id=7;state=discarded;").unwrap().discarded);
        assert_eq!(listed("a", "flags=1;"), None);
    }
}
