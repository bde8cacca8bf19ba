//! Findings as rows of the state: written with their chunk, read back on resume.

use crate::encode;
use rusqlite::{Connection, params};
use vouch_report::{Code, Finding, KeyPart, Location, Proof, Severity, ValueDiff};
use vouch_server::Value;

/// Writes a finding about a row.
pub fn insert(db: &Connection, table: &str, finding: &Finding) -> rusqlite::Result<()> {
    let proof = finding.proof.as_ref().map(|proof| match proof {
        Proof::Proven { how } => how.as_str(),
        Proof::Confirmed => "",
    });
    let mut statement = db.prepare_cached("INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    statement.execute(params![
        table,
        finding.location.replica,
        finding.code.name(),
        finding.severity.name(),
        finding.message,
        texts(finding.location.key.iter().flat_map(|part| [Some(&part.column), Some(&part.value)])),
        texts(finding.location.columns.iter().flat_map(|d| [Some(&d.column), d.source.as_ref(), d.replica.as_ref()])),
        proof,
        finding.as_of,
        i64::try_from(finding.count).unwrap_or(i64::MAX),
    ])?;
    Ok(())
}

/// Reads the findings of a table; rows that make no sense to this version are left out.
pub fn all(db: &Connection, table: &str) -> rusqlite::Result<Vec<Finding>> {
    let mut statement = db.prepare_cached(
        "SELECT replica, code, severity, message, key, columns, proof, as_of, count FROM finding WHERE tbl = ? ORDER BY rowid",
    )?;
    let rows = statement.query_map([table], |row| read(table, row))?;
    rows.filter_map(Result::transpose).collect()
}

fn read(table: &str, row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Finding>> {
    let Some(code) = Code::from_name(&row.get::<_, String>(1)?) else { return Ok(None) };
    let key = parts(&row.get::<_, Vec<u8>>(4)?);
    let columns = parts(&row.get::<_, Vec<u8>>(5)?);
    let key = key.chunks_exact(2).map(|pair| KeyPart { column: text(&pair[0]), value: text(&pair[1]) });
    let columns = columns.chunks_exact(3).map(|three| ValueDiff {
        column: text(&three[0]),
        source: three[1].clone(),
        replica: three[2].clone(),
    });
    let location = Location {
        table: Some(table.to_owned()),
        replica: row.get(0)?,
        key: key.collect(),
        columns: columns.collect(),
        file: None,
        chunk: None,
    };
    let proof = row.get::<_, Option<String>>(6)?;
    Ok(Some(Finding {
        code,
        severity: if row.get::<_, String>(2)? == "notice" { Severity::Notice } else { Severity::Error },
        message: row.get(3)?,
        location,
        proof: proof.map(|how| if how.is_empty() { Proof::Confirmed } else { Proof::Proven { how } }),
        as_of: row.get(7)?,
        count: row.get::<_, i64>(8)?.unsigned_abs(),
    }))
}

fn text(part: &Option<String>) -> String {
    part.clone().unwrap_or_default()
}

fn texts<'a>(parts: impl Iterator<Item = Option<&'a String>>) -> Vec<u8> {
    let values: Vec<Value> = parts.map(|part| part.map_or(Value::NULL, |text| Value::from(text.as_str()))).collect();
    encode::encode(&values)
}

fn parts(bytes: &[u8]) -> Vec<Option<String>> {
    let part = |value| match value {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        _ => None,
    };
    encode::decode(bytes).unwrap_or_default().into_iter().map(part).collect()
}
