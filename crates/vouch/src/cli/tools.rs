//! The small commands: `vouch explain`, `vouch completions`, `vouch man`.

use clap::Args;
use std::path::PathBuf;

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  vouch explain row-changed
  vouch explain                     all codes";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  vouch completions bash > ~/.local/share/bash-completion/completions/vouch
  vouch completions zsh > ~/.zfunc/_vouch";

const MAN_EXAMPLES: &str = "\
Examples:
  vouch man | man -l -
  vouch man ~/.local/share/man/man1";

/// Explains a code of a finding, error, skip or notice.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub struct ExplainArgs {
    /// The code, such as row-changed; without it all codes are listed
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Prints completions for a shell.
#[derive(Clone, Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Writes man pages.
#[derive(Clone, Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// Folder to write a page for each command to; without it, vouch(1) goes to stdout
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}
