//! Digests made in the server: only a count and a digest travel.
//!
//! A row is encoded without ambiguity: every number with a mark behind it that no
//! number has, every other value with its length, NULL as a mark that neither
//! begins with. Values that may be long are digested first, so that no
//! encoded row outgrows `max_allowed_packet`, and the number of row digests
//! that were not NULL is compared with the number of rows all the same.

use crate::capability::Capability;
use crate::error::{Fault, ServerError};
use crate::ident::quote;
use crate::session::{Result, Session};
use crate::sql::decode;
use crate::sql::order::{Interval, interval_sql};
use crate::sql::rows::Reading;
use vouch_convert::{parse, utf8};

/// How a column is turned into bytes inside the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnForm {
    /// A number that is exact as text: as that text.
    Number,
    /// Text or bytes, short: as they are.
    Text,
    /// Anything else that is short: as its bytes.
    Short,
    /// FLOAT, whose text is rounded: as a double.
    Real,
    /// May be long: digested first.
    Long,
}

/// A column for a digest in the server.
#[derive(Clone, Debug)]
pub struct DigestColumn {
    /// Name.
    pub name: String,
    /// Form.
    pub form: ColumnForm,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// Which function digests a row in the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerDigest {
    /// SHA-256, combined by XOR: in full, or in two 60-bit slices where XOR is 64 bits wide.
    Sha2,
    /// CRC32 of CRC32, combined by SUM: light.
    Crc,
}

/// What the server says about an interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerDigestResult {
    /// Rows.
    pub rows: u64,
    /// The digest as the server wrote it; compared as bytes.
    pub digest: Vec<u8>,
}

/// A column whose value is this expression.
fn encoded(column: &DigestColumn, name: &str) -> String {
    let with_length = |bytes: &str| format!("LENGTH({bytes}),':',{bytes}");
    let value = match column.form {
        ColumnForm::Number => format!("{name},':'"),
        ColumnForm::Text => with_length(name),
        ColumnForm::Short => with_length(&format!("CAST({name} AS BINARY)")),
        ColumnForm::Real => with_length(&format!("CAST(CAST({name} AS DOUBLE) AS BINARY)")),
        ColumnForm::Long => with_length(&format!("SHA2({name},256)")),
    };
    if column.nullable { format!("COALESCE({},'N')", bytes_of("", &value)) } else { value }
}

/// These parts together as bytes. One part that is bytes makes all of them so, each as
/// it is stored: converting every column costs more than digesting the row.
fn bytes_of(first: &str, parts: &str) -> String {
    format!("CONCAT(CAST('{first}' AS BINARY),{parts})")
}

/// The digest of one row as an SQL expression; `salt` must be plain hexadecimal.
pub(crate) fn row_text(columns: &[DigestColumn], salt: &str) -> String {
    text_of_row(columns, salt, |column| quote(&column.name))
}

fn text_of_row(columns: &[DigestColumn], salt: &str, value: impl Fn(&DigestColumn) -> String) -> String {
    let parts: Vec<String> = columns.iter().map(|column| encoded(column, &value(column))).collect();
    bytes_of(salt, &parts.join(","))
}

/// The select list over the rows. A row digest that is NULL must not pass unseen,
/// and must be noticed without computing it twice: a wide XOR refuses operands of
/// unequal length, and the sum of CRCs leaves its range.
fn aggregate(kind: ServerDigest, wide: bool, row: &str) -> String {
    let slice = |from: u8| format!("BIT_XOR(CAST(CONV(SUBSTR(SHA2({row},256),{from},15),16,10) AS UNSIGNED))");
    match (kind, wide) {
        (ServerDigest::Crc, _) => {
            format!(
                "COUNT(*) AS n, COALESCE(SUM(COALESCE(CRC32(CRC32({row})),{NULL_MARK})),0) AS x, '' AS y, 0 AS nulls"
            )
        }
        (ServerDigest::Sha2, true) => {
            format!("COUNT(*) AS n, HEX(BIT_XOR(COALESCE(UNHEX(SHA2({row},256)),'NULL'))) AS x, '' AS y, 0 AS nulls")
        }
        (ServerDigest::Sha2, false) => {
            format!("COUNT(*) AS n, {} AS x, {} AS y, COALESCE(SUM({row} IS NULL),0) AS nulls", slice(1), slice(16))
        }
    }
}

/// Stands for a row digest that is NULL in a sum of CRCs; greater than any sum of
/// 2^30 proper ones.
const NULL_MARK: u64 = 1 << 62;

fn has_null_digest(kind: ServerDigest, x: &[u8], nulls: u64) -> bool {
    let sum = utf8(x).and_then(parse::<u128>);
    nulls > 0 || (kind == ServerDigest::Crc && sum.is_none_or(|sum| sum >= u128::from(NULL_MARK)))
}

impl Session {
    /// Count and digest of the rows of `interval`, made in the server.
    ///
    /// # Errors
    /// Those of the server, and [`Fault::Other`] when a row digest was NULL.
    pub fn digest_interval(
        &mut self,
        reading: &Reading,
        columns: &[DigestColumn],
        kind: ServerDigest,
        salt: &str,
        interval: &Interval,
    ) -> Result<ServerDigestResult> {
        let (condition, params) = interval_sql(&reading.key, interval);
        let row = text_of_row(columns, salt, |column| reading.value_of(&column.name));
        let wide = self.has(Capability::WideBitXor);
        let sql = format!("SELECT {} {}", aggregate(kind, wide, &row), reading.source_of_rows(&condition));
        let found = self.rows(&sql, params)?;
        let broken = |text: &str| ServerError::new(self.name(), Fault::Other, text.to_owned());
        let row = found.first().ok_or_else(|| broken("a digest came back without a row"))?;
        let rows = decode::number(row, &["n"]).ok_or_else(|| broken("a digest came back without a count"))?;
        let mut digest = decode::bytes(row, &["x"]).unwrap_or_default();
        if has_null_digest(kind, &digest, decode::number(row, &["nulls"]).unwrap_or(0)) {
            return Err(broken("a row digest is NULL: a value outgrows max_allowed_packet"));
        }
        digest.push(b'/');
        digest.extend(decode::bytes(row, &["y"]).unwrap_or_default());
        Ok(ServerDigestResult { rows, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_be_taken_for_something_else_has_its_length() {
        let column = |name: &str, form, nullable| DigestColumn { name: name.to_owned(), form, nullable };
        let columns = [
            column("id", ColumnForm::Number, false),
            column("n", ColumnForm::Number, true),
            column("t", ColumnForm::Text, true),
            column("at", ColumnForm::Short, false),
        ];
        assert_eq!(
            row_text(&columns, "5a"),
            "CONCAT(CAST('5a' AS BINARY),`id`,':',COALESCE(CONCAT(CAST('' AS BINARY),`n`,':'),'N'),\
             COALESCE(CONCAT(CAST('' AS BINARY),LENGTH(`t`),':',`t`),'N'),\
             LENGTH(CAST(`at` AS BINARY)),':',CAST(`at` AS BINARY))"
        );
    }
}
