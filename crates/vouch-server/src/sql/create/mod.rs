//! The whole definition of a table, read from `SHOW CREATE TABLE`.
//!
//! One statement, so the definition is of one moment; it needs SELECT alone, while MariaDB hides foreign keys
//! and CHECK constraints in `information_schema` from an account that has no more; and a clause that is new to
//! vouch is kept as text and compared as such instead of being passed over.

mod column;
mod cursor;
mod key;
mod lex;
mod partition;
mod statement;
mod text;

use crate::capability::Capability;
use crate::error::{Fault, ServerError};
use crate::flavor::Flavor;
use crate::ident::TableName;
use crate::session::{Result, Session};
use mysql_common::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Everything about a table that its `SHOW CREATE TABLE` says, but for comments, the value of the AUTO_INCREMENT
/// counter, places on a disk, and the types of columns (see [`crate::TableDefinition`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullDefinition {
    /// What the server that printed it can express.
    pub language: Language,
    /// Columns, in order.
    pub columns: Vec<ColumnDetail>,
    /// Indexes, in the order of the statement.
    pub indexes: Vec<IndexDetail>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints, those of columns included.
    pub checks: Vec<CheckConstraint>,
    /// Periods, as `SYSTEM_TIME (rs, re)`.
    pub periods: Vec<String>,
    /// Keeps the history of its rows.
    pub versioned: bool,
    /// How it is partitioned.
    pub partitioning: Option<Partitioning>,
    /// Its other options, by name.
    pub options: BTreeMap<String, String>,
}

/// What a server can express in a definition: what one of two servers cannot is no difference between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    /// Whose grammar it is; expressions are compared within one.
    pub flavor: Flavor,
    /// Descending key parts, instead of a DESC that is read and dropped.
    pub descending: bool,
    /// Invisible or ignored indexes.
    pub hidden_indexes: bool,
    /// CHECK constraints, instead of a clause that is read and dropped.
    pub checks: bool,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnDetail {
    /// Name.
    pub name: String,
    /// DEFAULT; `None` where a value must be given.
    pub default: Option<DefaultValue>,
    /// ON UPDATE.
    pub on_update: Option<String>,
    /// AUTO_INCREMENT.
    pub auto_increment: bool,
    /// How it is computed.
    pub generated: Option<Generated>,
    /// Left out of `SELECT *`.
    pub invisible: bool,
    /// Any other clause, such as `srid 4326`.
    pub attributes: Vec<String>,
}

/// A DEFAULT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// NULL.
    Null,
    /// A constant, without quotes. A number that is quoted is the same constant: MySQL quotes all.
    Literal(String),
    /// Bytes that are no text, in hexadecimal digits.
    Bytes(String),
    /// An expression.
    Expression(String),
}

impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DefaultValue::Null => f.write_str("NULL"),
            DefaultValue::Literal(value) => f.write_str(&text::quoted(value.as_bytes())),
            DefaultValue::Bytes(digits) => write!(f, "x'{digits}'"),
            DefaultValue::Expression(expression) => write!(f, "({expression})"),
        }
    }
}

/// How a generated column is computed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// From what; `row start` and `row end` for the period of a history.
    pub expression: String,
    /// Kept with the row, instead of being computed when it is read.
    pub stored: bool,
}

/// What an index is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// The primary key.
    Primary,
    /// Refuses duplicates.
    Unique,
    /// Any other.
    Plain,
    /// Words.
    Fulltext,
    /// Shapes.
    Spatial,
    /// Vectors.
    Vector,
}

impl IndexKind {
    /// As it is written in a definition.
    pub fn name(self) -> &'static str {
        match self {
            IndexKind::Primary => "PRIMARY KEY",
            IndexKind::Unique => "UNIQUE KEY",
            IndexKind::Plain => "KEY",
            IndexKind::Fulltext => "FULLTEXT KEY",
            IndexKind::Spatial => "SPATIAL KEY",
            IndexKind::Vector => "VECTOR KEY",
        }
    }

    /// Whether it decides which rows are accepted.
    pub fn is_unique(self) -> bool {
        matches!(self, IndexKind::Primary | IndexKind::Unique)
    }
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexDetail {
    /// Name; `PRIMARY` for the primary key.
    pub name: String,
    /// Kind.
    pub kind: IndexKind,
    /// Parts, in order.
    pub parts: Vec<KeyPartDetail>,
    /// Invisible (MySQL) or ignored (MariaDB): kept up to date, and not read.
    pub hidden: bool,
    /// Any other clause, such as `using hash`.
    pub attributes: Vec<String>,
}

/// A part of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPartDetail {
    /// The column, or the expression in parentheses.
    pub of: String,
    /// Characters (or bytes) that are indexed; `None` for all.
    pub length: Option<u64>,
    /// Runs downwards.
    pub descending: bool,
    /// Any other clause, such as `without overlaps`.
    pub attributes: Vec<String>,
}

/// A foreign key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignKey {
    /// Name of the constraint.
    pub name: String,
    /// Columns.
    pub columns: Vec<String>,
    /// Database of the referenced table, where it is another one.
    pub referenced_database: Option<String>,
    /// The referenced table.
    pub referenced_table: String,
    /// Its columns.
    pub referenced_columns: Vec<String>,
    /// ON DELETE; RESTRICT for NO ACTION, which is the same to InnoDB, and where nothing is said.
    pub on_delete: String,
    /// ON UPDATE, likewise.
    pub on_update: String,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckConstraint {
    /// Name of the constraint; for one that belongs to a column in MariaDB, the column's.
    pub name: String,
    /// What must hold.
    pub expression: String,
    /// False for NOT ENFORCED.
    pub enforced: bool,
}

/// How a table is partitioned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partitioning {
    /// Method, expression and number: `range (year(d)) subpartition by hash (id) subpartitions 2`.
    pub scheme: String,
    /// Each partition that is named, with its subpartitions after it: name and clause.
    pub partitions: Vec<(String, String)>,
}

/// Whether a server chose the name of a constraint: `t_ibfk_1`, `t_chk_1`, `CONSTRAINT_1`, a plain number.
pub fn is_generated_name(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = stem.len() < name.len();
    let usual = stem.is_empty() || stem == "CONSTRAINT_" || stem.ends_with("_ibfk_") || stem.ends_with("_chk_");
    name.is_empty() || (numbered && usual)
}

impl Session {
    /// Everything that the server prints about the definition of `table`.
    ///
    /// # Errors
    /// Those of the server, and [`Fault::Other`] when the statement is not understood.
    pub fn full_definition(&mut self, table: &TableName) -> Result<FullDefinition> {
        let rows = self.show(&format!("SHOW CREATE TABLE {}", table.sql()))?;
        let statement = match rows.first().and_then(|row| row.as_ref(1)) {
            Some(Value::Bytes(bytes)) => bytes.clone(),
            _ => Vec::new(),
        };
        let language = Language {
            flavor: self.identity().flavor,
            descending: self.has(Capability::DescendingIndexes),
            hidden_indexes: self.has(Capability::HiddenIndexes),
            checks: self.has(Capability::CheckConstraints),
        };
        statement::parse(&statement, language).map_err(|why| {
            let message = format!("what SHOW CREATE TABLE prints for {table} is not understood: {why}");
            ServerError::new(self.name(), Fault::Other, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_servers_choose_are_known() {
        for name in ["t_ibfk_1", "t_chk_12", "CONSTRAINT_1", "1", ""] {
            assert!(is_generated_name(name), "{name}");
        }
        for name in ["fk1", "t_chk", "positive", "CONSTRAINT_", "t_ibfk"] {
            assert!(!is_generated_name(name), "{name}");
        }
    }
}
