//! Reads chunks on a replica and holds them against the source's.

use crate::digest::BUCKETS;
use crate::encode;
use crate::facts::Scope;
use crate::fence::Fenced;
use crate::link::Link;
use crate::read::{self, ChunkFacts, Method, Task};
use crate::run::{ReplicaNode, Run, Suspects, WorkItem};
use crate::state::Outcome;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use vouch_convert::unix_ms;
use vouch_report::Code;
use vouch_server::{Bound, Extent, Reading, Result, Value};

/// Chunks with differences that may wait to be resolved.
const UNRESOLVED: usize = 3;

/// One reader of a replica.
pub struct ReplicaReader<'a, 'r> {
    run: &'a Run<'r>,
    at: usize,
    replica: &'a ReplicaNode,
    link: Link<'a>,
    source: Link<'a>,
}

impl<'a, 'r> ReplicaReader<'a, 'r> {
    /// A reader with connections of its own; that to the source is made only when needed.
    pub fn new(run: &'a Run<'r>, at: usize, replica: &'a ReplicaNode) -> Self {
        let link = Link::new(replica.node.dial.clone(), run.stop);
        ReplicaReader { run, at, replica, link, source: Link::new(run.source.dial.clone(), run.stop) }
    }

    /// Takes chunks until there are no more.
    pub fn work(mut self) {
        while let Some(item) = self.replica.chunks.pop() {
            if item.table.is_over() || self.gave_up() {
                continue;
            }
            if let Err(error) = self.chunk(&item) {
                self.run.replica_failed(&item.table, self.at, &error);
            }
        }
        self.run.note_reconnects(&self.link);
    }

    fn gave_up(&self) -> bool {
        self.replica.lost.load(Ordering::Acquire) || self.run.stop.requested().is_some()
    }

    fn chunk(&mut self, item: &Arc<WorkItem>) -> Result<()> {
        if !self.reach(item)? {
            return Ok(());
        }
        let Some(reading) = item.table.plan.replicas.get(self.at).and_then(Option::as_ref) else { return Ok(()) };
        let theirs = self.read(item, reading, item.method)?;
        let outcome = self.outcome(item, &theirs);
        if item.facts.equals(&theirs) {
            self.equal(item, &outcome);
            return Ok(());
        }
        match self.suspects(item, reading, theirs)? {
            // What differed at first sight was a change in flight that has arrived.
            None => self.equal(item, &outcome),
            Some(scope) => self.replica.suspects.push(Suspects {
                table: Arc::clone(&item.table),
                id: item.id,
                interval: item.interval.clone(),
                scope,
                outcome,
            }),
        }
        Ok(())
    }

    /// Waits while many differences wait to be resolved: memory is bounded.
    fn let_resolver_keep_up(&self) {
        while self.replica.suspects.len() > UNRESOLVED && !self.gave_up() {
            self.run.stop.sleep(Duration::from_millis(2));
        }
    }

    /// Waits at the gate and for the source's position. False when the replica is given up.
    fn reach(&mut self, item: &WorkItem) -> Result<bool> {
        self.let_resolver_keep_up();
        self.replica.waiting.fetch_add(1, Ordering::AcqRel);
        let passed = self.replica.node.gate.pass(self.run.stop);
        let fenced = if passed {
            self.replica.fence.wait(&mut self.link, &item.position, self.run.stop)
        } else {
            Ok(Fenced::TooLate)
        };
        self.replica.waiting.fetch_sub(1, Ordering::AcqRel);
        match fenced? {
            Fenced::Reached => Ok(true),
            Fenced::TooLate if !passed => Ok(false),
            Fenced::TooLate => {
                let limit = self.run.options.wait_timeout.as_secs_f64();
                let message =
                    format!("{} did not apply the source's position within {limit} s", self.replica.node.name);
                self.run.give_up(self.replica, message, Code::LagTimeout);
                Ok(false)
            }
        }
    }

    fn read(&mut self, item: &WorkItem, reading: &Reading, method: Method) -> Result<ChunkFacts> {
        let (plan, salt) = (&item.table.plan, self.run.state.salt());
        let remember = item.facts.rowset.is_some() || method != item.method;
        self.link.ask(|session| {
            let task = Task { plan, reading, interval: &item.interval, extent: item.extent, method, remember, salt };
            read::chunk(session, task)
        })
    }

    fn outcome(&self, item: &WorkItem, theirs: &ChunkFacts) -> Outcome {
        Outcome {
            source_rows: item.facts.rows,
            source_bytes: item.facts.bytes,
            rows: theirs.rows,
            position: item.position.to_string(),
            at_ms: unix_ms(),
            digest: item.facts.digest.to_bytes(),
            ..Outcome::default()
        }
    }

    fn equal(&self, item: &WorkItem, outcome: &Outcome) {
        let label = &item.table.plan.label;
        self.run.note_state(self.run.state.decide(label, item.id, &self.replica.node.name, outcome, &[]));
        self.run.ledger.decided(item.table.number, self.at, label, outcome, true);
    }

    /// Narrows a chunk that differs to rows. `None` when nothing differs any more.
    fn suspects(&mut self, item: &WorkItem, reading: &Reading, theirs: ChunkFacts) -> Result<Option<Scope>> {
        if let (Some(ours), Some(theirs)) = (&item.facts.rowset, &theirs.rowset) {
            return Ok(self.by_identity(item, ours.differing(theirs)));
        }
        if let (Some(ours), Some(theirs)) = (&item.facts.buckets, &theirs.buckets) {
            return Ok(in_buckets(item, ours.differing(theirs)));
        }
        let (ours, theirs) = self.read_again(item, reading)?;
        match (&ours.rowset, &theirs.rowset) {
            (Some(ours), Some(theirs)) => Ok(self.by_identity(item, ours.differing(theirs))),
            _ => Ok(in_buckets(item, vec![true; BUCKETS])),
        }
    }

    /// Streams the chunk on both sides, remembering rows.
    fn read_again(&mut self, item: &WorkItem, reading: &Reading) -> Result<(ChunkFacts, ChunkFacts)> {
        let (plan, salt) = (&item.table.plan, self.run.state.salt());
        let task = Task {
            plan,
            reading: &plan.reading,
            interval: &item.interval,
            extent: item.extent,
            method: Method::Stream,
            remember: true,
            salt,
        };
        let ours = self.source.ask(|session| read::chunk(session, task))?;
        let theirs = self.link.ask(|session| read::chunk(session, Task { reading, ..task }))?;
        Ok((ours, theirs))
    }

    fn by_identity(&self, item: &WorkItem, identities: Vec<Vec<u8>>) -> Option<Scope> {
        if identities.is_empty() {
            return None;
        }
        // Rows whose keys cannot be named are found by their identities: none of them may fall out.
        let keys: Option<Vec<Bound>> = identities.iter().map(|identity| encode::decode(identity)).collect();
        let Some(mut keys) = keys.filter(|_| item.table.plan.key.unique) else {
            let unhurried = item.extent == Extent::AllUnhurried;
            let wanted = identities.into_iter().collect();
            return Some(Scope::Identities { interval: item.interval.clone(), unhurried, wanted });
        };
        keys.sort_by(|a, b| compare(a, b));
        Some(Scope::Keys(keys))
    }
}

/// An order that is good to read in; nothing depends on it.
fn compare(a: &[Value], b: &[Value]) -> std::cmp::Ordering {
    match (a.first(), b.first()) {
        (Some(Value::Int(x)), Some(Value::Int(y))) => x.cmp(y),
        _ => encode::encode(a).cmp(&encode::encode(b)),
    }
}

fn in_buckets(item: &WorkItem, marked: Vec<bool>) -> Option<Scope> {
    let unhurried = item.extent == Extent::AllUnhurried;
    marked.contains(&true).then(|| Scope::Buckets { interval: item.interval.clone(), unhurried, marked })
}
