//! `vouch pages`.

use super::output::OutputArgs;
use super::validate::TrustArgs;
use super::value::size;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  vouch pages /backups/today                    a backup directory
  vouch pages /var/lib/mysql --report now.html  a data directory, with a map of its pages
  vouch pages shop/orders.ibd --level page
  vouch pages backup.mbstream.zst               an image, as it streams
  xtrabackup --backup --stream | vouch pages -  the same before it is anywhere
  vouch pages /backups/today --format json --quiet
  vouch pages /var/lib/mysql --rate 200M --format mysqlbackup --max-bad-pages 20
  vouch pages /backups/today --manifest today.json --trust /etc/vouch/trust

Exit codes:
  0 clean   1 findings   2 usage   3 incomplete   130, 143 interrupted   70 a bug in vouch";

/// How deep pages are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Checksums, and whether each page is in its place
    Quick,
    /// The directory and the records of index pages as well
    Page,
    /// Links between pages, levels and lost pages as well, where files are of one moment
    Tree,
    /// What takes longer as well: compressed pages decompressed, lengths of records, the order of keys
    Full,
}

/// Formulas of checksums, by the names of innodb_checksum_algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Algorithm {
    /// CRC-32C first, any other accepted
    Crc32,
    /// The formula of old first, any other accepted
    Innodb,
    /// Any formula accepted
    None,
    /// Any formula accepted; files say themselves that they have this one
    FullCrc32,
    /// CRC-32C, where files do not say themselves what they have
    StrictCrc32,
    /// The formula of old, where files do not say themselves what they have
    StrictInnodb,
    /// No checksums, where files do not say themselves what they have
    StrictNone,
    /// The same as strict_crc32: files that could have no other one say so themselves
    StrictFullCrc32,
}

/// As of when the files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// As the backup's notes or the redo log tell
    Auto,
    /// Of one moment: a server that was shut down, a prepared backup, an export
    Clean,
    /// Of several moments: yet to be recovered
    Raw,
}

/// The options of `vouch pages`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PagesArgs {
    /// Tablespaces, data directories, backup directories, images, packed files; - is standard input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// How deep pages are looked at
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "tree")]
    pub level: Level,
    /// As of when the files are
    #[arg(long, value_enum, value_name = "STATE", default_value = "auto")]
    pub state: State,
    /// The formula of checksums that is expected; the strict_ ones accept no other [default: as backup-my.cnf hints]
    #[arg(long, value_enum, value_name = "ALGORITHM", hide_possible_values = true)]
    pub algorithm: Option<Algorithm>,
    /// Keys of encrypted pages: the file of component_keyring_file, keyring_file or file_key_management
    #[arg(long, value_name = "FILE")]
    pub keyring: Vec<PathBuf>,
    /// The file with the password of a keyring that openssl has encrypted
    #[arg(long, value_name = "FILE", requires = "keyring")]
    pub keyring_password_file: Option<PathBuf>,
    /// The key of files that xtrabackup has encrypted: its --encrypt-key-file
    #[arg(long, value_name = "FILE")]
    pub xbcrypt_key_file: Option<PathBuf>,
    /// Threads that read and verify [default: one for each processor]
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Bytes a second that are read at most, such as 200M [default: as fast as it goes]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub rate: Option<u64>,
    /// Leave out the rest of a file that has more bad pages than this [default: look at all pages]
    #[arg(long, value_name = "PAGES")]
    pub max_bad_pages: Option<u64>,
    /// Findings that are listed for one file; the rest is counted
    #[arg(long, value_name = "FINDINGS", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_findings: u32,
    /// Hold the directory against the files, sizes and digests that this manifest lists
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    #[command(flatten)]
    pub trust: TrustArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
