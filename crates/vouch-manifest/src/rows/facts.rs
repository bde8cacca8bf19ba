//! What manifest v2 says about the rows of a table: [`RowFacts`].

use super::encode::ColumnFacts;
use super::merkle::merkle_root;

/// A column of the key along which a table is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The column.
    pub column: String,
    /// Whether the key runs downwards here.
    pub descending: bool,
}

/// The rows after the range before it, up to and including a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeFacts {
    /// The key of its last row, a text for each column of the key; `None` for the last range, which
    /// has no end.
    pub upto: Option<Vec<String>>,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its rows in the order of the key, in hexadecimal digits.
    pub sha256: String,
}

/// How the rows of a table were digested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFacts {
    /// The columns that are digested, in the order of the table; empty when the manifest does not say.
    pub columns: Vec<ColumnFacts>,
    /// Columns that are computed when they are read, and so are not digested.
    pub virtual_columns: Vec<String>,
    /// The key; empty for a table without one.
    pub key: Vec<KeyFacts>,
    /// Its ranges; empty for a table without a key.
    pub ranges: Vec<RangeFacts>,
}

impl RowFacts {
    /// The range at that place in words: `rows after 100 up to 200`.
    pub fn range_label(&self, at: usize) -> String {
        let end = |at: usize| self.ranges.get(at).and_then(|range| range.upto.as_ref()).map(|upto| upto.join(","));
        let lower = at.checked_sub(1).and_then(end);
        match (lower, end(at)) {
            (None, None) => "all rows".to_owned(),
            (None, Some(upper)) => format!("rows up to {upper}"),
            (Some(lower), None) => format!("rows after {lower}"),
            (Some(lower), Some(upper)) => format!("rows after {lower} up to {upper}"),
        }
    }
}

/// What is wrong with ranges: the field and a sentence. `value` and `rows` are what the table says of
/// all of them together.
pub(crate) fn fault(facts: &RowFacts, value: &str, rows: Option<u64>) -> Option<(&'static str, String)> {
    let Some((last, others)) = facts.ranges.split_last() else {
        return Some(("ranges", "there is no range: an empty table has one without rows".to_owned()));
    };
    if facts.key.is_empty() {
        return Some(("key", "the key has no column".to_owned()));
    }
    if last.upto.is_some() || others.iter().any(|range| range.upto.is_none()) {
        return Some(("ranges", "every range but the last needs `upto`, and the last has none".to_owned()));
    }
    let width = |range: &RangeFacts| range.upto.as_ref().is_some_and(|upto| upto.len() != facts.key.len());
    if others.iter().any(width) {
        return Some(("ranges", "`upto` needs one text for each column of the key".to_owned()));
    }
    let sum = facts.ranges.iter().fold(0_u64, |sum, range| sum.saturating_add(range.rows));
    if rows != Some(sum) {
        return Some(("rows", format!("the ranges have {sum} rows together, and the table says otherwise")));
    }
    match merkle_root(&facts.ranges) {
        Some(root) if root == value => None,
        Some(root) => Some(("digest", format!("the root of its ranges is {root}, and the value is another"))),
        None => Some(("ranges", "the SHA-256 of a range is not 64 hexadecimal digits".to_owned())),
    }
}
