//! Names of tables: how many there are, and those that a filter may let in.
//!
//! Invariant: a [`NameFilter`] never leaves out a name that its patterns match; it may let others in.

use crate::ident::TableName;
use crate::session::{Result, Session};
use crate::sql::decode;
use mysql_common::{Row, Value};

/// A part of a name, as far as a server can be asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamePart {
    /// Any name.
    Any,
    /// This very name.
    Is(String),
    /// Names with these pieces in this order, the first at their beginning and the last at their end.
    Pieces(Vec<String>),
}

/// The names that a listing is restricted to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameFilter {
    /// Database and table; a name is listed if one of them matches.
    pub any_of: Vec<(NamePart, NamePart)>,
    /// Without regard to case.
    pub folds: bool,
}

/// Names and kinds alone: for these a server need not open a table.
const NAMES: &str = "SELECT TABLE_SCHEMA AS d, TABLE_NAME AS t, TABLE_TYPE AS k FROM information_schema.TABLES \
    WHERE TABLE_SCHEMA NOT IN ('mysql','sys','information_schema','performance_schema')";

const COUNTS: &str = "SELECT TABLE_SCHEMA AS d, COUNT(*) AS n FROM information_schema.TABLES \
    WHERE TABLE_SCHEMA NOT IN ('mysql','sys','information_schema','performance_schema') GROUP BY TABLE_SCHEMA";

impl NameFilter {
    /// ` AND (…)` with its parameters; empty where every name is listed.
    fn condition(&self) -> (String, Vec<Value>) {
        let (mut choices, mut params) = (Vec::new(), Vec::new());
        for (database, table) in &self.any_of {
            let parts = [("TABLE_SCHEMA", database), ("TABLE_NAME", table)];
            let of_part: Vec<String> =
                parts.into_iter().filter_map(|(column, part)| self.part(column, part, &mut params)).collect();
            if of_part.is_empty() {
                return (String::new(), Vec::new());
            }
            choices.push(of_part.join(" AND "));
        }
        match choices.is_empty() {
            true => (String::new(), Vec::new()),
            false => (format!(" AND ({})", choices.join(" OR ")), params),
        }
    }

    fn part(&self, column: &str, part: &NamePart, params: &mut Vec<Value>) -> Option<String> {
        // What a server makes of other letters in lower case is its own affair.
        let usable = |text: &str| !self.folds || text.is_ascii();
        let spelled = |text: String| if self.folds { text.to_ascii_lowercase() } else { text };
        let column = if self.folds { format!("LOWER({column})") } else { column.to_owned() };
        match part {
            NamePart::Is(name) if usable(name) => {
                params.push(spelled(name.clone()).into());
                Some(format!("{column} = ?"))
            }
            NamePart::Pieces(pieces) if pieces.iter().all(|piece| usable(piece)) => {
                let pieces: Vec<String> = pieces.iter().map(|piece| like(piece)).collect();
                params.push(spelled(pieces.join("%")).into());
                Some(format!("{column} LIKE ? ESCAPE '|'"))
            }
            NamePart::Any | NamePart::Is(_) | NamePart::Pieces(_) => None,
        }
    }
}

/// A text as LIKE takes it literally.
fn like(text: &str) -> String {
    text.replace('|', "||").replace('%', "|%").replace('_', "|_")
}

fn text(row: &Row, name: &str) -> String {
    decode::text(row, &[name]).unwrap_or_default()
}

impl Session {
    /// The number of tables and views in each database, but for the system's own. Nothing is opened for it.
    ///
    /// # Errors
    /// Those of the server.
    pub fn table_counts(&mut self) -> Result<Vec<(String, u64)>> {
        let rows = self.listing(COUNTS, Vec::new())?;
        Ok(rows.iter().map(|row| (text(row, "d"), decode::number(row, &["n"]).unwrap_or(0))).collect())
    }

    /// The name of every table and view that the account may see and `filter` lets in, but for the system's own, and
    /// whether it has rows of its own.
    ///
    /// # Errors
    /// Those of the server.
    pub fn table_names(&mut self, filter: &NameFilter) -> Result<Vec<(TableName, bool)>> {
        let (condition, params) = filter.condition();
        let rows = self.listing(&format!("{NAMES}{condition}"), params)?;
        // What the server cannot open has rows until it is shown otherwise.
        let has_rows =
            |row: &Row| !matches!(text(row, "k").as_str(), "VIEW" | "SYSTEM VIEW" | "SEQUENCE" | "TEMPORARY");
        Ok(rows.iter().map(|row| (TableName::new(text(row, "d"), text(row, "t")), has_rows(row))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(any_of: &[(NamePart, NamePart)], folds: bool) -> (String, Vec<String>) {
        let (condition, params) = NameFilter { any_of: any_of.to_vec(), folds }.condition();
        let shown = |value: &Value| match value {
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => format!("{other:?}"),
        };
        (condition, params.iter().map(shown).collect())
    }

    #[test]
    fn a_filter_becomes_a_condition() {
        let is = |name: &str| NamePart::Is(name.to_owned());
        let pieces = |list: &[&str]| NamePart::Pieces(list.iter().map(|piece| (*piece).to_owned()).collect());
        assert_eq!(of(&[], false), (String::new(), Vec::new()));
        assert_eq!(of(&[(is("a"), is("b")), (NamePart::Any, NamePart::Any)], false), (String::new(), Vec::new()));
        let (condition, params) = of(&[(is("a"), is("T")), (NamePart::Any, pieces(&["x_", "", "9"]))], false);
        assert_eq!(condition, " AND (TABLE_SCHEMA = ? AND TABLE_NAME = ? OR TABLE_NAME LIKE ? ESCAPE '|')");
        assert_eq!(params, ["a", "T", "x|_%%9"]);
        let (condition, params) = of(&[(is("Ä"), is("T"))], true);
        assert_eq!((condition.as_str(), params[0].as_str()), (" AND (LOWER(TABLE_NAME) = ?)", "t"));
    }
}
