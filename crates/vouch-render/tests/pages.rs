//! Results about files: on a terminal, as JSON held to its schema, and as a page.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod checker;

mod fixture;

use checker::Schemas;
use std::io::Write;
use std::sync::{Arc, Mutex};
use vouch_render::human::{self, HumanStyle};
use vouch_render::{Jsonl, html, json};
use vouch_report::{
    Code, Command, Coverage, Event, Failure, FileCoverage, FilePlace, FileState, FilesCoverage, Finding, MapCell,
    PageClass, PageTally, Scope, Sink, Skip, Summary, Verdict,
};

const HOSTILE: &str = "shop/a\u{1b}[31m<b>.ibd";

fn file(name: &str, state: FileState, tally: PageTally) -> FileCoverage {
    let class = if tally.bad > 0 { PageClass::Bad } else { PageClass::Sound };
    FileCoverage {
        file: name.to_owned(),
        kind: "tablespace",
        table: Some("shop.orders".to_owned()),
        format: "16 KiB".to_owned(),
        space: Some(7),
        bytes: tally.seen() * 16_384,
        page_bytes: 16_384,
        pages: tally.seen(),
        tally,
        methods: vec![("crc32".to_owned(), tally.sound)],
        types: vec![("index".to_owned(), tally.sound)],
        lsn_max: 4711,
        state,
        map: vec![MapCell { first: 0, pages: 10, class, page_type: "index".to_owned() }],
    }
}

fn damaged() -> Summary {
    let mut finding = Finding::new(Code::PageChecksum, "the checksum is 0x00000001, the contents have 0x00000002");
    let place = FilePlace {
        file: HOSTILE.to_owned(),
        space: Some(7),
        pages: Some((4, 6)),
        offset: Some(65_536),
        index: Some("index 153".to_owned()),
    };
    finding.location.file = Some(place.clone());
    finding.count = 3;
    let mut failure = Failure::new(Code::PageEncrypted, "12 encrypted pages, and no key");
    failure.location.file = Some(FilePlace { file: "shop/b.ibd".to_owned(), ..FilePlace::default() });
    let files = vec![
        file(HOSTILE, FileState::Damaged, PageTally { sound: 7, bad: 3, ..PageTally::default() }),
        file("shop/b.ibd", FileState::Unverified, PageTally { sound: 1, unverified: 12, ..PageTally::default() }),
    ];
    let files =
        FilesCoverage { state: "prepared backup (xtrabackup_checkpoints)".to_owned(), level: "tree".to_owned(), files };
    Summary {
        command: Command::Pages,
        run_id: "run".to_owned(),
        started_ms: 1_740_830_400_000,
        finished_ms: 1_740_830_401_250,
        verdict: Verdict::Findings,
        scope: Scope::default(),
        coverage: Coverage::Files(files),
        findings: vec![finding],
        skips: vec![Skip {
            code: Code::NoChecksums,
            what: "shop/c.frm".to_owned(),
            reason: "table definition".to_owned(),
        }],
        errors: vec![failure],
        notices: Vec::new(),
    }
}

fn files(summary: &mut Summary) -> &mut FilesCoverage {
    let Coverage::Files(files) = &mut summary.coverage else { panic!("no files") };
    files
}

fn clean() -> Summary {
    let mut summary = damaged();
    summary.verdict = fixture::verdict(&[], &[], None);
    summary.findings.clear();
    summary.errors.clear();
    files(&mut summary).files = (0..30)
        .map(|n| file(&format!("shop/t{n}.ibd"), FileState::Sound, PageTally { sound: 9, ..PageTally::default() }))
        .collect();
    summary
}

#[test]
fn a_terminal_shows_files_findings_and_what_it_rests_on() {
    let text = human::render(&damaged(), &HumanStyle::default());
    for part in [
        "page-checksum      pages 4–6 at byte 0x10000, index 153  ·  the checksum is",
        "3 pages are damaged in 1 file.",
        "Looked at 23 pages of 2 files with 368.0 KiB in 1.2 s, level tree.",
        "Pages: 8 sound, 3 bad, 12 not verified.",
        "The files are as of: prepared backup (xtrabackup_checkpoints).",
        "next: vouch explain page-checksum",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn blocks_and_events_of_logs_are_no_pages() {
    let mut summary = damaged();
    let log = file("binlog.000001", FileState::Damaged, PageTally { sound: 1_500, bad: 1, ..PageTally::default() });
    files(&mut summary).files.push(FileCoverage { kind: FileCoverage::BINARY_LOG, bytes: 0, ..log });
    let mut finding = Finding::new(Code::BinlogEvent, "the checksum is wrong");
    let place = FilePlace { file: "binlog.000001".to_owned(), offset: Some(4_096), ..FilePlace::default() };
    finding.location.file = Some(place);
    summary.findings.push(finding);
    let text = human::render(&summary, &HumanStyle::default());
    for part in [
        "binlog-event",
        "byte 0x1000  ·  the checksum is wrong",
        "3 pages are damaged; 1 thing is wrong with whole files in 2 files.",
        "Looked at 23 pages of 3 files",
        "Besides, 1,501 blocks and events of 1 log, 1 bad.",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn many_sound_files_are_one_line() {
    let text = human::render(&clean(), &HumanStyle::default());
    assert!(text.contains("30 files are sound (270 pages)") && text.contains("No damage found."), "{text}");
}

#[test]
fn documents_and_events_keep_to_their_schemas() {
    let schemas = Schemas::new(&[
        include_str!("../../../docs/reference/compare.schema.json"),
        include_str!("../../../docs/reference/events.schema.json"),
        include_str!("../../../docs/reference/pages.schema.json"),
    ]);
    for summary in [damaged(), clean()] {
        let document = serde_json::from_str(&json::document(&summary)).unwrap();
        assert_eq!(schemas.check("pages.schema.json", &document), [] as [String; 0]);
    }
    for line in lines() {
        let event = serde_json::from_str(&line).unwrap();
        assert_eq!(schemas.check("events.schema.json", &event), [] as [String; 0], "{line}");
    }
}

fn lines() -> Vec<String> {
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (out, summary) = (Shared::default(), damaged());
    let sink = Jsonl::new(Box::new(out.clone()));
    let name = HOSTILE.to_owned();
    sink.emit(&Event::FilesPlanned { files: 2, bytes: 1 });
    sink.emit(&Event::FileStarted { file: name.clone(), bytes: 1 });
    sink.emit(&Event::FileRead { file: name.clone(), bytes: 1 });
    sink.emit(&Event::FileFinished { file: name, tally: PageTally::default() });
    sink.emit(&Event::Finding(summary.findings[0].clone()));
    sink.emit(&Event::Error(summary.errors[0].clone()));
    sink.emit(&Event::RunFinished(Box::new(summary)));
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_page_has_a_map_and_lets_nothing_through() {
    let page = html::page(&damaged());
    assert!(page.contains("Map of pages") && page.contains("<title>0–9: bad, index</title>"), "{page}");
    assert!(!page.contains("<b>") && !page.contains('\u{1b}') && !page.contains("<script"));
}
