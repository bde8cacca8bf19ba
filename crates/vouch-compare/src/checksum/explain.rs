//! Shows what would be written, and writes nothing.

use super::options::ChecksumOptions;
use super::{boundary, engine, expression};
use crate::catalog::{Catalog, Planned, Say};
use crate::ledger::Ledger;
use crate::link::Link;
use crate::refusal::refuse_server;
use crate::supervise::supervise;
use vouch_report::{Command, Refusal, RunContext};
use vouch_server::{ChunkRange, ChunkStatement, Interval, ReplicateTable, ServerError};

/// The statement of every table, and the boundaries of its first chunks, as text.
///
/// # Errors
/// A [`Refusal`] when the servers cannot be asked.
pub fn explain(options: &ChecksumOptions, context: &RunContext) -> Result<String, Refusal> {
    supervise(&context.stop, |registry| {
        let ledger = Ledger::begin(Command::Checksum, context);
        let servers = engine::join(options, registry, &context.stop, &ledger)?;
        let ledger = ledger.with_replicas(servers.replica_names(), 0);
        let refuse = |error: ServerError| refuse_server("source", &error);
        let mut source = Link::new(servers.source.clone(), &context.stop);
        let mut links: Vec<Link<'_>> =
            servers.replicas.iter().map(|joined| Link::new(joined.dial.clone(), &context.stop)).collect();
        let fences = servers
            .replicas
            .iter()
            .map(|joined| servers.fence(joined, options.channel.as_deref(), options.wait_timeout))
            .collect();
        let selection = engine::selection(options);
        let catalog =
            Catalog::list(selection, &ledger, fences, &context.stop, &mut source, &mut links).map_err(refuse)?;
        let mut text = String::new();
        for entry in catalog.wanted(false) {
            let planned = catalog.plan(entry, &mut source, &mut links, Say::Nothing).map_err(refuse)?;
            let Planned::Plan(plan) = planned else {
                let why = "it is missing on a server, or may not be read";
                text.push_str(&format!("-- {}\n-- not checksummed: {why}\n\n", entry.name));
                continue;
            };
            let plan = engine::with_fewer_columns(*plan, options);
            text.push_str(&one(options, &plan, &mut source).map_err(refuse)?);
        }
        Ok(text)
    })
}

fn one(options: &ChecksumOptions, plan: &crate::plan::TablePlan, source: &mut Link<'_>) -> Result<String, ServerError> {
    let expression = expression::of(plan, options.function);
    let into = ReplicateTable { name: options.replicate.clone(), old_words: false };
    let reading = &plan.reading;
    let ranged = plan.key.ranged && !reading.key.is_empty();
    let whole = Interval::default();
    let rows = options.chunk.rows;
    let cut = match ranged {
        true => source.ask(|session| session.cut_after(reading, &whole, rows))?,
        false => None,
    };
    let interval = Interval { lower: cut.clone(), upper: cut.clone() };
    let range = ChunkRange::Interval(if cut.is_some() { interval } else { whole });
    let statement = ChunkStatement {
        into: &into,
        reading,
        expression: &expression,
        number: 1,
        range: &range,
        lower: None,
        upper: None,
        database: &plan.name.database,
    };
    let sql = source.ask(|session| Ok(session.explain_chunk(&statement)))?;
    let ends = cut.map_or_else(
        || "one chunk: the whole table".to_owned(),
        |bound| format!("the first chunk ends at {}", boundary::text(&bound)),
    );
    Ok(format!("-- {}\n-- along {}; {ends}\n{sql}\n\n", plan.label, plan.key.describe()))
}
