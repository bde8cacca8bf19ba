//! Findings as rows of the state: written with their chunk, read back on resume.

use super::earlier::Damage;
use crate::chunk::chunker::ChunkId;
use crate::encode;
use rusqlite::{Connection, Row, params};
use vouch_report::{Code, Finding, KeyPart, Location, Proof, Severity, ValueDiff};
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
        texts(location.key.iter().flat_map(|part| [Some(&part.column), Some(&part.value)])),
        texts(location.columns.iter().flat_map(|d| [Some(&d.column), d.source.as_ref(), d.replica.as_ref()])),
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

fn key(bytes: &[u8]) -> Option<Vec<KeyPart>> {
    let parts = parts(bytes)?;
    let part = |pair: &[Option<String>]| match pair {
        [Some(column), Some(value)] => Some(KeyPart { column: column.clone(), value: value.clone() }),
        _ => None,
    };
    parts.chunks(2).map(part).collect()
}

fn columns(bytes: &[u8]) -> Option<Vec<ValueDiff>> {
    let parts = parts(bytes)?;
    let diff = |three: &[Option<String>]| match three {
        [Some(column), source, replica] => {
            Some(ValueDiff { column: column.clone(), source: source.clone(), replica: replica.clone() })
        }
        _ => None,
    };
    parts.chunks(3).map(diff).collect()
}

fn texts<'a>(parts: impl Iterator<Item = Option<&'a String>>) -> Vec<u8> {
    let values: Vec<Value> = parts.map(|part| part.map_or(Value::NULL, |text| Value::from(text.as_str()))).collect();
    encode::encode(&values)
}

fn parts(bytes: &[u8]) -> Option<Vec<Option<String>>> {
    let part = |value| match value {
        Value::NULL => Some(None),
        Value::Bytes(bytes) => String::from_utf8(bytes).ok().map(Some),
        _ => None,
    };
    encode::decode(bytes)?.into_iter().map(part).collect()
}
