//! A server held against a manifest: figures, and a line for each table.

use super::{Section, text};
use crate::text::grouped;
use crate::time::span;
use maud::{Markup, html};
use vouch_convert::widen;
use vouch_report::{CheckStatus, GateCoverage, Summary, TableCheck};

/// Tables that are written out.
const LISTED: usize = 20_000;

/// The figures at a glance.
pub(super) fn overview(summary: &Summary) -> Option<Section> {
    let gate = summary.coverage.gate()?;
    let mut tiles: Vec<(String, String, &str)> = CheckStatus::ALL
        .into_iter()
        .map(|status| (status, gate.count(status)))
        .filter(|(status, count)| *count > 0 || *status == CheckStatus::Valid)
        .map(|(status, count)| {
            let class = if status.passes() { "" } else { "hit bad" };
            (status.name().to_lowercase().replace('_', " "), grouped(count), class)
        })
        .collect();
    tiles.push(("took".to_owned(), span(summary.finished_ms.saturating_sub(summary.started_ms)), ""));
    let body = html! {
        dl class="tiles" {
            @for (name, value, class) in &tiles {
                div class=[Some(class).filter(|class| !class.is_empty())] { dt { (name) } dd { (value) } }
            }
        }
        (facts(gate))
        (steps(gate))
    };
    Some(Section { id: "overview", title: "At a glance", short: "Overview", count: None, body })
}

fn facts(gate: &GateCoverage) -> Markup {
    html! {
        dl class="facts" {
            dt { "manifest" } dd { code { (text(&gate.manifest_id)) } }
            dt { "SHA-256" } dd { code { (text(&gate.manifest_digest)) } }
            dt { "cluster, serial" } dd { (text(&gate.cluster)) " " (gate.serial) }
            dt { "signed by" } dd { (text(gate.signed_by.as_deref().unwrap_or("nobody (--allow-unsigned)"))) }
            dt { "gate" } dd { (text(&gate.gate)) }
            dt { "manifest's position" } dd { code { (text(&gate.expected_position)) } }
            dt { "server's position" } dd { code { (text(&gate.position)) } }
        }
    }
}

/// The steps of a drill.
fn steps(gate: &GateCoverage) -> Markup {
    html! {
        @if !gate.steps.is_empty() {
            div class="scroll" {
                table {
                    thead { tr { th scope="col" { "step" } th scope="col" { "took" } th scope="col" { "outcome" } } }
                    tbody {
                        @for step in &gate.steps {
                            tr {
                                th scope="row" { (text(&step.name)) }
                                td { (span(step.took_ms)) }
                                td { (text(&step.outcome)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A line for each table.
pub(super) fn table(summary: &Summary) -> Option<Section> {
    let checks = &summary.coverage.gate()?.checks;
    let body = html! {
        div class="scroll" {
            table {
                thead {
                    tr {
                        @for name in ["table", "method", "expected", "actual", "rows", "ms", "verdict", "why"] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody { @for check in checks.iter().take(LISTED) { (row(check)) } }
            }
        }
        @if checks.len() > LISTED { p class="muted" { (grouped(widen(checks.len() - LISTED))) " more are not listed." } }
    };
    Some(Section { id: "tables", title: "Tables", short: "Tables", count: Some(checks.len()), body })
}

fn row(check: &TableCheck) -> Markup {
    let tone = match check.status {
        CheckStatus::Valid => "good",
        CheckStatus::Mismatch | CheckStatus::Missing | CheckStatus::Extra => "bad",
        CheckStatus::Skipped => "none",
        _ => "warn",
    };
    html! {
        tr {
            th scope="row" { (text(&check.label())) }
            td { (text(&check.method)) }
            td { code { (text(&check.expected)) } }
            td { code { (text(&check.actual)) } }
            td { @if let Some(rows) = check.rows { (grouped(rows)) } }
            td { (grouped(check.took_ms)) }
            td { span class={ "pill " (tone) } { (check.status.name()) } }
            td { (text(&check.reason)) }
        }
    }
}
