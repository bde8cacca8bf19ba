//! Tables held against a manifest: one line for each, or one line for all that are valid.

use super::Canvas;
use super::table::{Column, draw};
use crate::style::Tone;
use crate::text::{clip, counted, grouped};
use crate::time::span;
use comfy_table::{Cell, CellAlignment, Color};
use vouch_convert::widen;
use vouch_report::{CheckStatus, Summary, TableCheck};

/// With more tables than this, valid ones are counted instead of listed.
const LISTED_WHOLE: usize = 50;
/// Most tables that are listed.
const SHOWN: usize = 200;
const NAME_CHARS: usize = 60;
const DIGEST_CHARS: usize = 20;
const OUTCOME_CHARS: usize = 300;

/// The steps of a drill; empty when there are none.
pub(super) fn steps(summary: &Summary, canvas: Canvas) -> String {
    let steps = summary.coverage.gate().map(|gate| gate.steps.as_slice()).unwrap_or_default();
    if steps.is_empty() {
        return String::new();
    }
    let columns = ["step", "took", "outcome"].map(|name| Column { name, wraps: name == "outcome" });
    let row = |step: &vouch_report::StepCoverage| {
        let colour = if step.outcome == "ok" { Color::Green } else { Color::Red };
        let took = Cell::new(span(step.took_ms)).set_alignment(CellAlignment::Right);
        vec![Cell::new(clip(&step.name, NAME_CHARS)), took, Cell::new(clip(&step.outcome, OUTCOME_CHARS)).fg(colour)]
    };
    draw(&columns, steps.iter().map(row), canvas)
}

/// The table, and a line for what it leaves out; empty when no table took part.
pub(super) fn section(summary: &Summary, canvas: Canvas) -> String {
    let Some(gate) = summary.coverage.gate().filter(|gate| !gate.checks.is_empty()) else {
        return String::new();
    };
    let brief = gate.checks.len() > LISTED_WHOLE;
    let listed: Vec<&TableCheck> =
        gate.checks.iter().filter(|check| !brief || check.status != CheckStatus::Valid).collect();
    let shown = listed.get(..SHOWN).unwrap_or(&listed);
    let mut out = String::new();
    if !shown.is_empty() {
        let names = ["table", "rows", "expected", "actual", "ms", "verdict"];
        let columns = names.map(|name| Column { name, wraps: name == "table" });
        out = draw(&columns, shown.iter().map(|check| row(check)), canvas);
    }
    let unshown = listed.len() - shown.len();
    let mut lines = Vec::new();
    if unshown > 0 {
        lines.push(format!("… and {} more, see --format json or --report", grouped(widen(unshown))));
    }
    if brief {
        lines.push(counted(gate.count(CheckStatus::Valid), "table is valid", "tables are valid"));
    }
    for line in lines {
        out.push_str(&canvas.paint.paint(Tone::Dim, &format!(" {line}")));
        out.push('\n');
    }
    out
}

fn row(check: &TableCheck) -> Vec<Cell> {
    let colour = match check.status {
        CheckStatus::Valid => Color::Green,
        CheckStatus::Mismatch | CheckStatus::Missing | CheckStatus::Extra => Color::Red,
        _ => Color::Yellow,
    };
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let rows = check.rows.or(check.rows_expected);
    vec![
        Cell::new(clip(&check.label(), NAME_CHARS)),
        right(rows.map_or_else(|| "–".to_owned(), grouped)),
        right(digest(&check.expected)),
        right(digest(&check.actual)),
        right(grouped(check.took_ms)),
        Cell::new(check.status.name()).fg(colour),
    ]
}

fn digest(value: &str) -> String {
    if value.is_empty() { "–".to_owned() } else { clip(value, DIGEST_CHARS) }
}
