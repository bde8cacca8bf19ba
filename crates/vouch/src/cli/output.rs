//! Output options, the same for every command with a result.

use super::value::{ReportFile, report_file};
use clap::{Args, ValueEnum};

/// What stdout gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table and a verdict in plain words
    Human,
    /// The result as one JSON document
    Json,
    /// Events as they happen, one JSON object a line, the result last
    Jsonl,
    /// Of vouch checksum: a line for each table, as pt-table-checksum prints it
    Percona,
    /// Of vouch pages: a line for each damaged file, as mysqlbackup validate prints it
    Mysqlbackup,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How results are shown.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// What stdout gets
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "human", hide_possible_values = false)]
    pub format: Format,
    /// Also write the result to a file, by its name an .html page, a .json document or JUnit's .xml; may be given again
    #[arg(long, value_name = "FILE", value_parser = report_file)]
    pub report: Vec<ReportFile>,
    /// No progress, and no warnings on stderr
    #[arg(long, short)]
    pub quiet: bool,
    /// No progress
    #[arg(long)]
    pub no_progress: bool,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}
