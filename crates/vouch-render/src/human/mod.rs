//! The result for a person at a terminal: a table, what was found, a verdict.
//!
//! Main function: [`render`]. Its order is fixed: slices, tables, findings, errors,
//! notices, skips, verdict, next command. The verdict stands last because that
//! is what is still on the screen.

mod files;
mod findings;
mod gate;
mod lists;
mod manifest;
mod table;
mod verdict;

pub use manifest::{manifest_diff, manifest_lint};

use crate::figures::Figures;
use crate::style::Paint;
use vouch_report::Summary;

/// How the text is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HumanStyle {
    /// Whether ANSI colours are used.
    pub colour: bool,
    /// Columns of the terminal; less than 40 counts as 40.
    pub width: u16,
}

impl Default for HumanStyle {
    /// No colour, 100 columns: for files and pipes.
    fn default() -> Self {
        HumanStyle { colour: false, width: 100 }
    }
}

/// What the sections are drawn with.
#[derive(Clone, Copy)]
struct Canvas {
    paint: Paint,
    width: u16,
}

impl Canvas {
    /// Columns for running text, which is hard to read when very wide.
    fn prose(self) -> usize {
        usize::from(self.width.min(110))
    }
}

/// The whole result as text that ends with a newline.
pub fn render(summary: &Summary, style: &HumanStyle) -> String {
    let canvas = Canvas { paint: Paint { colour: style.colour }, width: style.width.max(40) };
    let figures = Figures::of(summary);
    let rotation = summary.coverage.rotation();
    let sections = [
        rotation.map(|rotation| crate::rotation::section(rotation, summary.finished_ms)).unwrap_or_default(),
        table::section(summary, canvas),
        files::section(summary, canvas),
        gate::section(summary, canvas),
        gate::steps(summary, canvas),
        findings::section(summary, canvas),
        lists::errors(summary, canvas),
        lists::notices(summary, canvas),
        lists::skips(summary, canvas),
        verdict::section(summary, &figures, canvas),
    ];
    let written: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    written.join("\n")
}
