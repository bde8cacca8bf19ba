//! Choosing the key along which a table is cut and by which its rows are told apart.
//!
//! In this order: the primary key, a unique key without NULLs, any other unique
//! key, the index that may have the most values, nothing. An index serves only if it holds whole
//! columns that mean the same on both sides.

use std::cmp::Reverse;
use vouch_server::{ColumnEntry, IndexEntry, KeyColumn, KeyKind, TableDefinition};

/// The key of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyChoice {
    /// Its columns; empty when there is none.
    pub columns: Vec<KeyColumn>,
    /// The index; `None` when there is none.
    pub index: Option<String>,
    /// Each row has its own key, and none is NULL.
    pub unique: bool,
    /// Intervals of it can be read as ranges of the index.
    pub ranged: bool,
}

impl KeyChoice {
    /// In words, for the report.
    pub fn describe(&self) -> String {
        match &self.index {
            Some(index) => {
                let columns: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
                let note = if self.unique { "" } else { ", not unique" };
                let note = if self.ranged { note.to_owned() } else { format!("{note}, read as a whole") };
                format!("{index} ({}){note}", columns.join(", "))
            }
            None => "none: streamed as a multiset".to_owned(),
        }
    }
}

/// How good an index is; less is better. Estimates of the server do not count: they
/// change by themselves, and a run that is resumed must come to the same key.
fn rank(index: &IndexEntry, definition: &TableDefinition) -> (u8, usize, Reverse<u64>) {
    let columns = || index.parts.iter().filter_map(|part| column_of(definition, part.column.as_deref()));
    let nullable = columns().any(|column| column.nullable);
    let class = match (index.name.as_str(), index.unique, nullable) {
        ("PRIMARY", ..) => 0,
        (_, true, false) => 1,
        (_, true, true) => 2,
        _ => 3,
    };
    let width = if class == 3 { 0 } else { index.parts.len() };
    (class, width, Reverse(columns().map(bits).sum()))
}

/// How many values a column may have, in bits: an index of few values has long runs of
/// equal keys, which cannot be cut.
fn bits(column: &ColumnEntry) -> u64 {
    match column.data_type.as_str() {
        "enum" | "set" | "bit" => 4,
        "tinyint" | "year" => 8,
        "smallint" | "date" => 16,
        "mediumint" => 24,
        "int" | "time" => 32,
        "char" | "varchar" | "binary" | "varbinary" => column.octets.saturating_mul(8).min(64),
        _ => 64,
    }
}

fn column_of<'a>(definition: &'a TableDefinition, name: Option<&str>) -> Option<&'a ColumnEntry> {
    definition.columns.iter().find(|column| Some(column.name.as_str()) == name)
}

fn kind_of(column: &ColumnEntry) -> Option<KeyKind> {
    match column.data_type.as_str() {
        "decimal" => Some(KeyKind::Decimal { precision: column.precision, scale: column.scale }),
        "enum" | "set" | "bit" => Some(KeyKind::Number),
        "uuid" | "inet4" | "inet6" => Some(KeyKind::Text),
        "json" | "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" | "geomcollection" | "vector" => None,
        _ => Some(KeyKind::Plain),
    }
}

fn as_key(index: &IndexEntry, definition: &TableDefinition, usable: &dyn Fn(&str) -> bool) -> Option<KeyChoice> {
    if index.kind != "BTREE" || index.parts.iter().any(|part| part.prefix) {
        return None;
    }
    let mut columns = Vec::new();
    for part in &index.parts {
        let column = column_of(definition, part.column.as_deref())?;
        let kind = kind_of(column).filter(|_| usable(&column.name))?;
        columns.push(KeyColumn {
            name: column.name.clone(),
            kind,
            nullable: column.nullable,
            descending: part.descending,
        });
    }
    let unique = index.unique && columns.iter().all(|column| !column.nullable);
    // ENUM and SET sort by number, and the optimizer makes no ranges of that.
    let ranged = columns.first().is_some_and(|first| first.kind != KeyKind::Number);
    Some(KeyChoice { columns, index: Some(index.name.clone()), unique, ranged })
}

/// The best key of a table. `usable` says whether a column exists and means the
/// same on both sides, `everywhere` whether all replicas can read along the key;
/// `wanted` names an index to prefer.
pub fn choose(
    definition: &TableDefinition,
    wanted: Option<&str>,
    usable: &dyn Fn(&str) -> bool,
    everywhere: &dyn Fn(&[KeyColumn]) -> bool,
) -> KeyChoice {
    let mut candidates: Vec<(&IndexEntry, KeyChoice)> = definition
        .indexes
        .iter()
        .filter_map(|index| as_key(index, definition, usable).map(|key| (index, key)))
        .collect();
    candidates.sort_by_key(|(index, key)| {
        let preferred = Some(index.name.as_str()) == wanted;
        let class = (!preferred, !key.unique, !key.ranged, !everywhere(&key.columns));
        (class, rank(index, definition), index.name.clone())
    });
    candidates.into_iter().next().map(|(_, key)| key).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouch_server::IndexPart;

    fn column(name: &str, data_type: &str, nullable: bool) -> ColumnEntry {
        ColumnEntry {
            name: name.into(),
            data_type: data_type.into(),
            column_type: data_type.into(),
            nullable,
            precision: 10,
            scale: 2,
            ..ColumnEntry::default()
        }
    }

    fn index(name: &str, unique: bool, columns: &[&str]) -> IndexEntry {
        let parts = columns.iter().map(|c| IndexPart { column: Some((*c).into()), prefix: false, descending: false });
        IndexEntry { name: name.into(), unique, kind: "BTREE".into(), parts: parts.collect(), cardinality: 10 }
    }

    fn table(indexes: Vec<IndexEntry>) -> TableDefinition {
        let columns = vec![column("a", "int", false), column("b", "int", true), column("e", "enum", false)];
        TableDefinition { columns, indexes }
    }

    #[test]
    fn the_primary_key_comes_first_and_a_nullable_unique_key_before_an_index() {
        let best = |indexes| choose(&table(indexes), None, &|_| true, &|_| true).index;
        let all = vec![index("i", false, &["b"]), index("PRIMARY", true, &["a"]), index("u", true, &["b"])];
        assert_eq!(best(all.clone()).as_deref(), Some("PRIMARY"));
        assert_eq!(best(vec![all[0].clone(), all[2].clone()]).as_deref(), Some("u"));
        assert_eq!(best(Vec::new()), None);
    }

    #[test]
    fn a_column_that_differs_between_the_sides_is_no_key() {
        let all = vec![index("PRIMARY", true, &["a"]), index("u", true, &["b"])];
        assert_eq!(choose(&table(all), None, &|name| name != "a", &|_| true).index.as_deref(), Some("u"));
    }

    #[test]
    fn an_index_that_a_replica_lacks_comes_after_one_that_all_have() {
        let all = vec![index("PRIMARY", true, &["a"]), index("u", true, &["a", "e"])];
        let wide = |columns: &[KeyColumn]| columns.len() == 2;
        assert_eq!(choose(&table(all.clone()), None, &|_| true, &wide).index.as_deref(), Some("u"));
        assert_eq!(choose(&table(all), None, &|_| true, &|_| false).index.as_deref(), Some("PRIMARY"));
    }

    #[test]
    fn estimates_of_the_server_choose_nothing() {
        let with = |a: u64, b: u64| {
            let mut all = vec![index("one", false, &["a"]), index("two", false, &["b"])];
            (all[0].cardinality, all[1].cardinality) = (a, b);
            choose(&table(all), None, &|_| true, &|_| true).index
        };
        assert_eq!(with(1, 1_000_000), with(1_000_000, 1));
    }

    #[test]
    fn an_enum_in_front_makes_no_ranges() {
        assert!(!choose(&table(vec![index("PRIMARY", true, &["e"])]), None, &|_| true, &|_| true).ranged);
    }
}
