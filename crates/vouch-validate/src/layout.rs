//! What of a table is digested for manifest v2, and in which order: [`Layout`].
//!
//! Invariant: it depends on the definition of the table alone, and is the same on both flavors and
//! all versions that define the table alike.

use vouch_convert::parse;
use vouch_manifest::{ColumnFacts, Form, KeyFacts};
use vouch_server::{ColumnEntry, IndexEntry, KeyColumn, KeyKind, Reading, StoredForm, TableDefinition, TableName};

/// How the value of a column becomes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// An integer.
    Integer,
    /// Four digits.
    Year,
    /// Year, month and day.
    Date,
    /// A date and a time of day, with that many digits of a second.
    DateTime(usize),
    /// Hours, minutes and seconds, with that many digits of a second.
    Time(usize),
    /// Bits, as a number.
    Bits,
    /// The bytes that the server sends.
    AsSent,
}

/// The columns and the key of a table.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The columns that are digested.
    pub columns: Vec<ColumnFacts>,
    /// How their values become text.
    pub texts: Vec<TextKind>,
    /// Columns that are not stored.
    pub virtual_columns: Vec<String>,
    /// The key; empty when there is none.
    pub key: Vec<KeyColumn>,
    /// The index of the key.
    index: Option<String>,
}

impl Layout {
    /// The layout of a table. `virtual_columns` are those that are computed when they are read.
    pub fn new(definition: &TableDefinition, virtual_columns: Vec<String>) -> Self {
        let stored = || definition.columns.iter().filter(|column| !virtual_columns.contains(&column.name));
        let mut layout = Layout {
            columns: stored().map(facts).collect(),
            texts: stored().map(text_kind).collect(),
            virtual_columns: virtual_columns.clone(),
            key: Vec::new(),
            index: None,
        };
        let mut keys = definition.indexes.iter().filter_map(|index| Some((index, layout.key_of(index, definition)?)));
        let found = keys.clone().find(|(index, _)| index.name == "PRIMARY").or_else(|| keys.next());
        if let Some((index, key)) = found {
            (layout.key, layout.index) = (key, Some(index.name.clone()));
        }
        layout
    }

    /// The columns of an index that tells every row from all others and has an order in SQL.
    fn key_of(&self, index: &IndexEntry, definition: &TableDefinition) -> Option<Vec<KeyColumn>> {
        if !index.unique || index.kind != "BTREE" {
            return None;
        }
        let column = |part: &vouch_server::IndexPart| {
            let name = part.column.as_deref().filter(|_| !part.prefix)?;
            let column = definition.columns.iter().find(|column| column.name == name && !column.nullable)?;
            let is_stored = self.columns.iter().any(|stored| stored.name == name);
            is_stored.then(|| key_column(column, part.descending))?
        };
        index.parts.iter().map(column).collect()
    }

    /// Whether intervals of the key are ranges of its index: not where it begins with ENUM, SET or BIT, which
    /// are compared by number.
    pub fn is_ranged(&self) -> bool {
        self.key.first().is_some_and(|first| first.kind != KeyKind::Number)
    }

    /// The key for a manifest.
    pub fn key_facts(&self) -> Vec<KeyFacts> {
        let facts = |column: &KeyColumn| KeyFacts { column: column.name.clone(), descending: column.descending };
        self.key.iter().map(facts).collect()
    }

    /// The same layout along the key of a manifest; says what keeps it from being so.
    pub fn along(mut self, key: &[KeyFacts], definition: &TableDefinition) -> Result<Layout, String> {
        if self.key_facts() == key {
            return Ok(self);
        }
        let column = |facts: &KeyFacts| {
            let entry = definition.columns.iter().find(|column| column.name == facts.column);
            let found = entry.and_then(|entry| key_column(entry, facts.descending));
            found.ok_or_else(|| {
                format!("the rows cannot be sorted by `{}`, a column of the manifest's key", facts.column)
            })
        };
        (self.key, self.index) = (key.iter().map(column).collect::<Result<_, _>>()?, None);
        Ok(self)
    }

    /// What keeps rows of this layout from being compared with those of a manifest.
    pub fn differs_from(&self, columns: &[ColumnFacts]) -> Option<String> {
        // A manifest that does not say is compared by its digests alone.
        if columns.is_empty() || self.columns == columns {
            return None;
        }
        let known = |list: &[ColumnFacts], name: &str| list.iter().any(|column| column.name == name);
        if let Some(gone) = columns.iter().find(|column| !known(&self.columns, &column.name)) {
            return Some(format!("it has no stored column `{}`", gone.name));
        }
        if let Some(more) = self.columns.iter().find(|column| !known(columns, &column.name)) {
            return Some(format!("it has a column `{}` that the manifest does not have", more.name));
        }
        let mut pairs = self.columns.iter().zip(columns);
        pairs.find(|(found, wanted)| found != wanted).map(|(found, wanted)| match found.name == wanted.name {
            true => format!("its column `{}` has another type or nullability", found.name),
            false => format!("its columns have another order: `{}` is where `{}` was", found.name, wanted.name),
        })
    }

    /// What is read.
    pub fn reading(&self, table: &TableName) -> Reading {
        Reading {
            table: table.clone(),
            columns: self.columns.iter().map(|column| column.name.clone()).collect(),
            key: self.key.clone(),
            index: self.index.clone(),
            converted: Vec::new(),
            history: false,
            condition: None,
        }
    }

    /// How each column of the key becomes text in the end of a range.
    pub fn key_texts(&self) -> Vec<(Form, TextKind)> {
        let of = |key: &KeyColumn| {
            let mut columns = self.columns.iter().zip(&self.texts);
            let found = columns.find(|(column, _)| column.name == key.name);
            match (found, &key.kind) {
                // ENUM, SET and BIT are read as numbers where they are a key.
                (_, KeyKind::Number) | (None, _) => (Form::Literal, TextKind::Integer),
                (Some((column, text)), _) => (column.form, *text),
            }
        };
        self.key.iter().map(of).collect()
    }
}

fn key_column(column: &ColumnEntry, descending: bool) -> Option<KeyColumn> {
    let kind = match (form(column), column.data_type.as_str()) {
        (_, "decimal") => KeyKind::Decimal { precision: column.precision, scale: column.scale },
        (_, "enum" | "set" | "bit") => KeyKind::Number,
        (_, "uuid" | "inet4" | "inet6") => KeyKind::Text,
        (Form::Sha256Hex, _) | (_, "json") => return None,
        _ => KeyKind::Plain,
    };
    Some(KeyColumn { name: column.name.clone(), kind, nullable: column.nullable, descending })
}

fn facts(column: &ColumnEntry) -> ColumnFacts {
    ColumnFacts { name: column.name.clone(), form: form(column), nullable: column.nullable }
}

fn form(column: &ColumnEntry) -> Form {
    match StoredForm::of(column) {
        StoredForm::Real => Form::Double,
        StoredForm::Bits => Form::Number,
        StoredForm::Plain => Form::Literal,
        StoredForm::Text => Form::Bytes,
        StoredForm::Long => Form::Sha256,
        StoredForm::Odd => Form::Sha256Hex,
    }
}

/// POINT, which ends like one, is none.
fn is_integer(data_type: &str) -> bool {
    matches!(data_type, "tinyint" | "smallint" | "mediumint" | "int" | "bigint")
}

fn text_kind(column: &ColumnEntry) -> TextKind {
    let digits = || {
        let inside = column.column_type.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        inside.and_then(|(digits, _)| parse(digits)).unwrap_or(0)
    };
    match column.data_type.as_str() {
        "year" => TextKind::Year,
        "date" => TextKind::Date,
        "datetime" | "timestamp" => TextKind::DateTime(digits()),
        "time" => TextKind::Time(digits()),
        "bit" => TextKind::Bits,
        name if is_integer(name) => TextKind::Integer,
        _ => TextKind::AsSent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouch_server::IndexPart;

    fn column(name: &str, data_type: &str, column_type: &str, octets: u64, nullable: bool) -> ColumnEntry {
        ColumnEntry {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            column_type: column_type.to_owned(),
            nullable,
            octets,
            ..ColumnEntry::default()
        }
    }

    fn definition() -> TableDefinition {
        let part = |name: &str, prefix| IndexPart { column: Some(name.to_owned()), prefix, descending: false };
        let index = |name: &str, unique, parts| IndexEntry {
            name: name.to_owned(),
            unique,
            kind: "BTREE".to_owned(),
            parts,
            cardinality: 0,
        };
        TableDefinition {
            columns: vec![
                column("id", "bigint", "bigint unsigned", 0, false),
                column("at", "datetime", "datetime(3)", 0, true),
                column("name", "varchar", "varchar(300)", 1200, false),
                column("v", "int", "int", 0, true),
            ],
            indexes: vec![
                index("a", true, vec![part("at", false)]),
                index("b", true, vec![part("name", true)]),
                index("c", true, vec![part("name", false), part("id", false)]),
                index("d", false, vec![part("id", false)]),
            ],
        }
    }

    #[test]
    fn a_key_has_whole_columns_that_are_never_null_and_virtual_columns_are_left_out() {
        let layout = Layout::new(&definition(), vec!["v".to_owned()]);
        let names: Vec<&str> = layout.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["id", "at", "name"]);
        assert_eq!(layout.texts, [TextKind::Integer, TextKind::DateTime(3), TextKind::AsSent]);
        assert_eq!(layout.columns[2].form, Form::Sha256);
        assert_eq!(form(&column("p", "point", "point", 0, false)), Form::Sha256Hex);
        let key: Vec<&str> = layout.key.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((key.join(","), layout.index.as_deref()), ("name,id".to_owned(), Some("c")));
        let mut with_primary = definition();
        with_primary.indexes[3] =
            IndexEntry { name: "PRIMARY".to_owned(), unique: true, ..with_primary.indexes[3].clone() };
        assert_eq!(Layout::new(&with_primary, Vec::new()).index.as_deref(), Some("PRIMARY"));
    }

    #[test]
    fn what_keeps_rows_from_being_compared_is_named() {
        let layout = Layout::new(&definition(), vec!["v".to_owned()]);
        let told = |change: fn(&mut Vec<ColumnFacts>)| {
            let mut columns = layout.columns.clone();
            change(&mut columns);
            layout.differs_from(&columns).unwrap_or_default()
        };
        assert_eq!(told(|_| {}), "");
        assert_eq!(told(Vec::clear), "");
        assert!(told(|columns| drop(columns.remove(1))).contains("a column `at` that the manifest does not have"));
        assert!(told(|columns| columns[1].name = "x".to_owned()).contains("no stored column `x`"));
        assert!(told(|columns| columns[1].nullable = false).contains("`at` has another type or nullability"));
        assert!(told(|columns| columns.swap(0, 1)).contains("another order: `id` is where `at` was"));
    }
}
