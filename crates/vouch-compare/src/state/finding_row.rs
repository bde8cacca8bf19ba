//! Findings as rows of the state: written with their chunk, read back on resume.

use super::earlier::Damage;
use crate::chunk::chunker::ChunkId;
use crate::encode;
use rusqlite::{Connection, Row, params};
use vouch_report::{Code, Datum, Finding, KeyPart, Location, Proof, Severity, ValueDiff};
use vouch_server::Value;

/// Writes a finding about a row of a chunk.
pub fn insert(db: &Connection, table: &str, id: ChunkId, replica: &str, finding: &Finding) -> rusqlite::Result<()> {
    let proof = finding.proof.as_ref().map(|proof| match proof {
        Proof::Proven { how } => how.as_str(),
        Proof::Confirmed => "",
    });
    let location = &finding.location;
    let mut statement = db.prepare_cached("INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    statement.execute(params![
        table,
        id.segment,
        id.number,
        replica,
        finding.code.name(),
        finding.severity.name(),
        finding.message,
        encode::encode(&location.key.iter().flat_map(key_part).collect::<Vec<_>>()),
        encode::encode(&location.columns.iter().flat_map(difference).collect::<Vec<_>>()),
        proof,
        finding.as_of,
        super::count(finding.count),
    ])?;
    Ok(())
}

/// The findings of a table on a replica, in the order in which they were found.
pub const SELECT: &str = "SELECT replica, code, severity, message, key, columns, proof, as_of, count FROM finding \
     WHERE tbl = ? AND replica = ? ORDER BY rowid";

/// Reads a row of [`SELECT`].
pub fn read(table: &str, row: &Row<'_>) -> Result<Finding, Damage> {
    const DAMAGE: Damage = Damage::Nonsense("a finding");
    let severity = match row.get::<_, String>(2)?.as_str() {
        "notice" => Severity::Notice,
        "error" => Severity::Error,
        _ => return Err(DAMAGE),
    };
    let proof = row.get::<_, Option<String>>(6)?;
    let location = Location {
        table: Some(table.to_owned()),
        replica: row.get(0)?,
        key: key(&row.get::<_, Vec<u8>>(4)?).ok_or(DAMAGE)?,
        columns: columns(&row.get::<_, Vec<u8>>(5)?).ok_or(DAMAGE)?,
        ..Location::default()
    };
    Ok(Finding {
        code: Code::from_name(&row.get::<_, String>(1)?).ok_or(DAMAGE)?,
        severity,
        message: row.get(3)?,
        location,
        proof: proof.map(|how| if how.is_empty() { Proof::Confirmed } else { Proof::Proven { how } }),
        as_of: row.get(7)?,
        count: u64::try_from(row.get::<_, i64>(8)?).map_err(|_| DAMAGE)?,
    })
}

/// The column and its value.
fn key_part(part: &KeyPart) -> [Value; 2] {
    [Value::from(part.column.as_str()), kept(Some(&part.value))]
}

/// The column and its value on both sides.
fn difference(diff: &ValueDiff) -> [Value; 3] {
    [Value::from(diff.column.as_str()), kept(diff.source.as_ref()), kept(diff.replica.as_ref())]
}

/// The types of values: no text of earlier versions begins with one of them. A value that is not shown is NULL.
const NULL: u8 = 0;
const TEXT: u8 = 1;
const BYTES: u8 = 2;
const EXCERPT: u8 = 3;

/// A value as a type and its content; of an excerpt the length of the whole (8 bytes), its hash (32 digits) and its
/// beginning.
fn kept(datum: Option<&Datum>) -> Value {
    Value::Bytes(match datum {
        None => return Value::NULL,
        Some(Datum::Null) => vec![NULL],
        Some(Datum::Text(text)) => [&[TEXT], text.as_bytes()].concat(),
        Some(Datum::Bytes(bytes)) => [&[BYTES], &bytes[..]].concat(),
        Some(Datum::Excerpt { start, bytes, xxh3 }) => {
            [&[EXCERPT], &bytes.to_le_bytes()[..], xxh3.as_bytes(), start.as_bytes()].concat()
        }
    })
}

/// Reads what [`kept`] wrote; the outer `None` is nonsense, the inner one a value that is not shown.
fn datum(value: &Value) -> Option<Option<Datum>> {
    let bytes = match value {
        Value::NULL => return Some(None),
        Value::Bytes(bytes) => bytes,
        _ => return None,
    };
    Some(Some(match bytes.split_first()? {
        (&NULL, []) => Datum::Null,
        (&TEXT, content) => Datum::Text(text(content)?),
        (&BYTES, content) => Datum::Bytes(content.to_vec()),
        (&EXCERPT, content) => {
            let (length, rest) = content.split_first_chunk::<8>()?;
            let (xxh3, start) = rest.split_at_checked(32)?;
            Datum::Excerpt { start: text(start)?, bytes: u64::from_le_bytes(*length), xxh3: text(xxh3)? }
        }
        _ => return None,
    }))
}

fn key(bytes: &[u8]) -> Option<Vec<KeyPart>> {
    let part = |pair: &[Value]| match pair {
        [column, value] => Some(KeyPart { column: name(column)?, value: datum(value)?? }),
        _ => None,
    };
    encode::decode(bytes)?.chunks(2).map(part).collect()
}

fn columns(bytes: &[u8]) -> Option<Vec<ValueDiff>> {
    let diff = |three: &[Value]| match three {
        [column, source, replica] => {
            Some(ValueDiff { column: name(column)?, source: datum(source)?, replica: datum(replica)? })
        }
        _ => None,
    };
    encode::decode(bytes)?.chunks(3).map(diff).collect()
}

fn name(value: &Value) -> Option<String> {
    match value {
        Value::Bytes(bytes) => text(bytes),
        _ => None,
    }
}

/// A text; bytes that are none are nonsense.
fn text(bytes: &[u8]) -> Option<String> {
    vouch_convert::utf8(bytes).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_whole_and_with_their_type() {
        let values = [
            None,
            Some(Datum::Null),
            Some(Datum::from("NULL")),
            Some(Datum::from("")),
            Some(Datum::Text("ü".repeat(3000))),
            Some(Datum::Bytes(vec![0xFF, 0])),
            Some(Datum::Excerpt { start: "ü…".to_owned(), bytes: 1 << 40, xxh3: "0".repeat(32) }),
        ];
        for value in values {
            assert_eq!(datum(&kept(value.as_ref())), Some(value));
        }
        assert_eq!(datum(&Value::from("plain")), None);
        assert_eq!(datum(&Value::from(vec![EXCERPT, 1])), None);
    }
}
