//! `vouch checksum` on a source with a replica and a replica behind that.

mod bench_of_percona;
mod contrib;
mod drifts;
mod ends;
mod reading;
mod safety;
mod slices;
mod throttle;

use crate::harness::{Outcome, Vouch};
use std::time::Duration;
use vouch_testkit::{Flavor, Server, Topology};

const SOON: Duration = Duration::from_secs(60);

/// A source, its replica and a replica of that; all of them log statements as such.
fn chain(flavor: Flavor) -> Topology {
    let builder = Topology::builder(flavor).unwrap().chain(3);
    builder.args(&["--binlog-format=STATEMENT"]).start().unwrap()
}

/// The address of a server for its administrator.
fn root(server: &Server) -> String {
    format!("S={},u=root", server.socket().display())
}

/// `vouch checksum` and these words on a whole topology, every replica named.
fn on(topology: &Topology, words: &[&str]) -> Vouch {
    let vouch = Vouch::checksum(words).source(&root(topology.source()));
    topology.replicas().iter().fold(vouch, |vouch, replica| vouch.replica(&root(replica)))
}

/// A pair of servers and a table `shop.items` with that many rows.
fn shop(flavor: Flavor, rows: u64) -> Topology {
    let topology = Topology::pair(flavor).unwrap();
    let numbers = vouch_testkit::numbers(rows);
    let sql = format!(
        "CREATE DATABASE shop; CREATE TABLE shop.items (id INT PRIMARY KEY, name VARCHAR(40), n INT NOT NULL); \
         INSERT INTO shop.items SELECT n, CONCAT('item ', n), n % 97 FROM {numbers}"
    );
    topology.source().sql(&sql).unwrap();
    topology.wait_in_sync(SOON).unwrap();
    topology
}

/// The number in the first column of the first row.
fn number(server: &Server, sql: &str) -> u64 {
    server.query_one(sql).unwrap().unwrap_or_default().parse().unwrap()
}

/// The tables of the findings of that code on the replica of that name.
fn tables_of<'a>(outcome: &'a Outcome, code: &str, replica: &str) -> Vec<&'a str> {
    let here = outcome.findings().iter().filter(|f| f["code"] == code && f["replica"] == replica);
    let mut tables: Vec<&str> = here.filter_map(|finding| finding["table"].as_str()).collect();
    tables.dedup();
    tables
}

/// The name of a server in reports.
fn name(server: &Server) -> String {
    server.socket().display().to_string()
}
