//! Boundaries of chunks as text, as the replicate table holds them.
//!
//! The values of a key with commas between them, as pt-table-checksum writes
//! them; what would make that ambiguous or is no plain ASCII is escaped: `\N` is
//! NULL, `\x2C` a byte. Invariant: what [`text`] writes, [`parse`] reads back.

use crate::facts;
use vouch_convert::{hex, narrow, utf8};
use vouch_server::{Bound, KeyColumn, KeyKind, TableDefinition, Value};

/// A boundary as text.
pub fn text(bound: &[Value]) -> String {
    bound.iter().map(one).collect::<Vec<_>>().join(",")
}

fn one(value: &Value) -> String {
    match value {
        Value::NULL => "\\N".to_owned(),
        Value::Bytes(bytes) => escaped(bytes),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        other => escaped(facts::datum(other).to_string().as_bytes()),
    }
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, &byte| {
        match byte {
            b',' | b'\\' => text.push_str(&format!("\\x{byte:02X}")),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02X}")),
        }
        text
    })
}

/// A boundary from its text; `None` when it does not fit the key.
pub fn parse(text: &str, key: &[KeyColumn], definition: &TableDefinition) -> Option<Bound> {
    let parts: Vec<&str> = if key.len() == 1 { vec![text] } else { text.split(',').collect() };
    if parts.len() != key.len() {
        return None;
    }
    parts.iter().zip(key).map(|(part, column)| value(part, column, definition)).collect()
}

fn value(part: &str, key: &KeyColumn, definition: &TableDefinition) -> Option<Value> {
    if part == "\\N" {
        return Some(Value::NULL);
    }
    let column = definition.columns.iter().find(|column| column.name == key.name)?;
    let whole = key.kind == KeyKind::Number || column.data_type.ends_with("int") || column.data_type == "year";
    if whole {
        return vouch_convert::parse(part).map(Value::Int).or_else(|| vouch_convert::parse(part).map(Value::UInt));
    }
    Some(Value::Bytes(unescaped(part)))
}

fn unescaped(text: &str) -> Vec<u8> {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at..).and_then(|rest| rest.strip_prefix(b"\\x")).and_then(|rest| rest.get(..2));
        let code = code.and_then(utf8).and_then(hex).and_then(narrow::<u8, _>);
        out.push(code.unwrap_or(byte));
        at += if code.is_some() { 4 } else { 1 };
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use vouch_server::ColumnEntry;

    fn table() -> (Vec<KeyColumn>, TableDefinition) {
        let column = |name: &str, data_type: &str| ColumnEntry {
            name: name.into(),
            data_type: data_type.into(),
            column_type: data_type.into(),
            nullable: true,
            ..ColumnEntry::default()
        };
        let key = |name: &str| KeyColumn { name: name.into(), kind: KeyKind::Plain, nullable: true, descending: false };
        let definition =
            TableDefinition { columns: vec![column("a", "varbinary"), column("b", "bigint")], indexes: Vec::new() };
        (vec![key("a"), key("b")], definition)
    }

    proptest! {
        #[test]
        fn a_boundary_reads_back_as_itself(bytes in prop::collection::vec(any::<u8>(), 0..12), number in any::<i64>()) {
            let (key, definition) = table();
            let bound = vec![Value::Bytes(bytes), Value::Int(number)];
            prop_assert_eq!(parse(&text(&bound), &key, &definition), Some(bound));
        }
    }

    #[test]
    fn numbers_look_as_everybody_writes_them() {
        assert_eq!(text(&[Value::Int(-7), Value::UInt(1 << 63)]), "-7,9223372036854775808");
        let (key, definition) = table();
        let nothing = vec![Value::NULL, Value::UInt(u64::MAX)];
        assert_eq!(parse(&text(&nothing), &key, &definition), Some(nothing));
        assert_eq!(parse("a,b,1", &key, &definition), None, "as many parts as columns, or nothing");
    }
}
