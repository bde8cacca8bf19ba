//! `vouch config show`.

use crate::complaint::Complaint;
use crate::config::job::redacted;
use crate::config::{Configured, Origin};
use crate::exit::Exit;
use clap::{ArgAction, ArgMatches};

/// Prints every option with its value and origin, as TOML that could be a `vouch.toml`.
pub fn show(configured: &Configured) -> Result<Exit, Complaint> {
    let file = configured.file.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
    let mut text = format!("# configuration file: {file}\n");
    let matches = configured.matches.subcommand_matches("config").and_then(|config| config.subcommand_matches("show"));
    if let Some(matches) = matches {
        for option in &crate::config::options_of(&["config", "show"]) {
            text.push_str(&line(option, matches, configured));
        }
    }
    super::write(&text)
}

fn line(option: &clap::Arg, matches: &ArgMatches, configured: &Configured) -> String {
    let name = option.get_long().unwrap_or_default();
    let origin = configured.origins.of(name);
    let value = value(option, matches);
    let left = match &value {
        Some(value) => format!("{name} = {value}"),
        None => format!("# {name} ="),
    };
    let right = match (&value, &origin) {
        (None, Origin::Default) => "not set".to_owned(),
        _ => origin.describe(name),
    };
    format!("{left:<48}  # {right}\n")
}

/// The value as TOML; `None` when there is none.
fn value(option: &clap::Arg, matches: &ArgMatches) -> Option<String> {
    let id = option.get_id().as_str();
    if matches!(option.get_action(), ArgAction::SetTrue) {
        return Some(matches.get_flag(id).to_string());
    }
    let raw = matches.get_raw(id)?;
    let address = ["source", "replica"].contains(&id);
    let show = |text: &std::ffi::OsStr| {
        let text = text.to_string_lossy();
        quoted(&if address { redacted(&text) } else { text.into_owned() })
    };
    let values: Vec<String> = raw.map(show).collect();
    let list = matches!(option.get_action(), ArgAction::Append);
    Some(if list { format!("[{}]", values.join(", ")) } else { values.join("") })
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
