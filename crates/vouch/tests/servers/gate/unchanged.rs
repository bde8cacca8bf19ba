//! `--static-only`: tables that have changed since the manifest's position are left out, by the binlog.

use super::kit::{Desk, assert_refused, statuses, table};
use vouch_testkit::{Flavor, Server};

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
    statements_are_understood(&desk, server);
    if server.flavor() == Flavor::Mariadb {
        every_domain_counts(&desk, server);
    }
    server.sql("DROP DATABASE since").unwrap();
}

/// An ALTER of another table, a savepoint or a grant, and compressed or tagged transactions, made the gate refuse: an
/// operator had to take it on trust that nothing had changed, or to do without.
fn statements_are_understood(desk: &Desk, server: &Server) {
    server
        .sql(
            "CREATE TABLE since.more (id INT PRIMARY KEY, v VARCHAR(900)); ALTER TABLE since.more COMMENT = 'x'; \
             BEGIN; INSERT INTO since.more VALUES (1, ''); SAVEPOINT a; INSERT INTO since.more VALUES (2, ''); \
             ROLLBACK TO a; COMMIT; CREATE USER since_user@localhost; GRANT SELECT ON since.rest TO since_user@localhost; \
             DROP USER since_user@localhost; FLUSH PRIVILEGES; XA START 'x'; INSERT INTO since.more VALUES (3, ''); \
             XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'",
        )
        .unwrap();
    server.query_strings("ANALYZE TABLE since.more; OPTIMIZE TABLE since.more").unwrap();
    let compressed = match server.flavor() {
        Flavor::Mysql => {
            "SET SESSION binlog_transaction_compression = ON; \
             UPDATE since.hot SET n = n + 1; INSERT INTO since.more VALUES (4, REPEAT('c', 900)); \
             SET SESSION gtid_next = 'AUTOMATIC:ops'; INSERT INTO since.more VALUES (5, REPEAT('c', 900)); \
             SET SESSION gtid_next = 'AUTOMATIC:x'; INSERT INTO since.more VALUES (6, '')"
        }
        Flavor::Mariadb => {
            "SET GLOBAL log_bin_compress = ON; UPDATE since.hot SET n = n + 1; \
             INSERT INTO since.more VALUES (4, REPEAT('c', 900)); SET GLOBAL log_bin_compress = OFF"
        }
    };
    server.sql(compressed).unwrap();
    let run = |name: &str| desk.validate(name, server, &["--static-only", "--extra", "ignore"]);
    let statuses_of = "since.child=VALID since.hot=SKIPPED since.parent=VALID since.rest=VALID";
    assert_eq!(statuses(&run("later.json").assert_code(0)), statuses_of);
    // A position with tags beside others.
    desk.create("tagged.json", server, &["--serial", "3", "--tables", "since.*"]).assert_code(0);
    if server.flavor() == Flavor::Mysql {
        let gtid = desk.manifest("tagged.json")["position"]["gtid"].as_str().unwrap().to_owned();
        assert!(gtid.contains(":ops:1:x:1"), "{gtid}");
    }
    server.sql("UPDATE since.hot SET n = n + 1").unwrap();
    let outcome = run("tagged.json").assert_code(0);
    assert_eq!(table(&outcome, "since.hot")["status"], "SKIPPED");
    assert_eq!(table(&outcome, "since.more")["status"], "VALID");
    // What a statement changes by triggers and functions is in no log: refused, by its kind and place.
    server.sql("SET SESSION binlog_format = 'STATEMENT'; UPDATE since.hot SET n = 4711").unwrap();
    let refused = run("tagged.json");
    assert_refused(&refused, "position-refused");
    let named = "the statement UPDATE since … at binlog.";
    assert!(refused.stdout.contains(named) && !refused.stdout.contains("4711"), "{}", refused.stdout);
}

/// A server without a domain of the manifest's position was let through as "at the position", and so was one that had
/// written to another domain since: rows that nobody had vouched for became the new primary's.
fn every_domain_counts(desk: &Desk, server: &Server) {
    desk.create("domains.json", server, &["--serial", "4", "--tables", "since.*"]).assert_code(0);
    desk.validate("domains.json", server, &[]).assert_code(0);
    server.sql("SET SESSION gtid_domain_id = 77; DELETE FROM since.more WHERE id = 999; INSERT INTO since.more VALUES (7, '')").unwrap();
    let past = desk.validate("domains.json", server, &[]);
    assert_refused(&past, "position-refused");
    assert!(past.stdout.contains("past the position") && past.stdout.contains("77-"), "{}", past.stdout);
    desk.rewrite("domains.json", |manifest| {
        let gtid = manifest["position"]["gtid"].as_str().unwrap().to_owned();
        let position = server.query_one("SELECT @@GLOBAL.gtid_current_pos").unwrap().unwrap();
        assert_ne!(gtid, position);
        manifest["position"]["gtid"] = format!("{position},78-1-1").into();
    });
    let behind = desk.validate("domains.json", server, &["--wait-timeout", "1s", "--allow-older"]);
    assert_refused(&behind, "position-refused");
    assert!(behind.stdout.contains("it lacks 78-1-1"), "{}", behind.stdout);
}
