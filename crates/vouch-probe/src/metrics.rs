//! `/metrics` in the OpenMetrics text format: [`text`].
//!
//! Invariant: lag that is not known has no sample; `vouch_replica_lag_known` tells why
//! it is missing, so that an alert on lag never sees a made-up figure.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use vouch_report::health::{Board, NodeHealth, Service, State};

type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;

/// What the page is served as.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct Metrics {
    state: Gauges,
    weight: Gauges,
    lag: Gauges,
    lag_known: Gauges,
    duration: Gauges,
    age: Gauges,
    drift: Gauges,
    backlog_bytes: Gauges,
    backlog_transactions: Gauges,
    changes: Family<Labels, Counter>,
}

/// The metrics of a board.
pub fn text(board: &Board) -> String {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    for (index, node) in board.nodes.iter().enumerate() {
        metrics.fill(node, board.changes.get(index).copied().unwrap_or(0));
    }
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &registry);
    text
}

impl Metrics {
    fn register(registry: &mut Registry) -> Metrics {
        let mut gauge = |name: &str, help: &str| {
            let family = Gauges::default();
            registry.register(name, help, family.clone());
            family
        };
        let state =
            gauge("vouch_node_state", "1 for the state that is answered about a service of a node, 0 for the others");
        let weight = gauge("vouch_node_weight_ratio", "Share of its normal traffic that a node should get");
        let lag = gauge("vouch_replica_lag_seconds", "How far a replica is behind; absent when that is not known");
        let lag_known = gauge("vouch_replica_lag_known", "Whether the lag of a replica is known");
        let duration = gauge("vouch_probe_duration_seconds", "How long the last look at a node took");
        let age = gauge("vouch_facts_age_seconds", "How old the facts about a node are");
        let drift = gauge("vouch_drift_rows", "Rows that the last comparison found to differ; absent without one");
        let backlog_bytes = gauge("vouch_replica_backlog_bytes", "What a replica has received and not applied");
        let backlog_transactions =
            gauge("vouch_replica_backlog_transactions", "The same in transactions; absent without GTIDs");
        let changes = Family::default();
        registry.register("vouch_verdict_changes", "How often the answers about a node have changed", changes.clone());
        Metrics { state, weight, lag, lag_known, duration, age, drift, backlog_bytes, backlog_transactions, changes }
    }

    fn fill(&self, node: &NodeHealth, changes: u64) {
        let labels = || vec![("node", node.name.clone())];
        for service in Service::ALL {
            let answer = node.answer(service);
            let of_service = || vec![("node", node.name.clone()), ("service", service.name().to_owned())];
            for state in State::ALL {
                let mut labels = of_service();
                labels.push(("state", state.name().to_owned()));
                self.state.get_or_create(&labels).set(f64::from(u8::from(answer.state == state)));
            }
            self.weight.get_or_create(&of_service()).set(f64::from(answer.weight) / 100.0);
        }
        let seconds = |ms: u64| ms as f64 / 1000.0;
        if let Some(ms) = node.lag.known_ms() {
            self.lag.get_or_create(&labels()).set(seconds(ms));
        }
        if !node.sources.is_empty() {
            self.lag_known.get_or_create(&labels()).set(f64::from(u8::from(node.lag.known_ms().is_some())));
        }
        self.duration.get_or_create(&labels()).set(seconds(node.probe_ms));
        self.age.get_or_create(&labels()).set(seconds(node.age_ms));
        if let Some(rows) = node.drift {
            self.drift.get_or_create(&labels()).set(rows as f64);
        }
        if let Some(backlog) = node.backlog {
            self.backlog_bytes.get_or_create(&labels()).set(backlog.bytes as f64);
            if let Some(transactions) = backlog.transactions {
                self.backlog_transactions.get_or_create(&labels()).set(transactions as f64);
            }
        }
        self.changes.get_or_create(&labels()).inc_by(changes);
    }
}
