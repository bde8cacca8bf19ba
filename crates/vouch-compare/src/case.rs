//! The rows of one chunk that are under suspicion, and what is known about each.

use crate::chunk::chunker::ChunkId;
use crate::digest::RowDigest;
use crate::encode;
use crate::facts::{RowFacts, Scope};
use crate::finding::Seen;
use crate::run::{Suspects, TableRun};
use crate::sandwich::{Layers, Taste};
use crate::state::Outcome;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vouch_convert::{to_size, widen};
use vouch_report::{Code, Finding};
use vouch_server::Interval;

/// What both sides had: count and digest, or nothing.
pub type Pair = (Option<(u64, RowDigest)>, Option<(u64, RowDigest)>);

/// What is known about a row that is not decided yet.
#[derive(Clone, Debug, Default)]
struct Suspicion {
    /// The pair that stood in earlier sandwiches: since when, how often.
    stood: Option<Standing>,
    /// The last sandwich found it moving.
    hot: bool,
    /// Why the last window did not tell whether it moved, where that is so.
    doubt: Option<String>,
    /// No look-up by key found it anywhere: it is looked for among all rows of its chunk.
    nowhere: bool,
}

#[derive(Clone, Debug)]
struct Standing {
    pair: Pair,
    last: Instant,
    times: u32,
}

/// Sandwiches in a row that must agree before a difference is confirmed: where
/// nothing moves, and where rows around it do, so that agreement may be chance.
const TIMES_AT_REST: u32 = 2;
const TIMES_IN_MOTION: u32 = 8;

/// What to do with a case after a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Every row is decided.
    Done,
    /// Some are not: another round when it is due.
    Again,
    /// The replica did not apply a position in time.
    TooLate,
}

/// The open rows of one chunk on one replica.
pub struct Case {
    /// The table.
    pub table: Arc<TableRun>,
    /// The chunk.
    pub id: ChunkId,
    /// When it was opened.
    pub started: Instant,
    /// When it should be looked at again.
    pub due: Instant,
    /// What is known of the chunk.
    pub outcome: Outcome,
    /// What was found and is not in the state yet.
    pub findings: Vec<Finding>,
    /// Rows that were given up.
    pub unproven: u64,
    interval: Interval,
    unhurried: bool,
    first_scope: Option<Scope>,
    rows: BTreeMap<Vec<u8>, Suspicion>,
    in_motion: bool,
    backoff: Duration,
}

/// Keys of one statement: many, but not of wide rows, and no more parameters
/// than a statement may have.
const KEYS_AT_ONCE: usize = 512;
const BYTES_AT_ONCE: u64 = 4 << 20;

/// Rows of buckets that are looked at together.
const ROWS_AT_ONCE: usize = 50_000;

impl Case {
    /// A case about suspects of a chunk.
    pub fn new(suspects: Suspects) -> Self {
        let unhurried = match &suspects.scope {
            Scope::Keys(_) => false,
            Scope::Buckets { unhurried, .. } | Scope::Identities { unhurried, .. } => *unhurried,
        };
        let rows = match &suspects.scope {
            Scope::Keys(keys) => keys.iter().map(|key| (encode::encode(key), Suspicion::default())).collect(),
            Scope::Identities { wanted, .. } => wanted.iter().map(|id| (id.clone(), Suspicion::default())).collect(),
            Scope::Buckets { .. } => BTreeMap::new(),
        };
        let first_scope = matches!(suspects.scope, Scope::Buckets { .. }).then_some(suspects.scope);
        let now = Instant::now();
        Case {
            table: suspects.table,
            id: suspects.id,
            started: now,
            due: now,
            outcome: suspects.outcome,
            findings: Vec::new(),
            unproven: 0,
            interval: suspects.interval,
            unhurried,
            first_scope,
            rows,
            in_motion: false,
            backoff: Duration::from_millis(20),
        }
    }

    /// Rows that are not decided.
    pub fn open(&self) -> usize {
        self.rows.len()
    }

    /// What to read in the next round.
    pub fn scopes(&mut self) -> Vec<Scope> {
        if let Some(scope) = self.first_scope.take() {
            return self.sliced(scope);
        }
        if !self.table.plan.key.unique {
            return vec![self.among_all(self.rows.keys().cloned().collect())];
        }
        let width = self.outcome.source_bytes / self.outcome.source_rows.max(1);
        let by_bytes = usize::try_from(BYTES_AT_ONCE / width.max(1)).unwrap_or(KEYS_AT_ONCE);
        let by_parameters = 60_000 / self.table.plan.key.columns.len().max(1);
        let size = KEYS_AT_ONCE.min(by_bytes).min(by_parameters).max(1);
        // A row whose key cannot be named is looked for among all, like one that stood nowhere: none may fall out.
        let mut keys = Vec::new();
        let mut among_all = HashSet::new();
        for (identity, suspicion) in &self.rows {
            match encode::decode(identity).filter(|_| !suspicion.nowhere) {
                Some(key) => keys.push(key),
                None => drop(among_all.insert(identity.clone())),
            }
        }
        let mut scopes: Vec<Scope> = keys.chunks(size).map(|keys| Scope::Keys(keys.to_vec())).collect();
        if !among_all.is_empty() {
            scopes.push(self.among_all(among_all));
        }
        scopes
    }

    /// A scope of many buckets as several of few, so that the rows of one fit into memory.
    fn sliced(&self, scope: Scope) -> Vec<Scope> {
        let Scope::Buckets { interval, unhurried, marked } = scope else { return vec![scope] };
        let rows = self.outcome.source_rows.max(self.outcome.rows);
        let rows_of_one = to_size(rows) / marked.len().max(1);
        let at_once = (ROWS_AT_ONCE / rows_of_one.max(1)).max(1);
        let all: Vec<usize> = marked.iter().enumerate().filter(|(_, marked)| **marked).map(|(at, _)| at).collect();
        let slice = |some: &[usize]| Scope::Buckets {
            interval: interval.clone(),
            unhurried,
            marked: (0..marked.len()).map(|at| some.contains(&at)).collect(),
        };
        all.chunks(at_once).map(slice).collect()
    }

    /// Takes in a sandwich: forgets rows that were in flight, marks the hot ones,
    /// and returns those that differ while the source stood still.
    pub fn digest(&mut self, layers: &Layers, scope: &Scope) -> Vec<Vec<u8>> {
        let mut differing = Vec::new();
        for identity in self.looked_at(layers, scope) {
            let taste = layers.taste(&identity);
            // A bucket holds rows that nobody ever suspected, too.
            self.in_motion |= taste == Taste::InFlight && self.rows.contains_key(&identity);
            match taste {
                // Deleted everywhere meanwhile, or a key that the server does not
                // find by its own value: no reason to call it equal yet.
                Taste::InFlight if matches!(scope, Scope::Keys(_)) && layers.is_nowhere(&identity) => {
                    self.rows.entry(identity).or_default().nowhere = true;
                }
                Taste::InFlight => {
                    if self.rows.remove(&identity).is_some() {
                        self.outcome.in_flight = self.outcome.in_flight.saturating_add(1);
                    }
                }
                Taste::Hot => self.moved(&identity, None),
                Taste::Differs => {
                    self.rows.entry(identity.clone()).or_default().hot = false;
                    differing.push(identity);
                }
            }
        }
        differing
    }

    fn looked_at(&self, layers: &Layers, scope: &Scope) -> BTreeSet<Vec<u8>> {
        match scope {
            Scope::Keys(keys) => keys.iter().map(encode::encode).collect(),
            Scope::Identities { wanted, .. } => wanted.iter().cloned().collect(),
            Scope::Buckets { .. } => {
                let all = [&layers.before, &layers.replica, &layers.after];
                all.into_iter().flat_map(|facts| facts.keys().cloned()).collect()
            }
        }
    }

    fn among_all(&self, wanted: HashSet<Vec<u8>>) -> Scope {
        Scope::Identities { interval: self.interval.clone(), unhurried: self.unhurried, wanted }
    }

    /// The row was changed around the last sandwich, or may have been for the reason of `doubt`: whatever stood before
    /// counts no more.
    pub fn moved(&mut self, identity: &[u8], doubt: Option<String>) {
        self.in_motion = true;
        let suspicion = self.rows.entry(identity.to_vec()).or_default();
        suspicion.stood = None;
        suspicion.hot = true;
        suspicion.doubt = doubt;
    }

    /// Whether a row that differs stood just so in enough earlier sandwiches, each
    /// at least `apart` from the one before; this one is noted.
    pub fn confirm(&mut self, seen: &Seen, apart: Duration) -> bool {
        let mark = |facts: &Option<RowFacts>| facts.as_ref().map(RowFacts::mark);
        let pair = (mark(&seen.source), mark(&seen.replica));
        let needed = if self.in_motion { TIMES_IN_MOTION } else { TIMES_AT_REST };
        let suspicion = self.rows.entry(seen.identity.clone()).or_default();
        let now = Instant::now();
        match &mut suspicion.stood {
            Some(standing) if standing.pair == pair => {
                if standing.last.elapsed() >= apart {
                    standing.times = standing.times.saturating_add(1);
                    standing.last = now;
                }
                standing.times >= needed
            }
            other => {
                // A replica that is itself written to must not keep us for ever.
                suspicion.hot = other.is_some();
                *other = Some(Standing { pair, last: now, times: 1 });
                false
            }
        }
    }

    /// The row is decided.
    pub fn settle(&mut self, identity: &[u8]) {
        self.rows.remove(identity);
    }

    /// Counts a finding in the chunk's outcome.
    pub fn count(&mut self, finding: &Finding) {
        let outcome = &mut self.outcome;
        let counter = match finding.code {
            Code::RowSourceOnly => &mut outcome.source_only,
            Code::RowReplicaOnly => &mut outcome.replica_only,
            _ => &mut outcome.changed,
        };
        *counter = counter.saturating_add(finding.count);
    }

    /// Gives up the rows that were moving when last looked at, each with the doubt about it.
    pub fn give_up_hot(&mut self) -> Vec<(Vec<u8>, Option<String>)> {
        let hot = self.rows.iter().filter(|(_, suspicion)| suspicion.hot);
        let hot: Vec<_> = hot.map(|(identity, suspicion)| (identity.clone(), suspicion.doubt.clone())).collect();
        for (identity, _) in &hot {
            self.rows.remove(identity);
        }
        self.unproven = self.unproven.saturating_add(widen(hot.len()));
        hot
    }

    /// Whether another round is needed, and when.
    pub fn next_step(&mut self, confirm_after: Duration) -> Step {
        if self.rows.is_empty() {
            return Step::Done;
        }
        let soon =
            self.rows.values().any(|suspicion| suspicion.hot || (suspicion.nowhere && suspicion.stood.is_none()));
        let pause = if soon { self.backoff.min(confirm_after) } else { confirm_after };
        self.backoff = (self.backoff * 2).min(Duration::from_secs(1));
        self.due = Instant::now() + pause;
        Step::Again
    }
}
