//! Files: one line for each, or one line for all that are sound.
//!
//! Main function: [`section`]. Invariant: a file that is not sound is shown or
//! counted, never dropped.

use super::Canvas;
use super::table::{Column, draw};
use crate::style::Tone;
use crate::text::{bytes, clip, counted, grouped};
use comfy_table::{Cell, CellAlignment, Color};
use vouch_convert::widen;
use vouch_report::{FileCoverage, FileState, Summary};

/// With more files than this, sound ones are counted instead of listed.
const LISTED_WHOLE: usize = 20;
/// Most files that are listed.
const SHOWN: usize = 100;
const NAME_CHARS: usize = 60;

/// The table, and a line for what it leaves out; empty when no file took part.
pub(super) fn section(summary: &Summary, canvas: Canvas) -> String {
    let files = &summary.coverage.file_list();
    if files.is_empty() {
        return String::new();
    }
    let brief = files.len() > LISTED_WHOLE;
    let listed: Vec<&FileCoverage> = files.iter().filter(|file| !brief || file.state != FileState::Sound).collect();
    let shown = listed.get(..SHOWN).unwrap_or(&listed);
    let mut out = String::new();
    if !shown.is_empty() {
        let names = ["file", "format", "size", "pages", "sound", "bad", "other", "verdict"];
        let columns = names.map(|name| Column { name, wraps: matches!(name, "file" | "format") });
        out = draw(&columns, shown.iter().map(|file| row(file)), canvas);
    }
    for line in left_out(files, listed.len() - shown.len(), brief) {
        out.push_str(&canvas.paint.paint(Tone::Dim, &format!(" {line}")));
        out.push('\n');
    }
    out
}

fn row(file: &FileCoverage) -> Vec<Cell> {
    let tally = &file.tally;
    let other = tally.seen() - tally.sound - tally.bad;
    let colour = match file.state {
        FileState::Sound => Color::Green,
        FileState::Damaged => Color::Red,
        FileState::Unverified | FileState::NotRun => Color::Yellow,
    };
    let format = if file.format.is_empty() { file.kind } else { &file.format };
    let mut cells = vec![Cell::new(clip(&file.file, NAME_CHARS)), Cell::new(format), right(bytes(file.bytes))];
    cells.extend([file.pages, tally.sound, tally.bad, other].map(|count| right(number(count))));
    cells.push(Cell::new(file.state.name()).fg(colour));
    cells
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn number(count: u64) -> String {
    if count == 0 { "–".to_owned() } else { grouped(count) }
}

fn left_out(files: &[FileCoverage], unshown: usize, brief: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if unshown > 0 {
        lines.push(format!("… and {} more that are not sound, see --format json or --report", grouped(widen(unshown))));
    }
    if brief {
        let sound: Vec<&FileCoverage> = files.iter().filter(|file| file.state == FileState::Sound).collect();
        let pages = sound.iter().filter(|file| !file.is_log()).map(|file| file.tally.seen()).sum();
        let count = counted(widen(sound.len()), "file is", "files are");
        lines.push(format!("{count} sound ({})", counted(pages, "page", "pages")));
    }
    lines
}
