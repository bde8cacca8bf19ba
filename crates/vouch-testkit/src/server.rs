//! A real server on its own data directory, socket and port: [`Server`].
//!
//! Invariant: it is stopped by its own process id when it is dropped, and its
//! folder is removed, unless the thread is panicking: then the folder is kept
//! and how to reopen it is printed.

use crate::daemon::Daemon;
use crate::dist::assignment;
use crate::options::{common_args, mariadb_args, mysql_args};
use crate::{Dist, Error, Fence, Flavor, Result, client, seed};
use mysql::Conn;
use rustix::process::Signal;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

const READY_WITHIN: Duration = Duration::from_secs(90);
const STOP_WITHIN: Duration = Duration::from_secs(60);
const STARTS: usize = 3;
/// What a server on data of others runs when it starts, one statement a line.
const INIT: &str = "init.sql";
const ROOT: &str = "CREATE USER IF NOT EXISTS root@localhost;\n\
    ALTER USER root@localhost IDENTIFIED BY '';\n\
    GRANT ALL PRIVILEGES ON *.* TO root@localhost WITH GRANT OPTION;\n";

/// How a server is to be run.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What messages call it, such as `source`.
    pub name: String,
    /// The folder in which the server's own folder is made; the system's temporary folder by default.
    pub dir: Option<PathBuf>,
    /// The folder in which initialised data directories are kept for the next server; a cache by default.
    pub seeds: Option<PathBuf>,
    /// Unique in a topology.
    pub server_id: u32,
    /// Whether it writes a binary log.
    pub binlog: bool,
    /// MySQL's `gtid_mode`; MariaDB always has GTIDs where it has a binary log.
    pub gtid: bool,
    /// The InnoDB buffer pool, in MiB.
    pub buffer_pool_mib: u32,
    /// Options that the data directory is made with, and every start of the server repeats: the size of pages.
    pub init_args: Vec<String>,
    /// More options; the last one given wins.
    pub extra_args: Vec<String>,
    /// What it may touch; everything by default.
    pub fence: Option<Fence>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            name: "server".to_owned(),
            dir: None,
            seeds: None,
            server_id: 1,
            binlog: true,
            gtid: true,
            buffer_pool_mib: 64,
            init_args: Vec::new(),
            extra_args: Vec::new(),
            fence: None,
        }
    }
}

/// A running (or stopped, or frozen) server of the kit's own.
#[derive(Debug)]
pub struct Server {
    dist: Dist,
    config: ServerConfig,
    port: u16,
    process: Mutex<Option<Daemon>>,
    home: Option<TempDir>,
    path: PathBuf,
}

impl Server {
    /// Copies a seed, starts a server on it and waits until it accepts connections.
    ///
    /// Errors: [`Error::Start`] with the end of the log when it dies or takes longer than 90 s.
    pub fn start(dist: &Dist, config: ServerConfig) -> Result<Server> {
        let seeds = config.seeds.clone();
        let args = config.init_args.clone();
        Server::on(dist, config, |data| seed::prepare(dist, seeds.as_deref(), &args, data))
    }

    /// Starts a server on a data directory that was made elsewhere, which is moved into the server's folder.
    ///
    /// Its root gets no password: it must not listen but on its socket.
    ///
    /// Errors: as [`Server::start`], and [`Error::Io`] when the two folders are not on one file system.
    pub fn adopt(dist: &Dist, config: ServerConfig, data: &Path) -> Result<Server> {
        Server::on(dist, config, |target| {
            fs::rename(data, target).map_err(Error::io("moving the data directory"))?;
            fs::write(target.with_file_name(INIT), ROOT).map_err(Error::io("writing the server's first statements"))
        })
    }

    fn on(dist: &Dist, config: ServerConfig, provide: impl FnOnce(&Path) -> Result<()>) -> Result<Server> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("vouch-");
        let home = match &config.dir {
            Some(dir) => builder.tempdir_in(dir),
            None => builder.tempdir(),
        };
        let home = home.map_err(Error::io("creating the server's folder"))?;
        let path = home.path().to_owned();
        provide(&path.join("data"))?;
        fs::create_dir(path.join("tmp")).map_err(Error::io("creating the server's folder"))?;
        let process = Mutex::new(None);
        let mut server = Server { dist: dist.clone(), config, port: 0, process, home: Some(home), path };
        server.first_start()?;
        Ok(server)
    }

    /// Another process may take the free port before the server does; then another is tried.
    fn first_start(&mut self) -> Result<()> {
        for attempt in 1.. {
            self.port = free_port()?;
            match self.resume() {
                Err(Error::Start { log, .. }) if attempt < STARTS && log.contains("Address already in use") => {}
                other => return other,
            }
        }
        Ok(())
    }

    /// Starts the server again on its own folder and port after [`Server::stop`] or [`Server::kill9`].
    pub fn resume(&self) -> Result<()> {
        let mut process = self.process();
        let mut daemon = Daemon::start(&self.command(), self.config.fence.as_ref())?;
        client::wait_ready(&mut daemon, self.name(), &self.socket(), &self.log(), READY_WITHIN)?;
        *process = Some(daemon);
        Ok(())
    }

    /// Stops the server in good order; after 60 s it is killed.
    pub fn stop(&self) -> Result<()> {
        let stopped = self.process().take().map(|mut daemon| daemon.stop(STOP_WITHIN));
        stopped.unwrap_or(Ok(true)).map(|_| ())
    }

    /// Stops in good order and starts again on the same port.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.resume()
    }

    /// Kills the server on the spot. [`Server::resume`] starts it again with crash recovery.
    pub fn kill9(&self) -> Result<()> {
        self.process().take().map_or(Ok(()), |mut daemon| daemon.kill())
    }

    /// Stops its threads without a word to its clients: connections stay open and silent.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Undoes [`Server::freeze`].
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        self.process().as_mut().map_or(Ok(()), |daemon| daemon.signal(signal))
    }

    fn process(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Whose server it is.
    pub fn flavor(&self) -> Flavor {
        self.dist.flavor()
    }

    /// Where its programs are.
    pub fn dist(&self) -> &Dist {
        &self.dist
    }

    /// How it is run.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id; `None` while it is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.process().as_ref().map(Daemon::pid)
    }

    /// The server's own folder: `data/`, `tmp/`, `s` (the socket), `error.log`, `general.log`.
    pub fn dir(&self) -> &Path {
        &self.path
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.path.join("s")
    }

    /// The error log.
    pub fn log(&self) -> PathBuf {
        self.path.join("error.log")
    }

    /// The end of the error log.
    pub fn log_tail(&self) -> String {
        client::tail(&self.log())
    }

    /// `mysql://user:password@127.0.0.1:port`, percent-encoded.
    pub fn url(&self, user: &str, password: &str) -> String {
        format!("mysql://{}:{}@127.0.0.1:{}", percent(user), percent(password), self.port)
    }

    /// `h=127.0.0.1,P=port,u=user,p=password`.
    pub fn dsn(&self, user: &str, password: &str) -> String {
        format!("h=127.0.0.1,P={},u={user},p={password}", self.port)
    }

    /// `S=socket,u=user,p=password`.
    pub fn socket_dsn(&self, user: &str, password: &str) -> String {
        format!("S={},u={user},p={password}", self.socket().display())
    }

    /// A new connection as root over the socket.
    pub fn conn(&self) -> Result<Conn> {
        client::connect(self.name(), &self.socket())
    }

    /// Runs one or more statements as root on a new connection; an error in any is an error.
    pub fn sql(&self, sql: &str) -> Result<()> {
        client::run_all(&mut self.conn()?, self.name(), sql)
    }

    /// The rows of one or more statements run as root, as the server writes values; NULL is `None`.
    pub fn query_strings(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        client::rows(&mut self.conn()?, self.name(), sql)
    }

    /// The first value of the first row; an empty result and NULL are `None`.
    pub fn query_one(&self, sql: &str) -> Result<Option<String>> {
        Ok(self.query_strings(sql)?.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    /// The command that starts, and reopens, this server.
    pub fn command(&self) -> Command {
        let (mut command, path) = (self.dist.server(), &self.path);
        for (option, file) in [
            ("datadir", "data"),
            ("socket", "s"),
            ("pid-file", "pid"),
            ("log-error", "error.log"),
            ("general-log-file", "general.log"),
            ("tmpdir", "tmp"),
        ] {
            command.arg(assignment(option, &path.join(file)));
        }
        command.args(common_args(&self.config, self.port));
        command.args(match self.flavor() {
            Flavor::Mysql => mysql_args(&self.config),
            Flavor::Mariadb => mariadb_args(),
        });
        if path.join(INIT).exists() {
            command.arg(assignment("init-file", &path.join(INIT)));
        }
        command.args(&self.config.init_args).args(&self.config.extra_args);
        command
    }

    fn keep_for_inspection(&mut self) {
        if let Some(home) = self.home.take() {
            let kept = home.keep();
            let command = self.command();
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            let line: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
            report(&format!("kept {} ({}); reopen it with:\n  {}", kept.display(), self.name(), line.join(" ")));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A failure to stop must not hide the panic that is being reported.
            let _ = self.stop();
            self.keep_for_inspection();
        } else {
            // The folder goes away too, so there is nothing that a shutdown in good order would save.
            let _ = self.kill9();
        }
    }
}

/// The kit's only words on a terminal: where a failed test left its server.
#[allow(clippy::print_stderr)]
fn report(line: &str) {
    eprintln!("vouch-testkit: {line}");
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::io("looking for a free port"))?;
    Ok(listener.local_addr().map_err(Error::io("looking for a free port"))?.port())
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_hides_no_separator() {
        assert_eq!(percent("a@b:c/d?%é"), "a%40b%3Ac%2Fd%3F%25%C3%A9");
    }
}
