//! From checksums that differ to the regions whose rows are worth comparing.
//!
//! A region is never smaller than its chunk: where a boundary cannot be read back,
//! the region has no end there.

use super::boundary;
use crate::link::Link;
use crate::plan::TablePlan;
use vouch_server::{Bound, ChunkRow, Interval, ReplicateTable, Result};

/// The regions of a table in which checksums differ on any replica, in the order of
/// the key as far as chunks follow it; empty when none differs.
///
/// # Errors
/// Those of the servers.
pub fn regions(
    table: &ReplicateTable,
    plan: &TablePlan,
    source: &mut Link<'_>,
    replicas: &mut [Link<'_>],
) -> Result<Vec<Interval>> {
    let mut rows: Vec<ChunkRow> = source.ask(|session| session.differing_checksums(table, &plan.name))?;
    for replica in replicas {
        let Some(theirs) = replica.ask(|session| session.replicate_table(&table.name))? else { continue };
        rows.extend(replica.ask(|session| session.differing_checksums(&theirs, &plan.name))?);
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
