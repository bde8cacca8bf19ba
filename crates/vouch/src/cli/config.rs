//! `vouch config`.

use super::compare::CompareArgs;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  vouch config show
  vouch config show --config prod.toml --max-lag 5s";

/// Shows what is configured.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ConfigVerb,
}

/// The commands under `vouch config`.
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Prints every option of compare with its value and where that comes from
    ///
    /// Takes all options of `vouch compare`. Passwords are not shown.
    Show(Box<ConfigShowArgs>),
}

/// The options of `vouch config show`: those of the command that is asked about.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ConfigShowArgs {
    #[command(flatten)]
    pub compare: CompareArgs,
}
