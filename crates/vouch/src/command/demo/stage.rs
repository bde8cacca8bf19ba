//! The servers of the tour and the folder that holds all of it: [`Stage`].
//!
//! Invariant: the servers are gone before the folder is removed.

use crate::complaint::{Complaint, cause};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{Dist, Error, FULL, Flavor, PASSWORD, Server, Topology};

const IN_SYNC_WITHIN: Duration = Duration::from_secs(300);

/// The folder, and what is to run in it.
pub struct Empty {
    dist: Dist,
    folder: TempDir,
}

/// A source and two replicas.
pub struct Stage {
    // Fields are dropped in this order.
    servers: Topology,
    folder: TempDir,
}

impl Stage {
    /// Makes the folder and looks for the server's programs.
    ///
    /// # Errors
    /// The server is not installed; the temporary folder cannot be written to.
    pub fn prepare(mysql: bool) -> Result<Empty, Complaint> {
        let dist = Dist::of(if mysql { Flavor::Mysql } else { Flavor::Mariadb }).map_err(complaint)?;
        let folder = tempfile::Builder::new().prefix("vouch-demo-").tempdir().map_err(|error| {
            Complaint::incomplete(format!("no temporary folder could be made: {}", cause(&error)))
                .hint("name a folder that can be written to in TMPDIR")
        })?;
        Ok(Empty { dist, folder })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The server that is believed.
    pub fn source(&self) -> &Server {
        self.servers.source()
    }

    /// One of the two replicas, by 0 or 1.
    pub fn replica(&self, n: usize) -> &Server {
        self.servers.replica(n)
    }

    /// What a report calls that replica.
    pub fn name_of(&self, replica: usize) -> String {
        format!("127.0.0.1:{}", self.replica(replica).port())
    }

    /// Every server, and what the tour calls it.
    pub fn roles(&self) -> impl Iterator<Item = (&'static str, &Server)> {
        ["source   ", "replica 1", "replica 2"].into_iter().zip(self.servers.servers())
    }

    /// Waits until the replicas have all that the source has.
    pub fn wait_in_sync(&self) -> Result<(), Complaint> {
        self.servers.wait_in_sync(IN_SYNC_WITHIN).map_err(complaint)
    }

    /// Where a comparison keeps its state.
    pub fn state_dir(&self) -> PathBuf {
        self.path().join("state")
    }

    /// The options of `vouch compare` that name the servers.
    pub fn addresses(&self) -> String {
        format!("--defaults-file {} --source '[source]' --expect-replicas 2", self.option_file().display())
    }

    /// The option file with the account and the address of the source.
    pub fn option_file(&self) -> PathBuf {
        self.path().join("my.cnf")
    }

    /// Stops the servers and removes the folder.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn clear(self) -> Result<(), Complaint> {
        let Stage { servers, folder } = self;
        drop(servers);
        let path = folder.path().to_owned();
        folder.close().map_err(|error| {
            Complaint::incomplete(format!("the folder {} could not be removed: {}", path.display(), cause(&error)))
        })
    }
}

impl Empty {
    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Name and version of the server.
    pub fn server_name(&self) -> String {
        let (major, minor, patch) = self.dist.version();
        let name = if self.dist.flavor() == Flavor::Mysql { "MySQL" } else { "MariaDB" };
        format!("{name} {major}.{minor}.{patch}")
    }

    /// Boots the servers, each on a data directory and a socket of its own.
    ///
    /// # Errors
    /// A server that does not start, with the end of its log.
    pub fn boot(self) -> Result<Stage, Complaint> {
        let Empty { dist, folder } = self;
        let servers = Topology::builder_of(dist)
            .replicas(2)
            .buffer_pool_mib(256)
            .replica_args(&["--read-only=ON"])
            .dir(folder.path())
            .seeds(folder.path().join("seed"))
            .start()
            .map_err(complaint)?;
        let stage = Stage { servers, folder };
        let options = format!(
            "[client]\nuser={FULL}\npassword={PASSWORD}\n\n[source]\nhost=127.0.0.1\nport={}\n",
            stage.source().port()
        );
        std::fs::write(stage.option_file(), options).map_err(|error| {
            Complaint::incomplete(format!("the option file could not be written: {}", cause(&error)))
        })?;
        Ok(stage)
    }
}

/// What went wrong with the servers.
pub fn complaint(error: Error) -> Complaint {
    match error {
        Error::Missing { what, hint } => Complaint::incomplete(format!("{what} is missing")).hint(hint),
        Error::Start { server, why, log } => {
            let last: Vec<&str> = log.lines().rev().filter(|line| line.contains("ERROR")).take(1).collect();
            Complaint::incomplete(format!("the {server} {why}: {}", last.concat()))
                .hint("look for a full disk, little memory, or a limit of this machine on programs in TMPDIR")
        }
        other => Complaint::incomplete(other.to_string()),
    }
}
