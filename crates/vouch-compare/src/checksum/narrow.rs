//! From checksums that differ to the regions whose rows are worth comparing.
//!
//! A region is never smaller than its chunk: where a boundary cannot be read back,
//! the region has no end there.

use super::boundary;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::plan::TablePlan;
use std::collections::HashMap;
use vouch_report::{Code, Failure};
use vouch_server::{Bound, ChunkRow, Interval, ReplicateTable, Result, TableName};

/// The tables of checksums of all servers.
pub struct Checksums {
    source: ReplicateTable,
    chunks: HashMap<TableName, u64>,
    /// Each replica's table and what it has; `None` where there is no such table.
    replicas: Vec<Option<(ReplicateTable, HashMap<TableName, u64>)>>,
}

impl Checksums {
    /// Reads what there is on every server. A replica without the table is an error in the ledger.
    ///
    /// # Errors
    /// Those of the servers.
    pub fn read(
        table: ReplicateTable,
        ledger: &Ledger<'_>,
        source: &mut Link<'_>,
        replicas: &mut [Link<'_>],
    ) -> Result<Self> {
        let chunks = count_chunks(&table, source)?;
        let mut theirs = Vec::new();
        for replica in replicas {
            let Some(other) = replica.ask(|session| session.replicate_table(&table.name))? else {
                let text = format!("the replica has no table {}: nothing tells which of its chunks differ", table.name);
                ledger.failure(Failure::new(Code::ChecksumMissing, text).at(None, Some(replica.name())));
                theirs.push(None);
                continue;
            };
            let there = count_chunks(&other, replica)?;
            theirs.push(Some((other, there)));
        }
        Ok(Checksums { source: table, chunks, replicas: theirs })
    }

    /// Whether the source has checksums of a table. What is missing there or on a replica is an error.
    pub fn are_complete(&self, plan: &TablePlan, ledger: &Ledger<'_>) -> bool {
        let Some(chunks) = self.chunks.get(&plan.name) else {
            let text = format!("{} has no checksums in {}: it was never checksummed", plan.label, self.source.name);
            ledger.failure(Failure::new(Code::ChecksumMissing, text).at(Some(&plan.label), None));
            return false;
        };
        for (at, replica) in self.replicas.iter().enumerate() {
            let Some((_, there)) = replica else { continue };
            let missing = chunks.saturating_sub(there.get(&plan.name).copied().unwrap_or(0));
            if missing > 0 && plan.replicas.get(at).is_some_and(Option::is_some) {
                let text = format!("{missing} checksums of {} did not arrive on the replica", plan.label);
                let failure = Failure::new(Code::ChecksumMissing, text);
                ledger.failure(failure.at(Some(&plan.label), Some(ledger.replica(at))));
            }
        }
        true
    }

    /// The regions of a table in which checksums differ on any replica, in the order of
    /// the key as far as chunks follow it; empty when none differs.
    ///
    /// # Errors
    /// Those of the servers.
    pub fn regions(&self, plan: &TablePlan, source: &mut Link<'_>, replicas: &mut [Link<'_>]) -> Result<Vec<Interval>> {
        let mut rows: Vec<ChunkRow> = source.ask(|session| session.differing_checksums(&self.source, &plan.name))?;
        for (theirs, replica) in self.replicas.iter().zip(replicas) {
            if let Some((theirs, _)) = theirs {
                rows.extend(replica.ask(|session| session.differing_checksums(theirs, &plan.name))?);
            }
        }
        // What has no lower end comes first and what has no upper end last, whatever its number.
        rows.sort_by_key(|row| (row.lower.is_some(), row.upper.is_none(), row.number));
        rows.dedup_by_key(|row| row.number);
        let mut regions: Vec<Interval> = Vec::new();
        for row in &rows {
            let Some(chunk) = interval(row, plan) else { return Ok(vec![Interval::default()]) };
            add(&mut regions, chunk, plan, source)?;
        }
        Ok(regions)
    }
}

/// The number of chunks of each table.
fn count_chunks(table: &ReplicateTable, link: &mut Link<'_>) -> Result<HashMap<TableName, u64>> {
    let totals = link.ask(|session| session.checksum_totals(table))?;
    Ok(totals.into_iter().map(|total| (total.table, total.chunks)).collect())
}

/// Adds a chunk. Others than vouch include the row at its lower boundary, so the
/// region begins one row before, but not before the end of the region before it.
fn add(regions: &mut Vec<Interval>, chunk: Interval, plan: &TablePlan, source: &mut Link<'_>) -> Result<()> {
    let after = regions.last().and_then(|last| last.upper.clone());
    let before = match &chunk.lower {
        Some(lower) => source.ask(|session| session.key_before(&plan.reading, lower, after.as_ref()))?,
        None => None,
    };
    match (before, regions.last_mut()) {
        (None, Some(last)) => last.upper = chunk.upper,
        (before, _) => regions.push(Interval { lower: before, upper: chunk.upper }),
    }
    Ok(())
}

/// The chunk as an interval; `None` when it is the whole table, or its boundaries cannot be read back.
fn interval(row: &ChunkRow, plan: &TablePlan) -> Option<Interval> {
    let usable = plan.key.ranged && row.index == plan.reading.index;
    if !usable || (row.lower.is_none() && row.upper.is_none()) {
        return None;
    }
    let bound = |text: &Option<String>| -> Option<Option<Bound>> {
        match text {
            Some(text) => boundary::parse(text, &plan.reading.key, &plan.definition).map(Some),
            None => Some(None),
        }
    };
    Some(Interval { lower: bound(&row.lower)?, upper: bound(&row.upper)? })
}
