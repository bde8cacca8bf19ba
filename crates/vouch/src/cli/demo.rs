//! `vouch demo`.

use super::value::{ReportFile, report_file};
use clap::Args;

const EXAMPLES: &str = "\
Examples:
  vouch demo
  vouch demo --rows 100000 --report demo.html --report demo.json
  vouch demo --keep                 and then, in another terminal, the commands that it prints

Exit codes:
  0 exactly what was put on the replica was found   3 something could not be looked at
  130, 143 interrupted   70 something else was found, or not all of it";

/// The options of `vouch demo`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Rows over all tables
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    pub rows: u64,
    /// Where to write the result, by its name an .html page or a .json document; may be given again
    #[arg(long, value_name = "FILE", default_value = "vouch-demo-report.html", value_parser = report_file)]
    pub report: Vec<ReportFile>,
    /// Keep the servers and the write load until Ctrl-C, and say how to connect
    #[arg(long)]
    pub keep: bool,
    /// On MySQL, which `script/servers mysql` unpacks, instead of the MariaDB of the distribution
    #[arg(long)]
    pub mysql: bool,
}
