//! Plans rotating slices: how many, how often, and which tables are no good for them.

use super::engine;
use super::options::ChecksumOptions;
use crate::catalog::Catalog;
use crate::ledger::Ledger;
use crate::link::{Dial, Link};
use crate::refusal::refuse_server;
use crate::supervise::supervise;
use vouch_report::{Command, PlannedTable, Refusal, RunContext, SlicePlan};
use vouch_server::{Access, Limits, ServerError};

/// Runs a day that are shown.
const RUNS_A_DAY: [u64; 4] = [1, 3, 9, 24];

/// Reads sizes and keys of the source's tables, and nothing of their rows.
///
/// # Errors
/// A [`Refusal`] when the source cannot be asked.
pub fn plan(options: &ChecksumOptions, slice_bytes: u64, context: &RunContext) -> Result<SlicePlan, Refusal> {
    supervise(&context.stop, |registry| {
        let ledger = Ledger::begin(Command::Checksum, context);
        let dial = Dial {
            target: options.source.clone(),
            limits: Limits::default(),
            access: Access::ReadOnly,
            registry: registry.clone(),
            retry_for: options.retry_for,
        };
        let refuse = |error: ServerError| refuse_server("source", &error);
        let mut source = Link::new(dial, &context.stop);
        let selection = engine::selection(options);
        let catalog =
            Catalog::list(selection, &ledger, Vec::new(), &context.stop, &mut source, &mut []).map_err(refuse)?;
        let mut tables = Vec::new();
        for entry in catalog.wanted(false) {
            let key = catalog.key_of(entry, &mut source).map_err(refuse)?;
            let remark = remark(key.ranged && !key.columns.is_empty(), entry.rows, options);
            let name = entry.name.to_string();
            tables.push(PlannedTable {
                table: name,
                rows: entry.rows,
                bytes: entry.bytes,
                key: key.describe(),
                remark,
            });
        }
        tables.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.table.cmp(&b.table)));
        Ok(sliced(options.source.name(), slice_bytes, tables))
    })
}

fn remark(has_chunks: bool, rows: u64, options: &ChecksumOptions) -> String {
    let most = options.chunk.most(options.chunk.rows);
    match (has_chunks, most) {
        (true, _) => String::new(),
        (false, Some(most)) if rows > most => {
            format!("no suitable index and more than {most} rows: it will not be checksummed; use vouch compare for it")
        }
        (false, _) => "no suitable index: the whole table is one chunk, in slice 1".to_owned(),
    }
}

fn sliced(source: &str, slice_bytes: u64, tables: Vec<PlannedTable>) -> SlicePlan {
    let bytes = tables.iter().map(|table| table.bytes).sum::<u64>();
    let modulo = bytes.div_ceil(slice_bytes.max(1)).max(1);
    let schedules = RUNS_A_DAY.map(|runs| (runs, modulo as f64 / runs as f64)).to_vec();
    SlicePlan { source: source.to_owned(), bytes, slice_bytes, modulo, schedules, tables }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_about_as_large_as_wanted() {
        let table = |bytes| PlannedTable { bytes, ..PlannedTable::default() };
        let plan = sliced("s", 1 << 30, vec![table(113 << 30), table(1)]);
        assert_eq!(plan.modulo, 114);
        assert!(plan.schedules.contains(&(9, 114.0 / 9.0)));
        assert_eq!(sliced("s", 1 << 30, Vec::new()).modulo, 1);
    }
}
