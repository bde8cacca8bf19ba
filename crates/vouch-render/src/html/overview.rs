//! The figures at a glance with a picture of the rows, and the raw facts at the end.

use super::{Section, text};
use crate::figures::Figures;
use crate::text::{bytes, counted, grouped, percent};
use crate::time::{rfc3339, span};
use crate::words::about_files;
use maud::{Markup, html};
use vouch_convert::widen;
use vouch_report::Summary;

/// Width of the picture in its own units.
const WIDTH: f64 = 1000.0;
/// A share that is not zero is drawn at least this wide, or three rows of a million could not be seen.
const LEAST: f64 = 6.0;

pub(super) fn section(summary: &Summary, figures: &Figures) -> Option<Section> {
    if about_files(summary) || summary.coverage.gate().is_some() {
        return None;
    }
    let body = html! {
        (tiles(summary, figures))
        @if figures.rows_compared > 0 { (share(figures)) }
    };
    Some(Section { id: "overview", title: "At a glance", short: "Overview", count: None, body })
}

fn tiles(summary: &Summary, figures: &Figures) -> Markup {
    let strength = figures.weakest_bits.map_or_else(|| "–".to_owned(), |bits| format!("{bits} bits"));
    html! {
        dl class="tiles" {
            (tile("tables looked at", &of(figures.tables_seen, figures.tables), ""))
            (tile("replicas", &grouped(figures.replicas), ""))
            (tile("rows compared", &grouped(figures.rows_compared), ""))
            (tile("rows that differ", &grouped(figures.rows_differing()), hit(figures.rows_differing(), "bad")))
            (tile("keys unproven", &grouped(figures.unproven_keys), hit(figures.unproven_keys, "warn")))
            (tile("failures to look", &grouped(widen(summary.errors.len())), hit(widen(summary.errors.len()), "warn")))
            (tile("weakest digest", &strength, ""))
            (tile("took", &span(summary.finished_ms.saturating_sub(summary.started_ms)), ""))
        }
    }
}

fn tile(name: &str, value: &str, class: &str) -> Markup {
    html! { div class=[Some(class).filter(|class| !class.is_empty()).map(|class| format!("hit {class}"))] { dt { (name) } dd { (value) } } }
}

fn hit(count: u64, tone: &'static str) -> &'static str {
    if count > 0 { tone } else { "" }
}

fn of(part: u64, whole: u64) -> String {
    if part == whole { grouped(whole) } else { format!("{} of {}", grouped(part), grouped(whole)) }
}

/// A bar of equal, differing and unproven rows, and the same in words.
fn share(figures: &Figures) -> Markup {
    let differing = figures.rows_differing();
    let whole = figures.rows_compared.max(differing + figures.unproven_keys);
    let equal = whole - differing - figures.unproven_keys;
    let parts = [(equal, "good", "equal"), (differing, "bad", "differ"), (figures.unproven_keys, "warn", "unproven")];
    let words: Vec<String> = parts
        .iter()
        .map(|(rows, _, name)| format!("{} {name} ({})", counted(*rows, "row", "rows"), percent(*rows, whole)))
        .collect();
    html! {
        figure class="share" style="margin:0" {
            svg viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label={ "Share of rows: " (words.join(", ")) } {
                @for (x, width, tone) in segments(&parts, whole) {
                    g class=(tone) { rect class="bar" x=(one(x)) y="0" width=(one(width)) height="24" {} }
                }
            }
            ul class="legend" {
                @for ((_, tone, _), words) in parts.iter().zip(&words) { li class=(tone) { (words) } }
                @if figures.in_flight > 0 {
                    li class="none" { (counted(figures.in_flight, "key was", "keys were")) " in flight and counted as equal" }
                }
            }
            @if figures.not_run > 0 {
                p class="muted small" { "Rows that were not looked at are no part of this picture: nobody counted them." }
            }
        }
    }
}

/// Start, width and tone of each part that is not empty; small parts are widened at the cost of the largest.
fn segments<'a>(parts: &[(u64, &'a str, &str)], whole: u64) -> Vec<(f64, f64, &'a str)> {
    let mut widths: Vec<f64> = parts
        .iter()
        .map(|(rows, _, _)| if *rows == 0 { 0.0 } else { (*rows as f64 / whole as f64 * WIDTH).max(LEAST) })
        .collect();
    let excess = widths.iter().sum::<f64>() - WIDTH;
    if let Some(largest) = widths.iter_mut().max_by(|a, b| a.total_cmp(b)) {
        *largest -= excess;
    }
    let mut x = 0.0;
    let mut out = Vec::new();
    for (width, (_, tone, _)) in widths.into_iter().zip(parts) {
        if width > 0.0 {
            out.push((x, width, *tone));
            x += width;
        }
    }
    out
}

/// A length in a picture, with one digit after the point.
pub(super) fn one(length: f64) -> String {
    format!("{length:.1}")
}

/// Servers, times, ids: what a later reader may need to know.
pub(super) fn facts(summary: &Summary) -> Option<Section> {
    let figures = Figures::of(summary);
    let body = html! {
        @if !summary.coverage.servers().is_empty() { (servers(summary)) }
        dl class="facts" {
            dt { "run" } dd { code { (text(&summary.run_id)) } }
            dt { "command" } dd { code { "vouch " (summary.command) } }
            dt { "started" } dd { (rfc3339(summary.started_ms)) }
            dt { "finished" } dd { (rfc3339(summary.finished_ms)) }
            dt { "verdict" } dd { (summary.verdict.name()) ", exit code " (summary.verdict.exit_code()) }
            @if let Some(files) = summary.coverage.files() {
                dt { "as of" } dd { (text(&files.state)) }
                dt { "level" } dd { (text(&files.level)) }
            } @else if summary.coverage.gate().is_none() { (row_facts(summary, &figures)) }
            dt { "vouch" } dd { (env!("CARGO_PKG_VERSION")) }
        }
    };
    Some(Section {
        id: "facts",
        title: if about_files(summary) { "Facts" } else { "Servers and facts" },
        short: "Facts",
        count: None,
        body,
    })
}

fn row_facts(summary: &Summary, figures: &Figures) -> Markup {
    html! {
        dt { "chunks decided" } dd { (grouped(figures.chunks)) }
        dt { "taken over by --resume" } dd { (counted(summary.coverage.resumed_chunks(), "chunk", "chunks")) }
        dt { "rows read on the source" } dd { (grouped(figures.rows)) }
        dt { "streamed from the source" } dd { (bytes(figures.bytes)) }
    }
}

fn servers(summary: &Summary) -> Markup {
    html! {
        div class="scroll" style="margin-bottom:1.2rem" {
            table {
                thead { tr { th scope="col" { "server" } th scope="col" { "side" } th scope="col" { "version" } th scope="col" { "positions by" } } }
                tbody {
                    @for server in summary.coverage.servers() {
                        tr {
                            th scope="row" { (text(&server.name)) }
                            td { (server.role.name()) }
                            td { (text(&server.flavor)) " " (text(&server.version)) }
                            td { (text(&server.positions)) }
                        }
                    }
                }
            }
        }
    }
}
