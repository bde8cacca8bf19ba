//! The whole comparison: connect, look before leaping, read, resolve, sum up.

use crate::catalog::Catalog;
use crate::discover;
use crate::ledger::Ledger;
use crate::link::{Dial, Link};
use crate::options::{CompareOptions, ProofPolicy};
use crate::pass;
use crate::plan::TablePlan;
use crate::preflight::{self, Facts, Relation};
use crate::queue::Queue;
use crate::refusal::Refusal;
use crate::run::{Node, ReplicaNode, Run, TableRun};
use crate::sandwich::Fence;
use crate::state::{State, StateError, now_ms};
use crate::stop::Stop;
use crate::throttle::Gate;
use crate::throttle::pace::Pace;
use crate::window::Marks;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use vouch_report::{
    Code, Coverage, Event, Failure, Finding, Proof, ServerCoverage, ServerRole, Sink, Summary, Verdict,
};
use vouch_server::{Fault, Limits, May, PositionKind, Registry, Target};

/// What a comparison is given besides its options.
pub struct Runtime<'a> {
    /// Takes events as they happen.
    pub sink: &'a dyn Sink,
    /// The request to stop.
    pub stop: &'a Stop,
}

/// Times that a table whose definition changes is compared anew.
const PASSES: usize = 3;

/// Time that a stop gives the servers to end our statements.
const KILL_WITHIN: Duration = Duration::from_millis(500);

/// Compares a source with its replicas.
///
/// # Errors
/// A [`Refusal`] when nothing was looked at: wrong options, no connection, no
/// replica. Everything later is in the summary.
pub fn compare(options: &CompareOptions, runtime: &Runtime<'_>) -> Result<Summary, Refusal> {
    let registry = Arc::new(Registry::default());
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            runtime.stop.sleep_unless(Duration::MAX, || finished.load(Ordering::Acquire));
            if runtime.stop.requested().is_some() {
                registry.kill_all(KILL_WITHIN);
            }
        });
        let summary = Comparison::new(options, runtime, &registry).run();
        finished.store(true, Ordering::Release);
        runtime.stop.wake();
        killer.join().ok();
        summary
    })
}

struct Comparison<'a> {
    options: &'a CompareOptions,
    runtime: &'a Runtime<'a>,
    registry: &'a Arc<Registry>,
    started_ms: u64,
}

/// The servers after preflight.
struct Servers {
    source: Dial,
    source_facts: Facts,
    kind: PositionKind,
    binlog_proof: bool,
    replicas: Vec<(Dial, Facts, Relation)>,
}

impl<'a> Comparison<'a> {
    fn new(options: &'a CompareOptions, runtime: &'a Runtime<'a>, registry: &'a Arc<Registry>) -> Self {
        Comparison { options, runtime, registry, started_ms: now_ms() }
    }

    fn dial(&self, target: &Target) -> Dial {
        let limits = Limits::default();
        Dial { target: target.clone(), limits, registry: Arc::clone(self.registry), retry_for: self.options.retry_for }
    }

    fn run(&self) -> Result<Summary, Refusal> {
        let stop = self.runtime.stop;
        let early = Ledger::new(self.runtime.sink, Vec::new(), 0);
        let state = self.state()?;
        early.tell(&Event::RunStarted { command: "compare", run_id: state.id().to_owned(), at_ms: self.started_ms });
        let servers = self.servers(&early)?;
        let names = servers.replicas.iter().map(|(dial, ..)| dial.target.name().to_owned()).collect();
        let ledger = early.with_replicas(names, self.options.max_findings);
        self.preflight(&servers, &ledger);
        let run = self.assemble(&servers, ledger, state);
        let mut source = Link::new(servers.source.clone(), stop);
        let mut links: Vec<Link<'_>> =
            servers.replicas.iter().map(|(dial, ..)| Link::new(dial.clone(), stop)).collect();
        run.marks.take(&mut source);
        self.errant(&run, &mut source, &mut links);
        self.tables(&run, &mut source, &mut links)?;
        Ok(self.sum_up(run, &servers))
    }

    fn state(&self) -> Result<State, Refusal> {
        let fingerprint = self.options.fingerprint();
        let state = match &self.options.resume {
            Some(id) => State::resume(&self.options.state_dir, id, &fingerprint),
            None => {
                let (id, salt) = crate::run_id::fresh(self.started_ms);
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

    /// Connects to everybody and finds out how they stand to each other.
    fn servers(&self, ledger: &Ledger<'_>) -> Result<Servers, Refusal> {
        let stop = self.runtime.stop;
        let source = self.dial(&self.options.source);
        let mut link = Link::new(source.impatient(), stop);
        let refuse = |error| Refusal::server("source", &error);
        let source_facts = preflight::gather(&mut link).map_err(refuse)?;
        let kind = if self.options.replication {
            link.ask(|session| session.position_kind()).map_err(refuse)?
        } else {
            PositionKind::None
        };
        let binlog_proof = self.options.proof == ProofPolicy::Auto && self.can_prove(&mut link, kind);
        let targets = self.targets(&source, ledger)?;
        let mut replicas = Vec::new();
        for target in &targets {
            let dial = self.dial(target);
            match preflight::gather(&mut Link::new(dial.impatient(), stop)) {
                Ok(facts) => {
                    let relation = preflight::relation(&source_facts, &facts);
                    self.accept(target, relation, kind)?;
                    replicas.push((dial, facts, relation));
                }
                Err(error) if targets.len() == 1 || error.fault == Fault::Refused => {
                    return Err(Refusal::server("replica", &error));
                }
                Err(error) => ledger
                    .failure(Failure::new(Code::ReplicaUnreachable, error.to_string()).at(None, Some(target.name()))),
            }
        }
        Ok(Servers { source, source_facts, kind, binlog_proof, replicas })
    }

    fn can_prove(&self, link: &mut Link<'_>, kind: PositionKind) -> bool {
        let may = |answer: vouch_server::Result<May>| matches!(answer, Ok(May::Yes));
        kind != PositionKind::None
            && may(link.ask(|session| session.may_see_log_place()))
            && may(link.ask(|session| session.may_read_binlog()))
    }

    fn targets(&self, source: &Dial, ledger: &Ledger<'_>) -> Result<Vec<Target>, Refusal> {
        let targets = if self.options.replicas.is_empty() {
            discover::replicas(source, &self.options.discovery, self.runtime.stop, ledger)
                .map_err(|error| Refusal::server("source", &error))?
        } else {
            self.options.replicas.clone()
        };
        if targets.is_empty() && !ledger.has_failures() {
            return Err(Refusal::usage(
                format!("no replica of {} was found", source.target.name()),
                "name them with --replica; looking them up needs REPLICATION SLAVE or PROCESS on the source",
            ));
        }
        if let Some(expected) = self.options.expect_replicas.filter(|&expected| targets.len() < expected) {
            let message = format!("{} of {expected} expected replicas were found", targets.len());
            ledger
                .failure(Failure::new(Code::ReplicaMissing, message).with_hint("name the missing ones with --replica"));
        }
        Ok(targets)
    }

    /// Refuses servers that cannot be compared as a source and its replica.
    fn accept(&self, target: &Target, relation: Relation, kind: PositionKind) -> Result<(), Refusal> {
        let same_data = self.options.database_map.is_empty();
        let name = target.name();
        match relation {
            Relation::Itself if same_data => Err(Refusal::usage(
                format!("{name} is the source itself"),
                "name another server, or map databases with --map",
            )),
            Relation::None if self.options.replication => Err(Refusal::usage(
                format!("{name} is no replica: it replicates from nobody"),
                "say --no-replication to compare two servers that do not replicate",
            )),
            Relation::Indirect if self.options.replication && kind == PositionKind::FileOffset => Err(Refusal::usage(
                format!(
                    "{name} does not replicate from the source itself, and without GTIDs positions do not carry through"
                ),
                "compare it with the server that it replicates from, or say --no-replication",
            )),
            _ => Ok(()),
        }
    }

    fn preflight(&self, servers: &Servers, ledger: &Ledger<'_>) {
        let describe = |dial: &Dial, facts: &Facts, role| ServerCoverage {
            name: dial.target.name().to_owned(),
            role,
            flavor: facts.flavor().name().to_owned(),
            version: facts.identity.version.clone(),
            positions: servers.kind.name().to_owned(),
        };
        ledger.joined(describe(&servers.source, &servers.source_facts, ServerRole::Source));
        for (dial, facts, relation) in &servers.replicas {
            ledger.joined(describe(dial, facts, ServerRole::Replica));
            let name = dial.target.name();
            for remark in preflight::remarks(&servers.source_facts, facts) {
                ledger.notice(remark.code, Some(name), remark.message);
            }
            if *relation == Relation::Unknown && self.options.replication {
                ledger.notice(Code::LagUnknown, Some(name), "its replication status may not be read by the account");
            }
        }
        if self.options.replication && servers.kind == PositionKind::None {
            let text = "no position may be read, so differences are re-checked in time and are at best confirmed";
            ledger.notice(Code::NoPositions, Some(servers.source.target.name()), text);
        }
        if self.options.proof == ProofPolicy::Auto && !servers.binlog_proof {
            let text = "the binary log may not be read, so differences are confirmed by a second look, not proven";
            ledger.notice(Code::ProofUnavailable, Some(servers.source.target.name()), text);
        }
    }

    fn assemble<'r>(&'r self, servers: &Servers, ledger: Ledger<'r>, state: State) -> Run<'r> {
        let node = |dial: &Dial| Node {
            name: dial.target.name().to_owned(),
            dial: dial.clone(),
            gate: Gate::new(dial.target.name()),
        };
        let replica = |(dial, facts, _): &(Dial, Facts, Relation)| ReplicaNode {
            node: node(dial),
            fence: Fence {
                kind: servers.kind,
                channel: self.options.channel.clone().or_else(|| channel_from(&servers.source_facts, facts)),
                errant: String::new(),
                wait_timeout: self.options.wait_timeout + delay(facts),
            },
            chunks: Queue::default(),
            suspects: Queue::default(),
            waiting: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
        };
        Run {
            options: self.options,
            ledger,
            state,
            stop: self.runtime.stop,
            source: node(&servers.source),
            kind: servers.kind,
            binlog_proof: servers.binlog_proof,
            replicas: servers.replicas.iter().map(replica).collect(),
            pace: Pace::default(),
            marks: Marks::default(),
            deadline: self.options.throttle.run_time.map(|time| Instant::now() + time),
            readers_finished: AtomicBool::new(false),
            source_lost: AtomicBool::new(false),
            remembered: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// Looks for transactions that only a replica has.
    fn errant(&self, run: &Run<'_>, source: &mut Link<'_>, links: &mut [Link<'_>]) {
        if !matches!(run.kind, PositionKind::GtidSets | PositionKind::GtidDomains) {
            return;
        }
        for (replica, link) in run.replicas.iter().zip(links) {
            let Ok(history) = link.ask(|session| session.history()) else { continue };
            let mut errant = String::new();
            // What is being committed right now is listed a moment later.
            for _ in 0..5 {
                errant = source.ask(|session| session.errant_of(&history)).unwrap_or_default();
                if errant.is_empty() || self.runtime.stop.sleep(Duration::from_millis(100)) {
                    break;
                }
            }
            if !errant.is_empty() {
                let text = format!("the replica has transactions that the source never had: {errant}");
                let mut finding = Finding::new(Code::ErrantTransactions, text);
                finding.location.replica = Some(replica.node.name.clone());
                finding.proof = Some(Proof::Proven { how: "metadata".to_owned() });
                run.ledger.finding(finding);
            }
        }
    }

    /// Plans and reads all tables; those whose definition changed meanwhile, again.
    fn tables(&self, run: &Run<'_>, source: &mut Link<'_>, links: &mut [Link<'_>]) -> Result<(), Refusal> {
        let fences = run.replicas.iter().map(|replica| replica.fence.clone()).collect();
        let listed = Catalog::list(self.options, &run.ledger, fences, self.runtime.stop, source, links);
        let surveyed = listed.and_then(|catalog| {
            let plans = survey(&catalog, source, links)?;
            Ok((catalog, plans))
        });
        let (catalog, mut plans) = match surveyed {
            Ok(surveyed) => surveyed,
            Err(_) if self.runtime.stop.requested().is_some() => return Ok(()),
            Err(error) => return Err(Refusal::server("server", &error)),
        };
        let rows = plans.iter().map(|(plan, _)| plan.rows).sum();
        run.ledger.tell(&Event::Planned { tables: plans.len() as u64, rows, replicas: run.replicas.len() as u64 });
        for pass in 1..=PASSES {
            let tables = self.pass(run, plans, source);
            plans = self.again(run, &catalog, &tables, source, links, pass == PASSES);
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

    fn pass(&self, run: &Run<'_>, mut plans: Vec<Planned>, source: &mut Link<'_>) -> Vec<Arc<TableRun>> {
        plans.sort_by(|a, b| b.0.rows.cmp(&a.0.rows).then_with(|| a.0.label.cmp(&b.0.label)));
        let mut tables = Vec::new();
        for (plan, again) in plans {
            let number = run.ledger.enter(&plan, again);
            let label = plan.label.clone();
            match pass::prepare(run, plan, number, source) {
                Ok(table) => tables.push(table),
                Err(_) if self.runtime.stop.requested().is_some() => break,
                Err(error) => {
                    let message = format!("{label} cannot be compared: {error}");
                    run.ledger.broken(number, Failure::new(Code::TableFailed, message).at(Some(&label), None));
                }
            }
        }
        pass::run(run, &tables);
        tables
    }

    /// Plans anew the tables whose definition changed; gone and restless ones are failures.
    fn again(
        &self,
        run: &Run<'_>,
        catalog: &Catalog<'_>,
        tables: &[Arc<TableRun>],
        source: &mut Link<'_>,
        links: &mut [Link<'_>],
        last: bool,
    ) -> Vec<Planned> {
        let mut plans = Vec::new();
        for table in tables {
            if run.is_over() {
                break;
            }
            let moved = table.changed.load(Ordering::Acquire)
                || (!table.is_over() && matches!(pass::still_as_planned(table, source), Ok(false)));
            if !moved {
                continue;
            }
            let entry = catalog.wanted(false).into_iter().find(|entry| entry.name == table.plan.name);
            let plan = entry.and_then(|entry| catalog.plan(entry, source, links, false).ok().flatten());
            match plan.filter(|plan| !plan.definition.columns.is_empty()) {
                Some(plan) if !last => plans.push((plan, Some(table.number))),
                found => self.restless(run, table, found.is_some()),
            }
        }
        plans
    }

    fn restless(&self, run: &Run<'_>, table: &TableRun, exists: bool) {
        let label = &table.plan.label;
        let (code, message) = if exists {
            (Code::TableChanged, format!("the definition of {label} changed again and again while it was compared"))
        } else {
            (Code::TableVanished, format!("{label} was there at the start and is gone"))
        };
        run.ledger.broken(table.number, Failure::new(code, message).at(Some(label), None));
    }

    fn sum_up(&self, run: Run<'_>, servers: &Servers) -> Summary {
        let interrupted = self.runtime.stop.requested();
        let run_id = run.state.id().to_owned();
        let closed = run.ledger.close();
        let mut errors = closed.errors;
        errors.extend(nothing_compared(&closed.tables, servers));
        let verdict = Verdict::of(&closed.findings, &errors, interrupted);
        let coverage = Coverage {
            servers: closed.servers,
            tables: closed.tables,
            pauses: closed.pauses,
            resumed_chunks: closed.resumed,
            ..Coverage::default()
        };
        let summary = Summary {
            command: "compare",
            run_id,
            started_ms: self.started_ms,
            finished_ms: now_ms(),
            verdict,
            coverage,
            findings: closed.findings,
            skips: closed.skips,
            errors,
            notices: closed.notices,
        };
        self.runtime.sink.emit(&Event::RunFinished(Box::new(summary.clone())));
        summary
    }
}

/// A plan, and the number of its table in the ledger where it is made anew.
type Planned = (TablePlan, Option<usize>);

/// Plans every table that takes part, and says what is left out or missing.
fn survey(catalog: &Catalog<'_>, source: &mut Link<'_>, links: &mut [Link<'_>]) -> vouch_server::Result<Vec<Planned>> {
    catalog.report_unknown();
    catalog.report_replica_only(source)?;
    let mut plans = Vec::new();
    for entry in catalog.wanted(true) {
        plans.extend(catalog.plan(entry, source, links, true)?.map(|plan| (plan, None)));
    }
    Ok(plans)
}

/// The time by which a replica is delayed on purpose.
fn delay(replica: &Facts) -> Duration {
    Duration::from_secs(replica.channels().iter().map(|channel| channel.delay_s).max().unwrap_or(0))
}

/// A run that compared no table at all must not look clean.
fn nothing_compared(tables: &[vouch_report::TableCoverage], servers: &Servers) -> Option<Failure> {
    (tables.is_empty() || servers.replicas.is_empty()).then(|| {
        Failure::new(Code::TableUnknown, "no table was compared: nothing matches the filters, or nothing may be seen")
            .with_hint("loosen the filters, or grant SELECT")
    })
}

/// The replica's channel from this source, where it has several.
fn channel_from(source: &Facts, replica: &Facts) -> Option<String> {
    let channels = replica.channels();
    if channels.len() < 2 {
        return None;
    }
    let from = |channel: &&vouch_server::ReplicaStatus| {
        (!source.identity.uuid.is_empty() && channel.source_uuid == source.identity.uuid)
            || channel.source_id == source.identity.server_id
    };
    channels.iter().find(from).map(|channel| channel.channel.clone())
}
