//! Names of tables and indexes, from what MySQL's tablespaces say of themselves: [`Names`].

mod keys;

use crate::unit::BadPage;
use serde_json::Value;
use std::collections::HashMap;
use vouch_convert::{narrow, parse};
use vouch_innodb::{KeyPrefix, NO_PAGE, PageNo, SdiAway, SdiFault, SdiRecord, SpaceId};
use vouch_report::Code;

/// Bytes of descriptions that are kept of one tablespace; more tables than these have no names.
const MOST_BYTES: usize = 16 << 20;

/// An object as a page describes it.
#[derive(Debug)]
pub(crate) struct Described {
    pub page: PageNo,
    pub record: SdiRecord,
}

/// Objects that were met.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    all: Vec<Described>,
    bytes: usize,
}

impl Objects {
    /// Adds the objects of a leaf.
    pub(crate) fn add(&mut self, page: PageNo, records: Vec<SdiRecord>) {
        records.into_iter().for_each(|record| self.keep(Described { page, record }));
    }

    /// Adds what others have met.
    pub(crate) fn merge(&mut self, other: Objects) {
        other.all.into_iter().for_each(|object| self.keep(object));
    }

    /// Puts in the descriptions that stand on pages of their own, as far as `read` has them.
    pub(crate) fn fetch(&mut self, read: impl Fn(&SdiAway) -> Option<Result<String, SdiFault>>) {
        for object in std::mem::take(&mut self.all) {
            let text = object.record.away.as_ref().and_then(&read).map(|text| text.map(Some));
            let record = SdiRecord { text: text.unwrap_or(object.record.text), ..object.record };
            self.keep(Described { record, ..object });
        }
    }

    /// The descriptions of tables that could be read.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        let tables = self.all.iter().filter(|object| object.record.kind == SdiRecord::TABLE);
        tables.filter_map(|object| object.record.text.as_ref().ok()?.as_deref())
    }

    fn keep(&mut self, object: Described) {
        let bytes = object.record.text.as_ref().map_or(0, |text| text.as_ref().map_or(0, String::len));
        if self.bytes + bytes <= MOST_BYTES {
            self.bytes += bytes;
            self.all.push(object);
        }
    }
}

/// An index of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// `db.table`.
    pub table: String,
    pub name: String,
    /// The tablespace and the page of its root, where it has one.
    pub root: Option<(SpaceId, PageNo)>,
    /// What of its keys can be compared.
    pub key: Option<KeyPrefix>,
}

/// Indexes by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Names {
    indexes: HashMap<u64, Index>,
    /// `db.table`, where there is one table alone.
    pub table: Option<String>,
    /// All tables that are described.
    pub tables: Vec<String>,
}

impl Names {
    /// Reads all objects. What cannot be read is damage of its page.
    pub(crate) fn read(objects: &Objects) -> (Names, Vec<BadPage>) {
        let (mut names, mut bad, mut tables) = (Names::default(), Vec::new(), Vec::new());
        for object in &objects.all {
            match parsed(&object.record) {
                Ok(Some(described)) if object.record.kind == SdiRecord::TABLE => {
                    tables.extend(names.add(described.get("dd_object").unwrap_or(&Value::Null)));
                }
                Ok(_) => {}
                Err(why) => {
                    let message = format!("{why} (object {})", object.record.id);
                    bad.push(BadPage { page: object.page, code: Code::SdiRecord, message, index: None });
                }
            }
        }
        let described = objects.all.iter().filter(|object| object.record.kind == SdiRecord::TABLE).count();
        names.table = tables.last().filter(|_| described == 1).cloned();
        names.tables = tables;
        (names, bad)
    }

    /// The index of this number.
    pub(crate) fn of(&self, index: u64) -> Option<&Index> {
        self.indexes.get(&index)
    }

    /// Takes what another place knows of indexes that have no names yet.
    pub(crate) fn complete(&mut self, others: HashMap<u64, Index>) {
        for (id, index) in others {
            self.indexes.entry(id).or_insert(index);
        }
    }

    /// All indexes in the order of their numbers.
    pub(crate) fn all(&self) -> Vec<(u64, &Index)> {
        let mut all: Vec<_> = self.indexes.iter().map(|(id, index)| (*id, index)).collect();
        all.sort_by_key(|(id, _)| *id);
        all
    }

    fn add<'a>(&mut self, table: &'a Value) -> Option<String> {
        let text = |name: &str| table.get(name).and_then(Value::as_str);
        let name = format!("{}.{}", text("schema_ref")?, text("name")?);
        let own = list(table, "indexes");
        let columns = list(table, "columns");
        let called = |index: &'a Value| index.get("name").and_then(Value::as_str).unwrap_or_default();
        let named: Vec<_> = own.iter().map(|index| (called(index), keys::prefix(index, columns))).collect();
        for (index, called) in own.iter().zip(&named) {
            self.index(&name, *called, index);
        }
        for index in list(table, "partitions").iter().flat_map(|partition| list(partition, "indexes")) {
            let number = index.get("index_opx").and_then(Value::as_u64).and_then(narrow::<usize, _>);
            if let Some(called) = number.and_then(|number| named.get(number)) {
                self.index(&name, *called, index);
            }
        }
        Some(name)
    }

    fn index(&mut self, table: &str, (name, key): (&str, Option<KeyPrefix>), index: &Value) {
        let private = index.get("se_private_data").and_then(Value::as_str).unwrap_or_default();
        let value = |name: &str| parse::<u64>(private_value(private, name)?);
        let Some(id) = value("id") else { return };
        let number = |name: &str| value(name).and_then(narrow::<u32, _>);
        let root = number("space_id").map(SpaceId).zip(number("root").filter(|root| *root != NO_PAGE).map(PageNo));
        self.indexes.insert(id, Index { table: table.to_owned(), name: name.to_owned(), root, key });
    }
}

fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The description; `None` when it stands elsewhere.
fn parsed(record: &SdiRecord) -> Result<Option<Value>, &'static str> {
    match &record.text {
        Ok(Some(text)) => serde_json::from_str(text).map(Some).map_err(|_| "a record of the dictionary is no JSON"),
        Ok(None) => Ok(None),
        Err(fault) => Err(fault.0),
    }
}

/// A value of the server's own, in a list such as `id=7;state=normal;`.
pub(crate) fn private_value<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = list.split(';').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;

    fn object(kind: u32, text: &str) -> Objects {
        let mut objects = Objects::default();
        objects.add(PageNo(3), vec![SdiRecord { kind, id: 7, text: Ok(Some(text.to_owned())), away: None }]);
        objects
    }

    const TABLE: &str = r#"{"dd_object_type": "Table", "dd_object": {"name": "orders", "schema_ref": "shop",
        "indexes": [{"name": "PRIMARY", "se_private_data": "id=153;root=4;space_id=2;table_id=1066;trx_id=0;"},
                    {"name": "words", "se_private_data": "id=154;root=4294967295;space_id=2;"}, {"name": "odd"}],
        "partitions": [{"indexes": [{"index_opx": 0, "se_private_data": "id=170;root=4;space_id=9;"},
                                    {"index_opx": 77, "se_private_data": "id=171;root=5;space_id=9;"}]}]}}"#;

    #[test]
    fn indexes_have_the_names_of_the_dictionary() {
        let (names, bad) = Names::read(&object(1, TABLE));
        assert_eq!((names.table.as_deref(), bad), (Some("shop.orders"), vec![]));
        let of = |id| names.of(id).map(|index| (index.name.as_str(), index.root));
        assert_eq!(of(153), Some(("PRIMARY", Some((SpaceId(2), PageNo(4))))));
        assert_eq!(of(154), Some(("words", None)));
        assert_eq!(of(170), Some(("PRIMARY", Some((SpaceId(9), PageNo(4))))));
        assert_eq!((of(171), names.all().len()), (None, 3));
    }

    #[test]
    fn several_tables_are_told_apart_by_their_indexes() {
        let mut objects = object(1, TABLE);
        objects.merge(object(1, &TABLE.replace("orders", "lines").replace("id=153", "id=160")));
        objects.merge(object(2, r#"{"dd_object": {"name": "shop/orders"}}"#));
        let (names, _) = Names::read(&objects);
        assert_eq!(names.table, None);
        assert_eq!(names.of(153).unwrap().table, "shop.orders");
        assert_eq!(names.of(160).unwrap().table, "shop.lines");
    }

    #[test]
    fn what_is_no_description_is_damage_of_its_page() {
        let (_, bad) = Names::read(&object(1, "{"));
        assert_eq!((bad[0].page, bad[0].code), (PageNo(3), Code::SdiRecord));
        for text in ["[]", "7", r#"{"dd_object": []}"#, r#"{"dd_object": {"name": 1, "schema_ref": {}}}"#] {
            let (names, bad) = Names::read(&object(1, text));
            assert_eq!((names.all().len(), bad.len(), names.table), (0, 0, None), "{text}");
        }
    }
}
