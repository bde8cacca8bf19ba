//! The sentences in which a result is told, the same on a terminal and on a page.
//!
//! Main functions: [`headline`], [`looked_at`], [`next_steps`]. Invariant:
//! "no difference" is never said without what was looked at.

pub(crate) mod gate;
pub(crate) mod pages;
pub(crate) mod scope;

use crate::figures::{Figures, is_row, other_findings, remarks};
use crate::position::abbreviate;
use crate::text::{clean, clip, counted, grouped, shorten};
use crate::time::{span, stamp};
use std::collections::BTreeSet;
use vouch_convert::widen;
use vouch_report::{
    Code, Command, Datum, Failure, Finding, KeyPart, Location, Proof, ReplicaCoverage, Severity, Summary, ValueDiff,
    Verdict,
};

/// Most characters of a key, a value or a list of columns on one line.
const PART_CHARS: usize = 120;
/// The headline of a run whose account contradicts itself.
pub(crate) const BUG: &str = "Not to be relied on: the run lost count of what it had to check. This is a bug in vouch.";
/// Most characters of a message.
const MESSAGE_CHARS: usize = 600;

/// Whether the run looked at files and not at rows.
pub(crate) fn about_files(summary: &Summary) -> bool {
    summary.coverage.files().is_some()
}

/// The result in one sentence, and what the tool itself left out.
pub(crate) fn headline(summary: &Summary, figures: &Figures) -> String {
    result(summary, figures) + &scope::left_out_by_default(summary)
}

fn result(summary: &Summary, figures: &Figures) -> String {
    if about_files(summary) {
        return capitalised(&pages::headline(summary));
    }
    if summary.coverage.gate().is_some() {
        return gate::headline(summary);
    }
    match summary.verdict {
        Verdict::Clean(_) if summary.coverage.rotation().is_some() => {
            "Every part of every table was verified lately enough.".to_owned()
        }
        Verdict::Clean(_) if figures.tables_seen == 0 => {
            "Nothing was compared: no table was left to look at.".to_owned()
        }
        Verdict::Clean(_) => clean_headline(summary),
        Verdict::Findings => capitalised(&damage(summary, figures)),
        Verdict::Incomplete => format!(
            "Not proven: nothing was found in what was looked at, but {} could not be looked at.",
            counted(widen(summary.errors.len()), "thing", "things")
        ),
        Verdict::Bug => BUG.to_owned(),
        Verdict::Interrupted(signal) => interrupted_headline(summary, figures, signal),
    }
}

fn clean_headline(summary: &Summary) -> String {
    match widen(remarks(summary)) {
        0 => "No difference found.".to_owned(),
        count => format!("No difference found in the rows; {} on the schema.", counted(count, "remark", "remarks")),
    }
}

fn interrupted_headline(summary: &Summary, figures: &Figures, signal: u8) -> String {
    let name = match signal {
        2 => "SIGINT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    };
    let damaged = figures.rows_differing() > 0 || other_findings(summary).next().is_some();
    let so_far = if damaged { damage(summary, figures) } else { "no difference so far.".to_owned() };
    format!("Interrupted by {name} before the end: {so_far}")
}

/// What differs: `3 rows differ in 2 tables on 1 replica; 1 difference in the schema.`
fn damage(summary: &Summary, figures: &Figures) -> String {
    let listed: u64 = summary.findings.iter().filter(|finding| is_row(finding)).map(|finding| finding.count).sum();
    let rows = figures.rows_differing().max(listed);
    let errant = widen(other_findings(summary).filter(|finding| finding.code == Code::ErrantTransactions).count());
    let chunks = widen(other_findings(summary).filter(|finding| finding.code == Code::ChunkDiffers).count());
    let schema = widen(other_findings(summary).count()).saturating_sub(errant).saturating_sub(chunks);
    let mut parts = Vec::new();
    if chunks > 0 {
        parts.push(format!("{} in {}", counted(chunks, "chunk differs", "chunks differ"), places(summary)));
    }
    if rows > 0 {
        parts.push(format!("{} in {}", counted(rows, "row differs", "rows differ"), places(summary)));
    }
    if schema > 0 {
        parts.push(counted(schema, "difference in the schema", "differences in the schema"));
    }
    if errant > 0 {
        parts.push(format!("errant transactions on {}", counted(errant, "replica", "replicas")));
    }
    format!("{}.", parts.join("; "))
}

/// `2 tables on 1 replica`: where rows differ.
fn places(summary: &Summary) -> String {
    let mut tables = BTreeSet::new();
    let mut replicas = BTreeSet::new();
    for table in summary.coverage.tables() {
        for pair in table.replicas.iter().filter(|pair| pair.source_only + pair.replica_only + pair.changed > 0) {
            tables.insert(table.table.as_str());
            replicas.insert(pair.replica.as_str());
        }
    }
    for finding in summary.findings.iter().filter(|finding| is_row(finding) || finding.code == Code::ChunkDiffers) {
        tables.extend(finding.location.table.as_deref());
        replicas.extend(finding.location.replica.as_deref());
    }
    let tables = counted(widen(tables.len()), "table", "tables");
    format!("{tables} on {}", counted(widen(replicas.len()), "replica", "replicas"))
}

/// What the headline rests on: how much was looked at, how strongly, as of when, and what was not.
pub(crate) fn looked_at(summary: &Summary, figures: &Figures) -> Vec<String> {
    let mut sentences = if about_files(summary) {
        pages::looked_at(summary)
    } else if summary.coverage.gate().is_some() {
        gate::looked_at(summary)
    } else {
        rows_looked_at(summary, figures)
    };
    sentences.extend(scope::sentence(summary));
    sentences
}

fn rows_looked_at(summary: &Summary, figures: &Figures) -> Vec<String> {
    let mut sentences = vec![amount(summary, figures)];
    sentences.extend(figures.weakest_bits.map(strength));
    sentences.extend(as_of(figures));
    if figures.in_flight > 0 {
        sentences.push(format!(
            "{} to be changes in flight, and none of them is counted as a difference.",
            counted(figures.in_flight, "differing key turned out", "differing keys turned out")
        ));
    }
    sentences.extend(not_looked_at(summary, figures));
    sentences
}

fn amount(summary: &Summary, figures: &Figures) -> String {
    if figures.tables_seen == 0 {
        return "Looked at no rows.".to_owned();
    }
    let of_all = match figures.tables {
        all if all == figures.tables_seen => String::new(),
        all => format!(" of {}", grouped(all)),
    };
    let tables =
        format!("{}{of_all} {}", grouped(figures.tables_seen), if figures.tables == 1 { "table" } else { "tables" });
    format!(
        "Looked at {tables} on {}: {} in {}, in {}.",
        counted(figures.replicas, "replica", "replicas"),
        counted(figures.rows_compared, "row held against the source", "rows held against the source"),
        counted(figures.chunks, "chunk", "chunks"),
        span(summary.finished_ms.saturating_sub(summary.started_ms)),
    )
}

/// How strong a digest of `bits` is. It is a statement about accidents: no bound is proven for the digest of
/// streamed rows, and the sums and XORs of digests that chunks are compared by can be forged.
fn strength(bits: u32) -> String {
    let light = if bits < 64 { ", the light profile; the default is stronger" } else { "" };
    format!(
        "Rows are compared by digests of {bits} bits or more{light}. By accident, about one changed row in 2^{bits} \
         keeps its digest. Rows forged to keep it are found by vouch validate with a signed manifest."
    )
}

fn as_of(figures: &Figures) -> Option<String> {
    let as_of = figures.as_of.as_ref()?;
    Some(match as_of.position.as_str() {
        "" => format!("It holds as of {}, by time alone: no replication position was used.", stamp(as_of.at_ms)),
        position => {
            format!("It holds as of source position {} ({}) or later.", abbreviate(position), stamp(as_of.at_ms))
        }
    })
}

/// What the headline must not be taken to cover.
fn not_looked_at(summary: &Summary, figures: &Figures) -> Vec<String> {
    let mut sentences = Vec::new();
    if figures.not_run > 0 {
        sentences.push(format!(
            "Not, or not fully, looked at: {}.",
            counted(figures.not_run, "table on a replica", "pairs of table and replica")
        ));
    }
    if figures.unproven_keys > 0 {
        sentences.push(format!("{} proven neither way.", counted(figures.unproven_keys, "key was", "keys were")));
    }
    if summary.verdict == Verdict::Findings && !summary.errors.is_empty() {
        let count = counted(widen(summary.errors.len()), "thing", "things");
        sentences.push(format!("Besides, {count} could not be looked at."));
    }
    if !summary.skips.is_empty() {
        let count = counted(widen(summary.skips.len()), "object was", "objects were");
        sentences.push(format!("{count} left out on purpose."));
    }
    sentences
}

/// `1 source-only, 3 changed, schema`: what differs between a table and a replica's.
pub(crate) fn differences(replica: &ReplicaCoverage, schema: bool) -> String {
    let kinds =
        [(replica.source_only, "source-only"), (replica.replica_only, "replica-only"), (replica.changed, "changed")];
    let rows = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{} {kind}", grouped(*count)));
    let chunks = (replica.chunks_differing > 0).then(|| counted(replica.chunks_differing, "chunk", "chunks"));
    rows.chain(chunks).chain(schema.then(|| "schema".to_owned())).collect::<Vec<_>>().join(", ")
}

/// A command to run next, and what it is good for.
pub(crate) struct NextStep {
    pub(crate) command: String,
    pub(crate) purpose: &'static str,
}

/// The commands to run next, the most useful first; none after a clean run.
pub(crate) fn next_steps(summary: &Summary) -> Vec<NextStep> {
    if about_files(summary) {
        return pages::next_steps(summary);
    }
    if summary.coverage.gate().is_some() {
        return gate::next_steps(summary);
    }
    let mut steps = Vec::new();
    if let Some(finding) = summary.findings.iter().find(|finding| finding.severity > Severity::Notice) {
        steps.push(explain_step(finding.code));
    }
    let unfinished = matches!(summary.verdict, Verdict::Interrupted(_)) || !summary.errors.is_empty();
    let resumable = matches!(summary.command, Command::Compare | Command::Checksum);
    if unfinished && resumable && !summary.coverage.tables().is_empty() {
        let run_id = clip(&summary.run_id, PART_CHARS);
        let command = match summary.command {
            Command::Checksum => "vouch checksum --resume".to_owned(),
            command => format!("vouch {command} --resume {run_id}"),
        };
        steps.push(NextStep { command, purpose: "goes on with what was not looked at" });
    }
    if let Some(error) = summary.errors.first() {
        steps.push(explain_step(error.code));
    }
    steps
}

fn explain_step(code: Code) -> NextStep {
    NextStep { command: format!("vouch explain {}", code.name()), purpose: "says what it means and what to do" }
}

/// The hint of a failure: its own, else what its code says.
pub(crate) fn hint(failure: &Failure) -> &str {
    failure.hint.as_deref().unwrap_or(failure.code.explanation().action)
}

/// A message from outside on one line.
pub(crate) fn message(text: &str) -> String {
    clip(text, MESSAGE_CHARS)
}

/// `id=7, region=eu`: cut in the middle where it is long.
pub(crate) fn key(parts: &[KeyPart]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("{}={}", part.column, spelled(&part.value))).collect();
    shorten(&parts.join(", "), PART_CHARS)
}

/// A value as text. What could be taken for a value of another type stands in quotes.
fn spelled(datum: &Datum) -> String {
    match datum {
        Datum::Text(text) if text.eq_ignore_ascii_case("NULL") || text.starts_with(['\'', '–']) || is_hex(text) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        datum => datum.to_string(),
    }
}

fn is_hex(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// `balance: 10 → 12, note`: the columns that differ, with values where they are shown.
pub(crate) fn columns(columns: &[ValueDiff]) -> String {
    let columns: Vec<String> = columns.iter().map(column).collect();
    shorten(&columns.join(", "), 3 * PART_CHARS)
}

fn column(diff: &ValueDiff) -> String {
    let name = clip(&diff.column, PART_CHARS);
    match (&diff.source, &diff.replica) {
        (None, None) => name,
        (source, replica) => format!("{name}: {} → {}", value(source.as_ref()), value(replica.as_ref())),
    }
}

/// A value that is shown, or a dash.
pub(crate) fn value(value: Option<&Datum>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| shorten(&spelled(value), PART_CHARS))
}

/// `proven by binlog window`, `confirmed`.
pub(crate) fn proof(proof: &Proof) -> String {
    match proof {
        Proof::Proven { how } => format!("proven by {}", clean(how)),
        Proof::Confirmed => "confirmed".to_owned(),
    }
}

/// Where a finding or failure is: its file, or its table and replica.
pub(crate) fn place_of(location: &Location) -> String {
    match &location.file {
        Some(file) => pages::file(file),
        None => place(location.table.as_deref(), location.replica.as_deref()),
    }
}

/// Where a finding or failure is: `db.t on r1`, `db.t`, `r1`, or nothing.
pub(crate) fn place(table: Option<&str>, replica: Option<&str>) -> String {
    match (table, replica) {
        (Some(table), Some(replica)) => format!("{} on {}", clip(table, PART_CHARS), clip(replica, PART_CHARS)),
        (Some(one), None) | (None, Some(one)) => clip(one, PART_CHARS),
        (None, None) => String::new(),
    }
}

/// What a finding says besides its code and place: key, columns and proof of a row, else the message.
pub(crate) fn finding_detail(finding: &Finding) -> String {
    let location = &finding.location;
    let mut parts: Vec<String> =
        location.file.as_ref().map(pages::spot).filter(|spot| !spot.is_empty()).into_iter().collect();
    if location.key.is_empty() {
        parts.push(message(&finding.message));
    } else {
        parts.push(key(&location.key));
    }
    if !location.columns.is_empty() {
        parts.push(columns(&location.columns));
    }
    if finding.count != 1 && is_row(finding) && !location.key.is_empty() {
        parts.push(format!("{}×", grouped(finding.count)));
    }
    parts.extend(finding.proof.as_ref().map(proof));
    parts.join("  ·  ")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
