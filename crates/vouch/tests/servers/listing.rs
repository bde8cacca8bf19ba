//! Servers with many tables, whose listing takes long.

use crate::harness::{Vouch, on_both};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vouch_server::{Defaults, Limits, NameFilter, Registry, Session, Target};
use vouch_testkit::{FULL, Flavor, PASSWORD, Proxy, Topology, drift};

const SOON: Duration = Duration::from_secs(60);

/// How many tables: more than are listed in full, and as many as are asked for where somebody has the time.
fn many() -> usize {
    std::env::var("VOUCH_MANY_TABLES").map_or(1_100, |count| count.parse().expect("a number of tables"))
}

/// On servers with 20,000 tables every one was listed for the sake of one, without a word, and a listing of more than a
/// minute ended the run.
#[test]
fn a_filter_goes_into_the_listing_of_many_tables() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        create_many(&topology);
        let drifted = "UPDATE d.one SET v = 7 WHERE id = 2; CREATE TABLE d.one_more (id INT PRIMARY KEY)";
        drift::sql(topology.replica(0), drifted).unwrap();
        for server in topology.servers() {
            server.sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON").unwrap();
        }
        let outcome = Vouch::of(&topology).live().args(&["--databases", "d", "--tables", "one*,none"]).run();
        for server in topology.servers() {
            server.sql("SET GLOBAL general_log = OFF").unwrap();
            let listings = "SELECT COUNT(*), SUM(argument LIKE '%one\\%%' OR argument LIKE '%6F6E6525%') FROM mysql.general_log \
                 WHERE command_type = 'Execute' AND argument LIKE '%SELECT%TABLE\\_TYPE AS k FROM information_schema.TABLES%'";
            let counted = server.query_strings(listings).unwrap();
            assert_eq!(counted[0][0], counted[0][1], "{counted:?}");
            assert_ne!(counted[0][0].as_deref(), Some("0"));
        }
        let outcome = outcome.assert_code(1);
        assert_eq!(outcome.table_names(), ["d.one"]);
        assert_eq!(outcome.only("row-changed")["table"], "d.one");
        assert_eq!(outcome.only("table-replica-only")["table"], "d.one_more");
        assert_eq!(outcome.findings().len(), 2, "{}", outcome.stdout);
        // The database is there; the table is not.
        assert_eq!(outcome.only("table-unknown")["table"], "none");
        let left_out = format!("{} other tables", many());
        assert_eq!(outcome.only("filtered-out")["what"], left_out);
        let said = outcome.stdout.lines().filter(|line| line.contains(r#""event":"listing""#)).count();
        assert!(said >= 2, "no word about the listing: {}", outcome.stdout);
        assert!(outcome.took < Duration::from_secs(60), "{} tables: {:?}", many(), outcome.took);
    });
}

/// Tables that nobody asks for, created on each server for itself by several connections.
fn create_many(topology: &Topology) {
    let flavor = topology.flavor();
    let source = topology.source();
    source
        .sql("CREATE DATABASE d; CREATE TABLE d.one (id INT PRIMARY KEY, v INT); INSERT INTO d.one VALUES (1, 1), (2, 2)")
        .unwrap();
    topology.wait_in_sync(SOON).unwrap();
    let engine = if flavor == Flavor::Mysql { "InnoDB" } else { "MyISAM" };
    std::thread::scope(|scope| {
        for server in topology.servers() {
            for part in 0..4 {
                scope.spawn(move || {
                    let numbers: Vec<usize> = (part..many()).step_by(4).collect();
                    for some in numbers.chunks(50) {
                        let create = |n: &usize| format!("CREATE TABLE d.t{n} (id INT) ENGINE={engine}");
                        let tables: Vec<String> = some.iter().map(create).collect();
                        server.sql(&format!("SET SESSION sql_log_bin = 0; {}", tables.join("; "))).unwrap();
                    }
                });
            }
        }
    });
}

/// A server that lists its tables for longer than any other answer may take is waited for as long as it answers others;
/// one that answers nobody is given up all the same.
#[test]
fn a_listing_may_take_longer_than_other_answers() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 1).unwrap();
        let proxy = Proxy::start(topology.source()).unwrap();
        let target = Target::parse(&proxy.url(FULL, PASSWORD), &Defaults::default()).unwrap();
        let second = Duration::from_secs(1);
        let limits = Limits { connect: second, read: second, statement: second, ..Limits::default() };
        let registry = Arc::new(Registry::default());
        let open = || Session::open(&target, limits, &registry).unwrap();

        // Its answer to others comes on connections of their own.
        let mut session = open();
        proxy.hold_links();
        let asked = Instant::now();
        let listed = std::thread::scope(|scope| {
            let listing = scope.spawn(|| session.table_names(&NameFilter::default()).map(|names| names.len()));
            std::thread::sleep(5 * second);
            proxy.pass();
            listing.join().unwrap()
        });
        assert_eq!(listed.unwrap(), 0);
        assert!(asked.elapsed() >= 5 * second);
        // The usual limits hold again.
        proxy.stall();
        let asked = Instant::now();
        assert!(session.variable("version").is_err());
        assert!(asked.elapsed() < 10 * second, "{:?}", asked.elapsed());

        proxy.pass();
        let mut session = open();
        proxy.stall();
        let asked = Instant::now();
        assert!(session.table_names(&NameFilter::default()).is_err());
        assert!(asked.elapsed() < 20 * second, "{:?}", asked.elapsed());
    });
}
