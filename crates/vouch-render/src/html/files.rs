//! Files, and a map of their pages: one cell a range, coloured by what it came to.

use super::matrix::more;
use super::{Section, text};
use crate::text::{bytes, counted, grouped};
use crate::time::span;
use crate::words::{about_files, pages};
use maud::{Markup, html};
use vouch_report::{FileCoverage, FileState, MapCell, PageClass, Summary};

/// Files that are written out, and drawn.
const LISTED: usize = 2_000;
const DRAWN: usize = 300;
/// Cells in a row of a map, and the length of a side.
const COLUMNS: usize = 100;
const SIDE: usize = 9;

/// The figures at a glance.
pub(super) fn overview(summary: &Summary) -> Option<Section> {
    if !about_files(summary) {
        return None;
    }
    let tally = pages::total(summary);
    let files = &summary.coverage.files.files;
    let size: u64 = files.iter().map(|file| file.bytes).sum();
    let figures = [
        ("files", grouped(files.len() as u64), ""),
        ("size", bytes(size), ""),
        ("pages looked at", grouped(tally.seen()), ""),
        ("bad pages", grouped(tally.bad), if tally.bad > 0 { "hit bad" } else { "" }),
        ("not verified", grouped(tally.unverified + tally.unprotected), ""),
        ("empty pages", grouped(tally.empty), ""),
        ("level", summary.coverage.files.level.clone(), ""),
        ("took", span(summary.finished_ms.saturating_sub(summary.started_ms)), ""),
    ];
    let body = html! {
        dl class="tiles" {
            @for (name, value, class) in &figures {
                div class=[Some(class).filter(|class| !class.is_empty())] { dt { (name) } dd { (text(value)) } }
            }
        }
    };
    Some(Section { id: "overview", title: "At a glance", short: "Overview", count: None, body })
}

/// A line for each file.
pub(super) fn table(summary: &Summary) -> Option<Section> {
    let files = &summary.coverage.files.files;
    let body = html! {
        div class="scroll" {
            table {
                thead {
                    tr {
                        @for name in ["file", "format", "size", "pages", "sound", "bad", "not verified", "empty"] { th scope="col" { (name) } }
                        th scope="col" { "verdict" }
                    }
                }
                tbody { @for file in files.iter().take(LISTED) { (row(file)) } }
            }
        }
        (more(files.len(), LISTED, "files"))
    };
    let section = Section { id: "files", title: "Files", short: "Files", count: Some(files.len()), body };
    (!files.is_empty()).then_some(section)
}

fn row(file: &FileCoverage) -> Markup {
    let tally = &file.tally;
    html! {
        tr {
            th scope="row" {
                (text(&file.file))
                @if let Some(table) = &file.table { span class="cell" { (text(table)) } }
            }
            td { (file.kind) span class="cell" { (file.format) } }
            td.num { (bytes(file.bytes)) }
            @for count in [file.pages, tally.sound, tally.bad, tally.unverified + tally.unprotected, tally.empty] {
                td.num { (grouped(count)) }
            }
            td { span class={ "pill " (tone(file.state)) } { (file.state.name()) } }
        }
    }
}

fn tone(state: FileState) -> &'static str {
    match state {
        FileState::Sound => "good",
        FileState::Damaged => "bad",
        FileState::Unverified => "warn",
        FileState::NotRun => "none",
    }
}

/// The pages of each file as cells; damaged files first.
pub(super) fn map(summary: &Summary) -> Option<Section> {
    let mut files: Vec<&FileCoverage> =
        summary.coverage.files.files.iter().filter(|file| !file.map.is_empty()).collect();
    files.sort_by_key(|file| file.state != FileState::Damaged);
    let body = html! {
        ul class="legend" {
            @for (class, name) in [("good", "sound"), ("bad", "bad"), ("warn", "not verified"), ("none", "empty, copies or not looked at")] {
                li class=(class) { (name) }
            }
        }
        @for file in files.iter().take(DRAWN) { (picture(file)) }
        (more(files.len(), DRAWN, "files"))
    };
    let section = Section { id: "map", title: "Map of pages", short: "Map", count: None, body };
    (!files.is_empty()).then_some(section)
}

fn picture(file: &FileCoverage) -> Markup {
    let columns = file.map.len().min(COLUMNS);
    let (width, height) = (columns * SIDE, file.map.len().div_ceil(COLUMNS) * SIDE);
    let label = format!("{}: {}", file.file, counted(file.tally.bad, "bad page", "bad pages"));
    html! {
        figure class="pages" style="margin:.9rem 0" {
            figcaption class="small" { (text(&label)) }
            svg width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(text(&label)) {
                @for (at, cell) in file.map.iter().enumerate() { (square(at, cell)) }
            }
        }
    }
}

fn square(at: usize, cell: &MapCell) -> Markup {
    let (x, y, side) = (at % COLUMNS * SIDE, at / COLUMNS * SIDE, SIDE - 1);
    let last = cell.first.saturating_add(cell.pages.saturating_sub(1));
    let class = match cell.class {
        PageClass::Sound => "good",
        PageClass::Bad => "bad",
        PageClass::Unprotected | PageClass::Unverified => "warn",
        PageClass::Empty | PageClass::Copy | PageClass::NotRun => "none",
    };
    html! {
        g class=(class) {
            rect class="bar" x=(x) y=(y) width=(side) height=(side) {
                title { (cell.first) "–" (last) ": " (cell.class.name()) ", " (cell.page_type) }
            }
        }
    }
}
