//! Schema drift: what differs between the definitions of a table on two servers.
//!
//! What decides which rows can be compared and how (columns, their types and collations) comes from
//! [`TableDefinition`]; everything else from [`FullDefinition`]. Severity: whatever changes rows, or changes which
//! writes a server accepts after a failover, is an error; what changes speed alone is a notice.

mod attributes;
mod constraints;
mod full;
mod indexes;
pub mod names;
mod partitions;

use crate::plan::same_name;
use std::collections::BTreeSet;
use vouch_report::{Code, Finding, Location, Proof, ValueDiff};
use vouch_server::{ColumnEntry, FullDefinition, IndexEntry, TableDefinition, TableEntry};

/// How much of the definitions is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaScope {
    /// Nothing: columns that one side lacks are named as left out.
    Off,
    /// Columns with their types and collations, which indexes there are, and the engine.
    Rows,
    /// Everything that `SHOW CREATE TABLE` prints, but for comments, counters and places on a disk.
    #[default]
    Full,
}

/// A table's listing and definition on one side.
#[derive(Clone, Debug)]
pub struct Side {
    /// As the server lists it.
    pub entry: TableEntry,
    /// Its definition.
    pub definition: TableDefinition,
}

/// A table on the source and on one replica.
pub struct Pair<'a> {
    /// `db.table`, as on the source.
    pub table: &'a str,
    /// The replica's name.
    pub replica: &'a str,
    /// The source's side.
    pub source: &'a Side,
    /// The replica's side.
    pub other: &'a Side,
    /// Everything about both, where that is compared and could be read.
    pub full: Option<(&'a FullDefinition, &'a FullDefinition)>,
    /// How tables that are referred to are called on both sides.
    pub names: names::TableNames<'a>,
    /// Columns that do not take part.
    pub ignored: &'a dyn Fn(&str) -> bool,
}

/// Findings about the definition of one table on one replica.
pub fn compare(pair: &Pair<'_>) -> Vec<Finding> {
    let mut drift = Drift { table: pair.table, replica: pair.replica, findings: Vec::new() };
    drift.columns(&pair.source.definition, &pair.other.definition, pair.ignored);
    match pair.full {
        Some((ours, theirs)) => full::compare(&mut drift, ours, theirs, pair),
        None => drift.indexes(&pair.source.definition.indexes, &pair.other.definition.indexes),
    }
    drift.storage(&pair.source.entry, &pair.other.entry);
    drift.findings
}

/// Columns that take part and exist on one side alone.
pub fn one_sided<'a>(source: &'a TableDefinition, other: &'a TableDefinition) -> impl Iterator<Item = &'a str> {
    let lacks = |definition: &TableDefinition, name: &str| definition.columns.iter().all(|c| !same_name(&c.name, name));
    let ours = source.columns.iter().filter(move |column| lacks(other, &column.name));
    let theirs = other.columns.iter().filter(move |column| lacks(source, &column.name));
    ours.chain(theirs).map(|column| column.name.as_str())
}

/// Whether a column means the same on both sides: type, charset and collation.
pub fn same_meaning(a: &ColumnEntry, b: &ColumnEntry) -> bool {
    column_type(a) == column_type(b) && collation(a) == collation(b)
}

/// Whether two looks at one table saw the same definition; cardinalities are
/// estimates and do not count.
pub fn same_definition(a: &TableDefinition, b: &TableDefinition) -> bool {
    a.columns == b.columns && shapes(&a.indexes) == shapes(&b.indexes)
}

/// MariaDB 10.6 changed the comment in which it says that a column is compressed.
fn column_type(column: &ColumnEntry) -> String {
    column.column_type.replace("/*!100301", "/*M!100301")
}

/// Newer servers write `utf8mb3` where older ones wrote `utf8`.
fn collation(column: &ColumnEntry) -> String {
    column.collation.replace("utf8mb3_", "utf8_")
}

fn describe(column: &ColumnEntry) -> String {
    let null = if column.nullable { "NULL" } else { "NOT NULL" };
    let collation = if column.collation.is_empty() { String::new() } else { format!(" COLLATE {}", column.collation) };
    format!("{}{collation} {null}", column.column_type)
}

struct Drift<'a> {
    table: &'a str,
    replica: &'a str,
    findings: Vec<Finding>,
}

impl Drift<'_> {
    fn add(&mut self, code: Code, message: String, columns: Vec<ValueDiff>) {
        let mut finding = Finding::new(code, message);
        finding.location = Location {
            table: Some(self.table.to_owned()),
            replica: Some(self.replica.to_owned()),
            columns,
            ..Location::default()
        };
        finding.proof = Some(Proof::Proven { how: "metadata".to_owned() });
        self.findings.push(finding);
    }

    /// A thing that both sides have, and that is not the same.
    fn differs(&mut self, code: Code, what: &str, source: &str, replica: &str) {
        self.add(code, format!("{what} is {source} on the source and {replica} on the replica"), Vec::new());
    }

    /// The same about a column.
    fn column_differs(&mut self, code: Code, column: &str, what: &str, source: &str, replica: &str) {
        let message = format!("column {column} {what} {source} on the source and {replica} on the replica");
        let (source, replica) = (Some(source.into()), Some(replica.into()));
        self.add(code, message, vec![ValueDiff { column: column.to_owned(), source, replica }]);
    }

    fn columns(&mut self, source: &TableDefinition, other: &TableDefinition, ignored: &dyn Fn(&str) -> bool) {
        let taking_part = |column: &&ColumnEntry| !ignored(&column.name);
        for column in source.columns.iter().filter(taking_part) {
            match other.columns.iter().find(|theirs| same_name(&theirs.name, &column.name)) {
                None => self.column_missing(Code::ColumnSourceOnly, column, "source"),
                Some(theirs) => self.column(column, theirs),
            }
        }
        for column in other.columns.iter().filter(taking_part) {
            if source.columns.iter().all(|ours| !same_name(&ours.name, &column.name)) {
                self.column_missing(Code::ColumnReplicaOnly, column, "replica");
            }
        }
    }

    fn column_missing(&mut self, code: Code, column: &ColumnEntry, side: &str) {
        let message = format!("column {} exists on the {side} only", column.name);
        self.add(code, message, vec![ValueDiff { column: column.name.clone(), source: None, replica: None }]);
    }

    fn column(&mut self, ours: &ColumnEntry, theirs: &ColumnEntry) {
        if same_meaning(ours, theirs) && ours.nullable == theirs.nullable {
            return;
        }
        self.column_differs(Code::ColumnDiffers, &ours.name, "is", &describe(ours), &describe(theirs));
    }

    fn indexes(&mut self, source: &[IndexEntry], other: &[IndexEntry]) {
        let (ours, theirs) = (shapes(source), shapes(other));
        for shape in ours.difference(&theirs) {
            self.add(Code::IndexDiffers, format!("index {shape} is on the source only"), Vec::new());
        }
        for shape in theirs.difference(&ours) {
            self.add(Code::IndexDiffers, format!("index {shape} is on the replica only"), Vec::new());
        }
    }

    fn storage(&mut self, source: &TableEntry, other: &TableEntry) {
        let shape = |entry: &TableEntry| format!("{} {}", entry.engine, entry.row_format);
        if shape(source) != shape(other) {
            let message = format!("stored as {} on the source and {} on the replica", shape(source), shape(other));
            self.add(Code::EngineDiffers, message, Vec::new());
        }
    }
}

/// Every index as text: name, uniqueness, parts.
fn shapes(indexes: &[IndexEntry]) -> BTreeSet<String> {
    let shape = |index: &IndexEntry| {
        let part = |part: &vouch_server::IndexPart| {
            let name = part.column.as_ref().map_or_else(|| "(expression)".to_owned(), |name| name.to_lowercase());
            let down = if part.descending { " DESC" } else { "" };
            format!("{name}{down}{}", if part.prefix { " (prefix)" } else { "" })
        };
        let parts: Vec<String> = index.parts.iter().map(part).collect();
        format!("{} ({}){}", index.name, parts.join(", "), if index.unique { " UNIQUE" } else { "" })
    };
    indexes.iter().map(shape).collect()
}
