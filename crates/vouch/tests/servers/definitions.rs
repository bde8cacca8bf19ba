//! Definitions of tables: each clause that may differ is found and named, and the spellings of servers are no
//! difference.

use crate::harness::{Outcome, Vouch, full, on_both};
use std::thread;
use std::time::Duration;
use vouch_testkit::{DiffKind, Dist, Expected, Flavor, PASSWORD, SELECT_ONLY, Server, ServerConfig, Topology, drift};

const IN_SYNC: Duration = Duration::from_secs(60);

/// A change of one table on the replica: name, columns and keys, what is done there, the code of the finding, and
/// words that its message must have: the thing, the source's value, the replica's.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const BOTH: &[Case] = &[
    (
        "dflt",
        "id INT PRIMARY KEY, v INT DEFAULT 5",
        "ALTER COLUMN v SET DEFAULT 6",
        "default-differs",
        &["column v", "'5'", "'6'"],
    ),
    (
        "nodflt",
        "id INT PRIMARY KEY, v INT NOT NULL DEFAULT 0",
        "ALTER COLUMN v DROP DEFAULT",
        "default-differs",
        &["column v", "'0'", "no DEFAULT"],
    ),
    (
        "onupd",
        "id INT PRIMARY KEY, at DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
        "MODIFY at DATETIME DEFAULT CURRENT_TIMESTAMP",
        "default-differs",
        &["column at", "ON UPDATE current_timestamp()"],
    ),
    (
        "expr",
        "id INT PRIMARY KEY, v INT DEFAULT (1 + 2)",
        "MODIFY v INT DEFAULT (1 + 3)",
        "default-differs",
        &["column v", "1 + 2", "1 + 3"],
    ),
    (
        "bin",
        "id INT PRIMARY KEY, v VARBINARY(9) DEFAULT x'00fe'",
        "MODIFY v VARBINARY(9) DEFAULT x'00ff'",
        "default-differs",
        &["x'00fe'", "x'00ff'"],
    ),
    (
        "autoinc",
        "id INT AUTO_INCREMENT PRIMARY KEY",
        "MODIFY id INT NOT NULL",
        "auto-increment-differs",
        &["column id", "not AUTO_INCREMENT"],
    ),
    (
        "gen",
        "id INT PRIMARY KEY, v INT, g INT GENERATED ALWAYS AS (v + 1) VIRTUAL",
        "MODIFY g INT GENERATED ALWAYS AS (v + 2) VIRTUAL",
        "generated-differs",
        &["column g", "+ 1", "+ 2"],
    ),
    (
        "chk",
        "id INT PRIMARY KEY, v INT, CONSTRAINT positive CHECK (v > 0)",
        "DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (v > 1)",
        "check-differs",
        &["constraint positive", "> 0", "> 1"],
    ),
    (
        "nochk",
        "id INT PRIMARY KEY, v INT, CONSTRAINT gone CHECK (v > 0)",
        "DROP CONSTRAINT gone",
        "check-differs",
        &["constraint gone", "missing on the replica"],
    ),
    (
        "fk",
        "id INT PRIMARY KEY, p INT, CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE",
        "DROP FOREIGN KEY fk_p, ADD CONSTRAINT fk_p2 FOREIGN KEY (p) REFERENCES parent (id)",
        "foreign-key-differs",
        &["fk_p", "ON DELETE CASCADE", "missing on the replica"],
    ),
    (
        "fkgone",
        "id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id)",
        "DROP FOREIGN KEY fkgone_ibfk_1",
        "foreign-key-differs",
        &["fkgone_ibfk_1", "missing on the replica"],
    ),
    (
        "fkname",
        "id INT PRIMARY KEY, p INT, KEY (p), CONSTRAINT old_name FOREIGN KEY (p) REFERENCES parent (id)",
        "DROP FOREIGN KEY old_name, ADD CONSTRAINT new_name FOREIGN KEY (p) REFERENCES parent (id)",
        "constraint-name-differs",
        &["old_name", "new_name"],
    ),
    (
        "uniq",
        "id INT PRIMARY KEY, v INT, UNIQUE KEY u (v)",
        "DROP KEY u, ADD KEY u (v)",
        "unique-key-differs",
        &["index u", "UNIQUE KEY (v)", "KEY (v)"],
    ),
    (
        "prefix",
        "id INT PRIMARY KEY, v VARCHAR(40), KEY k (v(5))",
        "DROP KEY k, ADD KEY k (v(6))",
        "index-differs",
        &["index k", "v(5)", "v(6)"],
    ),
    (
        "uprefix",
        "id INT PRIMARY KEY, v VARCHAR(40), UNIQUE KEY k (v(5))",
        "DROP KEY k, ADD UNIQUE KEY k (v(6))",
        "unique-key-differs",
        &["index k", "v(5)", "v(6)"],
    ),
    (
        "down",
        "id INT PRIMARY KEY, v INT, KEY k (v)",
        "DROP KEY k, ADD KEY k (v DESC)",
        "index-differs",
        &["index k", "(v)", "(v DESC)"],
    ),
    (
        "words",
        "id INT PRIMARY KEY, v TEXT, FULLTEXT KEY k (v)",
        "DROP KEY k, ADD KEY k (v(9))",
        "index-differs",
        &["FULLTEXT KEY (v)", "KEY (v(9))"],
    ),
    (
        "shape",
        "id INT PRIMARY KEY, g POINT NOT NULL, SPATIAL KEY k (g)",
        "DROP KEY k",
        "index-differs",
        &["SPATIAL KEY", "missing on the replica"],
    ),
    ("order_of", "id INT PRIMARY KEY, a INT, b INT", "MODIFY b INT FIRST", "column-order-differs", &["a, b", "b, id"]),
    (
        "unseen",
        "id INT PRIMARY KEY, v INT",
        "MODIFY v INT INVISIBLE",
        "column-visibility-differs",
        &["column v", "visible on the source", "invisible on the replica"],
    ),
    (
        "tabcoll",
        "id INT PRIMARY KEY, v INT",
        "DEFAULT COLLATE utf8mb4_bin",
        "table-option-differs",
        &["default collation", "utf8mb4_bin on the replica"],
    ),
    (
        "part",
        "id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE",
        "REORGANIZE PARTITION p0, p1 INTO (PARTITION p0 VALUES LESS THAN (20), PARTITION p1 VALUES LESS THAN MAXVALUE)",
        "partitioning-differs",
        &["partition p0", "(10)", "(20)"],
    ),
    (
        "nopart",
        "id INT PRIMARY KEY, v INT) PARTITION BY HASH (id",
        "REMOVE PARTITIONING",
        "partitioning-differs",
        &["hash(id)", "not partitioned"],
    ),
];

const MYSQL: &[Case] = &[
    (
        "hidden",
        "id INT PRIMARY KEY, v INT, KEY k (v)",
        "ALTER INDEX k INVISIBLE",
        "index-differs",
        &["index k", "INVISIBLE"],
    ),
    (
        "fx",
        "id INT PRIMARY KEY, v INT, KEY k ((v + 1))",
        "DROP KEY k, ADD KEY k ((v + 2))",
        "index-differs",
        &["index k", "+ 1", "+ 2"],
    ),
    (
        "unenforced",
        "id INT PRIMARY KEY, v INT, CONSTRAINT c CHECK (v > 0)",
        "ALTER CHECK c NOT ENFORCED",
        "check-differs",
        &["constraint c", "NOT ENFORCED"],
    ),
    (
        "srid",
        "id INT PRIMARY KEY, g POINT NOT NULL SRID 4326",
        "MODIFY g POINT NOT NULL",
        "column-attribute-differs",
        &["column g", "srid 4326"],
    ),
];

const MARIADB: &[Case] = &[
    (
        "hidden",
        "id INT PRIMARY KEY, v INT, KEY k (v)",
        "ALTER INDEX k IGNORED",
        "index-differs",
        &["index k", "INVISIBLE"],
    ),
    (
        "kept",
        "id INT PRIMARY KEY, v INT",
        "ADD SYSTEM VERSIONING",
        "versioning-differs",
        &["the history of rows", "not kept"],
    ),
    (
        "stored",
        "id INT PRIMARY KEY, v INT, g INT GENERATED ALWAYS AS (v + 1) STORED",
        "DROP COLUMN g, ADD COLUMN g INT GENERATED ALWAYS AS (v + 1) VIRTUAL",
        "generated-kind-differs",
        &["column g", "stored", "virtual"],
    ),
    (
        "colchk",
        "id INT PRIMARY KEY, v INT CHECK (v > 0)",
        "MODIFY v INT",
        "check-differs",
        &["constraint v", "missing on the replica"],
    ),
];

/// Clauses that are printed in many ways, and defaults that look like something else.
const ZOO: &str = "CREATE TABLE zoo.p (id INT PRIMARY KEY, k INT, UNIQUE KEY k (k)); \
    CREATE TABLE zoo.t (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT DEFAULT 5, a2 INT DEFAULT '5', \
      b VARCHAR(20) DEFAULT 'it''s \"x\"', bn VARCHAR(20) DEFAULT 'NULL', b0 VARCHAR(20) DEFAULT '', n VARCHAR(20) DEFAULT NULL, \
      nl VARCHAR(40) DEFAULT 'a\\nb\\\\c', c DECIMAL(10,2) DEFAULT 1.50, neg FLOAT DEFAULT -1.5, \
      d DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, e TIMESTAMP(3) NOT NULL DEFAULT now(3) ON UPDATE now(3), \
      d2 DATETIME DEFAULT '2020-01-01', f DOUBLE DEFAULT 1e10, g BIT(4) DEFAULT b'101', h ENUM('a,)','b') DEFAULT 'a,)', \
      bb VARBINARY(9) DEFAULT 'ab', b1 VARBINARY(9) DEFAULT x'00fe', b2 BINARY(4) DEFAULT x'ff01', \
      b3 VARBINARY(9) DEFAULT x'c3a4', b4 VARBINARY(9) DEFAULT '?', b5 BLOB DEFAULT (x'00fe'), b6 VARBINARY(9) DEFAULT x'270a5c', \
      n1 INT DEFAULT (1), n2 INT DEFAULT (-1), n3 INT DEFAULT (NULL), bo BOOLEAN DEFAULT TRUE, ex INT DEFAULT (1+a), ex2 VARCHAR(30) DEFAULT (concat('a','b')), \
      ex3 VARCHAR(40) DEFAULT (uuid()), gv INT GENERATED ALWAYS AS (a+1) VIRTUAL, gs VARCHAR(30) GENERATED ALWAYS AS (concat(b,'x')) STORED, \
      dt DATE DEFAULT (CURRENT_DATE), ck INT CHECK (ck > 0 and ck < 10), CONSTRAINT named CHECK (a <> 3 or b = 'x'), CHECK (c is not null), \
      pk INT, CONSTRAINT fk1 FOREIGN KEY (pk) REFERENCES zoo.p (id) ON DELETE CASCADE ON UPDATE SET NULL, k2 INT, \
      FOREIGN KEY (k2) REFERENCES zoo.p (k), tx TEXT, u8 VARCHAR(9) CHARACTER SET utf8 COLLATE utf8_bin DEFAULT 'x', \
      KEY pre (b(5), n DESC), UNIQUE KEY uq (bn), FULLTEXT KEY ft (tx), KEY hh (a) COMMENT 'hi') COMMENT 'PARTITION BY (x'; \
    CREATE TABLE zoo.r (id INT NOT NULL, d DATE NOT NULL, PRIMARY KEY (id, d)) PARTITION BY RANGE (YEAR(d)) \
      SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2020), PARTITION p1 VALUES LESS THAN MAXVALUE); \
    CREATE TABLE zoo.l (id INT NOT NULL, c VARCHAR(9)) PARTITION BY LIST COLUMNS (c) (PARTITION p0 VALUES IN ('a','b'), PARTITION p1 VALUES IN ('c')); \
    CREATE TABLE zoo.k (id INT NOT NULL PRIMARY KEY) PARTITION BY KEY () PARTITIONS 3; \
    CREATE TABLE zoo.s (g GEOMETRY NOT NULL, SPATIAL INDEX sg (g))";

const MARIADB_ZOO: &str = "CREATE TABLE zoo.v (id INT PRIMARY KEY, v INT, z VARCHAR(99) COMPRESSED, i INT INVISIBLE DEFAULT 3, \
      j JSON DEFAULT (JSON_ARRAY()), cs INT DEFAULT (CASE WHEN 1 THEN 2 ELSE 3 END)); \
    CREATE TABLE zoo.h (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING; \
    CREATE TABLE zoo.x (id INT PRIMARY KEY, v INT, rs TIMESTAMP(6) GENERATED ALWAYS AS ROW START, \
      re TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (rs,re)) WITH SYSTEM VERSIONING; \
    CREATE TABLE zoo.y (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME (PARTITION p0 HISTORY, PARTITION p1 CURRENT); \
    CREATE TABLE zoo.ap (id INT, s DATE, e DATE, PERIOD FOR ap(s,e), PRIMARY KEY (id, ap WITHOUT OVERLAPS))";

/// Compares as the account that has SELECT alone.
fn as_reader(servers: &[Server], args: &[&str]) -> Outcome {
    let url = |server: &Server| server.url(SELECT_ONLY, PASSWORD);
    let vouch = Vouch::compare().source(&url(&servers[0])).args(&["--confirm-after", "100ms"]);
    servers[1..].iter().fold(vouch, |vouch, replica| vouch.replica(&url(replica))).args(args).run()
}

fn cases(flavor: Flavor) -> Vec<Case> {
    let own = match flavor {
        Flavor::Mysql => MYSQL,
        Flavor::Mariadb => MARIADB,
    };
    BOTH.iter().chain(own).copied().collect()
}

/// A replica lost a CHECK, a default and a foreign key, and every comparison said "clean": only types, collations
/// and the names of indexes were compared. After the failover it took rows that the source would have refused.
#[test]
fn every_clause_that_differs_is_named_with_both_values() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let cases = cases(flavor);
        let create = |(table, columns, ..): &Case| format!("CREATE TABLE d.{table} ({columns});");
        let parent = "CREATE DATABASE d DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; USE d; \
                      CREATE TABLE d.parent (id INT PRIMARY KEY);";
        let setup: String = cases.iter().map(create).collect();
        topology
            .source()
            .sql(&format!("{parent}{setup} CREATE DATABASE zoo DEFAULT CHARACTER SET utf8mb4; {ZOO}"))
            .unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        as_reader(topology.servers(), &[]).assert_clean();
        let alter: Vec<String> =
            cases.iter().map(|(table, _, alter, ..)| format!("ALTER TABLE d.{table} {alter}")).collect();
        drift::sql(topology.replica(0), &format!("USE d; {}", alter.join(";"))).unwrap();

        let outcome = as_reader(topology.servers(), &[]).assert_code(1);
        for (table, _, _, code, words) in &cases {
            let label = format!("d.{table}");
            let told: Vec<&serde_json::Value> =
                outcome.coded(code).into_iter().filter(|one| one["table"] == *label).collect();
            let message = told.iter().map(|one| one["message"].as_str().unwrap()).collect::<Vec<_>>().join("\n");
            assert!(!told.is_empty(), "{label}: no {code}\n{}", outcome.stdout);
            assert!(words.iter().all(|word| message.contains(word)), "{label}: {words:?} in {message}");
            let other = outcome.findings().iter().filter(|one| one["table"] == *label && one["code"] != *code);
            assert_eq!(other.count(), 0, "{label}: {}", outcome.stdout);
        }
        assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
        scopes(&topology);
    });
}

/// What is asked for is what is compared, and what is left out is said.
fn scopes(topology: &Topology) {
    let codes = |args: &[&str]| {
        let outcome = as_reader(topology.servers(), &[&["--tables", "d.dflt,d.prefix,d.chk,d.uniq"], args].concat());
        (outcome.code, outcome.finding_codes().iter().map(|code| (*code).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(codes(&["--schema", "rows"]), (0, vec!["index-differs".to_owned()]));
    assert_eq!(codes(&["--schema", "off"]), (0, Vec::new()));
    drift::sql(topology.replica(0), "ALTER TABLE d.dflt ADD COLUMN more INT").unwrap();
    let outcome = as_reader(topology.servers(), &["--tables", "d.dflt", "--schema", "off"]).assert_code(0);
    assert_eq!(outcome.only("column-left-out")["what"], "d.dflt.more");
}

fn boot(dists: &[Dist]) -> Vec<Server> {
    let start = |n: usize, dist: &Dist| {
        let id = u32::try_from(n).unwrap() + 1;
        let extra_args =
            vec!["--character-set-server=utf8mb4".to_owned(), "--collation-server=utf8mb4_general_ci".to_owned()];
        Server::start(
            dist,
            ServerConfig { name: format!("server{n}"), server_id: id, extra_args, ..ServerConfig::default() },
        )
        .unwrap()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = dists.iter().enumerate().map(|(n, dist)| scope.spawn(move || start(n, dist))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Healthy control: versions print one definition in different ways, and the flavors even more so. The same
/// statements on each of them must give no finding, or nobody reads findings any more.
#[test]
fn versions_and_flavors_may_spell_one_definition_in_their_own_ways() {
    let dists = [Dist::mariadb(), Dist::mariadb_10_5(), Dist::mariadb_11_8(), Dist::mysql()].map(Result::unwrap);
    let servers = boot(&dists);
    let database = "CREATE DATABASE zoo DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;";
    thread::scope(|scope| {
        for server in &servers {
            let own = if server.flavor() == Flavor::Mariadb { MARIADB_ZOO } else { "" };
            scope.spawn(move || server.sql(&format!("{database} {ZOO}; {own}")).unwrap());
        }
    });
    let args = ["--no-replication", "--databases", "zoo", "--busy-share", "50%"];
    let vouch =
        |ours: &Server, theirs: &Server| Vouch::compare().source(&full(ours)).replica(&full(theirs)).args(&args);
    let [mariadb, oldest, newest, mysql] = &servers[..] else { panic!("four servers") };
    for (ours, theirs) in [(mariadb, oldest), (oldest, newest), (newest, mariadb)] {
        let outcome = vouch(ours, theirs).run();
        assert_eq!((outcome.code, outcome.findings().len(), outcome.errors().len()), (0, 0, 0), "{}", outcome.stdout);
    }
    // Between flavors the types of some columns have other names, which is nothing new; the rest must agree.
    let outcome = vouch(mysql, mariadb).args(&["--tables", "t,p,r,l,k,s"]).run();
    assert!(outcome.errors().is_empty(), "{}", outcome.stdout);
    let codes = outcome.finding_codes();
    assert!(
        codes.iter().all(|code| matches!(*code, "column-differs" | "engine-differs")),
        "{codes:?} {}",
        outcome.stdout
    );
}

/// After `ALTER TABLE … CONVERT TO CHARACTER SET` on the replica every row with an umlaut was "changed", so that the
/// one row that had really changed could not be found among millions.
#[test]
fn text_in_another_charset_is_compared_as_text() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let columns = "v VARCHAR(40), e ENUM('a','b'), c CHAR(9), t TEXT, b VARBINARY(9), l VARCHAR(1500)";
        let rows = |start: usize| {
            let row = |n: usize| format!("({n}, 'wört {n}', 'a', 'ñ', CONCAT('€ ', {n}), x'00FF', REPEAT('ü', {n}))");
            (start..start + 300).map(row).collect::<Vec<_>>().join(",")
        };
        let setup = format!(
            "SET NAMES utf8mb4; CREATE DATABASE cs DEFAULT CHARACTER SET latin1; \
             CREATE TABLE cs.keyed (id INT PRIMARY KEY, {columns}); INSERT INTO cs.keyed VALUES {}; \
             CREATE TABLE cs.bykey (k VARCHAR(20) PRIMARY KEY, v INT); \
             INSERT INTO cs.bykey VALUES ('ä', 1), ('b', 2), ('ö', 3), ('z', 4); \
             CREATE TABLE cs.east (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET cp1251); INSERT INTO cs.east VALUES (1, 'Привет'), (2, NULL), (3, '');",
            rows(1)
        );
        topology.source().sql(&setup).unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        let replica = topology.replica(0);
        let convert = "ALTER TABLE cs.keyed CONVERT TO CHARACTER SET utf8mb4; ALTER TABLE cs.bykey CONVERT TO CHARACTER SET utf8mb4; \
             ALTER TABLE cs.east CONVERT TO CHARACTER SET utf16";
        drift::sql(replica, convert).unwrap();
        for digest in ["stream", "sha2", "crc"] {
            let outcome = as_reader(topology.servers(), &["--databases", "cs", "--schema", "rows", "--digest", digest])
                .assert_code(1);
            assert_eq!(outcome.finding_codes(), ["column-differs"], "{digest}: {}", outcome.stdout);
        }
        let outcome =
            as_reader(topology.servers(), &["--tables", "cs.east", "--schema", "rows", "--bytes"]).assert_code(1);
        outcome.assert_rows("cs.east", &[Expected::changed("id", 1, &["v"])]);
        // What has really changed is found: other text, other bytes, text that only a conversion would make equal.
        let change = "SET NAMES utf8mb4; UPDATE cs.keyed SET v = 'wort 7' WHERE id = 7; UPDATE cs.keyed SET b = x'00FE' WHERE id = 8; \
             UPDATE cs.keyed SET t = '? 9' WHERE id = 9; UPDATE cs.bykey SET v = 30 WHERE v = 3; UPDATE cs.east SET v = '??????' WHERE id = 1";
        drift::sql(replica, change).unwrap();
        for digest in ["stream", "sha2"] {
            let outcome = as_reader(topology.servers(), &["--databases", "cs", "--schema", "rows", "--digest", digest])
                .assert_code(1);
            outcome.assert_rows(
                "cs.keyed",
                &[
                    Expected::changed("id", 7, &["v"]),
                    Expected::changed("id", 8, &["b"]),
                    Expected::changed("id", 9, &["t"]),
                ],
            );
            outcome.assert_rows("cs.east", &[Expected::changed("id", 1, &["v"])]);
            // The order of such a key differs between the sides, so rows are told apart by all that they hold.
            let keyless = [DiffKind::SourceOnly, DiffKind::ReplicaOnly].map(|kind| Expected::multiset(kind, 1));
            outcome.assert_rows("cs.bykey", &keyless);
        }
    });
}

/// History of a system-versioned table was deleted on the replica, and the tables were called equal: only current rows
/// were read. What an audit asks for was gone.
#[test]
fn history_of_rows_is_compared() {
    let topology = Topology::pair(Flavor::Mariadb).unwrap();
    let versioned = "WITH SYSTEM VERSIONING";
    let period = |kind: &str, seen: &str| {
        format!(
            ", rs {kind} GENERATED ALWAYS AS ROW START{seen}, re {kind} GENERATED ALWAYS AS ROW END{seen}, \
             PERIOD FOR SYSTEM_TIME (rs, re)"
        )
    };
    let tables = [
        ("hidden", String::new(), "PRIMARY (id, row_end)"),
        ("shown", period("TIMESTAMP(6)", ""), "PRIMARY (id, re)"),
        ("unseen", period("TIMESTAMP(6)", " INVISIBLE"), "PRIMARY (id, re)"),
        ("counted", period("BIGINT UNSIGNED", " INVISIBLE"), "PRIMARY (id)"),
    ];
    let source = topology.source();
    source.sql("CREATE DATABASE h").unwrap();
    for (table, period, _) in &tables {
        source.sql(&format!("CREATE TABLE h.{table} (id INT PRIMARY KEY, v INT{period}) {versioned}")).unwrap();
        let rows: Vec<String> = (1..=50).map(|n| format!("({n}, 0)")).collect();
        source.sql(&format!("INSERT INTO h.{table} (id, v) VALUES {}", rows.join(","))).unwrap();
        source.sql(&format!("UPDATE h.{table} SET v = 1 WHERE id <= 20; DELETE FROM h.{table} WHERE id > 45")).unwrap();
    }
    topology.wait_in_sync(IN_SYNC).unwrap();
    for digest in ["stream", "sha2"] {
        let outcome = as_reader(topology.servers(), &["--databases", "h", "--digest", digest]).assert_clean();
        assert_eq!(outcome.only("history-left-out")["what"], "h.counted");
        for (table, _, key) in &tables {
            let found = outcome.tables().iter().find(|one| one["table"] == format!("h.{table}")).unwrap();
            assert_eq!(found["key"], *key, "{table}");
            assert_eq!(found["rows"], if *table == "counted" { 45 } else { 70 }, "{table}");
        }
    }
    let replica = topology.replica(0);
    for (table, ..) in &tables {
        drift::sql(replica, &format!("DELETE HISTORY FROM h.{table}")).unwrap();
    }
    drift::sql(replica, "UPDATE h.counted SET v = 9 WHERE id = 3").unwrap();
    let outcome = as_reader(topology.servers(), &["--databases", "h"]).assert_code(1);
    for (table, ..) in &tables[..3] {
        let gone = outcome.coded("row-source-only").into_iter().filter(|one| one["table"] == format!("h.{table}"));
        assert_eq!(gone.count(), 25, "{table}: {}", outcome.stdout);
    }
    outcome.assert_rows("h.counted", &[Expected::changed("id", 3, &["v"])]);
}
