//! What tables there are and how they are defined, from `information_schema`.

use crate::capability::Capability;
use crate::ident::TableName;
use crate::session::{Result, Session};
use crate::sql::decode;
use mysql_common::{Row, Value};

/// A table as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// Its name.
    pub name: TableName,
    /// True for tables with rows of their own; false for views, sequences and the like.
    pub is_base: bool,
    /// It keeps the history of its rows (MariaDB); then, until when a version holds that still holds.
    pub versioned_until: Option<LastMoment>,
    /// Storage engine; empty when the server gives none.
    pub engine: String,
    /// Row format, as the server calls it.
    pub row_format: String,
    /// Default collation; empty when the server gives none.
    pub collation: String,
    /// Estimated rows.
    pub rows: u64,
    /// Estimated bytes of data.
    pub bytes: u64,
}

/// The greatest TIMESTAMP of a server, which stands for "still".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastMoment {
    /// That of 31 bits.
    Year2038,
    /// That of 32 bits, since MariaDB 11.5.
    Year2106,
}

/// A column as the server describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnEntry {
    /// Name.
    pub name: String,
    /// Bare type in lower case, such as `varchar`.
    pub data_type: String,
    /// Full type, such as `varchar(20)`, without display widths.
    pub column_type: String,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Character set; empty for those without.
    pub charset: String,
    /// Collation; empty for those without.
    pub collation: String,
    /// Greatest length in bytes of character and binary columns, 0 for others.
    pub octets: u64,
    /// Digits of numbers.
    pub precision: u64,
    /// Digits after the point.
    pub scale: u64,
    /// The expression of a generated column; empty for others.
    pub generated: String,
}

/// A part of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPart {
    /// Column; `None` for an expression.
    pub column: Option<String>,
    /// Only a prefix of the column is indexed.
    pub prefix: bool,
    /// Runs downwards.
    pub descending: bool,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Name; `PRIMARY` for the primary key.
    pub name: String,
    /// Unique.
    pub unique: bool,
    /// `BTREE` and the like.
    pub kind: String,
    /// Parts, in order.
    pub parts: Vec<IndexPart>,
    /// Estimated distinct values of the whole index.
    pub cardinality: u64,
}

/// The definition of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDefinition {
    /// Columns, in order, invisible and generated ones included.
    pub columns: Vec<ColumnEntry>,
    /// Indexes, by name.
    pub indexes: Vec<IndexEntry>,
}

const TABLES: &str = "SELECT TABLE_SCHEMA AS d, TABLE_NAME AS t, TABLE_TYPE AS k, ENGINE AS e, ROW_FORMAT AS f, \
    TABLE_COLLATION AS c, TABLE_ROWS AS r, DATA_LENGTH AS b FROM information_schema.TABLES \
    WHERE TABLE_SCHEMA NOT IN ('mysql','sys','information_schema','performance_schema') \
    ORDER BY TABLE_SCHEMA, TABLE_NAME";

const TABLE: &str = "SELECT TABLE_SCHEMA AS d, TABLE_NAME AS t, TABLE_TYPE AS k, ENGINE AS e, ROW_FORMAT AS f, \
    TABLE_COLLATION AS c, TABLE_ROWS AS r, DATA_LENGTH AS b FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?";

const COLUMNS: &str = "SELECT COLUMN_NAME AS n, DATA_TYPE AS k, COLUMN_TYPE AS t, IS_NULLABLE AS z, \
    CHARACTER_SET_NAME AS s, COLLATION_NAME AS c, CHARACTER_OCTET_LENGTH AS o, NUMERIC_PRECISION AS p, \
    NUMERIC_SCALE AS q, GENERATION_EXPRESSION AS g FROM information_schema.COLUMNS \
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";

fn index_query(functional: bool, ignorable: bool) -> String {
    let expression = if functional { "EXPRESSION" } else { "NULL" };
    // An invisible or ignored index cannot be named in FORCE INDEX.
    let visible = match (functional, ignorable) {
        (true, _) => " AND IS_VISIBLE = 'YES'",
        (_, true) => " AND IGNORED = 'NO'",
        _ => "",
    };
    format!(
        "SELECT INDEX_NAME AS i, NON_UNIQUE AS u, INDEX_TYPE AS k, COLUMN_NAME AS c, SUB_PART AS p, COLLATION AS o, \
         CARDINALITY AS r, {expression} AS x FROM information_schema.STATISTICS \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?{visible} ORDER BY INDEX_NAME, SEQ_IN_INDEX"
    )
}

/// The name as parameters. Sessions speak raw bytes, and names are UTF-8 there.
fn named(table: &TableName) -> Vec<Value> {
    vec![table.database.as_str().into(), table.table.as_str().into()]
}

fn text(row: &Row, name: &str) -> String {
    decode::text(row, &[name]).unwrap_or_default()
}

fn number(row: &Row, name: &str) -> u64 {
    decode::number(row, &[name]).unwrap_or(0)
}

fn entry(row: &Row, last_moment: LastMoment) -> TableEntry {
    let kind = text(row, "k");
    TableEntry {
        name: TableName::new(text(row, "d"), text(row, "t")),
        is_base: kind == "BASE TABLE" || kind == "SYSTEM VERSIONED",
        versioned_until: (kind == "SYSTEM VERSIONED").then_some(last_moment),
        engine: text(row, "e"),
        row_format: text(row, "f"),
        collation: text(row, "c"),
        rows: number(row, "r"),
        bytes: number(row, "b"),
    }
}

fn column(row: &Row) -> ColumnEntry {
    let data_type = text(row, "k").to_ascii_lowercase();
    ColumnEntry {
        name: text(row, "n"),
        column_type: without_display_width(&data_type, &text(row, "t")),
        data_type,
        nullable: text(row, "z").eq_ignore_ascii_case("YES"),
        charset: text(row, "s"),
        collation: text(row, "c"),
        octets: number(row, "o"),
        precision: number(row, "p"),
        scale: number(row, "q"),
        generated: text(row, "g"),
    }
}

/// Newer servers dropped `int(11)`; it never meant anything for the data.
fn without_display_width(data_type: &str, column_type: &str) -> String {
    let integer = data_type.ends_with("int") || data_type == "year";
    match (integer, column_type.find('('), column_type.find(')')) {
        (true, Some(open), Some(close)) if open < close => {
            let tail = column_type.get(close.saturating_add(1)..).unwrap_or_default();
            format!("{}{tail}", column_type.get(..open).unwrap_or_default())
        }
        _ => column_type.to_owned(),
    }
}

fn add_part(indexes: &mut Vec<IndexEntry>, row: &Row) {
    let name = text(row, "i");
    if indexes.last().is_none_or(|last| last.name != name) {
        indexes.push(IndexEntry {
            name,
            unique: number(row, "u") == 0,
            kind: text(row, "k"),
            parts: Vec::new(),
            cardinality: 0,
        });
    }
    if let Some(index) = indexes.last_mut() {
        index.cardinality = number(row, "r").max(index.cardinality);
        let is_expression = decode::bytes(row, &["x"]).is_some();
        index.parts.push(IndexPart {
            column: decode::text(row, &["c"]).filter(|_| !is_expression),
            prefix: decode::bytes(row, &["p"]).is_some(),
            descending: text(row, "o") == "D",
        });
    }
}

impl Session {
    /// The greatest TIMESTAMP of the server.
    fn last_moment(&self) -> LastMoment {
        if self.has(Capability::LateTimestamps) { LastMoment::Year2106 } else { LastMoment::Year2038 }
    }

    /// Every table that the account may see, but for the system's own.
    ///
    /// # Errors
    /// Those of the server.
    pub fn tables(&mut self) -> Result<Vec<TableEntry>> {
        let last_moment = self.last_moment();
        Ok(self.listing(TABLES, Vec::new())?.iter().map(|row| entry(row, last_moment)).collect())
    }

    /// Every table of a database.
    ///
    /// # Errors
    /// Those of the server.
    pub fn tables_of(&mut self, database: &str) -> Result<Vec<TableEntry>> {
        let last_moment = self.last_moment();
        Ok(self.listing(TABLE, vec![database.into()])?.iter().map(|row| entry(row, last_moment)).collect())
    }

    /// A table as the server lists it; `None` when it does not.
    ///
    /// # Errors
    /// Those of the server.
    pub fn table(&mut self, name: &TableName) -> Result<Option<TableEntry>> {
        let last_moment = self.last_moment();
        let rows = self.rows(&format!("{TABLE} AND TABLE_NAME = ?"), named(name))?;
        Ok(rows.first().map(|row| entry(row, last_moment)))
    }

    /// The names of every database that the account may see.
    ///
    /// # Errors
    /// Those of the server.
    pub fn databases(&mut self) -> Result<Vec<String>> {
        let rows = self.rows("SELECT SCHEMA_NAME AS d FROM information_schema.SCHEMATA", Vec::new())?;
        Ok(rows.iter().map(|row| text(row, "d")).collect())
    }

    /// The definition of `table`; no columns means that there is no such table.
    ///
    /// # Errors
    /// Those of the server.
    pub fn definition(&mut self, table: &TableName) -> Result<TableDefinition> {
        let columns = self.rows(COLUMNS, named(table))?.iter().map(column).collect();
        let query = index_query(self.has(Capability::FunctionalIndexes), self.has(Capability::IgnoredIndexes));
        let mut indexes = Vec::new();
        for row in self.rows(&query, named(table))? {
            add_part(&mut indexes, &row);
        }
        Ok(TableDefinition { columns, indexes })
    }
}

impl Session {
    /// The foreign keys that act: by a change to the first table they may change rows of the second, of which no row
    /// is then in a binlog.
    ///
    /// # Errors
    /// Those of the server.
    pub fn cascades(&mut self) -> Result<Vec<Cascade>> {
        let sql = "SELECT r.UNIQUE_CONSTRAINT_SCHEMA AS pd, r.REFERENCED_TABLE_NAME AS pt, r.CONSTRAINT_SCHEMA AS cd, \
            r.TABLE_NAME AS ct, k.REFERENCED_COLUMN_NAME AS pc FROM information_schema.REFERENTIAL_CONSTRAINTS r \
            LEFT JOIN information_schema.KEY_COLUMN_USAGE k ON k.CONSTRAINT_SCHEMA = r.CONSTRAINT_SCHEMA \
            AND k.CONSTRAINT_NAME = r.CONSTRAINT_NAME AND k.TABLE_NAME = r.TABLE_NAME \
            WHERE r.DELETE_RULE NOT IN ('RESTRICT','NO ACTION') OR r.UPDATE_RULE NOT IN ('RESTRICT','NO ACTION') \
            ORDER BY 1, 2, 3, 4";
        let rows = self.rows(sql, Vec::new())?;
        let named = |row: &Row, database: &str, table: &str| TableName::new(text(row, database), text(row, table));
        let mut cascades: Vec<Cascade> = Vec::new();
        for row in &rows {
            let (parent, child) = (named(row, "pd", "pt"), named(row, "cd", "ct"));
            let column = decode::text(row, &["pc"]);
            match cascades.last_mut() {
                Some(last) if last.parent == parent && last.child == child => last.columns.extend(column),
                _ => cascades.push(Cascade { parent, child, columns: column.into_iter().collect() }),
            }
        }
        Ok(cascades)
    }

    /// Whether the server writes what foreign keys change to its binlog, as MySQL does since 9.6 where the SQL layer
    /// acts for them.
    ///
    /// # Errors
    /// Those of the server.
    pub fn logs_cascades(&mut self) -> Result<bool> {
        Ok(self.variable("innodb_native_foreign_keys")?.is_some_and(|value| matches!(value.as_str(), "OFF" | "0")))
    }
}

/// A foreign key that acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cascade {
    /// The table that is referred to.
    pub parent: TableName,
    /// The table that refers to it.
    pub child: TableName,
    /// The columns of the parent that are referred to, of all such keys between the two.
    pub columns: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_widths_do_not_count() {
        assert_eq!(without_display_width("int", "int(10) unsigned"), "int unsigned");
        assert_eq!(without_display_width("int", "int unsigned"), "int unsigned");
        assert_eq!(without_display_width("varchar", "varchar(20)"), "varchar(20)");
    }
}
