//! Lays flags, environment, configuration file and defaults over each other.
//!
//! The layers below the flags are turned into arguments and parsed together with
//! them, so that every value goes through the same checks wherever it stands.

use super::{environment, file};
use crate::complaint::Complaint;
use crate::environment::Environment;
use crate::{cli, refusal};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// This variable.
    Variable(String),
    /// This line of the configuration file.
    File(PathBuf, usize),
    /// Nobody gave one.
    Default,
}

impl Origin {
    /// In words: `--chunk-time`, `VOUCH_CHUNK_TIME`, `vouch.toml line 3`, `default`.
    pub fn describe(&self, option: &str) -> String {
        match self {
            Origin::Flag => format!("--{option}"),
            Origin::Variable(name) => name.clone(),
            Origin::File(path, line) => format!("{} line {line}", path.display()),
            Origin::Default => "default".to_owned(),
        }
    }
}

/// Where the value of each option came from; the key is its name without dashes in front.
#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where an option's value came from.
    pub fn of(&self, option: &str) -> Origin {
        self.0.get(option).cloned().unwrap_or(Origin::Default)
    }

    /// The place of a value that is not on the command line, for an error of clap
    /// about an argument that it calls `--chunk-time <DURATION>`.
    pub fn place(&self, argument: &str) -> Option<String> {
        let option = argument.trim_start_matches('-').split([' ', '=']).next()?;
        match self.0.get(option)? {
            Origin::Flag | Origin::Default => None,
            origin => Some(format!("from {}", origin.describe(option))),
        }
    }
}

/// A value that a lower layer has for an option.
pub(super) struct Given {
    pub(super) values: Vec<OsString>,
    pub(super) origin: Origin,
}

/// All layers together.
#[derive(Debug)]
pub struct Configured {
    /// What clap made of all layers, for the whole command line.
    pub matches: ArgMatches,
    /// Where the values came from.
    pub origins: Origins,
    /// The configuration file that was read.
    pub file: Option<PathBuf>,
}

/// Adds environment and configuration file to the arguments of the command at
/// `words` (such as `config show`), which `flags` have already been parsed from.
///
/// # Errors
/// Whatever is wrong in a layer, with its place.
pub fn read(
    arguments: &[OsString],
    flags: &ArgMatches,
    words: &[&str],
    variables: &Environment,
) -> Result<Configured, Complaint> {
    let definition = definition(words);
    let flags = words.iter().try_fold(flags, |matches, name| matches.subcommand_matches(name));
    let on_flags = |id: &str| {
        flags.is_some_and(|flags| {
            flags.try_contains_id(id).unwrap_or(false) && flags.value_source(id) == Some(ValueSource::CommandLine)
        })
    };
    let named = flags.and_then(|flags| flags.get_one::<PathBuf>("config").cloned());
    let file = file::find(named, variables)?
        .map(|path| file::read(&path, &definition, words.first().copied().unwrap_or_default()))
        .transpose()?;

    let mut arguments = arguments.to_vec();
    let mut origins = Origins::default();
    for option in options(&definition) {
        let name = option.get_long().unwrap_or_default();
        if on_flags(option.get_id().as_str()) {
            origins.0.insert(name.to_owned(), Origin::Flag);
            continue;
        }
        let lower = environment::given(option, variables);
        let Some(given) = lower.or_else(|| file.as_ref().and_then(|file| file.given(name))) else { continue };
        append(&mut arguments, option, &given)?;
        origins.0.insert(name.to_owned(), given.origin);
    }
    let matches =
        cli::command().try_get_matches_from(arguments).map_err(|error| refusal::complaint(&error, &origins))?;
    Ok(Configured { matches, origins, file: file.map(|file| file.path) })
}

/// The definition of the command at `path`.
fn definition(path: &[&str]) -> clap::Command {
    let mut command = cli::command();
    command.build();
    path.iter().fold(command, |command, name| command.find_subcommand(name).cloned().unwrap_or(command))
}

/// The options of the command at `path` that layers may set, in the order of its help.
pub fn options_of(path: &[&str]) -> Vec<clap::Arg> {
    options(&definition(path)).cloned().collect()
}

/// The options that layers may set. Where the configuration file is cannot stand in it.
pub(super) fn options(definition: &clap::Command) -> impl Iterator<Item = &clap::Arg> {
    definition.get_arguments().filter(|arg| {
        arg.get_long().is_some_and(|name| name != "config")
            && !matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong)
    })
}

fn append(arguments: &mut Vec<OsString>, option: &clap::Arg, given: &Given) -> Result<(), Complaint> {
    let name = option.get_long().unwrap_or_default();
    let place = given.origin.describe(name);
    if matches!(option.get_action(), ArgAction::SetTrue) {
        match given.values.first().and_then(|value| value.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "1" | "yes" | "on") => arguments.push(format!("--{name}").into()),
            Some("false" | "0" | "no" | "off") => {}
            _ => {
                return Err(
                    Complaint::usage(format!("{name} is neither true nor false ({place})")).hint("write true or false")
                );
            }
        }
        return Ok(());
    }
    if given.values.len() > 1 && !matches!(option.get_action(), ArgAction::Append) {
        return Err(Complaint::usage(format!("{name} takes one value, not a list ({place})")).hint("write one value"));
    }
    for value in &given.values {
        let mut argument = OsString::from(format!("--{name}="));
        argument.push(value);
        arguments.push(argument);
    }
    Ok(())
}
