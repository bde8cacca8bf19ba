//! The whole procedure: connect, look before writing, write, follow, sum up.

use super::check::{self, Replicated};
use super::checks;
use super::follower;
use super::job::{Job, Replica};
use super::options::{ChecksumOptions, Function};
use super::rotation::{self, Turn};
use super::writer::{self, Ended, Writer};
use crate::catalog::{Catalog, Planned, Say, Selection};
use crate::drift::SchemaScope;
use crate::ledger::Ledger;
use crate::link::{Dial, Link};
use crate::options::TextPolicy;
use crate::plan::TablePlan;
use crate::preflight;
use crate::queue::Queue;
use crate::refusal::{refuse_server, report_moved};
use crate::run::Node;
use crate::servers::{Joined, Party, Servers};
use crate::supervise::{joined, supervise};
use crate::throttle::Gate;
use crate::throttle::monitor::Watch;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use vouch_convert::widen;
use vouch_report::{Code, Command, Event, Failure, Outcome, Refusal, RefusalKind, RunContext, Stop, Summary};
use vouch_server::{
    Access, Capability, Limits, Position, PositionKind, Registry, ReplicateTable, ServerError, TableDefinition,
    TableEntry, TableName,
};

/// Time that the server may take for one chunk.
const STATEMENT: Duration = Duration::from_secs(3600);

/// Row findings that are listed for a table on a replica.
const LISTED: usize = 10_000;

/// Checksums the tables of a source through replication.
///
/// # Errors
/// A [`Refusal`] when nothing was written: wrong options, no connection, no
/// replica, a server on which the procedure would do harm or prove nothing.
pub fn checksum(options: &ChecksumOptions, context: &RunContext) -> Result<Summary, Refusal> {
    supervise(&context.stop, |registry| Engine { options, stop: &context.stop, registry }.run(context))
}

struct Engine<'a> {
    options: &'a ChecksumOptions,
    stop: &'a Stop,
    registry: &'a Arc<Registry>,
}

/// What is known before the first chunk.
struct Ready {
    table: ReplicateTable,
    theirs: Vec<ReplicateTable>,
    by_rows: Vec<bool>,
    witnessed: Position,
}

/// How the servers of `options` are joined; for every command of the procedure.
pub fn join(
    options: &ChecksumOptions,
    registry: &Arc<Registry>,
    stop: &Stop,
    ledger: &Ledger<'_>,
) -> Result<Servers, Refusal> {
    let party = Party {
        source: &options.source,
        replicas: &options.replicas,
        discovery: &options.discovery,
        expect_replicas: options.expect_replicas,
        replication: true,
        may_be_itself: false,
        retry_for: options.retry_for,
    };
    party.join(registry, stop, ledger)
}

/// Which tables take part, and how they are read.
pub fn selection(options: &ChecksumOptions) -> Selection<'_> {
    Selection {
        filters: &options.filters,
        database_map: &[],
        condition: options.where_clause.as_deref(),
        index: options.chunk.index.as_deref(),
        exact_keys: true,
        schema: SchemaScope::Rows,
        // Each replica computes the same expression, over its own bytes.
        text: TextPolicy::Bytes,
        history: false,
    }
}

/// Limits the key to its first columns, where that is asked for.
pub fn with_fewer_columns(mut plan: TablePlan, options: &ChecksumOptions) -> TablePlan {
    if let Some(columns) = options.chunk.index_columns.filter(|&columns| columns < plan.key.columns.len()) {
        plan.key.columns.truncate(columns);
        plan.reading.key.truncate(columns);
        plan.key.unique = false;
    }
    plan
}

impl Engine<'_> {
    fn run(&self, context: &RunContext) -> Result<Summary, Refusal> {
        let early = Ledger::begin(Command::Checksum, context);
        let servers = join(self.options, self.registry, self.stop, &early)?;
        let ledger = early.with_replicas(servers.replica_names(), LISTED);
        checks::source(&servers)?;
        checks::alike(&servers)?;
        checks::filters(&servers, self.options)?;
        let by_rows = checks::by_rows(&servers, self.options)?;
        if servers.kind == PositionKind::None {
            return Err(Refusal::usage(
                "no replication position of the source may be read, so nobody could tell when a chunk has arrived",
                "grant REPLICATION CLIENT (BINLOG MONITOR on MariaDB)",
            ));
        }
        servers.introduce(true, &ledger);
        let dial = self.writing(&servers.source);
        let mut guard = Link::new(servers.source.clone(), self.stop);
        let lock = lock_name(&self.options.replicate);
        self.claim(&mut guard, &lock)?;
        let mut links: Vec<Link<'_>> =
            servers.replicas.iter().map(|joined| Link::new(joined.dial.clone(), self.stop)).collect();
        let mut source = Link::new(servers.source.clone(), self.stop);
        for link in std::iter::once(&mut source).chain(&mut links) {
            preflight::report_hidden(link, &self.options.filters, &[], self.options.hidden_tables, &ledger)
                .map_err(|error| refuse_server("server", &error))?;
        }
        let mut write = Link::new(dial.clone(), self.stop);
        let ready = self.ready(&servers, by_rows, &mut write, &mut links)?;
        let turn = match &self.options.slice {
            Some(slice) => Some(Turn::begin(slice, &ready.table, &mut write, &ledger)?),
            None => None,
        };
        let job = self.assemble(&servers, ready, ledger);
        if let Some(turn) = &turn {
            job.ledger.notice(Code::SliceRun, None, turn.describe());
        }
        let mut writer = Writer::new(&job, dial, &mut guard, lock);
        self.work(&job, &servers, &mut writer, &mut links, turn.as_ref())?;
        report_moved(self.registry, &job.ledger);
        Ok(job.ledger.finish(None))
    }

    /// The source, as it is written to.
    fn writing(&self, source: &Dial) -> Dial {
        let limits = Limits {
            read: STATEMENT + Duration::from_secs(60),
            statement: STATEMENT,
            lock_wait: Duration::from_secs(1),
            ..Limits::default()
        };
        Dial { access: Access::Replicate { variables: self.options.variables.clone() }, limits, ..source.clone() }
    }

    /// Takes the lock that keeps a second run away.
    fn claim(&self, guard: &mut Link<'_>, lock: &str) -> Result<(), Refusal> {
        let held = guard.ask(|session| session.hold(lock)).map_err(|error| refuse_server("source", &error))?;
        if held {
            return Ok(());
        }
        Err(Refusal::usage(
            format!("another run writes to {}", self.options.replicate),
            "wait for it to end; it holds a lock of the source (GET_LOCK) for as long as it lives",
        )
        .of_kind(RefusalKind::AlreadyRunning))
    }

    /// Makes the replicate table where that is wanted, and finds it on every server.
    fn ready(
        &self,
        servers: &Servers,
        by_rows: Vec<bool>,
        write: &mut Link<'_>,
        links: &mut [Link<'_>],
    ) -> Result<Ready, Refusal> {
        let (options, name) = (self.options, &self.options.replicate);
        let refuse = |error: ServerError| refuse_server("source", &error);
        let found = write.ask(|session| session.replicate_table(name)).map_err(|error| checks::cannot_write(&error))?;
        if found.is_none() && options.create {
            write.ask(|session| session.create_replicate_table(name)).map_err(|error| checks::cannot_write(&error))?;
        }
        let found = write.ask(|session| session.replicate_table(name)).map_err(refuse)?;
        let table = found.ok_or_else(|| {
            Refusal::usage(
                format!("the table {name} is not there"),
                "leave out --no-create-replicate-table, or make it",
            )
        })?;
        if options.truncate {
            write.ask(|session| session.truncate_replicate_table(&table)).map_err(|e| checks::cannot_write(&e))?;
        }
        let position = write.ask(|session| session.source_position(servers.kind)).map_err(refuse)?;
        let mut theirs = Vec::new();
        for (joined, link) in servers.replicas.iter().zip(links) {
            theirs.push(self.table_of(servers, joined, link, &position, &table)?);
        }
        write.ask(|session| session.write_witness(&table)).map_err(|error| checks::cannot_write(&error))?;
        let witnessed = write.ask(|session| session.source_position(servers.kind)).map_err(refuse)?;
        Ok(Ready { table, theirs, by_rows, witnessed })
    }

    /// The replicate table on a replica, once it has applied `position`.
    fn table_of(
        &self,
        servers: &Servers,
        joined: &Joined,
        link: &mut Link<'_>,
        position: &Position,
        ours: &ReplicateTable,
    ) -> Result<ReplicateTable, Refusal> {
        let name = &self.options.replicate;
        let refuse = |error: ServerError| refuse_server("replica", &error);
        let mut theirs = link.ask(|session| session.replicate_table(name)).map_err(refuse)?;
        if theirs.is_none() {
            let fence = servers.fence(joined, self.options.channel.as_deref(), self.options.wait_timeout);
            fence.wait(link, position, self.stop).map_err(refuse)?;
            theirs = link.ask(|session| session.replicate_table(name)).map_err(refuse)?;
        }
        match theirs {
            Some(theirs) if theirs.old_words != ours.old_words && self.options.checks.replica_tables => {
                Err(Refusal::usage(
                    format!(
                        "{} has other columns in {name} than the source: the statement would fail there",
                        link.name()
                    ),
                    "give it the same columns on both, or name another table with --replicate",
                ))
            }
            Some(theirs) => Ok(theirs),
            None if !self.options.checks.replica_tables => Ok(ours.clone()),
            None => Err(Refusal::usage(
                format!("{} has no table {name}, and writing to it would break replication there", link.name()),
                "wait until it has applied the table's creation, or create it there",
            )),
        }
    }

    fn assemble<'j>(&'j self, servers: &Servers, ready: Ready, ledger: Ledger<'j>) -> Job<'j> {
        let lag_of = self.options.lag_of.as_ref().map(|target| target.name());
        let replica = |((joined, table), by_rows): ((&Joined, ReplicateTable), bool)| {
            let node = Node::new(&joined.dial);
            Replica {
                arrival: Gate::new(joined.dial.target.name()),
                counts: lag_of.is_none_or(|name| name == node.name),
                fence: servers.fence(joined, self.options.channel.as_deref(), self.options.wait_timeout),
                node,
                table,
                by_rows: AtomicBool::new(by_rows),
                items: Queue::default(),
                awaited: Mutex::new(None),
                lost: AtomicBool::new(false),
            }
        };
        let replicas: Vec<Replica> =
            servers.replicas.iter().zip(ready.theirs).zip(ready.by_rows).map(replica).collect();
        let stranger = self.options.lag_of.as_ref().filter(|_| replicas.iter().all(|replica| !replica.counts));
        let outsider = stranger.map(|target| Node::new(&Dial { target: target.clone(), ..servers.source.clone() }));
        Job {
            options: self.options,
            ledger,
            stop: self.stop,
            source: Node::new(&servers.source),
            outsider,
            table: ready.table,
            kind: servers.kind,
            witnessed: ready.witnessed,
            wide: servers.source_facts.identity.capabilities.has(Capability::WideBitXor),
            replicas,
            deadline: self.options.throttle.run_time.map(|time| Instant::now() + time),
            finished: AtomicBool::new(false),
            unread: AtomicBool::new(false),
        }
    }

    /// Writes, with watchers and followers beside.
    fn work<'a>(
        &self,
        job: &'a Job<'_>,
        servers: &Servers,
        writer: &mut Writer<'a, '_>,
        links: &mut [Link<'_>],
        turn: Option<&Turn>,
    ) -> Result<(), Refusal> {
        if !self.options.check {
            job.ledger.leave_unchecked(Code::NotCovered);
            job.ledger.skip(Code::NotCovered, "the replicas' checksums", "--no-replicate-check");
        }
        let mut source = Link::new(servers.source.clone(), self.stop);
        let written = std::thread::scope(|scope| {
            let followers: Vec<_> =
                (0..job.replicas.len()).map(|at| scope.spawn(move || follower::follow(job, at))).collect();
            scope.spawn(|| watch(job));
            let written = self.tables(job, writer, &mut source, links, turn);
            job.replicas.iter().for_each(|replica| replica.items.close());
            for follower in followers {
                joined(follower);
            }
            job.finished.store(true, Ordering::Release);
            self.stop.wake();
            written
        });
        let Written { tables, mut succeeded, earlier } = match written {
            Ok(written) => written,
            Err(_) if self.stop.requested().is_some() => return Ok(()),
            Err(error) => return Err(refuse_server("server", &error)),
        };
        self.hold_earlier(job, &earlier, &mut source, links);
        if job.past_deadline() {
            let text = "--run-time was over before everything was checksummed";
            job.ledger.failure(Failure::new(Code::DeadlineReached, text).with_hint("continue with --resume"));
        }
        succeeded &=
            !job.is_over() && !job.unread.load(Ordering::Acquire) && !job.replicas.iter().any(Replica::is_lost);
        if let Some(turn) = turn.filter(|_| self.stop.requested().is_none()) {
            let settled = |(number, _): &&(usize, TableName)| job.ledger.is_settled(*number);
            let verified: Vec<TableName> = tables.iter().filter(settled).map(|(_, name)| name.clone()).collect();
            if let Err(error) = turn.finish(writer.link(), &verified, succeeded) {
                job.ledger.failure(rotation::not_noted(&error));
            }
        }
        Ok(())
    }

    /// Holds what an earlier run wrote against the replicas' values.
    fn hold_earlier(
        &self,
        job: &Job<'_>,
        earlier: &[(usize, TableName, u64)],
        source: &mut Link<'_>,
        links: &mut [Link<'_>],
    ) {
        for (number, of, chunks) in earlier {
            let mut held =
                Replicated { ledger: &job.ledger, table: *number, of, most: *chunks, retries: 0, stop: job.stop };
            let rows = match source.ask(|session| session.checksums(&job.table, of)) {
                Ok(rows) => rows,
                Err(error) => {
                    job.ledger.failure(check::unreadable(of, source.name(), &error));
                    continue;
                }
            };
            held.source(&rows);
            for ((at, replica), link) in job.replicas.iter().enumerate().zip(links.iter_mut()) {
                if self.options.check && !replica.gets_copies() {
                    held.replica(at, &rows, &replica.table, link);
                }
            }
            if *chunks == u64::MAX {
                job.ledger.cut_to_the_end(*number);
            }
        }
    }

    fn tables(
        &self,
        job: &Job<'_>,
        writer: &mut Writer<'_, '_>,
        source: &mut Link<'_>,
        links: &mut [Link<'_>],
        turn: Option<&Turn>,
    ) -> vouch_server::Result<Written> {
        let fences = job.replicas.iter().map(|replica| replica.fence.clone()).collect();
        let catalog = Catalog::list(selection(self.options), &job.ledger, fences, self.stop, source, links)?;
        catalog.report_unknown();
        let wanted: Vec<&TableEntry> =
            catalog.wanted(true).into_iter().filter(|entry| !self.is_bookkeeping(job, entry)).collect();
        let rows = wanted.iter().map(|entry| entry.rows).sum();
        job.ledger.tell(&Event::Planned { tables: widen(wanted.len()), rows, replicas: widen(job.replicas.len()) });
        wanted.iter().for_each(|entry| job.ledger.owe_table(&entry.name.to_string(), false));
        let last = self.left_off(writer, &job.table)?;
        let mut written = Written { tables: Vec::new(), succeeded: true, earlier: Vec::new() };
        for entry in wanted {
            if job.is_over() {
                written.succeeded = false;
                break;
            }
            let Some(plan) = self.plan(job, &catalog, entry, source, links)? else { continue };
            let number = job.ledger.enter(&plan, None);
            let known = match last.as_ref().is_some_and(|last| entry.name <= *last) {
                true => {
                    writer::resumed(&plan, &writer.link().ask(|session| session.checksums(&job.table, &entry.name))?)
                }
                false => Vec::new(),
            };
            if let Some(end) = known.last() {
                let whole = end.interval.upper.is_none();
                let chunks = if whole { u64::MAX } else { widen(known.len()) };
                written.earlier.push((number, entry.name.clone(), chunks));
                if whole {
                    continue;
                }
            }
            if turn.is_none() && self.options.empty {
                let above = widen(known.len());
                writer.link().ask(|session| session.forget_checksums(&job.table, &entry.name, above))?;
            }
            let ended = writer.table(&plan, number, turn, known);
            written.succeeded &= ended != Ended::CutOff;
            written.tables.push((number, entry.name.clone()));
        }
        Ok(written)
    }

    /// The replicate table and its bookkeeping differ between servers on purpose.
    fn is_bookkeeping(&self, job: &Job<'_>, entry: &TableEntry) -> bool {
        let (name, own) = (&entry.name, &self.options.replicate);
        let beside = ["", "_rotation", "_chunks", "_slices"].map(|suffix| format!("{}{suffix}", own.table));
        let is = name.database == own.database && beside.contains(&name.table);
        if is {
            job.ledger.skip(Code::FilteredOut, name.to_string(), "it holds the checksums themselves");
        }
        is
    }

    /// Plans a table; `None` when it must not be written about.
    fn plan(
        &self,
        job: &Job<'_>,
        catalog: &Catalog<'_>,
        entry: &TableEntry,
        source: &mut Link<'_>,
        links: &mut [Link<'_>],
    ) -> vouch_server::Result<Option<TablePlan>> {
        let why = match catalog.plan(entry, source, links, Say::All)? {
            Planned::Plan(plan) => match self.obstacle(&plan) {
                Some(why) => why,
                None => return Ok(Some(with_fewer_columns(*plan, self.options))),
            },
            Planned::Nowhere => Unfit::Nowhere,
            Planned::Vanished => Unfit::Vanished,
        };
        self.unfit(job, entry, why);
        Ok(None)
    }

    /// Why the statement would fail on a replica, or digest less than all.
    fn obstacle(&self, plan: &TablePlan) -> Option<Unfit> {
        let checks = &self.options.checks;
        if checks.replica_tables && plan.replicas.iter().any(Option::is_none) {
            return Some(Unfit::Nowhere);
        }
        if self.options.function == Function::Sha2 && !plan.fits_packet {
            return Some(Unfit::Packet);
        }
        let index = plan.reading.index.as_ref().filter(|_| checks.replica_tables)?;
        let has_it = |definition: &TableDefinition| {
            definition.indexes.iter().any(|other| other.name.eq_ignore_ascii_case(index))
        };
        let lacking = plan.replica_definitions.iter().flatten().any(|definition| !has_it(definition));
        lacking.then(|| Unfit::NoIndex(index.clone()))
    }

    fn unfit(&self, job: &Job<'_>, entry: &TableEntry, why: Unfit) {
        let label = entry.name.to_string();
        let (code, text) = match why {
            Unfit::Vanished => (Code::TableVanished, format!("{label} was there at the start and is gone")),
            Unfit::Nowhere => (
                Code::TableUnsafe,
                format!("{label} is missing on a replica, or may not be read: the statement could break replication"),
            ),
            Unfit::NoIndex(index) => (
                Code::TableUnsafe,
                format!("a replica lacks the index {index} of {label}: the statement would break replication"),
            ),
            Unfit::Packet => {
                (Code::TableFailed, format!("rows of {label} could exceed max_allowed_packet when they are digested"))
            }
        };
        job.ledger.failure(Failure::new(code, text).at(Some(&label), None));
        job.ledger.settle_table(&label, &Outcome::Unproven(code));
    }

    /// The table at which an earlier run stopped, when it is to be continued: tables are
    /// written in the order of their names.
    fn left_off(&self, writer: &mut Writer<'_, '_>, table: &ReplicateTable) -> vouch_server::Result<Option<TableName>> {
        if !self.options.resume || self.options.slice.is_some() {
            return Ok(None);
        }
        let totals = writer.link().ask(|session| session.checksum_totals(table))?;
        let last = totals.into_iter().max_by(|a, b| (a.newest_s, &a.table).cmp(&(b.newest_s, &b.table)));
        Ok(last.map(|total| total.table))
    }
}

enum Unfit {
    Vanished,
    Nowhere,
    NoIndex(String),
    Packet,
}

struct Written {
    tables: Vec<(usize, TableName)>,
    succeeded: bool,
    /// Tables, and how many of their chunks an earlier run wrote.
    earlier: Vec<(usize, TableName, u64)>,
}

fn watch(job: &Job<'_>) {
    let watch = Watch {
        policy: &job.options.throttle,
        replication: true,
        ledger: &job.ledger,
        stop: job.stop,
        finished: &job.finished,
    };
    std::thread::scope(|scope| {
        scope.spawn(move || watch.source(&job.source, |_| ()));
        for replica in job.replicas.iter().filter(|replica| replica.counts) {
            scope.spawn(move || watch.replica(&replica.node, replica.fence.channel.as_deref()));
        }
        if let Some(node) = &job.outsider {
            scope.spawn(move || watch.replica(node, None));
        }
    });
}

/// The name of the lock for a replicate table; servers take 64 characters.
fn lock_name(table: &TableName) -> String {
    let whole = format!("vouch checksum {table}");
    if whole.chars().count() <= 64 {
        return whole;
    }
    let digest = whole
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("vouch checksum {digest:016x}")
}
