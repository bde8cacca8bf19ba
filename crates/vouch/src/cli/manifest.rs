//! `vouch manifest` and its commands.

pub mod import;
pub mod look;

use super::output::{OutputArgs, When};
use super::validate::{EffortArgs, OneServerArgs, TrustArgs};
use super::value;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  vouch manifest keygen --out backup-2026.key
  vouch manifest create --server [replica] --cluster prod --out today.json --backup /backups/today --key backup-2026.key
  vouch manifest sign today.json --key backup-2026.key
  vouch manifest verify today.json --trust /etc/vouch/trust
  vouch manifest show today.json --trust /etc/vouch/trust
  vouch manifest import /backups/mydumper --cluster prod --out today.json
  vouch manifest diff yesterday.json today.json --trust /etc/vouch/trust
  vouch manifest lint today.json";

const KEYGEN_EXAMPLES: &str = "\
Examples:
  vouch manifest keygen --out backup-2026.key
  openssl pkey -in backup-2026.key -text -noout

Writes an Ed25519 key as PEM (PKCS#8) that only its owner may read, and its public half beside it.
Keep the public half where the backup job cannot write, and give it to --trust.";

const CREATE_EXAMPLES: &str = "\
Examples:
  vouch manifest create --server [replica] --cluster prod --out today.json --key backup.key
  vouch manifest create --server [replica] --cluster prod --out today.json --backup /backups/today \\
      --volatile 'shop.sessions=rewritten all the time' --valid-for 30d
  vouch manifest create --server [replica] --cluster prod --out today.json --method checksum-table

All tables are read in one snapshot, whose position is in the manifest. On a server that takes many writes
MySQL finds such a moment with BACKUP_ADMIN; a replica whose applier is stopped needs no luck.

Exit codes:
  0 written   2 usage   3 a table could not be read: nothing is written   130, 143 interrupted";

const SIGN_EXAMPLES: &str = "\
Examples:
  vouch manifest sign today.json --key backup.key
  vouch manifest sign today.json --key ~/.ssh/id_ed25519 --format ssh
  openssl pkeyutl -verify -rawin -pubin -inkey backup.key.pub -in today.json -sigfile today.json.sig

What other tools make is as good:
  openssl pkeyutl -sign -rawin -inkey backup.key -in today.json -out today.json.sig
  openssl dgst -sha256 -sign rsa.key -out today.json.sig today.json
  ssh-keygen -Y sign -n vouch-manifest -f ~/.ssh/id_ed25519 today.json
  minisign -S -m today.json";

const VERIFY_EXAMPLES: &str = "\
Examples:
  vouch manifest verify today.json --trust /etc/vouch/trust --cluster prod
  vouch manifest show today.json --trust /etc/vouch/trust --format json

Exit codes:
  0 signed by a trusted key, whole and in force   2 anything else";

/// `vouch manifest`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ManifestArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ManifestVerb,
}

/// The commands about manifests.
#[derive(Clone, Debug, Subcommand)]
pub enum ManifestVerb {
    /// Makes a key to sign manifests with
    #[command(after_help = KEYGEN_EXAMPLES)]
    Keygen(KeygenArgs),
    /// Reads all tables of a server in one snapshot, and writes down what they are
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Box<CreateArgs>),
    /// Signs a manifest: exactly the bytes of its file
    #[command(after_help = SIGN_EXAMPLES)]
    Sign(SignArgs),
    /// Says whether a manifest is to be believed, and who signed it
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(ReadArgs),
    /// Shows a manifest, once it is verified
    #[command(after_help = VERIFY_EXAMPLES)]
    Show(ShowArgs),
    /// Makes a manifest of what other tools wrote: checksums of scripts, mydumper, MySQL Shell
    #[command(after_help = import::EXAMPLES)]
    Import(Box<import::ImportArgs>),
    /// Tells what changed from one manifest to another
    #[command(after_help = look::DIFF_EXAMPLES)]
    Diff(look::DiffArgs),
    /// Tells everything that is wrong with a manifest, with its place
    #[command(after_help = look::LINT_EXAMPLES)]
    Lint(look::LintArgs),
}

/// `vouch manifest keygen`.
#[derive(Clone, Debug, Args)]
pub struct KeygenArgs {
    /// The private key; the public one is FILE.pub. Neither may be there yet
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// How rows are digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// SHA-256 over ranges of the key under a Merkle root; a multiset hash for tables without a key (manifest v2)
    RowSha256Tree,
    /// SHA-256 of every row, combined by XOR or a sum: finds accidents, not adversaries (manifest v1)
    RowSha256,
    /// What CHECKSUM TABLE says: 32 bits, for servers of the same series alone
    ChecksumTable,
}

/// Formats of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignatureFormat {
    /// The bytes, as openssl writes them
    Raw,
    /// The same in base64, as cosign writes it
    Base64,
    /// As ssh-keygen -Y sign writes it, in the namespace vouch-manifest
    Ssh,
    /// As minisign writes it
    Minisign,
}

/// What a new manifest says of its backup, how long it holds, and who signs it.
#[derive(Clone, Debug, Args)]
pub struct IssueArgs {
    /// The backup's folder: all of its files with size and SHA-256
    #[arg(long, value_name = "DIR")]
    pub backup: Option<PathBuf>,
    /// What made the backup
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub backup_kind: String,
    /// Where the backup is kept
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub backup_uri: String,
    /// How long the manifest holds [default: for ever]
    #[arg(long, value_name = "DURATION", value_parser = value::time_span)]
    pub valid_for: Option<Duration>,
    /// Sign it with this key, into FILE.sig
    #[arg(long, value_name = "KEY")]
    pub key: Option<PathBuf>,
}

/// `vouch manifest create`.
#[derive(Clone, Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    pub server: OneServerArgs,
    /// The manifest that is written
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The cluster that it is about
    #[arg(long, value_name = "NAME")]
    pub cluster: String,
    /// Its serial, which must not fall from one manifest of a cluster to the next [default: seconds since 1970]
    #[arg(long, value_name = "N")]
    pub serial: Option<u64>,
    /// How rows are digested
    #[arg(long, value_enum, value_name = "METHOD", default_value = "row-sha256-tree")]
    pub method: Method,
    /// Rows in a range of row-sha256-tree
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub range_rows: u64,
    /// Count rows with checksum-table too, which reads every table twice
    #[arg(long)]
    pub count_rows: bool,
    /// Only tables like these: DB.TABLE with * and ?; a list, may be given again
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    pub tables: Vec<String>,
    /// No tables like these
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    pub ignore_tables: Vec<String>,
    /// Write it although tables may be hidden from the account by its privileges
    #[arg(long)]
    pub accept_hidden_tables: bool,
    /// Tables whose rows change on purpose: of these only that they are there is said; may be given again
    #[arg(long, value_name = "PATTERN[=REASON]", value_parser = value::pattern_with_reason)]
    pub volatile: Vec<(String, String)>,
    /// Tables of which only the definition is said; may be given again
    #[arg(long, value_name = "PATTERN[=REASON]", value_parser = value::pattern_with_reason)]
    pub schema_only: Vec<(String, String)>,
    #[command(flatten)]
    pub issue: IssueArgs,
    /// How long a moment is sought at which all workers see the same
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::time_span)]
    pub snapshot_timeout: Duration,
    #[command(flatten)]
    pub effort: EffortArgs,
    /// No progress, and no warnings on stderr
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
    /// No progress
    #[arg(long, help_heading = "Output")]
    pub no_progress: bool,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: When,
    /// The configuration file [default: ./vouch.toml, or $XDG_CONFIG_HOME/vouch/vouch.toml]
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub config: Option<PathBuf>,
}

/// `vouch manifest sign`.
#[derive(Clone, Debug, Args)]
pub struct SignArgs {
    /// The manifest
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,
    /// The private key: PEM of Ed25519, RSA or P-256, or OpenSSH's Ed25519, without a passphrase
    #[arg(long, value_name = "KEY")]
    pub key: PathBuf,
    /// The format of the signature
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "raw")]
    pub format: SignatureFormat,
    /// The signature [default: MANIFEST.sig, or MANIFEST.minisig]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What is signed along with the manifest, in the minisign format
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub comment: String,
}

/// `vouch manifest verify`.
#[derive(Clone, Debug, Args)]
pub struct ReadArgs {
    /// The manifest
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// `vouch manifest show`.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
