//! Reads the signals at intervals and sets the gates; also notes where the
//! source's binlog ends, for proofs that look back a little.

use crate::link::Link;
use crate::options::ThrottlePolicy;
use crate::run::Run;
use crate::throttle::{Gate, Reason, signal};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use vouch_report::Code;
use vouch_server::Fault;

/// Runs until the readers are finished or a stop is asked for.
pub fn watch(run: &Run<'_>) {
    std::thread::scope(|scope| {
        scope.spawn(|| watch_source(run));
        scope.spawn(|| watch_others(run));
        for replica in 0..run.replicas.len() {
            scope.spawn(move || watch_replica(run, replica));
        }
    });
}

/// Naps between two looks; true when it is time to leave.
fn over(run: &Run<'_>, nap: Duration) -> bool {
    run.stop.sleep_unless(nap, || run.readers_finished.load(Ordering::Acquire))
}

fn watch_source(run: &Run<'_>) {
    let mut link = Link::new(run.source.dial.impatient(), run.stop);
    loop {
        run.source.gate.set(source_reason(run, &mut link), &run.ledger);
        run.marks.take(&mut link);
        if over(run, run.options.throttle.check_interval) {
            break;
        }
    }
    run.source.gate.set(None, &run.ledger);
}

/// How often the number of statements is read: often, so that reading slows down
/// before anybody feels it.
const LOOK_AT_OTHERS: Duration = Duration::from_millis(200);

/// Watches how many statements others send to the source.
fn watch_others(run: &Run<'_>) {
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
        if over(run, LOOK_AT_OTHERS) {
            break;
        }
    }
}

fn source_reason(run: &Run<'_>, link: &mut Link<'_>) -> Option<Reason> {
    let policy = &run.options.throttle;
    by_the_clock(policy).or_else(|| {
        policy.max_load.iter().find_map(|limit| match link.ask(|session| session.status(&limit.variable)) {
            Ok(value) => signal::load(limit, value),
            Err(error) => Some(Reason { text: format!("the load of the source is unknown: {error}"), trickles: true }),
        })
    })
}

fn by_the_clock(policy: &ThrottlePolicy) -> Option<Reason> {
    if let Some(file) = policy.pause_file.as_ref().filter(|file| file.exists()) {
        return Some(Reason { text: format!("{} exists", file.display()), trickles: false });
    }
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let minute = u16::try_from(seconds / 60 % (24 * 60)).unwrap_or(0);
    signal::window(&policy.windows, minute)
}

fn watch_replica(run: &Run<'_>, at: usize) {
    let Some(replica) = run.replicas.get(at) else { return };
    let mut link = Link::new(replica.node.dial.impatient(), run.stop);
    loop {
        let reason = replica_reason(run, at, &mut link, &replica.node.gate);
        replica.node.gate.set(reason, &run.ledger);
        if over(run, run.options.throttle.check_interval) {
            break;
        }
    }
    replica.node.gate.set(None, &run.ledger);
}

fn replica_reason(run: &Run<'_>, at: usize, link: &mut Link<'_>, gate: &Gate) -> Option<Reason> {
    let replica = run.replicas.get(at)?;
    let clock = by_the_clock(&run.options.throttle);
    let max = run.options.throttle.max_lag.filter(|_| clock.is_none() && run.options.replication);
    let Some(max) = max else { return clock };
    match link.ask(|session| session.replica_status()) {
        Ok(status) if status.is_empty() => None,
        Ok(status) => signal::lag(&status, replica.fence.channel.as_deref(), max),
        Err(error) if error.fault == Fault::Denied => {
            let text = "the replication status may not be read, so lag is judged by how long positions take to arrive";
            run.ledger.notice(Code::LagUnknown, Some(&replica.node.name), text);
            None
        }
        // A server that does not answer now is waited for by its readers.
        Err(_) if gate.is_closed() => None,
        Err(error) => Some(Reason { text: format!("its lag is unknown: {error}"), trickles: true }),
    }
}
