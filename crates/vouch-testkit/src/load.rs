//! Writes in the background: [`Load`].
//!
//! Invariant: dropping a load stops it; a lost connection is made again, so a
//! load lives through a restart of its server.

use crate::daemon::Daemon;
use crate::drift::quote;
use crate::numbers::numbers;
use crate::{Error, Result, Server};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, TxOpts};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Command};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A running write load. It stops when it is dropped.
#[derive(Debug)]
pub struct Load {
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    stop: AtomicBool,
    done: AtomicU64,
    failed: AtomicU64,
    sysbench: Mutex<Option<Daemon>>,
}

/// What sysbench is to do.
#[derive(Clone, Debug)]
pub struct Sysbench {
    /// A script of sysbench's own, such as `oltp_read_write`.
    pub script: String,
    /// The database, made when it is missing.
    pub database: String,
    /// Tables `sbtest1`, `sbtest2`, …
    pub tables: u32,
    /// Rows per table that the load changes: `id` 1 to `rows`.
    pub rows: u64,
    /// Rows per table after those that it only ever reads: for drift that must stay.
    pub quiet_rows: u64,
    /// Connections that write.
    pub threads: u32,
    /// Transactions per second over all threads; `None` is as fast as it goes.
    pub rate: Option<u32>,
}

impl Default for Sysbench {
    fn default() -> Self {
        Sysbench {
            script: "oltp_read_write".to_owned(),
            database: "sbtest".to_owned(),
            tables: 2,
            rows: 10_000,
            quiet_rows: 1_000,
            threads: 2,
            rate: None,
        }
    }
}

impl Sysbench {
    /// Creates and fills the tables on `server`, and waits for it.
    pub fn prepare(&self, server: &Server) -> Result<()> {
        server.sql(&format!("CREATE DATABASE IF NOT EXISTS {}", quote(&self.database)))?;
        let output = self.command(server).arg("prepare").output().map_err(sysbench_missing)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            return Err(Error::Tool { what: "sysbench prepare".to_owned(), said });
        }
        for table in (1..=self.tables).filter(|_| self.quiet_rows > 0) {
            let name = format!("{}.sbtest{table}", quote(&self.database));
            let (rows, quiet) = (self.rows, self.quiet_rows.min(self.rows));
            server.sql(&format!("INSERT INTO {name} SELECT id + {rows}, k, c, pad FROM {name} WHERE id <= {quiet}"))?;
        }
        Ok(())
    }

    /// Starts the load on tables that are there already.
    pub fn run(&self, server: &Server) -> Result<Load> {
        let mut command = self.command(server);
        command.args(["--time=0", "--report-interval=1", "--mysql-ignore-errors=all"]);
        command.arg(format!("--rate={}", self.rate.unwrap_or(0))).arg("run");
        let state = Arc::new(State::default());
        let first = start_sysbench(&state, &command)?;
        let watched = Arc::clone(&state);
        let thread = thread::spawn(move || keep_sysbench(&watched, &command, first));
        Ok(Load { state, threads: vec![thread] })
    }

    fn command(&self, server: &Server) -> Command {
        let mut command = Command::new("sysbench");
        command.arg(&self.script).args(["--db-driver=mysql", "--mysql-user=root"]);
        command.arg(format!("--mysql-socket={}", server.socket().display()));
        command.arg(format!("--mysql-db={}", self.database));
        command.arg(format!("--tables={}", self.tables)).arg(format!("--table-size={}", self.rows));
        command.arg(format!("--threads={}", self.threads.max(1)));
        command
    }
}

impl Load {
    /// Prepares and starts sysbench.
    pub fn sysbench(server: &Server, options: &Sysbench) -> Result<Load> {
        options.prepare(server)?;
        options.run(server)
    }

    /// A hot queue: every thread inserts and deletes the same four rows of `database.queue` as fast as it goes.
    pub fn queue(server: &Server, database: &str, threads: u32) -> Result<Load> {
        let (database, table) = (quote(database), format!("{}.queue", quote(database)));
        server.sql(&format!(
            "CREATE DATABASE IF NOT EXISTS {database}; CREATE TABLE IF NOT EXISTS {table} \
             (id INT PRIMARY KEY, payload VARCHAR(64) NOT NULL, queued_at DATETIME(6) NOT NULL)"
        ))?;
        Load::custom(server, threads, Duration::ZERO, move |conn, thread, step| {
            let id = u64::from(thread) * 4 + step % 4;
            conn.query_drop(format!("REPLACE INTO {table} VALUES ({id}, 'job {step}', NOW(6))"))?;
            conn.query_drop(format!("DELETE FROM {table} WHERE id = {id}"))
        })
    }

    /// Transfers between random rows of `database.accounts`, which is made with `rows` rows; each thread rests
    /// for `pause` after each transfer. The sum of all balances never changes.
    pub fn accounts(server: &Server, database: &str, rows: u64, threads: u32, pause: Duration) -> Result<Load> {
        let (database, table) = (quote(database), format!("{}.accounts", quote(database)));
        server.sql(&format!(
            "CREATE DATABASE IF NOT EXISTS {database}; CREATE TABLE {table} (id BIGINT PRIMARY KEY, \
             owner VARCHAR(40) NOT NULL, balance DECIMAL(14,2) NOT NULL, changed_at DATETIME(6) NOT NULL); \
             INSERT INTO {table} SELECT n, CONCAT('owner ', n), 1000 + n % 500, '2024-01-01' FROM {}",
            numbers(rows)
        ))?;
        Load::custom(server, threads, pause, move |conn, thread, step| {
            let (from, to) = two_of(rows, u64::from(thread), step);
            let (first, second) = (from.min(to), from.max(to));
            let amount = step % 97 + 1;
            let mut transaction = conn.start_transaction(TxOpts::default())?;
            // Always in the order of keys, or two transfers could wait for each other.
            for id in [first, second] {
                let sign = if id == from { '-' } else { '+' };
                transaction.query_drop(format!(
                    "UPDATE {table} SET balance = balance {sign} {amount}, changed_at = NOW(6) WHERE id = {id}"
                ))?;
            }
            transaction.commit()
        })
    }

    /// Any load: each of `threads` calls `step` with its connection, its number and a counter, and rests for `pause`.
    pub fn custom<F>(server: &Server, threads: u32, pause: Duration, step: F) -> Result<Load>
    where
        F: Fn(&mut Conn, u32, u64) -> mysql::Result<()> + Send + Sync + 'static,
    {
        let (state, step, socket) = (Arc::new(State::default()), Arc::new(step), server.socket());
        let spawn = |number| {
            let (state, step, socket) = (Arc::clone(&state), Arc::clone(&step), socket.clone());
            thread::spawn(move || work(&state, &socket, pause, |conn, n| step(conn, number, n)))
        };
        let threads = (0..threads).map(spawn).collect();
        Ok(Load { state, threads })
    }

    /// Transactions (of sysbench) or steps done so far.
    pub fn done(&self) -> u64 {
        self.state.done.load(Ordering::Relaxed)
    }

    /// Steps that failed so far (deadlocks, lost connections); with sysbench, how often it was started again.
    pub fn failed(&self) -> u64 {
        self.state.failed.load(Ordering::Relaxed)
    }

    /// Waits until `n` more transactions or steps are done.
    pub fn wait_for(&self, n: u64, within: Duration) -> Result<()> {
        let goal = self.done() + n;
        let reached = || (self.done() >= goal).then_some(());
        crate::poll::until(within, Duration::from_millis(20), "the write load", reached)
    }

    /// Stops it, waits for its end and returns what was done.
    pub fn stop(mut self) -> u64 {
        self.halt();
        self.done()
    }

    fn halt(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        // Taken under the lock that a restart looks at `stop` under, so that none slips through.
        drop(self.state.sysbench().take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.halt();
    }
}

fn work(state: &State, socket: &Path, pause: Duration, step: impl Fn(&mut Conn, u64) -> mysql::Result<()>) {
    let mut conn = None;
    let mut n = 0;
    while !state.stop.load(Ordering::Relaxed) {
        let outcome = match conn.take() {
            Some(conn) => Ok(conn),
            None => connect(socket),
        };
        match outcome.and_then(|mut open| step(&mut open, n).map(|()| open)) {
            Ok(open) => {
                conn = Some(open);
                state.done.fetch_add(1, Ordering::Relaxed);
                thread::sleep(pause);
            }
            Err(_) => {
                state.failed.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(50));
            }
        }
        n += 1;
    }
}

fn connect(socket: &Path) -> mysql::Result<Conn> {
    let timeout = Some(Duration::from_secs(5));
    let options = OptsBuilder::new().socket(socket.to_str()).user(Some("root"));
    Conn::new(options.read_timeout(timeout).write_timeout(timeout))
}

impl State {
    fn sysbench(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.sysbench.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start_sysbench(state: &State, command: &Command) -> Result<Option<ChildStdout>> {
    let mut running = state.sysbench();
    if state.stop.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let (daemon, output) = Daemon::start_piped(command)?;
    *running = Some(daemon);
    Ok(output)
}

/// Counts what sysbench does, and starts it again when it ends: a lost connection may crash it.
fn keep_sysbench(state: &State, command: &Command, first: Option<ChildStdout>) {
    let mut next = first;
    while let Some(output) = next {
        count_transactions(output, state);
        if !state.stop.load(Ordering::Relaxed) {
            state.failed.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(200));
        }
        next = start_sysbench(state, command).ok().flatten();
    }
}

/// Adds up the rates that sysbench reports once a second: `[ 3s ] thds: 2 tps: 512.93 qps: …`.
fn count_transactions(output: ChildStdout, state: &State) {
    for line in BufReader::new(output).lines().map_while(|line| line.ok()) {
        if let Some(rate) = transaction_rate(&line) {
            state.done.fetch_add(rate, Ordering::Relaxed);
        }
    }
}

fn transaction_rate(line: &str) -> Option<u64> {
    let rate = line.split("tps: ").nth(1)?.split('.').next()?;
    rate.parse().ok()
}

fn sysbench_missing(error: std::io::Error) -> Error {
    Error::Missing { what: format!("sysbench ({error})"), hint: "run script/servers sysbench".to_owned() }
}

/// Two different rows of `1..=rows`, spread by a multiplicative hash, the same in every run.
fn two_of(rows: u64, thread: u64, step: u64) -> (u64, u64) {
    let mixed = (step.wrapping_mul(2).wrapping_add(thread)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let rows = rows.max(2);
    let from = (mixed >> 33) % rows;
    let to = (from + 1 + (mixed & 0xFFFF) % (rows - 1)) % rows;
    (from + 1, to + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_sysbench_is_read() {
        let line = "[ 3s ] thds: 2 tps: 512.93 qps: 10265.62 (r/w/o: 7186.03/2053.72/1025.86) lat (ms,95%): 5.37";
        assert_eq!(transaction_rate(line), Some(512));
        assert_eq!(transaction_rate("Running the test"), None);
    }

    #[test]
    fn a_transfer_has_two_ends() {
        for step in 0..10_000 {
            let (from, to) = two_of(7, step % 3, step);
            assert!(from != to && (1..=7).contains(&from) && (1..=7).contains(&to));
        }
    }
}
