//! Two servers that replicate from each other, of which one has the traffic.
//!
//! Invariant: a server gets traffic only when it is known to have all that was
//! written where the traffic was before, as far as anybody can still tell.

use super::opinion::failure;
use super::view::View;
use crate::facts::{ChannelFacts, NodeFacts, Thread};
use crate::history::{Active, Freshness, History, Track};
use vouch_report::Code;
use vouch_report::health::{Answer, Lag, Reason, Service, State, seconds};
use vouch_server::gtid;

/// A monitor of the `lastcheck` kind that looked this recently found the server in service.
const LASTCHECK_S: u64 = 20;
/// A handover that is not done after this many times its least duration is given up.
const PATIENCE: u64 = 10;

/// What one server of the pair is like at this moment.
struct Side<'a> {
    at: usize,
    node: &'a NodeFacts,
    memory: Freshness,
    /// Why it cannot take traffic, where it cannot.
    fault: Option<Reason>,
    lag: Lag,
}

/// Answers for every node: the two of the pair by the procedure, others as unknown.
pub fn answers(view: &View<'_>, own: &str, peer: &str, next: &mut History) -> Vec<[Answer; 2]> {
    let find = |name: &str| view.facts.nodes.iter().position(|node| node.name == name);
    let (Some(own), Some(peer)) = (find(own), find(peer)) else {
        let reason = Reason::new(Code::Starting, "the pair is not complete");
        return view
            .facts
            .nodes
            .iter()
            .map(|node| both(view, node, State::Unknown, vec![reason.clone()], next))
            .collect();
    };
    let sides = [side(view, own, peer, 0), side(view, peer, own, 1)];
    next.pair = [sides[0].memory.clone(), sides[1].memory.clone()];
    let active = decide(view, &sides);
    if active != view.history.active {
        next.switched_ms = view.facts.at_ms;
        next.active = active;
    }
    let answer = |at: usize| {
        let (mine, place) = if at == own { (0, Active::Own) } else { (1, Active::Peer) };
        let (state, reasons) = if at == own || at == peer {
            say(view, &sides[mine], &sides[1 - mine], active, place)
        } else {
            (State::Unknown, vec![Reason::new(Code::Starting, "not one of the pair")])
        };
        (state, reasons)
    };
    let said: Vec<_> = (0..view.facts.nodes.len()).map(answer).collect();
    let nodes = view.facts.nodes.iter().zip(said);
    nodes.map(|(node, (state, reasons))| both(view, node, state, reasons, next)).collect()
}

fn side<'a>(view: &View<'a>, at: usize, other: usize, place: usize) -> Side<'a> {
    let node = &view.facts.nodes[at];
    let mut memory = view.history.pair[place].clone();
    let fault = fault(view, node);
    let counted = memory.round != node.round;
    memory.round = node.round;
    match &fault {
        None => {
            (memory.bad, memory.good) = (0, memory.good.saturating_add(u32::from(counted)));
            memory.alive |= memory.good >= view.policy.rise || memory.fresh.is_none();
        }
        Some(reason) if !blames_the_monitor(reason) => {
            (memory.good, memory.bad) = (0, memory.bad.saturating_add(u32::from(counted)));
            let decided = !matches!(reason.code, Code::ReadOnly | Code::Maintenance | Code::OfflineMode);
            if !decided || memory.bad >= view.policy.fall || memory.fresh.is_none() && memory.bad > 0 {
                memory.alive = false;
                // Whatever is written from now on is written elsewhere.
                memory.fresh = Some(false);
            }
        }
        Some(_) => {}
    }
    let lag = view.lags[at];
    if fault.is_none() {
        memory.fresh = fresh(view, node, &view.facts.nodes[other], lag).or(memory.fresh).or_else(|| checked(node));
    }
    Side { at, node, memory, fault, lag }
}

fn fault(view: &View<'_>, node: &NodeFacts) -> Option<Reason> {
    if let Some(why) = &node.maintenance {
        return Some(Reason::new(Code::Maintenance, why.as_str()));
    }
    if node.age_ms > view.policy.stale_facts_ms {
        return Some(Reason::new(Code::FactsStale, format!("facts are {} old", seconds(node.age_ms))));
    }
    let off = || (node.offline_mode == Some(true)).then(|| Reason::new(Code::OfflineMode, "offline_mode is on"));
    let barred = || (node.writable() == Some(false)).then(|| Reason::new(Code::ReadOnly, "read_only is on"));
    let full = || node.disk_full.then(|| Reason::new(Code::DiskFull, "no space left on the server"));
    failure(node).or_else(off).or_else(barred).or_else(full)
}

/// What says nothing about the server.
fn blames_the_monitor(reason: &Reason) -> bool {
    matches!(
        reason.code,
        Code::AuthFailed
            | Code::HostBlocked
            | Code::HostUnknown
            | Code::TlsFailed
            | Code::TooManyConnections
            | Code::ServerError
            | Code::FactsStale
            | Code::Starting
    )
}

fn link<'a>(node: &'a NodeFacts, other: &NodeFacts) -> Option<&'a ChannelFacts> {
    node.channels.iter().find(|channel| other.is(channel)).or_else(|| node.channels.first())
}

/// Whether a server has what the other wrote; `None` when that cannot be told now.
fn fresh(view: &View<'_>, node: &NodeFacts, other: &NodeFacts, lag: Lag) -> Option<bool> {
    let channel = link(node, other)?;
    if channel.sql != Thread::Yes || channel.io == Thread::No {
        return Some(false);
    }
    lag.known_ms().map(|ms| ms <= view.policy.caught_up_ms)
}

/// Another monitor of the kind that keeps `lastcheck` has found it well a moment ago.
fn checked(node: &NodeFacts) -> Option<bool> {
    node.lastcheck_s.filter(|age_s| *age_s <= LASTCHECK_S).map(|_| true)
}

fn drained(side: &Side<'_>, other: &NodeFacts) -> bool {
    link(side.node, other).is_none_or(|channel| channel.drained != Some(false))
}

fn decide(view: &View<'_>, [own, peer]: &[Side<'_>; 2]) -> Active {
    let before = view.history.active;
    match (own.memory.alive, peer.memory.alive) {
        (false, false) => before,
        (true, true) => both_alive(view, before, own, peer),
        (true, false) => alone(before, Active::Own, own, peer),
        (false, true) => alone(before, Active::Peer, peer, own),
    }
}

/// One is gone. The other gets the traffic when it had it, or has all that arrived.
fn alone(before: Active, mine: Active, side: &Side<'_>, gone: &Side<'_>) -> Active {
    if before == mine {
        return mine;
    }
    // Nobody ever looked, and there is no word against it: better than to serve nobody.
    let first = before == Active::Nobody && mine == Active::Peer && side.memory.fresh.is_none();
    let may = side.memory.fresh == Some(true) || first;
    if side.fault.is_none() && may && drained(side, gone.node) { mine } else { fall_back(before) }
}

fn fall_back(before: Active) -> Active {
    match before {
        Active::Handover { .. } => Active::Nobody,
        other => other,
    }
}

fn both_alive(view: &View<'_>, before: Active, own: &Side<'_>, peer: &Side<'_>) -> Active {
    let now = view.facts.at_ms;
    let rested = now.saturating_sub(view.history.switched_ms) >= view.policy.dwell_ms;
    let well =
        |side: &Side<'_>| side.memory.fresh == Some(true) && side.fault.is_none() && side.lag.known_ms().is_some();
    match before {
        Active::Nobody => match (own.memory.fresh, peer.memory.fresh) {
            (Some(true), _) => Active::Own,
            (_, Some(true)) => Active::Peer,
            _ => Active::Nobody,
        },
        // What stands still takes no more traffic, as long as there is somewhere to go.
        Active::Own if own.memory.fresh == Some(false) && well(peer) => begin(view, false),
        Active::Own => Active::Own,
        Active::Peer if well(own) && own.memory.good >= view.policy.rise && rested => begin(view, true),
        Active::Peer => Active::Peer,
        Active::Handover { to_own, since_ms } => {
            let (to, from) = if to_own { (own, peer) } else { (peer, own) };
            hand_over(view, to_own, since_ms, to, from)
        }
    }
}

fn begin(view: &View<'_>, to_own: bool) -> Active {
    match (view.policy.handover_ms, to_own) {
        (0, true) => Active::Own,
        (0, false) => Active::Peer,
        _ => Active::Handover { to_own, since_ms: view.facts.at_ms },
    }
}

fn hand_over(view: &View<'_>, to_own: bool, since_ms: u64, to: &Side<'_>, from: &Side<'_>) -> Active {
    let (mine, theirs) = if to_own { (Active::Own, Active::Peer) } else { (Active::Peer, Active::Own) };
    let lasted = view.facts.at_ms.saturating_sub(since_ms);
    let asked_since = from.node.asked_ms >= since_ms.saturating_add(view.policy.handover_ms);
    if lasted >= view.policy.handover_ms && asked_since && has_all(to.node, from.node) {
        return mine;
    }
    let given_up = lasted > view.policy.handover_ms.saturating_mul(PATIENCE);
    if given_up && from.fault.is_none() { theirs } else { Active::Handover { to_own, since_ms } }
}

/// Whether a server has everything that another had when it was asked before it.
fn has_all(node: &NodeFacts, other: &NodeFacts) -> bool {
    if node.asked_ms < other.asked_ms {
        return false;
    }
    if !node.executed.is_empty() && !other.executed.is_empty() {
        return gtid::holds(&node.executed, &other.executed);
    }
    link(node, other).is_some_and(|channel| channel.drained == Some(true) && channel.behind_s == Some(0))
}

/// What to answer about one server.
fn say(view: &View<'_>, side: &Side<'_>, other: &Side<'_>, active: Active, place: Active) -> (State, Vec<Reason>) {
    let mut reasons: Vec<Reason> = side.fault.iter().cloned().collect();
    if !side.memory.alive {
        let (down, starting) = (State::Down, side.node.reach == crate::facts::Reach::NotYet);
        let maint = side.node.maintenance.is_some();
        return (
            if maint {
                State::Maint
            } else if starting {
                State::Unknown
            } else {
                down
            },
            reasons,
        );
    }
    if active == place {
        if let Some(fault) = &other.fault {
            reasons.push(Reason::new(Code::PeerDown, format!("peer: {}", fault.text)));
        }
        return (State::Up, reasons);
    }
    match active {
        Active::Handover { .. } => reasons.insert(0, Reason::new(Code::Handover, "traffic is being handed over")),
        Active::Nobody => {
            reasons.push(nobody(view, side, other));
            return (State::Unknown, reasons);
        }
        Active::Own | Active::Peer => reasons.push(waiting(side, other)),
    }
    (State::Drain, reasons)
}

/// Why a server that lives does not have the traffic that the other has, or had.
fn waiting(side: &Side<'_>, other: &Side<'_>) -> Reason {
    let fresh = side.memory.fresh == Some(true);
    match (fresh, other.memory.alive) {
        (true, true) => Reason::new(Code::PeerActive, "the peer has the traffic"),
        (true, false) => Reason::new(Code::CatchingUp, "peer gone, what it sent is still being applied"),
        (false, true) => {
            stands(side).unwrap_or_else(|| Reason::new(Code::CatchingUp, format!("catching up, lag {}", side.lag)))
        }
        (false, false) => Reason::new(Code::PeerLost, "peer gone, and this server is behind it"),
    }
}

fn nobody(view: &View<'_>, side: &Side<'_>, other: &Side<'_>) -> Reason {
    if !other.memory.alive {
        return Reason::new(Code::PeerLost, "peer gone, and nobody knows whether this server has everything");
    }
    let why = if view.facts.nodes[side.at].channels.is_empty() {
        "not a replica of its peer".to_owned()
    } else {
        format!("lag {}", side.lag)
    };
    stands(side).unwrap_or_else(|| Reason::new(Code::ReplicaLagUnknown, why))
}

fn stands(side: &Side<'_>) -> Option<Reason> {
    side.node.channels.iter().find_map(|channel| {
        if channel.sql != Thread::Yes {
            Some(Reason::numbered(Code::SqlStopped, Some(channel.sql_errno), "applier stopped"))
        } else if channel.io == Thread::No {
            Some(Reason::numbered(Code::IoStopped, Some(channel.io_errno), "receiver stopped"))
        } else {
            None
        }
    })
}

/// The same answer for both services: whoever has the traffic has all of it.
fn both(view: &View<'_>, node: &NodeFacts, state: State, mut reasons: Vec<Reason>, next: &mut History) -> [Answer; 2] {
    let now = view.facts.at_ms;
    if reasons.is_empty() {
        reasons.push(Reason::new(Code::Healthy, "healthy"));
    }
    let weight = if state.serves() { 100 } else { 0 };
    Service::ALL.map(|service| {
        let key = (node.name.clone(), service);
        let shown = next.tracks.get(&key).map_or(State::Unknown, |track| track.shown);
        let old = next.tracks.get(&key).filter(|track| track.state == state);
        let since_ms = old.map_or(now, |track| track.since_ms);
        let answer = Answer { state, weight, reasons: reasons.clone(), since_ms, held: false };
        let track = Track { state, weight, since_ms, round: node.round, settled: true, shown, ..Track::default() };
        next.tracks.insert(key, track);
        answer
    })
}
