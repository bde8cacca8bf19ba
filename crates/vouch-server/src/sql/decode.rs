//! Reading columns by name, leniently: servers spell and type them differently.

use mysql_common::{Row, Value};
use vouch_convert::parse;

/// The bytes of the first column that has one of `names`, compared without case.
/// `None` when there is no such column or it is NULL.
pub fn bytes(row: &Row, names: &[&str]) -> Option<Vec<u8>> {
    let columns = row.columns_ref();
    let at = names.iter().find_map(|name| columns.iter().position(|c| c.name_str().eq_ignore_ascii_case(name)))?;
    match row.as_ref(at)? {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(bytes.clone()),
        Value::Int(number) => Some(number.to_string().into_bytes()),
        Value::UInt(number) => Some(number.to_string().into_bytes()),
        Value::Float(number) => Some(number.to_string().into_bytes()),
        Value::Double(number) => Some(number.to_string().into_bytes()),
        other => Some(other.as_sql(true).trim_matches('\'').to_owned().into_bytes()),
    }
}

/// The same as text; bytes that are no UTF-8 are replaced.
pub fn text(row: &Row, names: &[&str]) -> Option<String> {
    bytes(row, names).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The same as a number; text that is none counts as absent.
pub fn number(row: &Row, names: &[&str]) -> Option<u64> {
    parse(text(row, names)?.trim())
}

/// The value at `at`, NULL when there is none.
pub fn value(row: &Row, at: usize) -> Value {
    row.as_ref(at).cloned().unwrap_or(Value::NULL)
}

/// The text at `at`; empty when it is NULL or there is none.
pub fn text_at(row: &Row, at: usize) -> String {
    match row.as_ref(at) {
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(Value::NULL) | None => String::new(),
        Some(other) => other.as_sql(true).trim_matches('\'').to_owned(),
    }
}
