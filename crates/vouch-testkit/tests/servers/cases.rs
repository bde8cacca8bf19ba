//! Every case holds on real servers: equal after replication, and after its
//! drift different in exactly what it expects.

use std::time::Duration;
use vouch_testkit::{Expected, Flavor, Topology, cases, oracle};

fn every_case_holds(flavor: Flavor) {
    let topology = Topology::pair(flavor).unwrap();
    let (source, replica) = (topology.source(), topology.replica(0));
    let cases = cases::all(flavor);
    for case in &cases {
        case.create(source).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
    topology.wait_in_sync(Duration::from_secs(60)).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        case.set_up(replica).unwrap();
        oracle::assert_equal(source, replica, &case.database, &case.table).unwrap();
        case.drift(replica).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let found = oracle::differences(source, replica, &case.database, &case.table).unwrap();
        if found != case.expected {
            wrong.push(format!("{}:\n  expected {}\n  found    {}", case.name, list(&case.expected), list(&found)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn list(rows: &[Expected]) -> String {
    rows.iter().map(Expected::to_string).collect::<Vec<_>>().join(" | ")
}

#[test]
fn every_case_holds_on_mysql() {
    every_case_holds(Flavor::Mysql);
}

#[test]
fn every_case_holds_on_mariadb() {
    every_case_holds(Flavor::Mariadb);
}
