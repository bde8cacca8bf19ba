//! The commands: each composes libraries and returns how the process ends.

mod checksum;
mod compare;
mod completions;
mod config;
mod demo;
mod drill;
mod evidence;
mod explain;
mod innochecksum;
mod last_words;
mod man;
mod manifest;
mod pages;
mod probe;
mod recording;
mod report;
mod running;
mod serve;
mod trust;
mod validate;
mod wire;

use crate::cli::{self, Cli, Verb};
use crate::complaint::{Complaint, cause};
use crate::config::Origins;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::{refusal, terminal};
use clap::{ArgMatches, FromArgMatches};
use std::ffi::OsString;

/// Runs the command that the arguments ask for.
///
/// # Errors
/// A [`Complaint`] when there is no result.
pub fn run(arguments: &[OsString], variables: &Environment) -> Result<Exit, Complaint> {
    let flags = match cli::command().try_get_matches_from(arguments) {
        Ok(flags) => flags,
        Err(error) if !error.use_stderr() => return write(&error.render().to_string()),
        Err(error) => return Err(refusal::complaint(&error, &Origins::default())),
    };
    let Some(path) = layered(&flags) else { return dispatch(&flags, variables) };
    let configured = crate::config::read(arguments, &flags, path, variables)?;
    match path {
        ["compare"] => compare::run(verb(&configured.matches)?, &configured.origins, variables),
        ["probe", ..] => probe::run(verb(&configured.matches)?, &configured.origins, variables),
        ["validate"] => validate::run(verb(&configured.matches)?, &configured.origins, variables),
        ["manifest", ..] => manifest::run(verb(&configured.matches)?, &configured.origins, variables),
        ["serve"] => serve::run(verb(&configured.matches)?, arguments, &configured.origins, variables),
        ["checksum", ..] => checksum::run(verb(&configured.matches)?, &configured.origins, variables),
        _ => config::show(&configured),
    }
}

/// The id of a run that keeps no state: the time at which it began, and its process.
fn fresh_run_id() -> String {
    format!("{:x}-{:x}", vouch_convert::unix_ms(), std::process::id())
}

/// The commands that take their options from configuration too.
fn layered(flags: &ArgMatches) -> Option<&'static [&'static str]> {
    match flags.subcommand_name() {
        Some("compare") => Some(&["compare"]),
        Some("serve") => Some(&["serve"]),
        Some("validate") => Some(&["validate"]),
        Some("manifest") => {
            let create = flags.subcommand_matches("manifest").and_then(ArgMatches::subcommand_name) == Some("create");
            create.then_some(&["manifest", "create"])
        }
        Some("probe") => match flags.subcommand_matches("probe").and_then(ArgMatches::subcommand_name) {
            None => Some(&["probe"]),
            Some("pass-persist") => Some(&["probe", "pass-persist"]),
            Some("heartbeat") => Some(&["probe", "heartbeat"]),
            Some("doctor") => Some(&["probe", "doctor"]),
            Some("replay") => Some(&["probe", "replay"]),
            Some(_) => None,
        },
        Some("checksum") => match flags.subcommand_matches("checksum").and_then(ArgMatches::subcommand_name) {
            Some("check") => Some(&["checksum", "check"]),
            Some("plan") => Some(&["checksum", "plan"]),
            Some("status") => Some(&["checksum", "status"]),
            _ => Some(&["checksum"]),
        },
        Some("config") => Some(&["config", "show"]),
        _ => None,
    }
}

fn dispatch(flags: &ArgMatches, variables: &Environment) -> Result<Exit, Complaint> {
    match verb(flags)? {
        Verb::Drill(args) => drill::run(&args, variables),
        Verb::Pages(args) => pages::run(&args, variables),
        Verb::Innochecksum(args) => innochecksum::run(&args),
        Verb::Demo(args) => demo::run(&args, variables),
        Verb::Explain(args) => explain::run(&args, variables),
        Verb::Completions(args) => completions::run(&args),
        Verb::Man(args) => man::run(&args),
        Verb::Probe(args) => probe::run(Verb::Probe(args), &Origins::default(), variables),
        Verb::Manifest(args) => manifest::run(Verb::Manifest(args), &Origins::default(), variables),
        Verb::Compare(_) | Verb::Checksum(_) | Verb::Config(_) | Verb::Serve(_) | Verb::Validate(_) => Ok(Exit::Usage),
    }
}

pub(crate) fn verb(matches: &ArgMatches) -> Result<Verb, Complaint> {
    let parsed = Cli::from_arg_matches(matches).map_err(|error| refusal::complaint(&error, &Origins::default()))?;
    Ok(parsed.verb)
}

/// Writes data to stdout; nothing can be said for an answer that did not arrive.
fn write(text: &str) -> Result<Exit, Complaint> {
    terminal::write_data(text).map_err(|error| unwritten(&error))?;
    Ok(Exit::Clean)
}

fn unwritten(error: &std::io::Error) -> Complaint {
    Complaint::incomplete(format!("the result could not be written to stdout: {}", cause(error)))
        .hint("look for a full disk")
}
