//! Resolves differences seen at first sight: in flight, hot, or drift that is
//! confirmed or proven. Nothing is reported before it went through here.

use crate::case::{Case, Step};
use crate::drift;
use crate::facts::Scope;
use crate::fence::Fence;
use crate::finding::{self, Seen};
use crate::link::Link;
use crate::options::ProofPolicy;
use crate::proof;
use crate::queue::Popped;
use crate::run::{ReplicaNode, Run, Suspects};
use crate::sandwich::{Bread, Layers};
use crate::window::{self, Motion};
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use vouch_convert::widen;
use vouch_report::{Code, Event, Failure, Location, Proof};
use vouch_server::Result;

/// Open rows beyond which no more are taken on: memory is bounded, however much differs.
const ENOUGH_ROWS: usize = 100_000;

/// Findings of one case that are held in memory.
const KEPT_AT_ONCE: usize = 1_000;

/// The resolver of one replica.
pub struct Resolver<'a, 'r> {
    run: &'a Run<'r>,
    at: usize,
    replica: &'a ReplicaNode,
    fence: Fence,
    source: Link<'a>,
    theirs: Link<'a>,
    cases: Vec<Case>,
}

impl<'a, 'r> Resolver<'a, 'r> {
    /// A resolver with connections of its own.
    pub fn new(run: &'a Run<'r>, at: usize, replica: &'a ReplicaNode) -> Self {
        Resolver {
            run,
            at,
            replica,
            fence: replica.fence.clone(),
            source: Link::new(run.source.dial.clone(), run.stop),
            theirs: Link::new(replica.node.dial.clone(), run.stop),
            cases: Vec::new(),
        }
    }

    /// Works until no more differences come and all are decided.
    pub fn work(mut self) {
        loop {
            match self.more() {
                Popped::Item(suspects) => self.cases.push(Case::new(suspects)),
                Popped::Over if self.cases.is_empty() => break,
                Popped::Over | Popped::Nothing => {}
            }
            if self.gave_up() {
                self.cases.clear();
                continue;
            }
            self.next_case();
        }
        self.run.note_reconnects(&self.source);
        self.run.note_reconnects(&self.theirs);
    }

    /// Takes more differences, unless there is enough to do.
    fn more(&self) -> Popped<Suspects> {
        if self.cases.iter().map(Case::open).sum::<usize>() > ENOUGH_ROWS {
            return Popped::Nothing;
        }
        let idle = Duration::from_millis(if self.cases.is_empty() { 500 } else { 0 });
        self.replica.suspects.pop_within(idle)
    }

    fn gave_up(&self) -> bool {
        let lost = self.replica.lost.load(Ordering::Acquire) || self.run.source_lost.load(Ordering::Acquire);
        lost || self.run.stop.requested().is_some()
    }

    /// Works on the case that is due first, or naps until it is.
    fn next_case(&mut self) {
        let Some((at, due)) =
            self.cases.iter().enumerate().map(|(at, case)| (at, case.due)).min_by_key(|(_, due)| *due)
        else {
            return;
        };
        let wait = due.saturating_duration_since(Instant::now());
        if !wait.is_zero() {
            self.run.stop.sleep(wait.min(Duration::from_millis(50)));
            return;
        }
        let mut case = self.cases.swap_remove(at);
        if case.table.is_over() {
            return;
        }
        match self.round(&mut case) {
            Ok(Step::Done) => self.close(case),
            Ok(Step::Again) => self.cases.push(case),
            Ok(Step::TooLate) => self.too_late(&case),
            Err(error) if error.server == self.run.source.name => self.run.source_failed(&case.table, &error),
            Err(error) => self.run.replica_failed(&case.table, self.at, &error),
        }
    }

    /// One sandwich over every open row of a case.
    fn round(&mut self, case: &mut Case) -> Result<Step> {
        if self.run.binlog_proof {
            // At the very start of a run a moment's patience saves a second look.
            self.run.stop.sleep(self.run.marks.ready_in());
        }
        let started = Instant::now();
        self.run.ledger.tell(&Event::Resolving {
            table: case.table.plan.label.clone(),
            replica: self.replica.node.name.clone(),
            keys: widen(case.open()),
        });
        let mut standing: Vec<Seen> = Vec::new();
        for scope in case.scopes() {
            let Some(layers) = self.sandwich(case, &scope)? else { return Ok(Step::TooLate) };
            let differing = case.digest(&layers, &scope);
            let locked = self.locked(case, &layers, &scope, &differing)?;
            standing.extend(differing.into_iter().map(|identity| Seen::new(identity, &layers, &locked)));
        }
        self.hold_against_binlog(case, started, &mut standing);
        if self.definition_changed(case)? {
            case.table.mark_changed();
            return Ok(Step::Again);
        }
        for seen in standing {
            let confirmed = || case.confirm(&seen, self.run.options.confirm_after).then_some(Proof::Confirmed);
            if let Some(proof) = seen.proof.clone().or_else(confirmed) {
                self.accuse(case, &seen, proof);
            }
        }
        self.abandon_hot(case);
        Ok(case.next_step(self.run.options.confirm_after))
    }

    fn sandwich(&mut self, case: &Case, scope: &Scope) -> Result<Option<Layers>> {
        let Some(reading) = case.table.plan.replicas.get(self.at).and_then(Option::as_ref) else { return Ok(None) };
        let mut bread = Bread {
            source: &mut self.source,
            replica: &mut self.theirs,
            plan: &case.table.plan,
            reading,
            salt: self.run.state.salt(),
            show: self.run.options.show_values,
        };
        bread.layers(scope, &mut self.fence, self.run.stop)
    }

    /// What a shared lock proves, if that was asked for.
    fn locked(
        &mut self,
        case: &Case,
        layers: &Layers,
        scope: &Scope,
        differing: &[Vec<u8>],
    ) -> Result<HashSet<Vec<u8>>> {
        let reading = case.table.plan.replicas.get(self.at).and_then(Option::as_ref);
        let (ProofPolicy::Lock, Scope::Keys(keys), Some(reading)) = (self.run.options.proof, scope, reading) else {
            return Ok(HashSet::new());
        };
        let wanted: HashSet<&Vec<u8>> = differing.iter().collect();
        let keys: Vec<_> =
            keys.iter().filter(|key| wanted.contains(&crate::encode::encode(key.iter()))).cloned().collect();
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        let task =
            proof::LockTask { plan: &case.table.plan, reading, layers, keys: &keys, salt: self.run.state.salt() };
        proof::by_lock(&mut self.source, &mut self.theirs, &task, &self.fence, self.run.stop)
    }

    /// Asks the binlog about rows that differ: those that stood still are proven. Those that moved, or of which that
    /// cannot be told, are no longer standing but hot: a row that changes and changes back looks like drift each time.
    fn hold_against_binlog(&mut self, case: &mut Case, started: Instant, standing: &mut Vec<Seen>) {
        if !self.run.binlog_proof || standing.is_empty() {
            return;
        }
        let motions = match self.run.marks.before(started) {
            Some(from) => {
                let filter = &self.run.log_filter;
                window::motions(&mut self.source, &case.table.plan, self.at, &from, filter, standing)
            }
            None => vec![Motion::Unclear("the end of the binlog could not be asked for".to_owned()); standing.len()],
        };
        let mut motions = motions.into_iter();
        standing.retain_mut(|seen| match motions.next() {
            Some(Motion::Still) => {
                seen.proof = Some(Proof::Proven { how: "binlog window".to_owned() });
                true
            }
            Some(Motion::Unlogged) => true,
            Some(Motion::Moved) => {
                case.moved(&seen.identity, None);
                false
            }
            Some(Motion::Unclear(why)) => {
                case.moved(&seen.identity, Some(why));
                false
            }
            None => {
                case.moved(&seen.identity, Some("the binlog said nothing of it".to_owned()));
                false
            }
        });
    }

    /// Looks at the table's definition again before anybody is accused.
    fn definition_changed(&mut self, case: &Case) -> Result<bool> {
        let plan = &case.table.plan;
        let ours = self.source.ask(|session| session.definition(&plan.name))?;
        let planned = plan.replica_definitions.get(self.at).and_then(Option::as_ref);
        let reading = plan.replicas.get(self.at).and_then(Option::as_ref);
        let (Some(planned), Some(reading)) = (planned, reading) else { return Ok(false) };
        let theirs = self.theirs.ask(|session| session.definition(&reading.table))?;
        Ok(!drift::same_definition(&ours, &plan.definition) || !drift::same_definition(&theirs, planned))
    }

    fn accuse(&mut self, case: &mut Case, seen: &Seen, proof: Proof) {
        let finding = finding::of(&case.table.plan, &self.replica.node.name, seen, &proof);
        case.count(&finding);
        self.run.ledger.row_finding(case.table.number, self.at, &finding);
        case.findings.push(finding);
        case.settle(&seen.identity);
        if case.findings.len() >= KEPT_AT_ONCE {
            self.keep(case);
        }
    }

    /// Writes findings away before the chunk is decided: a whole table may differ.
    fn keep(&self, case: &mut Case) {
        let (label, replica) = (&case.table.plan.label, &self.replica.node.name);
        self.run.note_state(self.run.state.keep(label, case.id, replica, &case.findings));
        case.findings.clear();
    }

    /// Rows that kept moving until the deadline are unproven: said, and never called drift.
    fn abandon_hot(&mut self, case: &mut Case) {
        if case.started.elapsed() < self.run.options.hot_deadline {
            return;
        }
        let hot = case.give_up_hot();
        if hot.is_empty() {
            return;
        }
        self.run.ledger.unproven(case.table.number, self.at, widen(hot.len()));
        let (doubted, moving): (Vec<_>, Vec<_>) = hot.into_iter().partition(|(_, doubt)| doubt.is_some());
        let seconds = self.run.options.hot_deadline.as_secs_f64();
        if let Some((identity, _)) = moving.first() {
            let message = format!("{} keys of {{}} kept changing for {seconds} s and are unproven", moving.len());
            let hint = "run again at a quieter time, or raise --hot-deadline";
            self.unproven(case, identity, Code::KeyHot, &message, hint);
        }
        if let Some((identity, Some(why))) = doubted.first() {
            let rows = doubted.len();
            let message = format!("whether {rows} rows of {{}} that differ changed meanwhile cannot be told: {why}");
            let hint = "run again when no such statement is logged; --proof none goes without the binlog";
            self.unproven(case, identity, Code::RowUnclear, &message, hint);
        }
    }

    /// Reports rows of a case that were given up; `{}` in the message stands for the table.
    fn unproven(&self, case: &Case, identity: &[u8], code: Code, message: &str, hint: &str) {
        let (table, replica) = (&case.table.plan.label, &self.replica.node.name);
        let mut failure = Failure::new(code, message.replacen("{}", table, 1)).with_hint(hint);
        let key = finding::key_of(&case.table.plan, identity, None);
        failure.location =
            Location { table: Some(table.clone()), replica: Some(replica.clone()), key, ..Location::default() };
        self.run.ledger.failure(failure);
    }

    fn too_late(&mut self, case: &Case) {
        let keys = widen(case.open());
        self.run.ledger.unproven(case.table.number, self.at, keys);
        let message = format!("{} did not apply the source's position in time", self.replica.node.name);
        self.run.give_up(self.replica, message, Code::LagTimeout);
    }

    fn close(&mut self, case: Case) {
        let label = &case.table.plan.label;
        if case.unproven == 0 {
            let state = &self.run.state;
            self.run.note_state(state.decide(label, case.id, &self.replica.node.name, &case.outcome, &case.findings));
        }
        let (table, replica) = (label.clone(), self.replica.node.name.clone());
        self.run.ledger.tell(&Event::Resolving { table, replica, keys: 0 });
        self.run.ledger.decided(case.table.number, self.at, label, &case.outcome, false);
    }
}
