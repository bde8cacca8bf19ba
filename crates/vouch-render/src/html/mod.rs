//! The result as one self-contained page, for a ticket or an archive.
//!
//! Main function: [`page`]. Invariant: the page asks for nothing from anywhere
//! and runs nothing. It has no script, and a policy that would forbid one, so
//! that text from a server stays text even if the escaping had a hole.

mod banner;
mod files;
mod findings;
mod gate;
mod lists;
mod matrix;
mod overview;
mod page_map;
mod timeline;

use crate::figures::Figures;
use crate::text::clip;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use vouch_convert::widen;
use vouch_report::{ReplicaCoverage, Summary, TableState, Verdict};

const STYLE: &str = include_str!("style.css");
/// No request to anywhere, no script; only the style sheet of this page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
/// A name or value is cut to this many characters.
const TEXT_CHARS: usize = 400;

/// A part of the page, with its place in the table of contents.
struct Section {
    id: &'static str,
    title: &'static str,
    /// The title in the table of contents.
    short: &'static str,
    count: Option<usize>,
    body: Markup,
}

/// The whole page.
pub fn page(summary: &Summary) -> String {
    let figures = Figures::of(summary);
    let sections = [
        files::overview(summary),
        gate::overview(summary),
        overview::section(summary, &figures),
        lists::errors(summary),
        files::table(summary),
        page_map::map(summary),
        gate::table(summary),
        matrix::section(summary),
        findings::section(summary),
        timeline::section(summary),
        matrix::how(summary),
        lists::notices(summary),
        lists::skips(summary),
        overview::facts(summary),
    ];
    let sections: Vec<Section> = sections.into_iter().flatten().collect();
    document(summary, &figures, &sections).into_string()
}

fn document(summary: &Summary, figures: &Figures, sections: &[Section]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                link rel="icon" href="data:,";
                title { "vouch " (summary.command) ": " (summary.verdict.name()) ", run " (text(&summary.run_id)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (banner::banner(summary, figures))
                (contents(sections))
                main class="wrap" {
                    @for section in sections { (framed(section)) }
                }
                footer class="wrap" {
                    "Made by vouch " (env!("CARGO_PKG_VERSION")) ". This page is complete in itself and asks for nothing from anywhere."
                }
            }
        }
    }
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Contents" {
            div class="wrap" {
                @for section in sections {
                    a href={ "#" (section.id) } {
                        (section.short)
                        @if let Some(count) = section.count { " " span class="muted" { (crate::text::grouped(widen(count))) } }
                    }
                }
            }
        }
    }
}

fn framed(section: &Section) -> Markup {
    html! {
        section id=(section.id) aria-labelledby={ (section.id) "-title" } {
            h2 id={ (section.id) "-title" } { (section.title) }
            (section.body)
        }
    }
}

/// Text from outside, harmless and of bounded length.
fn text(outside: &str) -> String {
    clip(outside, TEXT_CHARS)
}

/// The class that colours what has this state.
fn tone(state: TableState) -> &'static str {
    match state {
        TableState::Equal => "good",
        TableState::Differs => "bad",
        TableState::Unproven => "warn",
        TableState::NotRun => "none",
    }
}

/// The class that colours a verdict; a clean run that saw nothing is not good news.
fn verdict_tone(verdict: Verdict, figures: &Figures) -> &'static str {
    match verdict {
        Verdict::Clean(_) if figures.saw_anything() => "good",
        Verdict::Findings | Verdict::Bug => "bad",
        Verdict::Clean(_) | Verdict::Incomplete | Verdict::Interrupted(_) => "warn",
    }
}

fn state_pill(pair: &ReplicaCoverage) -> Markup {
    html! { span class={ "pill " (tone(pair.state)) } { (crate::figures::state_label(pair)) } }
}
