//! Holds the replicas' checksums against the source's, whoever wrote them.

use super::checks;
use super::engine;
use super::follower;
use super::options::ChecksumOptions;
use crate::catalog;
use crate::fence::Fenced;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::refusal::{refuse_server, report_moved};
use crate::servers::Servers;
use crate::state::Outcome;
use crate::supervise::supervise;
use std::sync::Arc;
use std::time::Duration;
use vouch_convert::{unix_ms, widen};
use vouch_report::{Code, Command, Failure, Refusal, RunContext, Stop, Summary};
use vouch_server::{ChunkRow, Registry, ReplicateTable, Result, ServerError, TableName};

/// Time before a difference is looked at again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Reads a replicate table on all servers, and writes nothing.
///
/// # Errors
/// A [`Refusal`] when nothing was looked at.
pub fn check(options: &ChecksumOptions, context: &RunContext) -> std::result::Result<Summary, Refusal> {
    supervise(&context.stop, |registry| run(options, context, registry))
}

fn run(
    options: &ChecksumOptions,
    context: &RunContext,
    registry: &Arc<Registry>,
) -> std::result::Result<Summary, Refusal> {
    let early = Ledger::begin(Command::ChecksumCheck, context);
    let servers = engine::join(options, registry, &context.stop, &early)?;
    let ledger = early.with_replicas(servers.replica_names(), usize::MAX);
    servers.introduce(true, &ledger);
    let mut source = Link::new(servers.source.clone(), &context.stop);
    let table = table(&options.replicate, &mut source)?;
    let mut links: Vec<Link<'_>> =
        servers.replicas.iter().map(|joined| Link::new(joined.dial.clone(), &context.stop)).collect();
    let checked = tables(options, &servers, &ledger, &table, &mut source, &mut links, &context.stop);
    if let Err(error) = checked.or_else(|error| stopped(error, &context.stop)) {
        return Err(refuse_server("server", &error));
    }
    report_moved(registry, &ledger);
    Ok(ledger.finish(None))
}

fn stopped(error: ServerError, stop: &Stop) -> Result<()> {
    if stop.requested().is_some() { Ok(()) } else { Err(error) }
}

/// The replicate table on the source.
///
/// # Errors
/// A refusal when there is none.
pub fn table(name: &TableName, source: &mut Link<'_>) -> std::result::Result<ReplicateTable, Refusal> {
    let found = source.ask(|session| session.replicate_table(name));
    found.map_err(|error| refuse_server("source", &error))?.ok_or_else(|| {
        Refusal::usage(
            format!("the source has no table {name}"),
            "name the table that holds the checksums with --replicate DB.TABLE",
        )
    })
}

fn tables(
    options: &ChecksumOptions,
    servers: &Servers,
    ledger: &Ledger<'_>,
    table: &ReplicateTable,
    source: &mut Link<'_>,
    links: &mut [Link<'_>],
    stop: &Stop,
) -> Result<()> {
    let copies: Vec<bool> = checks::copies(servers).iter().map(Option::is_some).collect();
    ledger.owe_listing(source.name());
    let totals = source.ask(|session| session.checksum_totals(table))?;
    ledger.settle_listing(source.name(), totals.len());
    let position = source.ask(|session| session.source_position(servers.kind))?;
    let mut theirs = Vec::new();
    for (joined, link) in servers.replicas.iter().zip(links.iter_mut()) {
        let fence = servers.fence(joined, options.channel.as_deref(), options.wait_timeout);
        if fence.wait(link, &position, stop)? == Fenced::TooLate {
            let text = "it did not apply the source's position in time, so its checksums may be older";
            ledger.failure(Failure::new(Code::LagTimeout, text).at(None, Some(link.name())));
        }
        theirs.push(link.ask(|session| session.replicate_table(&table.name))?);
    }
    let mut computing = Vec::new();
    for ((theirs, link), copies) in theirs.iter().zip(links.iter_mut()).zip(copies) {
        let witness = match theirs {
            Some(theirs) => link.ask(|session| session.computes_itself(theirs))?,
            None => None,
        };
        // What tells by itself goes before what settings say today.
        computing.push(witness.unwrap_or(!copies));
        if computing.last() == Some(&false) {
            ledger.failure(follower::copied(link.name()));
        }
    }
    let filters = &options.filters;
    let wanted = |name: &TableName| {
        filters.database(&name.database).is_none() && filters.table(&name.database, &name.table).is_none()
    };
    let names: Vec<&TableName> = totals.iter().map(|total| &total.table).collect();
    let databases: Vec<&str> = names.iter().map(|name| name.database.as_str()).collect();
    for unmatched in filters.unmatched(&databases, &names, &[]).iter().filter(|unmatched| unmatched.what != "engine") {
        catalog::unknown(ledger, unmatched);
    }
    let wanted: Vec<_> = totals.iter().filter(|total| wanted(&total.table)).collect();
    wanted.iter().for_each(|total| ledger.owe_table(&total.table.to_string(), false));
    for total in wanted {
        let number = ledger.enter_named(&total.table.to_string(), "as the table of checksums has it", links.len());
        let mut held = Replicated {
            ledger,
            table: number,
            of: &total.table,
            most: u64::MAX,
            retries: options.check_retries,
            stop,
        };
        let rows = source.ask(|session| session.checksums(table, &total.table))?;
        held.source(&rows);
        for ((at, theirs), link) in theirs.iter().enumerate().zip(links.iter_mut()) {
            match theirs {
                Some(theirs) if computing.get(at) == Some(&true) => held.replica(at, &rows, theirs, link),
                Some(_) => {}
                None => held.nothing(at),
            }
        }
        ledger.cut_to_the_end(number);
    }
    Ok(())
}

/// A table's checksums that are in the replicate table already.
pub struct Replicated<'a> {
    /// The books.
    pub ledger: &'a Ledger<'a>,
    /// Number of the table in them.
    pub table: usize,
    /// The table.
    pub of: &'a TableName,
    /// The greatest number of a chunk that counts.
    pub most: u64,
    /// Times that a difference is looked at again.
    pub retries: u32,
    /// The request to stop.
    pub stop: &'a Stop,
}

impl Replicated<'_> {
    /// Takes in what the source wrote, and says what it left unfinished.
    pub fn source(&mut self, rows: &[ChunkRow]) {
        let counted: Vec<&ChunkRow> = rows.iter().filter(|row| row.number <= self.most).collect();
        self.ledger.looked_at(self.table, widen(counted.len()), counted.iter().map(|row| row.this_cnt).sum());
        let unfinished = counted.iter().filter(|row| row.source_cnt.is_none()).count();
        if unfinished > 0 {
            let text = format!("{unfinished} chunks of {} lack the source's own values: a run was cut off", self.of);
            self.fail(Failure::new(Code::ChecksumMissing, text).at(Some(&self.of.to_string()), None));
        }
    }

    fn fail(&self, failure: Failure) {
        self.ledger.broken(self.table, failure);
    }

    /// The replicate table itself is not on the replica.
    fn nothing(&self, at: usize) {
        let text = format!("the replica has no checksums of {}", self.of);
        let replica = self.ledger.replica(at).to_owned();
        self.fail(Failure::new(Code::ChecksumMissing, text).at(Some(&self.of.to_string()), Some(&replica)));
    }

    /// Holds a replica's rows against the source's.
    pub fn replica(&mut self, at: usize, ours: &[ChunkRow], theirs: &ReplicateTable, link: &mut Link<'_>) {
        match self.look(ours, theirs, link) {
            Ok((rows, differing)) => self.decide(at, ours, &rows, &differing),
            Err(_) if self.stop.requested().is_some() => {}
            Err(error) => self.fail(unreadable(self.of, link.name(), &error)),
        }
    }

    /// The replica's rows, and the places of those that differ; looked at again where that is asked for.
    fn look(
        &self,
        ours: &[ChunkRow],
        theirs: &ReplicateTable,
        link: &mut Link<'_>,
    ) -> Result<(Vec<ChunkRow>, Vec<usize>)> {
        let mut tries = 0;
        loop {
            let rows = link.ask(|session| session.checksums(theirs, self.of))?;
            let differs = |row: &ChunkRow| row.number <= self.most && row.equal() != Some(true);
            let differing: Vec<usize> =
                rows.iter().enumerate().filter(|(_, row)| differs(row)).map(|(at, _)| at).collect();
            let complete = rows.len() >= ours.len();
            if (differing.is_empty() && complete) || tries >= self.retries || self.stop.sleep(AGAIN_AFTER) {
                return Ok((rows, differing));
            }
            tries += 1;
        }
    }

    fn decide(&self, at: usize, ours: &[ChunkRow], rows: &[ChunkRow], differing: &[usize]) {
        let label = self.of.to_string();
        let replica = self.ledger.replica(at).to_owned();
        let there: Vec<&ChunkRow> = rows.iter().filter(|row| row.number <= self.most).collect();
        for row in differing.iter().filter_map(|&at| rows.get(at)) {
            // Without the source's values there is nothing to differ from; the source's side says so.
            if row.source_cnt.is_some() {
                let finding = follower::finding(&label, &replica, row, "");
                self.ledger.chunk_differs(self.table, at, &finding);
            }
        }
        let missing =
            ours.iter().filter(|our| our.number <= self.most && there.iter().all(|row| !arrived(our, row))).count();
        if missing > 0 {
            let text = format!("{missing} checksums of {label} did not arrive on the replica");
            self.fail(Failure::new(Code::ChecksumMissing, text).at(Some(&label), Some(&replica)));
        }
        let sum = Outcome {
            rows: there.iter().map(|row| row.this_cnt).sum(),
            at_ms: there.iter().map(|row| row.at_s).min().map_or_else(unix_ms, |at_s| at_s.saturating_mul(1000)),
            ..Outcome::default()
        };
        self.ledger.looked_at_on(self.table, at, widen(there.len()), &sum);
    }
}

/// Whether what the source wrote last for a chunk, or something later, is on the replica.
fn arrived(ours: &ChunkRow, theirs: &ChunkRow) -> bool {
    theirs.number == ours.number && (theirs.at_s >= ours.at_s || ours.source_cnt.is_none())
}

/// Checksums that could not be read.
pub fn unreadable(of: &TableName, server: &str, error: &ServerError) -> Failure {
    let text = format!("the checksums of {of} cannot be read on {server}: {error}");
    Failure::new(Code::ServerFault, text).at(Some(&of.to_string()), None)
}
