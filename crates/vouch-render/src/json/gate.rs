//! A gate as JSON: what was looked at, a line for each table as it ends, and a line for a refusal.
//!
//! Main items: [`GateLines`], [`refused`].

use super::finding::{ErrorJson, FindingJson, NoticeJson};
use super::summary::Document;
use super::{compact, filled, time};
use serde::Serialize;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use vouch_report::{CheckStatus, Event, GateCoverage, ServerCoverage, Sink, StepCoverage, Summary, TableCheck};

use super::coverage::ServerJson;

/// What a gate looked at.
#[derive(Serialize)]
pub(super) struct GateJson<'a> {
    servers: Vec<ServerJson<'a>>,
    manifest: ManifestJson<'a>,
    gate: &'a str,
    position: Option<&'a str>,
    counts: Counts,
    tables: Vec<CheckJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<StepJson<'a>>,
}

/// A step of a drill.
#[derive(Serialize)]
struct StepJson<'a> {
    step: &'a str,
    ms: u64,
    outcome: &'a str,
}

#[derive(Serialize)]
pub(super) struct ManifestJson<'a> {
    id: &'a str,
    sha256: &'a str,
    serial: u64,
    cluster: Option<&'a str>,
    signed_by: Option<&'a str>,
    position: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Counts {
    valid: u64,
    mismatch: u64,
    missing: u64,
    extra: u64,
    error: u64,
    timeout: u64,
    skipped: u64,
    not_run: u64,
}

#[derive(Serialize)]
pub(super) struct CheckJson<'a> {
    table: String,
    schema: &'a str,
    name: &'a str,
    status: &'static str,
    method: Option<&'a str>,
    expected: Option<&'a str>,
    actual: Option<&'a str>,
    rows_expected: Option<u64>,
    rows: Option<u64>,
    ms: u64,
    attempt: u32,
    reason: Option<&'a str>,
}

impl<'a> GateJson<'a> {
    pub(super) fn of(gate: &'a GateCoverage, servers: &'a [ServerCoverage]) -> Self {
        GateJson {
            servers: servers.iter().map(ServerJson::of).collect(),
            manifest: ManifestJson::of(gate),
            gate: &gate.gate,
            position: filled(&gate.position),
            counts: Counts::of(gate),
            tables: gate.checks.iter().map(CheckJson::of).collect(),
            steps: gate.steps.iter().map(StepJson::of).collect(),
        }
    }
}

impl<'a> StepJson<'a> {
    fn of(step: &'a StepCoverage) -> Self {
        StepJson { step: &step.name, ms: step.took_ms, outcome: &step.outcome }
    }
}

impl<'a> ManifestJson<'a> {
    pub(super) fn of(gate: &'a GateCoverage) -> Self {
        ManifestJson {
            id: &gate.manifest_id,
            sha256: &gate.manifest_digest,
            serial: gate.serial,
            cluster: filled(&gate.cluster),
            signed_by: gate.signed_by.as_deref(),
            position: filled(&gate.expected_position),
        }
    }
}

impl Counts {
    pub(super) fn of(gate: &GateCoverage) -> Self {
        Counts {
            valid: gate.count(CheckStatus::Valid),
            mismatch: gate.count(CheckStatus::Mismatch),
            missing: gate.count(CheckStatus::Missing),
            extra: gate.count(CheckStatus::Extra),
            error: gate.count(CheckStatus::Error),
            timeout: gate.count(CheckStatus::Timeout),
            skipped: gate.count(CheckStatus::Skipped),
            not_run: gate.count(CheckStatus::NotRun),
        }
    }
}

impl<'a> CheckJson<'a> {
    pub(super) fn of(check: &'a TableCheck) -> Self {
        CheckJson {
            table: check.label(),
            schema: &check.schema,
            name: &check.name,
            status: check.status.name(),
            method: filled(&check.method),
            expected: filled(&check.expected),
            actual: filled(&check.actual),
            rows_expected: check.rows_expected,
            rows: check.rows,
            ms: check.took_ms,
            attempt: check.attempts,
            reason: filled(&check.reason),
        }
    }
}

/// Writes a line for each table as it ends, for what else happens, and the result last.
pub struct GateLines {
    out: Mutex<Out>,
    run_id: String,
    manifest_id: String,
    now_ms: fn() -> u64,
}

struct Out {
    writer: Box<dyn Write + Send>,
    failed: Option<io::Error>,
}

/// What every line begins with.
#[derive(Serialize)]
struct Line<'a, T> {
    schema: u32,
    ts: Option<String>,
    level: &'static str,
    event: &'static str,
    run_id: &'a str,
    manifest_id: &'a str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct Started {
    command: &'static str,
}

#[derive(Serialize)]
struct Of<T> {
    #[serde(flatten)]
    of: T,
}

#[derive(Serialize)]
struct Finished<'a> {
    verdict: &'static str,
    exit_code: u8,
    message: String,
    counts: Option<Counts>,
    summary: Document<'a>,
}

impl GateLines {
    /// Lines about the manifest of that id go to `writer`.
    pub fn new(writer: Box<dyn Write + Send>, run_id: &str, manifest_id: &str, now_ms: fn() -> u64) -> Arc<Self> {
        let out = Mutex::new(Out { writer, failed: None });
        Arc::new(GateLines { out, run_id: run_id.to_owned(), manifest_id: manifest_id.to_owned(), now_ms })
    }

    /// The error that ended the writing, once.
    pub fn take_error(&self) -> Option<io::Error> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).failed.take()
    }

    fn line(&self, level: &'static str, event: &'static str, body: impl Serialize) {
        let (run_id, manifest_id) = (self.run_id.as_str(), self.manifest_id.as_str());
        let line = Line { schema: super::SCHEMA, ts: time((self.now_ms)()), level, event, run_id, manifest_id, body };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.failed.is_none() {
            let text = compact(&line) + "\n";
            out.failed = out.writer.write_all(text.as_bytes()).and_then(|()| out.writer.flush()).err();
        }
    }
}

impl Sink for GateLines {
    fn emit(&self, event: &Event) {
        match event {
            Event::RunStarted { command, .. } => self.line("info", "run-started", Started { command: command.name() }),
            Event::TableChecked(check) => {
                self.line(level(check.status), "table-checked", CheckJson::of(check));
            }
            Event::Finding(finding) if finding.location.table.is_none() => {
                self.line("warning", "finding", Of { of: FindingJson::of(finding) });
            }
            Event::Error(failure) if failure.location.table.is_none() => {
                self.line("error", "error", Of { of: ErrorJson::of(failure) });
            }
            Event::Notice(notice) => self.line("warning", "notice", Of { of: NoticeJson::of(notice) }),
            Event::RunFinished(summary) => self.line(last_level(summary), "run-finished", finished(summary)),
            _ => {}
        }
    }
}

fn level(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Valid | CheckStatus::Skipped => "info",
        CheckStatus::Mismatch | CheckStatus::Missing | CheckStatus::Extra => "warning",
        CheckStatus::Error | CheckStatus::Timeout | CheckStatus::NotRun => "error",
    }
}

fn last_level(summary: &Summary) -> &'static str {
    if summary.verdict.exit_code() == 0 { "info" } else { "critical" }
}

fn finished(summary: &Summary) -> Finished<'_> {
    Finished {
        verdict: summary.verdict.name(),
        exit_code: summary.verdict.exit_code(),
        message: crate::words::gate::headline(summary),
        counts: summary.coverage.gate().map(Counts::of),
        summary: Document::of(summary),
    }
}

/// The line that stands for a result where nothing was looked at, ending with a newline.
pub fn refused(code: &str, message: &str, hint: &str, exit_code: u8, at_ms: u64) -> String {
    #[derive(Serialize)]
    struct Refused<'a> {
        schema: u32,
        ts: Option<String>,
        level: &'static str,
        event: &'static str,
        code: &'a str,
        message: &'a str,
        hint: &'a str,
        exit_code: u8,
    }
    let (schema, ts, level) = (super::SCHEMA, time(at_ms), "critical");
    compact(&Refused { schema, ts, level, event: "refused", code, message, hint, exit_code }) + "\n"
}
