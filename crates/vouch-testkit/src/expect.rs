//! What a comparison has to say about a drift: [`Expected`] rows.
//!
//! Values are written as a client shows them: plain text without quotes,
//! `NULL`, and `0x` with upper-case digits for bytes of binary columns.

use std::fmt;

/// On which side of the pair a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiffKind {
    /// On the source and missing on the replica.
    SourceOnly,
    /// On the replica and missing on the source.
    ReplicaOnly,
    /// On both under the same key, with other contents.
    Changed,
}

/// By what a row is told from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// The columns of the key in their order in it, and their values.
    Columns(Vec<(String, String)>),
    /// Nothing: the row is one of a multiset (no key, or a key that is NULL).
    Multiset,
}

/// One finding about rows that a comparison must make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expected {
    /// On which side.
    pub kind: DiffKind,
    /// Which row.
    pub key: RowKey,
    /// The columns that differ, sorted by name; empty unless `kind` is [`DiffKind::Changed`].
    pub columns: Vec<String>,
    /// How many equal rows it stands for; 1 where there is a key.
    pub count: u64,
}

impl Expected {
    /// A row that only the source has, by a key of one column.
    pub fn source_only(column: &str, value: impl ToString) -> Expected {
        Expected::keyed(DiffKind::SourceOnly, &[(column, &value.to_string())], &[])
    }

    /// A row that only the replica has, by a key of one column.
    pub fn replica_only(column: &str, value: impl ToString) -> Expected {
        Expected::keyed(DiffKind::ReplicaOnly, &[(column, &value.to_string())], &[])
    }

    /// A row whose `columns` differ, by a key of one column.
    pub fn changed(column: &str, value: impl ToString, columns: &[&str]) -> Expected {
        Expected::keyed(DiffKind::Changed, &[(column, &value.to_string())], columns)
    }

    /// A row by a key of any columns.
    pub fn keyed(kind: DiffKind, key: &[(&str, &str)], columns: &[&str]) -> Expected {
        let key = key.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect();
        let mut columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        columns.sort();
        Expected { kind, key: RowKey::Columns(key), columns, count: 1 }
    }

    /// `count` equal rows of a multiset.
    pub fn multiset(kind: DiffKind, count: u64) -> Expected {
        Expected { kind, key: RowKey::Multiset, columns: Vec::new(), count }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match &self.key {
            RowKey::Multiset => format!("{} row(s) without a key", self.count),
            RowKey::Columns(parts) => {
                let parts: Vec<String> = parts.iter().map(|(column, value)| format!("{column}={value:?}")).collect();
                parts.join(", ")
            }
        };
        match self.kind {
            DiffKind::SourceOnly => write!(f, "{key}: source only"),
            DiffKind::ReplicaOnly => write!(f, "{key}: replica only"),
            DiffKind::Changed => write!(f, "{key}: changed {}", self.columns.join(", ")),
        }
    }
}
