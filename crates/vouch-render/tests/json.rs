//! The public JSON: held to its schemas, and as snapshots.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod checker;
mod fixture;

use checker::Schemas;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};
use vouch_render::{Jsonl, json};
use vouch_report::{Code, Command, Event, Finding, PageTally, ServerRole, Sink, Summary, Verdict};

fn schemas() -> Schemas {
    Schemas::new(&[
        include_str!("../../../docs/reference/compare.schema.json"),
        include_str!("../../../docs/reference/events.schema.json"),
        include_str!("../../../docs/reference/pages.schema.json"),
    ])
}

fn summaries() -> Vec<Summary> {
    let mut unknown_time = fixture::clean();
    unknown_time.finished_ms = u64::MAX;
    unknown_time.verdict = Verdict::Interrupted(200);
    vec![
        fixture::clean(),
        fixture::everything(),
        fixture::incomplete(),
        fixture::interrupted(),
        fixture::refused(),
        fixture::many(),
        unknown_time,
    ]
}

fn parsed(summary: &Summary) -> Value {
    serde_json::from_str(&json::document(summary)).unwrap()
}

/// Every kind of event at least once.
fn events() -> Vec<Event> {
    let summary = fixture::everything();
    let (table, replica) = (fixture::HOSTILE.to_owned(), "r1".to_owned());
    let mut events = vec![
        Event::RunStarted { command: Command::Compare, run_id: summary.run_id.clone(), at_ms: summary.started_ms },
        Event::ServerJoined(fixture::server("db1\n", ServerRole::Source)),
        Event::Listing { server: "db1".to_owned(), done: 200, tables: 20_000 },
        Event::Planned { tables: 7, rows: 3_000_000, replicas: 2 },
        Event::TableStarted { table: table.clone(), rows: 7_000 },
        Event::DigestChosen { table: table.clone(), choice: summary.coverage.tables()[0].digest.clone() },
        Event::ChunkDone { table: table.clone(), replica: replica.clone(), rows: 7_000, equal: false },
        Event::Resolving { table: table.clone(), replica, keys: 1 },
        Event::Paused(summary.coverage.pauses()[0].clone()),
        Event::Resumed(summary.coverage.pauses()[0].clone()),
        Event::TableFinished { table: table.clone() },
        Event::FilesPlanned { files: 2, bytes: 32_768 },
        Event::FileStarted { file: table.clone(), bytes: 16_384 },
        Event::FileRead { file: table.clone(), bytes: 16_384 },
        Event::FileFinished { file: table, tally: PageTally { sound: 1, ..PageTally::default() } },
    ];
    events.extend(summary.findings.iter().cloned().map(Event::Finding));
    events.extend(summary.errors.iter().cloned().map(Event::Error));
    events.extend(summary.skips.iter().cloned().map(Event::Skip));
    events.extend(summary.notices.iter().cloned().map(Event::Notice));
    events.push(Event::RunFinished(Box::new(summary)));
    events
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn lines(events: &[Event]) -> String {
    let buffer = Buffer::default();
    let sink = Jsonl::new(Box::new(buffer.clone()));
    events.iter().for_each(|event| sink.emit(event));
    let bytes = buffer.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_document_is_what_the_schema_says() {
    let schemas = schemas();
    for summary in summaries() {
        let faults = schemas.check("compare.schema.json", &parsed(&summary));
        assert!(faults.is_empty(), "{}: {faults:#?}", summary.verdict.name());
    }
}

#[test]
fn every_kind_of_event_is_what_the_schema_says() {
    let schemas = schemas();
    let mut seen = BTreeSet::new();
    for line in lines(&events()).lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let faults = schemas.check("events.schema.json", &value);
        assert!(faults.is_empty(), "{line}: {faults:#?}");
        seen.insert(value["event"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), 20, "{seen:?}");
}

#[test]
fn the_schema_holds_every_code() {
    let schemas = schemas();
    let mut summary = fixture::clean();
    summary.findings = Code::ALL.iter().map(|code| Finding::new(*code, "")).collect();
    assert!(schemas.check("compare.schema.json", &parsed(&summary)).is_empty());
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let schemas = schemas();
    let good = parsed(&fixture::everything());
    let damages: [(&str, Value); 8] = [
        ("/schema", 2.into()),
        ("/verdict", "fine".into()),
        ("/started_at", "yesterday".into()),
        ("/coverage/tables/0/rows", (-1).into()),
        ("/coverage/tables/0/replicas/0/as_of", Value::Null),
        ("/findings/0/code", "Row Changed".into()),
        ("/findings/0/proof/kind", "guessed".into()),
        ("/exit_code", 256.into()),
    ];
    for (place, value) in damages {
        let mut document = good.clone();
        *document.pointer_mut(place).unwrap() = value;
        assert!(!schemas.check("compare.schema.json", &document).is_empty(), "{place}");
    }
    let mut more = good.clone();
    more["findings"][0].as_object_mut().unwrap().insert("page".to_owned(), 1.into());
    assert_eq!(schemas.check("compare.schema.json", &more).len(), 1);
    let mut less = good;
    less["coverage"].as_object_mut().unwrap().remove("pauses");
    assert_eq!(schemas.check("compare.schema.json", &less).len(), 1);
}

#[test]
fn hostile_text_comes_back_whole_and_moves_no_cursor() {
    let summary = fixture::everything();
    let text = json::document(&summary);
    assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["coverage"]["tables"][2]["table"], fixture::HOSTILE);
    let stream = lines(&events());
    assert_eq!(stream.lines().count(), events().len(), "one line for each event");
    assert!(!stream.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'));
}

#[test]
fn the_last_line_is_the_summary() {
    let stream = lines(&events());
    let last: Value = serde_json::from_str(stream.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "run-finished");
    assert_eq!(last["summary"], parsed(&fixture::everything()));
}

#[test]
fn lines_of_many_threads_do_not_mix() {
    let buffer = Buffer::default();
    let sink = Jsonl::new(Box::new(buffer.clone()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| events().iter().for_each(|event| sink.emit(event)));
        }
    });
    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 4 * events().len());
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[test]
fn clean() {
    insta::assert_snapshot!(json::document(&fixture::clean()));
}

#[test]
fn everything() {
    insta::assert_snapshot!(json::document(&fixture::everything()));
}

#[test]
fn incomplete() {
    insta::assert_snapshot!(json::document(&fixture::incomplete()));
}

#[test]
fn interrupted() {
    insta::assert_snapshot!(json::document(&fixture::interrupted()));
}

#[test]
fn stream() {
    insta::assert_snapshot!(lines(&events()[..18]));
}
