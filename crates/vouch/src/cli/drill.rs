//! `vouch drill`.

use super::alert::{AlertArgs, EvidenceArgs};
use super::output::OutputArgs;
use super::validate::{EffortArgs, TrustArgs};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  vouch drill --backup /backups/today --manifest today.json --trust /etc/vouch/trust
  vouch drill --backup /backups/today --manifest today.json --trust keys --report drill.html
  vouch drill --backup /backups/today --manifest today.json --trust keys --format json --quiet
  vouch drill --backup /backups/today --manifest today.json --trust keys --evidence drill.proof.json \
      --evidence-key auditor.key --webhook https://ops.example/hook

What it does, each step timed: holds the files against the manifest, verifies every page, makes a private
copy, prepares it where it is not, starts a server on it without networking, and validates every table.
The backup is only read; the copy and the server are gone when it ends. The copy takes as much room as the
backup, under $TMPDIR or --scratch. It needs the server's programs, and mariadb-backup or xtrabackup for a
backup that is yet to be prepared.

Exit codes:
  0 every table of the manifest is there and valid on a server started from the backup
  1 anything else that was found   2 usage: nothing was looked at   130, 143 interrupted   70 a bug in vouch";

/// The options of `vouch drill`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DrillArgs {
    /// The backup: a directory of mariadb-backup or xtrabackup, prepared or not, or a cold copy of a data directory
    #[arg(long, value_name = "DIR")]
    pub backup: PathBuf,
    /// The manifest
    #[arg(long, value_name = "FILE")]
    pub manifest: PathBuf,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// The folder in which the private copy is made [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// Keys of encrypted tablespaces: the file of MariaDB's file_key_management
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
    /// The file with the password of a keyring that openssl has encrypted
    #[arg(long, value_name = "FILE", requires = "keyring")]
    pub keyring_password_file: Option<PathBuf>,
    /// Do not verify pages first; the server that is started looks at those that it reads
    #[arg(long)]
    pub no_pages: bool,
    #[command(flatten)]
    pub effort: EffortArgs,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    #[command(flatten)]
    pub alert: AlertArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
