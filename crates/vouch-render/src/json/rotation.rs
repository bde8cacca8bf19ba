//! Rotating slices as JSON: where a rotation stands, and how one would be planned.

use super::{shown_safely, time};
use serde::Serialize;
use vouch_report::{PlannedTable, RotationCoverage, SlicePlan, TableRotation};

#[derive(Serialize)]
pub(super) struct RotationJson<'a> {
    modulo: u64,
    next_slice: u64,
    rotation: u64,
    started_at: Option<String>,
    tables: Vec<TableJson<'a>>,
}

impl<'a> RotationJson<'a> {
    pub(super) fn of(rotation: &'a RotationCoverage) -> Self {
        RotationJson {
            modulo: rotation.modulo,
            next_slice: rotation.next_slice,
            rotation: rotation.number,
            started_at: time(rotation.started_ms),
            tables: rotation.tables.iter().map(TableJson::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct TableJson<'a> {
    table: &'a str,
    chunks: u64,
    verified: u64,
    never: u64,
    oldest_slice: Option<u64>,
    oldest_at: Option<String>,
    stale: bool,
}

impl<'a> TableJson<'a> {
    fn of(table: &'a TableRotation) -> Self {
        TableJson {
            table: &table.table,
            chunks: table.chunks,
            verified: table.verified,
            never: table.never,
            oldest_slice: table.oldest_slice,
            oldest_at: time(table.oldest_ms),
            stale: table.stale,
        }
    }
}

#[derive(Serialize)]
struct PlanJson<'a> {
    schema: u32,
    command: &'static str,
    source: &'a str,
    bytes_estimated: u64,
    slice_bytes: u64,
    modulo: u64,
    schedules: Vec<ScheduleJson>,
    tables: Vec<PlannedJson<'a>>,
}

#[derive(Serialize)]
struct ScheduleJson {
    runs_a_day: u64,
    days: f64,
}

#[derive(Serialize)]
struct PlannedJson<'a> {
    table: &'a str,
    rows_estimated: u64,
    bytes_estimated: u64,
    key: &'a str,
    remark: Option<&'a str>,
}

impl<'a> PlannedJson<'a> {
    fn of(table: &'a PlannedTable) -> Self {
        PlannedJson {
            table: &table.table,
            rows_estimated: table.rows,
            bytes_estimated: table.bytes,
            key: &table.key,
            remark: super::filled(&table.remark),
        }
    }
}

/// A plan as an indented document that ends with a newline.
pub fn plan(plan: &SlicePlan) -> String {
    let schedule = |&(runs_a_day, days): &(u64, f64)| ScheduleJson { runs_a_day, days };
    let document = PlanJson {
        schema: super::SCHEMA,
        command: "checksum plan",
        source: &plan.source,
        bytes_estimated: plan.bytes,
        slice_bytes: plan.slice_bytes,
        modulo: plan.modulo,
        schedules: plan.schedules.iter().map(schedule).collect(),
        tables: plan.tables.iter().map(PlannedJson::of).collect(),
    };
    let mut text = shown_safely(serde_json::to_string_pretty(&document));
    text.push('\n');
    text
}
