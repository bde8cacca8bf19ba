//! Rows that change and change back, and statements, in the log around a comparison.

use crate::harness::{Outcome, Vouch, on_both};
use mysql::prelude::Queryable;
use std::time::Duration;
use vouch_testkit::{Expected, Flavor, Load, Server, Topology, drift};

const SOON: Duration = Duration::from_secs(60);

/// A table: name, columns of the key, the key of a row that the load changes, and of one that it leaves alone.
type Keyed = (&'static str, String, [String; 2]);

/// A table whose key has a column for each number of digits that a second may have; the values have all of them.
fn precise(name: &'static str, kind: &str, [moving, quiet]: [&str; 2]) -> Keyed {
    let columns: Vec<String> = (0..=6).map(|digits| format!("k{digits} {kind}({digits}) NOT NULL")).collect();
    let keys: Vec<String> = (0..=6).map(|digits| format!("k{digits}")).collect();
    // A second without a fraction stays what it is, whether a server rounds or cuts.
    let values = |seconds: &str, fraction: &str| {
        let value = |digits: usize| match digits {
            0 => format!("'{seconds}'"),
            _ => format!("'{seconds}.{}'", &fraction[..digits]),
        };
        (0..=6).map(value).collect::<Vec<_>>().join(",")
    };
    let columns = format!("{}, PRIMARY KEY ({})", columns.join(", "), keys.join(","));
    (name, columns, [values(moving, "987654"), values(quiet, "123456")])
}

/// Tables of which each row that the load leaves alone has the number 100, and each one that it changes has 0 or 1.
fn tables(flavor: Flavor) -> Vec<Keyed> {
    let mut tables: Vec<Keyed> = plain(flavor)
        .into_iter()
        .map(|(name, kind, values)| (name, format!("k {kind} NOT NULL PRIMARY KEY"), values.map(str::to_owned)))
        .collect();
    tables.push(precise("clocks", "TIME", ["-12:00:01", "100:00:00"]));
    tables.push(precise("clocks_below", "TIME", ["-00:00:00", "-838:59:58"]));
    tables.push(precise("moments", "TIMESTAMP", ["2024-02-29 12:00:01", "2001-01-01 00:00:00"]));
    tables.push(precise("dates", "DATETIME", ["2024-02-29 12:00:01", "1999-12-31 23:59:58"]));
    tables
}

/// Name, type of the key, two of its values.
fn plain(flavor: Flavor) -> Vec<(&'static str, &'static str, [&'static str; 2])> {
    let mut tables = vec![
        ("texts", "VARCHAR(20) COLLATE utf8mb4_general_ci", ["'moving'", "'Quiet'"]),
        ("decimals", "DECIMAL(12,3)", ["1.500", "-7.250"]),
        ("doubles", "DOUBLE", ["0.1", "2.5"]),
        ("days", "DATE", ["'2024-02-29'", "'1999-12-31'"]),
        ("years", "YEAR", ["2024", "0"]),
        ("members", "ENUM('moving','quiet')", ["'moving'", "'quiet'"]),
        ("sets", "SET('a','b','c')", ["'a,c'", "'b'"]),
        ("bits", "BIT(12)", ["b'101'", "b'100000000001'"]),
        ("raw", "BINARY(8)", ["X'0102'", "X'0301000000000020'"]),
        ("large", "BIGINT UNSIGNED", ["18446744073709551615", "1"]),
    ];
    if flavor == Flavor::Mariadb {
        tables.push((
            "uuids",
            "UUID",
            ["'550e8400-e29b-11ee-8b3a-0102997d7c8f'", "'123e4567-e89b-12d3-a456-426614174000'"],
        ));
        tables.push(("addresses", "INET6", ["'2001:db8::1'", "'::ffff:10.0.0.1'"]));
    }
    tables
}

/// All kinds of values, in a table without any key, a long one among them so that events are compressed.
const KEYLESS: &str = "n INT UNSIGNED, d DECIMAL(10,2), f FLOAT(7,3), e DOUBLE, day DATE, at DATETIME(3), ts TIMESTAMP(6) NULL, \
    t TIME(4), t0 TIME, t1 TIME(1), t2 TIME(2), t6 TIME(6), a1 DATETIME(1), a6 DATETIME(6), z1 TIMESTAMP(1) NULL, y YEAR, b BIT(9), m ENUM('x','y'), s SET('p','q'), c CHAR(9), v VARCHAR(600), x BLOB, j JSON";

fn keyless(n: u32) -> String {
    format!(
        "({n}, 12.50, 1.125, -0.5, '2024-01-31', '2024-01-31 10:11:12.125', '2024-01-31 10:11:12', '-10:11:12.5', \
         '-10:11:12', '-10:11:12.5', '10:11:12.25', '-0:0:0.000001', '2024-01-31 10:11:12.5', '2024-01-31 10:11:12.5', \
         '2024-01-31 10:11:12.5', 2024, \
         b'101', 'y', 'p,q', 'char', REPEAT('v', 600), X'00FF00', '{{\"a\": 1}}')"
    )
}

fn set_up(source: &Server) {
    let flavor = source.flavor();
    let mut sql = String::from("CREATE DATABASE d; USE d; SET SESSION sql_mode = '', time_zone = '+00:00'; ");
    for (name, kind, [moving, quiet]) in tables(flavor) {
        sql += &format!("CREATE TABLE {name} (n INT, mark INT, {kind}); ");
        sql += &format!("INSERT INTO {name} VALUES (0, 0, {moving}), (100, 0, {quiet}); ");
    }
    sql += &format!("CREATE TABLE keyless ({KEYLESS}); INSERT INTO keyless VALUES {}, {}; ", keyless(0), keyless(100));
    sql += "CREATE TABLE parent (id INT PRIMARY KEY, note INT); INSERT INTO parent VALUES (1, 0), (2, 0); \
        CREATE TABLE child (id INT PRIMARY KEY, parent INT, \
        FOREIGN KEY (parent) REFERENCES parent (id) ON UPDATE CASCADE ON DELETE SET NULL); \
        INSERT INTO child VALUES (1, 1), (2, 1), (3, 2); \
        CREATE TABLE noise (id INT PRIMARY KEY, v VARCHAR(600)); INSERT INTO noise VALUES (1, ''); \
        CREATE TABLE still (id INT PRIMARY KEY, v INT); INSERT INTO still VALUES (1, 1), (2, 2)";
    source.sql(&sql).unwrap();
}

/// Each step changes one row of each of three tables, and the next step changes it back.
fn flapping(source: &Server) -> Load {
    let step = |conn: &mut mysql::Conn, _, n: u64| {
        let (from, to) = if n.is_multiple_of(2) { (1, 101) } else { (101, 1) };
        conn.query_drop("UPDATE d.texts SET n = 1 - n WHERE n < 2; UPDATE d.keyless SET n = 1 - n WHERE n < 2")?;
        conn.query_drop(format!("UPDATE d.parent SET id = {to} WHERE id = {from}"))
    };
    Load::custom(source, 1, Duration::from_millis(10), step).unwrap()
}

/// Each step changes every row of each table and changes it back at once, so that nobody ever sees it otherwise.
fn touching(source: &Server) -> Load {
    let names: Vec<&str> = tables(source.flavor()).into_iter().map(|(name, ..)| name).chain(["keyless"]).collect();
    let step = |name: &&str| format!("BEGIN; UPDATE d.{name} SET n = n + 1; UPDATE d.{name} SET n = n - 1; COMMIT");
    let steps: Vec<String> = names.iter().map(step).collect();
    let threads = u32::try_from(steps.len()).unwrap();
    let touch = move |conn: &mut mysql::Conn, thread: u32, _| conn.query_drop(&steps[usize::try_from(thread).unwrap()]);
    // Slow enough for a replica to follow, and often enough for every window.
    Load::custom(source, threads, Duration::from_millis(60), touch).unwrap()
}

/// Statements that change no row, or rows of tables of their own, one of each kind in a step.
fn statements(source: &Server) -> Load {
    let mysql = source.flavor() == Flavor::Mysql;
    let step = move |conn: &mut mysql::Conn, _, n: u64| {
        conn.query_drop(format!("BEGIN; UPDATE d.noise SET v = REPEAT('{}', 600)", n % 10))?;
        conn.query_drop(
            "SAVEPOINT one; UPDATE d.noise SET v = 'lost'; ROLLBACK TO one; RELEASE SAVEPOINT one; COMMIT",
        )?;
        conn.query_drop(format!("XA START 'x{n}'; UPDATE d.noise SET v = 'xa'; XA END 'x{n}'; XA PREPARE 'x{n}'"))?;
        conn.query_drop(format!("XA COMMIT 'x{n}'"))?;
        conn.query_drop(format!("CREATE USER passer{n}@localhost; GRANT SELECT ON d.noise TO passer{n}@localhost"))?;
        conn.query_drop(format!("DROP USER passer{n}@localhost; FLUSH PRIVILEGES"))?;
        for statement in ["ANALYZE TABLE d.noise", "OPTIMIZE TABLE d.noise"] {
            conn.query_iter(statement)?.for_each(drop);
        }
        conn.query_drop(format!("ALTER TABLE d.noise COMMENT = '{n}'"))?;
        conn.query_drop("CREATE OR REPLACE VIEW d.seen AS SELECT 1 AS one")?;
        conn.query_drop("CREATE TABLE d.passing (id INT); INSERT INTO d.passing VALUES (1); DROP TABLE d.passing")?;
        if mysql {
            conn.query_drop("SET SESSION gtid_next = 'AUTOMATIC:ops'; UPDATE d.noise SET v = 'ops'")?;
            conn.query_drop("SET SESSION gtid_next = 'AUTOMATIC'")?;
        }
        Ok(())
    };
    Load::custom(source, 1, Duration::from_millis(5), step).unwrap()
}

fn look(topology: &Topology, tables: &str) -> Outcome {
    let args = ["--tables", tables, "--confirm-after", "100ms", "--hot-deadline", "2s", "--max-lag", "1h"];
    Vouch::of(topology).args(&args).within(Duration::from_secs(300)).run()
}

/// Fails on any error but of keys that kept changing, or of which the log does not tell.
#[track_caller]
fn nothing_but_motion(outcome: &Outcome) {
    let motion = |code: &str| code == "key-hot" || code == "row-unclear";
    let others = outcome.errors().iter().filter(|error| !error["code"].as_str().is_some_and(motion));
    assert_eq!(others.count(), 0, "{}", outcome.stdout);
}

#[track_caller]
fn proven(outcome: &Outcome, code: &str, table: &str) {
    assert_eq!(outcome.only_of(code, table)["proof"]["kind"], "proven", "{code} {table}: {}", outcome.stdout);
}

/// The replica is healthy, and a run says "confirmed" or "proven" of rows that only change and change back, in tables
/// whose keys the log was not searched by, or that a foreign key changes without a word in it: somebody rebuilds a
/// sound replica. Drift on rows beside them must be found all the same.
#[test]
fn rows_that_change_and_change_back_are_no_drift() {
    on_both(|flavor| {
        let compressed: &[&str] = match flavor {
            Flavor::Mysql => &["--binlog-transaction-compression=ON"],
            Flavor::Mariadb => &["--log-bin-compress=ON", "--log-bin-compress-min-len=10"],
        };
        let topology = Topology::builder(flavor).unwrap().args(compressed).start().unwrap();
        set_up(topology.source());
        topology.wait_in_sync(SOON).unwrap();
        statements_change_no_other_table(&topology);
        flapping_rows_are_no_drift(&topology);
        rows_of_every_type_are_recognised(&topology);
    });
}

fn flapping_rows_are_no_drift(topology: &Topology) {
    let load = flapping(topology.source());
    load.wait_for(50, SOON).unwrap();
    for round in 0..4 {
        let outcome = look(topology, "d.texts,d.keyless,d.child");
        assert!(outcome.findings().is_empty(), "round {round} on {}: {}", topology.flavor().name(), outcome.stdout);
        nothing_but_motion(&outcome);
    }
    let drifted = |n: u32| {
        let sql = ["texts", "keyless"].map(|name| format!("UPDATE d.{name} SET n = {n} WHERE n IN (99, 100)"));
        drift::sql(topology.replica(0), &sql.join("; ")).unwrap();
    };
    drifted(99);
    let outcome = look(topology, "d.texts,d.keyless,d.child").assert_code(1);
    nothing_but_motion(&outcome);
    proven(&outcome, "row-changed", "d.texts");
    proven(&outcome, "row-source-only", "d.keyless");
    proven(&outcome, "row-replica-only", "d.keyless");
    assert_eq!(outcome.findings().len(), 3, "{}", outcome.stdout);
    drifted(100);
    load.stop();
    topology.wait_in_sync(SOON).unwrap();
}

/// Rows that differ, and that each window has events of: what is not recognised there would be "proven".
fn rows_of_every_type_are_recognised(topology: &Topology) {
    let (source, replica) = (topology.source(), topology.replica(0));
    let names: Vec<&str> = tables(source.flavor()).into_iter().map(|(name, ..)| name).collect();
    let mut drifted: Vec<String> = names.iter().map(|name| format!("UPDATE d.{name} SET mark = 1")).collect();
    drifted.push("INSERT INTO d.keyless SELECT * FROM d.keyless WHERE n = 100".to_owned());
    drift::sql(replica, &drifted.join("; ")).unwrap();
    // What an event does not hold stays as it is on the replica.
    source.sql("SET GLOBAL binlog_row_image = 'MINIMAL'").unwrap();
    let load = touching(source);
    load.wait_for(100, SOON).unwrap();
    let all = names.iter().chain(&["keyless"]).map(|name| format!("d.{name}")).collect::<Vec<_>>().join(",");
    let outcome = look(topology, &all).assert_code(3);
    assert!(outcome.findings().is_empty(), "{}", outcome.stdout);
    nothing_but_motion(&outcome);
    assert_eq!(outcome.coded("key-hot").len(), names.len() + 1, "{}", outcome.stdout);
    load.stop();
    topology.wait_in_sync(SOON).unwrap();
    let outcome = look(topology, &all).assert_code(1);
    assert_eq!(outcome.findings().len(), 2 * names.len() + 1, "{}", outcome.stdout);
    assert!(outcome.findings().iter().all(|finding| finding["proof"]["kind"] == "proven"), "{}", outcome.stdout);
    fractions_are_compared(topology);
}

/// The last digit of each precision counts, and nothing behind it, in each digest.
fn fractions_are_compared(topology: &Topology) {
    let table = |kind: &str| {
        let columns: Vec<String> = (0..=6).map(|digits| format!("v{digits} {kind}({digits})")).collect();
        format!("CREATE TABLE d.fine_{kind} (id INT PRIMARY KEY, {}); ", columns.join(", "))
    };
    let kinds = [("TIME", "-10:11:12"), ("DATETIME", "2024-01-31 10:11:12"), ("TIMESTAMP", "2024-01-31 10:11:12")];
    let rows = |kind: &str, value: &str| {
        let row = |id: usize| format!("({id}{})", format!(", '{value}'").repeat(7));
        format!("INSERT INTO d.fine_{kind} VALUES {}; ", (0..=7).map(row).collect::<Vec<_>>().join(","))
    };
    let setup: String = kinds.iter().map(|(kind, value)| table(kind) + &rows(kind, value)).collect();
    topology.source().sql(&setup).unwrap();
    topology.wait_in_sync(SOON).unwrap();
    let change = |kind: &str, digits: usize| {
        let step = if digits == 0 { "1".to_owned() } else { format!("0.{:0>digits$}", 1) };
        format!("UPDATE d.fine_{kind} SET v{digits} = v{digits} + INTERVAL {step} SECOND WHERE id = {digits}; ")
    };
    let changes = |(kind, _): &(&str, &str)| (0..=6).map(|digits| change(kind, digits)).collect::<String>();
    drift::sql(topology.replica(0), &kinds.iter().map(changes).collect::<String>()).unwrap();
    for digest in ["stream", "sha2", "crc"] {
        let outcome = Vouch::of(topology)
            .args(&["--tables", "d.fine_*", "--confirm-after", "100ms", "--digest", digest])
            .run()
            .assert_code(1);
        for (kind, _) in kinds {
            let rows: Vec<Expected> = (0..=6)
                .map(|digits| Expected::changed("id", i64::from(digits), &[format!("v{digits}").as_str()]))
                .collect();
            outcome.assert_rows(&format!("d.fine_{kind}"), &rows);
        }
    }
}

/// A savepoint, a grant or an ALTER of another table in the log took all proof from every finding, and so did
/// compression: what a DBA saw was "confirmed" for ever, without a word why.
fn statements_change_no_other_table(topology: &Topology) {
    let load = statements(topology.source());
    load.wait_for(5, SOON).unwrap();
    drift::sql(topology.replica(0), "UPDATE d.still SET v = 7 WHERE id = 2").unwrap();
    for _ in 0..3 {
        let outcome = look(topology, "d.still").assert_code(1);
        outcome.assert_rows("d.still", &[Expected::changed("id", 2, &["v"])]);
        let proof = &outcome.only("row-changed")["proof"];
        assert_eq!(proof["how"], "binlog window", "{}", outcome.stdout);
    }
    let failed = load.failed();
    load.stop();
    assert_eq!(failed, 0, "statements of the load failed");
    drift::sql(topology.replica(0), "UPDATE d.still SET v = 2 WHERE id = 2").unwrap();
    topology.wait_in_sync(SOON).unwrap();
}
