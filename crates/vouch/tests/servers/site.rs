//! A pair of servers behind proxies, tables in many small chunks, and drift: [`Site`]
//! is what resumed and disturbed runs are held against an undisturbed one on.
//!
//! Invariant: nothing writes to the tables, so every run that looks at everything
//! finds and counts the same.

use crate::harness::{Outcome, Vouch};
use serde_json::{Value, json};
use std::time::Duration;
use vouch_testkit::drift::{self, Table};
use vouch_testkit::{FULL, Flavor, PASSWORD, Proxy, Topology, numbers, poll};

/// Rows of each of the three tables that are cut into chunks.
const ROWS: u64 = 6_000;
const CHUNK: &str = "150";

/// Both servers, the ways to them, and what an undisturbed run says.
pub struct Site {
    pub topology: Topology,
    pub source: Proxy,
    pub replica: Proxy,
    /// An undisturbed run.
    pub calm: Outcome,
    /// The bytes that it moved to and from the source.
    pub whole: u64,
}

impl Site {
    /// Boots, fills, drifts and compares once. The ways are slow enough to leave time for a fault in the middle.
    pub fn new(flavor: Flavor) -> Site {
        let topology = Topology::pair(flavor).unwrap();
        fill(&topology);
        let (source, replica) = (Proxy::start(topology.source()).unwrap(), Proxy::start(topology.replica(0)).unwrap());
        source.delay(2);
        replica.delay(2);
        let calm = vouch(&source, &replica).run().assert_code(1);
        let whole = source.forwarded();
        let site = Site { topology, source, replica, calm, whole };
        assert_eq!((site.calm.findings().len(), site.calm.errors().len()), (17, 0), "{}", site.calm.stdout);
        site
    }

    /// A compare of everything through the proxies, in small chunks.
    pub fn vouch(&self) -> Vouch {
        vouch(&self.source, &self.replica)
    }

    /// A compare of the tables that are equal.
    pub fn vouch_equal(&self) -> Vouch {
        self.vouch().args(&["--tables", "shop.lines,shop.notes"])
    }

    /// Runs `act` at each of these parts of a run, 0 to 1, judged by the bytes that
    /// went to and from the source since `from`.
    pub fn at(&self, from: u64, parts: &[f64], mut act: impl FnMut()) {
        for part in parts {
            let goal = from + (self.whole as f64 * part) as u64;
            let there = || (self.source.forwarded() >= goal).then_some(());
            poll::until(Duration::from_secs(60), Duration::from_millis(1), "that part of the run", there).unwrap();
            act();
        }
    }
}

fn vouch(source: &Proxy, replica: &Proxy) -> Vouch {
    let vouch = Vouch::compare().source(&source.url(FULL, PASSWORD)).replica(&replica.url(FULL, PASSWORD));
    vouch.args(&["--databases", "shop", "--chunk-rows-min", CHUNK, "--chunk-rows-max", CHUNK])
}

/// Statistics are made at once and never again, since how a table is shared out depends on them.
fn fill(topology: &Topology) {
    let numbers = numbers(ROWS);
    let sql = format!(
        "CREATE DATABASE shop; USE shop;
         CREATE TABLE items (id BIGINT PRIMARY KEY, price INT NOT NULL, label VARCHAR(40)) STATS_AUTO_RECALC=0;
         INSERT INTO items SELECT n, n % 97, CONCAT('item ', n) FROM {numbers};
         CREATE TABLE orders (place VARCHAR(10), n INT, amount DECIMAL(10,2), PRIMARY KEY (place, n)) STATS_AUTO_RECALC=0;
         INSERT INTO orders SELECT ELT(1 + n % 3, 'Ulm', 'Bonn', 'Köln'), n, n / 7 FROM {numbers};
         CREATE TABLE `lines` (id INT PRIMARY KEY, text VARCHAR(60)) STATS_AUTO_RECALC=0;
         INSERT INTO `lines` SELECT n, REPEAT('x', n % 60) FROM {numbers};
         CREATE TABLE notes (text VARCHAR(40)) STATS_AUTO_RECALC=0;
         INSERT INTO notes SELECT CONCAT('note ', n DIV 2) FROM {numbers} LIMIT 200;
         ANALYZE LOCAL TABLE items, orders, `lines`, notes"
    );
    topology.source().sql(&sql).unwrap();
    topology.wait_in_sync(Duration::from_secs(60)).unwrap();
    let replica = topology.replica(0);
    drift::scatter(replica, &Table::new("shop", "items", "id"), "price", 1..ROWS, 12).unwrap();
    drift::sql(replica, "DELETE FROM shop.orders WHERE n IN (5, 5555)").unwrap();
}

/// What two runs that looked at everything must agree on: rows, chunks and verdicts of
/// every table, and the findings but for how and when they were proven.
pub fn essence(outcome: &Outcome) -> Value {
    let pick = |from: &Value, names: &[&str]| -> Value {
        names.iter().map(|name| ((*name).to_owned(), from[*name].clone())).collect::<serde_json::Map<_, _>>().into()
    };
    let table = |table: &Value| {
        let counts = ["state", "chunks_done", "rows", "source_only", "replica_only", "changed", "unproven"];
        [pick(table, &["table", "rows", "bytes", "chunks", "key"]), pick(&table["replicas"][0], &counts)]
    };
    let finding = |finding: &Value| pick(finding, &["code", "table", "replica", "key", "columns", "count"]);
    let (tables, findings) = (outcome.tables().iter().map(table), outcome.findings().iter().map(finding));
    json!({ "tables": tables.collect::<Vec<_>>(), "findings": findings.collect::<Vec<_>>() })
}
