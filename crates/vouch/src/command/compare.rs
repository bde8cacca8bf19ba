//! `vouch compare`: options, signals, engine, renderers.

use super::running::{self, Show};
use crate::cli::Verb;
use crate::cli::output::OutputArgs;
use crate::complaint::{Complaint, printable};
use crate::config::Origins;
use crate::config::job::{self, Job};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::signal;
use crate::terminal::{Terminal, say};
use std::sync::Arc;
use vouch_compare::CompareOptions;
use vouch_report::{Stop, Summary};

/// Compares, shows the result and returns what it came to.
pub fn run(verb: Verb, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let Verb::Compare(args) = verb else { return Ok(Exit::Usage) };
    let Job { options, output, warnings } = job::compare(*args, origins, variables, running::ask)?;
    if !output.quiet {
        warnings.iter().for_each(|warning| say(&format!("warning: {}", printable(warning))));
    }
    let terminal = Terminal::of_process(output.color, variables);
    let stop = signal::stop()?;
    crate::batch::settle();
    let (summary, shown) = carry_out(&options, &output, terminal, &stop, true)?;
    Ok(shown.map_or_else(|problem| running::unwritten(&problem, &summary), |()| Exit::from(summary.verdict)))
}

/// Compares and shows the result as it comes. The second value is why a part of the result did not
/// reach its reader. With `at_once` a signal ends the process within a second, even if a server is silent.
///
/// # Errors
/// The comparison was refused: there is no result.
pub(super) fn carry_out(
    options: &CompareOptions,
    output: &OutputArgs,
    terminal: Terminal,
    stop: &Arc<Stop>,
    at_once: bool,
) -> Result<(Summary, Result<(), Complaint>), Complaint> {
    let show = Show { output, terminal, stop, at_once, exit: &|summary| Exit::from(summary.verdict) };
    show.carry_out(&|context| vouch_compare::compare(options, context)).map_err(Complaint::from)
}
