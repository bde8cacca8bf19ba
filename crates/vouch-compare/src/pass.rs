//! One pass over a set of tables: threads are started, work, and are joined.

use crate::chunk::chunker::Chunker;
use crate::chunk::segment;
use crate::chunk::sizer::Sizer;
use crate::drift;
use crate::link::Link;
use crate::plan::TablePlan;
use crate::replica_reader::ReplicaReader;
use crate::resolver::Resolver;
use crate::run::{Run, TableRun};
use crate::source_reader::{SourceReader, Turn};
use crate::state::{Asked, Earlier, Kept, Meaning};
use crate::supervise::joined;
use crate::throttle::monitor;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use vouch_convert::widen;
use vouch_report::Code;
use vouch_server::{Bound, Result};

/// Reads and resolves every table, and returns when all is decided or given up.
pub fn run(run: &Run<'_>, tables: &[Arc<TableRun>]) {
    run.readers_finished.store(false, Ordering::Release);
    for replica in &run.replicas {
        replica.chunks.open();
        replica.suspects.open();
    }
    let turn = Turn::default();
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| monitor::watch(run));
        let resolvers: Vec<_> = run
            .replicas
            .iter()
            .enumerate()
            .map(|(at, replica)| scope.spawn(move || Resolver::new(run, at, replica).work()))
            .collect();
        std::thread::scope(|readers| {
            for (at, replica) in run.replicas.iter().enumerate() {
                for _ in 0..run.options.readers.max(1) {
                    readers.spawn(move || ReplicaReader::new(run, at, replica).work());
                }
            }
            std::thread::scope(|sources| {
                for _ in 0..run.options.readers.max(1) {
                    sources.spawn(|| SourceReader::new(run).work(tables, &turn));
                }
            });
            for replica in &run.replicas {
                replica.chunks.close();
            }
        });
        for replica in &run.replicas {
            replica.suspects.close();
        }
        for resolver in resolvers {
            joined(resolver);
        }
        run.readers_finished.store(true, Ordering::Release);
        run.stop.wake();
        joined(watch);
    });
}

/// Makes a table ready for a pass: segments, and what an earlier run left.
///
/// # Errors
/// Those of the source.
pub fn prepare(run: &Run<'_>, plan: TablePlan, number: usize, source: &mut Link<'_>) -> Result<Arc<TableRun>> {
    source.ask(|session| session.check_condition(&plan.reading))?;
    let (sizer, meaning) = (Sizer::new(&run.options.chunk), meaning(run, &plan));
    let chunker = match earlier(run, &plan, &meaning) {
        Some(earlier) => take_over(run, number, earlier, sizer),
        None => {
            let bounds = bounds(run, &plan, source)?;
            run.note_state(run.state.start_table(&plan.label, &bounds, &meaning));
            match &plan.regions {
                Some(regions) => Chunker::over(regions.clone(), sizer),
                None => Chunker::new(bounds, sizer),
            }
        }
    };
    Ok(Arc::new(TableRun {
        number,
        plan,
        chunker: Mutex::new(chunker),
        method: Mutex::new(None),
        ranged: Mutex::new(None),
        over: AtomicBool::new(false),
        changed: AtomicBool::new(false),
    }))
}

/// Where a large table with an integer key is split, so that readers share it.
fn bounds(run: &Run<'_>, plan: &TablePlan, source: &mut Link<'_>) -> Result<Vec<Bound>> {
    let worth = plan.rows > run.options.chunk.rows_max.saturating_mul(2);
    let ascending = plan.key.columns.first().is_some_and(|first| !first.descending);
    if !plan.key.ranged || !worth || !ascending || run.options.readers < 2 {
        return Ok(Vec::new());
    }
    let ends = source.ask(|session| session.key_ends(&plan.reading))?;
    Ok(ends.map_or_else(Vec::new, |(least, greatest)| segment::split(&least, &greatest, widen(run.options.readers))))
}

fn meaning(run: &Run<'_>, plan: &TablePlan) -> Meaning {
    let replicas: Vec<String> = run.replicas.iter().map(|replica| replica.identity.clone()).collect();
    Meaning::of(plan, &run.source_identity, &replicas)
}

/// What an earlier run left of a table, if it still means the same.
fn earlier(run: &Run<'_>, plan: &TablePlan, meaning: &Meaning) -> Option<Earlier> {
    let mut names: Vec<Option<&str>> = Vec::new();
    for (replica, reading) in run.replicas.iter().zip(&plan.replicas) {
        names.push(reading.as_ref().map(|_| replica.node.name.as_str()));
    }
    let asked = Asked {
        table: &plan.label,
        meaning,
        replicas: &names,
        regions: plan.regions.as_deref(),
        listed: run.options.max_findings,
    };
    match run.state.earlier(&asked) {
        Kept::Nothing => None,
        Kept::Earlier(earlier) => Some(earlier),
        Kept::Useless(why) => {
            let text = format!("{} is compared from the start: {why}", plan.label);
            run.ledger.notice(Code::TableRestarted, None, text);
            None
        }
    }
}

fn take_over(run: &Run<'_>, number: usize, earlier: Earlier, sizer: Sizer) -> Chunker {
    // A chunk that is still open for some replica is read, and counted, again.
    for chunk in earlier.chunks.iter().filter(|chunk| chunk.replicas.is_empty()) {
        run.ledger.cut(number);
        run.ledger.read(number, chunk.rows, chunk.bytes);
    }
    for (at, outcomes) in earlier.outcomes.iter().enumerate() {
        for outcome in outcomes {
            run.ledger.resumed(number, at, outcome);
        }
    }
    run.ledger.resumed_findings(number, earlier.findings, &earlier.beyond);
    let mut chunker = Chunker::over(earlier.segments, sizer);
    chunker.take_over(earlier.chunks);
    chunker
}

/// Looks at the definition of a table again after it was read, on the source and on every replica:
/// only what stood still from beginning to end counts as compared.
///
/// # Errors
/// Those of the servers.
pub fn still_as_planned(
    run: &Run<'_>,
    table: &TableRun,
    source: &mut Link<'_>,
    replicas: &mut [Link<'_>],
) -> Result<bool> {
    let plan = &table.plan;
    let now = source.ask(|session| session.definition(&plan.name))?;
    let mut still = drift::same_definition(&now, &plan.definition);
    let sides = plan.replicas.iter().zip(&plan.replica_definitions).zip(replicas).zip(&run.replicas);
    for (((reading, planned), link), replica) in sides {
        let (Some(reading), Some(planned)) = (reading, planned) else { continue };
        // One that was given up is reported as such.
        if still && !replica.lost.load(Ordering::Acquire) {
            let now = link.ask(|session| session.definition(&reading.table))?;
            still = drift::same_definition(&now, planned);
        }
    }
    Ok(still)
}
