//! `vouch manifest import`.

use super::IssueArgs;
use crate::cli::value;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Shown below the help.
pub const EXAMPLES: &str = "\
Examples:
  vouch manifest import checksums.json --cluster prod --out today.json --flavor mysql --server-version 8.4.3
  vouch manifest import /backups/mydumper --cluster prod --out today.json --backup /backups/mydumper --key backup.key
  vouch manifest import /backups/shell/@.checksums.json --cluster prod --out today.json

Reads a flat map {\"schema.table\": \"3847291056\"} of CHECKSUM TABLE, the file metadata of mydumper (dumped with
--data-checksums), or the file @.checksums.json of MySQL Shell (dumped with checksum: true).

The checksums of a flat map and of mydumper are those of CHECKSUM TABLE, and are held against the rows. Those of
MySQL Shell can only be made by MySQL Shell, which does so when it loads the dump with checksum: true: here the
numbers of rows are taken over, and nothing is said about what is in them. What cannot be taken over is left out,
and stands in the manifest with the reason.

Exit codes:
  0 written   2 the file is none of these, or says something that cannot be: nothing is written";

/// What wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// By what is in it
    Auto,
    /// A flat map of checksums
    Flat,
    /// mydumper
    Mydumper,
    /// MySQL Shell
    Mysqlsh,
}

/// The flavors of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ServerFlavor {
    /// MySQL, and Percona Server
    Mysql,
    /// MariaDB
    Mariadb,
}

/// `vouch manifest import`.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The file, or the folder of the dump
    #[arg(value_name = "FILE|DIR")]
    pub file: PathBuf,
    /// The manifest that is written
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The cluster that it is about
    #[arg(long, value_name = "NAME")]
    pub cluster: String,
    /// What wrote the file
    #[arg(long, value_enum, value_name = "TOOL", default_value = "auto")]
    pub from: From,
    /// Its serial, which must not fall from one manifest of a cluster to the next [default: seconds since 1970]
    #[arg(long, value_name = "N")]
    pub serial: Option<u64>,
    /// The kind of server that it was taken from: checksums hold for no other
    #[arg(long, value_enum, value_name = "FLAVOR", requires = "server_version")]
    pub flavor: Option<ServerFlavor>,
    /// The version of that server
    #[arg(long, value_name = "VERSION", requires = "flavor")]
    pub server_version: Option<String>,
    /// The GTIDs as of which it was taken, where the file does not say so
    #[arg(long, value_name = "SET")]
    pub gtid: Option<String>,
    /// Hold numbers of rows too, and alone where mydumper made no checksum
    #[arg(long)]
    pub count_rows: bool,
    /// A database that is restored under another name; may be given again
    #[arg(long, value_name = "DUMPED=RESTORED", value_parser = value::renamed)]
    pub rename: Vec<(String, String)>,
    /// Tables whose rows change on purpose: of these only that they are there is said; may be given again
    #[arg(long, value_name = "PATTERN[=REASON]", value_parser = value::pattern_with_reason)]
    pub volatile: Vec<(String, String)>,
    #[command(flatten)]
    pub issue: IssueArgs,
    /// No warnings on stderr
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}
