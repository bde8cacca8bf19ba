//! A run that is killed in the middle goes on where it was, and only where that is right.

use super::faults::Locked;
use super::kit::{Desk, statuses};
use crate::harness::Outcome;
use vouch_testkit::Server;

const NAMES: [&str; 4] = ["app.blank", "app.log", "app.orders", "app.users"];

/// How many CHECKSUM TABLE statements the server has answered.
fn checksums(server: &Server) -> u64 {
    let rows = server.query_strings("SHOW GLOBAL STATUS LIKE 'Com_checksum'").unwrap();
    rows[0][1].as_ref().unwrap().parse().unwrap()
}

/// Killed with one table left: that one alone is read. Once the server has moved, all are.
pub fn a_run_that_is_killed_goes_on(server: &Server) {
    let desk = Desk::new();
    let args = ["--serial", "1", "--tables", "app.*", "--ignore-tables", "app.x*", "--method", "checksum-table"];
    desk.create("m.json", server, &args).assert_code(0);
    server.sql("SET GLOBAL read_only = ON").unwrap();
    kill_in_the_middle(&desk, server);
    let (resumed, read) = resume(&desk, server);
    assert_eq!((resumed.code, read), (0, 1), "{}", resumed.stdout);
    assert_eq!(statuses(&resumed), NAMES.map(|name| format!("{name}=VALID")).join(" "));
    assert!(resumed.only("resumed")["message"].as_str().unwrap().starts_with("3 tables"), "{}", resumed.stdout);
    // It came to its end: there is nothing to go on from.
    let (again, read) = resume(&desk, server);
    assert_eq!((again.code, read), (0, 4), "{}", again.stdout);
    again.only("resume-refused");
    kill_in_the_middle(&desk, server);
    server.sql("UPDATE app.orders SET total = total + 1 WHERE id = 3").unwrap();
    let (moved, read) = resume(&desk, server);
    assert_eq!((moved.code, read), (1, 4), "{}", moved.stdout);
    moved.only("resume-refused");
    assert_eq!(moved.only("table-mismatch")["table"], "app.orders");
    server.sql("UPDATE app.orders SET total = total - 1 WHERE id = 3; SET GLOBAL read_only = OFF").unwrap();
}

fn kill_in_the_middle(desk: &Desk, server: &Server) {
    let locked = Locked::of(server, "app.users WRITE");
    let mut run = desk.begin("m.json", server, &["--restored", "--lock-wait", "60s"]);
    for name in &NAMES[..3] {
        run.until_it_says(&format!("\"table\":\"{name}\""));
    }
    run.kill9();
    locked.release();
}

/// Goes on; returns how many tables were read, too.
fn resume(desk: &Desk, server: &Server) -> (Outcome, u64) {
    let before = checksums(server);
    let outcome = desk.validate("m.json", server, &["--restored", "--resume"]);
    (outcome, checksums(server) - before)
}
