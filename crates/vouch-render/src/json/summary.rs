//! The result document: [`Document`].

use super::coverage::CoverageJson;
use super::files::FilesJson;
use super::finding::{ErrorJson, FindingJson, NoticeJson, SkipJson};
use super::gate::GateJson;
use super::scope::ScopeJson;
use serde::Serialize;
use vouch_report::Summary;

/// What was looked at: rows on servers, or pages of files.
#[derive(Serialize)]
#[serde(untagged)]
enum Coverage<'a> {
    Rows(CoverageJson<'a>),
    Files(FilesJson<'a>),
    Gate(Box<GateJson<'a>>),
}

/// The whole result of a run.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    schema: u32,
    command: &'a str,
    run_id: &'a str,
    started_at: String,
    finished_at: String,
    verdict: &'static str,
    exit_code: u8,
    scope: ScopeJson<'a>,
    coverage: Coverage<'a>,
    findings: Vec<FindingJson<'a>>,
    skips: Vec<SkipJson<'a>>,
    errors: Vec<ErrorJson<'a>>,
    notices: Vec<NoticeJson<'a>>,
}

impl<'a> Document<'a> {
    pub(super) fn of(summary: &'a Summary) -> Self {
        Document {
            schema: super::SCHEMA,
            command: summary.command.name(),
            run_id: &summary.run_id,
            started_at: crate::time::rfc3339(summary.started_ms),
            finished_at: crate::time::rfc3339(summary.finished_ms),
            verdict: summary.verdict.name(),
            exit_code: summary.verdict.exit_code(),
            scope: ScopeJson::of(&summary.scope),
            coverage: match &summary.coverage {
                vouch_report::Coverage::Gate(servers, gate) => Coverage::Gate(Box::new(GateJson::of(gate, servers))),
                vouch_report::Coverage::Files(files) => Coverage::Files(FilesJson::of(files)),
                rows => Coverage::Rows(CoverageJson::of(rows)),
            },
            findings: summary.findings.iter().map(FindingJson::of).collect(),
            skips: summary.skips.iter().map(SkipJson::of).collect(),
            errors: summary.errors.iter().map(ErrorJson::of).collect(),
            notices: summary.notices.iter().map(NoticeJson::of).collect(),
        }
    }
}
