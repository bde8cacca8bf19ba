//! When each table was compared and when readers were held back, as a picture and as a list.
//!
//! Invariant: what the picture leaves out is counted below it.

use super::matrix::more;
use super::overview::one;
use super::{Section, text, tone};
use crate::text::clip;
use crate::time::{clock, span};
use maud::{Markup, html};
use vouch_report::{Pause, Summary, TableCoverage, TableState};

/// Tables that are drawn; the longest ones.
const DRAWN: usize = 40;
/// Pauses that are drawn.
const PAUSES_DRAWN: usize = 500;
/// Pauses that are listed.
const PAUSES_LISTED: usize = 100;

/// Sizes in the picture's own units.
const WIDTH: f64 = 1000.0;
const LABELS: f64 = 210.0;
const TOP: f64 = 26.0;
const ROW: f64 = 22.0;
const BAR: f64 = 13.0;

pub(super) fn section(summary: &Summary) -> Option<Section> {
    let begun: Vec<&TableCoverage> = summary.coverage.tables().iter().filter(|table| table.started_ms > 0).collect();
    let pauses = summary.coverage.pauses();
    if begun.is_empty() && pauses.is_empty() {
        return None;
    }
    let scale = Scale::of(summary);
    let drawn = longest(&begun, &scale);
    let body = html! {
        @if !drawn.is_empty() {
            div class="timeline scroll" { (picture(&drawn, pauses, &scale)) }
            (legend(!pauses.is_empty()))
            (more(begun.len(), DRAWN, "tables, which took less time"))
        }
        @if !pauses.is_empty() { (pause_list(pauses)) }
    };
    Some(Section { id: "timeline", title: "Timeline", short: "Timeline", count: None, body })
}

/// Maps times to places in the picture.
struct Scale {
    from_ms: u64,
    to_ms: u64,
}

impl Scale {
    /// From the start of the run, or of what began earlier, to its end.
    fn of(summary: &Summary) -> Self {
        let tables = summary.coverage.tables();
        let first = tables.iter().map(|table| table.started_ms).filter(|ms| *ms > 0).min();
        let last = tables.iter().map(|table| table.finished_ms).max();
        let from_ms = first.unwrap_or(summary.started_ms).min(summary.started_ms);
        let to_ms = last.unwrap_or(0).max(summary.finished_ms).max(from_ms + 1);
        Scale { from_ms, to_ms }
    }

    fn length_ms(&self) -> u64 {
        self.to_ms - self.from_ms
    }

    fn x(&self, at_ms: u64) -> f64 {
        let passed = at_ms.clamp(self.from_ms, self.to_ms) - self.from_ms;
        LABELS + (WIDTH - LABELS) * passed as f64 / self.length_ms() as f64
    }

    /// The place and width of a time that is at least wide enough to be seen.
    fn stretch(&self, from_ms: u64, to_ms: u64) -> (f64, f64) {
        let width = (self.x(to_ms) - self.x(from_ms)).max(2.0);
        (self.x(from_ms).min(WIDTH - width), width)
    }

    /// Round lengths of time for the axis, at most eight of them.
    fn ticks(&self) -> Vec<u64> {
        const STEPS: [u64; 18] = [
            100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
            3_600_000, 7_200_000, 21_600_000, 86_400_000,
        ];
        let longest = STEPS[STEPS.len() - 1];
        let step = STEPS.into_iter().find(|step| self.length_ms() / step < 8);
        let step = step.unwrap_or_else(|| self.length_ms().div_ceil(8 * longest).max(1) * longest);
        (0..=self.length_ms() / step).map(|tick| tick * step).collect()
    }
}

/// The tables that took the longest, in the order in which they began.
fn longest<'a>(begun: &[&'a TableCoverage], scale: &Scale) -> Vec<&'a TableCoverage> {
    let mut tables = begun.to_vec();
    tables.sort_by_key(|table| std::cmp::Reverse(end(table, scale).saturating_sub(table.started_ms)));
    tables.truncate(DRAWN);
    tables.sort_by_key(|table| table.started_ms);
    tables
}

/// When the table was decided; the end of the run if it was not.
fn end(table: &TableCoverage, scale: &Scale) -> u64 {
    if table.finished_ms == 0 { scale.to_ms } else { table.finished_ms }
}

fn picture(tables: &[&TableCoverage], pauses: &[Pause], scale: &Scale) -> Markup {
    let height = TOP + ROW * tables.len() as f64 + 4.0;
    let label =
        format!("Timeline of {} tables over {}, with {} pauses", tables.len(), span(scale.length_ms()), pauses.len());
    html! {
        svg viewBox={ "0 0 " (WIDTH + 14.0) " " (one(height)) } role="img" aria-label=(label) {
            @for tick in scale.ticks() { (axis(tick, scale, height)) }
            @for pause in pauses.iter().take(PAUSES_DRAWN) { (shade(pause, scale, height)) }
            @for (row, table) in tables.iter().enumerate() { (bar(table, TOP + ROW * row as f64, scale)) }
        }
    }
}

fn axis(tick: u64, scale: &Scale, height: f64) -> Markup {
    let x = one(scale.x(scale.from_ms + tick));
    html! {
        line class="grid" x1=(x) x2=(x) y1=(one(TOP - 8.0)) y2=(one(height)) {}
        text x=(x) y="12" text-anchor="middle" { (tick_label(tick)) }
    }
}

/// A round length of time in its largest unit.
fn tick_label(tick: u64) -> String {
    match tick {
        0 => "0 s".to_owned(),
        1..60_000 => format!("{} s", tick as f64 / 1000.0),
        60_000..3_600_000 => format!("{} min", tick as f64 / 60_000.0),
        _ => format!("{} h", tick as f64 / 3_600_000.0),
    }
}

fn shade(pause: &Pause, scale: &Scale, height: f64) -> Markup {
    let (x, width) = scale.stretch(pause.started_ms, pause.started_ms.saturating_add(pause.paused_ms));
    html! {
        rect class="pause" x=(one(x)) y=(one(TOP - 8.0)) width=(one(width)) height=(one(height - TOP + 8.0)) {
            title { (text(&pause.server)) " held back for " (span(pause.paused_ms)) ": " (text(&pause.reason)) }
        }
    }
}

fn bar(table: &TableCoverage, y: f64, scale: &Scale) -> Markup {
    let (x, width) = scale.stretch(table.started_ms, end(table, scale));
    let class = if table.finished_ms == 0 { "open" } else { "bar" };
    let state = worst(table);
    html! {
        g class=(tone(state)) {
            text class="name" x=(one(LABELS - 10.0)) y=(one(y + BAR - 2.0)) text-anchor="end" { (clip(&table.table, 30)) }
            rect class=(class) x=(one(x)) y=(one(y)) width=(one(width)) height=(one(BAR)) rx="3" {
                title { (text(&table.table)) ": " (state.name()) ", " (span(end(table, scale).saturating_sub(table.started_ms))) }
            }
        }
    }
}

/// The state that a table is coloured by: the gravest of its replicas.
fn worst(table: &TableCoverage) -> TableState {
    let gravity = |state: &TableState| match state {
        TableState::Equal => 0,
        TableState::NotRun => 1,
        TableState::Unproven => 2,
        TableState::Differs => 3,
    };
    table.replicas.iter().map(|pair| pair.state).max_by_key(gravity).unwrap_or(TableState::NotRun)
}

fn legend(pauses: bool) -> Markup {
    html! {
        ul class="legend small" {
            li class="good" { "equal" }
            li class="bad" { "differs" }
            li class="warn" { "unproven" }
            li class="none" { "not run to its end" }
            @if pauses { li class="held" { "readers held back" } }
        }
    }
}

fn pause_list(pauses: &[Pause]) -> Markup {
    let total = pauses.iter().map(|pause| pause.paused_ms).sum();
    html! {
        details open[pauses.len() <= 12] {
            summary { h3 { "Pauses" } span class="muted small" { (pauses.len()) ", " (span(total)) " in all" } }
            div class="scroll" {
                table {
                    thead { tr { th scope="col" { "at (UTC)" } th scope="col" class="num" { "length" } th scope="col" { "server" } th scope="col" { "reason" } } }
                    tbody {
                        @for pause in pauses.iter().take(PAUSES_LISTED) {
                            tr {
                                td class="nowrap" { (clock(pause.started_ms)) }
                                td class="num" { (span(pause.paused_ms)) }
                                td { (text(&pause.server)) }
                                td { (text(&pause.reason)) }
                            }
                        }
                    }
                }
            }
            (more(pauses.len(), PAUSES_LISTED, "pauses"))
        }
    }
}
