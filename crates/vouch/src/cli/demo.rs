//! `vouch demo`.

use super::value::{ReportFile, report_file, time_span};
use clap::Args;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  vouch demo
  vouch demo --report demo.html
  vouch demo --rows 100000 --seconds 5s --keep";

/// The options of `vouch demo`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Leave the servers running and their folder in place, and say how to connect
    #[arg(long)]
    pub keep: bool,
    /// Also write the result to a file, by its name an .html page or a .json document; may be given again
    #[arg(long, value_name = "FILE", value_parser = report_file)]
    pub report: Vec<ReportFile>,
    /// Rows over all tables
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    pub rows: u64,
    /// How long the write load runs before rows are changed on the replica
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = time_span)]
    pub seconds: Duration,
}
