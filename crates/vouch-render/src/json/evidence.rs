//! Evidence: what was proven of which manifest and which server, for whoever asks later.
//!
//! Main function: [`evidence`]. It says what an auditor needs to repeat the
//! proof: the digest of the manifest, the server's identity and position, and of
//! every table what was expected and what was found. It is signed as these bytes.

use super::coverage::ServerJson;
use super::finding::{ErrorJson, FindingJson, NoticeJson, SkipJson};
use super::gate::{CheckJson, Counts, ManifestJson};
use super::{filled, shown_safely};
use serde::Serialize;
use vouch_report::{GateCoverage, Summary};

/// What `kind` says in every piece of evidence.
pub const EVIDENCE_KIND: &str = "vouch-evidence";

#[derive(Serialize)]
struct EvidenceJson<'a> {
    schema: u32,
    kind: &'static str,
    tool: &'a str,
    command: &'a str,
    run_id: &'a str,
    started_at: String,
    finished_at: String,
    verdict: &'static str,
    exit_code: u8,
    message: String,
    /// SHA-256 of the public key that belongs to the signature.
    key_sha256: &'a str,
    manifest: ManifestJson<'a>,
    server: SubjectJson<'a>,
    gate: &'a str,
    counts: Counts,
    tables: Vec<CheckJson<'a>>,
    findings: Vec<FindingJson<'a>>,
    skips: Vec<SkipJson<'a>>,
    errors: Vec<ErrorJson<'a>>,
    notices: Vec<NoticeJson<'a>>,
}

/// The server that was looked at.
#[derive(Serialize)]
struct SubjectJson<'a> {
    #[serde(flatten)]
    server: Option<ServerJson<'a>>,
    server_uuid: Option<&'a str>,
    server_id: Option<u64>,
    position: Option<&'a str>,
}

impl<'a> SubjectJson<'a> {
    fn of(gate: &'a GateCoverage, summary: &'a Summary) -> Self {
        SubjectJson {
            server: summary.coverage.servers().first().map(ServerJson::of),
            server_uuid: filled(&gate.server_uuid),
            server_id: Some(gate.server_id).filter(|&id| id > 0),
            position: filled(&gate.position),
        }
    }
}

/// The evidence of a gate, ending with a newline; `None` of a run that was none.
pub fn evidence(summary: &Summary, tool: &str, key_sha256: &str) -> Option<String> {
    let gate = summary.coverage.gate()?;
    let evidence = EvidenceJson {
        schema: super::SCHEMA,
        kind: EVIDENCE_KIND,
        tool,
        command: summary.command.name(),
        run_id: &summary.run_id,
        started_at: crate::time::rfc3339(summary.started_ms),
        finished_at: crate::time::rfc3339(summary.finished_ms),
        verdict: summary.verdict.name(),
        exit_code: summary.verdict.exit_code(),
        message: crate::words::gate::headline(summary),
        key_sha256,
        manifest: ManifestJson::of(gate),
        server: SubjectJson::of(gate, summary),
        gate: &gate.gate,
        counts: Counts::of(gate),
        tables: gate.checks.iter().map(CheckJson::of).collect(),
        findings: summary.findings.iter().map(FindingJson::of).collect(),
        skips: summary.skips.iter().map(SkipJson::of).collect(),
        errors: summary.errors.iter().map(ErrorJson::of).collect(),
        notices: summary.notices.iter().map(NoticeJson::of).collect(),
    };
    Some(shown_safely(serde_json::to_string_pretty(&evidence)) + "\n")
}
