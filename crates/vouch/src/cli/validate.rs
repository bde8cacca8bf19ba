//! `vouch validate`.

use super::alert::{AlertArgs, EvidenceArgs};
use super::output::OutputArgs;
use super::value::{self, Limit};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  vouch validate --server mysql://dr@replica1 --manifest today.json --trust /etc/vouch/trust
  vouch validate --server [copy] --manifest today.json --trust keys --restored --expect-read-only
  vouch validate config.json manifest.json --trust keys --signature manifest.json.sig
  vouch validate --server [dr] --manifest today.json --trust keys --resume
  vouch validate --server [primary] --manifest yesterday.json --trust keys --allow-older --static-only
  vouch validate --server [dr] --manifest today.json --trust keys --format jsonl --report result.html --report junit.xml
  vouch validate --server [dr] --manifest today.json --trust keys --evidence proof.json --evidence-key auditor.key
  vouch validate --server [dr] --manifest today.json --trust keys --webhook https://ops.example/hook \
      --webhook-secret '${file:/etc/vouch/hook.secret}' --slack '${SLACK_URL}' --pagerduty '${PD_KEY}'

The signature is verified before anything else: until then nothing is parsed, and no server is asked.
Without --signature, MANIFEST.sig or MANIFEST.minisig beside the manifest is taken.

The two-file form takes {\"db\": {\"host\": …, \"port\": …, \"user\": …, \"password\": \"${ENV}\"}, \"max_workers\": 8}
and {\"schema.table\": \"3847291056\", …} or a manifest of version 1, and prints JSON lines.

Exit codes:
  0 every table of the manifest was looked at and is valid: proceed
  1 a mismatch, a missing or extra table, an error, a timeout, lag, or a table that was not looked at: halt
  2 arguments, configuration, manifest, key, signature or the server itself wrong: nothing was looked at
  130, 143 interrupted   70 a bug in vouch";

/// What is said of tables that the manifest does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Extra {
    /// A finding, but not for flat manifests, which never name all
    Auto,
    /// A finding
    Fail,
    /// Nothing
    Ignore,
}

/// The options of `vouch validate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ValidateArgs {
    /// The two-file form: a configuration, and a manifest
    #[arg(value_name = "CONFIG.json MANIFEST.json", num_args = 0..=2, conflicts_with_all = ["server", "manifest"])]
    pub files: Vec<PathBuf>,
    /// The manifest
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    #[command(flatten)]
    pub trust: TrustArgs,
    #[command(flatten)]
    pub server: OneServerArgs,
    #[command(flatten)]
    pub gate: GateArgs,
    #[command(flatten)]
    pub effort: EffortArgs,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    #[command(flatten)]
    pub alert: AlertArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    /// Take over what a run that was cut off has found: of this manifest, this server, at this position
    #[arg(long, help_heading = "Run")]
    pub resume: bool,
    /// The configuration file [default: ./vouch.toml, or $XDG_CONFIG_HOME/vouch/vouch.toml]
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub config: Option<PathBuf>,
}

/// What may pass as a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Require {
    /// A manifest of version 1 or 2
    Manifest,
    /// Also a flat map of checksums, which has no serial, cluster or expiry
    Any,
}

/// Whom to believe.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Trust")]
pub struct TrustArgs {
    /// The signature [default: MANIFEST.sig or MANIFEST.minisig, where there is one]
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// The keys that are trusted: a folder of public keys, a key, a file of allowed signers, or a keyring.toml
    #[arg(long, value_name = "KEYRING")]
    pub trust: Option<PathBuf>,
    /// Believe a manifest without a signature; the result says so
    #[arg(long)]
    pub allow_unsigned: bool,
    /// The cluster that the manifest must be about
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Take a manifest with a lower serial than the last one accepted for its cluster
    #[arg(long)]
    pub allow_older: bool,
    /// Take a manifest that has expired
    #[arg(long)]
    pub allow_expired: bool,
    /// Accept only manifests, or flat maps as well [default: manifest; any in the two-file form]
    #[arg(long, value_enum, value_name = "KIND")]
    pub require: Option<Require>,
    /// Where serials and what one run leaves to the next are kept [default: $XDG_STATE_HOME/vouch or ~/.local/state/vouch]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// Which server, and how to get in.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct OneServerArgs {
    /// The server, as in `vouch compare --source`
    #[arg(long, value_name = "ADDRESS")]
    pub server: Option<String>,
    /// Ask for the password on the terminal
    #[arg(long)]
    pub ask_password: bool,
    /// Read this option file instead of ~/.my.cnf
    #[arg(long, value_name = "FILE")]
    pub defaults_file: Option<PathBuf>,
    /// Also read [clientSUFFIX] of the option file
    #[arg(long, value_name = "SUFFIX")]
    pub defaults_group_suffix: Option<String>,
}

/// Which server it has to be, and where it has to stand.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Gate")]
pub struct GateArgs {
    /// The server must stand at the manifest's position, exactly; it is waited for (the default)
    #[arg(long, conflicts_with = "restored")]
    pub at_position: bool,
    /// The server is a restored copy that takes no writes, whatever its position
    #[arg(long)]
    pub restored: bool,
    /// Only tables that have not changed since the manifest's position, as the server's binlog tells
    #[arg(long, conflicts_with_all = ["at_position", "restored"])]
    pub static_only: bool,
    /// How long the server may take to get to the manifest's position
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = value::duration)]
    pub wait_timeout: Duration,
    /// The replication channel to wait on, where there are several
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// The server_uuid that the server must have
    #[arg(long, value_name = "UUID")]
    pub expect_server_uuid: Option<String>,
    /// The server_id that the server must have
    #[arg(long, value_name = "ID")]
    pub expect_server_id: Option<u64>,
    /// The server must be read only
    #[arg(long)]
    pub expect_read_only: bool,
    /// Accept a manifest from the other flavor, whose objects and schema-only tables cannot be compared
    #[arg(long)]
    pub allow_other_flavor: bool,
    /// What is said of tables that the manifest does not name, in databases that it names
    #[arg(long, value_enum, value_name = "POLICY", default_value = "auto")]
    pub extra: Extra,
}

/// How much is asked of the server, and for how long.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Effort")]
pub struct EffortArgs {
    /// Connections that read tables [default: one for each processor here, at most 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// Give a table up after this long
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = value::time_span)]
    pub table_timeout: Duration,
    /// End the run after this long [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = value::time_span)]
    pub run_time: Option<Duration>,
    /// How long a statement waits for a lock, in whole seconds
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = value::time_span)]
    pub lock_wait: Duration,
    /// Attempts at a table that is locked, or whose connection is lost
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,
    /// How long a lost connection is tried again
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::duration)]
    pub retry_for: Duration,
    /// End the run when the replica lags more; off never does
    #[arg(long, value_name = "DURATION", default_value = "off", value_parser = value::duration_or_off)]
    pub max_lag: Limit<Duration>,
    /// Go on reading a table that an applier waits for
    #[arg(long)]
    pub no_guard: bool,
}
