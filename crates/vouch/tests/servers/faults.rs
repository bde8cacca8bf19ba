//! What goes wrong in the middle of a run: servers that restart, connections that are
//! cut, held up, silent or half closed, tables that change or go, a full disk.
//!
//! A run recovers, or it ends with a report of what it could not look at. It never hangs,
//! and it never says clean of what it did not look at.

use crate::harness::{Outcome, Vouch, on_both};
use crate::site::{Site, essence};
use serde_json::Value;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{Flavor, Proxy, mismatches, poll};

/// Fails unless the run came to the same as one that nobody disturbed.
#[track_caller]
fn assert_recovered(site: &Site, outcome: &Outcome, fault: &str) {
    assert_eq!(outcome.errors(), [] as [Value; 0], "{fault}");
    assert_eq!(essence(outcome), essence(&site.calm), "{fault}");
    assert_eq!(outcome.code, 1, "{fault}");
}

/// Fails unless the run reports why it could not look at everything, says no table equal that it
/// did not look at to the end, and accuses no row wrongly.
#[track_caller]
fn assert_honest(site: &Site, outcome: &Outcome, code: &str) {
    let codes: Vec<&Value> = outcome.errors().iter().map(|error| &error["code"]).collect();
    assert!(codes.iter().any(|found| *found == code), "no {code}: {}\n{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.code, if outcome.findings().is_empty() { 3 } else { 1 }, "{}", outcome.stdout);
    for table in outcome.tables().iter().filter(|table| table["replicas"][0]["state"] == "equal") {
        let whole = site.calm.tables().iter().find(|whole| whole["table"] == table["table"]).unwrap();
        assert_eq!((&table["rows"], &table["chunks"]), (&whole["rows"], &whole["chunks"]), "{table}");
    }
    for table in ["shop.items", "shop.orders"] {
        let wrong = mismatches(&site.calm.rows(table), &outcome.rows(table));
        let alarms: Vec<&String> = wrong.iter().filter(|line| !line.starts_with("missing")).collect();
        assert!(alarms.is_empty(), "{alarms:?}");
    }
}

/// A run in which `act` is done at each of these parts; fails if it is over before the last.
#[track_caller]
fn disturbed(site: &Site, vouch: Vouch, parts: &[f64], mut act: impl FnMut()) -> Outcome {
    let from = site.source.forwarded();
    let mut running = vouch.spawn();
    site.at(from, parts, || {
        assert!(!running.ended(), "the run was over before it was disturbed");
        act();
    });
    running.wait()
}

#[test]
fn a_run_recovers_from_cut_connections() {
    on_both(|flavor| {
        let site = Site::new(flavor);
        let often = [0.1, 0.3, 0.5, 0.7, 0.8];
        for (way, proxy) in [("source", &site.source), ("replica", &site.replica)] {
            let outcome = disturbed(&site, site.vouch(), &often, || proxy.cut_now());
            assert_recovered(&site, &outcome, &format!("{way}: cut at once"));
            let outcome = disturbed(&site, site.vouch(), &often, || proxy.cut_after(5_000));
            assert_recovered(&site, &outcome, &format!("{way}: cut in the middle of data"));
            let outcome = disturbed(&site, site.vouch(), &often, || proxy.half_close());
            assert_recovered(&site, &outcome, &format!("{way}: half closed"));
        }
    });
}

#[test]
fn a_run_waits_for_what_is_slow_or_silent_for_a_while() {
    on_both(|flavor| {
        let site = Site::new(flavor);
        for (way, proxy) in [("source", &site.source), ("replica", &site.replica)] {
            let silent = || {
                proxy.stall();
                thread::sleep(Duration::from_secs(3));
                proxy.delay(2);
            };
            let outcome = disturbed(&site, site.vouch(), &[0.4], silent);
            assert_recovered(&site, &outcome, &format!("{way}: silent"));
            assert!(outcome.took > Duration::from_secs(3), "{way} was not in use");
            let outcome = disturbed(&site, site.vouch(), &[0.7], || proxy.delay(25));
            assert_recovered(&site, &outcome, &format!("{way}: slow"));
            proxy.delay(2);
        }
    });
}

#[test]
fn a_run_waits_for_servers_that_restart() {
    on_both(|flavor| {
        let site = Site::new(flavor);
        let vouch = || site.vouch().args(&["--retry-for", "90s"]);
        let outcome = disturbed(&site, vouch(), &[0.4], || site.topology.source().restart().unwrap());
        assert_recovered(&site, &outcome, "the source restarted");
        let restart = || {
            site.topology.replica(0).restart().unwrap();
            site.topology.replica(0).sql("START REPLICA").unwrap();
        };
        let outcome = disturbed(&site, vouch(), &[0.4], restart);
        assert_recovered(&site, &outcome, "the replica restarted");
        site.topology.source().sql("CREATE TABLE shop.later (id INT PRIMARY KEY)").unwrap();
        site.topology.wait_in_sync(Duration::from_secs(60)).unwrap();
        let crash = || {
            site.topology.source().kill9().unwrap();
            site.topology.source().resume().unwrap();
        };
        let outcome = disturbed(&site, vouch().args(&["--ignore-tables", "shop.later"]), &[0.4], crash);
        assert_eq!((outcome.code, outcome.errors().len()), (1, 0), "{}", outcome.stdout);
        assert_eq!(essence(&outcome), essence(&site.calm), "the source crashed");
    });
}

/// Waits until a proxy takes new connections, or refuses them.
fn until_it_takes(proxy: &Proxy, takes: bool) {
    let asked = || (TcpStream::connect(("127.0.0.1", proxy.port())).is_ok() == takes).then_some(());
    poll::until(Duration::from_secs(10), Duration::from_millis(5), "the proxy", asked).unwrap();
}

/// Refuses everything from a part of a run on, and later lets a resumed run through.
fn a_server_goes_and_comes_back(site: &Site, proxy: &Proxy) {
    let state = TempDir::new().unwrap();
    let go = || {
        proxy.refuse();
        until_it_takes(proxy, false);
        proxy.cut_now();
    };
    for (vouch, clean) in [(site.vouch(), false), (site.vouch_equal(), true)] {
        let part = if clean { 0.1 } else { 0.5 };
        let outcome = disturbed(site, vouch.state_dir(state.path()).args(&["--retry-for", "1s"]), &[part], go);
        assert_honest(site, &outcome, "connection-lost");
        assert!(outcome.took < Duration::from_secs(60), "it took {:?} to give up", outcome.took);
        proxy.delay(2);
        until_it_takes(proxy, true);
        let again = if clean { site.vouch_equal() } else { site.vouch() };
        let outcome = again.state_dir(state.path()).args(&["--resume", "last", "--retry-for", "1s"]).run();
        if clean {
            outcome.assert_clean();
        } else {
            assert_recovered(site, &outcome, "resumed");
        }
    }
}

#[test]
fn a_server_that_stays_away_is_reported_and_the_run_can_be_resumed() {
    on_both(|flavor| {
        let site = Site::new(flavor);
        a_server_goes_and_comes_back(&site, &site.source);
        a_server_goes_and_comes_back(&site, &site.replica);
    });
}

/// A server that takes connections and says nothing is given up after the time of one
/// statement, and that of one attempt to connect anew.
#[test]
fn a_server_that_falls_silent_for_ever_does_not_hang_a_run() {
    let sites = thread::scope(|scope| {
        let boot = |flavor| scope.spawn(move || Site::new(flavor));
        Flavor::ALL.map(boot).map(|site| site.join().unwrap())
    });
    thread::scope(|scope| {
        let [mysql, mariadb] = &sites;
        for (site, proxy) in [(mysql, &mysql.source), (mariadb, &mariadb.replica)] {
            scope.spawn(move || {
                let vouch = site.vouch_equal().args(&["--retry-for", "1s"]).within(Duration::from_secs(240));
                let outcome = disturbed(site, vouch, &[0.1], || proxy.stall());
                assert_honest(site, &outcome, "connection-lost");
            });
        }
    });
}

#[test]
fn a_table_that_changes_its_definition_is_compared_anew() {
    on_both(|flavor| {
        let site = Site::new(flavor);
        let alter = || site.topology.source().sql("ALTER TABLE shop.items ADD COLUMN stock INT DEFAULT 7").unwrap();
        let outcome = disturbed(&site, site.vouch(), &[0.3], alter).assert_code(1);
        assert_eq!(outcome.errors(), [] as [Value; 0], "{}", outcome.stderr);
        assert!(
            outcome.findings().iter().all(|finding| finding["key"] != Value::Array(Vec::new())),
            "{}",
            outcome.stdout
        );
        // The column is no part of rows that the replica alone has lost or got.
        for table in ["shop.items", "shop.orders"] {
            outcome.assert_rows(table, &site.calm.rows(table));
        }
        let rows = |outcome: &Outcome| outcome.tables().iter().map(|table| table["rows"].clone()).collect::<Vec<_>>();
        assert_eq!(rows(&outcome), rows(&site.calm), "rows were left out, or counted twice");
        assert!(outcome.states().iter().all(|state| state == "equal" || state == "differs"), "{}", outcome.stdout);
    });
}

#[test]
fn a_table_that_is_dropped_in_the_middle_is_reported() {
    on_both(|flavor| {
        let site = Site::new(flavor);
        let drop_table = || site.topology.source().sql("DROP TABLE shop.`lines`").unwrap();
        let outcome = disturbed(&site, site.vouch_equal(), &[0.1], drop_table).assert_code(3);
        assert_eq!(outcome.only("table-vanished")["table"], "shop.lines");
        assert_eq!(outcome.errors().len(), 1, "{}", outcome.stdout);
        let state = |name: &str| {
            let table = outcome.tables().iter().find(|table| table["table"] == name).unwrap();
            table["replicas"][0]["state"].clone()
        };
        assert_eq!((state("shop.lines"), state("shop.notes")), ("not-run".into(), "equal".into()));
    });
}

/// A limit to the size of files stands in for a full disk: it needs no privilege, and what is written to
/// the state fails in the same way.
#[test]
fn a_full_disk_under_the_state_is_said_and_costs_no_result() {
    let site = Site::new(Flavor::Mariadb);
    let state = TempDir::new().unwrap();
    let vouch = site.vouch().state_dir(state.path()).after_shell("trap '' XFSZ; ulimit -f 1024");
    let outcome = vouch.run();
    assert_recovered(&site, &outcome, "the disk is full");
    let said = outcome.only("state-fault")["message"].as_str().unwrap().to_owned();
    assert!(said.contains("cannot be written"), "{said}");
    // What was written before is still good to go on from.
    let resumed = site.vouch().state_dir(state.path()).args(&["--resume", "last"]).run();
    assert_recovered(&site, &resumed, "resumed once there is space");
    let taken_over = resumed.document["coverage"]["resumed_chunks"].as_u64().unwrap();
    assert!(taken_over > 0, "the disk was full from the start");
}
