//! What the signals say: pure rules from figures to reasons.

use crate::options::{LoadLimit, Window};
use crate::throttle::Reason;
use std::time::Duration;
use vouch_server::ReplicaStatus;

/// Whether a replica lags too much, by its own account. `None` when it does not.
pub fn lag(status: &[ReplicaStatus], channel: Option<&str>, max: Duration) -> Option<Reason> {
    let status = status.iter().find(|status| channel.is_none_or(|name| status.channel == name))?;
    let Some(behind) = status.behind_s else {
        return Some(Reason { text: "replica lag is unknown: replication is stopped".to_owned(), trickles: true });
    };
    // A delay on purpose is no sign of trouble.
    let behind = behind.saturating_sub(status.delay_s);
    (behind as f64 > max.as_secs_f64())
        .then(|| Reason { text: format!("replica lag {behind} s > {} s", max.as_secs_f64()), trickles: true })
}

/// Whether a status variable is above its limit.
pub fn load(limit: &LoadLimit, value: Option<u64>) -> Option<Reason> {
    let LoadLimit { variable, limit } = limit;
    match value {
        None => Some(Reason { text: format!("{variable} cannot be read"), trickles: true }),
        Some(value) => {
            (value > *limit).then(|| Reason { text: format!("{variable} {value} > {limit}"), trickles: false })
        }
    }
}

/// Whether now, in minutes after midnight UTC, lies outside all windows.
pub fn window(windows: &[Window], minute: u16) -> Option<Reason> {
    let inside = |w: &Window| {
        if w.from <= w.to { (w.from..w.to).contains(&minute) } else { minute >= w.from || minute < w.to }
    };
    let outside = !windows.is_empty() && !windows.iter().any(inside);
    outside.then(|| Reason { text: "outside the windows in which reading is allowed".to_owned(), trickles: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(behind_s: Option<u64>, delay_s: u64) -> Vec<ReplicaStatus> {
        vec![ReplicaStatus { behind_s, delay_s, ..ReplicaStatus::default() }]
    }

    #[test]
    fn lag_beyond_the_limit_pauses_and_a_delay_on_purpose_does_not() {
        let limit = Duration::from_secs(1);
        assert!(lag(&replica(Some(5), 0), None, limit).is_some());
        assert!(lag(&replica(Some(1), 0), None, limit).is_none());
        assert!(lag(&replica(Some(15), 15), None, limit).is_none());
    }

    #[test]
    fn unknown_lag_pauses() {
        assert!(lag(&replica(None, 0), None, Duration::from_secs(1)).is_some());
    }

    #[test]
    fn a_window_may_run_over_midnight() {
        let night = [Window { from: 22 * 60, to: 6 * 60 }];
        assert!(window(&night, 23 * 60).is_none());
        assert!(window(&night, 5 * 60).is_none());
        assert!(window(&night, 12 * 60).is_some());
        assert!(window(&[], 12 * 60).is_none());
    }

    #[test]
    fn a_variable_that_cannot_be_read_pauses() {
        let limit = LoadLimit { variable: "Threads_running".into(), limit: 25 };
        assert!(load(&limit, None).is_some());
        assert!(load(&limit, Some(26)).is_some());
        assert!(load(&limit, Some(25)).is_none());
    }
}
