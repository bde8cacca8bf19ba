//! `row-sha256`: rows of a whole table as bytes that are the same on every version of both flavors.
//!
//! A row is encoded without ambiguity. Values whose text has no `|` come first, each
//! followed by one; then the others, each after its length in bytes and a colon, but for the
//! last. NULL is `N`, which neither a number nor a length is. Values that may be long are
//! digested first, so that no row outgrows `max_allowed_packet`. The one encoding is
//! written here, in SQL; who digests it, the server or we, makes no difference.

use crate::capability::Capability;
use crate::error::{Fault, ServerError};
use crate::ident::{TableName, quote};
use crate::session::{Result, Session};
use crate::sql::decode;
use crate::sql::schema::{ColumnEntry, TableDefinition};
use mysql::Value;

/// Longest value that stands in a row as it is, in bytes.
const SHORT: u64 = 1024;

/// How a value becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Its text has no `|`.
    Plain,
    /// FLOAT and DOUBLE: FLOAT's own text is rounded.
    Real,
    /// Bits, as a number.
    Bits,
    /// Any bytes, short.
    Text,
    /// Any bytes, perhaps long: as their digest.
    Long,
    /// A type that has no bytes but in hexadecimal digits.
    Odd,
}

fn form(column: &ColumnEntry) -> Form {
    match column.data_type.as_str() {
        "float" | "double" => Form::Real,
        "bit" => Form::Bits,
        "decimal" | "date" | "time" | "datetime" | "timestamp" | "year" | "uuid" | "inet4" | "inet6" => Form::Plain,
        "char" | "varchar" | "binary" | "varbinary" | "enum" | "set" if column.octets <= SHORT => Form::Text,
        "char" | "varchar" | "binary" | "varbinary" | "enum" | "set" | "json" => Form::Long,
        name if name.ends_with("int") => Form::Plain,
        name if name.ends_with("text") || name.ends_with("blob") => Form::Long,
        _ => Form::Odd,
    }
}

/// The value of a column that is no text.
fn plain(column: &ColumnEntry) -> String {
    let name = quote(&column.name);
    let value = match form(column) {
        Form::Real => format!("CAST({name} AS DOUBLE)"),
        Form::Bits => format!("{name}+0"),
        Form::Long => format!("SHA2({name},256)"),
        Form::Odd => format!("SHA2(HEX({name}),256)"),
        Form::Plain | Form::Text => name,
    };
    if column.nullable { format!("COALESCE(CONCAT({value}),'N'),'|'") } else { format!("{value},'|'") }
}

fn text(column: &ColumnEntry, last: bool) -> String {
    let name = quote(&column.name);
    match (column.nullable, last) {
        (true, false) => format!("COALESCE(CONCAT(LENGTH({name}),':',{name}),'N')"),
        (true, true) => format!("COALESCE(CONCAT(':',{name}),'N')"),
        (false, false) => format!("LENGTH({name}),':',{name}"),
        (false, true) => name,
    }
}

/// The encoding of a row. It begins with bytes, so that nothing after them is converted.
fn row(definition: &TableDefinition) -> String {
    let (texts, others): (Vec<_>, Vec<_>) = definition.columns.iter().partition(|column| form(column) == Form::Text);
    let mut parts = vec!["_binary''".to_owned()];
    parts.extend(others.iter().map(|column| plain(column)));
    let last = texts.len().saturating_sub(1);
    parts.extend(texts.iter().enumerate().map(|(at, column)| text(column, at == last)));
    format!("CONCAT({})", parts.join(","))
}

impl Session {
    /// Whether the server itself can combine digests of rows in full.
    pub fn digests_rows(&self) -> bool {
        self.has(Capability::WideBitXor)
    }

    /// Number of rows, and XOR of the SHA-256 of all encoded rows, made in the server.
    ///
    /// # Errors
    /// Those of the server, and [`Fault::Other`] when a row could not be digested.
    pub fn row_digest(&mut self, table: &TableName, definition: &TableDefinition) -> Result<(u64, [u8; 32])> {
        // An operand of another length, which stands for a row that could not be digested, is refused by the server.
        let sql = format!(
            "SELECT COUNT(*) AS n, BIT_XOR(COALESCE(UNHEX(SHA2({},256)),'NULL')) AS x FROM {}",
            row(definition),
            table.sql()
        );
        let found = self.rows(&sql, Vec::new())?;
        let answer = found.first().and_then(|row| {
            let digest = decode::bytes(row, &["x"]).unwrap_or_default();
            let rows = decode::number(row, &["n"])?;
            Some((rows, if rows == 0 { [0; 32] } else { digest.try_into().ok()? }))
        });
        answer.ok_or_else(|| ServerError::new(self.name(), Fault::Other, "a digest came back without a value"))
    }

    /// Hands every encoded row to `take`, in any order.
    ///
    /// # Errors
    /// Those of the server, and [`Fault::Other`] when a row could not be encoded.
    pub fn encoded_rows(
        &mut self,
        table: &TableName,
        definition: &TableDefinition,
        mut take: impl FnMut(&[u8]),
    ) -> Result<()> {
        let sql = format!("SELECT {} AS r FROM {}", row(definition), table.sql());
        let mut broken = false;
        self.stream(&sql, Vec::new(), |row| match row.as_ref(0) {
            Some(Value::Bytes(bytes)) => take(bytes),
            _ => broken = true,
        })?;
        match broken {
            true => Err(ServerError::new(self.name(), Fault::Other, "a row outgrows max_allowed_packet")),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, data_type: &str, octets: u64, nullable: bool) -> ColumnEntry {
        ColumnEntry {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            column_type: data_type.to_owned(),
            nullable,
            charset: String::new(),
            collation: String::new(),
            octets,
            precision: 0,
            scale: 0,
            generated: String::new(),
        }
    }

    /// The encoding is public: a manifest that was made once must hold for ever.
    #[test]
    fn the_encoding_of_a_row_stays_as_it_is() {
        let columns = vec![
            column("name", "varchar", 80, false),
            column("id", "int", 0, false),
            column("f", "float", 0, true),
            column("b", "bit", 0, false),
            column("note", "longtext", 1 << 32, true),
            column("g", "geometry", 0, false),
            column("a`b", "char", 40, true),
        ];
        let sql = row(&TableDefinition { columns, indexes: Vec::new() });
        let expected = "CONCAT(_binary'',`id`,'|',COALESCE(CONCAT(CAST(`f` AS DOUBLE)),'N'),'|',`b`+0,'|',\
            COALESCE(CONCAT(SHA2(`note`,256)),'N'),'|',SHA2(HEX(`g`),256),'|',LENGTH(`name`),':',`name`,\
            COALESCE(CONCAT(':',`a``b`),'N'))";
        assert_eq!(sql, expected);
    }
}
