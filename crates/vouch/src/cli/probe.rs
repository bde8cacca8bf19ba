//! `vouch probe` and `vouch serve`.

use super::value;
use clap::{Args, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use vouch_server::TableName;

const PROBE_EXAMPLES: &str = "\
Examples:
  vouch probe --node db1=mysql://probe@db1 --node db2=mysql://probe@db2
  vouch probe --format lb-text --policy active-passive --self mysql://probe@10.0.170.10 --peer mysql://probe@10.0.170.20
  vouch probe --for db2 --service ro --lag 5s --format nagios      from the daemon, where one runs
  vouch probe pass-persist                                         for snmpd
  vouch probe heartbeat --update --node db1=mysql://probe@db1 --heartbeat-table percona.heartbeat
  vouch probe grants --flavor mariadb --user probe

Exit codes:
  human, json  0 it serves   1 it does not   3 unknown      lb-text  0 100   1 200   3 200, unknown
  nagios       0 ok   1 warning   2 critical   3 unknown";

const SERVE_EXAMPLES: &str = "\
Examples:
  vouch serve --node db1=mysql://probe@db1 --node db2=mysql://probe@db2 --node db3=mysql://probe@db3
  vouch serve --config /etc/vouch/vouch.toml --listen 0.0.0.0:8306 --agent-listen 0.0.0.0:8307
  vouch serve --node a=mysql://probe@db1 --node b=mysql://probe@db2 --policy active-passive --self a --peer b

Questions over HTTP: /primary /replica?lag=5s /read-only /standby /health /liveness /readiness /verify,
each also as /node/NAME/QUESTION; /metrics, and /facts for `vouch probe replay`. Agent-checks send a line such as `ro db3 lag=5s`.
SIGHUP reads the configuration again, SIGTERM stops.";

/// How the nodes belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// A source and its replicas, a replication group or a Galera cluster
    Pool,
    /// Two servers that replicate from each other, of which one has the traffic
    ActivePassive,
}

/// What is done about drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnDrift {
    /// Say so
    Warn,
    /// Take the node out
    Drain,
}

/// What comes after the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnUnknown {
    /// The node is unknown, which serves nobody
    Unknown,
    /// The last verdict stays
    Keep,
}

/// What a delayed replica is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Delayed {
    /// It serves, and its delay does not count as lag
    Ok,
    /// It serves nobody
    Drain,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// Yes
    Yes,
    /// No
    No,
}

/// What stdout gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProbeFormat {
    /// A line for each node
    Human,
    /// 100 or 200: send traffic to this node, or to the other
    LbText,
    /// A line of HAProxy's agent-check
    Haproxy,
    /// A line for Nagios and Icinga
    Nagios,
    /// One JSON document
    Json,
}

/// What a node is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Take writes
    Rw,
    /// Answer reads
    Ro,
}

/// A flavor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FlavorName {
    /// MySQL and what follows it
    Mysql,
    /// MariaDB
    Mariadb,
}

/// Which nodes, and how to get in.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Nodes")]
pub struct NodeArgs {
    /// A node, by a name of your choice and its address; may be given again
    #[arg(long, value_name = "NAME=ADDRESS")]
    pub node: Vec<String>,
    /// How the nodes belong together
    #[arg(long, value_enum, value_name = "POLICY", default_value = "pool")]
    pub policy: Shape,
    /// The node that is meant when none is named; in a pair, the one that is preferred. Name or address
    #[arg(long = "self", value_name = "NODE")]
    pub own: Option<String>,
    /// The other server of a pair. Name or address
    #[arg(long, value_name = "NODE")]
    pub peer: Option<String>,
    /// Port to use when a server takes no more connections (1040)
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub admin_port: Option<u16>,
    /// Table of heartbeats, as pt-heartbeat keeps it with --utc
    #[arg(long, value_name = "DB.TABLE", value_parser = value::table_name)]
    pub heartbeat_table: Option<TableName>,
    /// Read this option file instead of ~/.my.cnf
    #[arg(long, value_name = "FILE")]
    pub defaults_file: Option<PathBuf>,
    /// Also read [clientSUFFIX] of the option file
    #[arg(long, value_name = "SUFFIX")]
    pub defaults_group_suffix: Option<String>,
    /// Configuration file [default: ./vouch.toml, ~/.config/vouch/vouch.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// When a node serves.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Thresholds")]
pub struct PolicyArgs {
    /// Time from one look at a node to the next
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = value::interval)]
    pub interval: Duration,
    /// Time that a look may take
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = value::interval)]
    pub deadline: Duration,
    /// Bad looks until a node is taken out
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub fall: u32,
    /// Good looks until it is put back
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub rise: u32,
    /// How long it stays out at least
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = value::duration)]
    pub dwell: Duration,
    /// How long the last verdict is kept when nothing can be known
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::duration)]
    pub hold: Duration,
    /// What comes after that
    #[arg(long, value_enum, value_name = "WHAT", default_value = "unknown")]
    pub on_unknown: OnUnknown,
    /// Lag up to which the weight is full
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = value::duration)]
    pub low_lag: Duration,
    /// Lag above which a replica is taken out
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = value::time_span)]
    pub max_lag: Duration,
    /// Lag at which it is put back [default: half of --max-lag]
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub return_lag: Option<Duration>,
    /// How long a replica that has applied all it received serves without its source
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = value::duration)]
    pub max_stale: Duration,
    /// What a replica that is delayed on purpose is used for
    #[arg(long, value_enum, value_name = "WHAT", default_value = "drain")]
    pub delayed: Delayed,
    /// Whether the source answers reads too
    #[arg(long, value_enum, value_name = "WHETHER", default_value = "yes")]
    pub source_reads: YesNo,
    /// Readers that are kept at least, be they bad
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_ready: usize,
    /// How long the weight is raised after a server's start
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = value::duration)]
    pub warm_up: Duration,
    /// Backlog of a replica above which its weight is lowered
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub max_backlog: Option<u64>,
    /// What is done about rows that a comparison found to differ
    #[arg(long, value_enum, value_name = "WHAT", default_value = "warn")]
    pub on_drift: OnDrift,
    /// The JSON report of `vouch compare` to take drift from
    #[arg(long, value_name = "FILE")]
    pub drift: Option<PathBuf>,
    /// How far clocks may be apart
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = value::duration)]
    pub max_skew: Duration,
    /// In a pair: how long nobody gets new connections while traffic is handed back
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = value::duration)]
    pub handover: Duration,
    /// In a pair: lag up to which a server counts as caught up
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = value::duration)]
    pub caught_up: Duration,
    /// Folder in which a file with the name of a node takes that node out
    #[arg(long, value_name = "DIR")]
    pub maintenance_dir: Option<PathBuf>,
    /// Time of the day, in UTC, at which a node, or all of them, is taken out; may be given again
    #[arg(long, value_name = "[NODE=]HH:MM-HH:MM", value_parser = value::node_window)]
    pub maintenance_window: Vec<value::NodeWindow>,
}

/// The nodes and when they serve.
#[derive(Clone, Debug, Args)]
pub struct WatchArgs {
    #[command(flatten)]
    pub nodes: NodeArgs,
    #[command(flatten)]
    pub policy: PolicyArgs,
}

/// Answers once.
#[derive(Clone, Debug, Args)]
#[command(after_help = PROBE_EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct ProbeArgs {
    #[command(subcommand)]
    pub action: Option<ProbeAction>,
    #[command(flatten)]
    pub watch: WatchArgs,
    #[command(flatten)]
    pub question: QuestionArgs,
}

/// What is asked, and whom.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Question")]
pub struct QuestionArgs {
    /// The node that is asked about [default: --self, or the only one]
    #[arg(long = "for", value_name = "NAME")]
    pub about: Option<String>,
    /// What it is to do [default: rw for lb-text, else ro]
    #[arg(long, value_enum, value_name = "SERVICE")]
    pub service: Option<Service>,
    /// The lag that is accepted
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub lag: Option<Duration>,
    /// What stdout gets
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "human")]
    pub format: ProbeFormat,
    /// The daemon's socket [default: $XDG_RUNTIME_DIR/vouch.sock, or /run/vouch/vouch.sock]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Look at the servers, even where a daemon runs
    #[arg(long)]
    pub no_daemon: bool,
    /// Say nothing on stderr; snmpd would take it for a part of the answer
    #[arg(long, short)]
    pub quiet: bool,
    /// Also write the facts to a file, for `vouch probe replay`
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

/// What else a probe can do.
#[derive(Clone, Debug, Subcommand)]
pub enum ProbeAction {
    /// Speaks snmpd's pass_persist on stdin and stdout
    PassPersist(Box<PassPersistArgs>),
    /// Looks at heartbeats, or writes them to the source
    Heartbeat(Box<HeartbeatArgs>),
    /// Derives verdicts from recorded facts again
    Replay(Box<ReplayArgs>),
    /// Prints the statements that make an account which may probe, and no more
    Grants(GrantsArgs),
    /// Checks that the accounts may do what a probe needs
    Doctor(Box<DoctorArgs>),
}

/// Speaks pass_persist.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  pass_persist .1.3.6.1.4.1.8072.9999.9999.8306 /usr/bin/vouch probe pass-persist")]
pub struct PassPersistArgs {
    /// Where in the tree the table hangs
    #[arg(long, value_name = "OID", default_value = vouch_probe::protocol::snmp::BASE)]
    pub oid: String,
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// Looks at heartbeats or writes them.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  vouch probe heartbeat --update --create --node db1=mysql://probe@db1 --heartbeat-table percona.heartbeat"
)]
pub struct HeartbeatArgs {
    /// Write a row every --interval, as long as the node is a writable source
    #[arg(long)]
    pub update: bool,
    /// Make the table where it is missing
    #[arg(long)]
    pub create: bool,
    /// Write once and end
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// Derives verdicts again.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  curl http://127.0.0.1:8306/facts > facts.json    what the daemon saw and remembered\n  vouch probe --record facts.json                  the same of one look\n  vouch probe replay facts.json --max-lag 10s"
)]
pub struct ReplayArgs {
    /// The recording
    #[arg(value_name = "FACTS.json")]
    pub file: PathBuf,
    /// What stdout gets
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "human")]
    pub format: ProbeFormat,
    /// The node that is asked about
    #[arg(long = "for", value_name = "NAME")]
    pub about: Option<String>,
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// Prints grants.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  vouch probe grants --flavor mysql --user probe --host '10.0.%' --heartbeat-table percona.heartbeat"
)]
pub struct GrantsArgs {
    /// Whose words are used
    #[arg(long, value_enum, value_name = "FLAVOR")]
    pub flavor: FlavorName,
    /// The account's user
    #[arg(long, value_name = "USER", default_value = "vouch_probe")]
    pub user: String,
    /// The account's host
    #[arg(long, value_name = "HOST", default_value = "%")]
    pub host: String,
    /// The table of heartbeats that it reads
    #[arg(long, value_name = "DB.TABLE", value_parser = value::table_name)]
    pub heartbeat_table: Option<TableName>,
    /// It writes heartbeats too
    #[arg(long)]
    pub update: bool,
}

/// Checks accounts.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  vouch probe doctor --node db1=mysql://probe@db1")]
pub struct DoctorArgs {
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// Answers all the time.
#[derive(Clone, Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub struct ServeArgs {
    #[command(flatten)]
    pub watch: WatchArgs,
    #[command(flatten)]
    pub listen: ListenArgs,
}

/// Where answers are given.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Listening")]
pub struct ListenArgs {
    /// Address of the HTTP side: questions, metrics, and the page on /
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8306")]
    pub listen: SocketAddr,
    /// Address for agent-checks, with the question that is meant when a client sends none; may be given again
    #[arg(long, value_name = "ADDRESS:PORT[=QUESTION]", value_parser = value::agent_address)]
    pub agent_listen: Vec<value::AgentAddress>,
    /// Unix socket for `vouch probe` [default: $XDG_RUNTIME_DIR/vouch.sock, or /run/vouch/vouch.sock]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Write heartbeats to the node that has the writes
    #[arg(long)]
    pub heartbeat_update: bool,
    /// How often
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = value::interval)]
    pub heartbeat_interval: Duration,
}
