//! The history of system-versioned tables (MariaDB): whether it is compared, and how its rows are told apart.
//!
//! A row of the history is one version of a row, with the moments from and until which it held. The server puts the
//! end into every unique key, so that key and end name one version. A server names the periods, or hides them.

use crate::drift::Side;
use vouch_server::{ColumnEntry, KeyColumn, KeyKind, LastMoment, TableDefinition};

/// What is compared of a table besides its current rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// There is none.
    None,
    /// All versions. The columns of the period are hidden, or are columns like any other.
    Compared {
        /// The period is not listed among the columns.
        hidden: bool,
    },
    /// Nothing, and the columns of the period are left out: their values are each server's own.
    LeftOut {
        /// Why.
        why: &'static str,
        /// Start and end, where they are listed among the columns.
        period: Option<(String, String)>,
    },
}

/// The names under which a hidden period can be read.
const HIDDEN: (&str, &str) = ("row_start", "row_end");

/// The period as it is listed among the columns.
fn listed_period(definition: &TableDefinition) -> Option<(&ColumnEntry, &ColumnEntry)> {
    let find = |what: &str| definition.columns.iter().find(|column| column.generated.eq_ignore_ascii_case(what));
    find("ROW START").zip(find("ROW END"))
}

impl History {
    /// What is compared of the table; `sides` are the replicas that have it.
    pub fn of(source: &Side, sides: &[&Side]) -> History {
        if source.entry.versioned_until.is_none() {
            return History::None;
        }
        let period = listed_period(&source.definition);
        let names = |side: &Side| listed_period(&side.definition).map(|(s, e)| (s.name.clone(), e.name.clone()));
        let left_out = |why| History::LeftOut { why, period: names(source) };
        let until = |side: &Side| -> Option<LastMoment> { side.entry.versioned_until };
        if sides.iter().any(|side| until(side).is_none()) {
            left_out("only one side keeps it")
        } else if sides.iter().any(|side| names(side) != names(source)) {
            left_out("the columns of its period differ")
        } else if period.is_some_and(|(start, _)| start.data_type == "bigint") {
            left_out("its period counts transactions, which each server numbers for itself")
        } else if sides.iter().any(|side| until(side) != until(source)) {
            left_out("MariaDB 11.5 changed the end of versions that still hold, from 2038 to 2106")
        } else {
            History::Compared { hidden: period.is_none() }
        }
    }

    /// Why it is not compared, where that is so.
    pub fn left_out(&self) -> Option<&'static str> {
        match self {
            History::LeftOut { why, .. } => Some(why),
            History::None | History::Compared { .. } => None,
        }
    }

    /// Whether all versions are read.
    pub fn is_compared(&self) -> bool {
        matches!(self, History::Compared { .. })
    }

    /// Whether a column of the period says nothing about the other side.
    pub fn is_local(&self, column: &str) -> bool {
        matches!(self, History::LeftOut { period: Some((start, end)), .. } if column == start || column == end)
    }

    /// The columns of a hidden period.
    pub fn hidden_columns(&self) -> Vec<ColumnEntry> {
        let column = |name: &str| ColumnEntry {
            name: name.to_owned(),
            data_type: "timestamp".to_owned(),
            column_type: "timestamp(6)".to_owned(),
            nullable: false,
            ..ColumnEntry::default()
        };
        match self {
            History::Compared { hidden: true } => vec![column(HIDDEN.0), column(HIDDEN.1)],
            _ => Vec::new(),
        }
    }

    /// What a unique key lacks to tell versions apart.
    pub fn hidden_key(&self) -> Option<KeyColumn> {
        let column =
            || KeyColumn { name: HIDDEN.1.to_owned(), kind: KeyKind::Plain, nullable: false, descending: false };
        matches!(self, History::Compared { hidden: true }).then(column)
    }

    /// A definition whose indexes do not have the end of the period, where only current rows are read: among these
    /// the rest of a unique key is unique.
    pub fn current_only(&self, definition: &TableDefinition) -> TableDefinition {
        let mut definition = definition.clone();
        if let History::LeftOut { period: Some((_, end)), .. } = self {
            for index in definition.indexes.iter_mut().filter(|index| index.parts.len() > 1) {
                index.parts.retain(|part| part.column.as_ref() != Some(end));
            }
        }
        definition
    }
}
