//! Findings row by row, under a heading for each table and replica.
//!
//! Main function: [`section`]. Invariant: every finding is shown or counted.

use super::Canvas;
use crate::figures::is_row;
use crate::groups::by_place;
use crate::style::Tone;
use crate::text::{counted, grouped};
use crate::words;
use vouch_convert::widen;
use vouch_report::{Finding, Severity, Summary};

/// Findings that are written out.
const SHOWN: usize = 50;

/// The findings, grouped; empty when there are none.
pub(super) fn section(summary: &Summary, canvas: Canvas) -> String {
    if summary.findings.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", canvas.paint.paint(Tone::Strong, "findings"));
    let mut room = SHOWN;
    for group in by_place(&summary.findings) {
        if room == 0 {
            break;
        }
        let shown = group.findings.len().min(room);
        room -= shown;
        out.push_str(&format!(" {}\n", words::place_of(group.location)));
        for finding in group.findings.iter().take(shown) {
            out.push_str(&line(finding, canvas));
        }
    }
    let more = widen(summary.findings.len().saturating_sub(SHOWN));
    if more > 0 {
        let rest = format!(" … and {} more, see --format json or --report\n", grouped(more));
        out.push_str(&canvas.paint.paint(Tone::Dim, &rest));
    }
    out
}

fn line(finding: &Finding, canvas: Canvas) -> String {
    let tone = if finding.severity > Severity::Notice { Tone::Bad } else { Tone::Warn };
    let name = canvas.paint.paint(tone, &format!("{:<18}", finding.code.name()));
    let many = if finding.count > 1 && !is_row(finding) && finding.location.file.is_none() {
        format!("  ({})", counted(finding.count, "time", "times"))
    } else {
        String::new()
    };
    format!("   {name} {}{many}\n", words::finding_detail(finding))
}
