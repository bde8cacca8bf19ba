//! Tables in every format that a server can write, for those who look at its
//! files: [`fill`].

use crate::numbers::numbers;
use crate::{Flavor, Result, Server};

/// The database of the tables.
pub const DATABASE: &str = "forms";

/// Rows of most tables: enough for trees of three levels with small pages.
const ROWS: u64 = 3_000;

/// Creates and fills a table of each format that a server with pages of `page_kib` KiB knows, then
/// changes and removes rows of some, so that there are free pages, free records and old versions.
/// MariaDB needs a plugin for keys, see [`key_args`].
///
/// Errors: the server refuses a statement.
pub fn fill(server: &Server, page_kib: u32) -> Result<()> {
    server.sql(&format!("CREATE DATABASE {DATABASE}"))?;
    for (name, options) in formats(server.flavor(), page_kib) {
        server.sql(&plain_table(name, options))?;
    }
    let special = match server.flavor() {
        Flavor::Mysql => MYSQL,
        Flavor::Mariadb => MARIADB,
    };
    let rows = numbers(ROWS);
    for statement in COMMON.iter().chain(special).chain(CHANGES) {
        server.sql(&format!("USE {DATABASE}; {}", statement.replace("ROWS", &rows)))?;
    }
    Ok(())
}

/// The options that let MariaDB encrypt, with the keys of a file that is written to `folder`.
///
/// Errors: the file cannot be written.
pub fn key_args(folder: &std::path::Path) -> Result<Vec<String>> {
    let file = folder.join("keys.txt");
    let keys = "1;a7addd9adea9978fda19f21e6be987880e68ac92632ca052e5bb42b1a506939a\n";
    std::fs::write(&file, keys).map_err(crate::Error::io(format!("writing {}", file.display())))?;
    let name = format!("--file-key-management-filename={}", file.display());
    Ok(vec!["--plugin-load-add=file_key_management".to_owned(), name])
}

/// Names of tables, and what stands behind their columns.
fn formats(flavor: Flavor, page_kib: u32) -> Vec<(&'static str, &'static str)> {
    let mut formats = vec![
        ("dynamic", "ROW_FORMAT=DYNAMIC"),
        ("compact", "ROW_FORMAT=COMPACT"),
        ("redundant", "ROW_FORMAT=REDUNDANT"),
    ];
    let zip = [
        (1, "zip1", "ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=1"),
        (2, "zip2", "ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=2"),
        (4, "zip4", "ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4"),
        (8, "zip8", "ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8"),
        (16, "zip16", "ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=16"),
    ];
    let fits = zip.into_iter().filter(|(kib, ..)| page_kib <= 16 && *kib <= page_kib);
    formats.extend(fits.map(|(_, name, options)| (name, options)));
    match flavor {
        // Holes in a page need pages larger than the blocks of the file system.
        Flavor::Mysql if page_kib <= 4 => {}
        Flavor::Mysql => formats.extend([("zlib", "COMPRESSION='zlib'"), ("lz4", "COMPRESSION='lz4'")]),
        Flavor::Mariadb => {
            formats.extend([
                ("page_compressed", "PAGE_COMPRESSED=1"),
                ("encrypted", "ENCRYPTED=YES"),
                ("compressed_encrypted", "ENCRYPTED=YES PAGE_COMPRESSED=1"),
            ]);
            if page_kib == 16 {
                formats.push(("zip_encrypted", "ENCRYPTED=YES ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8"));
            }
        }
    }
    formats
}

fn plain_table(name: &str, options: &str) -> String {
    format!(
        "USE {DATABASE}; CREATE TABLE {name} (id INT PRIMARY KEY, a VARCHAR(160), b INT, c TEXT, KEY b (b), KEY a (a(20))) \
         {options}; INSERT INTO {name} SELECT n, CONCAT(SHA2(n, 256), REPEAT('x', n % 90)), n * 7919 % 10007, \
         REPEAT(SHA2(n * 3, 224), n % 6) FROM {}",
        numbers(if name.starts_with("zip") { ROWS / 2 } else { ROWS })
    )
}

const COMMON: &[&str] = &[
    "CREATE TABLE blobs (id INT PRIMARY KEY, b LONGBLOB, j JSON)",
    "INSERT INTO blobs SELECT n, REPEAT(SHA2(n, 512), 300 * (n % 10)), JSON_OBJECT('a', REPEAT(SHA2(n, 224), 100)) FROM ROWS WHERE n <= 60",
    "CREATE TABLE words (id INT PRIMARY KEY, t TEXT, FULLTEXT (t))",
    "INSERT INTO words SELECT n, CONCAT('word', n % 500, ' hello ', SHA2(n, 224)) FROM ROWS WHERE n <= 600",
    "CREATE TABLE parts (id INT PRIMARY KEY, a VARCHAR(100)) PARTITION BY HASH (id) PARTITIONS 3",
    "INSERT INTO parts SELECT n, SHA2(n, 224) FROM ROWS",
    "CREATE TABLE instant (id INT PRIMARY KEY, a VARCHAR(100))",
    "INSERT INTO instant SELECT n, SHA2(n, 224) FROM ROWS",
    "ALTER TABLE instant ADD COLUMN x INT DEFAULT 5, ALGORITHM=INSTANT",
    "UPDATE instant SET x = 6 WHERE id % 5 = 0",
    "ALTER TABLE instant DROP COLUMN a, ALGORITHM=INSTANT",
    "INSERT INTO instant SELECT n + 10000, 3 FROM ROWS",
    "CREATE TABLE emptied (id INT PRIMARY KEY, a VARCHAR(100))",
    "INSERT INTO emptied SELECT n, SHA2(n, 224) FROM ROWS",
    "ALTER TABLE emptied ADD COLUMN x INT DEFAULT 5, ALGORITHM=INSTANT",
    "DELETE FROM emptied",
    "CREATE TABLE `a-b` (id INT PRIMARY KEY)",
];

const MYSQL: &[&str] = &[
    "CREATE TABLE places (id INT PRIMARY KEY, p POINT NOT NULL SRID 0, SPATIAL INDEX (p))",
    "INSERT INTO places SELECT n, POINT(n % 97, n % 89) FROM ROWS",
    "CREATE TABLESPACE general ADD DATAFILE 'general.ibd'",
    "CREATE TABLE in_general (id INT PRIMARY KEY, a VARCHAR(100), KEY (a)) TABLESPACE general",
    "INSERT INTO in_general SELECT n, SHA2(n, 224) FROM ROWS",
    "CREATE UNDO TABLESPACE more ADD DATAFILE 'more.ibu'",
];

const MARIADB: &[&str] = &[
    "CREATE TABLE places (id INT PRIMARY KEY, p POINT NOT NULL, SPATIAL INDEX (p))",
    "INSERT INTO places SELECT n, POINT(n % 97, n % 89) FROM ROWS",
];

const CHANGES: &[&str] = &[
    "DELETE FROM dynamic WHERE id % 3 = 0",
    "UPDATE compact SET a = REVERSE(a), c = REPEAT('y', 500) WHERE id % 4 = 0",
    "DELETE FROM redundant WHERE id BETWEEN 100 AND 2000",
    "UPDATE blobs SET j = JSON_SET(j, '$.a', 'x') WHERE id % 3 = 0",
    "DELETE FROM blobs WHERE id % 7 = 0",
    "ALTER TABLE compact DROP KEY b",
];
