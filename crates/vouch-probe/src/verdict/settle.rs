//! From opinions of a moment to an answer that does not flap: [`settle`].

use super::opinion::{Call, Hold, Opinion};
use super::view::View;
use crate::history::{History, Track};
use crate::policy::OnUnknown;
use vouch_report::Code;
use vouch_report::health::{Answer, Reason, Service, State};

/// Weighs an opinion against what was answered before, remembers it, and returns the answer.
pub fn settle(view: &View<'_>, at: usize, service: Service, opinion: Opinion, next: &mut History) -> Answer {
    let node = &view.facts.nodes[at];
    let (key, now) = ((node.name.clone(), service), view.facts.at_ms);
    let mut track = next.tracks.get(&key).cloned().unwrap_or_else(|| Track { since_ms: now, ..Track::default() });
    let counted = track.round != node.round;
    track.round = node.round;
    let answer = match opinion.call {
        Call::Serve(weight) => good(view, &mut track, opinion, weight, counted),
        Call::Out(state) => bad(view, &mut track, opinion, state, counted),
        Call::CannotTell(hold) => unknown(view, &mut track, opinion, hold),
        Call::Maint => change(&track, State::Maint, 0, opinion.reasons, now),
    };
    if !matches!(opinion_kind(&answer), Kind::Held) {
        track.unknown_since_ms = None;
    }
    if track.serves() && !answer.state.serves() {
        track.left_ms = Some(now);
    }
    (track.state, track.weight, track.since_ms) = (answer.state, answer.weight, answer.since_ms);
    next.tracks.insert(key, track);
    answer
}

/// Whether an answer rests on facts.
#[derive(PartialEq, Eq)]
enum Kind {
    Held,
    Judged,
}

fn opinion_kind(answer: &Answer) -> Kind {
    if answer.held || answer.state == State::Unknown { Kind::Held } else { Kind::Judged }
}

fn change(track: &Track, state: State, weight: u8, mut reasons: Vec<Reason>, now: u64) -> Answer {
    if reasons.is_empty() {
        reasons.push(Reason::new(Code::Healthy, "healthy"));
    }
    let since_ms = if track.state == state { track.since_ms } else { now };
    Answer { state, weight, reasons, since_ms, held: false }
}

fn good(view: &View<'_>, track: &mut Track, opinion: Opinion, weight: u8, counted: bool) -> Answer {
    let now = view.facts.at_ms;
    track.bad = 0;
    track.good = track.good.saturating_add(u32::from(counted));
    let rested = track.left_ms.is_none_or(|left| now.saturating_sub(left) >= view.policy.dwell_ms);
    let risen = !track.is_out() || track.good >= view.policy.rise && rested;
    if !risen {
        let text = format!("well again, {} of {} looks", track.good.min(view.policy.rise), view.policy.rise);
        let text = if track.good >= view.policy.rise { "well again, stays out for --dwell".to_owned() } else { text };
        let mut reasons = vec![Reason::new(Code::Rising, text)];
        reasons.extend(opinion.reasons);
        return change(track, track.state, 0, reasons, now);
    }
    track.settled = true;
    let state = if weight < 100 { State::Degraded } else { State::Up };
    change(track, state, weight, opinion.reasons, now)
}

fn bad(view: &View<'_>, track: &mut Track, opinion: Opinion, state: State, counted: bool) -> Answer {
    let now = view.facts.at_ms;
    track.good = 0;
    track.bad = track.bad.saturating_add(u32::from(counted));
    if track.serves() && !opinion.at_once && track.bad < view.policy.fall {
        let text = opinion.reasons.first().map_or("", |reason| &reason.text);
        let text = format!("{text}, {} of {} looks", track.bad, view.policy.fall);
        let mut reasons = vec![Reason::new(Code::Falling, text)];
        reasons.extend(opinion.reasons.clone());
        return change(track, track.state, track.weight, reasons, now);
    }
    track.settled = true;
    change(track, state, 0, opinion.reasons, now)
}

fn unknown(view: &View<'_>, track: &mut Track, opinion: Opinion, hold: Hold) -> Answer {
    let now = view.facts.at_ms;
    let since = *track.unknown_since_ms.get_or_insert(now);
    let keep = match hold {
        Hold::No => false,
        Hold::Always => true,
        Hold::ForAWhile => view.policy.on_unknown == OnUnknown::Keep || now.saturating_sub(since) < view.policy.hold_ms,
    };
    if keep && track.settled && track.state != State::Unknown {
        let mut answer = change(track, track.state, track.weight, opinion.reasons, now);
        answer.held = true;
        return answer;
    }
    change(track, State::Unknown, 0, opinion.reasons, now)
}

/// Whether this very verdict takes the writes from a node.
pub fn will_be_out(view: &View<'_>, at: usize) -> bool {
    let node = &view.facts.nodes[at];
    let Some(track) = view.history.track(&node.name, Service::Write) else { return true };
    let opinion = super::write::opinion(view, at);
    let counted = track.bad.saturating_add(u32::from(track.round != node.round));
    match opinion.call {
        Call::Out(_) => opinion.at_once || counted >= view.policy.fall,
        Call::Maint => true,
        Call::Serve(_) | Call::CannotTell(_) => false,
    }
}
