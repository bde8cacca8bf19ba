//! The sums over a summary that a sentence or a picture needs.
//!
//! Main type: [`Figures`]. Invariant: a pair of table and replica is counted
//! in exactly one of equal, differing, unproven and not run.

use std::collections::{BTreeSet, HashSet};
use vouch_convert::widen;
use vouch_report::{AsOf, Code, Finding, ReplicaCoverage, Severity, Summary, TableState};

/// Sums over the tables and replicas of a summary.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Tables that the run was to look at.
    pub tables: u64,
    /// Tables of which anything was looked at.
    pub tables_seen: u64,
    /// Distinct replicas.
    pub replicas: u64,
    /// Pairs of table and replica, by state.
    pub equal: u64,
    pub differing: u64,
    pub unproven_pairs: u64,
    pub not_run: u64,
    /// Rows read on the source.
    pub rows: u64,
    /// Rows held against it, over all replicas.
    pub rows_compared: u64,
    /// Bytes streamed from the source.
    pub bytes: u64,
    /// Chunks decided, over all replicas.
    pub chunks: u64,
    pub source_only: u64,
    pub replica_only: u64,
    pub changed: u64,
    pub in_flight: u64,
    /// Keys that were proven neither way.
    pub unproven_keys: u64,
    /// Bits of the weakest digest in use.
    pub weakest_bits: Option<u32>,
    /// The earliest position that any part holds for.
    pub as_of: Option<AsOf>,
    /// Pages of files that were looked at.
    pub pages_seen: u64,
}

impl Figures {
    /// The sums of `summary`.
    pub(crate) fn of(summary: &Summary) -> Self {
        let mut figures = Figures::default();
        let mut replicas = BTreeSet::new();
        for table in summary.coverage.tables() {
            figures.tables += 1;
            figures.rows += table.rows;
            figures.bytes += table.bytes;
            for pair in &table.replicas {
                replicas.insert(pair.replica.as_str());
                figures.add_pair(pair, table.rows);
            }
            if table.replicas.iter().any(seen) {
                figures.tables_seen += 1;
                let bits = Some(table.digest.bits).filter(|&bits| bits > 0);
                figures.weakest_bits = [figures.weakest_bits, bits].into_iter().flatten().min();
            }
        }
        let checks = summary.coverage.gate().into_iter().flat_map(|gate| &gate.checks);
        figures.tables_seen += widen(checks.filter(|check| check.attempts > 0).count());
        figures.replicas = widen(replicas.len());
        figures.pages_seen = summary.coverage.file_list().iter().map(|file| file.tally.seen()).sum();
        figures
    }

    fn add_pair(&mut self, pair: &ReplicaCoverage, source_rows: u64) {
        *match pair.state {
            TableState::Equal => &mut self.equal,
            TableState::Differs => &mut self.differing,
            TableState::Unproven => &mut self.unproven_pairs,
            TableState::NotRun => &mut self.not_run,
        } += 1;
        self.chunks += pair.chunks_done;
        self.source_only += pair.source_only;
        self.replica_only += pair.replica_only;
        self.changed += pair.changed;
        self.in_flight += pair.in_flight;
        self.unproven_keys += pair.unproven;
        if seen(pair) {
            let held = if pair.state == TableState::NotRun { pair.rows } else { source_rows.max(pair.rows) };
            self.rows_compared += held;
            self.add_as_of(&pair.as_of);
        }
    }

    fn add_as_of(&mut self, as_of: &AsOf) {
        if as_of.at_ms > 0 && self.as_of.as_ref().is_none_or(|least| as_of.at_ms < least.at_ms) {
            self.as_of = Some(as_of.clone());
        }
    }

    /// Whether anything at all was looked at.
    pub(crate) fn saw_anything(&self) -> bool {
        self.tables_seen > 0 || self.pages_seen > 0
    }

    /// Rows that differ, over all replicas.
    pub(crate) fn rows_differing(&self) -> u64 {
        self.source_only + self.replica_only + self.changed
    }
}

/// True when any part of the table was looked at on the replica.
pub(crate) fn seen(pair: &ReplicaCoverage) -> bool {
    pair.state != TableState::NotRun || pair.chunks_done > 0
}

/// True for a finding about a single row or a number of rows.
pub(crate) fn is_row(finding: &Finding) -> bool {
    matches!(finding.code, Code::RowSourceOnly | Code::RowReplicaOnly | Code::RowChanged | Code::RowsBeyondLimit)
}

/// Findings that are no rows and change the verdict: schema, errant transactions.
pub(crate) fn other_findings(summary: &Summary) -> impl Iterator<Item = &Finding> {
    summary.findings.iter().filter(|finding| !is_row(finding) && finding.severity > Severity::Notice)
}

/// Findings that do not change the verdict.
pub(crate) fn remarks(summary: &Summary) -> usize {
    summary.findings.iter().filter(|finding| finding.severity == Severity::Notice).count()
}

/// Pairs of table and replica that differ in their definition.
pub(crate) struct SchemaPairs<'a>(HashSet<(&'a str, &'a str)>);

impl<'a> SchemaPairs<'a> {
    pub(crate) fn of(summary: &'a Summary) -> Self {
        let pair = |finding: &'a Finding| finding.location.table.as_deref().zip(finding.location.replica.as_deref());
        let schema = other_findings(summary).filter(|finding| finding.code != Code::ChunkDiffers);
        SchemaPairs(schema.filter_map(pair).collect())
    }

    pub(crate) fn contains(&self, table: &str, replica: &str) -> bool {
        self.0.contains(&(table, replica))
    }
}

/// The state in a word; a table that was begun and not ended is told from one that was not begun.
pub(crate) fn state_label(pair: &ReplicaCoverage) -> &'static str {
    if pair.state == TableState::NotRun && pair.chunks_done > 0 { "partly run" } else { pair.state.name() }
}
