//! One line for each kind of event; objects that a document has too stand under their own name.
//!
//! Main function: [`line`]. Every line has `schema` and `event`.

use super::compact;
use super::coverage::{DigestJson, PauseJson, ServerJson};
use super::finding::{ErrorJson, FindingJson, NoticeJson, SkipJson};
use super::summary::Document;
use serde::Serialize;
use vouch_report::{DigestChoice, Event};

/// What every line begins with.
#[derive(Serialize)]
struct Line<T> {
    schema: u32,
    event: &'static str,
    #[serde(flatten)]
    body: T,
}

/// The event as one line of JSON, without the newline; `None` for what only the result tells.
pub(super) fn line(event: &Event) -> Option<String> {
    if matches!(event, Event::Account(_)) { None } else { Some(text(event)) }
}

fn text(event: &Event) -> String {
    match event {
        Event::Account(_) => String::new(),
        Event::RunStarted { command, run_id, at_ms } => run_started(command.name(), run_id, *at_ms),
        Event::ServerJoined(server) => named("server-joined", Server { server: ServerJson::of(server) }),
        Event::Listing { server, done, tables } => named("listing", Listing { server, done: *done, tables: *tables }),
        Event::Planned { tables, rows, replicas } => planned(*tables, *rows, *replicas),
        Event::TableStarted { table, rows } => table_started(table, *rows),
        Event::DigestChosen { table, choice } => digest_chosen(table, choice),
        Event::ChunkDone { table, replica, rows, equal } => chunk_done(table, replica, *rows, *equal),
        Event::Resolving { table, replica, keys } => resolving(table, replica, *keys),
        Event::Finding(finding) => named("finding", FindingLine { finding: FindingJson::of(finding) }),
        Event::Error(failure) => named("error", ErrorLine { error: ErrorJson::of(failure) }),
        Event::Skip(skip) => named("skip", SkipLine { skip: SkipJson::of(skip) }),
        Event::Notice(notice) => named("notice", NoticeLine { notice: NoticeJson::of(notice) }),
        Event::Paused(pause) => named("paused", PauseLine { pause: PauseJson::of(pause) }),
        Event::Resumed(pause) => named("resumed", PauseLine { pause: PauseJson::of(pause) }),
        Event::TableFinished { table } => table_finished(table),
        // Told by `GateLines`, which knows the manifest.
        Event::TableChecked(check) => table_finished(&check.label()),
        Event::FilesPlanned { files, bytes } => super::files::planned(*files, *bytes),
        Event::FileStarted { file, bytes } => super::files::started(file, *bytes),
        Event::FileRead { file, bytes } => super::files::read(file, *bytes),
        Event::FileFinished { file, tally } => super::files::finished(file, tally),
        Event::RunFinished(summary) => named("run-finished", SummaryLine { summary: Document::of(summary) }),
    }
}

pub(super) fn named(event: &'static str, body: impl Serialize) -> String {
    compact(&Line { schema: super::SCHEMA, event, body })
}

#[derive(Serialize)]
struct Server<'a> {
    server: ServerJson<'a>,
}

#[derive(Serialize)]
struct Listing<'a> {
    server: &'a str,
    done: u64,
    tables: u64,
}

#[derive(Serialize)]
struct FindingLine<'a> {
    finding: FindingJson<'a>,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    error: ErrorJson<'a>,
}

#[derive(Serialize)]
struct SkipLine<'a> {
    skip: SkipJson<'a>,
}

#[derive(Serialize)]
struct NoticeLine<'a> {
    notice: NoticeJson<'a>,
}

#[derive(Serialize)]
struct PauseLine<'a> {
    pause: PauseJson<'a>,
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    summary: Document<'a>,
}

fn run_started(command: &str, run_id: &str, at_ms: u64) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        command: &'a str,
        run_id: &'a str,
        started_at: String,
    }
    named("run-started", Body { command, run_id, started_at: crate::time::rfc3339(at_ms) })
}

fn planned(tables: u64, rows: u64, replicas: u64) -> String {
    #[derive(Serialize)]
    struct Body {
        tables: u64,
        rows_estimated: u64,
        replicas: u64,
    }
    named("planned", Body { tables, rows_estimated: rows, replicas })
}

fn table_started(table: &str, rows: u64) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        table: &'a str,
        rows_estimated: u64,
    }
    named("table-started", Body { table, rows_estimated: rows })
}

fn digest_chosen(table: &str, choice: &DigestChoice) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        table: &'a str,
        digest: DigestJson<'a>,
    }
    named("digest-chosen", Body { table, digest: DigestJson::of(choice) })
}

fn chunk_done(table: &str, replica: &str, rows: u64, equal: bool) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        table: &'a str,
        replica: &'a str,
        rows: u64,
        equal: bool,
    }
    named("chunk-done", Body { table, replica, rows, equal })
}

fn resolving(table: &str, replica: &str, keys: u64) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        table: &'a str,
        replica: &'a str,
        keys: u64,
    }
    named("resolving", Body { table, replica, keys })
}

fn table_finished(table: &str) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        table: &'a str,
    }
    named("table-finished", Body { table })
}
