//! Tables in every format that a server can write, for those who look at its
//! files: [`fill`].

use crate::numbers::numbers;
use crate::{Dist, Flavor, Result, Server};

/// The database of the tables.
pub const DATABASE: &str = "forms";

/// The name of the file of keys that [`key_args`] writes.
pub const KEYS: &str = "keys.txt";

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
    server.sql(&wide_table())?;
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
    let file = folder.join(KEYS);
    let keys = "1;a7addd9adea9978fda19f21e6be987880e68ac92632ca052e5bb42b1a506939a\n";
    std::fs::write(&file, keys).map_err(crate::Error::io(format!("writing {}", file.display())))?;
    let name = format!("--file-key-management-filename={}", file.display());
    Ok(vec!["--plugin-load-add=file_key_management".to_owned(), name])
}

/// The options that let MariaDB compress pages with all that it has.
pub fn codec_args(dist: &Dist) -> Vec<String> {
    let plugins = CODECS.map(|codec| format!("provider_{codec}"));
    let there = plugins.iter().filter(|plugin| dist.has_plugin(&format!("{plugin}.so")));
    there.map(|plugin| format!("--plugin-load-add={plugin}")).collect()
}

/// What MariaDB may compress pages with besides zlib.
const CODECS: [&str; 5] = ["lz4", "lzo", "lzma", "bzip2", "snappy"];

/// Creates and fills a table for each codec that MariaDB has, plain and encrypted, and returns the codecs.
/// Each table is written to the disk before the next one, since pages are written with the codec of the
/// moment.
///
/// Errors: the server refuses a statement.
pub fn fill_codecs(server: &Server) -> Result<Vec<String>> {
    let rows = numbers(CODEC_ROWS);
    let status = server.query_strings("SHOW GLOBAL STATUS LIKE 'Innodb_have_%'")?;
    let has = |codec: &&str| {
        let name = format!("Innodb_have_{codec}");
        status.iter().any(|row| row == &[Some(name.clone()), Some("ON".to_owned())])
    };
    let there: Vec<String> = ["zlib"].into_iter().chain(CODECS.into_iter().filter(has)).map(str::to_owned).collect();
    for codec in &there {
        for (suffix, options) in [("", ""), ("_encrypted", "ENCRYPTED=YES")] {
            let table = format!("{DATABASE}.codec_{codec}{suffix}");
            server.sql(&format!(
                "CREATE DATABASE IF NOT EXISTS {DATABASE}; SET GLOBAL innodb_compression_algorithm = {codec}; \
                 CREATE TABLE {table} (id INT PRIMARY KEY, a VARCHAR(300), KEY (a(20))) PAGE_COMPRESSED=1 {options}; \
                 INSERT INTO {table} SELECT n, CONCAT(SHA2(n, 256), REPEAT('x', n % 200)) FROM {rows}; \
                 FLUSH TABLES {table} FOR EXPORT; UNLOCK TABLES"
            ))?;
        }
    }
    server.sql("SET GLOBAL innodb_compression_algorithm = zlib")?;
    Ok(there)
}

const CODEC_ROWS: u64 = 1_000;

/// Creates and fills encrypted tables of each kind that MySQL has, and encrypts its dictionary. The server
/// needs a keyring, see [`Dist::with_keyring`].
///
/// Errors: the server refuses a statement.
pub fn fill_encrypted(server: &Server) -> Result<()> {
    server.sql(&format!("CREATE DATABASE {DATABASE}"))?;
    for (name, options) in [
        ("encrypted", "ENCRYPTION='Y'"),
        ("encrypted_redundant", "ENCRYPTION='Y' ROW_FORMAT=REDUNDANT"),
        ("zip_encrypted8", "ENCRYPTION='Y' ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8"),
        ("zip_encrypted1", "ENCRYPTION='Y' ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=1"),
        ("zlib_encrypted", "ENCRYPTION='Y' COMPRESSION='zlib'"),
        ("lz4_encrypted", "ENCRYPTION='Y' COMPRESSION='lz4'"),
        ("plain", ""),
    ] {
        server.sql(&plain_table(name, options))?;
    }
    let rows = numbers(ROWS);
    for statement in ENCRYPTED {
        server.sql(&format!("USE {DATABASE}; {}", statement.replace("ROWS", &rows)))?;
    }
    Ok(())
}

const ENCRYPTED: &[&str] = &[
    "CREATE TABLE places (id INT PRIMARY KEY, p POINT NOT NULL SRID 0, SPATIAL INDEX (p)) ENCRYPTION='Y'",
    "INSERT INTO places SELECT n, POINT(n % 97, n % 89) FROM ROWS",
    "CREATE TABLE blobs (id INT PRIMARY KEY, b LONGBLOB, j JSON) ENCRYPTION='Y'",
    "INSERT INTO blobs SELECT n, REPEAT(SHA2(n, 512), 300 * (n % 10)), JSON_OBJECT('a', n) FROM ROWS WHERE n <= 60",
    "CREATE TABLESPACE sealed ADD DATAFILE 'sealed.ibd' ENCRYPTION='Y'",
    "CREATE TABLE in_sealed (id INT PRIMARY KEY, a VARCHAR(100), KEY (a)) TABLESPACE sealed ENCRYPTION='Y'",
    "INSERT INTO in_sealed SELECT n, SHA2(n, 224) FROM ROWS",
    "ALTER TABLESPACE mysql ENCRYPTION='Y'",
    "ALTER INSTANCE ROTATE INNODB MASTER KEY",
];

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

/// A table whose description is longer than a page, even when it is compressed.
fn wide_table() -> String {
    let noise = |n: u64| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(n | 1));
    let comment = |n: u64| (0..4).map(|part| noise(n * 4 + part)).collect::<String>();
    let columns: Vec<String> = (1..=400).map(|n| format!("c{n} INT COMMENT '{}'", comment(n))).collect();
    format!("USE {DATABASE}; CREATE TABLE wide (id INT PRIMARY KEY, {})", columns.join(", "))
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
