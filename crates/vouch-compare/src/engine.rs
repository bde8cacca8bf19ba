//! The whole comparison: connect, look before leaping, read, resolve, sum up.

use crate::catalog::{Catalog, Planned, Say, Selection};
use crate::checksum;
use crate::histories;
use crate::ledger::{HISTORY, Ledger};
use crate::link::{Dial, Link};
use crate::options::{CompareOptions, ProofPolicy};
use crate::pass;
use crate::plan::TablePlan;
use crate::preflight::{self, Facts, Relation};
use crate::queue::Queue;
use crate::refusal::{refuse_server, report_moved};
use crate::run::{Node, ReplicaNode, Run, TableRun};
use crate::servers::{Joined, Party, Servers};
use crate::state::{State, StateError};
use crate::supervise::supervise;
use crate::throttle::pace::Pace;
use crate::window::Marks;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;
use vouch_convert::widen;
use vouch_report::{Code, Command, Event, Failure, ItemKind, Outcome, Refusal, RunContext, Summary};
use vouch_server::{Fault, LogFilter, May, PositionKind, Registry, ServerError};

/// Tables that are planned between two words about progress.
const PLANNED_BETWEEN: usize = 100;

/// Times that a table whose definition changes is compared anew.
const PASSES: usize = 3;

/// Compares a source with its replicas.
///
/// # Errors
/// A [`Refusal`] when nothing was looked at: wrong options, no connection, no
/// replica. Everything later is in the summary.
pub fn compare(options: &CompareOptions, context: &RunContext) -> Result<Summary, Refusal> {
    supervise(&context.stop, |registry| Comparison { options, context, registry }.run())
}

struct Comparison<'a> {
    options: &'a CompareOptions,
    context: &'a RunContext,
    registry: &'a Arc<Registry>,
}

impl Comparison<'_> {
    fn run(&self) -> Result<Summary, Refusal> {
        let stop = &*self.context.stop;
        let state = self.state()?;
        let context = RunContext { run_id: state.id().to_owned(), ..self.context.clone() };
        let early = Ledger::begin(Command::Compare, &context);
        let (servers, binlog_proof) = self.servers(&early)?;
        let ledger = early.with_replicas(servers.replica_names(), self.options.max_findings);
        self.preflight(&servers, binlog_proof.as_ref(), &ledger);
        let mut run = self.assemble(&servers, binlog_proof, ledger, state);
        let mut source = Link::new(servers.source.clone(), stop);
        let mut links: Vec<Link<'_>> =
            servers.replicas.iter().map(|joined| Link::new(joined.dial.clone(), stop)).collect();
        run.marks.take(&mut source);
        self.hidden(&run, &mut source, &mut links)?;
        self.histories(&mut run, &servers, &mut source, &mut links);
        self.tables(&run, &mut source, &mut links)?;
        report_moved(self.registry, &run.ledger);
        Ok(run.ledger.finish(None))
    }

    fn state(&self) -> Result<State, Refusal> {
        let fingerprint = self.options.fingerprint();
        let state = match &self.options.resume {
            Some(id) => State::resume(&self.options.state_dir, id, &fingerprint),
            None => {
                let (id, salt) = crate::run_id::fresh((self.context.now_ms)());
                State::create(&self.options.state_dir, &id, salt, &fingerprint)
            }
        };
        state.map_err(|error| {
            let hint = match &error {
                StateError::NoSuchRun(_) => "the ids of runs are the folders under --state-dir/runs",
                StateError::OtherOptions(_) => "resume with the options that the run was started with",
                StateError::Locked(_) => "wait for it to end",
                StateError::Unusable(..) => "name another place with --state-dir",
            };
            Refusal::usage(error.to_string(), hint)
        })
    }

    /// Connects to everybody, and finds out whether differences can be proven.
    fn servers(&self, ledger: &Ledger<'_>) -> Result<(Servers, Option<LogFilter>), Refusal> {
        let options = self.options;
        let party = Party {
            source: &options.source,
            replicas: &options.replicas,
            discovery: &options.discovery,
            expect_replicas: options.expect_replicas,
            replication: options.replication,
            may_be_itself: !options.database_map.is_empty(),
            retry_for: options.retry_for,
        };
        let servers = party.join(self.registry, &self.context.stop, ledger)?;
        let mut link = Link::new(servers.source.impatient(), &self.context.stop);
        let can_prove = options.proof == ProofPolicy::Auto && self.can_prove(&mut link, servers.kind, ledger);
        let log_filter = match can_prove.then(|| link.ask(|session| session.log_filter())) {
            Some(Ok(filter)) => Some(filter),
            Some(Err(error)) => {
                let text = format!("what the binary log leaves out could not be asked, so it proves nothing: {error}");
                ledger.notice(Code::ProofUnavailable, Some(&error.server), text);
                None
            }
            None => None,
        };
        Ok((servers, log_filter))
    }

    /// Whether differences can be proven by the binlog. What could not be asked proves nothing, and is said.
    fn can_prove(&self, link: &mut Link<'_>, kind: PositionKind, ledger: &Ledger<'_>) -> bool {
        let may = |answer: vouch_server::Result<May>| match answer {
            Ok(answer) => answer == May::Yes,
            Err(error) => {
                let text = format!("whether the binary log may be read could not be asked: {error}");
                ledger.notice(Code::ProofUnavailable, Some(&error.server), text);
                false
            }
        };
        kind != PositionKind::None
            && may(link.ask(|session| session.may_see_log_place()))
            && may(link.ask(|session| session.may_read_binlog()))
    }

    fn preflight(&self, servers: &Servers, binlog_proof: Option<&LogFilter>, ledger: &Ledger<'_>) {
        servers.introduce(self.options.replication, ledger);
        if self.options.replication && servers.kind == PositionKind::None {
            let text = "no position may be read, so differences are re-checked in time and are at best confirmed";
            ledger.notice(Code::NoPositions, Some(servers.source.target.name()), text);
        }
        if let Some(filter) = binlog_proof.filter(|filter| !filter.is_empty()) {
            let text = format!(
                "its binlog leaves databases out ({filter}): they are not replicated, and nothing in them is proven by \
                 the log"
            );
            ledger.notice(Code::BinlogFilter, Some(servers.source.target.name()), text);
        }
        if self.options.proof == ProofPolicy::Auto && binlog_proof.is_none() {
            let text = "the binary log may not be read, so differences are confirmed by a second look, not proven";
            ledger.notice(Code::ProofUnavailable, Some(servers.source.target.name()), text);
        }
    }

    fn assemble<'r>(
        &'r self,
        servers: &Servers,
        log_filter: Option<LogFilter>,
        ledger: Ledger<'r>,
        state: State,
    ) -> Run<'r> {
        let replica = |joined: &Joined| ReplicaNode {
            node: Node::new(&joined.dial),
            identity: identity(&joined.dial, &joined.facts),
            fence: servers.fence(joined, self.options.channel.as_deref(), self.options.wait_timeout),
            chunks: Queue::default(),
            suspects: Queue::default(),
            waiting: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
        };
        Run {
            options: self.options,
            ledger,
            state,
            stop: &self.context.stop,
            source: Node::new(&servers.source),
            source_identity: identity(&servers.source, &servers.source_facts),
            kind: servers.kind,
            binlog_proof: log_filter.is_some(),
            log_filter: log_filter.unwrap_or_default(),
            replicas: servers.replicas.iter().map(replica).collect(),
            pace: Pace::default(),
            marks: Marks::default(),
            deadline: self.options.throttle.run_time.map(|time| Instant::now() + time),
            readers_finished: AtomicBool::new(false),
            source_lost: AtomicBool::new(false),
            remembered: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// Says on which servers tables may be hidden from the account.
    fn hidden(&self, run: &Run<'_>, source: &mut Link<'_>, links: &mut [Link<'_>]) -> Result<(), Refusal> {
        let options = self.options;
        let report = |link: &mut Link<'_>, map: &[(String, String)]| {
            let reported = preflight::report_hidden(link, &options.filters, map, options.hidden_tables, &run.ledger);
            reported.or_else(|error| match self.context.stop.requested() {
                Some(_) => Ok(()),
                None => Err(refuse_server("server", &error)),
            })
        };
        report(source, &[])?;
        links.iter_mut().try_for_each(|link| report(link, &options.database_map))
    }

    /// Completes what is known of the replicas' positions by what the histories tell, and reports that.
    fn histories<'l>(&self, run: &mut Run<'_>, servers: &Servers, source: &mut Link<'l>, links: &mut [Link<'l>]) {
        if !matches!(run.kind, PositionKind::GtidSets | PositionKind::GtidDomains) {
            return;
        }
        let several = |joined: &Joined| histories::has_other_channels(&servers.source_facts, &joined.facts);
        let some_have_several = servers.replicas.iter().any(several);
        for ((replica, joined), link) in run.replicas.iter_mut().zip(&servers.replicas).zip(links) {
            let name = &replica.node.name;
            let pair = histories::Pair {
                source: &servers.source_facts,
                replica: &joined.facts,
                relation: joined.relation,
                name,
                through_others: joined.relation == Relation::Indirect && some_have_several,
            };
            run.ledger.owe(ItemKind::History, HISTORY, Some(name));
            let outcome = histories::examine(&pair, &mut replica.fence, source, link, &self.context.stop, &run.ledger);
            run.ledger.settle(ItemKind::History, HISTORY, Some(name), outcome);
        }
    }

    /// Plans and reads all tables; those whose definition changed meanwhile, again.
    fn tables(&self, run: &Run<'_>, source: &mut Link<'_>, links: &mut [Link<'_>]) -> Result<(), Refusal> {
        let fences = run.replicas.iter().map(|replica| replica.fence.clone()).collect();
        let selection = Selection {
            filters: &self.options.filters,
            database_map: &self.options.database_map,
            condition: self.options.where_clause.as_deref(),
            index: self.options.chunk.index.as_deref(),
            exact_keys: false,
            schema: self.options.schema,
            text: self.options.text,
            history: true,
        };
        let listed = Catalog::list(selection, &run.ledger, fences, &self.context.stop, source, links);
        let surveyed = listed.and_then(|catalog| {
            let plans = self.survey(run, &catalog, source, links)?;
            let plans = self.narrowed(run, plans, source, links)?;
            Ok((catalog, plans))
        });
        let (catalog, mut plans) = match surveyed {
            Ok(surveyed) => surveyed,
            Err(_) if self.context.stop.requested().is_some() => return Ok(()),
            Err(error) => return Err(refuse_server("server", &error)),
        };
        let rows = plans.iter().map(|(plan, _)| plan.rows).sum();
        run.ledger.tell(&Event::Planned { tables: widen(plans.len()), rows, replicas: widen(run.replicas.len()) });
        for pass in 1..=PASSES {
            let tables = self.pass(run, plans, source);
            let round = Round { run, catalog: &catalog, last: pass == PASSES };
            plans = round.moved(&tables, source, links);
            if plans.is_empty() {
                break;
            }
        }
        if run.past_deadline() {
            let text = "--run-time was over before everything was compared";
            run.ledger.failure(Failure::new(Code::DeadlineReached, text).with_hint("continue with --resume"));
        }
        Ok(())
    }

    /// Plans every table that takes part, and says what is left out or missing.
    fn survey(
        &self,
        run: &Run<'_>,
        catalog: &Catalog<'_>,
        source: &mut Link<'_>,
        links: &mut [Link<'_>],
    ) -> vouch_server::Result<Vec<ToDo>> {
        catalog.report_unknown();
        catalog.report_replica_only(source, links)?;
        let wanted = catalog.wanted(true);
        let (tables, replicas) = (widen(wanted.len()), widen(run.replicas.len()));
        let rows = wanted.iter().map(|entry| entry.rows).sum();
        run.ledger.tell(&Event::Planned { tables, rows, replicas });
        wanted.iter().for_each(|entry| run.ledger.owe_table(&entry.name.to_string(), true));
        let mut plans: Vec<ToDo> = Vec::new();
        for (done, entry) in wanted.into_iter().enumerate() {
            if done > 0 && done.is_multiple_of(PLANNED_BETWEEN) {
                let (server, done) = (source.name().to_owned(), vouch_convert::widen(done));
                run.ledger.tell(&Event::Listing { server, done, tables });
            }
            match catalog.plan(entry, source, links, Say::All)? {
                Planned::Plan(plan) => plans.push((*plan, None)),
                Planned::Nowhere => {}
                Planned::Vanished => {
                    let label = entry.name.to_string();
                    run.ledger.failure(vanished(&label));
                    run.ledger.settle_table(&label, &Outcome::Unproven(Code::TableVanished));
                }
            }
        }
        let all: Vec<&TablePlan> = plans.iter().map(|(plan, _)| plan).collect();
        catalog.report_unknown_columns(&all);
        Ok(plans)
    }

    /// Only the tables and regions in which checksums differ, where that is asked for.
    fn narrowed(
        &self,
        run: &Run<'_>,
        plans: Vec<ToDo>,
        source: &mut Link<'_>,
        links: &mut [Link<'_>],
    ) -> vouch_server::Result<Vec<ToDo>> {
        let Some(name) = &self.options.from_checksums else { return Ok(plans) };
        let missing = || ServerError::new(&run.source.name, Fault::Missing, format!("there is no table {name}"));
        let table = source.ask(|session| session.replicate_table(name))?.ok_or_else(missing)?;
        let checksums = checksum::Checksums::read(table, &run.ledger, source, links)?;
        let mut narrowed = Vec::new();
        for (mut plan, again) in plans {
            if !checksums.are_complete(&plan, &run.ledger) {
                run.ledger.settle_table(&plan.label, &Outcome::Unproven(Code::ChecksumMissing));
                continue;
            }
            let regions = checksums.regions(&plan, source, links)?;
            if regions.is_empty() {
                run.ledger.settle_table(&plan.label, &Outcome::excluded_by_option(Code::FilteredOut));
                run.ledger.skip(Code::FilteredOut, plan.label, "none of its checksums differs");
            } else {
                plan.regions = Some(regions);
                narrowed.push((plan, again));
            }
        }
        Ok(narrowed)
    }

    fn pass(&self, run: &Run<'_>, mut plans: Vec<ToDo>, source: &mut Link<'_>) -> Vec<Arc<TableRun>> {
        plans.sort_by(|a, b| b.0.rows.cmp(&a.0.rows).then_with(|| a.0.label.cmp(&b.0.label)));
        let mut tables = Vec::new();
        for (plan, again) in plans {
            let number = run.ledger.enter(&plan, again);
            let label = plan.label.clone();
            match pass::prepare(run, plan, number, source) {
                Ok(table) => tables.push(table),
                Err(_) if self.context.stop.requested().is_some() => break,
                Err(error) => {
                    let message = format!("{label} cannot be compared: {error}");
                    run.ledger.broken(number, Failure::new(Code::TableFailed, message).at(Some(&label), None));
                }
            }
        }
        pass::run(run, &tables);
        tables
    }
}

/// A server's name, and what tells it from another one that answers there later.
fn identity(dial: &Dial, facts: &Facts) -> String {
    format!("{} {} {}", dial.target.name(), facts.identity.server_id, facts.identity.uuid)
}

/// A plan, and the number of its table in the ledger where it is made anew.
type ToDo = (TablePlan, Option<usize>);

/// What comes between two passes.
struct Round<'a, 'r> {
    run: &'a Run<'r>,
    catalog: &'a Catalog<'a>,
    /// There is no pass after this.
    last: bool,
}

impl Round<'_, '_> {
    /// Plans anew the tables whose definition changed on any side while they were read.
    fn moved(&self, tables: &[Arc<TableRun>], source: &mut Link<'_>, links: &mut [Link<'_>]) -> Vec<ToDo> {
        let mut plans = Vec::new();
        for table in tables {
            if self.run.stop.requested().is_some() {
                break;
            }
            // What nobody could look at again is not shown to have stood still.
            if self.run.source_lost.load(Ordering::Acquire) {
                self.run.ledger.void(table.number);
                continue;
            }
            if self.has_moved(table, source, links) {
                plans.extend(self.again(table, source, links));
            }
        }
        plans
    }

    fn has_moved(&self, table: &TableRun, source: &mut Link<'_>, links: &mut [Link<'_>]) -> bool {
        if table.is_over() {
            return table.changed.load(Ordering::Acquire);
        }
        match pass::still_as_planned(self.run, table, source, links) {
            Ok(still) => !still,
            Err(error) => {
                let text = format!("whether {} was changed meanwhile cannot be told: {error}", table.plan.label);
                self.broken(table, Code::TableFailed, text);
                false
            }
        }
    }

    /// The plan of a table that moved; a table that is gone or restless is an error.
    fn again(&self, table: &TableRun, source: &mut Link<'_>, links: &mut [Link<'_>]) -> Option<ToDo> {
        let label = &table.plan.label;
        if self.run.past_deadline() {
            self.run.ledger.void(table.number);
            return None;
        }
        let entry = self.catalog.wanted(false).into_iter().find(|entry| entry.name == table.plan.name);
        match entry.map_or(Ok(Planned::Vanished), |entry| self.catalog.plan(entry, source, links, Say::News)) {
            Ok(Planned::Plan(plan)) if !self.last => return Some((*plan, Some(table.number))),
            Ok(Planned::Plan(_)) => {
                let text = format!("the definition of {label} changed again and again while it was compared");
                self.broken(table, Code::TableChanged, text);
            }
            Ok(Planned::Nowhere) => self.run.ledger.void(table.number),
            Ok(Planned::Vanished) => self.run.ledger.broken(table.number, vanished(label)),
            Err(error) => self.broken(table, Code::TableFailed, format!("{label} cannot be planned again: {error}")),
        }
        None
    }

    fn broken(&self, table: &TableRun, code: Code, message: String) {
        let failure = Failure::new(code, message).at(Some(&table.plan.label), None);
        self.run.ledger.broken(table.number, failure);
    }
}

fn vanished(label: &str) -> Failure {
    let text = format!("{label} was there at the start and is gone");
    Failure::new(Code::TableVanished, text).at(Some(label), None)
}
