//! Tables × replicas with their states, and how each table was compared.

use super::{Section, state_pill, text, tone};
use crate::figures::{SchemaPairs, seen};
use crate::position::whole;
use crate::text::{counted, grouped};
use crate::time::{span, stamp};
use crate::words::differences;
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};
use vouch_convert::widen;
use vouch_report::{Coverage, DigestChoice, ReplicaCoverage, Summary, TableCoverage, TableState};

/// With more tables than this, those that are equal everywhere fold away.
const OPEN: usize = 60;
/// With more tables than this, how each was compared folds away.
const OPEN_HOW: usize = 12;
/// Most tables that are written out in one list.
const SHOWN: usize = 2_000;
/// Most replicas that get a column.
const COLUMNS: usize = 40;

pub(super) fn section(summary: &Summary) -> Option<Section> {
    let coverage = &summary.coverage;
    if coverage.tables().is_empty() {
        return None;
    }
    let schema = SchemaPairs::of(summary);
    let replicas = replicas(coverage);
    let (equal, rest): (Vec<&TableCoverage>, Vec<&TableCoverage>) =
        coverage.tables().iter().partition(|table| all_equal(table));
    let body = if coverage.tables().len() <= OPEN {
        grid(&coverage.tables().iter().collect::<Vec<_>>(), &replicas, &schema)
    } else {
        html! {
            @if !rest.is_empty() { (grid(&rest, &replicas, &schema)) }
            @if !equal.is_empty() {
                details {
                    summary { (counted(widen(equal.len()), "table is", "tables are")) " equal on every replica" }
                    (grid(&equal, &replicas, &schema))
                }
            }
        }
    };
    Some(Section {
        id: "tables",
        title: "Tables and replicas",
        short: "Tables",
        count: Some(coverage.tables().len()),
        body,
    })
}

fn all_equal(table: &TableCoverage) -> bool {
    table.replicas.iter().all(|pair| pair.state == TableState::Equal)
}

/// The replicas in the order of the servers, then others that tables name.
fn replicas(coverage: &Coverage) -> Vec<&str> {
    let named: BTreeSet<&str> =
        coverage.tables().iter().flat_map(|table| &table.replicas).map(|pair| pair.replica.as_str()).collect();
    let mut ordered: Vec<&str> =
        coverage.servers().iter().map(|server| server.name.as_str()).filter(|name| named.contains(name)).collect();
    ordered.extend(named.iter().filter(|name| !coverage.servers().iter().any(|server| server.name == **name)));
    ordered
}

fn grid(tables: &[&TableCoverage], replicas: &[&str], schema: &SchemaPairs) -> Markup {
    let columns = replicas.get(..COLUMNS).unwrap_or(replicas);
    html! {
        div class="scroll" {
            table {
                thead {
                    tr {
                        th scope="col" { "table" }
                        th scope="col" class="num" { "rows" }
                        @for replica in columns { th scope="col" { (text(replica)) } }
                    }
                }
                tbody {
                    @for table in tables.iter().take(SHOWN) {
                        tr {
                            th scope="row" { (text(&table.table)) }
                            td class="num" { (grouped(table.rows)) }
                            @for replica in columns { (cell(table, replica, schema)) }
                        }
                    }
                }
            }
        }
        (more(tables.len(), SHOWN, "tables"))
        (more(replicas.len(), COLUMNS, "replicas"))
    }
}

/// Says how many are not shown; nothing when all are.
pub(super) fn more(all: usize, shown: usize, what: &str) -> Markup {
    let rest = all.saturating_sub(shown);
    html! { @if rest > 0 { p class="muted small" { "… and " (grouped(widen(rest))) " more " (what) ". They are in the JSON." } } }
}

fn cell(table: &TableCoverage, replica: &str, schema: &SchemaPairs) -> Markup {
    let Some(pair) = table.replicas.iter().find(|pair| pair.replica == replica) else {
        return html! { td class="muted" { "–" } };
    };
    let notes = notes(table, pair, schema.contains(&table.table, replica));
    html! {
        td {
            (state_pill(pair))
            @if !notes.is_empty() { span class="cell" { (notes) } }
        }
    }
}

fn notes(table: &TableCoverage, pair: &ReplicaCoverage, schema: bool) -> String {
    let mut notes: Vec<String> = Vec::new();
    notes.extend(Some(differences(pair, schema)).filter(|text| !text.is_empty()));
    if pair.unproven > 0 {
        notes.push(counted(pair.unproven, "key unproven", "keys unproven"));
    }
    if pair.in_flight > 0 {
        notes.push(format!("{} in flight", grouped(pair.in_flight)));
    }
    if pair.chunks_done != table.chunks {
        notes.push(format!("{} of {} chunks", grouped(pair.chunks_done), grouped(table.chunks)));
    }
    notes.join(" · ")
}

/// Digests and why they were chosen, keys, chunks, times, positions.
pub(super) fn how(summary: &Summary) -> Option<Section> {
    let tables = summary.coverage.tables();
    if tables.is_empty() {
        return None;
    }
    let body = html! {
        (digests(tables))
        (folded("Keys, chunks and times", tables.len() <= OPEN_HOW, how_table(tables)))
        (folded("Positions that the verdicts hold for", false, positions(tables)))
    };
    Some(Section { id: "how", title: "How it was compared", short: "Method", count: None, body })
}

fn folded(title: &str, open: bool, body: Markup) -> Markup {
    html! { details open[open] { summary { h3 { (title) } } (body) } }
}

/// Tables by the method of their digest, with the reasons.
fn digests(tables: &[TableCoverage]) -> Markup {
    let mut methods: BTreeMap<(&str, u32), (u64, BTreeSet<&str>)> = BTreeMap::new();
    for DigestChoice { method, bits, why } in
        tables.iter().map(|table| &table.digest).filter(|digest| !digest.method.is_empty())
    {
        let (count, reasons) = methods.entry((method, *bits)).or_default();
        *count += 1;
        reasons.insert(why);
    }
    html! {
        div class="scroll" {
            table {
                thead { tr { th scope="col" { "digest" } th scope="col" class="num" { "tables" } th scope="col" { "a change is missed with" } th scope="col" { "why" } } }
                tbody {
                    @for ((method, bits), (count, reasons)) in &methods {
                        tr {
                            th scope="row" { (text(method)) }
                            td class="num" { (grouped(*count)) }
                            td class="nowrap" { "2" sup { "−" (bits) } @if *bits < 64 { " " span class="pill warn" { "light" } } }
                            td {
                                @for reason in reasons.iter().take(5) { div { (text(reason)) } }
                                (more(reasons.len(), 5, "reasons"))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn how_table(tables: &[TableCoverage]) -> Markup {
    html! {
        div class="scroll" {
            table {
                thead {
                    tr {
                        th scope="col" { "table" } th scope="col" { "chunks run along" } th scope="col" { "digest" }
                        th scope="col" class="num" { "chunks" } th scope="col" class="num" { "took" }
                    }
                }
                tbody {
                    @for table in tables.iter().take(SHOWN) {
                        tr {
                            th scope="row" { (text(&table.table)) }
                            td { (text(&table.key)) }
                            td { (text(&table.digest.method)) }
                            td class="num" { (grouped(table.chunks)) }
                            td class="num" { (took(table)) }
                        }
                    }
                }
            }
        }
        (more(tables.len(), SHOWN, "tables"))
    }
}

fn took(table: &TableCoverage) -> String {
    match (table.started_ms, table.finished_ms) {
        (0, _) => "not begun".to_owned(),
        (_, 0) => "not ended".to_owned(),
        (from, to) => span(to.saturating_sub(from)),
    }
}

fn positions(tables: &[TableCoverage]) -> Markup {
    let pairs = || tables.iter().flat_map(|table| table.replicas.iter().map(move |pair| (table, pair)));
    html! {
        div class="scroll" {
            table {
                thead { tr { th scope="col" { "table" } th scope="col" { "replica" } th scope="col" { "time" } th scope="col" { "source position" } } }
                tbody {
                    @for (table, pair) in pairs().filter(|(_, pair)| seen(pair)).take(SHOWN) {
                        tr class=(tone(pair.state)) {
                            th scope="row" { (text(&table.table)) }
                            td { (text(&pair.replica)) }
                            td class="nowrap" { @if pair.as_of.at_ms > 0 { (stamp(pair.as_of.at_ms)) } @else { "–" } }
                            td { @if pair.as_of.position.is_empty() { "none, by time alone" } @else { code { (text(&whole(&pair.as_of.position))) } } }
                        }
                    }
                }
            }
        }
        (more(pairs().filter(|(_, pair)| seen(pair)).count(), SHOWN, "pairs of table and replica"))
    }
}
