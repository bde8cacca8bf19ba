//! The verdict in plain words, what it rests on, and what to do next.
//!
//! Main function: [`section`], never empty.

use super::Canvas;
use crate::figures::Figures;
use crate::style::Tone;
use crate::text::{clip, wrap};
use crate::words;
use vouch_report::{Summary, Verdict};

/// The last lines of a result.
pub(super) fn section(summary: &Summary, figures: &Figures, canvas: Canvas) -> String {
    let tone = match summary.verdict {
        Verdict::Clean(_) if figures.saw_anything() => Tone::Good,
        Verdict::Findings | Verdict::Bug => Tone::Bad,
        Verdict::Clean(_) | Verdict::Incomplete | Verdict::Interrupted(_) => Tone::Warn,
    };
    let name = summary.verdict.name().to_uppercase();
    let mut out = format!("{}\n", canvas.paint.paint(tone, &name));
    out.push_str(
        &canvas.paint.paint(Tone::Strong, wrap(&words::headline(summary, figures), canvas.prose(), "  ").trim_end()),
    );
    out.push('\n');
    for sentence in words::looked_at(summary, figures) {
        out.push_str(&wrap(&sentence, canvas.prose(), "  "));
    }
    out.push_str(&canvas.paint.paint(Tone::Dim, &format!("  Run {}.", clip(&summary.run_id, 80))));
    out.push('\n');
    for step in words::next_steps(summary) {
        let command = canvas.paint.paint(Tone::Strong, &step.command);
        out.push_str(&format!("  next: {command}   {}\n", canvas.paint.paint(Tone::Dim, step.purpose)));
    }
    out
}
