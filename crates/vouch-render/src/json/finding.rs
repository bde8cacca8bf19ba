//! Findings, errors, skips and notices as JSON; the same objects in a document and in a line.

use super::files::PlaceJson;
use serde::Serialize;
use vouch_report::{ChunkPlace, Datum, Failure, Finding, KeyPart, Notice, Proof, Skip, ValueDiff};

#[derive(Serialize)]
pub(super) struct FindingJson<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    table: Option<&'a str>,
    replica: Option<&'a str>,
    key: Vec<KeyJson<'a>>,
    columns: Vec<ColumnJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk: Option<ChunkJson<'a>>,
    proof: Option<ProofJson<'a>>,
    as_of: Option<&'a str>,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PlaceJson<'a>>,
}

impl<'a> FindingJson<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        let location = &finding.location;
        FindingJson {
            code: finding.code.name(),
            severity: finding.severity.name(),
            message: &finding.message,
            table: location.table.as_deref(),
            replica: location.replica.as_deref(),
            key: location.key.iter().map(KeyJson::of).collect(),
            columns: location.columns.iter().map(ColumnJson::of).collect(),
            chunk: location.chunk.as_ref().map(ChunkJson::of),
            proof: finding.proof.as_ref().map(ProofJson::of),
            as_of: finding.as_of.as_deref(),
            count: finding.count,
            file: location.file.as_ref().map(PlaceJson::of),
        }
    }
}

#[derive(Serialize)]
struct KeyJson<'a> {
    column: &'a str,
    value: String,
    typed: TypedJson<'a>,
}

impl<'a> KeyJson<'a> {
    fn of(part: &'a KeyPart) -> Self {
        KeyJson { column: &part.column, value: part.value.to_string(), typed: TypedJson::of(&part.value) }
    }
}

#[derive(Serialize)]
struct ColumnJson<'a> {
    column: &'a str,
    source: Option<String>,
    replica: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_typed: Option<TypedJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replica_typed: Option<TypedJson<'a>>,
}

impl<'a> ColumnJson<'a> {
    fn of(diff: &'a ValueDiff) -> Self {
        ColumnJson {
            column: &diff.column,
            source: diff.source.as_ref().map(Datum::to_string),
            replica: diff.replica.as_ref().map(Datum::to_string),
            source_typed: diff.source.as_ref().map(TypedJson::of),
            replica_typed: diff.replica.as_ref().map(TypedJson::of),
        }
    }
}

/// A value that keeps its type: `null`, a string, or an object.
#[derive(Serialize)]
#[serde(untagged)]
enum TypedJson<'a> {
    Null,
    Text(&'a str),
    Bytes { hex: String },
    Excerpt { start: &'a str, bytes: u64, xxh3: &'a str },
}

impl<'a> TypedJson<'a> {
    fn of(datum: &'a Datum) -> Self {
        match datum {
            Datum::Null => TypedJson::Null,
            Datum::Text(text) => TypedJson::Text(text),
            Datum::Bytes(bytes) => {
                TypedJson::Bytes { hex: bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")) }
            }
            Datum::Excerpt { start, bytes, xxh3 } => TypedJson::Excerpt { start, bytes: *bytes, xxh3 },
        }
    }
}

#[derive(Serialize)]
struct ChunkJson<'a> {
    number: u64,
    index: Option<&'a str>,
    lower: Option<&'a str>,
    upper: Option<&'a str>,
    source_rows: u64,
    replica_rows: u64,
}

impl<'a> ChunkJson<'a> {
    fn of(chunk: &'a ChunkPlace) -> Self {
        ChunkJson {
            number: chunk.number,
            index: super::filled(&chunk.index),
            lower: chunk.lower.as_deref(),
            upper: chunk.upper.as_deref(),
            source_rows: chunk.source_rows,
            replica_rows: chunk.replica_rows,
        }
    }
}

#[derive(Serialize)]
struct ProofJson<'a> {
    kind: &'static str,
    how: Option<&'a str>,
}

impl<'a> ProofJson<'a> {
    fn of(proof: &'a Proof) -> Self {
        let how = match proof {
            Proof::Proven { how } => Some(how.as_str()),
            Proof::Confirmed => None,
        };
        ProofJson { kind: proof.name(), how }
    }
}

#[derive(Serialize)]
pub(super) struct ErrorJson<'a> {
    code: &'static str,
    message: &'a str,
    hint: &'a str,
    table: Option<&'a str>,
    replica: Option<&'a str>,
    key: Vec<KeyJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PlaceJson<'a>>,
}

impl<'a> ErrorJson<'a> {
    pub(super) fn of(failure: &'a Failure) -> Self {
        ErrorJson {
            code: failure.code.name(),
            message: &failure.message,
            hint: crate::words::hint(failure),
            table: failure.location.table.as_deref(),
            replica: failure.location.replica.as_deref(),
            key: failure.location.key.iter().map(KeyJson::of).collect(),
            file: failure.location.file.as_ref().map(PlaceJson::of),
        }
    }
}

#[derive(Serialize)]
pub(super) struct SkipJson<'a> {
    code: &'static str,
    what: &'a str,
    reason: &'a str,
}

impl<'a> SkipJson<'a> {
    pub(super) fn of(skip: &'a Skip) -> Self {
        SkipJson { code: skip.code.name(), what: &skip.what, reason: &skip.reason }
    }
}

#[derive(Serialize)]
pub(super) struct NoticeJson<'a> {
    code: &'static str,
    server: Option<&'a str>,
    message: &'a str,
}

impl<'a> NoticeJson<'a> {
    pub(super) fn of(notice: &'a Notice) -> Self {
        NoticeJson { code: notice.code.name(), server: notice.server.as_deref(), message: &notice.message }
    }
}
