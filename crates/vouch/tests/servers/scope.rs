//! What a run owes: every table and column that was asked for, on every replica, under whatever name
//! and definition each server has it, from the beginning of the run to its end.

use crate::harness::{Outcome, Vouch, on_both};
use serde_json::Value;
use std::fs;
use std::time::Duration;
use vouch_testkit::{Expected, Flavor, Server, Topology, drift};

const IN_SYNC: Duration = Duration::from_secs(60);

fn quick(topology: &Topology, args: &[&str]) -> Outcome {
    Vouch::of(topology).args(&["--confirm-after", "100ms"]).args(args).run()
}

fn name(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port())
}

/// A table of three rows on all servers.
fn table(name: &str, definition: &str) -> String {
    format!("CREATE TABLE d.{name} ({definition}); INSERT INTO d.{name} VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);")
}

/// The codes of the findings about `table` on `replica`.
fn found<'a>(outcome: &'a Outcome, table: &str, replica: &str) -> Vec<&'a str> {
    let here = |finding: &&Value| finding["table"] == table && finding["replica"] == replica;
    outcome.findings().iter().filter(here).map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// Columns whose names differ by case alone were "missing" on both sides and their values never compared; an index that
/// one side must not use stopped a table; a pattern with a typing error beside a right one was passed over in silence.
#[test]
fn names_and_indexes_of_both_sides_fit_together() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let (source, replica) = (topology.source(), topology.replica(0));
        let keys = "a INT NOT NULL, b INT NOT NULL, v INT, UNIQUE two (b), UNIQUE one (a)";
        let tables =
            [table("cased", "id INT PRIMARY KEY, Price INT, note INT"), table("here", keys), table("there", keys)];
        source.sql(&format!("CREATE DATABASE d; {}", tables.concat())).unwrap();
        let unused = if flavor == Flavor::Mysql { "INVISIBLE" } else { "IGNORED" };
        source.sql(&format!("ALTER TABLE d.here ALTER INDEX one {unused}")).unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        let drifted = format!(
            "ALTER TABLE d.cased CHANGE Price PRICE INT, CHANGE id ID INT; UPDATE d.cased SET price = 0 WHERE id = 2; \
             ALTER TABLE d.there ALTER INDEX one {unused}; UPDATE d.here SET v = 0 WHERE a = 1; \
             UPDATE d.there SET v = 0 WHERE a = 1"
        );
        drift::sql(replica, &drifted).unwrap();
        let outcome = quick(&topology, &["--databases", "d"]).assert_code(1);
        assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
        outcome.assert_rows("d.cased", &[Expected::changed("id", 2, &["Price"])]);
        assert_eq!(found(&outcome, "d.cased", &name(replica)), ["row-changed"]);
        definitions_in_another_case(&topology);
        for table in ["d.here", "d.there"] {
            outcome.assert_rows(table, &[Expected::changed("b", 1, &["v"])]);
        }
        patterns_that_match_nothing(&topology);
    });
}

/// Names of columns, constraints and indexes have no case to a server, wherever they stand in a definition; texts have.
fn definitions_in_another_case(topology: &Topology) {
    let table = |id: &str, o: &str, price: &str, text: &str, fk: &str, chk: &str, index: &str| {
        format!(
            "CREATE TABLE d.child ({id} INT PRIMARY KEY, {o} INT, {price} INT, g INT GENERATED ALWAYS AS ({price} + 1) \
             VIRTUAL, x INT DEFAULT (2 * {price}), t CHAR(9), CONSTRAINT {fk} FOREIGN KEY ({o}) REFERENCES d.parent ({id}), \
             CONSTRAINT {chk} CHECK ({price} > 0 AND t <> '{text}'), KEY {index} ({price})) \
             {}",
            if topology.flavor() == Flavor::Mysql { "COMMENT 'my'" } else { "COMMENT 'maria'" }
        )
    };
    let parts = |id: &str| {
        format!(
            "CREATE TABLE d.parts ({id} INT PRIMARY KEY) PARTITION BY RANGE ({id} + 1) (PARTITION p0 VALUES LESS THAN (9))"
        )
    };
    let ours = table("id", "o", "price", "It", "fk", "chk", "i");
    topology.source().sql(&format!("CREATE TABLE d.parent (id INT PRIMARY KEY); {ours}; {}", parts("id"))).unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
    let again = |theirs: &str| {
        let sql = format!("DROP TABLE d.child, d.parts; {theirs}; {}", parts("ID"));
        drift::sql(topology.replica(0), &sql).unwrap();
        quick(topology, &["--tables", "d.child,d.parent,d.parts"])
    };
    again(&table("ID", "O", "Price", "It", "FK", "Chk", "I")).assert_clean();
    let outcome = again(&table("ID", "O", "Price", "it", "FK", "Chk", "I")).assert_code(1);
    assert_eq!(outcome.finding_codes(), ["check-differs"], "{}", outcome.stdout);
    topology.source().sql("DROP TABLE d.child, d.parts, d.parent").unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
}

fn patterns_that_match_nothing(topology: &Topology) {
    let filters = ["--tables", "d.cas*,d.typo*,d.none", "--databases", "d,crm?", "--engines", "innodb,ariaa"];
    let outcome =
        quick(topology, &[&filters[..], &["--columns", "d.cased.id,d.cased.pryce", "--tables-regex", "^zz"]].concat());
    let said: Vec<&str> = outcome.coded("table-unknown").iter().map(|e| e["message"].as_str().unwrap()).collect();
    for pattern in ["d.typo*", "d.none", "crm?", "ARIAA", "d.cased.pryce", "^zz"] {
        let about: Vec<_> = said.iter().filter(|text| text.contains(pattern)).collect();
        assert_eq!(about.len(), 1, "{pattern}: {said:?}");
    }
    assert_eq!((said.len(), outcome.code), (6, 3), "{}", outcome.stdout);
    assert_eq!(outcome.table_names(), ["d.cased"]);
    // What is left out need not be there.
    let outcome =
        quick(topology, &["--tables", "d.here,d.ca*", "--ignore-tables", "d.nothing", "--ignore-columns", "v,Price"]);
    outcome.assert_clean();
}

/// A definition changed on one side alone while rows were compared: "equal". Of two replicas one lost its table, and
/// nobody said so.
#[test]
fn definitions_are_watched_on_every_side_to_the_end() {
    on_both(|flavor| {
        let topology = Topology::with_replicas(flavor, 2).unwrap();
        let (source, first, second) = (topology.source(), topology.replica(0), topology.replica(1));
        let names = ["alone", "theirs", "dropped", "everywhere", "calm"];
        let tables: String = names.iter().map(|name| table(name, "id INT PRIMARY KEY, v INT, w INT")).collect();
        source.sql(&format!("CREATE DATABASE d; {tables}")).unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        let pause = source.dir().join("pause");
        fs::write(&pause, "").unwrap();
        let args = ["--databases", "d", "--check-interval", "100ms", "--pause-file", pause.to_str().unwrap()];
        let mut running = Vouch::of(&topology).live().args(&args).spawn();
        running.until_it_says("\"paused\"");
        drift::sql(source, "ALTER TABLE d.alone ADD COLUMN extra INT").unwrap();
        drift::sql(first, "ALTER TABLE d.theirs ADD COLUMN more INT").unwrap();
        drift::sql(second, "DROP TABLE d.dropped").unwrap();
        source.sql("ALTER TABLE d.everywhere ADD COLUMN x INT").unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        fs::remove_file(&pause).unwrap();
        let outcome = running.wait().assert_code(1);
        let expected: [(&str, [&[&str]; 2]); 5] = [
            ("d.alone", [&["column-source-only"], &["column-source-only"]]),
            ("d.theirs", [&["column-replica-only"], &[]]),
            ("d.dropped", [&[], &["table-source-only"]]),
            ("d.everywhere", [&[], &[]]),
            ("d.calm", [&[], &[]]),
        ];
        for (table, [on_first, on_second]) in expected {
            assert_eq!(found(&outcome, table, &name(first)), on_first, "{table}: {}", outcome.stdout);
            assert_eq!(found(&outcome, table, &name(second)), on_second, "{table}: {}", outcome.stdout);
        }
        assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
        checksums_that_are_missing(&topology);
    });
}

/// One replica had no table of checksums, a table was never checksummed: both were passed over, and the rest was "clean".
fn checksums_that_are_missing(topology: &Topology) {
    let (source, first, second) = (topology.source(), topology.replica(0), topology.replica(1));
    let columns = "db CHAR(64) NOT NULL, tbl CHAR(64) NOT NULL, chunk INT NOT NULL, chunk_time FLOAT, \
         chunk_index VARCHAR(200), lower_boundary TEXT, upper_boundary TEXT, this_crc CHAR(40) NOT NULL, \
         this_cnt INT NOT NULL, source_crc CHAR(40), source_cnt INT, ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, \
         PRIMARY KEY (db, tbl, chunk)";
    source
        .sql(&format!(
            "CREATE DATABASE percona; CREATE TABLE percona.checksums ({columns}); \
             INSERT INTO percona.checksums (db, tbl, chunk, this_crc, this_cnt, source_crc, source_cnt) \
             VALUES ('d', 'calm', 1, 'a', 3, 'a', 3), ('d', 'everywhere', 1, 'b', 3, 'b', 3)"
        ))
        .unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
    drift::sql(first, "DELETE FROM percona.checksums WHERE tbl = 'everywhere'").unwrap();
    drift::sql(second, "DROP TABLE percona.checksums").unwrap();
    let args = [
        "--tables",
        "d.calm,d.everywhere,d.theirs",
        "--from-checksums",
        "percona.checksums",
        "--ignore-columns",
        "more",
    ];
    let outcome = quick(topology, &args).assert_code(3);
    let missing = outcome.coded("checksum-missing");
    let about = |table: Value, replica: Value| {
        missing.iter().filter(|error| error["table"] == table && error["replica"] == replica).count()
    };
    assert_eq!(about(Value::Null, name(second).into()), 1, "{}", outcome.stdout);
    assert_eq!(about("d.everywhere".into(), name(first).into()), 1, "{}", outcome.stdout);
    assert_eq!(about("d.theirs".into(), Value::Null), 1, "{}", outcome.stdout);
    assert_eq!(missing.len(), 3, "{}", outcome.stdout);
}

/// A replica that folds the case of names had every table twice, on either side alone, and no row was compared.
#[test]
fn names_are_matched_without_case_where_a_server_folds_it() {
    let builder = Topology::builder(Flavor::Mariadb).unwrap();
    let topology = builder.replica_args(&["--lower-case-table-names=1"]).start().unwrap();
    let sql = "CREATE DATABASE d; CREATE TABLE d.Orders (id INT PRIMARY KEY, v INT); \
         INSERT INTO d.Orders VALUES (1, 1), (2, 2); CREATE TABLE d.plain (id INT PRIMARY KEY); \
         INSERT INTO d.plain VALUES (1); CREATE TABLE d.Child (id INT PRIMARY KEY, o INT, \
         FOREIGN KEY (o) REFERENCES d.Orders (id)); CREATE DATABASE Other; CREATE TABLE Other.Kid \
         (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES d.Orders (id))";
    topology.source().sql(sql).unwrap();
    topology.wait_in_sync(IN_SYNC).unwrap();
    drift::sql(topology.replica(0), "UPDATE d.orders SET v = 0 WHERE id = 2").unwrap();
    let outcome = quick(&topology, &["--databases", "d,Other"]).assert_code(1);
    outcome.assert_rows("d.Orders", &[Expected::changed("id", 2, &["v"])]);
    assert_eq!(outcome.findings().len(), 1, "{}", outcome.stdout);
    assert_eq!(outcome.only("case-folded")["server"], name(topology.replica(0)));
    assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
}
