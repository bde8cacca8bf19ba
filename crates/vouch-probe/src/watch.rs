//! Nodes watched all the time: [`Watch`] keeps a worker for each and a judge for all.
//!
//! Invariant: a worker that hangs delays nobody. The judge never waits for one; it
//! looks at what each has finished and for how long it has been at what it does.

use crate::collect::{Collector, NodeSpec, Phase};
use crate::facts::{Facts, NodeFacts, Reach};
use crate::history::History;
use crate::maintenance::Maintenance;
use crate::memory::Moment;
use crate::policy::Policy;
use crate::verdict::verdict;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use vouch_convert::{millis, to_size, unix_ms, widen};
use vouch_report::health::{Board, Transition};

/// Changes that a board shows.
const TRANSITIONS: usize = 50;
/// Changes whose facts are kept, to be looked into.
const MOMENTS: usize = 20;
/// The judge looks at least this often.
const TICK: Duration = Duration::from_millis(50);
/// The judge rests this many times as long as it has judged: many nodes must not cost a core.
const REST: u32 = 20;
/// Workers of one node that may hang before no more are started in their place.
const HANGING: usize = 3;
/// A worker that is this many deadlines late is replaced.
const GIVE_UP: u64 = 10;
/// How often a comparison's result is read again.
const DRIFT_EVERY: Duration = Duration::from_secs(10);

/// Rows that a comparison found to differ, by the name of the server's address.
pub type DriftSource = Box<dyn Fn() -> BTreeMap<String, u64> + Send + Sync>;

/// What is watched, and how.
pub struct Plan {
    /// The nodes.
    pub nodes: Vec<NodeSpec>,
    /// The thresholds.
    pub policy: Policy,
    /// Time from the beginning of a look to that of the next.
    pub interval: Duration,
    /// Time that a look may take until it counts as stalled.
    pub deadline: Duration,
    /// The node that is meant when none is named.
    pub own: Option<String>,
    /// Who is kept out by an operator.
    pub maintenance: Maintenance,
    /// What a comparison found.
    pub drift: Option<DriftSource>,
}

/// Watches nodes until it is dropped or stopped.
pub struct Watch {
    shared: Arc<Shared>,
}

struct Shared {
    epoch: Instant,
    plan: Mutex<Arc<Plan>>,
    nodes: Mutex<Vec<Arc<Slot>>>,
    board: Mutex<Arc<Board>>,
    moments: Mutex<Moments>,
    changed: Condvar,
    nudge: (Mutex<bool>, Condvar),
    stop: AtomicBool,
    /// When the judge last judged, in ms of `epoch`: what a watchdog asks for.
    judged_ms: AtomicUsize,
}

/// What verdicts rested on: those that changed something, and the last one.
#[derive(Default)]
struct Moments {
    changes: VecDeque<Arc<Moment>>,
    last: Arc<Moment>,
}

/// One node's worker and what it has seen.
struct Slot {
    spec: NodeSpec,
    state: Mutex<SlotState>,
    gone: AtomicBool,
    hanging: AtomicUsize,
}

struct SlotState {
    facts: NodeFacts,
    finished: Option<Instant>,
    /// What is under way, since when.
    busy: Option<(Phase, Instant)>,
    /// When the look under way began.
    began: Instant,
    /// How many deadlines the look under way has overrun.
    overrun: u64,
    /// Which worker may report.
    worker: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// Starts to watch.
    pub fn start(plan: Plan) -> Watch {
        let shared = Arc::new(Shared {
            epoch: Instant::now(),
            plan: Mutex::new(Arc::new(plan_like(&plan))),
            nodes: Mutex::default(),
            board: Mutex::default(),
            moments: Mutex::default(),
            changed: Condvar::new(),
            nudge: (Mutex::new(false), Condvar::new()),
            stop: AtomicBool::new(false),
            judged_ms: AtomicUsize::new(0),
        });
        let watch = Watch { shared };
        watch.reload(plan);
        let shared = Arc::clone(&watch.shared);
        thread::spawn(move || judge(&shared));
        watch
    }

    /// Watches by another plan from now on. Nodes keep their history by their name, and their
    /// connection where address and deadline are as before.
    pub fn reload(&self, plan: Plan) {
        let plan = Arc::new(plan);
        let as_before = lock(&self.shared.plan).deadline == plan.deadline;
        plan.maintenance.inherit(&lock(&self.shared.plan).maintenance);
        let mut nodes = lock(&self.shared.nodes);
        let mut kept: Vec<Arc<Slot>> = nodes.drain(..).collect();
        for spec in &plan.nodes {
            let place = kept.iter().position(|slot| as_before && same(&slot.spec, spec));
            nodes.push(place.map_or_else(|| Slot::new(spec.clone()), |at| kept.swap_remove(at)));
        }
        kept.iter().for_each(|slot| slot.gone.store(true, Ordering::Relaxed));
        *lock(&self.shared.plan) = plan;
        for slot in nodes.iter() {
            let mut state = lock(&slot.state);
            if state.worker == 0 {
                state.worker = 1;
                spawn_worker(&self.shared, slot, 1);
            }
        }
    }

    /// The last judgement.
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&lock(&self.shared.board))
    }

    /// What the last changes and the last judgement rest on, in their order.
    pub fn moments(&self) -> Vec<Arc<Moment>> {
        let moments = lock(&self.shared.moments);
        let last = moments.changes.back().is_none_or(|change| !Arc::ptr_eq(change, &moments.last));
        moments.changes.iter().chain(last.then_some(&moments.last)).cloned().collect()
    }

    /// Waits for a judgement newer than `seen_ms`, at most `within`; returns the last one all the same.
    pub fn next(&self, seen_ms: u64, within: Duration) -> Arc<Board> {
        let board = lock(&self.shared.board);
        let older = |board: &mut Arc<Board>| board.at_ms <= seen_ms && !self.shared.stop.load(Ordering::Relaxed);
        let (board, _) =
            self.shared.changed.wait_timeout_while(board, within, older).unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&board)
    }

    /// Waits until every node has been looked at once, at most `within`.
    pub fn first(&self, within: Duration) -> Arc<Board> {
        let until = Instant::now() + within;
        let mut board = self.board();
        while Instant::now() < until && (board.nodes.is_empty() || board.nodes.iter().any(|node| node.round == 0)) {
            board = self.next(board.at_ms, until.saturating_duration_since(Instant::now()));
        }
        board
    }

    /// Time since the judge last judged; what a watchdog looks at.
    pub fn idle(&self) -> Duration {
        let judged = Duration::from_millis(widen(self.shared.judged_ms.load(Ordering::Relaxed)));
        self.shared.epoch.elapsed().saturating_sub(judged)
    }

    /// Takes a node out by hand, or puts it back with `None`. False when there is none of that name.
    pub fn maintain(&self, node: &str, why: Option<String>) -> bool {
        let plan = Arc::clone(&lock(&self.shared.plan));
        let known = plan.nodes.iter().any(|spec| spec.name == node);
        if known {
            plan.maintenance.set(node, why);
            self.shared.poke();
        }
        known
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.poke();
        self.shared.changed.notify_all();
    }
}

/// The plain settings of a plan, for a start without nodes.
fn plan_like(plan: &Plan) -> Plan {
    Plan {
        nodes: Vec::new(),
        policy: plan.policy.clone(),
        interval: plan.interval,
        deadline: plan.deadline,
        own: None,
        maintenance: Maintenance::default(),
        drift: None,
    }
}

fn same(a: &NodeSpec, b: &NodeSpec) -> bool {
    let place = a.name == b.name && a.admin_port == b.admin_port;
    place && a.target.same_as(&b.target) && a.heartbeat == b.heartbeat && a.lastcheck == b.lastcheck
}

impl Shared {
    fn poke(&self) {
        *lock(&self.nudge.0) = true;
        self.nudge.1.notify_all();
    }

    fn now_ms(&self, at: Instant) -> u64 {
        millis(at.saturating_duration_since(self.epoch)).saturating_add(1)
    }
}

impl Slot {
    fn new(spec: NodeSpec) -> Arc<Slot> {
        let facts = NodeFacts { name: spec.name.clone(), ..NodeFacts::default() };
        let now = Instant::now();
        let state = SlotState { facts, finished: None, busy: None, began: now, overrun: 0, worker: 0 };
        Arc::new(Slot { spec, state: Mutex::new(state), gone: AtomicBool::new(false), hanging: AtomicUsize::new(0) })
    }
}

fn spawn_worker(shared: &Arc<Shared>, slot: &Arc<Slot>, number: u64) {
    let (shared, slot) = (Arc::clone(shared), Arc::clone(slot));
    // A thread that cannot be started shows as a node that is never looked at.
    let _ = thread::Builder::new()
        .name("look".to_owned())
        .stack_size(512 * 1024)
        .spawn(move || work(&shared, &slot, number));
}

/// Looks at a node again and again, as long as this worker is the one to do so.
fn work(shared: &Arc<Shared>, slot: &Arc<Slot>, number: u64) {
    let deadline = lock(&shared.plan).deadline;
    let mut collector = Collector::new(slot.spec.clone(), deadline);
    loop {
        let interval = lock(&shared.plan).interval;
        let began = Instant::now();
        let last = {
            let mut state = lock(&slot.state);
            if state.worker != number || ended(shared, slot) {
                break;
            }
            (state.began, state.overrun) = (began, 0);
            state.facts.clone()
        };
        let seen = collector.look(&last, &|phase| lock(&slot.state).note(number, phase));
        if !report(shared, slot, number, seen, began) {
            break;
        }
        shared.poke();
        rest(shared, slot, interval.saturating_sub(began.elapsed()));
    }
    if lock(&slot.state).worker != number {
        slot.hanging.fetch_sub(1, Ordering::Relaxed);
    }
}

fn ended(shared: &Shared, slot: &Slot) -> bool {
    shared.stop.load(Ordering::Relaxed) || slot.gone.load(Ordering::Relaxed)
}

impl SlotState {
    fn note(&mut self, number: u64, phase: Phase) {
        if self.worker == number {
            self.busy = Some((phase, Instant::now()));
        }
    }
}

/// Leaves what was seen; false when another worker has taken over.
fn report(shared: &Shared, slot: &Slot, number: u64, mut seen: NodeFacts, began: Instant) -> bool {
    let mut state = lock(&slot.state);
    if state.worker != number {
        return false;
    }
    let stalled = matches!(seen.reach, Reach::HandshakeStalled | Reach::QueryStalled);
    // A stall that the judge has counted while it lasted is not counted again.
    let looks = if stalled { state.overrun.max(1) } else { state.overrun.saturating_add(1) };
    seen.round = state.facts.round.saturating_add(looks);
    seen.asked_ms = shared.now_ms(began);
    state.facts = seen;
    state.overrun = 0;
    state.busy = None;
    state.finished = Some(Instant::now());
    true
}

/// Sleeps in small pieces, so that a stop is heard.
fn rest(shared: &Shared, slot: &Slot, mut left: Duration) {
    while !left.is_zero() && !ended(shared, slot) {
        let piece = left.min(Duration::from_millis(100));
        thread::sleep(piece);
        left = left.saturating_sub(piece);
    }
}

/// Judges whenever there is something new, and every tick.
fn judge(shared: &Arc<Shared>) {
    let mut history = History::default();
    let mut transitions = VecDeque::new();
    let mut changes: BTreeMap<String, u64> = BTreeMap::new();
    let mut drift = (None::<Instant>, BTreeMap::new());
    while !shared.stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let plan = Arc::clone(&lock(&shared.plan));
        if drift.0.is_none_or(|at| at.elapsed() >= DRIFT_EVERY) {
            drift = (Some(Instant::now()), plan.drift.as_ref().map(|read| read()).unwrap_or_default());
        }
        let facts = gather(shared, &plan, &drift.1);
        let names: Vec<String> = facts.nodes.iter().map(|node| node.name.clone()).collect();
        history.keep_only(&names);
        let (verdict, next) = verdict(&facts, &plan.policy, &history);
        let (at_ms, changed) = (facts.at_ms, !verdict.transitions.is_empty());
        let moment = Moment { facts, history: std::mem::replace(&mut history, next) };
        for change in &verdict.transitions {
            *changes.entry(change.node.clone()).or_default() += 1;
        }
        remember(&mut transitions, verdict.transitions);
        let board = Board {
            at_ms,
            wall_ms: unix_ms(),
            own: plan.own.clone(),
            changes: names.iter().map(|name| changes.get(name).copied().unwrap_or(0)).collect(),
            nodes: verdict.nodes,
            transitions: transitions.iter().cloned().collect(),
        };
        lock(&shared.moments).keep(Arc::new(moment), changed);
        *lock(&shared.board) = Arc::new(board);
        shared.changed.notify_all();
        shared.judged_ms.store(to_size(millis(shared.epoch.elapsed())), Ordering::Relaxed);
        wait(shared, began.elapsed());
    }
}

impl Moments {
    fn keep(&mut self, moment: Arc<Moment>, changed: bool) {
        if changed {
            self.changes.push_back(Arc::clone(&moment));
        }
        while self.changes.len() > MOMENTS {
            self.changes.pop_front();
        }
        self.last = moment;
    }
}

fn remember(kept: &mut VecDeque<Transition>, new: Vec<Transition>) {
    kept.extend(new);
    while kept.len() > TRANSITIONS {
        kept.pop_front();
    }
}

/// Until a worker has something new, but not too often: with many nodes there is always something.
fn wait(shared: &Shared, judged: Duration) {
    thread::sleep((judged * REST).clamp(TICK / 5, TICK * 2));
    let nudged = lock(&shared.nudge.0);
    let waited = shared.nudge.1.wait_timeout_while(nudged, TICK, |nudged| !*nudged);
    let (mut nudged, _) = waited.unwrap_or_else(PoisonError::into_inner);
    *nudged = false;
}

fn gather(shared: &Arc<Shared>, plan: &Plan, drift: &BTreeMap<String, u64>) -> Facts {
    let now = Instant::now();
    let slots: Vec<Arc<Slot>> = lock(&shared.nodes).clone();
    let nodes = slots.iter().map(|slot| {
        let mut facts = current(shared, slot, plan, now);
        facts.maintenance = plan.maintenance.of(&slot.spec.name);
        facts.drift = drift.get(slot.spec.target.name()).copied();
        facts
    });
    Facts { nodes: nodes.collect(), at_ms: shared.now_ms(now) }
}

/// What is known of a node now; a look that has overrun its deadline is known to have stalled.
fn current(shared: &Arc<Shared>, slot: &Arc<Slot>, plan: &Plan, now: Instant) -> NodeFacts {
    let mut state = lock(&slot.state);
    let mut facts = state.facts.clone();
    facts.age_ms = state.finished.map_or(0, |at| millis(now.saturating_duration_since(at)));
    let Some((phase, _)) = state.busy else { return facts };
    let (busy_ms, deadline_ms) = (millis(now.saturating_duration_since(state.began)), millis(plan.deadline).max(1));
    let overrun = busy_ms / deadline_ms;
    if overrun == 0 {
        return facts;
    }
    state.overrun = overrun;
    if overrun >= GIVE_UP && slot.hanging.load(Ordering::Relaxed) < HANGING {
        slot.hanging.fetch_add(1, Ordering::Relaxed);
        state.worker += 1;
        state.facts.round = state.facts.round.saturating_add(overrun);
        (state.overrun, state.busy) = (0, None);
        spawn_worker(shared, slot, state.worker);
    }
    stalled(shared, &facts, phase, overrun, deadline_ms, state.began)
}

fn stalled(
    shared: &Shared,
    seen: &NodeFacts,
    phase: Phase,
    overrun: u64,
    deadline_ms: u64,
    began: Instant,
) -> NodeFacts {
    let reach = if phase == Phase::Opening { Reach::HandshakeStalled } else { Reach::QueryStalled };
    let asked_ms = shared.now_ms(began).saturating_add(overrun.saturating_sub(1).saturating_mul(deadline_ms));
    NodeFacts {
        round: seen.round.saturating_add(overrun),
        asked_ms,
        took_ms: overrun.saturating_mul(deadline_ms),
        reach,
        ..seen.identity()
    }
}
