//! Does a replica hold what its source has, well enough to read from?

use super::opinion::{Hold, Opinion};
use super::view::View;
use crate::facts::{ChannelFacts, Thread};
use vouch_report::Code;
use vouch_report::health::{Lag, Reason, Service, State, seconds};

/// What the channels of a replica say, the worst of them.
pub fn opinion(view: &View<'_>, at: usize) -> Opinion {
    let node = &view.facts.nodes[at];
    let stopped = node.channels.iter().find_map(stopped);
    if let Some(opinion) = stopped.or_else(|| node.channels.iter().find_map(|channel| wrong_source(view, channel))) {
        return opinion;
    }
    if node.channels.iter().any(|channel| channel.io == Thread::Connecting) {
        return source_lost(view, at);
    }
    match view.lags[at] {
        Lag::Known { ms, .. } => late(view, at, ms),
        Lag::Unknown(why) => {
            let text = format!("lag unknown ({})", why.name());
            Opinion::cannot_tell(Hold::ForAWhile, Reason::new(Code::ReplicaLagUnknown, text))
        }
    }
}

/// A thread that does not run, by an error or an operator: the data stands still, so it goes at once.
fn stopped(channel: &ChannelFacts) -> Option<Opinion> {
    let say = |code, errno, error: &str, what: &str| {
        let text =
            if error.is_empty() { format!("{what} stopped") } else { format!("{what} stopped: {}", brief(error)) };
        Some(Opinion::out_now(State::Drain, Reason::numbered(code, Some(errno), text)))
    };
    if channel.sql != Thread::Yes {
        return say(Code::SqlStopped, channel.sql_errno, &channel.sql_error, "applier");
    }
    match channel.io {
        Thread::No => say(Code::IoStopped, channel.io_errno, &channel.io_error, "receiver"),
        Thread::Yes | Thread::Connecting => None,
    }
}

/// The first sentence of what a server says.
fn brief(error: &str) -> String {
    error.lines().next().unwrap_or_default().chars().take(120).collect()
}

fn wrong_source(view: &View<'_>, channel: &ChannelFacts) -> Option<Opinion> {
    if view.facts.nodes.len() < 2 || !view.all_identified() || view.node_of(channel).is_some() {
        return None;
    }
    let known = !channel.source_uuid.is_empty() || channel.source_id != 0;
    known.then(|| {
        let text = format!("replicates from {}:{}, outside the pool", channel.source_host, channel.source_port);
        Opinion::out_now(State::Drain, Reason::new(Code::WrongSource, text))
    })
}

/// The source is gone. A replica that has applied all it received is as good as any, for a while.
fn source_lost(view: &View<'_>, at: usize) -> Opinion {
    let node = &view.facts.nodes[at];
    if node.channels.iter().any(|channel| channel.drained == Some(false)) {
        let left = super::backlog::of(view, at).map_or_else(String::new, |backlog| format!(": {backlog}"));
        let text = format!("source lost, and not all that was received is applied{left}");
        let reason = Reason::new(Code::CatchingUp, text);
        let mut opinion = Opinion::serve();
        opinion.limit(50, reason);
        return opinion;
    }
    let since = view.history.lost_source_ms.get(&node.name).copied().unwrap_or(view.facts.at_ms);
    let lost_ms = view.facts.at_ms.saturating_sub(since);
    if lost_ms > view.policy.max_stale_ms {
        let text = format!("source lost {} ago > {}", seconds(lost_ms), seconds(view.policy.max_stale_ms));
        return Opinion::out_now(State::Drain, Reason::new(Code::Stale, text));
    }
    let mut opinion = Opinion::serve();
    opinion.remark(Reason::new(Code::SourceUnreachable, "source unreachable, all that was received is applied"));
    opinion
}

fn late(view: &View<'_>, at: usize, ms: u64) -> Opinion {
    let (node, policy) = (&view.facts.nodes[at], view.policy);
    let delay_ms = node.channels.iter().map(|channel| channel.delay_s).max().unwrap_or(0).saturating_mul(1000);
    if delay_ms > 0 && !policy.delayed_ok {
        let text = format!("delayed by {} on purpose", seconds(delay_ms));
        return Opinion::out_now(State::Drain, Reason::new(Code::Delayed, text));
    }
    let ms = ms.saturating_sub(delay_ms);
    let limit = if is_out_for_lag(view, &node.name) { policy.return_lag_ms } else { policy.max_lag_ms };
    if ms > limit {
        let text = format!("lag {} > {}", seconds(ms), seconds(limit));
        return Opinion::out(State::Drain, Reason::new(Code::LagHigh, text));
    }
    let mut opinion = Opinion::serve();
    if ms > policy.low_lag_ms {
        opinion.limit(
            weight(ms, policy.low_lag_ms, policy.max_lag_ms),
            Reason::new(Code::Lagging, format!("lag {}", seconds(ms))),
        );
    }
    opinion
}

fn is_out_for_lag(view: &View<'_>, name: &str) -> bool {
    view.history.track(name, Service::Read).is_some_and(|track| track.is_out())
}

/// From 100 at `low` down to 10 at `high`, in steps of ten so that it does not flicker.
fn weight(ms: u64, low: u64, high: u64) -> u8 {
    let span = high.saturating_sub(low).max(1);
    let over = ms.saturating_sub(low).min(span);
    let steps = over.saturating_mul(9).div_ceil(span).min(9);
    u8::try_from(100_u64.saturating_sub(steps.saturating_mul(10))).unwrap_or(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_falls_in_steps() {
        let weights = [5_000, 5_001, 32_500, 60_000, 99_000].map(|ms| weight(ms, 5_000, 60_000));
        assert_eq!(weights, [100, 90, 50, 10, 10]);
    }
}
