//! Files: figures at a glance, and a line for each.

use super::matrix::more;
use super::{Section, text};
use crate::text::{bytes, grouped};
use crate::time::span;
use crate::words::pages;
use maud::{Markup, html};
use vouch_convert::widen;
use vouch_report::{FileCoverage, FileState, Summary};

/// Files that are written out.
const LISTED: usize = 2_000;

/// The figures at a glance.
pub(super) fn overview(summary: &Summary) -> Option<Section> {
    let coverage = summary.coverage.files()?;
    let tally = pages::total(summary);
    let files = &coverage.files;
    let size: u64 = files.iter().map(|file| file.bytes).sum();
    let figures = [
        ("files", grouped(widen(files.len())), ""),
        ("size", bytes(size), ""),
        ("pages looked at", grouped(tally.seen()), ""),
        ("bad pages", grouped(tally.bad), if tally.bad > 0 { "hit bad" } else { "" }),
        ("not verified", grouped(tally.unverified + tally.unprotected), ""),
        ("empty pages", grouped(tally.empty), ""),
        ("level", coverage.level.clone(), ""),
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
    let files = summary.coverage.file_list();
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
