//! Schema drift: what differs between the definitions of a table on two servers.

use crate::plan::same_name;
use std::collections::BTreeSet;
use vouch_report::{Code, Finding, Location, Proof, ValueDiff};
use vouch_server::{ColumnEntry, IndexEntry, TableDefinition, TableEntry};

/// A table's listing and definition on one side.
#[derive(Clone, Debug)]
pub struct Side {
    /// As the server lists it.
    pub entry: TableEntry,
    /// Its definition.
    pub definition: TableDefinition,
}

/// Findings about the definition of one table on one replica.
pub fn compare(
    table: &str,
    replica: &str,
    source: &Side,
    other: &Side,
    ignored: &dyn Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut drift = Drift { table, replica, findings: Vec::new() };
    drift.columns(&source.definition, &other.definition, ignored);
    drift.indexes(&source.definition.indexes, &other.definition.indexes);
    drift.storage(&source.entry, &other.entry);
    drift.findings
}

/// Whether a column means the same on both sides: type, charset and collation.
pub fn same_meaning(a: &ColumnEntry, b: &ColumnEntry) -> bool {
    a.column_type == b.column_type && collation(a) == collation(b)
}

/// Whether two looks at one table saw the same definition; cardinalities are
/// estimates and do not count.
pub fn same_definition(a: &TableDefinition, b: &TableDefinition) -> bool {
    a.columns == b.columns && shapes(&a.indexes) == shapes(&b.indexes)
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
        let (source, replica) = (describe(ours), describe(theirs));
        let message = format!("column {} is {source} on the source and {replica} on the replica", ours.name);
        let diff = ValueDiff { column: ours.name.clone(), source: Some(source), replica: Some(replica) };
        self.add(Code::ColumnDiffers, message, vec![diff]);
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
