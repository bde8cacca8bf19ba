//! How far a node is behind: [`of`]. The most trusted method that has a figure wins.

use crate::facts::{ChannelFacts, Facts, NodeFacts, Reach, Thread};
use crate::policy::Policy;
use vouch_report::health::{Lag, LagMethod, LagUnknown};

/// The lag of a node; of several channels the worst.
pub fn of(node: &NodeFacts, facts: &Facts, policy: &Policy) -> Lag {
    if !node.answers() {
        let never = node.reach == Reach::NotYet;
        return Lag::Unknown(if never { LagUnknown::Starting } else { LagUnknown::Unreachable });
    }
    if node.replication_denied {
        return by_heartbeat(node, facts, policy).unwrap_or(Lag::Unknown(LagUnknown::NoPrivilege));
    }
    let lags = node.channels.iter().map(|channel| of_channel(node, channel, facts, policy));
    lags.max_by_key(|lag| lag.known_ms().map_or((1, 0), |ms| (0, ms))).unwrap_or(Lag::Unknown(LagUnknown::NotReplica))
}

fn of_channel(node: &NodeFacts, channel: &ChannelFacts, facts: &Facts, policy: &Policy) -> Lag {
    if channel.sql != Thread::Yes {
        return Lag::Unknown(LagUnknown::SqlStopped);
    }
    match channel.io {
        Thread::No => Lag::Unknown(LagUnknown::IoStopped),
        Thread::Connecting => Lag::Unknown(LagUnknown::SourceUnreachable),
        Thread::Yes => {
            let heartbeat = by_heartbeat(node, facts, policy);
            let skewed = heartbeat.filter(|lag| lag.known_ms().is_none());
            heartbeat
                .filter(|lag| lag.known_ms().is_some())
                .or_else(|| by_applier(node, channel, facts))
                .or_else(|| by_server(channel))
                .or(skewed)
                .unwrap_or(Lag::Unknown(LagUnknown::Starting))
        }
    }
}

fn by_heartbeat(node: &NodeFacts, facts: &Facts, policy: &Policy) -> Option<Lag> {
    let age = node.heartbeat_ms?;
    let writer = facts.nodes.iter().find(|other| Some(other.server_id) == node.heartbeat_from);
    let age = age.saturating_sub(skew(node, writer).unwrap_or(0));
    let allowed = i64::try_from(policy.max_skew_ms).unwrap_or(i64::MAX);
    if age < allowed.saturating_neg() {
        return Some(Lag::Unknown(LagUnknown::ClockSkew));
    }
    Some(known(age, LagMethod::Heartbeat))
}

/// The transaction in the applier tells more than the server's figure, which counts whole seconds.
fn by_applier(node: &NodeFacts, channel: &ChannelFacts, facts: &Facts) -> Option<Lag> {
    let age = channel.applier_ms?;
    let source = facts.nodes.iter().find(|other| other.is(channel));
    let skew = skew(node, source)?;
    Some(known(age.saturating_sub(skew), LagMethod::Applier))
}

fn by_server(channel: &ChannelFacts) -> Option<Lag> {
    Some(Lag::Known { ms: channel.behind_s?.saturating_mul(1000), method: LagMethod::SecondsBehind })
}

fn known(ms: i64, method: LagMethod) -> Lag {
    Lag::Known { ms: u64::try_from(ms).unwrap_or(0), method }
}

/// How far a node's clock is before that of another; `None` when either is not known.
fn skew(node: &NodeFacts, other: Option<&NodeFacts>) -> Option<i64> {
    Some(node.clock_ms?.saturating_sub(other?.clock_ms?))
}
