//! The layer of the environment: `VOUCH_CHUNK_TIME` for `--chunk-time`.

use super::layers::{Given, Origin};
use crate::environment::Environment;

/// Options whose values hold commas of their own, and are parted by blanks in a variable.
const PARTED_BY_BLANKS: [&str; 2] = ["replica", "report"];

/// What the environment has for an option.
pub(super) fn given(option: &clap::Arg, variables: &Environment) -> Option<Given> {
    let name = option.get_long()?;
    let variable = format!("VOUCH_{}", name.to_ascii_uppercase().replace('-', "_"));
    let value = variables.raw(&variable)?;
    let values = match value.to_str() {
        Some(text) if PARTED_BY_BLANKS.contains(&name) => text.split_whitespace().map(Into::into).collect(),
        _ => vec![value],
    };
    Some(Given { values, origin: Origin::Variable(variable) })
}
