//! The tables of the tour, and filling them.

use crate::{Result, Server, numbers};

/// The database of all tables.
pub const DATABASE: &str = "shop";

/// Rows of the jobs table that are there at any time.
pub(super) const JOBS: u64 = 50;

/// A table of the tour.
#[derive(Clone, Debug)]
pub struct ShopTable {
    /// `database.table`.
    pub name: String,
    /// The rows that it is filled with.
    pub rows: u64,
    /// What its rows are told apart by, in words.
    pub key: &'static str,
    create: &'static str,
    fill: String,
}

/// The tables for `rows` rows over all of them, which should be 1,000 or more.
pub fn tables(rows: u64) -> Vec<ShopTable> {
    let share = |percent: u64| rows * percent / 100;
    vec![
        accounts(share(35)),
        orders(share(35)),
        invoices(share(12)),
        audit_log(share(8)),
        coupons(share(5)),
        parts(share(5)),
        jobs(),
    ]
}

/// Makes `table` on `source` and fills it.
///
/// What fills it is replicated as the statement, which replicas repeat in a fraction of the time that
/// its rows would take: it writes the same rows wherever it is run.
pub fn seed(source: &Server, table: &ShopTable) -> Result<()> {
    let (create, fill) = (table.create, &table.fill);
    source.sql(&format!(
        "SET NAMES utf8mb4; SET SESSION sql_mode='STRICT_ALL_TABLES', time_zone='+00:00', binlog_format='STATEMENT'; \
         CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4; USE {DATABASE}; {create}; {fill}"
    ))
}

fn table(name: &str, rows: u64, key: &'static str, create: &'static str, fill: String) -> ShopTable {
    ShopTable { name: format!("{DATABASE}.{name}"), rows, key, create, fill }
}

fn accounts(rows: u64) -> ShopTable {
    table(
        "accounts",
        rows,
        "primary key",
        "CREATE TABLE accounts (id BIGINT PRIMARY KEY, owner VARCHAR(40) NOT NULL, balance DECIMAL(14,2) NOT NULL, \
         changed_at DATETIME(6) NOT NULL)",
        format!(
            "INSERT INTO accounts SELECT n, CONCAT('owner ', LPAD(n, 8, '0')), 1000 + n % 9000, '2024-01-01' FROM {}",
            numbers(rows)
        ),
    )
}

fn orders(rows: u64) -> ShopTable {
    table(
        "orders",
        rows,
        "primary key",
        "CREATE TABLE orders (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, account BIGINT NOT NULL, \
         item VARCHAR(60) NOT NULL, placed_at DATETIME NOT NULL, total DECIMAL(10,2) NOT NULL, \
         status ENUM('open','paid','sent') NOT NULL, KEY (account))",
        format!(
            "INSERT INTO orders SELECT n, 1 + n % 1000, CONCAT('item ', n * 7919 % 100000), \
             '2024-03-01' + INTERVAL n DIV 10 MINUTE, 100 + n % 900, 1 + n % 3 FROM {}",
            numbers(rows)
        ),
    )
}

/// Its keys leave a gap in the middle.
fn invoices(rows: u64) -> ShopTable {
    let before = rows / 2;
    table(
        "invoices",
        rows,
        "primary key with a gap",
        "CREATE TABLE invoices (id INT PRIMARY KEY, number VARCHAR(20) NOT NULL, amount DECIMAL(10,2) NOT NULL, \
         due DATE NOT NULL)",
        format!(
            "INSERT INTO invoices SELECT IF(n <= {before}, n, n + 1000), CONCAT('R-', LPAD(n, 8, '0')), 10 + n % 990, \
             '2024-01-01' + INTERVAL n % 365 DAY FROM {}",
            numbers(rows)
        ),
    )
}

fn audit_log(rows: u64) -> ShopTable {
    table(
        "audit_log",
        rows,
        "no key",
        "CREATE TABLE audit_log (at DATETIME NOT NULL, actor VARCHAR(20) NOT NULL, action VARCHAR(60) NOT NULL)",
        format!(
            "INSERT INTO audit_log SELECT '2024-01-01' + INTERVAL n SECOND, CONCAT('user', n % 50), \
             CONCAT('looked at order ', n) FROM {}; \
             INSERT INTO audit_log VALUES ('2024-02-01 09:30:00', 'anna', 'refunded 20.00'), \
             ('2024-02-01 09:30:00', 'anna', 'refunded 20.00')",
            numbers(rows.saturating_sub(2).max(1))
        ),
    )
}

/// Its only key may be NULL.
fn coupons(rows: u64) -> ShopTable {
    table(
        "coupons",
        rows,
        "unique key with NULLs",
        "CREATE TABLE coupons (code VARCHAR(20) NULL UNIQUE, percent INT NOT NULL, note VARCHAR(60) NOT NULL)",
        format!(
            "INSERT INTO coupons SELECT CONCAT('SAVE-', LPAD(n, 8, '0')), 5 + n % 20, CONCAT('campaign ', n % 12) \
             FROM {}; INSERT INTO coupons VALUES (NULL, 10, 'for everybody'), (NULL, 20, 'for friends'), \
             (NULL, 30, 'for staff')",
            numbers(rows.saturating_sub(3).max(1))
        ),
    )
}

fn parts(rows: u64) -> ShopTable {
    table(
        "parts",
        rows,
        "primary key",
        "CREATE TABLE parts (id INT PRIMARY KEY, maker VARCHAR(40) NOT NULL, model VARCHAR(40) NOT NULL)",
        format!(
            "INSERT INTO parts SELECT n, IF(n = 7, 'a#b', CONCAT('maker ', n % 100)), \
             IF(n = 7, 'c', CONCAT('model ', n)) FROM {}",
            numbers(rows)
        ),
    )
}

/// A queue: new rows at its end, old ones deleted at its start.
fn jobs() -> ShopTable {
    table(
        "jobs",
        JOBS,
        "primary key",
        "CREATE TABLE jobs (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, payload VARCHAR(60) NOT NULL, \
         queued_at DATETIME(6) NOT NULL)",
        format!("INSERT INTO jobs SELECT n, CONCAT('job ', n), '2024-03-01' FROM {}", numbers(JOBS)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_the_rows_that_are_wanted() {
        for rows in [1_000, 123_456, 1_000_000] {
            let sum: u64 = tables(rows).iter().map(|table| table.rows).sum();
            assert!(sum.abs_diff(rows) <= JOBS + 6, "{rows}: {sum}");
        }
    }
}
