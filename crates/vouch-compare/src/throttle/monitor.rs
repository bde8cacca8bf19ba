//! Reads the signals at intervals and sets the gates; also notes where the
//! source's binlog ends, for proofs that look back a little.

use crate::ledger::Ledger;
use crate::link::Link;
use crate::options::ThrottlePolicy;
use crate::run::{Node, Run};
use crate::throttle::{Reason, signal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use vouch_convert::unix_time;
use vouch_report::{Code, Stop};
use vouch_server::Fault;

/// What watching goes by.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// What closes gates.
    pub policy: &'a ThrottlePolicy,
    /// Whether the servers replicate.
    pub replication: bool,
    /// Takes pauses and notices.
    pub ledger: &'a Ledger<'a>,
    /// The request to stop.
    pub stop: &'a Stop,
    /// The work is done.
    pub finished: &'a AtomicBool,
}

/// Runs until the readers are finished or a stop is asked for.
pub fn watch(run: &Run<'_>) {
    let watch = Watch {
        policy: &run.options.throttle,
        replication: run.options.replication,
        ledger: &run.ledger,
        stop: run.stop,
        finished: &run.readers_finished,
    };
    std::thread::scope(|scope| {
        scope.spawn(|| watch.source(&run.source, |link| run.marks.take(link)));
        scope.spawn(|| watch_others(run, watch));
        for replica in &run.replicas {
            scope.spawn(move || watch.replica(&replica.node, replica.fence.channel.as_deref()));
        }
    });
}

/// How often the number of statements is read: often, so that reading slows down
/// before anybody feels it.
const LOOK_AT_OTHERS: Duration = Duration::from_millis(200);

/// Watches how many statements others send to the source.
fn watch_others(run: &Run<'_>, watch: Watch<'_>) {
    let mut link = Link::new(run.source.dial.impatient(), run.stop);
    let registry = &run.source.dial.registry;
    let mut before: Option<(Instant, u64)> = None;
    loop {
        if let Ok(Some(all)) = link.ask(|session| session.status("Questions")) {
            let (now, others) = (Instant::now(), all.saturating_sub(registry.asked(&run.source.name)));
            if let Some((then, earlier)) = before.replace((now, others)) {
                let rate = others.saturating_sub(earlier) as f64 / now.duration_since(then).as_secs_f64().max(0.001);
                run.pace.others_send(rate, run.options.throttle.busy_share, &run.source.name, &run.ledger);
            }
        }
        if watch.is_over_after(LOOK_AT_OTHERS) {
            break;
        }
    }
}

impl Watch<'_> {
    /// Naps between two looks; true when it is time to leave.
    fn is_over_after(&self, nap: Duration) -> bool {
        self.stop.sleep_unless(nap, || self.finished.load(Ordering::Acquire))
    }

    /// Watches the source; `also` is done at every look.
    pub fn source(&self, node: &Node, also: impl Fn(&mut Link<'_>)) {
        let mut link = Link::new(node.dial.impatient(), self.stop);
        loop {
            node.gate.set(self.source_reason(&mut link), self.ledger);
            also(&mut link);
            if self.is_over_after(self.policy.check_interval) {
                break;
            }
        }
        node.gate.set(None, self.ledger);
    }

    fn source_reason(&self, link: &mut Link<'_>) -> Option<Reason> {
        by_the_clock(self.policy).or_else(|| {
            self.policy.max_load.iter().find_map(|limit| match link.ask(|session| session.status(&limit.variable)) {
                Ok(value) => signal::load(limit, value),
                Err(error) => {
                    Some(Reason { text: format!("the load of the source is unknown: {error}"), trickles: true })
                }
            })
        })
    }

    /// Watches a replica, on that channel.
    pub fn replica(&self, node: &Node, channel: Option<&str>) {
        let mut link = Link::new(node.dial.impatient(), self.stop);
        loop {
            let reason = self.replica_reason(node, channel, &mut link);
            node.gate.set(reason, self.ledger);
            if self.is_over_after(self.policy.check_interval) {
                break;
            }
        }
        node.gate.set(None, self.ledger);
    }

    fn replica_reason(&self, node: &Node, channel: Option<&str>, link: &mut Link<'_>) -> Option<Reason> {
        let clock = by_the_clock(self.policy);
        let max = self.policy.max_lag.filter(|_| clock.is_none() && self.replication);
        let Some(max) = max else { return clock };
        match link.ask(|session| session.replica_status()) {
            Ok(status) if status.is_empty() => None,
            Ok(status) => signal::lag(&status, channel, max),
            Err(error) if error.fault == Fault::Denied => {
                let text =
                    "the replication status may not be read, so lag is judged by how long positions take to arrive";
                self.ledger.notice(Code::LagUnknown, Some(&node.name), text);
                None
            }
            // A server that does not answer now is waited for by its readers.
            Err(_) if node.gate.is_closed() => None,
            Err(error) => Some(Reason { text: format!("its lag is unknown: {error}"), trickles: true }),
        }
    }
}

fn by_the_clock(policy: &ThrottlePolicy) -> Option<Reason> {
    if let Some(file) = policy.pause_file.as_ref().filter(|file| file.exists()) {
        return Some(Reason { text: format!("{} exists", file.display()), trickles: false });
    }
    let seconds = unix_time().as_secs();
    let minute = u16::try_from(seconds / 60 % (24 * 60)).unwrap_or(0);
    signal::window(&policy.windows, minute)
}
