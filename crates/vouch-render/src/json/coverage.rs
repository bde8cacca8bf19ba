//! What was looked at, as JSON: [`CoverageJson`] and its parts.

use super::rotation::RotationJson;
use super::{filled, time};
use serde::Serialize;
use vouch_report::{Coverage, DigestChoice, Pause, ReplicaCoverage, ServerCoverage, TableCoverage, TableState};

#[derive(Serialize)]
pub(super) struct CoverageJson<'a> {
    servers: Vec<ServerJson<'a>>,
    tables: Vec<TableJson<'a>>,
    pauses: Vec<PauseJson<'a>>,
    resumed_chunks: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<RotationJson<'a>>,
}

impl<'a> CoverageJson<'a> {
    pub(super) fn of(coverage: &'a Coverage) -> Self {
        CoverageJson {
            servers: coverage.servers().iter().map(ServerJson::of).collect(),
            tables: coverage.tables().iter().map(TableJson::of).collect(),
            pauses: coverage.pauses().iter().map(PauseJson::of).collect(),
            resumed_chunks: coverage.resumed_chunks(),
            rotation: coverage.rotation().map(RotationJson::of),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ServerJson<'a> {
    name: &'a str,
    role: &'static str,
    flavor: &'a str,
    version: &'a str,
    positions: &'a str,
}

impl<'a> ServerJson<'a> {
    pub(super) fn of(server: &'a ServerCoverage) -> Self {
        ServerJson {
            name: &server.name,
            role: server.role.name(),
            flavor: &server.flavor,
            version: &server.version,
            positions: &server.positions,
        }
    }
}

#[derive(Serialize)]
struct TableJson<'a> {
    table: &'a str,
    rows: u64,
    bytes: u64,
    chunks: u64,
    #[serde(skip_serializing_if = "is_zero")]
    chunks_skipped: u64,
    key: &'a str,
    digest: DigestJson<'a>,
    started_at: Option<String>,
    finished_at: Option<String>,
    replicas: Vec<ReplicaJson<'a>>,
}

impl<'a> TableJson<'a> {
    fn of(table: &'a TableCoverage) -> Self {
        TableJson {
            table: &table.table,
            rows: table.rows,
            bytes: table.bytes,
            chunks: table.chunks,
            chunks_skipped: table.chunks_skipped,
            key: &table.key,
            digest: DigestJson::of(&table.digest),
            started_at: time(table.started_ms),
            finished_at: time(table.finished_ms),
            replicas: table.replicas.iter().map(ReplicaJson::of).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct DigestJson<'a> {
    method: &'a str,
    bits: u32,
    why: &'a str,
}

impl<'a> DigestJson<'a> {
    pub(super) fn of(digest: &'a DigestChoice) -> Self {
        DigestJson { method: &digest.method, bits: digest.bits, why: &digest.why }
    }
}

#[derive(Serialize)]
struct ReplicaJson<'a> {
    replica: &'a str,
    state: &'static str,
    chunks_done: u64,
    #[serde(skip_serializing_if = "is_zero")]
    chunks_differing: u64,
    rows: u64,
    source_only: u64,
    replica_only: u64,
    changed: u64,
    in_flight: u64,
    unproven: u64,
    as_of: AsOfJson<'a>,
}

#[derive(Serialize)]
struct AsOfJson<'a> {
    position: Option<&'a str>,
    at: Option<String>,
}

impl<'a> ReplicaJson<'a> {
    fn of(replica: &'a ReplicaCoverage) -> Self {
        ReplicaJson {
            replica: &replica.replica,
            state: state(replica.state),
            chunks_done: replica.chunks_done,
            chunks_differing: replica.chunks_differing,
            rows: replica.rows,
            source_only: replica.source_only,
            replica_only: replica.replica_only,
            changed: replica.changed,
            in_flight: replica.in_flight,
            unproven: replica.unproven,
            as_of: AsOfJson { position: filled(&replica.as_of.position), at: time(replica.as_of.at_ms) },
        }
    }
}

/// Counts that only some commands have are left out where there is nothing to count.
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The state's public name, written like a code.
fn state(state: TableState) -> &'static str {
    match state {
        TableState::Equal => "equal",
        TableState::Differs => "differs",
        TableState::Unproven => "unproven",
        TableState::NotRun => "not-run",
    }
}

#[derive(Serialize)]
pub(super) struct PauseJson<'a> {
    server: &'a str,
    reason: &'a str,
    started_at: String,
    paused_ms: u64,
}

impl<'a> PauseJson<'a> {
    pub(super) fn of(pause: &'a Pause) -> Self {
        PauseJson {
            server: &pause.server,
            reason: &pause.reason,
            started_at: crate::time::rfc3339(pause.started_ms),
            paused_ms: pause.paused_ms,
        }
    }
}
