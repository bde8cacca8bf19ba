//! Servers wired by replication: [`Topology`], made by [`TopologyBuilder`].
//!
//! The servers start alike and empty; replication starts from the beginning of
//! the source's binary log, so whatever a test does on the source arrives.

use crate::inspect;
use crate::seed::{PASSWORD, REPLICATION};
use crate::{Dist, Error, Flavor, Result, Server, ServerConfig, poll};
use mysql::Row;
use mysql::prelude::Queryable;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// A source and the servers around it. Dropping it stops them all.
#[derive(Debug)]
pub struct Topology {
    servers: Vec<Server>,
    /// For each server the one that it replicates from.
    upstream: Vec<Option<usize>>,
    gtid: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Every other server replicates from the first.
    Star,
    /// Every server replicates from the one before it.
    Chain,
    /// None replicates.
    Alone,
}

/// What a topology is to look like. [`TopologyBuilder::start`] boots it.
#[derive(Clone, Debug)]
pub struct TopologyBuilder {
    dist: Dist,
    shape: Shape,
    servers: usize,
    gtid: bool,
    semi_sync: bool,
    delay_secs: u32,
    buffer_pool_mib: u32,
    dir: Option<PathBuf>,
    all_args: Vec<String>,
    source_args: Vec<String>,
    replica_args: Vec<String>,
    upstream_port: Option<u16>,
}

impl Topology {
    /// A source and a replica.
    pub fn pair(flavor: Flavor) -> Result<Topology> {
        Topology::builder(flavor)?.start()
    }

    /// A source and `n` replicas of it.
    pub fn with_replicas(flavor: Flavor, n: usize) -> Result<Topology> {
        Topology::builder(flavor)?.replicas(n).start()
    }

    /// `n` servers, each the replica of the one before it.
    pub fn chain(flavor: Flavor, n: usize) -> Result<Topology> {
        Topology::builder(flavor)?.chain(n).start()
    }

    /// `n` servers that do not replicate.
    pub fn standalone(flavor: Flavor, n: usize) -> Result<Topology> {
        Topology::builder(flavor)?.standalone(n).start()
    }

    /// Options of a topology of the flavor's default distribution; a pair unless said otherwise.
    pub fn builder(flavor: Flavor) -> Result<TopologyBuilder> {
        Ok(Topology::builder_of(Dist::of(flavor)?))
    }

    /// The same for any distribution.
    pub fn builder_of(dist: Dist) -> TopologyBuilder {
        TopologyBuilder {
            dist,
            shape: Shape::Star,
            servers: 2,
            gtid: true,
            semi_sync: false,
            delay_secs: 0,
            buffer_pool_mib: 64,
            dir: None,
            all_args: Vec::new(),
            source_args: Vec::new(),
            replica_args: Vec::new(),
            upstream_port: None,
        }
    }

    /// The flavor of all its servers.
    pub fn flavor(&self) -> Flavor {
        self.source().flavor()
    }

    /// The first server.
    pub fn source(&self) -> &Server {
        &self.servers[0]
    }

    /// The `n`-th of the other servers, counted from 0.
    ///
    /// Panics when there is none: a test that asks for it is wrong.
    pub fn replica(&self, n: usize) -> &Server {
        &self.servers[n + 1]
    }

    /// All servers but the first.
    pub fn replicas(&self) -> &[Server] {
        &self.servers[1..]
    }

    /// All servers, the source first.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Waits until every replica has applied what its own source has executed by now.
    ///
    /// Errors: [`Error::Timeout`] with what the replica says about its replication.
    pub fn wait_in_sync(&self, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        for (server, upstream) in self.links() {
            let left = deadline.saturating_duration_since(Instant::now());
            wait_applied(upstream, server, self.gtid, left)?;
        }
        Ok(())
    }

    fn links(&self) -> impl Iterator<Item = (&Server, &Server)> {
        let pairs = self.servers.iter().zip(&self.upstream);
        pairs.filter_map(|(server, upstream)| Some((server, &self.servers[(*upstream)?])))
    }
}

impl TopologyBuilder {
    /// A source with `n` replicas of it.
    pub fn replicas(mut self, n: usize) -> Self {
        (self.shape, self.servers) = (Shape::Star, n + 1);
        self
    }

    /// `n` servers, each the replica of the one before it.
    pub fn chain(mut self, n: usize) -> Self {
        (self.shape, self.servers) = (Shape::Chain, n);
        self
    }

    /// `n` servers that do not replicate.
    pub fn standalone(mut self, n: usize) -> Self {
        (self.shape, self.servers) = (Shape::Alone, n);
        self
    }

    /// GTID (the default), or file and position.
    pub fn gtid(mut self, gtid: bool) -> Self {
        self.gtid = gtid;
        self
    }

    /// Commits on the source wait until a replica has received them.
    pub fn semi_sync(mut self) -> Self {
        self.semi_sync = true;
        self
    }

    /// Replicas apply everything that many seconds late.
    pub fn delay_secs(mut self, seconds: u32) -> Self {
        self.delay_secs = seconds;
        self
    }

    /// The InnoDB buffer pool of each server, in MiB; 64 by default.
    pub fn buffer_pool_mib(mut self, mib: u32) -> Self {
        self.buffer_pool_mib = mib;
        self
    }

    /// The folder in which the servers' folders are made.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// More options for every server.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.all_args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// More options for the first server.
    pub fn source_args(mut self, args: &[&str]) -> Self {
        self.source_args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// More options for the other servers.
    pub fn replica_args(mut self, args: &[&str]) -> Self {
        self.replica_args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Replicas connect to this port of 127.0.0.1 (a proxy's) in place of their source's.
    pub fn upstream_port(mut self, port: u16) -> Self {
        self.upstream_port = Some(port);
        self
    }

    /// Boots the servers side by side and starts replication.
    pub fn start(self) -> Result<Topology> {
        // The seed is made before the servers race for it.
        let booted: Vec<Result<Server>> = thread::scope(|scope| {
            let boot = |n| {
                scope.spawn({
                    let config = self.config(n);
                    let dist = &self.dist;
                    move || Server::start(dist, config)
                })
            };
            let threads: Vec<_> = (0..self.servers).map(boot).collect();
            threads.into_iter().map(join).collect()
        });
        let servers = booted.into_iter().collect::<Result<Vec<Server>>>()?;
        if servers.is_empty() {
            return Err(Error::Unfit("a topology needs at least one server".to_owned()));
        }
        let upstream = (0..servers.len()).map(|n| self.upstream_of(n)).collect();
        let topology = Topology { servers, upstream, gtid: self.gtid };
        for (server, upstream) in topology.links() {
            self.replicate(server, upstream)?;
        }
        topology.wait_in_sync(Duration::from_secs(60) + Duration::from_secs(u64::from(self.delay_secs)))?;
        Ok(topology)
    }

    fn upstream_of(&self, server: usize) -> Option<usize> {
        match self.shape {
            Shape::Alone => None,
            Shape::Star => (server > 0).then_some(0),
            Shape::Chain => server.checked_sub(1),
        }
    }

    fn config(&self, n: usize) -> ServerConfig {
        let mut extra_args = self.all_args.clone();
        extra_args.extend(if n == 0 { self.source_args.clone() } else { self.replica_args.clone() });
        if self.semi_sync {
            extra_args.extend(semi_sync_args(self.dist.flavor()));
        }
        ServerConfig {
            name: if n == 0 { "source".to_owned() } else { format!("replica{n}") },
            dir: self.dir.clone(),
            server_id: u32::try_from(n).unwrap_or(u32::MAX - 1) + 1,
            binlog: true,
            gtid: self.gtid,
            buffer_pool_mib: self.buffer_pool_mib,
            extra_args,
        }
    }

    fn replicate(&self, server: &Server, upstream: &Server) -> Result<()> {
        let port = self.upstream_port.unwrap_or(upstream.port());
        let (delay, flavor) = (self.delay_secs, server.flavor());
        let position = if self.gtid { None } else { Some(first_binlog(upstream)?) };
        server.sql(&match flavor {
            Flavor::Mysql => {
                let start = position.map_or_else(
                    || "SOURCE_AUTO_POSITION=1".to_owned(),
                    |file| format!("SOURCE_LOG_FILE='{file}', SOURCE_LOG_POS=4"),
                );
                format!(
                    "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, \
                     SOURCE_USER='{REPLICATION}', SOURCE_PASSWORD='{PASSWORD}', GET_SOURCE_PUBLIC_KEY=1, \
                     SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=86400, SOURCE_DELAY={delay}, {start}; START REPLICA"
                )
            }
            Flavor::Mariadb => {
                let start = position.map_or_else(
                    || "MASTER_USE_GTID=slave_pos".to_owned(),
                    |file| format!("MASTER_LOG_FILE='{file}', MASTER_LOG_POS=4, MASTER_USE_GTID=no"),
                );
                format!(
                    "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='{REPLICATION}', \
                     MASTER_PASSWORD='{PASSWORD}', MASTER_CONNECT_RETRY=1, MASTER_DELAY={delay}, {start}; START SLAVE"
                )
            }
        })
    }
}

fn join(thread: thread::ScopedJoinHandle<'_, Result<Server>>) -> Result<Server> {
    thread.join().unwrap_or_else(|_| Err(Error::Unfit("the thread that boots a server panicked".to_owned())))
}

/// Enabled on both sides everywhere, so that a chain works too; a source that has no replica does not wait.
fn semi_sync_args(flavor: Flavor) -> Vec<String> {
    let args: &[&str] = match flavor {
        Flavor::Mysql => &[
            "--plugin-load-add=semisync_source.so",
            "--plugin-load-add=semisync_replica.so",
            "--loose-rpl-semi-sync-source-enabled=1",
            "--loose-rpl-semi-sync-replica-enabled=1",
            "--loose-rpl-semi-sync-source-timeout=10000",
            "--loose-rpl-semi-sync-source-wait-no-replica=OFF",
        ],
        Flavor::Mariadb => &[
            "--rpl-semi-sync-master-enabled=1",
            "--rpl-semi-sync-slave-enabled=1",
            "--rpl-semi-sync-master-timeout=10000",
            "--rpl-semi-sync-master-wait-no-slave=OFF",
        ],
    };
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

fn first_binlog(server: &Server) -> Result<String> {
    let none = || Error::Unfit(format!("{} has no binary log", server.name()));
    server.query_one("SHOW BINARY LOGS")?.ok_or_else(none)
}

/// Waits until `server` has applied what `upstream` has executed by now.
fn wait_applied(upstream: &Server, server: &Server, gtid: bool, within: Duration) -> Result<()> {
    let (seconds, flavor) = (within.as_secs().max(1), upstream.flavor());
    let wait = match (flavor, gtid) {
        (Flavor::Mysql, true) => {
            let set = upstream.query_one("SELECT @@GLOBAL.gtid_executed")?.unwrap_or_default();
            format!("SELECT WAIT_FOR_EXECUTED_GTID_SET('{set}', {seconds}) = 0")
        }
        (Flavor::Mariadb, true) => {
            let set = upstream.query_one("SELECT @@GLOBAL.gtid_binlog_pos")?.unwrap_or_default();
            format!("SELECT MASTER_GTID_WAIT('{set}', {seconds}) = 0")
        }
        (_, false) => {
            let (file, position) = binlog_position(upstream)?;
            let function = if flavor == Flavor::Mysql { "SOURCE_POS_WAIT" } else { "MASTER_POS_WAIT" };
            format!("SELECT {function}('{file}', {position}, {seconds}) >= 0")
        }
    };
    // The wait functions return at once while the applier is not running yet (or any more).
    let mut step = || Ok((server.query_one(&wait)?.as_deref() == Some("1")).then_some(()));
    poll::try_until(within, Duration::from_millis(50), "replication", &mut step).map_err(|error| match error {
        Error::Timeout { within, .. } => Error::Timeout { what: not_in_sync(server), within },
        other => other,
    })
}

/// File and position of the end of the binary log.
fn binlog_position(server: &Server) -> Result<(String, String)> {
    let sql = match (server.flavor(), server.dist().version()) {
        (Flavor::Mysql, (major, minor, _)) if (major, minor) >= (8, 2) => "SHOW BINARY LOG STATUS",
        _ => "SHOW MASTER STATUS",
    };
    let mut row = server.query_strings(sql)?.into_iter().next().unwrap_or_default().into_iter().flatten();
    let none = || Error::Unfit(format!("{} has no binary log", server.name()));
    Ok((row.next().ok_or_else(none)?, row.next().ok_or_else(none)?))
}

/// What a replica says about its replication, for a message.
fn not_in_sync(server: &Server) -> String {
    let fields = ["IO_Running", "SQL_Running", "Last_IO_Error", "Last_SQL_Error"];
    let status = replica_status(server).ok().flatten();
    let said = |field: &&str| {
        let row = status.as_ref()?;
        let old = format!("Slave_{field}");
        let new = format!("Replica_{field}");
        let value = inspect::text(row, field).or_else(|| inspect::text(row, &new)).or_else(|| inspect::text(row, &old));
        Some(format!("{field}={}", value?))
    };
    let said: Vec<String> = fields.iter().filter_map(said).collect();
    format!("{} is not in sync: {}; its log ends:\n{}", server.name(), said.join(", "), server.log_tail())
}

/// The replica's first channel, as the server tells it; `None` on a server that replicates from none.
pub(crate) fn replica_status(server: &Server) -> Result<Option<Row>> {
    let sql = if server.flavor() == Flavor::Mysql { "SHOW REPLICA STATUS" } else { "SHOW SLAVE STATUS" };
    server.conn()?.query_first(sql).map_err(Error::sql(server.name(), sql))
}
