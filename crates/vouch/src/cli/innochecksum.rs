//! `vouch innochecksum`.

use clap::{ArgAction, Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  vouch innochecksum shop/orders.ibd              silent when every page is sound
  vouch innochecksum -S shop/orders.ibd           pages by their type
  vouch innochecksum -s 100 -e 199 -D pages.txt shop/orders.ibd
  vouch innochecksum -a 20 shop/*.ibd             up to 20 bad pages of a file are put up with
  ssh db1 cat orders.ibd | vouch innochecksum -

Exit codes:
  0 no more bad pages than allowed   1 more, or a file could not be looked at   2 usage
  130, 143 interrupted   70 a bug in vouch

vouch pages says more, looks at the inside of pages, and at whole backups with all processors.";

/// Whose words are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// Of the tool that comes with the server that wrote the file
    Auto,
    /// MySQL's
    Mysql,
    /// MariaDB's
    Mariadb,
}

/// A checksum algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// crc32
    #[value(alias = "strict_crc32")]
    Crc32,
    /// The formula of old
    #[value(alias = "strict_innodb")]
    Innodb,
    /// Checksums turned off
    #[value(alias = "strict_none")]
    None,
}

/// The options of `vouch innochecksum`: letters and names are those of the tool.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub struct InnochecksumArgs {
    /// Tablespace files, looked at until one has too many bad pages; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print the count of pages and exit
    #[arg(short, long)]
    pub count: bool,
    /// Start at this page, counted from 0
    #[arg(short, long, value_name = "PAGE", default_value_t = 0)]
    pub start_page: u32,
    /// End at this page [default: the last one]
    #[arg(short, long, value_name = "PAGE")]
    pub end_page: Option<u32>,
    /// Look at this page alone
    #[arg(short, long, value_name = "PAGE", conflicts_with_all = ["start_page", "end_page"])]
    pub page: Option<u32>,
    /// Bad pages of a file that are put up with
    #[arg(short, long, value_name = "PAGES", default_value_t = 0)]
    pub allow_mismatches: u64,
    /// Do not verify checksums: for the types of pages alone
    #[arg(short, long)]
    pub no_check: bool,
    /// Warn of pages whose checksum is of another algorithm
    #[arg(short = 'C', long, value_enum, value_name = "ALGORITHM")]
    pub strict_check: Option<Algorithm>,
    /// Count pages by their type
    #[arg(short = 'S', long)]
    pub page_type_summary: bool,
    /// Write the type of each page to a file
    #[arg(short = 'D', long, value_name = "FILE")]
    pub page_type_dump: Option<PathBuf>,
    /// Print each page, with --page-type-summary what is in it
    #[arg(short = 'i', long)]
    pub per_page_details: bool,
    /// Leave out pages that the tablespace has free
    #[arg(short = 'r', long)]
    pub skip_freed_pages: bool,
    /// Write what was seen of each page to a file
    #[arg(short, long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Say every 5 seconds how far it is
    #[arg(short, long)]
    pub verbose: bool,
    /// Refused: vouch never writes to data files
    #[arg(short, long, value_name = "ALGORITHM", num_args = 0..=1, default_missing_value = "", hide = true)]
    pub write: Option<String>,
    /// Whose words are used
    #[arg(long, value_enum, value_name = "TOOL", default_value = "auto")]
    pub words: Dialect,
    /// Print help
    #[arg(short = 'h', short_aliases = ['?', 'I'], alias = "info", long, action = ArgAction::Help)]
    pub help: Option<bool>,
}
