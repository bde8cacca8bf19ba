//! A hard life for the files of a server: [`churn`] writes, rewrites, removes and rebuilds in every way that
//! moves pages between trees, segments and extents.

use crate::numbers::numbers;
use crate::{Flavor, Result, Server, client};
use mysql::Conn;

/// The database of the tables.
pub const DATABASE: &str = "churn";

/// Tables of one tablespace, so that their segments need more than one page.
const MANY: u32 = 36;

/// Does all of it, on a server with pages of `page_kib` KiB. What is left behind is to be purged yet.
///
/// Errors: the server refuses a statement.
pub fn churn(server: &Server, page_kib: u32) -> Result<()> {
    server.sql(&format!("CREATE DATABASE {DATABASE}"))?;
    let zip = if page_kib <= 16 { "ROW_FORMAT=COMPRESSED" } else { "ROW_FORMAT=DYNAMIC" };
    let shared = match server.flavor() {
        Flavor::Mysql => "CREATE TABLESPACE shared ADD DATAFILE 'shared.ibd'",
        Flavor::Mariadb => "SET GLOBAL innodb_file_per_table = 0",
    };
    run(server, &[shared])?;
    many(server)?;
    // A row of the older formats keeps the beginning of each long value, which small pages have no room for.
    let compact = if page_kib >= 16 { "ROW_FORMAT=COMPACT" } else { "" };
    let mut readers = Vec::new();
    for (name, options) in [("lobs", ""), ("lobs_compact", compact), ("lobs_zip", zip)] {
        let columns = "id INT PRIMARY KEY, a LONGTEXT, b LONGBLOB, j JSON";
        run(server, &[&format!("CREATE TABLE {name} ({columns}) {options}")])?;
        lobs(server, name)?;
        readers.push(watched_changes(server, name)?);
    }
    run(server, TREES)?;
    run(
        server,
        match server.flavor() {
            Flavor::Mysql => MYSQL,
            Flavor::Mariadb => MARIADB,
        },
    )
}

fn run(server: &Server, statements: &[&str]) -> Result<()> {
    statements.iter().try_for_each(|statement| {
        let statement = statement.replace("ROWS", &numbers(4_000)).replace("FEW", &numbers(40));
        server.sql(&format!("USE {DATABASE}; {statement}"))
    })
}

/// Small tables in one tablespace, of which half are dropped again, and some emptied.
fn many(server: &Server) -> Result<()> {
    let place = if server.flavor() == Flavor::Mysql { "TABLESPACE shared" } else { "" };
    let rows = numbers(300);
    for number in 1..=MANY {
        let table = format!(
            "CREATE TABLE many{number} (id INT PRIMARY KEY, a VARCHAR(200), b INT, KEY (a(90)), KEY (b)) {place}; \
             INSERT INTO many{number} SELECT n, REPEAT(SHA2(n, 224), 3), n FROM {rows}"
        );
        run(server, &[&table])?;
        let then = match number % 4 {
            0 => format!("DROP TABLE many{}", number / 2),
            1 => format!("TRUNCATE TABLE many{number}"),
            2 => format!("DELETE FROM many{number} WHERE id % 7 > 0"),
            _ => continue,
        };
        run(server, &[&then])?;
    }
    if server.flavor() == Flavor::Mariadb { run(server, &["SET GLOBAL innodb_file_per_table = 1"]) } else { Ok(()) }
}

/// Long values: made, changed in part and as a whole while others read the old ones, taken back, removed.
fn lobs(server: &Server, table: &str) -> Result<()> {
    let insert = |from: u32, times: u32| {
        format!(
            "INSERT INTO {table} SELECT n + {from}, REPEAT(SHA2(n, 512), n * {times}), REPEAT(SHA2(n + 7, 512), n % 9 * {times}), \
             JSON_OBJECT('a', REPEAT('x', 30000), 'b', REPEAT('y', 40000 + n), 'c', 'z') FROM FEW"
        )
    };
    run(server, &[&insert(0, 3), &insert(100, 60), &insert(200, 120)])?;
    let mut reader = server.conn()?;
    client::run_all(&mut reader, server.name(), &format!("USE {DATABASE}"))?;
    client::run_all(&mut reader, server.name(), "START TRANSACTION WITH CONSISTENT SNAPSHOT")?;
    for part in ["REPEAT('p', 30000)", "REPEAT('q', 29000)", "'short'"] {
        run(server, &[&format!("UPDATE {table} SET j = JSON_REPLACE(j, '$.a', {part}) WHERE id % 2 = 0")])?;
    }
    run(
        server,
        &[
            &format!("UPDATE {table} SET a = REVERSE(a) WHERE id % 3 = 0"),
            &format!("UPDATE {table} SET b = NULL WHERE id % 5 = 0"),
            &format!("DELETE FROM {table} WHERE id BETWEEN 101 AND 110"),
        ],
    )?;
    client::run_all(&mut reader, server.name(), "COMMIT")?;
    let mut writer = server.conn()?;
    client::run_all(&mut writer, server.name(), &format!("USE {DATABASE}"))?;
    client::run_all(&mut writer, server.name(), "START TRANSACTION")?;
    client::run_all(&mut writer, server.name(), &insert(300, 80).replace("FEW", &numbers(40)))?;
    client::run_all(
        &mut writer,
        server.name(),
        &format!("UPDATE {table} SET a = CONCAT(a, a), j = JSON_SET(j, '$.b', 'w') WHERE id < 30"),
    )?;
    client::run_all(&mut writer, server.name(), "ROLLBACK")?;
    run(
        server,
        &[
            &insert(400, 60),
            &format!("DELETE FROM {table} WHERE id > 430"),
            &format!("UPDATE {table} SET j = JSON_REPLACE(j, '$.b', REPEAT('r', 1000)) WHERE id % 4 = 1"),
        ],
    )
}

/// Changes of parts of long values, whose old parts have to be kept as long as the connection is.
fn watched_changes(server: &Server, table: &str) -> Result<Conn> {
    let mut reader = server.conn()?;
    client::run_all(&mut reader, server.name(), &format!("USE {DATABASE}"))?;
    client::run_all(&mut reader, server.name(), "START TRANSACTION WITH CONSISTENT SNAPSHOT")?;
    let chance: Vec<&str> = (0..40).map(|_| "RANDOM_BYTES(1024)").collect();
    run(
        server,
        &[
            &format!("UPDATE {table} SET j = JSON_REPLACE(j, '$.b', REPEAT('s', 20000)) WHERE id > 200"),
            &format!("UPDATE {table} SET b = CONCAT({}) WHERE id BETWEEN 200 AND 230", chance.join(", ")),
            &format!("DELETE FROM {table} WHERE id BETWEEN 220 AND 240"),
        ],
    )?;
    Ok(reader)
}

const TREES: &[&str] = &[
    "CREATE TABLE deep (id VARCHAR(300) PRIMARY KEY, a VARCHAR(700), KEY (a)) CHARACTER SET latin1",
    "INSERT INTO deep SELECT CONCAT(SHA2(n, 512), REPEAT('k', n % 170)), REPEAT(SHA2(n * 3, 512), n % 5) FROM ROWS",
    "CREATE TABLE deep_redundant (id VARCHAR(300) PRIMARY KEY, a VARCHAR(700), b CHAR(9), KEY (a), KEY (b, a(20))) \
     CHARACTER SET latin1 ROW_FORMAT=REDUNDANT",
    "INSERT INTO deep_redundant SELECT id, a, LEFT(id, 9) FROM deep",
    "DELETE FROM deep WHERE id > '3' AND id < 'c'",
    "INSERT IGNORE INTO deep SELECT CONCAT(SHA2(n + 50000, 512), 'x'), SHA2(n, 224) FROM ROWS",
    "UPDATE deep SET a = REVERSE(a) WHERE id > 'd'",
    "DELETE FROM deep_redundant WHERE id < '8'",
    "UPDATE deep_redundant SET id = CONCAT('n', LEFT(id, 200)) WHERE id > 'f'",
    "CREATE TABLE nulls (a INT, b INT, c VARCHAR(20), d BIGINT, UNIQUE (b), KEY (c, a), KEY (d))",
    "INSERT INTO nulls SELECT IF(n % 3, n, NULL), n, IF(n % 5, n, NULL), IF(n % 2, -n, NULL) FROM ROWS",
    "ALTER TABLE deep ADD KEY added (a(40), id(10)), ALGORITHM=INPLACE",
    "ALTER TABLE deep ADD COLUMN x INT DEFAULT 3, ALGORITHM=INSTANT",
    "UPDATE deep SET x = 4 WHERE id < '2'",
    "ALTER TABLE deep DROP KEY a",
    "ALTER TABLE nulls ADD COLUMN z INT NOT NULL DEFAULT 1 FIRST, ALGORITHM=INPLACE",
    "CREATE TABLE keyed (a INT NOT NULL, b TINYINT UNSIGNED NOT NULL, c BIGINT NOT NULL, d DATE NOT NULL, y YEAR NOT NULL, \
     m MEDIUMINT NOT NULL, s SMALLINT UNSIGNED NOT NULL, t VARCHAR(20) NOT NULL, e DECIMAL(9, 3) NOT NULL, f DOUBLE NOT NULL, \
     PRIMARY KEY (c, b), KEY (a), KEY (d, y), KEY (m, s, t), KEY (s, a), UNIQUE (a, c), KEY (e, a), KEY (f, b), KEY (t, m)) \
     CHARACTER SET utf8mb4",
    "INSERT INTO keyed SELECT n * 7919 % 10007 - 5000, n % 256, n * 104729 % 1000003 - 500000, \
     '1890-01-01' + INTERVAL n * 37 % 90000 DAY, 1901 + n * 7 % 254, n * 4001 % 16000000 - 8000000, n * 61 % 65536, \
     CONCAT(ELT(n % 3 + 1, 'ä', 'z', '…'), n % 300), n % 37 - 18.5, n * 1.5 - 3000 FROM ROWS",
    "UPDATE keyed SET a = -a, d = d + INTERVAL 400 DAY, s = 65535 - s WHERE c > 0",
    "DELETE FROM keyed WHERE b % 5 = 0",
    "CREATE TABLE keyed_redundant LIKE keyed",
    "ALTER TABLE keyed_redundant ROW_FORMAT=REDUNDANT",
    "INSERT INTO keyed_redundant SELECT * FROM keyed",
    "UPDATE keyed_redundant SET t = CONCAT(t, 'more') WHERE m > 0",
    "CREATE TABLE split (id INT PRIMARY KEY, a VARCHAR(200), KEY (a(70))) PARTITION BY RANGE (id) \
     (PARTITION p0 VALUES LESS THAN (1000), PARTITION p1 VALUES LESS THAN (2500), PARTITION p2 VALUES LESS THAN (10000))",
    "INSERT INTO split SELECT n, SHA2(n, 512) FROM ROWS",
    "ALTER TABLE split TRUNCATE PARTITION p1",
    "ALTER TABLE split REORGANIZE PARTITION p2 INTO (PARTITION p3 VALUES LESS THAN (5000), PARTITION p4 VALUES LESS THAN MAXVALUE)",
    "ALTER TABLE split DROP PARTITION p0",
    "CREATE TABLE texts (id INT PRIMARY KEY, t TEXT, FULLTEXT (t))",
    "INSERT INTO texts SELECT n, CONCAT('every word ', n % 50, ' again ', SHA2(n, 224)) FROM ROWS WHERE n <= 800",
    "UPDATE texts SET t = CONCAT(t, ' more words') WHERE id % 3 = 0",
    "DELETE FROM texts WHERE id % 4 = 0",
    "OPTIMIZE TABLE texts",
    "CREATE TABLE spots (id INT PRIMARY KEY, p POINT NOT NULL, SPATIAL INDEX (p))",
    "INSERT INTO spots SELECT n, POINT(n * 37 % 1009, n * 91 % 977) FROM ROWS",
    "DELETE FROM spots WHERE id % 3 > 0",
    "UPDATE spots SET p = POINT(id, id % 7) WHERE id % 6 = 0",
    "CREATE TABLE gone (id INT PRIMARY KEY, a VARCHAR(200))",
    "INSERT INTO gone SELECT n, SHA2(n, 512) FROM ROWS",
    "DELETE FROM gone",
    "CREATE TABLE copied LIKE deep",
    "INSERT INTO copied SELECT * FROM deep",
    "DROP TABLE gone",
    "TRUNCATE TABLE copied",
    "INSERT INTO copied SELECT * FROM deep WHERE x = 4",
    "OPTIMIZE TABLE copied",
];

const MYSQL: &[&str] = &[
    "CREATE TABLE keyed_oddly (id INT NOT NULL, a INT NOT NULL, v INT GENERATED ALWAYS AS (a * 2) VIRTUAL NOT NULL, j JSON, \
     PRIMARY KEY (id DESC), KEY (a DESC, id), KEY (v), KEY ((a + id)), KEY (a, v), KEY ((CAST(j->'$[*]' AS UNSIGNED ARRAY))))",
    "INSERT INTO keyed_oddly (id, a, j) SELECT n - 2000, n * 7919 % 10007 - 5000, JSON_ARRAY(n, n % 7) FROM ROWS",
    "ALTER TABLE keyed_oddly ADD COLUMN x BIGINT NOT NULL DEFAULT 5 FIRST, ALGORITHM=INSTANT",
    "UPDATE keyed_oddly SET x = id, a = -a WHERE id % 3 = 0",
    "ALTER TABLE keyed ADD COLUMN x INT NOT NULL DEFAULT 5 FIRST, ALGORITHM=INSTANT",
    "ALTER TABLE keyed DROP COLUMN f, DROP KEY f, ALGORITHM=INPLACE",
    "ALTER TABLE keyed DROP COLUMN x, ALGORITHM=INSTANT",
    "UPDATE keyed SET y = 2000 WHERE b % 3 = 0",
    "CREATE TABLE keyed_zip LIKE keyed",
    "ALTER TABLE keyed_zip ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=2",
    "INSERT INTO keyed_zip SELECT * FROM keyed",
    "UPDATE keyed_zip SET a = a + 1, m = -m WHERE b % 3 = 0",
    "CREATE TABLE keyed_parts (id INT NOT NULL, a INT UNSIGNED NOT NULL, KEY (a), KEY (id)) PARTITION BY HASH (id) PARTITIONS 3",
    "INSERT INTO keyed_parts SELECT n - 2000, n * 7919 % 10007 FROM ROWS",
    "CREATE TABLE spots_zip (id INT PRIMARY KEY, p POINT NOT NULL SRID 0, SPATIAL INDEX (p)) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4",
    "INSERT INTO spots_zip SELECT n, POINT(n * 37 % 1009, n * 91 % 977) FROM ROWS",
    "DELETE FROM spots_zip WHERE id % 3 > 0",
    "DROP TABLE many1",
    "SET GLOBAL innodb_undo_log_truncate = ON",
    "SET GLOBAL innodb_max_undo_log_size = 10485760",
    "CREATE UNDO TABLESPACE another ADD DATAFILE 'another.ibu'",
    "ALTER UNDO TABLESPACE innodb_undo_001 SET INACTIVE",
    "UPDATE deep SET a = REVERSE(a)",
    "ALTER UNDO TABLESPACE innodb_undo_001 SET ACTIVE",
    "CREATE TABLE moved (id INT PRIMARY KEY, a LONGTEXT) TABLESPACE shared",
    "INSERT INTO moved SELECT n, REPEAT(SHA2(n, 512), 500) FROM FEW",
    "ALTER TABLE moved TABLESPACE innodb_file_per_table",
    "ALTER TABLE deep TABLESPACE shared",
    "ALTER TABLE nulls TABLESPACE innodb_system",
    "DROP TABLE many3",
];

const MARIADB: &[&str] = &[
    "DROP TABLE many1",
    "SET GLOBAL innodb_undo_log_truncate = ON",
    "SET GLOBAL innodb_max_undo_log_size = 10485760",
    "UPDATE deep SET a = REVERSE(a)",
    "CREATE TABLE versions (id INT PRIMARY KEY, a VARCHAR(300)) WITH SYSTEM VERSIONING",
    "INSERT INTO versions SELECT n, SHA2(n, 512) FROM ROWS",
    "UPDATE versions SET a = REVERSE(a) WHERE id % 3 = 0",
    "DELETE HISTORY FROM versions",
    "ALTER TABLE many5 FORCE",
    "DROP TABLE many3",
];
