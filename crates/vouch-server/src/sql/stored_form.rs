//! How the stored value of a column becomes bytes that are the same on every version of both flavors: [`StoredForm`].
//!
//! Invariant: public. Manifests of both versions rest on it, so a type never changes its form.

use crate::sql::schema::ColumnEntry;

/// Longest value that stands in a row as it is, in bytes.
const SHORT: u64 = 1024;

/// How a value becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredForm {
    /// Its text has no `|`.
    Plain,
    /// FLOAT and DOUBLE.
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

impl StoredForm {
    /// The form of a column.
    pub fn of(column: &ColumnEntry) -> Self {
        match column.data_type.as_str() {
            "float" | "double" => StoredForm::Real,
            "bit" => StoredForm::Bits,
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => StoredForm::Plain,
            "decimal" | "date" | "time" | "datetime" | "timestamp" | "year" | "uuid" | "inet4" | "inet6" => {
                StoredForm::Plain
            }
            "char" | "varchar" | "binary" | "varbinary" | "enum" | "set" if column.octets <= SHORT => StoredForm::Text,
            "char" | "varchar" | "binary" | "varbinary" | "enum" | "set" | "json" => StoredForm::Long,
            name if name.ends_with("text") || name.ends_with("blob") => StoredForm::Long,
            _ => StoredForm::Odd,
        }
    }
}
