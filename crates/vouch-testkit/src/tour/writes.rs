//! What the shop writes while it is looked at.

use super::shop::{DATABASE, JOBS};
use crate::{Load, Result, Server};
use mysql::prelude::Queryable;
use mysql::{Conn, TxOpts};
use std::time::Duration;

/// Rows at the start of every table that the load leaves alone.
const QUIET: u64 = 200;

/// Two connections that transfer between accounts, place and change orders, queue and finish jobs and
/// append to the log, each transaction followed by a short rest. `rows` is what the tables were made for.
pub fn load(source: &Server, rows: u64) -> Result<Load> {
    let busy = (rows * 35 / 100).saturating_sub(QUIET).max(2);
    Load::custom(source, 2, Duration::from_millis(5), move |conn, thread, step| {
        let pick = pick(u64::from(thread), step);
        match step % 4 {
            0 => transfer(conn, busy, pick, step),
            1 => order(conn, busy, pick, step),
            2 => job(conn, step),
            _ => transfer(conn, busy, pick, step).and_then(|()| log(conn, step)),
        }
    })
}

/// A number spread over all 64 bits, another for every step of every thread.
fn pick(thread: u64, step: u64) -> u64 {
    let mixed = step.wrapping_mul(2).wrapping_add(thread).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

fn transfer(conn: &mut Conn, busy: u64, pick: u64, step: u64) -> mysql::Result<()> {
    let (one, other) = (QUIET + 1 + (pick >> 20) % busy, QUIET + 1 + (pick >> 40) % busy);
    let amount = step % 97 + 1;
    let mut transaction = conn.start_transaction(TxOpts::default())?;
    // Always in the order of keys, or two transfers could wait for each other.
    for (id, sign) in [(one.min(other), '-'), (one.max(other), '+')] {
        transaction.query_drop(format!(
            "UPDATE {DATABASE}.accounts SET balance = balance {sign} {amount}, changed_at = NOW(6) WHERE id = {id}"
        ))?;
    }
    transaction.commit()
}

fn order(conn: &mut Conn, busy: u64, pick: u64, step: u64) -> mysql::Result<()> {
    let (id, account) = (QUIET + 1 + (pick >> 20) % busy, pick % 1000);
    let mut transaction = conn.start_transaction(TxOpts::default())?;
    transaction.query_drop(format!(
        "INSERT INTO {DATABASE}.orders (account, item, placed_at, total, status) \
         VALUES ({account}, 'item {step}', NOW(), {}, 'open')",
        100 + step % 900
    ))?;
    transaction.query_drop(format!(
        "UPDATE {DATABASE}.orders SET status = ELT(1 + {step} % 3, 'open', 'paid', 'sent') WHERE id = {id}"
    ))?;
    transaction.commit()
}

fn job(conn: &mut Conn, step: u64) -> mysql::Result<()> {
    conn.query_drop(format!("INSERT INTO {DATABASE}.jobs (payload, queued_at) VALUES ('job {step}', NOW(6))"))?;
    let done = conn.last_insert_id().saturating_sub(JOBS);
    conn.query_drop(format!("DELETE FROM {DATABASE}.jobs WHERE id <= {done}"))
}

fn log(conn: &mut Conn, step: u64) -> mysql::Result<()> {
    conn.query_drop(format!("INSERT INTO {DATABASE}.audit_log VALUES (NOW(), 'shop', 'transfer {step}')"))
}
