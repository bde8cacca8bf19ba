//! `--static-only`: tables that have changed since the manifest's position are left out, by the binlog.

use super::kit::{Desk, assert_refused, statuses, table};
use vouch_testkit::Server;

/// Rows that change directly and by a foreign key; statements of which nobody knows what they changed.
pub fn tables_that_changed_are_left_out(server: &Server) {
    let tables = "CREATE DATABASE since; USE since;
        CREATE TABLE parent (id INT PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
        CREATE TABLE child (id INT PRIMARY KEY, parent INT NOT NULL,
            FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE); INSERT INTO child VALUES (1, 1), (2, 2);
        CREATE TABLE rest (id INT PRIMARY KEY); INSERT INTO rest VALUES (1);
        CREATE TABLE hot (id INT PRIMARY KEY, n INT); INSERT INTO hot VALUES (1, 0);";
    server.sql(tables).unwrap();
    let desk = Desk::new();
    desk.create("m.json", server, &["--serial", "1", "--tables", "since.*"]).assert_code(0);
    let run = || desk.validate("m.json", server, &["--static-only"]);
    let all = |child: &str, hot: &str, parent: &str| {
        format!("since.child={child} since.hot={hot} since.parent={parent} since.rest=VALID")
    };
    assert_eq!(statuses(&run().assert_code(0)), all("VALID", "VALID", "VALID"));
    server.sql("UPDATE since.hot SET n = n + 1").unwrap();
    let outcome = run().assert_code(0);
    assert_eq!(statuses(&outcome), all("VALID", "SKIPPED", "VALID"));
    assert!(table(&outcome, "since.hot")["reason"].as_str().unwrap().contains("has changed since"));
    // The row that goes with its parent is in no binlog.
    server.sql("DELETE FROM since.parent WHERE id = 2").unwrap();
    assert_eq!(statuses(&run().assert_code(0)), all("SKIPPED", "SKIPPED", "SKIPPED"));
    assert_refused(&desk.validate("m.json", server, &[]), "position-refused");
    // What is kept from the binlog is found, for the table is looked at.
    server.sql("SET SESSION sql_log_bin = 0; INSERT INTO since.rest VALUES (7)").unwrap();
    assert_eq!(run().assert_code(1).only("table-mismatch")["table"], "since.rest");
    server.sql("SET SESSION sql_log_bin = 0; DELETE FROM since.rest WHERE id = 7").unwrap();
    server.sql("UPDATE since.rest SET id = 3").unwrap();
    let none = run();
    assert_refused(&none, "position-refused");
    assert!(none.stdout.contains("every table of the manifest has changed"), "{}", none.stdout);
    desk.create("later.json", server, &["--serial", "2", "--tables", "since.*"]).assert_code(0);
    server.sql("CREATE TABLE since.more (id INT PRIMARY KEY)").unwrap();
    let unclear = desk.validate("later.json", server, &["--static-only", "--extra", "ignore"]);
    assert_refused(&unclear, "position-refused");
    assert!(unclear.stdout.contains("could have changed any table"), "{}", unclear.stdout);
    server.sql("DROP DATABASE since").unwrap();
}
