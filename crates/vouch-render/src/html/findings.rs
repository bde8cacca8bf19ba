//! Findings of each table and replica, row by row.
//!
//! Invariant: every finding is shown or counted; long lists fold away and are cut.

use super::{Section, text};
use crate::figures::is_row;
use crate::groups::{Place, by_place};
use crate::position::abbreviate;
use crate::text::{counted, grouped};
use crate::words;
use maud::{Markup, html};
use std::collections::HashSet;
use vouch_convert::widen;
use vouch_report::{Code, Finding, Severity, Summary, ValueDiff};

/// Rows that are written out for one table on one replica.
const ROWS: usize = 2_000;
/// Rows that are written out on the whole page, which a browser has to bear.
const ROWS_ON_PAGE: usize = 20_000;
/// Groups up to this size are open from the start.
const OPEN: usize = 25;

pub(super) fn section(summary: &Summary) -> Option<Section> {
    if summary.findings.is_empty() {
        return None;
    }
    let mut room = ROWS_ON_PAGE;
    let body = html! {
        @for place in by_place(&summary.findings) {
            (group(&place, room.min(ROWS)))
            ({ room = room.saturating_sub(place.findings.len().min(ROWS)); "" })
        }
        (glossary(&summary.findings))
    };
    Some(Section { id: "findings", title: "Findings", short: "Findings", count: Some(summary.findings.len()), body })
}

/// What the codes among the findings mean, and what to do.
fn glossary(findings: &[Finding]) -> Markup {
    let used: HashSet<Code> = findings.iter().map(|finding| finding.code).collect();
    html! {
        details {
            summary { h3 { "What these mean and what to do" } }
            dl class="facts" {
                @for code in Code::ALL.iter().filter(|code| used.contains(code)) {
                    dt { code { (code.name()) } }
                    dd { (code.explanation().meaning) " " span class="muted" { (code.explanation().action) } }
                }
            }
        }
    }
}

fn group(place: &Place, shown: usize) -> Markup {
    let name = match words::place_of(place.location) {
        name if name.is_empty() => "the run".to_owned(),
        name => name,
    };
    let hidden = place.findings.len().saturating_sub(shown);
    html! {
        details open[place.findings.len() <= OPEN] {
            summary {
                h3 { (name) }
                span class="muted small" {
                    (counted(widen(place.findings.len()), "finding", "findings"))
                    @if let Some(as_of) = common_as_of(&place.findings) { ", as of " (abbreviate(as_of)) }
                }
            }
            @if shown > 0 { (list(place.findings.get(..shown).unwrap_or(&place.findings))) }
            @if hidden > 0 {
                p class="muted small" { (grouped(widen(hidden))) " more are not written out on this page. They are in the JSON." }
            }
        }
    }
}

/// The position that all of them hold for which have one, if it is one.
fn common_as_of<'a>(findings: &[&'a Finding]) -> Option<&'a str> {
    let mut positions = findings.iter().filter_map(|finding| finding.as_of.as_deref());
    let first = positions.next()?;
    positions.all(|position| position == first).then_some(first)
}

/// A table with the columns that these findings have anything for.
fn list(findings: &[&Finding]) -> Markup {
    let columns = findings.iter().any(|finding| !finding.location.columns.is_empty());
    let keys = findings.iter().any(|finding| !finding.location.key.is_empty());
    let proof = findings.iter().any(|finding| finding.proof.is_some());
    let as_of = common_as_of(findings).is_none() && findings.iter().any(|finding| finding.as_of.is_some());
    html! {
        div class="scroll" {
            table {
                thead {
                    tr {
                        th scope="col" { "finding" }
                        th scope="col" { (if keys { "key" } else { "what" }) }
                        @if columns { th scope="col" { "columns that differ" } }
                        @if proof { th scope="col" { "proof" } }
                        @if as_of { th scope="col" { "as of" } }
                    }
                }
                tbody {
                    @for finding in findings {
                        tr {
                            td { (code(finding)) }
                            td class="key" { (key(finding)) }
                            @if columns { td { (differing(&finding.location.columns)) } }
                            @if proof { td.nowrap { @if let Some(proof) = &finding.proof { (words::proof(proof)) } } }
                            @if as_of { td class="small muted key" { @if let Some(as_of) = &finding.as_of { (abbreviate(as_of)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn code(finding: &Finding) -> Markup {
    let tone = if finding.severity > Severity::Notice { "bad" } else { "warn" };
    html! { span class={ "pill " (tone) } { (finding.code.name()) } }
}

/// The key of a row, or the message of what is no row.
fn key(finding: &Finding) -> Markup {
    if finding.location.key.is_empty() {
        let spot = finding.location.file.as_ref().map(words::pages::spot).filter(|spot| !spot.is_empty());
        return html! { @if let Some(spot) = spot { code { (spot) } br; } (words::message(&finding.message)) };
    }
    html! {
        code { (words::key(&finding.location.key)) }
        @if finding.count != 1 && is_row(finding) { " " span class="muted" { (grouped(finding.count)) "×" } }
    }
}

/// The names of the columns, or names with both values where values are shown.
fn differing(columns: &[ValueDiff]) -> Markup {
    if columns.iter().all(|diff| diff.source.is_none() && diff.replica.is_none()) {
        return html! { (words::columns(columns)) };
    }
    html! {
        dl class="values" {
            @for diff in columns {
                dt { (text(&diff.column)) }
                dd {
                    code class="was" title="on the source" { (words::value(diff.source.as_ref())) }
                    span class="muted" { " on the source, " }
                    code class="is" title="on the replica" { (words::value(diff.replica.as_ref())) }
                    span class="muted" { " on the replica" }
                }
            }
        }
    }
}
