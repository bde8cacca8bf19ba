//! Results of replicated checksums: JSON that keeps to its schema, the lines of
//! pt-table-checksum, and rotations for people.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod checker;
mod fixture;

use checker::Schemas;
use vouch_render::human::HumanStyle;
use vouch_render::{human, json, percona, rotation};
use vouch_report::{
    ChunkPlace, Code, Command, Coverage, Failure, Finding, Location, PlannedTable, RotationCoverage, RowsCoverage,
    SlicePlan, Summary, TableRotation, TableState,
};

/// Chunk 2 of `shop.items` differs on one replica, and another chunk was skipped.
fn differing() -> Summary {
    let mut summary = fixture::clean();
    summary.command = Command::Checksum;
    let mut table = fixture::table("shop.items", 3_000, 0, 1_500, &["db2:3306"]);
    (table.chunks, table.chunks_skipped) = (3, 1);
    table.replicas[0].state = TableState::Differs;
    table.replicas[0].chunks_differing = 1;
    *fixture::tables(&mut summary) = vec![table];
    summary.scope = fixture::scope(summary.coverage.tables());
    let place = ChunkPlace {
        number: 2,
        index: "PRIMARY".to_owned(),
        lower: Some("1000".to_owned()),
        upper: Some("2000\u{1b}[31m".to_owned()),
        source_rows: 1_000,
        replica_rows: 998,
    };
    let mut finding = Finding::new(Code::ChunkDiffers, "chunk 2: 1000 rows on the source, 998 here");
    finding.location = Location {
        table: Some("shop.items".to_owned()),
        replica: Some("db2:3306".to_owned()),
        chunk: Some(place),
        ..Location::default()
    };
    summary.findings = vec![finding];
    summary.errors = vec![Failure::new(Code::ChunkSkipped, "locked").at(Some("shop.items"), None)];
    summary.verdict = fixture::verdict(&summary.findings, &summary.errors, None);
    summary
}

fn rotating() -> Summary {
    let mut summary = fixture::clean();
    summary.command = Command::ChecksumStatus;
    let table = |table: &str, verified, stale| TableRotation {
        table: table.to_owned(),
        chunks: 40,
        verified,
        never: 0,
        oldest_slice: Some(5),
        oldest_ms: summary.finished_ms - 90_000_000,
        stale,
    };
    let tables = vec![table("shop.items", 12, false), table("shop.old", 0, true)];
    let started_ms = summary.started_ms;
    let rotation = RotationCoverage { modulo: 120, next_slice: 6, number: 3, started_ms, tables };
    let servers = summary.coverage.servers().to_vec();
    summary.coverage = Coverage::Rotation(RowsCoverage { servers, ..RowsCoverage::default() }, rotation);
    summary
}

#[test]
fn documents_keep_to_their_schema() {
    let schemas = Schemas::new(&[include_str!("../../../docs/reference/compare.schema.json")]);
    for summary in [differing(), rotating()] {
        let document = serde_json::from_str(&json::document(&summary)).unwrap();
        let faults = schemas.check("compare.schema.json", &document);
        assert!(faults.is_empty(), "{faults:?}");
    }
}

#[test]
fn lines_are_those_of_pt_table_checksum() {
    let text = percona::lines(&differing());
    let lines: Vec<&str> = text.lines().collect();
    let heading: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(heading, ["TS", "ERRORS", "DIFFS", "ROWS", "DIFF_ROWS", "CHUNKS", "SKIPPED", "TIME", "TABLE"]);
    let figures: Vec<&str> = lines[1].split_whitespace().skip(1).collect();
    assert_eq!(figures, ["0", "1", "3000", "2", "3", "1", "1.500", "shop.items"]);
    assert_eq!(lines[2], "Differences on db2:3306");
    assert!(lines[4].starts_with("shop.items 2 -2 1 PRIMARY 1000 2000"), "{text}");
    assert!(!text.contains('\u{1b}'), "a boundary reached the terminal: {text}");
}

#[test]
fn people_are_told_which_chunk_differs_and_how_old_slices_are() {
    let text = human::render(&differing(), &HumanStyle::default());
    assert!(text.contains("chunk-differs") && text.contains("1 chunk differs in 1 table on 1 replica"), "{text}");
    let text = human::render(&rotating(), &HumanStyle::default());
    assert!(text.contains("next is slice 6") && text.contains("shop.old  stale"), "{text}");
}

#[test]
fn a_plan_says_how_often_and_that_sizes_are_estimates() {
    let table = PlannedTable {
        table: "shop.log\u{1b}[2J".to_owned(),
        rows: 1_000_000,
        bytes: 3 << 30,
        key: "none".to_owned(),
        remark: "no suitable index".to_owned(),
    };
    let plan = SlicePlan {
        source: "db1".to_owned(),
        bytes: 3 << 30,
        slice_bytes: 1 << 30,
        modulo: 3,
        schedules: vec![(9, 3.0 / 9.0)],
        tables: vec![table],
    };
    let text = rotation::plan(&plan);
    assert!(text.contains("40 %") && text.contains("--modulo 3") && text.contains("no suitable index"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let document: serde_json::Value = serde_json::from_str(&json::plan(&plan)).unwrap();
    assert_eq!(document["schedules"][0]["runs_a_day"], 9);
}
