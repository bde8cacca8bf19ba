//! How much of every table the rotating slices have verified, and how long ago.
//!
//! Invariant: a table of which any part was never verified, or not lately enough,
//! is a failure to look, whatever the checksums say.

use super::check;
use super::engine;
use super::options::ChecksumOptions;
use crate::catalog::Catalog;
use crate::ledger::Ledger;
use crate::link::{Dial, Link};
use crate::preflight;
use crate::refusal::{refuse_server, report_moved};
use crate::supervise::supervise;
use std::collections::BTreeMap;
use std::time::Duration;
use vouch_convert::unix_ms;
use vouch_report::{
    Code, Command, Failure, ItemKind, Outcome, Refusal, RefusalKind, RotationCoverage, RunContext, Summary,
    TableRotation,
};
use vouch_server::{Access, Fault, Limits, Rotation, RotationTables, ServerError, SliceTotals};

/// Reads the bookkeeping of the source. What was verified longer ago than `age` is stale.
///
/// # Errors
/// A [`Refusal`] when nothing was looked at.
pub fn status(options: &ChecksumOptions, age: Duration, context: &RunContext) -> Result<Summary, Refusal> {
    supervise(&context.stop, |registry| {
        let ledger = Ledger::begin(Command::ChecksumStatus, context);
        let dial = Dial {
            target: options.source.clone(),
            limits: Limits::default(),
            access: Access::ReadOnly,
            registry: registry.clone(),
            retry_for: options.retry_for,
        };
        let mut source = Link::new(dial, &context.stop);
        let (rotation, totals) = bookkeeping(options, &mut source)?;
        let refuse = |error: ServerError| refuse_server("source", &error);
        preflight::report_hidden(&mut source, &options.filters, &[], options.hidden_tables, &ledger).map_err(refuse)?;
        let catalog =
            Catalog::list(engine::selection(options), &ledger, Vec::new(), &context.stop, &mut source, &mut [])
                .map_err(refuse)?;
        catalog.report_unknown();
        let mut tables = BTreeMap::new();
        for entry in catalog.wanted(true) {
            let own = entry.name.database == options.replicate.database
                && entry.name.table.starts_with(&options.replicate.table);
            if !own {
                tables.insert(entry.name.clone(), Vec::new());
            }
        }
        for total in totals {
            if let Some(slices) = tables.get_mut(&total.table) {
                slices.push(total);
            }
        }
        let tables = tables.into_iter().map(|(name, slices)| stand(&name.to_string(), &slices, age)).collect();
        let coverage = RotationCoverage {
            modulo: rotation.modulo,
            next_slice: rotation.offset,
            number: rotation.number,
            started_ms: rotation.started_s.saturating_mul(1000),
            tables,
        };
        let begun_ms = coverage.started_ms;
        for table in &coverage.tables {
            ledger.owe(ItemKind::Table, &table.table, None);
            if table.stale {
                ledger.failure(stale(table, begun_ms, age));
            }
            let outcome =
                if table.stale { Outcome::Unproven(Code::SliceStale) } else { Outcome::verified_by("slices") };
            ledger.settle(ItemKind::Table, &table.table, None, outcome);
        }
        report_moved(registry, &ledger);
        Ok(ledger.finish(Some(coverage)))
    })
}

fn bookkeeping(options: &ChecksumOptions, source: &mut Link<'_>) -> Result<(Rotation, Vec<SliceTotals>), Refusal> {
    let refuse = |error: ServerError| refuse_server("source", &error);
    let table = check::table(&options.replicate, source)?;
    let tables = RotationTables::beside(&table);
    let rotation = match source.ask(|session| session.rotation(&tables)) {
        Err(error) if error.fault == Fault::Missing => None,
        other => other.map_err(refuse)?,
    };
    let Some(rotation) = rotation else {
        let message = format!("no slice was ever checksummed into {}", options.replicate);
        let hint = "`vouch checksum plan` shows how to slice; `vouch checksum --modulo N` checksums a slice";
        return Err(Refusal::new(Code::NoChecksums, message, hint).of_kind(RefusalKind::Unreachable));
    };
    let totals = source.ask(|session| session.slice_totals(&tables, rotation)).map_err(refuse)?;
    Ok((rotation, totals))
}

fn stand(table: &str, slices: &[SliceTotals], age: Duration) -> TableRotation {
    let sum = |count: fn(&SliceTotals) -> u64| slices.iter().map(count).sum::<u64>();
    let never = sum(|slice| slice.never);
    let oldest = slices.iter().filter_map(|slice| Some((slice.oldest_s?, slice.slice))).min();
    let oldest_ms = oldest.map_or(0, |(at_s, _)| at_s.saturating_mul(1000));
    TableRotation {
        table: table.to_owned(),
        chunks: sum(|slice| slice.chunks),
        verified: sum(|slice| slice.verified),
        never,
        oldest_slice: oldest.map(|(_, slice)| slice),
        oldest_ms,
        stale: slices.is_empty() || never > 0 || is_older(oldest_ms, age),
    }
}

fn is_older(at_ms: u64, age: Duration) -> bool {
    u128::from(unix_ms().saturating_sub(at_ms)) > age.as_millis()
}

/// A rotation that has just begun has yet to come round; one that began longer ago than `age` will not.
fn stale(table: &TableRotation, begun_ms: u64, age: Duration) -> Failure {
    let overdue = match is_older(begun_ms, age) {
        true => format!(", and the rotation began longer ago than {} s", age.as_secs()),
        false => String::new(),
    };
    let text = match (table.chunks, table.never, table.oldest_slice) {
        (0, ..) => format!("{} was never verified{overdue}", table.table),
        (chunks, never, _) if never > 0 => {
            format!("{never} of {chunks} chunks of {} were never verified{overdue}", table.table)
        }
        (_, _, slice) => {
            format!("slice {} of {} was verified longer ago than {} s", slice.unwrap_or(0), table.table, age.as_secs())
        }
    };
    Failure::new(Code::SliceStale, text).at(Some(&table.table), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouch_server::TableName;

    fn slice(slice: u64, never: u64, oldest_s: Option<u64>) -> SliceTotals {
        SliceTotals { table: TableName::new("d", "t"), slice, chunks: 3, verified: 1, never, oldest_s }
    }

    #[test]
    fn what_was_never_verified_is_stale_and_what_is_old_too() {
        let now_s = unix_ms() / 1000;
        let hour = Duration::from_secs(3600);
        assert!(stand("d.t", &[], hour).stale);
        assert!(stand("d.t", &[slice(0, 0, Some(now_s)), slice(1, 1, Some(now_s))], hour).stale);
        let fresh = stand("d.t", &[slice(0, 0, Some(now_s - 60)), slice(1, 0, Some(now_s - 90))], hour);
        assert!(!fresh.stale);
        assert_eq!(fresh.oldest_slice, Some(1));
        assert!(stand("d.t", &[slice(0, 0, Some(now_s - 7200))], hour).stale);
    }
}
