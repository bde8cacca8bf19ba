//! `row-sha256` of manifest v1: rows of a whole table as bytes that are the same on every version of both
//! flavors. Manifest v2 has the same bytes, encoded here from rows as they come (`stored_rows.rs`).
//!
//! A row is encoded without ambiguity. Values whose text has no `|` come first, each
//! followed by one; then the others, each after its length in bytes and a colon, but for the
//! last. NULL is `N`, which neither a number nor a length is. Values that may be long are
//! digested first, so that no row outgrows `max_allowed_packet`. The one encoding is
//! written here, in SQL; who digests it, the server or we, makes no difference. FLOAT and
//! DOUBLE alone have no text that is exact and the same everywhere: they follow the rest as
//! the nine bytes of [`real`], and so tables that have them are digested here.

use crate::capability::Capability;
use crate::error::{Fault, ServerError};
use crate::ident::{TableName, quote};
use crate::session::{Haste, Result, Session};
use crate::sql::decode;
use crate::sql::schema::{ColumnEntry, TableDefinition};
use crate::sql::stored_form::StoredForm;
use crate::wire::Cell;
use vouch_convert::array;

/// What makes a CONCAT one of bytes. Without it the character set of a column holds for all of it, and values
/// and literals are converted; a literal would give way to a column, a cast does not, and a cast of each column
/// costs a copy of each value.
const BYTES: &str = "CAST('' AS BINARY)";

/// The form in version 1. POINT and MULTIPOINT, whose names end like those of integers, were taken for such there, and a
/// manifest that was made once must hold for ever.
fn form(column: &ColumnEntry) -> StoredForm {
    match column.data_type.as_str() {
        "point" | "multipoint" => StoredForm::Plain,
        _ => StoredForm::of(column),
    }
}

/// The value of a column that is no text.
fn plain(column: &ColumnEntry) -> String {
    let name = quote(&column.name);
    let value = match form(column) {
        StoredForm::Bits => format!("{name}+0"),
        StoredForm::Long => format!("SHA2({name},256)"),
        StoredForm::Odd => format!("SHA2(HEX({name}),256)"),
        StoredForm::Plain | StoredForm::Text | StoredForm::Real => name,
    };
    if column.nullable { format!("COALESCE(CONCAT({value}),'N'),'|'") } else { format!("{value},'|'") }
}

fn text(column: &ColumnEntry, last: bool) -> String {
    let name = quote(&column.name);
    match (column.nullable, last) {
        (true, false) => format!("COALESCE(CONCAT({BYTES},LENGTH({name}),':',{name}),'N')"),
        (true, true) => format!("COALESCE(CONCAT({BYTES},':',{name}),'N')"),
        (false, false) => format!("LENGTH({name}),':',{name}"),
        (false, true) => name,
    }
}

/// The encoding of a row, as bytes.
fn row(definition: &TableDefinition) -> String {
    let in_row = definition.columns.iter().filter(|column| form(column) != StoredForm::Real);
    let (texts, others): (Vec<_>, Vec<_>) = in_row.partition(|column| form(column) == StoredForm::Text);
    let mut parts = vec![BYTES.to_owned()];
    parts.extend(others.iter().map(|column| plain(column)));
    let last = texts.len().saturating_sub(1);
    parts.extend(texts.iter().enumerate().map(|(at, column)| text(column, at == last)));
    format!("CONCAT({})", parts.join(","))
}

fn reals(definition: &TableDefinition) -> impl Iterator<Item = &ColumnEntry> {
    definition.columns.iter().filter(|column| form(column) == StoredForm::Real)
}

/// A number as a mark and its eight bytes as a double, which every FLOAT is exactly.
fn real(value: Cell<'_>, out: &mut Vec<u8>) -> bool {
    let bits = match value {
        Cell::Null => None,
        Cell::Float(number) => Some(f64::from(number).to_bits()),
        Cell::Double(number) => Some(number.to_bits()),
        _ => return false,
    };
    out.push(u8::from(bits.is_some()));
    out.extend_from_slice(&bits.unwrap_or(0).to_be_bytes());
    true
}

impl Session {
    /// Whether the server itself can digest the rows of such a table, and combine the digests in full.
    pub fn digests_rows(&self, definition: &TableDefinition) -> bool {
        self.has(Capability::WideBitXor) && reals(definition).next().is_none()
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
            Some((rows, if rows == 0 { [0; 32] } else { array(&digest)? }))
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
        let list: Vec<String> =
            std::iter::once(row(definition)).chain(reals(definition).map(|column| quote(&column.name))).collect();
        let sql = format!("SELECT {} FROM {}", list.join(","), table.sql());
        let (mut broken, mut encoded) = (false, Vec::new());
        self.stream(&sql, Vec::new(), Haste::Whole, |row| {
            encoded.clear();
            match row.cell(0) {
                Cell::Bytes(bytes) => encoded.extend_from_slice(bytes),
                _ => broken = true,
            }
            broken |= !(1..list.len()).all(|at| real(row.cell(at), &mut encoded));
            take(&encoded);
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
            octets,
            ..ColumnEntry::default()
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
        let expected = "CONCAT(CAST('' AS BINARY),`id`,'|',`b`+0,'|',\
            COALESCE(CONCAT(SHA2(`note`,256)),'N'),'|',SHA2(HEX(`g`),256),'|',LENGTH(`name`),':',`name`,\
            COALESCE(CONCAT(CAST('' AS BINARY),':',`a``b`),'N'))";
        assert_eq!(sql, expected);
    }
}
