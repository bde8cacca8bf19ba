//! The sweep over `vouch probe`.

use super::Sweep;
use crate::harness::{Outcome, Vouch, on_both};
use vouch_testkit::Topology;

/// A replica whose applier is stopped must never be answered as fit, whatever it does not say.
#[test]
fn no_spoilt_statement_makes_a_stopped_replica_fit() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let replica = topology.replica(0);
        replica.sql("SET GLOBAL read_only = 1; STOP REPLICA").unwrap();
        let run = |ways: &[String]| {
            let node = format!("db2={}", ways[0]);
            let fixed = ["probe", "--node", &node, "--for", "db2", "--no-daemon", "--min-ready", "0"];
            Vouch::new(&fixed).args(&["--service", "ro", "--format", "lb-text"]).run()
        };
        let unfit = |_: &Outcome, outcome: &Outcome| {
            (outcome.code == 0 || outcome.stdout.contains("100")).then(|| format!("fit: {}", outcome.stdout))
        };
        let sweep = Sweep::new(&[replica], &run);
        let calm = sweep.calm();
        assert_eq!(calm.stdout, "200\n", "{}", calm.stderr);
        sweep.over(unfit);
    });
}
