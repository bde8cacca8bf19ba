//! Servers wired by replication: [`Topology`], made by [`TopologyBuilder`].
//!
//! The servers start alike and empty; replication starts from the beginning of
//! the source's binary log, so whatever a test does on the source arrives.

use crate::options::semi_sync_args;
use crate::seed::{PASSWORD, REPLICATION};
use crate::sync::{first_binlog, wait_applied};
use crate::{Dist, Error, Flavor, Result, Server, ServerConfig};
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
    seeds: Option<PathBuf>,
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
            seeds: None,
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

    /// The folder in which initialised data directories are kept, in place of the cache.
    pub fn seeds(mut self, dir: impl Into<PathBuf>) -> Self {
        self.seeds = Some(dir.into());
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
        // What a test asks for comes last, and wins.
        let mut extra_args = if self.semi_sync { semi_sync_args(self.dist.flavor()) } else { Vec::new() };
        extra_args.extend(self.all_args.clone());
        extra_args.extend(if n == 0 { self.source_args.clone() } else { self.replica_args.clone() });
        ServerConfig {
            name: if n == 0 { "source".to_owned() } else { format!("replica{n}") },
            dir: self.dir.clone(),
            seeds: self.seeds.clone(),
            server_id: u32::try_from(n).unwrap_or(u32::MAX - 1) + 1,
            binlog: true,
            gtid: self.gtid,
            buffer_pool_mib: self.buffer_pool_mib,
            init_args: Vec::new(),
            extra_args,
            fence: None,
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
