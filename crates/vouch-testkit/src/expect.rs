//! What a comparison has to say about a drift: [`Expected`] rows.
//!
//! Values are written as a client shows them: plain text without quotes,
//! `NULL`, and `0x` with upper-case digits for bytes of binary columns.

use std::collections::BTreeMap;
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

/// What is wrong with the findings about one table: a line for each that is missing and each that is too many.
///
/// Quotes around values and the case of `0x` digits do not matter. Where rows
/// without a key are expected, only their number counts, however they are named.
pub fn mismatches(expected: &[Expected], found: &[Expected]) -> Vec<String> {
    let keyless = expected.iter().any(|row| row.key == RowKey::Multiset);
    let (wanted, got) = (tally(expected, keyless), tally(found, keyless));
    let lacking = |a: &BTreeMap<Expected, u64>, b: &BTreeMap<Expected, u64>, word: &str| -> Vec<String> {
        let left = |(row, count): (&Expected, &u64)| (row.clone(), count.saturating_sub(*b.get(row).unwrap_or(&0)));
        a.iter().map(left).filter(|(_, left)| *left > 0).map(|(row, n)| format!("{word} ({n}): {row}")).collect()
    };
    [lacking(&wanted, &got, "missing"), lacking(&got, &wanted, "too many")].concat()
}

fn tally(rows: &[Expected], keyless: bool) -> BTreeMap<Expected, u64> {
    let mut tally = BTreeMap::new();
    for row in rows {
        let key = match &row.key {
            RowKey::Columns(parts) if !keyless => {
                RowKey::Columns(parts.iter().map(|(column, value)| (column.clone(), plain(value))).collect())
            }
            _ => RowKey::Multiset,
        };
        *tally.entry(Expected { key, count: 1, ..row.clone() }).or_default() += row.count;
    }
    tally
}

fn plain(value: &str) -> String {
    let bare = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(value);
    match bare.strip_prefix("0x") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => format!("0x{}", digits.to_uppercase()),
        _ => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_and_a_needless_finding_are_told() {
        let expected = [Expected::changed("id", 1, &["v"]), Expected::source_only("k", "0xFF")];
        let found = [Expected::changed("id", 1, &["w"]), Expected::source_only("k", "'0xff'")];
        let lines = mismatches(&expected, &found);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("missing") && lines[1].starts_with("too many"));
        assert!(mismatches(&expected, &expected).is_empty());
    }

    #[test]
    fn rows_without_a_key_are_counted() {
        let expected = [Expected::multiset(DiffKind::SourceOnly, 2)];
        let one = Expected::source_only("row digest", "0xAB");
        assert_eq!(mismatches(&expected, std::slice::from_ref(&one)).len(), 1);
        assert!(mismatches(&expected, &[one.clone(), one]).is_empty());
    }
}
