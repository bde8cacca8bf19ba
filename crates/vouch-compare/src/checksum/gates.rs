//! Whether the next chunk may be written: load of the source, lag of every
//! replica by its own account, and how long our own chunks take to arrive.
//!
//! The last one needs no privilege and is exact to the millisecond: a chunk is
//! only begun while every replica has applied all that is older than `--max-lag`,
//! so lag that we cause stays below that plus the time of one chunk.

use super::job::{Job, Replica};
use crate::throttle::{Gate, Reason};
use std::time::{Duration, Instant};
use vouch_report::Code;

/// Time between two looks at gates that are closed.
const NAP: Duration = Duration::from_millis(5);

/// Closed, or not looked at yet.
fn is_shut(gate: &Gate) -> bool {
    gate.is_closed() || !gate.was_set()
}

impl Job<'_> {
    /// Waits until a chunk may be written; false when none may be any more.
    pub fn may_write(&self) -> bool {
        let arrived = Instant::now();
        loop {
            if self.is_over() {
                self.open_all();
                return false;
            }
            let held: Vec<&Replica> =
                self.replicas.iter().filter(|replica| !replica.is_lost() && self.holds_back(replica)).collect();
            let outside = self.outsider.as_ref().is_some_and(|node| is_shut(&node.gate));
            if held.is_empty() && !outside && !is_shut(&self.source.gate) {
                return true;
            }
            for replica in held {
                if arrived.elapsed() > replica.fence.wait_timeout {
                    let text = format!("{} held the run back for longer than --wait-timeout", replica.node.name);
                    self.give_up(replica, Code::LagTimeout, text);
                }
            }
            self.stop.sleep(NAP);
        }
    }

    fn holds_back(&self, replica: &Replica) -> bool {
        if !replica.counts {
            return false;
        }
        let Some(max) = self.options.throttle.max_lag else { return is_shut(&replica.node.gate) };
        let behind = replica.behind();
        let reason = (behind > max).then(|| Reason {
            text: format!(
                "replica lag: a chunk is {:.1} s on its way, more than {} s",
                behind.as_secs_f64(),
                max.as_secs_f64()
            ),
            trickles: false,
        });
        replica.arrival.set(reason, &self.ledger);
        behind > max || replica.is_overdue() || is_shut(&replica.node.gate)
    }

    fn open_all(&self) {
        for replica in &self.replicas {
            replica.arrival.set(None, &self.ledger);
        }
    }
}
