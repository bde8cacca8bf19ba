//! What a manifest's definition digest covers: all that decides which rows a table takes and what it fills in.

use super::kit::{Desk, statuses};
use crate::harness::on_both;
use vouch_testkit::Topology;

/// Tables, and for each a change of its definition that leaves its rows alone.
const TABLES: [(&str, &str, &str); 6] = [
    ("counted", "id INT AUTO_INCREMENT PRIMARY KEY", "MODIFY id INT NOT NULL"),
    ("filled", "id INT PRIMARY KEY, v INT DEFAULT 7", "ALTER v DROP DEFAULT"),
    ("child", "id INT PRIMARY KEY, CONSTRAINT up FOREIGN KEY (id) REFERENCES counted (id)", "DROP FOREIGN KEY up"),
    ("checked", "id INT PRIMARY KEY, v INT, CONSTRAINT small CHECK (v < 10)", "DROP CONSTRAINT small"),
    ("parted", "id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS (3", "REMOVE PARTITIONING"),
    ("prefixed", "id INT PRIMARY KEY, s VARCHAR(40), KEY s (s(10))", "DROP KEY s, ADD KEY s (s(20))"),
];

/// A copy without AUTO_INCREMENT, defaults, foreign keys, checks or partitions was VALID. Failed over to,
/// it would have taken rows that the source refuses, and refused rows that it takes.
#[test]
fn a_copy_with_another_definition_is_not_valid() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 1).unwrap();
        let server = topology.source();
        server.sql("CREATE DATABASE app").unwrap();
        for (name, body, _) in TABLES {
            let body = body.replace("PARTITIONS (3", "PARTITIONS 3");
            let end = if body.contains("PARTITION BY") { "" } else { ")" };
            server.sql(&format!("USE app; CREATE TABLE {name} ({body}{end}")).unwrap();
        }
        let desk = Desk::new();
        desk.create("m.json", server, &[]).assert_code(0);
        let validate = || {
            server.sql("SET GLOBAL read_only = 1").unwrap();
            let outcome = desk.validate("m.json", server, &["--restored"]);
            server.sql("SET GLOBAL read_only = 0").unwrap();
            outcome
        };
        validate().assert_code(0);
        for (name, _, change) in TABLES {
            // The parent of a foreign key may not change under it.
            let change = format!("USE app; SET foreign_key_checks = 0; ALTER TABLE {name} {change}");
            server.sql(&change).unwrap();
            let outcome = validate().assert_code(1);
            assert!(statuses(&outcome).contains(&format!("app.{name}=MISMATCH")), "{name}: {}", statuses(&outcome));
        }
    });
}
