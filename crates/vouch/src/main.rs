//! `vouch`: proves that MySQL and MariaDB data is intact.
//!
//! The binary reads arguments, environment and configuration, composes the
//! libraries and exits; all else is in them. Way of a command: `cli` parses,
//! `config` makes typed options, `command` runs, `exit` ends.

mod alert;
mod batch;
mod cli;
mod command;
mod complaint;
mod config;
mod environment;
mod exit;
mod nearest;
mod notify;
mod panic;
mod refusal;
mod signal;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    panic::install();
    let environment = environment::Environment::of_process();
    let arguments: Vec<_> = std::env::args_os().collect();
    command::run(&arguments, &environment)
        .unwrap_or_else(|complaint| {
            terminal::say(&complaint.to_string());
            complaint.exit
        })
        .into()
}
