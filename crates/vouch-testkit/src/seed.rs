//! Initialised data directories, made once and copied per server: [`prepare`].
//!
//! Making one takes seconds, copying it a fraction. They live in the cache
//! folder, unless a server is told otherwise, under a name that holds the
//! version and a hash of the recipe, so a change of the recipe makes new ones.
//!
//! Invariant: a seed is renamed into place when it is complete; a file lock
//! keeps two processes from making the same one.

use crate::daemon::Daemon;
use crate::dist::{assignment, cache_dir};
use crate::{Dist, Error, Flavor, Result, client};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The password of every account that the kit makes.
pub const PASSWORD: &str = "correct-horse";
/// The account that may do all that vouch can use.
pub const FULL: &str = "vouch_full";
/// The account that may SELECT and nothing else.
pub const SELECT_ONLY: &str = "vouch_select";
/// The account of the replicas.
pub(crate) const REPLICATION: &str = "vouch_repl";

const REDO_SMALL: &str = "--innodb-redo-log-capacity=8388608";
const MYSQL_INIT: [&str; 2] = ["--initialize-insecure", REDO_SMALL];
const MARIADB_INIT: [&str; 2] = ["--auth-root-authentication-method=normal", "--skip-test-db"];

/// Puts an initialised data directory of `dist` at `target`, which must not exist. It is copied from
/// the one in `seeds`, by default a folder of the cache, and made there with `args` first where it is missing.
///
/// Accounts `root` (socket, no password), [`FULL`] and [`SELECT_ONLY`] ([`PASSWORD`]) are in it.
pub(crate) fn prepare(dist: &Dist, seeds: Option<&Path>, args: &[String], target: &Path) -> Result<()> {
    let scratch = seeds.map_or_else(std::env::temp_dir, Path::to_owned);
    let seeds = seeds.map_or_else(|| cache_dir().join("seed"), Path::to_owned);
    fs::create_dir_all(&seeds).map_err(Error::io(format!("creating {}", seeds.display())))?;
    let name = format!("{}-{:016x}", dist.label(), recipe_hash(dist, args));
    let seed = seeds.join(&name);
    if !seed.exists() {
        let path = seeds.join(format!("{name}.lock"));
        let lock = File::create(&path).map_err(Error::io(format!("creating {}", path.display())))?;
        lock.lock().map_err(Error::io(format!("locking {}", path.display())))?;
        if !seed.exists() {
            make(dist, args, &scratch, &seeds.join(format!("{name}.partial")), &seed)?;
        }
    }
    copy(&seed, target)
}

fn recipe_hash(dist: &Dist, args: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (MYSQL_INIT, MARIADB_INIT, account_sql(dist.flavor())).hash(&mut hasher);
    if !args.is_empty() {
        args.hash(&mut hasher);
    }
    hasher.finish()
}

fn make(dist: &Dist, args: &[String], scratch: &Path, partial: &Path, seed: &Path) -> Result<()> {
    let home = tempfile::Builder::new().prefix("vouch-seed-").tempdir_in(scratch);
    let home = home.map_err(Error::io("creating a folder"))?;
    let data = home.path().join("data");
    initialise(dist, args, home.path(), &data)?;
    create_accounts(dist, args, home.path(), &data)?;
    // Every copy needs a server_uuid of its own; the server makes one up where this file is missing.
    let _ = fs::remove_file(data.join("auto.cnf"));
    let _ = fs::remove_dir_all(partial);
    copy(&data, partial)?;
    fs::rename(partial, seed).map_err(Error::io(format!("renaming to {}", seed.display())))
}

fn initialise(dist: &Dist, args: &[String], home: &Path, data: &Path) -> Result<()> {
    let log = home.join("init.log");
    if let Some(statements) = dist.bootstrap() {
        return bootstrap(dist, args, home, data, &statements?);
    }
    let command = match dist.installer() {
        Some(mut command) => {
            command.arg("--no-defaults").arg(assignment("datadir", data)).args(MARIADB_INIT).args(args);
            if rustix::process::geteuid().is_root() {
                command.arg("--user=root");
            }
            command
        }
        None => {
            let mut command = dist.server();
            command.arg(assignment("datadir", data)).arg(assignment("log-error", &log)).args(MYSQL_INIT).args(args);
            command
        }
    };
    run_tied(command, None).map_err(|error| match (error, fs::read_to_string(&log)) {
        (Error::Tool { what, .. }, Ok(said)) => Error::Tool { what, said },
        (error, _) => error,
    })
}

/// Makes the system tables as the program does that a distribution would install.
fn bootstrap(dist: &Dist, args: &[String], home: &Path, data: &Path, statements: &str) -> Result<()> {
    let input = home.join("bootstrap.sql");
    fs::write(&input, statements).map_err(Error::io(format!("writing {}", input.display())))?;
    fs::create_dir(data).map_err(Error::io(format!("creating {}", data.display())))?;
    let mut command = dist.server();
    command.args(["--bootstrap", "--enforce-storage-engine=", "--max-allowed-packet=8M"]).args(args);
    // The system has few of those, and other servers may have them.
    command.arg("--innodb-use-native-aio=0");
    command.arg(assignment("datadir", data));
    run_tied(command, Some(&input))
}

fn create_accounts(dist: &Dist, args: &[String], home: &Path, data: &Path) -> Result<()> {
    let (socket, log) = (home.join("s"), home.join("error.log"));
    let mut command = dist.server();
    command.arg(assignment("datadir", data)).arg(assignment("socket", &socket)).arg(assignment("log-error", &log));
    command.args(["--skip-networking", "--skip-log-bin"]).arg(assignment("pid-file", &home.join("pid")));
    if dist.flavor() == Flavor::Mysql {
        command.args(["--mysqlx=0", REDO_SMALL]);
    }
    command.args(args);
    let mut daemon = Daemon::start(&command, None)?;
    let mut conn = client::wait_ready(&mut daemon, "seed", &socket, &log, Duration::from_secs(120))?;
    client::run_all(&mut conn, "seed", &account_sql(dist.flavor()))?;
    drop(conn);
    // Only a clean shutdown makes a seed that starts without recovery, with any size of the redo log.
    match daemon.stop(Duration::from_secs(120))? {
        true => Ok(()),
        false => Err(Error::Timeout { what: "the seed's shutdown".to_owned(), within: Duration::from_secs(120) }),
    }
}

/// What is granted: the least for each way that vouch can look, as its manual says.
fn account_sql(flavor: Flavor) -> String {
    let (full, replication) = match flavor {
        Flavor::Mysql => ("SELECT, PROCESS, SHOW VIEW, REPLICATION CLIENT, REPLICATION SLAVE", "REPLICATION SLAVE"),
        Flavor::Mariadb => (
            "SELECT, PROCESS, SHOW VIEW, BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE, REPLICATION MASTER ADMIN",
            "REPLICATION SLAVE",
        ),
    };
    let accounts: String = [(FULL, full), (SELECT_ONLY, "SELECT"), (REPLICATION, replication)]
        .map(|(user, privileges)| {
            format!("CREATE USER {user}@'%' IDENTIFIED BY '{PASSWORD}'; GRANT {privileges} ON *.* TO {user}@'%';")
        })
        .concat();
    match flavor {
        Flavor::Mysql => accounts,
        // An anonymous user at localhost would come before every account at '%'.
        Flavor::Mariadb => format!("DELETE FROM mysql.global_priv WHERE User=''; FLUSH PRIVILEGES; {accounts}"),
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new("cp");
    command.args(["-a", "--reflink=auto", "--sparse=always", "--"]).arg(from).arg(to);
    run(command)
}

fn run(mut command: Command) -> Result<()> {
    let what = PathBuf::from(command.get_program()).display().to_string();
    let output = command.output().map_err(Error::io(format!("running {what}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(what, &[output.stdout, output.stderr].concat()))
}

/// The same for a program that must not outlive this process, and reads `input`.
fn run_tied(command: Command, input: Option<&Path>) -> Result<()> {
    let what = PathBuf::from(command.get_program()).display().to_string();
    // Errors are wanted too, and a daemon has one pipe.
    let mut joined = Command::new("sh");
    joined.args(["-c", "exec \"$@\" <\"$0\" 2>&1"]).arg(input.unwrap_or(Path::new("/dev/null")));
    joined.arg(command.get_program()).args(command.get_args());
    let (mut daemon, output) = Daemon::start_piped(&joined)?;
    let mut said = Vec::new();
    output.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut said)).map_err(Error::io(format!("reading {what}")))?;
    if daemon.wait()?.success() { Ok(()) } else { Err(failed(what, &said)) }
}

fn failed(what: String, said: &[u8]) -> Error {
    let tail = said.len().saturating_sub(4000);
    Error::Tool { what, said: String::from_utf8_lossy(said.get(tail..).unwrap_or_default()).into_owned() }
}
