//! The top of the page: the verdict in plain words, what it rests on, what to do next.

use super::{text, verdict_tone};
use crate::figures::Figures;
use crate::words;
use maud::{Markup, html};
use vouch_report::{Summary, Verdict};

pub(super) fn banner(summary: &Summary, figures: &Figures) -> Markup {
    let steps = words::next_steps(summary);
    html! {
        header class={ "banner " (verdict_tone(summary.verdict, figures)) } {
            div class="wrap" {
                div class="mark" aria-hidden="true" { (mark(summary.verdict, figures)) }
                div {
                    div class="eyebrow" {
                        span class="pill" { (summary.verdict.name()) }
                        span { "vouch " (summary.command) }
                        span { (crate::time::stamp(summary.started_ms)) }
                        span { "run " code { (text(&summary.run_id)) } }
                    }
                    h1 { (words::headline(summary, figures)) }
                    ul {
                        @for sentence in words::looked_at(summary, figures) { li { (sentence) } }
                    }
                    @if !steps.is_empty() {
                        ul class="next" aria-label="What to run next" {
                            @for step in steps {
                                li { code { (step.command) } " " span class="muted small" { (step.purpose) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A check mark, a cross, a question mark, or a stop.
fn mark(verdict: Verdict, figures: &Figures) -> Markup {
    let path = match verdict {
        Verdict::Clean(_) if figures.saw_anything() => "M4 12.5l5.2 5.2L20 7",
        Verdict::Findings | Verdict::Bug => "M6 6l12 12M18 6L6 18",
        Verdict::Clean(_) | Verdict::Incomplete => "M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.2-1.5 2.3M12 18.6v.1",
        Verdict::Interrupted(_) => "M9 6v12M15 6v12",
    };
    html! { svg viewBox="0 0 24 24" focusable="false" { path d=(path) {} } }
}
