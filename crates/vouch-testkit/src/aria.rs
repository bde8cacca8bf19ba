//! Tables of Aria in every form, for those who look at their files: [`fill`].

use crate::numbers::numbers;
use crate::{Result, Server};

/// The database of the tables.
pub const DATABASE: &str = "aria";

const COLUMNS: &str = "(id INT PRIMARY KEY, a VARCHAR(200), b TEXT, c INT, KEY (a(20)), KEY (c)) ENGINE=Aria";

/// Names of tables, and what stands behind their columns.
const FORMS: [(&str, &str); 6] = [
    ("safe", "TRANSACTIONAL=1"),
    ("unsafe", "TRANSACTIONAL=0 ROW_FORMAT=PAGE"),
    ("dynamic", "TRANSACTIONAL=0 ROW_FORMAT=DYNAMIC"),
    ("summed", "TRANSACTIONAL=1 PAGE_CHECKSUM=1 CHECKSUM=1"),
    ("bare", "TRANSACTIONAL=1 PAGE_CHECKSUM=0"),
    ("bare_unsafe", "TRANSACTIONAL=0 PAGE_CHECKSUM=0"),
];

const OTHERS: &[&str] = &[
    "CREATE TABLE fixed (id INT PRIMARY KEY, a CHAR(50), KEY (a)) ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=FIXED",
    "INSERT INTO fixed SELECT id, LEFT(a, 50) FROM safe",
    "CREATE TABLE words (id INT PRIMARY KEY, t TEXT, FULLTEXT (t)) ENGINE=Aria",
    "INSERT INTO words SELECT id, CONCAT('word', id % 500, ' hello ', a) FROM safe",
    "CREATE TABLE places (id INT PRIMARY KEY, p POINT NOT NULL, SPATIAL INDEX (p)) ENGINE=Aria",
    "INSERT INTO places SELECT id, POINT(id % 97, id % 89) FROM safe",
    "CREATE TABLE blobs (id INT PRIMARY KEY, b LONGBLOB) ENGINE=Aria",
    "INSERT INTO blobs SELECT id, REPEAT(a, 3000) FROM safe WHERE id < 40",
    "CREATE TABLE blank (id INT PRIMARY KEY) ENGINE=Aria",
    "CREATE TABLE parts (id INT PRIMARY KEY, a VARCHAR(100)) ENGINE=Aria PARTITION BY HASH (id) PARTITIONS 3",
    "INSERT INTO parts SELECT id, a FROM safe",
    "CREATE TABLE `a-b` ENGINE=Aria AS SELECT * FROM safe",
];

const CHANGES: &[&str] = &[
    "DELETE FROM safe WHERE id % 3 = 0",
    "UPDATE safe SET b = REPEAT('x', 3000) WHERE id % 7 = 0",
    "DELETE FROM unsafe WHERE id BETWEEN 100 AND 2000",
    "UPDATE unsafe SET a = REVERSE(a)",
    "DELETE FROM summed WHERE id > 50",
    "DELETE FROM blobs WHERE id % 5 = 0",
    "UPDATE blobs SET b = REPEAT('q', id * 10000) WHERE id % 4 = 0",
    "OPTIMIZE TABLE unsafe",
    "REPAIR TABLE dynamic",
    "DELETE FROM places",
    "CREATE TABLE later LIKE safe",
    "ALTER TABLE later DISABLE KEYS",
    "INSERT INTO later SELECT * FROM safe",
    "ALTER TABLE later ENABLE KEYS",
    "CREATE TABLE rebuilt LIKE safe",
    "INSERT INTO rebuilt SELECT * FROM safe",
    "ALTER TABLE rebuilt ADD KEY (a(30))",
    "TRUNCATE TABLE `a-b`",
];

/// Creates and fills a table of each form, and changes and removes rows of some.
///
/// Errors: the server refuses a statement, as MySQL does.
pub fn fill(server: &Server) -> Result<()> {
    server.sql(&format!("CREATE DATABASE {DATABASE}"))?;
    for (name, options) in FORMS {
        server.sql(&format!(
            "USE {DATABASE}; CREATE TABLE {name} {COLUMNS} {options}; INSERT INTO {name} \
             SELECT n, SHA2(n, 256), REPEAT(SHA2(n, 512), n % 20), n * 7919 % 1009 FROM {}",
            numbers(3_000)
        ))?;
    }
    for statement in OTHERS.iter().chain(CHANGES) {
        server.sql(&format!("USE {DATABASE}; {statement}"))?;
    }
    Ok(())
}
