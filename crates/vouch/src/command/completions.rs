//! `vouch completions`.

use crate::cli;
use crate::cli::tools::CompletionsArgs;
use crate::complaint::Complaint;
use crate::exit::Exit;

/// Prints the completions of a shell, made from the definition of the command line.
pub fn run(args: &CompletionsArgs) -> Result<Exit, Complaint> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "vouch", &mut script);
    super::write(&String::from_utf8_lossy(&script))
}
