//! A map of the pages of each file: one cell a range, coloured by what it came to and, below, by what it is for.

use super::matrix::more;
use super::{Section, text};
use crate::text::counted;
use maud::{Markup, html};
use vouch_report::{FileCoverage, FileState, MapCell, PageClass, Summary};

/// Files that are drawn.
const DRAWN: usize = 300;
/// Cells in a row, and the size of one with the gap to the next; the heights of its colours.
const COLUMNS: usize = 100;
const WIDTH: usize = 10;
const HEIGHT: usize = 13;
const VERDICT: usize = 7;
const PURPOSE: usize = 4;

/// What came of pages, with the class of its colour.
const VERDICTS: [(&str, &str); 4] =
    [("good", "sound"), ("bad", "bad"), ("warn", "not verified"), ("none", "empty, copies or not looked at")];
/// What pages are for, with the class of its colour.
const PURPOSES: [(&str, &str); 5] = [
    ("nodes", "indexes"),
    ("long", "long values"),
    ("undo", "undo and transactions"),
    ("packed", "compressed or encrypted"),
    ("book", "bookkeeping"),
];

/// The pages of each file as cells; damaged files first.
pub(super) fn map(summary: &Summary) -> Option<Section> {
    let mut files: Vec<&FileCoverage> =
        summary.coverage.file_list().iter().filter(|file| !file.map.is_empty()).collect();
    files.sort_by_key(|file| file.state != FileState::Damaged);
    let body = html! {
        (legend("upper colour:", &VERDICTS))
        (legend("lower colour:", &PURPOSES))
        @for file in files.iter().take(DRAWN) { (picture(file)) }
        (more(files.len(), DRAWN, "files"))
    };
    let section = Section { id: "map", title: "Map of pages", short: "Map", count: None, body };
    (!files.is_empty()).then_some(section)
}

fn legend(title: &str, colours: &[(&str, &str)]) -> Markup {
    html! {
        ul class="legend" {
            li class="title" { (title) }
            @for (class, name) in colours { li class=(class) { (name) } }
        }
    }
}

fn picture(file: &FileCoverage) -> Markup {
    let columns = file.map.len().min(COLUMNS);
    let (width, height) = (columns * WIDTH, file.map.len().div_ceil(COLUMNS) * HEIGHT);
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
    let (x, y, width) = (at % COLUMNS * WIDTH, at / COLUMNS * HEIGHT, WIDTH - 1);
    let last = cell.first.saturating_add(cell.pages.saturating_sub(1));
    let purpose = purpose(cell);
    let height = if purpose.is_some() { VERDICT } else { VERDICT + PURPOSE };
    html! {
        g {
            title { (cell.first) "–" (last) ": " (cell.class.name()) @if purpose.is_some() { ", " (cell.page_type) } }
            g class=(verdict(cell)) { rect class="bar" x=(x) y=(y) width=(width) height=(height); }
            @if let Some(class) = purpose {
                g class=(class) { rect class="bar" x=(x) y=(y + VERDICT) width=(width) height=(PURPOSE); }
            }
        }
    }
}

fn verdict(cell: &MapCell) -> &'static str {
    match cell.class {
        PageClass::Sound => "good",
        PageClass::Bad => "bad",
        PageClass::Unprotected | PageClass::Unverified => "warn",
        PageClass::Empty | PageClass::Copy | PageClass::NotRun => "none",
    }
}

/// What most pages of the range are for; `None` where none of them says so.
fn purpose(cell: &MapCell) -> Option<&'static str> {
    if matches!(cell.class, PageClass::Empty | PageClass::Copy | PageClass::NotRun) {
        return None;
    }
    let words = cell.page_type.as_str();
    Some(match words {
        "index" | "r-tree" | "sdi" => "nodes",
        "undo" | "rollback segment array" | "transaction system" => "undo",
        _ if words.contains("blob") || words.contains("lob") => "long",
        _ if words.contains("compressed") || words.contains("encrypted") => "packed",
        _ => "book",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_coloured_by_verdict_and_by_purpose() {
        let cell = |class, page_type: &str| MapCell { first: 64, pages: 8, class, page_type: page_type.to_owned() };
        let drawn = |class, page_type: &str| square(0, &cell(class, page_type)).into_string();
        for (page_type, purpose) in [
            ("index", "nodes"),
            ("lob data", "long"),
            ("compressed blob", "long"),
            ("undo", "undo"),
            ("page_compressed", "packed"),
            ("inode", "book"),
        ] {
            let drawn = drawn(PageClass::Sound, page_type);
            assert!(drawn.contains(&format!("64–71: sound, {page_type}")), "{drawn}");
            assert!(drawn.contains("class=\"good\"") && drawn.contains(&format!("class=\"{purpose}\"")), "{drawn}");
        }
        assert!(drawn(PageClass::Bad, "index").contains("class=\"bad\""));
        assert!(!drawn(PageClass::Empty, "allocated").contains("allocated"), "an empty page is for nothing");
    }
}
